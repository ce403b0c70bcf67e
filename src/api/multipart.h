/* multipart/form-data (RFC 7578) over a whole body.
 *
 * Strict: no preamble, no epilogue, a delimiter is followed by CRLF or "--", every part has a name.
 * Names are as browsers write them: UTF-8 with %22, %0D and %0A for what a quoted string cannot
 * hold; a backslash is a backslash.
 * Owns: the list of parts and their decoded names; contents point into the caller's body.
 * Thread: any. Limits: the enum below. */
#ifndef ATOLL_API_MULTIPART_H
#define ATOLL_API_MULTIPART_H

#include "base/err.h"
#include "base/str.h"

enum {
    MULTIPART_PARTS_MAX = 1024,
    MULTIPART_HEAD_BYTES_MAX = 16 << 10,   /* of a part */
    MULTIPART_BOUNDARY_BYTES_MAX = 70,     /* RFC 2046 5.1.1 */
};

struct multipart_part {
    str name;
    str filename;   /* NULL pointer when the part has none */
    str type;       /* its Content-Type as sent; "" when it has none */
    str bytes;
};

struct multipart {
    struct multipart_part *parts;
    size_t count;
    char *names;    /* what decoded names point into */
};

/* True when `content_type` says multipart/form-data. */
bool multipart_is(str content_type);

/* Takes the body apart; `content_type` has the boundary. ERR_INVALID says which part is wrong and
 * how, ERR_LIMIT which maximum is exceeded; *ret is empty then. */
NODISCARD int multipart_parse(str content_type, str body, struct multipart *ret, struct err *err);

/* NULL is fine, and so is an empty one. */
void multipart_done(struct multipart *multipart);

/* The first part of this name; NULL when there is none. */
const struct multipart_part *multipart_find(const struct multipart *multipart, str name);

#endif
