/* Where a worker answers: its own address, its custom domains, its routes.
 *
 * Owns: nothing. Thread: the loop's. Cost: an indexed look-up for each of the three. */
#ifndef ATOLL_API_REACH_H
#define ATOLL_API_REACH_H

#include "api/call.h"

/* The worker's own address ("http://hello.localhost:8787"): public_url with its host; `script` is
 * its row. NULL while it does not answer there (workers_dev). Returned owned. */
json_t *reach_own(struct call *call, const json_t *script);

/* An array of all: its own address, "https://shop.example.com" of its custom domains, patterns of
 * its routes. What cannot be read is left out. Returned owned. */
json_t *reach_urls(struct call *call, const json_t *script);

#endif
