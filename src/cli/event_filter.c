/* Options that choose events; see event_filter.h. */
#include "cli/event_filter.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/outcome.h"

static bool is_canceled(const char *outcome)
{
    return strcmp(outcome, "canceled") == 0 || strcmp(outcome, "responseStreamDisconnected") == 0;
}

/* Adds what a word of --status means; false for another word. "unknown" is other servers'. */
static bool add_outcomes(const char *status, json_t *outcomes)
{
    bool error = strcmp(status, "error") == 0, canceled = strcmp(status, "canceled") == 0;

    if (strcmp(status, "ok") == 0) {
        json_array_append_new(outcomes, json_string("ok"));
        return true;
    }
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        if ((error && outcome_rows[i].error) || (canceled && is_canceled(outcome_rows[i].word)))
            json_array_append_new(outcomes, json_string(outcome_rows[i].word));
    if (error)
        json_array_append_new(outcomes, json_string("unknown"));
    return error || canceled;
}

int event_filter_outcomes(const struct cli_args *args, json_t **ret)
{
    json_t *outcomes = json_array();
    const char *status;

    for (size_t i = 0; (status = cli_value_at(args, "status", i)); i++) {
        if (!add_outcomes(status, outcomes)) {
            json_decref(outcomes);
            return cli_usage_error(args, "--status is ok, error or canceled, not \"%.50s\"",
                                   status);
        }
    }
    *ret = json_array_size(outcomes) ? outcomes : NULL;
    if (!*ret)
        json_decref(outcomes);
    return EXIT_DONE;
}

/* {key: [values of an option]}, when it was given. */
static void add_list(const struct cli_args *args, const char *option, const char *key,
                     json_t *filters)
{
    json_t *values = json_array();
    const char *value;

    for (size_t i = 0; (value = cli_value_at(args, option, i)); i++)
        json_array_append_new(values, json_string(value));
    if (json_array_size(values))
        json_array_append_new(filters, json_pack("{s:O}", key, values));
    json_decref(values);
}

/* Methods are written in capitals whatever was typed. */
static void add_methods(const struct cli_args *args, json_t *filters)
{
    json_t *values = json_array();
    const char *value;

    for (size_t i = 0; (value = cli_value_at(args, "method", i)); i++) {
        char *copy = str_dup(str_from(value));
        for (char *c = copy; *c; c++)
            *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        json_array_append_new(values, json_string(copy));
        free(copy);
    }
    if (json_array_size(values))
        json_array_append_new(filters, json_pack("{s:O}", "method", values));
    json_decref(values);
}

/* "name" or "name:text". */
static void add_header(const char *given, json_t *filters)
{
    str all = str_from(given), key = str_head(all, str_find(all, ':'));
    str query = str_trim(str_skip(all, key.len + 1));
    json_t *header = json_pack("{s:s%}", "key", key.ptr, key.len);

    if (header && query.len)
        json_object_set_new(header, "query", json_stringn(query.ptr, query.len));
    if (header)
        json_array_append_new(filters, json_pack("{s:o}", "header", header));
}

static int add_rate(const struct cli_args *args, json_t *filters)
{
    const char *given = cli_value(args, "sampling-rate");
    char *end;
    double rate;

    if (!given)
        return EXIT_DONE;
    rate = strtod(given, &end);
    if (!*given || *end || !(rate > 0 && rate <= 1))
        return cli_usage_error(args, "--sampling-rate is above 0 and at most 1, not \"%.50s\"",
                               given);
    json_array_append_new(filters, json_pack("{s:f}", "sampling_rate", rate));
    return EXIT_DONE;
}

int event_filter_make(const struct cli_args *args, const char *version, json_t **ret)
{
    json_t *filters = json_array(), *outcomes = NULL;
    const char *header;
    int status = add_rate(args, filters);

    if (status == EXIT_DONE)
        status = event_filter_outcomes(args, &outcomes);
    if (status != EXIT_DONE) {
        json_decref(filters);
        return status;
    }
    if (outcomes)
        json_array_append_new(filters, json_pack("{s:o}", "outcome", outcomes));
    add_methods(args, filters);
    for (size_t i = 0; (header = cli_value_at(args, "header", i)); i++)
        add_header(header, filters);
    add_list(args, "ip", "client_ip", filters);
    if (cli_value(args, "search"))
        json_array_append_new(filters, json_pack("{s:s}", "query", cli_value(args, "search")));
    if (version)
        json_array_append_new(filters, json_pack("{s:s}", "scriptVersion", version));
    *ret = filters;
    return EXIT_DONE;
}
