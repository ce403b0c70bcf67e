/* Fields of queries and forms, and segments of paths.
 *
 * Owns: nothing. Thread: any. Limits: those of the buffer. */
#ifndef ATOLL_REMOTE_ENCODE_H
#define ATOLL_REMOTE_ENCODE_H

#include "base/buf.h"

/* Appends `text` percent-encoded: right for a segment of a path, a value of a query and of a form.
 * Returns 0 or ERR_LIMIT. */
NODISCARD int encode_text(struct buf *out, str text);

/* Appends "&name=value" ("name=value" to an empty buffer). Returns 0 or ERR_LIMIT. */
NODISCARD int encode_field(struct buf *out, const char *name, str value);

/* The value of a field of a query or a form, decoded ("+" is a blank), returned owned; NULL when it
 * is not there or has a NUL. */
char *encode_read_field(str fields, const char *name);

#endif
