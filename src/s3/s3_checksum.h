/* The checksums that clients send with an object's bytes: x-amz-checksum-crc32 and its like, in
 * base64, and Content-MD5.
 *
 * Owns: its state. Thread: any, one at a time.
 * Sources: CRC-32 of ISO 3309, CRC-32C of RFC 3720, CRC-64/NVME of the NVM Express
 * specification. */
#ifndef ATOLL_S3_S3_CHECKSUM_H
#define ATOLL_S3_S3_CHECKSUM_H

#include "s3/s3_hash.h"

enum { S3_CHECKSUM_TEXT_BYTES = 48, S3_CHECKSUM_KINDS = 6 };

struct s3_checksum_kind {
    const char *name;       /* "crc32", as in x-amz-checksum-crc32 */
    const char *element;    /* "ChecksumCRC32"; NULL: none */
};

/* crc32, crc32c, crc64nvme, sha1, sha256; md5, of Content-MD5, is the last one. */
extern const struct s3_checksum_kind s3_checksum_kinds[S3_CHECKSUM_KINDS];

struct s3_checksum {
    const struct s3_checksum_kind *kind;    /* NULL: nothing is computed */
    uint64_t crc;
    struct s3_hash *hash;
};

/* NULL when there is no such kind; in any case of letters. */
const struct s3_checksum_kind *s3_checksum_find(str name);

/* `kind` may be NULL. */
void s3_checksum_init(struct s3_checksum *sum, const struct s3_checksum_kind *kind);
void s3_checksum_done(struct s3_checksum *sum);
void s3_checksum_add(struct s3_checksum *sum, str bytes);

/* Ends it: base64, with a NUL. */
void s3_checksum_end(struct s3_checksum *sum, char ret[S3_CHECKSUM_TEXT_BYTES]);

#endif
