/* Paths of the API: tables of "/accounts/:account/..." matched with what a client asked for.
 *
 * Empty segments count for nothing, so "//accounts/" is "/accounts". A literal segment wins over a
 * ":name". A last segment ":name*" is all that follows, as it was written. Owns: nothing. Thread:
 * any. Limits: the enum below; what is beyond them is unknown. */
#ifndef ATOLL_API_ROUTER_H
#define ATOLL_API_ROUTER_H

#include <jansson.h>

#include "api/call.h"

enum {
    ROUTER_SEGMENTS_MAX = 24,
    ROUTER_QUERY_PAIRS_MAX = 256,   /* further ones are left out */
    ROUTER_ALLOW_BYTES = 64,
};

struct router_match {
    const struct call_route *route;   /* shared */
    json_t *params;                   /* object of name to decoded value; owned */
    char allow[ROUTER_ALLOW_BYTES];   /* for ERR_UNSUPPORTED: "GET, PUT" */
};

/* Finds the route of a path without its query in tables (ends with NULL). Returns 1 with a match,
 * whose params are the caller's, 0 when no path is like it or a parameter is no UTF-8 text, and
 * ERR_UNSUPPORTED when it is there for other methods. */
NODISCARD int router_find(const struct call_route *const *tables, str method, str path,
                          struct router_match *ret);

/* "a=1&b=2&a=3" as an object of name to array of strings; "+" is a space. Pairs that are no UTF-8
 * text are left out. Returned owned. */
json_t *router_query(str query);

#endif
