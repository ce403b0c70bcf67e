/* Sites that versions of workers have, by what their configuration says: read once, at first use,
 * and shared by those who have the same.
 *
 * `assets` of a version's configuration: {store, manifest}: the text <store>/sites/<manifest> and
 * the contents <store>/files/<two digits>/<hash> below the storage directory; or, in `atoll dev`,
 * {directory, config, script, navigates}.
 * Owns: the sites. Thread: the loop's. Limits: those of site.h. */
#ifndef ATOLL_BINDINGS_SITE_OPEN_H
#define ATOLL_BINDINGS_SITE_OPEN_H

#include <jansson.h>

#include "bindings/assets/site.h"

enum { SITE_OPEN_PATH_MAX = 4096 };

struct site_open;

/* Shared: site_open_unref(). NULL when it is none that can be. Reads nothing. */
struct site_open *site_open_new(const json_t *assets);

struct site_open *site_open_ref(struct site_open *open);
void site_open_unref(struct site_open *open);   /* NULL is fine */

/* The site, borrowed; NULL with `err` when it cannot be read. The first call reads a local file. */
struct site *site_open_site(struct site_open *open, struct err *err);

/* Where a file's contents are. False when that is too long. */
bool site_open_path(const struct site_open *open, const struct site_file *file,
                    char ret[SITE_OPEN_PATH_MAX]);

/* True when coded contents are kept beside the files. */
bool site_open_keeps(const struct site_open *open);

#endif
