/* An object's bytes on their way to the disk, and back from there.
 *
 * What has R2_BODY_SMALL_BYTES at most stays in memory, to be kept in the index; the rest is a file
 * with a random name in `directory` (store/cache_body.h), locked while it is being written, synced
 * at its end, and removed when nobody adopts it.
 * Owns: the descriptor, the bytes. Thread: any, one at a time; every call but init blocks.
 * Errors: ERR_LIMIT, the disk is full; ERR_IO. Texts are for tenants: no paths. */
#ifndef ATOLL_BINDINGS_R2_BODY_H
#define ATOLL_BINDINGS_R2_BODY_H

#include "base/buf.h"
#include "bindings/r2/r2_digest.h"
#include "store/cache_body.h"

enum { R2_BODY_SMALL_BYTES = 32 * 1024 };

struct r2_body {
    char *directory;
    int fd;                             /* -1: no file */
    char file[CACHE_BODY_NAME_BYTES];   /* empty: no file */
    uint64_t length;
    struct buf small;
    struct r2_digest digest;
    char md5[R2_DIGEST_HEX_BYTES];      /* from r2_body_end() on, */
    char other[R2_DIGEST_HEX_BYTES];    /* and this: of digest.name */
    bool is_part;                       /* a file in any case */
};

/* `directory` is copied; `checksum` as in r2_digest_init(). */
void r2_body_init(struct r2_body *body, const char *directory, const char *checksum);

/* Takes back what nobody has adopted. */
void r2_body_done(struct r2_body *body);

NODISCARD int r2_body_write(struct r2_body *body, str bytes, struct err *err);

/* All is there: on the disk, if it is a file. */
NODISCARD int r2_body_end(struct r2_body *body, struct err *err);

/* A row names its file now. */
void r2_body_adopt(struct r2_body *body);

#endif
