/* Requests answered by a version's files, before any script is entered or even loaded.
 *
 * A worker has the sites of its deployment (asset_sites), one for each version, or none. An
 * exchange whose answer takes longer than the call holds an asset_route until it is over.
 * Owns: routes, sites of deployments. Thread: the loop's. Limits: those of bindings/assets. */
#ifndef ATOLL_RUNTIME_ASSET_ROUTE_H
#define ATOLL_RUNTIME_ASSET_ROUTE_H

#include <jansson.h>

#include "bindings/assets/site_open.h"
#include "runtime/rollout.h"

struct exchange;

struct asset_sites {
    struct rollout rollout;                               /* ids are owned */
    struct site_open *sites[ROLLOUT_VERSIONS_MAX];        /* NULL: that version has no files */
};

/* Of a `worker` frame; NULL when none of its versions has files. Returned owned. */
struct asset_sites *asset_route_sites(const json_t *frame);

/* NULL is fine. */
void asset_route_free_sites(struct asset_sites *sites);

/* Answers, now or later. False: nothing here does, the script is to. */
bool asset_route_try(struct site_open *open, struct exchange *x);

/* The exchange, which has a route, is over. */
void asset_route_over(struct exchange *x);

#endif
