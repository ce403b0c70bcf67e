/* Who holds a host: the account whose workers alone answer there.
 *
 * A host belongs to the account that has a route or a custom domain at it, what is below a route
 * with a wildcard to that route's account; who comes first has it. Of what is at or below the
 * server's own domain, what is below an account's subdomain belongs to that account, the rest to
 * "default".
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_REGISTRY_HOLDER_H
#define ATOLL_REGISTRY_HOLDER_H

#include "registry/registry.h"

/* The server's own domain, copied. Before it is set, no name is the server's. */
void holder_set_domain(struct registry *registry, const char *domain);

/* What is meant by a host: it alone, what is below it, or both. */
enum holder_reach { HOLDER_HOST, HOLDER_BELOW, HOLDER_BOTH };

/* May this account have a route or a domain at `host` (in small letters, without the wildcard)?
 * ERR_EXISTS when another account holds it, ERR_INVALID when it is more than one may hold. */
NODISCARD int holder_check(struct registry *registry, const char *account, const char *host,
                           enum holder_reach reach, struct err *err);

/* The account that has a name at, below or (with a wildcard) above the server's own domain.
 * Returns 1 with *ret returned owned, 0 for other names, or an error. */
NODISCARD int holder_of_name(struct registry *registry, const char *domain, const char *host,
                             enum holder_reach reach, char **ret, struct err *err);

/* True when `host` is below `parent`. */
bool holder_is_below(str host, str parent);

#endif
