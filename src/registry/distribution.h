/* Where buckets are published: an address of the server's own for a bucket ("managed"), and hosts
 * of the account's with a cache in front (distributions), each with its settings and its purges.
 *
 * A row: {host, account, bucket (its name), managed, enabled, zone, zone_id, settings (an object,
 * not looked into), created_ms}. A host is one bucket's, and nobody else's: no worker's domain, no
 * other account's (holder.h). It goes with its bucket, and with its account.
 * A purge has a number, which counts up on the whole server; DISTRIBUTION_PURGES_MAX of a host are
 * remembered: of older ones it is known only that there were some.
 * Owns: nothing. Thread: the loop's. Limits: DISTRIBUTION_MAX hosts of a bucket;
 * DISTRIBUTION_PURGES_BYTES_MAX of purges that are told, so that all of it is one frame. */
#ifndef ATOLL_REGISTRY_DISTRIBUTION_H
#define ATOLL_REGISTRY_DISTRIBUTION_H

#include "registry/registry.h"

enum { DISTRIBUTION_PURGES_MAX = 100, DISTRIBUTION_MAX = 25, DISTRIBUTION_LABEL_BYTES = 37,
       DISTRIBUTION_PURGES_BYTES_MAX = 12 << 10 };

/* All borrowed. */
struct distribution_draft {
    const char *account, *bucket;
    const char *host;           /* in small letters */
    const char *zone;           /* a name; NULL: the host */
    bool managed, enabled;
    const json_t *settings;     /* NULL: none */
};

/* "pub-" and random digits, which a managed host begins with. */
void distribution_new_label(char ret[DISTRIBUTION_LABEL_BYTES]);

/* ERR_EXISTS with who has the host, ERR_NOT_FOUND (the bucket), ERR_LIMIT. */
NODISCARD int distribution_add(struct registry *registry, const struct distribution_draft *draft,
                               json_t **ret, struct err *err);

/* ERR_NOT_FOUND. */
NODISCARD int distribution_get(struct registry *registry, const char *account, const char *host,
                               json_t **ret, struct err *err);

/* Of a bucket (its name), or (NULL) of the account; the managed one first. */
NODISCARD int distribution_list(struct registry *registry, const char *account, const char *bucket,
                                json_t **ret, struct err *err);

/* Sets both, and purges everything: `settings` are all there are then. ERR_NOT_FOUND. */
NODISCARD int distribution_update(struct registry *registry, const char *host, bool enabled,
                                  const json_t *settings, struct err *err);

/* ERR_NOT_FOUND. */
NODISCARD int distribution_delete(struct registry *registry, const char *account, const char *host,
                                  struct err *err);

/* Notes a purge: `kind` as in bindings/publish/publish_rule.h. Returns its frame
 * {type, seq, host, kind, text}, owned. */
NODISCARD int distribution_purge(struct registry *registry, const char *host, const char *kind,
                                 const char *text, json_t **ret, struct err *err);

/* What runtimes are told of a bucket: {store, seq, cors?: {number, rules?}, hosts: [{host, caches,
 * settings, base, purges}]} with the enabled hosts. ERR_NOT_FOUND when there is no such bucket. */
NODISCARD int distribution_published(struct registry *registry, const char *account,
                                     const char *bucket, json_t **ret, struct err *err);

#endif
