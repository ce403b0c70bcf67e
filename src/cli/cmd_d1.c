/* `atoll d1 create`, `list`, `info`, `delete`, `execute` and `export`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/approval.h"
#include "cli/d1_run.h"
#include "cli/quantity.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "os/file.h"

enum { FILE_BYTES_MAX = 64 << 20, TABLES_MAX = 100 };

#define D1 "d1/database"

/* ---- create, list ---- */

static void print_created(const json_t *made)
{
    terminal_print(stdout, GREEN, "made");
    printf(" the database ");
    terminal_print_text(stdout, BOLD, member_text_or(made, "name", ""), false, 0);
    printf("; in the configuration:\n\n");
    printf("  \"d1_databases\": [{ \"binding\": \"DB\", \"database_name\": \"%s\", "
           "\"database_id\": \"%s\" }]\n",
           member_text_or(made, "name", ""), member_text_or(made, "uuid", ""));
}

static int create(struct session *session)
{
    const struct cli_args *args = session->args;
    json_t *made = NULL;
    struct err err;

    if (remote_call(session->remote, "POST", remote_path(session->remote, D1),
                    json_pack("{s:s, s:s*}", "name", cli_operands(args)[0], "uuid",
                              cli_value(args, "id")),
                    &made, &err) < 0)
        return session_fail(session, &err);
    if (!session_prints_json(session, made))
        print_created(made);
    json_decref(made);
    return EXIT_DONE;
}

static int run_create(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the database's NAME");

    return status == EXIT_DONE ? session_run(args, create) : status;
}

static void print_list(const json_t *databases)
{
    struct table *table;
    const json_t *it;
    size_t i;

    if (!json_array_size(databases)) {
        fprintf(stderr, "there are no databases yet: atoll d1 create NAME\n");
        return;
    }
    table = table_new((const char *const[]){"database", "id", "made", NULL});
    json_array_foreach(databases, i, it) {
        table_add(table, (const char *const[]){member_text_or(it, "name", ""),
                                               member_text_or(it, "uuid", ""),
                                               session_ago(json_object_get(it, "created_at"))});
        table_colour(table, 0, BOLD);
    }
    table_print(table);
}

static int list(struct session *session)
{
    json_t *databases;
    struct err err;

    if (remote_list(session->remote, remote_path(session->remote, D1), NULL, &databases, &err) < 0)
        return session_fail(session, &err);
    if (!session_prints_json(session, databases))
        print_list(databases);
    json_decref(databases);
    return EXIT_DONE;
}

static int run_list(const struct cli_args *args)
{
    int status = cli_check_operands(args, 0, 0, NULL);

    return status == EXIT_DONE ? session_run(args, list) : status;
}

/* ---- info ---- */

static void print_info(const json_t *info)
{
    struct table *table = table_new((const char *const[]){"", "", NULL});
    char tables[32];

    snprintf(tables, sizeof tables, "%lld", (long long)member_int(info, "num_tables"));
    table_add(table, (const char *const[]){"name", member_text_or(info, "name", "")});
    table_add(table, (const char *const[]){"id", member_text_or(info, "uuid", "")});
    table_add(table, (const char *const[]){"tables", tables});
    table_add(table, (const char *const[]){"size", quantity_bytes(json_integer_value(
                                                       json_object_get(info, "file_size")))});
    table_print(table);
}

static int run_info(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the DATABASE");
    struct depot depot = {0};
    json_t *info = NULL;
    struct err err;
    int r;

    if (status != EXIT_DONE)
        return status;
    status = depot_open(&depot, args, "d1", cli_operands(args)[0]);
    if (status == EXIT_DONE) {
        struct remote *remote = depot.session.remote;

        r = depot.is_local
                ? depot_call(&depot, &(struct depot_words){"info", NULL, STR_NONE}, &info, NULL,
                             &err)
                : remote_get(remote, remote_path(remote, D1 "/%s", depot.id), &info, &err);
        status = r < 0 ? depot_fail(&depot, &err) : EXIT_DONE;
    }
    if (status == EXIT_DONE && !session_prints_json(&depot.session, info))
        print_info(info);
    json_decref(info);
    depot_close(&depot);
    return status;
}

/* ---- delete ---- */

static int run_delete(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the DATABASE");
    char question[256];
    struct depot depot = {0};
    struct err err;

    if (status != EXIT_DONE)
        return status;
    snprintf(question, sizeof question, "delete the database %.100s with everything in it?",
             cli_operands(args)[0]);
    status = approval_ask(args, question, true);
    if (status == EXIT_DONE)
        status = depot_open(&depot, args, "d1", cli_operands(args)[0]);
    if (status == EXIT_DONE) {
        struct remote *remote = depot.session.remote;
        int r = depot.is_local
                    ? depot_call(&depot, &(struct depot_words){"remove", NULL, STR_NONE}, NULL,
                                 NULL, &err)
                    : remote_call(remote, "DELETE", remote_path(remote, D1 "/%s", depot.id), NULL,
                                  NULL, &err);

        status = r < 0 ? depot_fail(&depot, &err) : EXIT_DONE;
    }
    if (status == EXIT_DONE) {
        terminal_print(stdout, GREEN, "deleted");
        printf(" the database ");
        terminal_print_text(stdout, BOLD, cli_operands(args)[0], false, 0);
        printf("\n");
    }
    depot_close(&depot);
    return status;
}

/* ---- execute ---- */

static void print_results(const json_t *results)
{
    const json_t *result;
    size_t i;

    json_array_foreach(results, i, result) {
        const json_t *meta = json_object_get(result, "meta");

        if (json_array_size(json_object_get(result, "results")))
            d1_run_print_rows(json_object_get(result, "results"));
        fprintf(stderr, "%s, %lld changed, %s\n",
                quantity_of(json_array_size(json_object_get(result, "results")), "row"),
                (long long)member_int(meta, "changes"),
                quantity_duration(json_number_value(json_object_get(meta, "duration"))));
    }
}

static int execute(struct depot *depot, const char *command, const char *path)
{
    json_t *result = NULL;
    struct buf sql;
    struct err err;
    int r, status = EXIT_DONE;

    buf_init(&sql, FILE_BYTES_MAX);
    if (path && depot_read(path, &sql, &err) < 0) {
        terminal_error(err.text);
        status = EXIT_FAILED;
    } else {
        r = path ? d1_run_file(depot, buf_str(&sql), &result, &err)
                 : d1_run_query(depot, command, &result, &err);
        status = r < 0 ? depot_fail(depot, &err) : EXIT_DONE;
    }
    buf_done(&sql);
    if (status == EXIT_DONE && !session_prints_json(&depot->session, result)) {
        if (path) {
            terminal_print(stdout, GREEN, "ran");
            printf(" %s\n", quantity_of((size_t)member_int(result, "num_queries"), "statement"));
        } else {
            print_results(result);
        }
    }
    json_decref(result);
    return status;
}

static int run_execute(const struct cli_args *args)
{
    const char *command = cli_value(args, "command"), *path = cli_value(args, "file");
    int status = cli_check_operands(args, 1, 1, "the DATABASE");
    struct depot depot = {0};

    if (status != EXIT_DONE)
        return status;
    if (!command == !path)
        return cli_usage_error(args, "say what: --command SQL, or --file FILE (- is standard "
                                     "input)");
    status = depot_open(&depot, args, "d1", cli_operands(args)[0]);
    if (status == EXIT_DONE)
        status = execute(&depot, command, path);
    depot_close(&depot);
    return status;
}

/* ---- export ---- */

static json_t *export_options(const struct cli_args *args)
{
    json_t *tables = json_array();
    const char *table;

    for (size_t i = 0; i < TABLES_MAX && (table = cli_value_at(args, "table", i)); i++)
        json_array_append_new(tables, json_string(table));
    return json_pack("{s:b, s:b, s:o}", "no_schema", (int)cli_has(args, "no-schema"), "no_data",
                     (int)cli_has(args, "no-data"), "tables", tables);
}

static int write_out(const char *path, str text, struct err *err)
{
    if (path && strcmp(path, "-") != 0)
        return file_write(path, text, err);
    if (text.len && fwrite(text.ptr, text.len, 1, stdout) != 1)
        return err_set(err, ERR_IO, "standard output cannot be written");
    return 0;
}

static int run_export(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the DATABASE");
    const char *output = cli_value(args, "output");
    struct depot depot = {0};
    struct buf sql;
    struct err err;

    if (status != EXIT_DONE)
        return status;
    buf_init(&sql, FILE_BYTES_MAX);
    status = depot_open(&depot, args, "d1", cli_operands(args)[0]);
    if (status == EXIT_DONE && (d1_run_export(&depot, export_options(args), &sql, &err) < 0 ||
                                write_out(output, buf_str(&sql), &err) < 0))
        status = depot_fail(&depot, &err);
    if (status == EXIT_DONE && output)
        fprintf(stderr, "%s in %s\n", quantity_bytes((int64_t)sql.len), output);
    buf_done(&sql);
    depot_close(&depot);
    return status;
}

/* ---- rows ---- */

static const struct cli_option create_options[] = {
    {"id", "UUID", "an id of your own, such as the one that the project has at Cloudflare"},
    {0},
};

static const struct cli_option which_options[] = {DEPOT_OPTIONS, {0}};

static const struct cli_option execute_options[] = {
    {"command", "SQL", "what to run: several statements are one transaction"},
    {"file", "FILE", "or what this file says (- is standard input)"},
    DEPOT_OPTIONS,
    {0},
};

static const struct cli_option export_options_rows[] = {
    {"output", "FILE", "where to (standard output)"},
    {"table", "NAME", "only this table; may be given again"},
    {"no-data", NULL, "only CREATE statements"},
    {"no-schema", NULL, "only INSERT statements"},
    DEPOT_OPTIONS,
    {0},
};

static const struct cli_example create_examples[] = {
    {"atoll d1 create shop", "says what to put into the configuration"},
    {0},
};

static const struct cli_example list_examples[] = {
    {"atoll d1 list --json | jq -r '.[].name'", "the names"},
    {0},
};

static const struct cli_example info_examples[] = {
    {"atoll d1 info DB", "by the binding's name, the database's name or its id"},
    {0},
};

static const struct cli_example delete_examples[] = {
    {"atoll d1 delete shop --yes", "without a question"},
    {0},
};

static const struct cli_example execute_examples[] = {
    {"atoll d1 execute DB --command \"SELECT * FROM goods\"", "on the server"},
    {"atoll d1 execute DB --local --file seed.sql", "for atoll dev"},
    {0},
};

static const struct cli_example export_examples[] = {
    {"atoll d1 export DB --output shop.sql", "everything"},
    {"atoll d1 export DB | atoll d1 execute DB --local --file -", "for atoll dev"},
    {0},
};

const struct cli_command cmd_d1_create = {
    .name = "d1 create",
    .usage = "NAME [OPTIONS]",
    .summary = "make a database",
    .options = create_options,
    .run = run_create,
    .examples = create_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};

const struct cli_command cmd_d1_list = {
    .name = "d1 list",
    .usage = "[OPTIONS]",
    .summary = "list the account's databases",
    .run = run_list,
    .examples = list_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};

const struct cli_command cmd_d1_info = {
    .name = "d1 info",
    .usage = "DATABASE [OPTIONS]",
    .summary = "how many tables a database has, and how large it is",
    .options = which_options,
    .run = run_info,
    .examples = info_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};

const struct cli_command cmd_d1_delete = {
    .name = "d1 delete",
    .usage = "DATABASE [OPTIONS]",
    .summary = "delete a database and everything in it",
    .details = "Where nobody is there to ask, it takes --yes.",
    .options = which_options,
    .run = run_delete,
    .examples = delete_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER | CLI_YES,
};

const struct cli_command cmd_d1_execute = {
    .name = "d1 execute",
    .usage = "DATABASE [OPTIONS]",
    .summary = "run SQL on a database",
    .details = "Rows go to standard output, what was done to standard error.",
    .options = execute_options,
    .run = run_execute,
    .examples = execute_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};

const struct cli_command cmd_d1_export = {
    .name = "d1 export",
    .usage = "DATABASE [OPTIONS]",
    .summary = "print a database as SQL",
    .options = export_options_rows,
    .run = run_export,
    .examples = export_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER,
};
