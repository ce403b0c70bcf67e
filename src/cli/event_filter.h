/* Options that choose events: --status, --search and their kin, for tails and for stored logs.
 *
 * Owns: nothing. Thread: any. */
#ifndef ATOLL_CLI_EVENT_FILTER_H
#define ATOLL_CLI_EVENT_FILTER_H

#include <jansson.h>

#include "cli/cli.h"

/* The outcomes that all --status mean, as an array; NULL when there is none. EXIT_USAGE after a
 * complaint about another word than ok, error or canceled, else EXIT_DONE. Returned owned. */
NODISCARD int event_filter_outcomes(const struct cli_args *args, json_t **ret);

/* The filters of a tail (docs/api.md, Tails) that the options ask for. `version`: the id that
 * --version-id stands for; NULL: none. EXIT_USAGE after a complaint, else EXIT_DONE and the array,
 * returned owned. */
NODISCARD int event_filter_make(const struct cli_args *args, const char *version, json_t **ret);

#endif
