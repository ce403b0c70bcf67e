/* The steps of which url_parse() and url_set() are made: each appends one part to a URL under
 * construction and sets the offset of its end. Only url*.c include this.
 *
 * Owns: nothing. Thread: any. Limits: the caller has reserved room, see url_part_reserve(). */
#ifndef ATOLL_WEB_URL_PART_H
#define ATOLL_WEB_URL_PART_H

#include "web/url.h"

enum { URL_PART_NO_PORT = -1 };

/* `text` without tabs and newlines: itself when it has none, else a copy in `stripped` (empty). */
str url_part_strip(str text, struct buf *stripped);

/* Room for `bytes` of input written escaped, and for all punctuation. Returns 0 or ERR_LIMIT. */
NODISCARD int url_part_reserve(struct url *url, size_t bytes);

/* Length of the scheme at the start of `text`, which must be followed by ":"; 0 when there is
 * none. `text` may also end right after the scheme when `at_end_too`. */
size_t url_part_scheme_len(str text, bool at_end_too);

/* Which scheme `text` (any case) names. */
enum url_scheme url_part_scheme(str text);

/* "C:" or "C|"; at the start of a path it is a Windows drive letter. */
bool url_part_is_drive(str text);

/* Appends without a check: room was reserved. */
void url_part_put(struct url *url, str text);

/* Appends "scheme:" in lower case. */
void url_part_put_scheme(struct url *url, str scheme);

/* Appends "//", and "user:pass@" unless both are empty; encodes both. */
void url_part_put_credentials(struct url *url, str username, str password);

/* Reads digits from the start of `text`: URL_PART_NO_PORT without any, ERR_INVALID beyond 65535.
 * ret_len: how many digits. */
int url_part_read_port(str text, int *ret_port, size_t *ret_len);

/* Appends ":port" unless it is the scheme's default or none; the path starts after it. */
void url_part_put_port(struct url *url, int port);

/* The path state: appends the segments of `text` to the path that is there already. */
void url_part_put_path(struct url *url, str text);

/* The path start state: `text` may begin with a slash or be empty. */
void url_part_put_path_start(struct url *url, str text);

/* Removes the last segment, never a drive letter that is the only one. */
void url_part_shorten_path(struct url *url);

/* Ends the path: a URL without host whose path starts with "//" gets "/." before it. */
void url_part_end_path(struct url *url);

/* Append "?text" and "#text"; STR_NONE (a NULL pointer) leaves the part out. Always call both. */
void url_part_put_query(struct url *url, str text);
void url_part_put_fragment(struct url *url, str text);

#endif
