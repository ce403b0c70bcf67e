/* The static assets of a project, brought to a server: what it does not have yet is sent.
 *
 * Owns: nothing. Thread: one; it blocks. Limits: those of bindings/assets/site.h. */
#ifndef ATOLL_REMOTE_SITE_UPLOAD_H
#define ATOLL_REMOTE_SITE_UPLOAD_H

#include "control/config.h"
#include "remote/remote.h"

struct site_upload {
    json_t *assets;             /* for `assets` of the metadata: {jwt, config} */
    size_t files, sent;
    uint64_t bytes, sent_bytes;
};

/* True when the configuration names a directory of assets. */
bool site_upload_is_due(const struct config *config);

/* Sends them for a worker. `on_progress` (may be NULL) hears how many of the bytes are there.
 * Returns 0 with the result (`assets` is the caller's), ERR_NOT_FOUND when there is no such
 * directory, ERR_LIMIT, ERR_INVALID, ERR_IO, or as remote_call(). */
NODISCARD int site_upload_run(struct remote *remote, const char *worker,
                              const struct config *config,
                              void (*on_progress)(uint64_t sent, uint64_t total),
                              struct site_upload *ret, struct err *err);

#endif
