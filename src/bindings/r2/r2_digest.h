/* The checksums of an object's bytes, while they pass by: MD5 always, and one more when one is
 * given.
 *
 * Owns: the states. Thread: any, one at a time. */
#ifndef ATOLL_BINDINGS_R2_DIGEST_H
#define ATOLL_BINDINGS_R2_DIGEST_H

#include "base/err.h"

enum {
    R2_DIGEST_BYTES_MAX = 64,
    R2_DIGEST_HEX_BYTES = 2 * R2_DIGEST_BYTES_MAX + 1,
    R2_DIGEST_NAMES = 5,
};

/* "md5", "sha1", "sha256", "sha384", "sha512". */
extern const char *const r2_digest_names[R2_DIGEST_NAMES];

struct r2_digest {
    void *states[2];      /* the second one: of `name` */
    const char *name;     /* of r2_digest_names; NULL: MD5 only */
};

/* `name`: one of r2_digest_names, kept, or NULL. */
void r2_digest_init(struct r2_digest *digest, const char *name);
void r2_digest_done(struct r2_digest *digest);

void r2_digest_add(struct r2_digest *digest, str bytes);

/* Ends it: MD5 in hexadecimal digits, and the other one, which is empty when there is none. */
void r2_digest_end(struct r2_digest *digest, char md5[R2_DIGEST_HEX_BYTES],
                   char other[R2_DIGEST_HEX_BYTES]);

/* The MD5 of parts' MD5s, each in hexadecimal digits, one behind the other without anything between
 * them: what the etag of an object in parts begins with. */
void r2_digest_of_parts(str hex, char md5[R2_DIGEST_HEX_BYTES]);

/* The name for people: "SHA-256" of "sha256". */
const char *r2_digest_title(str name);

#endif
