/* `atoll list`: the workers of an account. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/history.h"
#include "cli/quantity.h"
#include "cli/session.h"
#include "cli/table.h"

enum { ADDRESSES_BYTES_MAX = 4096 };

/* The counters of a worker of the last day; NULL when it has none. */
static const json_t *usage_of(const json_t *usage, const char *name)
{
    return member_find(json_object_get(usage, "rows"), "script", name);
}

/* Addresses with commas; returned owned. */
static char *addresses_of(const json_t *worker)
{
    const json_t *it;
    struct buf text;
    size_t i;

    buf_init(&text, ADDRESSES_BYTES_MAX);
    json_array_foreach(json_object_get(worker, "urls"), i, it)
        if (json_is_string(it))
            (void)!buf_printf(&text, "%s%s", text.len ? ", " : "", json_string_value(it));
    return buf_take(&text, NULL);
}

static void add_row(struct table *table, const json_t *worker, const json_t *usage)
{
    const char *name = member_text_or(worker, "id", "");
    const json_t *counters = usage_of(usage, name);
    int64_t requests = member_int(counters, "requests");
    int64_t errors = member_int(counters, "errors");
    char *live = history_versions_text(json_object_get(worker, "live"));
    char *addresses = addresses_of(worker);

    table_add(table,
              (const char *const[]){name, live, session_ago(json_object_get(worker, "modified_on")),
                                    usage ? quantity_count(requests) : "",
                                    usage ? quantity_count(errors) : "", addresses});
    table_colour(table, 0, BOLD);
    table_colour(table, 1, GREEN);
    if (errors)
        table_colour(table, 4, RED);
    free(live);
    free(addresses);
}

static void print(const struct session *session, const json_t *workers, const json_t *usage)
{
    struct table *table;
    const json_t *it;
    size_t i;

    if (!json_array_size(workers)) {
        fprintf(stderr, "no workers yet in the account \"%s\": atoll deploy makes one\n",
                remote_account(session->remote));
        return;
    }
    table = table_new(
        (const char *const[]){"worker", "live", "changed", ">req/day", ">errors", "address", NULL});
    json_array_foreach(workers, i, it)
        add_row(table, it, usage);
    table_print(table);
}

/* A token that may not read usage still lists workers. */
static json_t *read_usage(struct session *session)
{
    struct err ignored;
    json_t *usage;

    if (remote_get(session->remote, remote_path(session->remote, "workers/usage?step=total"),
                   &usage, &ignored) < 0)
        return NULL;
    return usage;
}

static int list(struct session *session)
{
    json_t *workers, *usage = NULL;
    struct err err;

    if (remote_list(session->remote, remote_path(session->remote, "workers/scripts?live=true"),
                    NULL, &workers, &err) < 0)
        return session_fail(session, &err);
    if (!session_prints_json(session, workers)) {
        usage = json_array_size(workers) ? read_usage(session) : NULL;
        print(session, workers, usage);
    }
    json_decref(usage);
    json_decref(workers);
    return EXIT_DONE;
}

static int run(const struct cli_args *args)
{
    int status = cli_check_operands(args, 0, 0, NULL);

    return status == EXIT_DONE ? session_run(args, list) : status;
}

static const struct cli_example examples[] = {
    {"atoll list", "workers, what is live, requests of the last day, addresses"},
    {"atoll list --json | jq -r '.[].id'", "their names"},
    {0},
};

const struct cli_command cmd_list = {
    .name = "list",
    .usage = "[OPTIONS]",
    .summary = "list the account's workers",
    .run = run,
    .examples = examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_JSON,
};
