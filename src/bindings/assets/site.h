/* A site: the files of one version of a worker by their paths, and how they are served.
 *
 * It is a text that the server writes once for each version and runtimes read (site_write tells its
 * form), or, in `atoll dev`, a directory that is looked at for every request.
 * Owns: its text. Thread: one; a directory's lookups read it, a text's never block.
 * Limits: SITE_FILES_MAX files; SITE_PATH_MAX bytes of a path; SITE_BYTES_MAX for the text. */
#ifndef ATOLL_BINDINGS_SITE_H
#define ATOLL_BINDINGS_SITE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    SITE_FILES_MAX = 20000,
    SITE_FILE_BYTES_MAX = 25 << 20,
    SITE_PATH_MAX = 2048,
    SITE_TYPE_MAX = 256,
    SITE_HASH_BYTES = 64,               /* hexadecimal digits of a SHA-256 */
    SITE_FIRST_MAX = 100,               /* patterns of run_worker_first, */
    SITE_FIRST_BYTES_MAX = 500,         /* each of so many bytes */
    SITE_RULES_BYTES_MAX = 4 << 20,     /* of _headers, of _redirects */
    SITE_BYTES_MAX = 80 << 20,
};

/* What a worker is that has files and nothing else: a script that nobody calls. */
#define SITE_STUB_SCRIPT \
    "(async function(main,require,module){\n"                                                    \
    "main({default:{fetch:()=>new Response(null,{status:404})}});})"

enum site_html { SITE_HTML_AUTO, SITE_HTML_FORCE, SITE_HTML_DROP, SITE_HTML_NONE };
enum site_missing { SITE_MISSING_NONE, SITE_MISSING_PAGE, SITE_MISSING_APP };

struct site_settings {
    enum site_html html;
    enum site_missing missing;
    bool has_script;     /* what no file answers is the script's */
    bool navigates;      /* but for a browser's navigation, which gets what is for missing files */
    str first;           /* patterns of paths whose requests the script gets first, a line each:
                          * "/api/\*", "!/api/docs/\*"; "*" alone: all */
    str headers;         /* the file _headers; "": there is none */
    str redirects;       /* the file _redirects */
};

struct site_file {
    str path;            /* "/a b/é.html": as it is, not percent-encoded */
    str hash;            /* names its contents; in a directory it tells them from earlier ones */
    str type;            /* Content-Type; "": it has none */
    uint64_t bytes;
};

struct site;

/* Reads `assets` as a configuration or an upload has it. Its texts are borrowed from `config`, but
 * for `first`, which is built in `lines`. ERR_INVALID with a text that names the key. */
NODISCARD int site_read_settings(const json_t *config, struct site_settings *ret,
                                 struct buf *lines, struct err *err);

/* Whether a browser's navigation gets what is for missing files, by compatibility date and flags
 * (assets_navigation_prefers_asset_serving); both may be NULL. */
bool site_navigates(const char *date, const json_t *flags);

/* Appends the text of a site; the files are sorted by path (memcmp), none twice. Returns 0 or
 * ERR_LIMIT. */
NODISCARD int site_write(const struct site_settings *settings, const struct site_file *files,
                         size_t count, struct buf *out);

/* The order of paths, for qsort() of struct site_file. */
int site_compare(const void *a, const void *b);

/* A site of a text (taken by the caller's buf_take(): freed with the site, and on failure). Returns
 * 0 with it, returned owned; ERR_INVALID. */
NODISCARD int site_parse(char *text, size_t len, struct site **ret, struct err *err);

/* A site of a directory (copied). Texts of the settings are copied; _headers and _redirects are
 * read from the directory. */
struct site *site_of_directory(const char *directory, const struct site_settings *settings);

/* NULL is fine. */
void site_free(struct site *site);

const struct site_settings *site_settings(const struct site *site);

/* False when there is no file at this path. What is found is borrowed: from a directory until the
 * next two calls, else until the site is freed. */
bool site_find(struct site *site, str path, struct site_file *ret);

size_t site_count(const struct site *site);
struct site_file site_at(const struct site *site, size_t index);

/* Its _headers and _redirects, read when they are first asked for. Borrowed until the next call. */
struct site_rules *site_rules(struct site *site);

#endif
