/* Host tables: which worker answers at a host, by the path of the request.
 *
 * The supervisor is asked once for each host and tells its rules. Host "*" has the rules of every
 * host that has no table.
 * Owns: the tables, and what waits for one. Thread: the loop's.
 * Limits: HOST_TABLES_MAX hosts, those not used for longest are forgotten; of hosts where nobody
 * answers the last HOST_NOBODY_MAX, and HOST_NOBODY_PER_SECOND of them are asked for;
 * HOST_ASKED_MAX are asked for at a time. */
#ifndef ATOLL_RUNTIME_HOST_TABLE_H
#define ATOLL_RUNTIME_HOST_TABLE_H

#include <jansson.h>

#include "runtime/exchange.h"

enum {
    HOST_TABLES_MAX = 32768,
    HOST_RULES_MAX = 8192,
    HOST_NOBODY_MAX = 4096,
    HOST_NOBODY_PER_SECOND = 1000,
    HOST_ASKED_MAX = 4096,
};

struct worker;

enum host_answer {
    HOST_WORKER,    /* *ret_worker, borrowed */
    HOST_NOBODY,    /* no worker answers there */
    HOST_ASKED,     /* the exchange waits; worker_route() gets it again */
    HOST_BUSY,      /* too many unknown hosts are asked for: later */
};

/* Who answers this request. */
enum host_answer host_table_find(struct exchange *x, struct worker **ret_worker);

/* True while the supervisor owes the table of a host: a request waits for it. */
bool host_table_is_asked(void);

/* The host of a request without its port. */
str host_table_host(const struct exchange *x);

/* True when a path, with its query, matches a pattern: the whole of it, or what stands before a
 * "*" at the pattern's end. */
bool host_table_matches(str pattern, str path);

/* Frames of the supervisor; borrowed. */
void host_table_on_hosts(json_t *frame);
void host_table_on_forget(json_t *frame);

#endif
