/* Routes: which hosts and paths lead to which script.
 *
 * A row of a route: {id, account, script_id (null: no worker there), script, pattern
 * ("example.com/" and a star), zone}; of a custom domain: {id, account, script_id, script,
 * hostname, zone}.
 * Pattern: host, which may begin with "*." (a label or more) or "*" (also none), then a path whose
 * "*" at the end stands for anything; scheme "http://" and "https://" are dropped; case of hosts
 * does not count. The most specific wins: a longer host before a shorter one, one without wildcard
 * before one with, then a longer path. Custom domains come before routes, and routes before
 * <worker>.<domain>. A host is one account's (holder.h): other accounts' patterns do not reach it.
 * Zones are not kept: any name has one, whose id is made from the name. Where a zone is given, that
 * is its name, or the id of the host or a name above it; NULL is the host itself.
 * Owns: nothing. Thread: the loop's. Limits: ROUTE_PATTERN_MAX bytes, ROUTE_HOST_MAX routes of a
 * host, 1000 of a script at once. */
#ifndef ATOLL_REGISTRY_ROUTE_H
#define ATOLL_REGISTRY_ROUTE_H

#include "registry/registry.h"

enum { ROUTE_PATTERN_MAX = 1024, ROUTE_HOST_MAX = 500 };

struct route_pattern {
    bool any_label;    /* begins with "*." or "*" */
    bool apex_too;     /* begins with "*" alone: also the name itself */
    str host;          /* without the wildcard; views into the text */
    str path;          /* with its "/"; "/" + "*" when none was given */
};

/* Takes a pattern apart. ERR_INVALID with what is wrong: an empty or malformed host, a wildcard in
 * the middle, a query. */
NODISCARD int route_pattern_parse(str text, struct route_pattern *ret, struct err *err);

bool route_pattern_matches_host(const struct route_pattern *pattern, str host);

/* Below 0 when `a` is the more specific. */
int route_pattern_compare(const struct route_pattern *a, const struct route_pattern *b);

/* ret[33]: the id of the zone of a name. */
void route_zone_id(const char *zone, char *ret);

struct route_draft {
    const char *account, *pattern;
    const char *zone;     /* NULL: the host */
    int64_t script_id;    /* 0: no worker there */
};

/* ERR_EXISTS when somebody has the pattern, or another account the host. */
NODISCARD int route_add(struct registry *registry, const struct route_draft *draft, json_t **ret,
                        struct err *err);
NODISCARD int route_get(struct registry *registry, const char *account, const char *id,
                        json_t **ret, struct err *err);

/* Replaces {pattern?, zone?, script_id? (0: none)}; a zone goes with a pattern, and is its host
 * when it is missing. */
NODISCARD int route_update(struct registry *registry, const char *account, const char *id,
                           const json_t *changes, json_t **ret, struct err *err);
NODISCARD int route_delete(struct registry *registry, const char *account, const char *id,
                           struct err *err);

/* Of an account; zone (an id or a name) and script_id (0) may narrow it. */
NODISCARD int route_list(struct registry *registry, const char *account, const char *zone,
                         int64_t script_id, json_t **ret, struct err *err);

/* Makes `patterns` (array of {pattern, zone?}) all the routes of the script. A pattern that is
 * another script's of the same account moves here; another account's is ERR_EXISTS. */
NODISCARD int route_replace(struct registry *registry, int64_t script_id, const json_t *patterns,
                            json_t **ret, struct err *err);

/* The same for its custom domains: array of {hostname, zone?}. */
NODISCARD int route_replace_domains(struct registry *registry, int64_t script_id,
                                    const json_t *domains, json_t **ret, struct err *err);
NODISCARD int route_list_domains(struct registry *registry, const char *account, int64_t script_id,
                                 json_t **ret, struct err *err);

/* Who answers at `host` (no port): an array of {path, script_id, key} in order of precedence,
 * empty when nobody; a route without a worker has null for both, and nobody answers there. `domain`
 * is the server's: <script>.<domain> for the account "default", <script>.<subdomain>.<domain> for
 * all, while workers_dev is on. Some indexed look-ups, 10 to 50 us. */
NODISCARD int route_rules(struct registry *registry, const char *domain, const char *host,
                          json_t **ret, struct err *err);

#endif
