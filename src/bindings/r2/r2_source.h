/* An object's bytes on their way out: a range of one file or of several, read piece by piece.
 *
 * A file is opened when it is reached, and stays open while it is read from: of the objects that
 * nobody reads few hold one.
 * Owns: a descriptor. Thread: any, one at a time; reading blocks. */
#ifndef ATOLL_BINDINGS_R2_SOURCE_H
#define ATOLL_BINDINGS_R2_SOURCE_H

#include "bindings/r2/r2_store.h"

enum { R2_SOURCE_EARLY_MAX = 256 };

struct r2_source {
    const char *directory;              /* kept */
    struct r2_store_piece *pieces;
    size_t piece_count, at;
    int fd;                             /* of piece `at`; -1: not open */
    bool is_early;                      /* it is open, and counted */
    uint64_t offset;                    /* in it */
    uint64_t left;                      /* of the range */
};

/* Nothing to read. */
void r2_source_init(struct r2_source *source);

/* `length` bytes from `offset` on of the object, whose pieces are taken. `directory`: of files. */
void r2_source_open(struct r2_source *source, const char *directory,
                    struct r2_store_object *object, uint64_t offset, uint64_t length);

void r2_source_done(struct r2_source *source);

/* Appends up to `max` bytes to `out`; none at the end. Returns 0, ERR_NOT_FOUND when the object
 * went meanwhile, ERR_LIMIT when `out` has no room, or ERR_IO. */
NODISCARD int r2_source_read(struct r2_source *source, size_t max, struct buf *out,
                             struct err *err);

/* True when what is left lies in one file. */
bool r2_source_is_one_file(const struct r2_source *source);

/* Opens that file, and has the system read ahead. Returns as r2_source_read(). */
NODISCARD int r2_source_open_file(struct r2_source *source, struct err *err);

/* The same for one that is likely to be wanted, unless R2_SOURCE_EARLY_MAX of the process are open
 * that nobody has read from: true when it is open. */
bool r2_source_open_early(struct r2_source *source);

/* Another descriptor of the open file, returned owned, of which *ret_length bytes from *ret_from on
 * are what is left. -1 when it is not open. */
int r2_source_copy_file(const struct r2_source *source, uint64_t *ret_from, uint64_t *ret_length);

#endif
