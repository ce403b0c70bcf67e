/* Bytes that come piece by piece, for a put or a part: kept for a moment, written on a thread, and
 * at the end a request about them.
 *
 *   (keep* write)* ── end: written, synced, then the request's word
 *
 * An upload that is let go of before its end leaves nothing.
 * Owns: its body. Thread: the loop's. Limits: R2_UPLOAD_KEPT_BYTES before it has to be written. */
#ifndef ATOLL_BINDINGS_R2_UPLOAD_H
#define ATOLL_BINDINGS_R2_UPLOAD_H

#include "bindings/r2/r2_request.h"

enum { R2_UPLOAD_KEPT_BYTES = 256 * 1024 };

struct r2_upload;

/* For `word`, with the request's arguments for their checksum. Returned with a reference. */
struct r2_upload *r2_upload_new(struct r2_bucket *bucket, const struct r2_request_word *word,
                                const json_t *args);
struct r2_upload *r2_upload_ref(struct r2_upload *upload);

/* NULL is fine. */
void r2_upload_unref(struct r2_upload *upload);

/* True while it writes, and from r2_upload_end() on: none of the calls below is for then. */
bool r2_upload_is_busy(const struct r2_upload *upload);

/* Copies them; false: write before more. Not while it writes. */
bool r2_upload_keep(struct r2_upload *upload, str bytes);

/* Embed it and fill in `done` and `err`. */
struct r2_upload_wait {
    void (*done)(struct r2_upload_wait *wait);
    struct err *err;
};

/* Writes what was kept. One at a time; after a failure each one fails. */
void r2_upload_write(struct r2_upload *upload, struct r2_upload_wait *wait);

/* Writes and syncs what is left, then starts `request`, whose done() is called once; until then the
 * caller keeps a reference. */
void r2_upload_end(struct r2_upload *upload, struct r2_request *request);

#endif
