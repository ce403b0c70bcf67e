/* Outbound rules: which addresses a worker may reach.
 *
 * Public addresses may always be reached. Others (loopback, private networks, link-local ones with
 * the metadata services of clouds, multicast and the like; the table is in outbound.c) only when
 * the rules name them. An IPv6 address that carries an IPv4 one (NAT64, 6to4) is judged by that.
 * The check is made on addresses, after names are looked up and for each connection, so a name that
 * changes its mind, or a redirect, finds the same door.
 *
 * Owns: nothing. Thread: the loop's. Limits: OUTBOUND_RANGES_MAX ranges. */
#ifndef ATOLL_HTTP_OUTBOUND_H
#define ATOLL_HTTP_OUTBOUND_H

#include <netinet/in.h>

#include "base/err.h"
#include "base/str.h"

enum { OUTBOUND_RANGES_MAX = 64 };

/* A network: the first `bits` of an IPv6 address; IPv4 ones are mapped (::ffff:a.b.c.d). */
struct outbound_range {
    struct in6_addr address;
    int bits;
};

/* Zeroed: public addresses only. */
struct outbound {
    bool all;                                           /* every address */
    struct outbound_range ranges[OUTBOUND_RANGES_MAX];  /* beside the public ones */
    int count;
};

/* Reads rules: a list with commas of "public" (nothing more), "all", "private" (RFC 1918 and ULA),
 * "loopback", addresses and networks ("10.1.0.0/16", "fd00::/8", "127.0.0.1").
 * Returns 0, ERR_INVALID or ERR_LIMIT with a text that names the entry. */
NODISCARD int outbound_parse(struct outbound *rules, str text, struct err *err);

/* Returns 0, or ERR_NETWORK with a text such as "10.0.0.1 refused: private addresses are not
 * allowed here". `address` is of AF_INET or AF_INET6; any other is refused. */
NODISCARD int outbound_check(const struct outbound *rules, const struct sockaddr *address,
                             struct err *err);

/* The rules that workers of this process live under: a copy of what was set, at first none but
 * public addresses. */
void outbound_set(const struct outbound *rules);
const struct outbound *outbound_rules(void);

#endif
