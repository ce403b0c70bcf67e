/* `atoll r2 bucket cors`: which pages of other origins may use a bucket. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "bindings/r2/r2_cors.h"
#include "cli/approval.h"
#include "cli/session.h"
#include "cli/table.h"
#include "os/file.h"

#define CORS "r2/buckets/%s/cors"

enum { FILE_BYTES_MAX = 1 << 20, VALUES_MAX = 100, CELL_BYTES_MAX = 64 << 10 };

/* ---- what is to be set ---- */

/* All values of an option as an array; each may be several with commas between. */
static json_t *values_of(const struct cli_args *args, const char *option)
{
    json_t *values = json_array();
    const char *text;

    for (size_t i = 0; i < VALUES_MAX && (text = cli_value_at(args, option, i)); i++) {
        str rest = str_from(text);

        while (rest.len) {
            size_t comma = str_find(rest, ',');
            str one = str_trim(str_head(rest, comma));

            if (one.len)
                json_array_append_new(values, json_stringn(one.ptr, one.len));
            rest = str_skip(rest, comma + 1);
        }
    }
    return values;
}

static int read_options(const struct cli_args *args, json_t **ret)
{
    json_t *methods = values_of(args, "method"), *rule;
    long age;
    int status = cli_number(args, "max-age", 0, R2_CORS_AGE_S_MAX, -1, &age);

    if (!json_array_size(methods)) {
        json_decref(methods);
        methods = json_pack("[s, s]", "GET", "HEAD");
    }
    rule = json_pack("{s:{s:o, s:o, s:o}, s:o}", "allowed", "origins", values_of(args, "origin"),
                     "methods", methods, "headers", values_of(args, "allow-header"),
                     "exposeHeaders", values_of(args, "expose-header"));
    if (age >= 0)
        json_object_set_new(rule, "maxAgeSeconds", json_integer(age));
    *ret = json_pack("{s:[o]}", "rules", rule);
    return status;
}

static int read_file(const struct cli_args *args, const char *path, json_t **ret)
{
    struct buf text;
    struct err err;
    json_error_t where;

    buf_init(&text, FILE_BYTES_MAX);
    if (file_read(path, &text, &err) < 0) {
        buf_done(&text);
        return cli_usage_error(args, "--file: %s", err.text);
    }
    *ret = json_loadb(text.ptr ? text.ptr : "", text.len, 0, &where);
    buf_done(&text);
    return *ret ? EXIT_DONE
                : cli_usage_error(args, "%s:%d:%d: %s", path, where.line, where.column, where.text);
}

/* The policy, checked here as well: an error then is one of the command line. */
static int read_policy(const struct cli_args *args, json_t **ret)
{
    const char *path = cli_value(args, "file");
    json_t *rules;
    struct err err;
    int status;

    if (!path == !cli_has(args, "origin"))
        return cli_usage_error(args, "either --file FILE or --origin ORIGIN says what is allowed");
    status = path ? read_file(args, path, ret) : read_options(args, ret);
    if (status != EXIT_DONE)
        return status;
    if (r2_cors_read(*ret, &rules, &err) < 0)
        return cli_usage_error(args, "%s", err.text);
    json_decref(rules);
    return EXIT_DONE;
}

/* ---- set ---- */

static void print_done(const char *what, const char *bucket)
{
    terminal_print(stdout, GREEN, "%s", what);
    printf(" the CORS rules of ");
    terminal_print_text(stdout, BOLD, bucket, false, 0);
    printf("\n");
}

static int set(const struct cli_args *args, json_t *policy)
{
    const char *bucket = cli_operands(args)[0];
    struct session session;
    struct err err;
    int status = session_open(&session, args);

    if (status == EXIT_DONE &&
        remote_call(session.remote, "PUT", remote_path(session.remote, CORS, bucket),
                    json_incref(policy), NULL, &err) < 0)
        status = session_fail(&session, &err);
    if (status == EXIT_DONE && !session_prints_json(&session, policy))
        print_done("set", bucket);
    session_close(&session);
    return status;
}

static int run_set(const struct cli_args *args)
{
    json_t *policy = NULL;
    int status = cli_check_operands(args, 1, 1, "the bucket's NAME");

    if (status == EXIT_DONE)
        status = read_policy(args, &policy);
    if (status == EXIT_DONE)
        status = set(args, policy);
    json_decref(policy);
    return status;
}

/* ---- list ---- */

/* "a, b"; returned owned. */
static char *join(const json_t *list)
{
    const json_t *value;
    struct buf text;
    size_t i;
    int r = 0;

    buf_init(&text, CELL_BYTES_MAX);
    json_array_foreach(list, i, value)
        if (r == 0)
            r = buf_printf(&text, "%s%s", i ? ", " : "", json_string_value(value));
    return buf_take(&text, NULL);
}

static void add_row(struct table *table, const json_t *rule)
{
    const json_t *allowed = json_object_get(rule, "allowed");
    char *origins = join(json_object_get(allowed, "origins")),
         *methods = join(json_object_get(allowed, "methods")),
         *headers = join(json_object_get(allowed, "headers")),
         *exposed = join(json_object_get(rule, "exposeHeaders"));
    char age[24] = "";

    if (json_object_get(rule, "maxAgeSeconds"))
        snprintf(age, sizeof age, "%d s", (int)member_int(rule, "maxAgeSeconds"));
    table_add(table, (const char *const[]){origins ? origins : "", methods ? methods : "",
                                           headers ? headers : "", exposed ? exposed : "", age});
    table_colour(table, 0, BOLD);
    free(origins);
    free(methods);
    free(headers);
    free(exposed);
}

static void print_rules(const json_t *rules)
{
    struct table *table = table_new((const char *const[]){"origins", "methods", "headers",
                                                          "exposed headers", ">max age", NULL});
    const json_t *rule;
    size_t i;

    json_array_foreach(rules, i, rule)
        add_row(table, rule);
    table_print(table);
}

static int run_list(const struct cli_args *args)
{
    struct session session;
    json_t *policy = NULL;
    const json_t *rules;
    struct err err;
    int status = cli_check_operands(args, 1, 1, "the bucket's NAME");

    if (status != EXIT_DONE)
        return status;
    status = session_open(&session, args);
    if (status == EXIT_DONE &&
        remote_get(session.remote, remote_path(session.remote, CORS, cli_operands(args)[0]),
                   &policy, &err) < 0)
        status = session_fail(&session, &err);
    rules = json_object_get(policy, "rules");
    if (status == EXIT_DONE && !session_prints_json(&session, rules))
        print_rules(rules);
    json_decref(policy);
    session_close(&session);
    return status;
}

/* ---- delete ---- */

static int delete (struct session *session, const char *bucket)
{
    struct err err;

    if (remote_call(session->remote, "DELETE", remote_path(session->remote, CORS, bucket), NULL,
                    NULL, &err) < 0)
        return session_fail(session, &err);
    print_done("deleted", bucket);
    return EXIT_DONE;
}

static int run_delete(const struct cli_args *args)
{
    struct session session;
    int status = cli_check_operands(args, 1, 1, "the bucket's NAME");

    if (status == EXIT_DONE)
        status = approval_ask(args, "let pages of no other origin use the bucket any more?", true);
    if (status != EXIT_DONE)
        return status;
    status = session_open(&session, args);
    if (status == EXIT_DONE)
        status = delete (&session, cli_operands(args)[0]);
    session_close(&session);
    return status;
}

/* ---- rows ---- */

static const struct cli_option set_options[] = {
    {"file", "FILE", "the rules as JSON, {\"rules\": [...]}: several, or with ids"},
    {"origin", "ORIGIN", "who may: \"https://app.example.com\", \"https://*.example.com\", \"*\""},
    {"method", "METHOD", "what they may do: GET, PUT, POST, DELETE, HEAD (GET and HEAD)"},
    {"allow-header", "NAME", "a header they may send: \"content-type\", \"x-amz-*\", \"*\""},
    {"expose-header", "NAME", "a header of answers they may read: \"etag\""},
    {"max-age", "SECONDS", "how long a browser need not ask again; a day at most"},
    {0},
};

static const struct cli_example set_examples[] = {
    {"atoll r2 bucket cors set pictures --origin https://app.example.com", "to read"},
    {"atoll r2 bucket cors set up --origin '*' --method PUT --allow-header '*'", "to upload"},
    {"atoll r2 bucket cors set pictures --file cors.json", NULL},
    {0},
};

static const struct cli_example list_examples[] = {
    {"atoll r2 bucket cors list pictures", NULL},
    {0},
};

static const struct cli_example delete_examples[] = {
    {"atoll r2 bucket cors delete pictures --yes", "without a question"},
    {0},
};

const struct cli_command cmd_r2_cors_set = {
    .name = "r2 bucket cors set",
    .usage = "BUCKET (--file FILE | --origin ORIGIN...) [OPTIONS]",
    .summary = "let pages of other origins use a bucket in a browser",
    .details = "What was set before goes. Options that name something may be given several times.",
    .options = set_options,
    .run = run_set,
    .examples = set_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};

const struct cli_command cmd_r2_cors_list = {
    .name = "r2 bucket cors list",
    .usage = "BUCKET [OPTIONS]",
    .summary = "list the CORS rules of a bucket",
    .run = run_list,
    .examples = list_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};

const struct cli_command cmd_r2_cors_delete = {
    .name = "r2 bucket cors delete",
    .usage = "BUCKET [OPTIONS]",
    .summary = "take its CORS rules away",
    .details = "Where nobody is there to ask, it takes --yes.",
    .run = run_delete,
    .examples = delete_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_YES,
};
