/* Values of a database as JSON text, which JavaScript and the REST API both read.
 *
 * Text is made well-formed: what is not UTF-8 becomes U+FFFD. A blob is an array of numbers, as
 * Cloudflare's D1 gives it. Numbers that JSON has no word for are 1e999, which parses to Infinity.
 * Owns: nothing. Thread: any. Limits: the buffer's: each returns 0 or ERR_LIMIT. */
#ifndef ATOLL_BINDINGS_D1_JSON_H
#define ATOLL_BINDINGS_D1_JSON_H

#include "base/buf.h"

NODISCARD int d1_json_text(struct buf *out, str text);
NODISCARD int d1_json_blob(struct buf *out, str bytes);
NODISCARD int d1_json_integer(struct buf *out, int64_t value);
NODISCARD int d1_json_real(struct buf *out, double value);

#endif
