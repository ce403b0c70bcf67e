/* The address of a server as people type it, and as it is kept.
 *
 * Owns: nothing; strings come back returned owned. Thread: any. Limits: ADDRESS_BYTES_MAX. */
#ifndef ATOLL_REMOTE_ADDRESS_H
#define ATOLL_REMOTE_ADDRESS_H

#include "base/err.h"

enum { ADDRESS_BYTES_MAX = 1024 };

/* "http://127.0.0.1:8790" of "127.0.0.1:8790/client/v4/": scheme and host in small letters, no
 * path, no default port. Without a scheme it is http for this machine, else https.
 * ERR_INVALID for what is no address of a server, or has a user, a query or another path. */
NODISCARD int address_read(str text, char **ret_url, struct err *err);

/* The base of the API as CLOUDFLARE_API_BASE_URL gives it: used with its path, without a slash at
 * its end; with /client/v4 when it has none. ERR_INVALID as above. */
NODISCARD int address_read_base(str text, char **ret_url, struct err *err);

/* True when the host of a URL is this machine: 127.0.0.0/8, [::1], localhost and names below it. */
bool address_is_loopback(const char *url);

/* True when two URLs have the same scheme, host and port. Both as address_read() writes them, with
 * or without a path. */
bool address_is_same_origin(const char *a, const char *b);

#endif
