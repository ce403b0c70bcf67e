/* Secrets at rest: AES-256-GCM with a key that stands in a file.
 *
 * Sealed: 12 random bytes, the ciphertext, 16 bytes of tag. A seal is bound to where it stands:
 * what was sealed for one version and name opens for no other.
 * Owns: nothing. Thread: any. Limits: SECRET_TEXT_MAX. */
#ifndef ATOLL_REGISTRY_SECRET_H
#define ATOLL_REGISTRY_SECRET_H

#include "base/buf.h"

enum { SECRET_KEY_BYTES = 32, SECRET_TEXT_MAX = 1 << 20, SECRET_SEAL_BYTES = 28 };

/* Reads the key, or makes the file (0600, synced) when `may_make` and it is not there. ERR_INVALID
 * when others may read it or it is no key; ERR_NOT_FOUND; ERR_IO. */
NODISCARD int secret_key_read(const char *path, bool may_make, unsigned char key[SECRET_KEY_BYTES],
                              struct err *err);

/* Forgets a key, or a text, in memory. */
void secret_key_clear(unsigned char key[SECRET_KEY_BYTES]);
void secret_text_clear(char *text, size_t len);

/* Appends the sealed text to `out`. ERR_LIMIT beyond SECRET_TEXT_MAX. */
NODISCARD int secret_seal(const unsigned char key[SECRET_KEY_BYTES], str place, str text,
                          struct buf *out, struct err *err);

/* Appends the text to `out`. ERR_INVALID when it was sealed with another key, for another place, or
 * is damaged. */
NODISCARD int secret_open(const unsigned char key[SECRET_KEY_BYTES], str place, str sealed,
                          struct buf *out, struct err *err);

#endif
