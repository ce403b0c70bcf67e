/* Which events a tail wants to see: the `filters` of a tail as clients send them.
 *
 *   {sampling_rate: 0.5}  {outcome: ["ok", ...]}  {method: ["GET", ...]}  {header: {key, query?}}
 *   {client_ip: ["self", "192.0.2.1", ...]}  {query: "text in a log line"}  {scriptVersion: id}
 *
 * An event is shown when it passes all of them; one without a request passes no filter that asks
 * about a request. Owns: its copy of the filters. Thread: the loop's.
 * Limits: TAIL_FILTERS_MAX filters, TAIL_FILTER_TEXT_MAX bytes in a text. */
#ifndef ATOLL_API_TAIL_FILTER_H
#define ATOLL_API_TAIL_FILTER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

enum { TAIL_FILTERS_MAX = 32, TAIL_FILTER_TEXT_MAX = 1024 };

struct tail_filter {
    json_t *filters;   /* array */
    double sampled;    /* what the sampling rate has added up to since an event was shown */
};

/* `body` is what was posted: {filters?: [...]}; NULL for none. `self` is the client's address.
 * Filters of a kind that is not known are ERR_INVALID, and so are those of a wrong shape. */
NODISCARD int tail_filter_init(struct tail_filter *filter, const json_t *body, const char *self,
                               struct err *err);
void tail_filter_done(struct tail_filter *filter);

/* Is this event (a trace item) to be shown? Counts for the sampling rate. */
bool tail_filter_passes(struct tail_filter *filter, const json_t *event);

#endif
