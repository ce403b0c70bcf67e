/* Hosts at which buckets are published, as the supervisor told them: which bucket, by which rule.
 *
 * `published` of a worker's frame: {store: "default/r2/<id>", seq, cors?: {number, rules?}, hosts:
 * [{host, caches, settings, base, purges: [{seq, kind, text}]}]}; `seq` is the number of the
 * server's last purge, `number` that of the last change of the CORS rules. A host that
 * is told anew takes the place of the one before; who still holds that one sees that it is not
 * current.
 * Owns: the hosts. Thread: the loop's. Limits: those of publish_rule.h. */
#ifndef ATOLL_BINDINGS_PUBLISH_HOST_H
#define ATOLL_BINDINGS_PUBLISH_HOST_H

#include <stdatomic.h>

#include "base/map.h"
#include "bindings/publish/publish_rule.h"

struct publish_host {
    struct map_node node;
    unsigned refs;
    bool current;
    char *name;
    char *store;
    char *space;                /* in the cache */
    struct publish_rule rule;
    json_t *cors;               /* rules, r2_cors.h; NULL: none, or its own headers are instead */
};

/* All hosts of one bucket. */
struct publish_set;

/* `published` is borrowed. Returned owned. */
struct publish_set *publish_host_set(const json_t *published);

/* Its hosts are published no more. NULL is fine. */
void publish_host_free_set(struct publish_set *set);

/* The host of this name in the set, borrowed; NULL when there is none. */
struct publish_host *publish_host_find(const struct publish_set *set, str name);

struct publish_host *publish_host_ref(struct publish_host *host);
void publish_host_unref(struct publish_host *host);     /* NULL is fine */

/* ---- purges ---- */

/* `announced`: the number of the server's last purge, written by the supervisor before it tells of
 * it by a frame (kept). */
void publish_host_start(const _Atomic uint64_t *announced);

/* A frame {seq, host, kind, text}: every purge, also of hosts that are not here. */
void publish_host_on_purge(const json_t *frame);

/* The last purge that this process was told. */
uint64_t publish_host_told(void);

/* True between a purge and the frame about it: what is cached may not be used. */
bool publish_host_is_behind(void);

/* The number of the server's last purge. */
uint64_t publish_host_announced(void);

#endif
