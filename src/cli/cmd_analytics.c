/* `atoll analytics query`: SQL on an account's data points. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/d1_run.h"
#include "cli/table.h"
#include "cli/terminal.h"

enum { ANSWER_BYTES_MAX = 64 << 20, SQL_BYTES_MAX = 1 << 20 };

static int ask(struct depot *depot, str sql, struct buf *out, struct err *err)
{
    const struct remote_body body = {.content_type = "text/plain", .bytes = sql};
    struct remote *remote = depot->session.remote;

    if (depot->is_local)
        return depot_call(depot, &(struct depot_words){"query", NULL, sql}, NULL, out, err);
    return remote_raw(remote, "POST", remote_path(remote, "analytics_engine/sql"), &body, out, err);
}

static void print_rows(const json_t *data)
{
    if (!json_array_size(data)) {
        fprintf(stderr, "no rows\n");
        return;
    }
    d1_run_print_rows(data);
    if (json_object_size(json_array_get(data, 0)) > TABLE_COLUMNS_MAX)
        fprintf(stderr, "columns beyond the first %d are left out: --json has them all\n",
                TABLE_COLUMNS_MAX);
}

/* What is in no table, since FORMAT asked for something else, is printed as it is. */
static void print(const struct cli_args *args, const struct buf *answer)
{
    struct session session = {.args = args};
    json_t *json = json_loadb(answer->ptr, answer->len, JSON_ALLOW_NUL, NULL);
    const json_t *data = json_object_get(json, "data");

    if (!json_is_array(data))
        fwrite(answer->ptr, 1, answer->len, stdout);
    else if (!session_prints_json(&session, json))
        print_rows(data);
    json_decref(json);
}

static int query(struct depot *depot, const struct cli_args *args)
{
    const char *given = cli_operands(args)[0];
    struct buf sql, answer;
    struct err err;
    int r = 0, status = EXIT_DONE;

    buf_init(&sql, SQL_BYTES_MAX);
    buf_init(&answer, ANSWER_BYTES_MAX);
    if (strcmp(given, "-") == 0)
        r = depot_read("-", &sql, &err);
    else if (buf_append(&sql, str_from(given)) < 0)
        r = err_set(&err, ERR_LIMIT, "the query is too long");
    if (r == 0)
        r = ask(depot, buf_str(&sql), &answer, &err);
    if (r < 0)
        status = depot_fail(depot, &err);
    else
        print(args, &answer);
    buf_done(&sql);
    buf_done(&answer);
    return status;
}

static int run_query(const struct cli_args *args)
{
    static const struct binding_store kind = {.type = "analytics_engine", .kind = "analytics"};
    int status = cli_check_operands(args, 1, 1, "the SQL, or - for standard input");
    struct depot depot = {0};

    if (status != EXIT_DONE)
        return status;
    status = depot_open_shared(&depot, args, &kind);
    if (status == EXIT_DONE)
        status = query(&depot, args);
    depot_close(&depot);
    return status;
}

static const struct cli_option query_options[] = {DEPOT_OPTIONS, {0}};

static const struct cli_example query_examples[] = {
    {"atoll analytics query \"SHOW TABLES\"", "what was written to"},
    {"atoll analytics query \"SELECT blob1, count() FROM visits GROUP BY blob1\"", "as a table"},
    {"atoll analytics query \"SELECT * FROM visits\" --local --json", "of atoll dev"},
    {0},
};

const struct cli_command cmd_analytics_query = {
    .name = "analytics query",
    .usage = "SQL [OPTIONS]",
    .summary = "ask for data points that workers wrote",
    .details = "The SQL is Cloudflare's; - reads it from standard input. What FORMAT JSONEachRow\n"
               "and FORMAT TabSeparated give is printed as it comes.",
    .options = query_options,
    .run = run_query,
    .examples = query_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};
