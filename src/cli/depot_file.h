/* Objects of a bucket from files and into them, piece by piece, on a server and here.
 *
 * Owns: nothing. Thread: one. Limits: DEPOT_FILE_PIECE_BYTES in memory; the bucket's own. */
#ifndef ATOLL_CLI_DEPOT_FILE_H
#define ATOLL_CLI_DEPOT_FILE_H

#include "cli/depot.h"

enum { DEPOT_FILE_PIECE_BYTES = 8 << 20 };

/* What is put: the first `bytes` bytes of a file. */
struct depot_file {
    const char *key;
    const char *content_type;   /* NULL: none is kept */
    const json_t *said;         /* {http?, custom?, storageClass?}, only here; NULL: no more */
    int fd;
    uint64_t bytes;
};

NODISCARD int depot_file_put(struct depot *depot, const struct depot_file *file, struct err *err);

/* Appends the object to a file; *ret_bytes has its length. */
NODISCARD int depot_file_get(struct depot *depot, const char *key, int fd, uint64_t *ret_bytes,
                             struct err *err);

/* A file without a name, which is gone when it is closed; -1 after `err` was filled in. */
NODISCARD int depot_file_make(struct err *err);

/* The same with all of another descriptor in it. */
NODISCARD int depot_file_copy(int from, uint64_t *ret_bytes, struct err *err);

#endif
