/* `atoll kv key put`, `get`, `list`, `delete` and `atoll kv bulk put`, `get`, `delete`.
 *
 * One key is a list of one: what is put and deleted goes the same way, on a server and here. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/approval.h"
#include "cli/depot.h"
#include "cli/quantity.h"
#include "cli/table.h"
#include "cli/terminal.h"

#define KV "storage/kv/namespaces/%s"

enum { BYTES_MAX = 64 << 20, TTL_MAX = INT32_MAX };

/* The namespace of --binding or --namespace-id. */
static int open_namespace(struct depot *depot, const struct cli_args *args)
{
    const char *binding = cli_value(args, "binding"), *id = cli_value(args, "namespace-id");

    *depot = (struct depot){0};
    if (!binding == !id)
        return cli_usage_error(args, "say which namespace: --binding NAME of the configuration, or "
                                     "--namespace-id ID");
    return depot_open(depot, args, "kv_namespace", binding ? binding : id);
}

/* ---- calls, here or there ---- */

static int write_all(struct depot *depot, const char *call, const char *method, str text,
                     json_t **ret_result, struct err *err)
{
    const struct remote_body body = {.content_type = "application/json", .bytes = text};
    struct remote *remote = depot->session.remote;
    const char *tail = strcmp(call, "bulk_get") == 0 ? KV "/bulk/get" : KV "/bulk";

    if (depot->is_local)
        return depot_call(depot, &(struct depot_words){call, NULL, text}, ret_result, NULL, err);
    return remote_send(remote, method, remote_path(remote, tail, depot->id), &body, ret_result,
                       err);
}

static int get_value(struct depot *depot, const char *key, struct buf *out, struct err *err)
{
    struct remote *remote = depot->session.remote;

    if (depot->is_local)
        return depot_call(depot,
                          &(struct depot_words){"get", json_pack("{s:s}", "key", key), STR_NONE},
                          NULL, out, err);
    return remote_raw(remote, "GET", remote_path(remote, KV "/values/%s", depot->id, key), NULL,
                      out, err);
}

/* Puts what is said of a page of keys into *ret_keys, and the cursor behind it (returned owned; ""
 * at the end). */
static int get_page(struct depot *depot, const char *prefix, const char *cursor, json_t **ret_keys,
                    char **ret_cursor, struct err *err)
{
    struct remote *remote = depot->session.remote;
    json_t *page = NULL, *keys;
    const char *next;
    struct buf text;
    int r;

    buf_init(&text, BYTES_MAX);
    if (depot->is_local)
        r = depot_call(depot,
                       &(struct depot_words){"list",
                                             json_pack("{s:s, s:s*}", "prefix", prefix, "cursor",
                                                       *cursor ? cursor : NULL),
                                             STR_NONE},
                       &page, NULL, err);
    else if ((r = remote_raw(remote, "GET",
                             remote_path(remote, KV "/keys?prefix=%s&cursor=%s", depot->id, prefix,
                                         cursor),
                             NULL, &text, err)) == 0)
        page = json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, NULL);
    buf_done(&text);
    if (r < 0)
        return r;
    keys = json_object_get(page, depot->is_local ? "keys" : "result");
    next = json_string_value(
        json_object_get(depot->is_local ? page : json_object_get(page, "result_info"), "cursor"));
    json_array_extend(*ret_keys, keys);
    *ret_cursor = str_dup(str_from(next));
    json_decref(page);
    return 0;
}

/* ---- put ---- */

/* {key, value ...} of the command line; NULL after a complaint. */
static json_t *pair_of(const struct cli_args *args, str value)
{
    const char *metadata = cli_value(args, "metadata");
    json_t *pair = json_pack("{s:s, s:o, s:b}", "key", cli_operands(args)[0], "value",
                             depot_base64(value), "base64", 1);
    json_t *parsed = metadata ? json_loads(metadata, JSON_DECODE_ANY, NULL) : NULL;
    long ttl, expiration;

    if (metadata && !parsed)
        (void)cli_usage_error(args, "--metadata takes JSON, like '{\"a\": 1}'");
    else if (cli_number(args, "ttl", 1, TTL_MAX, 0, &ttl) == EXIT_DONE &&
             cli_number(args, "expiration", 1, INT64_MAX, 0, &expiration) == EXIT_DONE) {
        if (parsed)
            json_object_set_new(pair, "metadata", parsed);
        if (ttl)
            json_object_set_new(pair, "expiration_ttl", json_integer(ttl));
        if (expiration)
            json_object_set_new(pair, "expiration", json_integer(expiration));
        return pair;
    }
    json_decref(parsed);
    json_decref(pair);
    return NULL;
}

static int put(struct depot *depot, const struct cli_args *args, str value)
{
    json_t *pair = pair_of(args, value), *list;
    struct err err;
    char *text;
    int r;

    if (!pair)
        return EXIT_USAGE;
    list = json_pack("[o]", pair);
    text = json_dumps(list, JSON_COMPACT);
    r = write_all(depot, "bulk_put", "PUT", str_from(text), NULL, &err);
    free(text);
    json_decref(list);
    if (r < 0)
        return depot_fail(depot, &err);
    terminal_print(stdout, GREEN, "put");
    printf(" %s under ", quantity_bytes((int64_t)value.len));
    terminal_print_text(stdout, BOLD, cli_operands(args)[0], false, 0);
    printf("\n");
    return EXIT_DONE;
}

static int run_put(const struct cli_args *args)
{
    bool has_value = cli_operand_count(args) == 2;
    const char *path = cli_value(args, "path");
    int status = cli_check_operands(args, 1, 2, "a KEY and its VALUE (or --path FILE)");
    struct depot depot;
    struct buf bytes;
    struct err err;

    if (status != EXIT_DONE)
        return status;
    if (has_value == (path != NULL))
        return cli_usage_error(args, "a value is an operand, or --path FILE (- is standard input)");
    buf_init(&bytes, BYTES_MAX);
    if (path && depot_read(path, &bytes, &err) < 0) {
        terminal_error(err.text);
        buf_done(&bytes);
        return EXIT_FAILED;
    }
    status = open_namespace(&depot, args);
    if (status == EXIT_DONE)
        status = put(&depot, args, path ? buf_str(&bytes) : str_from(cli_operands(args)[1]));
    depot_close(&depot);
    buf_done(&bytes);
    return status;
}

/* ---- get, list, delete ---- */

static int run_get(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the KEY");
    struct depot depot;
    struct buf bytes;
    struct err err;

    if (status != EXIT_DONE)
        return status;
    buf_init(&bytes, BYTES_MAX);
    status = open_namespace(&depot, args);
    if (status == EXIT_DONE && get_value(&depot, cli_operands(args)[0], &bytes, &err) < 0)
        status = depot_fail(&depot, &err);
    if (status == EXIT_DONE && bytes.len && fwrite(bytes.ptr, bytes.len, 1, stdout) != 1)
        status = EXIT_FAILED;
    depot_close(&depot);
    buf_done(&bytes);
    return status;
}

static void print_keys(const json_t *keys)
{
    struct table *table = table_new((const char *const[]){"key", "expires", "metadata", NULL});
    const json_t *it;
    size_t i;

    json_array_foreach(keys, i, it) {
        json_t *metadata = json_object_get(it, "metadata"),
               *expiration = json_object_get(it, "expiration");
        char *text = metadata ? json_dumps(metadata, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
        char when[32] = "";

        if (json_is_integer(expiration))
            snprintf(when, sizeof when, "%lld", (long long)json_integer_value(expiration));
        table_add(table, (const char *const[]){member_text(it, "name"), when, text});
        table_colour(table, 0, BOLD);
        free(text);
    }
    table_print(table);
}

static int list_keys(struct depot *depot, const char *prefix, json_t *keys)
{
    char *cursor = str_dup(STR(""));
    struct err err;
    int r;

    do {
        char *next = NULL;

        r = get_page(depot, prefix, cursor, &keys, &next, &err);
        free(cursor);
        cursor = next;
    } while (r == 0 && *cursor);
    free(cursor);
    return r < 0 ? depot_fail(depot, &err) : EXIT_DONE;
}

static int run_list(const struct cli_args *args)
{
    const char *prefix = cli_value(args, "prefix");
    int status = cli_check_operands(args, 0, 0, NULL);
    json_t *keys = json_array();
    struct depot depot = {0};

    if (status == EXIT_DONE)
        status = open_namespace(&depot, args);
    if (status == EXIT_DONE)
        status = list_keys(&depot, prefix ? prefix : "", keys);
    if (status == EXIT_DONE && !session_prints_json(&depot.session, keys))
        print_keys(keys);
    json_decref(keys);
    depot_close(&depot);
    return status;
}

/* `text` is an array of keys. */
static int delete_all(struct depot *depot, str text, const char *what)
{
    struct err err;

    if (write_all(depot, "bulk_delete", "DELETE", text, NULL, &err) < 0)
        return depot_fail(depot, &err);
    terminal_print(stdout, GREEN, "deleted");
    printf(" ");
    terminal_print_text(stdout, BOLD, what, false, 0);
    printf("\n");
    return EXIT_DONE;
}

static int run_delete(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the KEY");
    struct depot depot;
    json_t *keys;
    char *text;

    if (status != EXIT_DONE)
        return status;
    status = open_namespace(&depot, args);
    if (status == EXIT_DONE) {
        keys = json_pack("[s]", cli_operands(args)[0]);
        text = json_dumps(keys, JSON_COMPACT);
        status = delete_all(&depot, str_from(text), cli_operands(args)[0]);
        free(text);
        json_decref(keys);
    }
    depot_close(&depot);
    return status;
}

/* ---- bulk ---- */

/* An array that stands in a file. Returned owned; NULL after a complaint. */
static json_t *read_array(const struct cli_args *args)
{
    const char *path = cli_operands(args)[0];
    json_error_t error;
    struct buf bytes;
    struct err err;
    json_t *array = NULL;

    buf_init(&bytes, BYTES_MAX);
    if (depot_read(path, &bytes, &err) < 0) {
        terminal_error(err.text);
    } else {
        array = json_loadb(bytes.ptr ? bytes.ptr : "", bytes.len, 0, &error);
        if (!array)
            err_set(&err, ERR_INVALID, "%.200s:%d:%d: %s", path, error.line, error.column,
                    error.text);
        else if (!json_is_array(array))
            err_set(&err, ERR_INVALID, "%.200s: a JSON array is wanted", path);
        if (!json_is_array(array)) {
            terminal_error(err.text);
            json_decref(array);
            array = NULL;
        }
    }
    buf_done(&bytes);
    return array;
}

/* Calls `each` with the file's items, `step` of them at a time. */
static int in_steps(struct depot *depot, const struct cli_args *args,
                    int (*each)(struct depot *depot, const json_t *items, void *context),
                    size_t step, void *context)
{
    json_t *array = read_array(args);
    int status = array ? open_namespace(depot, args) : EXIT_FAILED;

    for (size_t at = 0; status == EXIT_DONE && at < json_array_size(array); at += step) {
        json_t *items = json_array();

        for (size_t i = at; i < at + step && i < json_array_size(array); i++)
            json_array_append(items, json_array_get(array, i));
        status = each(depot, items, context);
        json_decref(items);
    }
    json_decref(array);
    return status;
}

enum { PUT_STEP = 1000, DELETE_STEP = 1000, GET_STEP = 100 };

static int send_items(struct depot *depot, const char *call, const char *method,
                      const json_t *items, json_t **ret_result)
{
    char *text = json_dumps(items, JSON_COMPACT);
    struct err err;
    int r = write_all(depot, call, method, str_from(text), ret_result, &err);

    free(text);
    return r < 0 ? depot_fail(depot, &err) : EXIT_DONE;
}

static int put_items(struct depot *depot, const json_t *items, void *count)
{
    *(size_t *)count += json_array_size(items);
    return send_items(depot, "bulk_put", "PUT", items, NULL);
}

static int delete_items(struct depot *depot, const json_t *items, void *count)
{
    *(size_t *)count += json_array_size(items);
    return send_items(depot, "bulk_delete", "DELETE", items, NULL);
}

static int get_items(struct depot *depot, const json_t *items, void *context)
{
    json_t *asked = json_pack("{s:O}", "keys", items), *result = NULL;
    int status = send_items(depot, "bulk_get", "POST", asked, &result);

    json_object_update(context, json_object_get(result, "values"));
    json_decref(result);
    json_decref(asked);
    return status;
}

static void say_count(const char *verb, size_t count)
{
    terminal_print(stdout, GREEN, "%s", verb);
    printf(" %s\n", quantity_of(count, "key"));
}

static int run_bulk_put(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the FILE (- is standard input)");
    struct depot depot = {0};
    size_t count = 0;

    if (status != EXIT_DONE)
        return status;
    status = in_steps(&depot, args, put_items, PUT_STEP, &count);
    if (status == EXIT_DONE)
        say_count("put", count);
    depot_close(&depot);
    return status;
}

static int run_bulk_delete(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the FILE (- is standard input)");
    struct depot depot = {0};
    size_t count = 0;

    if (status == EXIT_DONE)
        status = approval_ask(args, "delete all the keys that the file names?", true);
    if (status != EXIT_DONE)
        return status;
    status = in_steps(&depot, args, delete_items, DELETE_STEP, &count);
    if (status == EXIT_DONE)
        say_count("deleted", count);
    depot_close(&depot);
    return status;
}

static int run_bulk_get(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the FILE (- is standard input)");
    json_t *values = json_object();
    struct depot depot = {0};

    if (status == EXIT_DONE)
        status = in_steps(&depot, args, get_items, GET_STEP, values);
    if (status == EXIT_DONE) {
        json_dumpf(values, stdout, JSON_INDENT(2));
        printf("\n");
    }
    json_decref(values);
    depot_close(&depot);
    return status;
}

/* ---- rows ---- */

#define WHICH                                                                                      \
    {"binding", "NAME", "the namespace of this binding of the configuration"},                    \
    {"namespace-id", "ID", "or the one with this id or title"}, DEPOT_OPTIONS

static const struct cli_option which_options[] = {WHICH, {0}};

static const struct cli_option put_options[] = {
    WHICH,
    {"path", "FILE", "the value is what this file says (- is standard input)"},
    {"ttl", "SECONDS", "it is gone after so many seconds, 60 at least"},
    {"expiration", "SECONDS", "it is gone at this time, in seconds since 1970"},
    {"metadata", "JSON", "kept with it, and told in lists"},
    {0},
};

static const struct cli_option list_options[] = {
    WHICH,
    {"prefix", "TEXT", "only keys that begin so"},
    {0},
};

static const struct cli_example put_examples[] = {
    {"atoll kv key put greeting hello --binding KV", "on the server"},
    {"atoll kv key put logo --path logo.png --binding KV --local", "for atoll dev"},
    {0},
};

static const struct cli_example get_examples[] = {
    {"atoll kv key get logo --binding KV > logo.png", "byte by byte"},
    {0},
};

static const struct cli_example list_examples[] = {
    {"atoll kv key list --binding KV --prefix user: --json", "all pages of them"},
    {0},
};

static const struct cli_example delete_examples[] = {
    {"atoll kv key delete greeting --namespace-id sessions", "by the namespace's title"},
    {0},
};

static const struct cli_example bulk_put_examples[] = {
    {"atoll kv bulk put values.json --binding KV", "[{\"key\": ..., \"value\": ...}, ...]"},
    {0},
};

static const struct cli_example bulk_get_examples[] = {
    {"atoll kv bulk get keys.json --binding KV", "[\"key\", ...] in, {key: value} out"},
    {0},
};

static const struct cli_example bulk_delete_examples[] = {
    {"atoll kv bulk delete keys.json --binding KV --yes", "[\"key\", ...]"},
    {0},
};

const struct cli_command cmd_kv_key_put = {
    .name = "kv key put",
    .usage = "KEY [VALUE] [OPTIONS]",
    .summary = "store a value under a key",
    .options = put_options,
    .run = run_put,
    .examples = put_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER,
};

const struct cli_command cmd_kv_key_get = {
    .name = "kv key get",
    .usage = "KEY [OPTIONS]",
    .summary = "print the value of a key",
    .options = which_options,
    .run = run_get,
    .examples = get_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER,
};

const struct cli_command cmd_kv_key_list = {
    .name = "kv key list",
    .usage = "[OPTIONS]",
    .summary = "list the keys of a namespace",
    .options = list_options,
    .run = run_list,
    .examples = list_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};

const struct cli_command cmd_kv_key_delete = {
    .name = "kv key delete",
    .usage = "KEY [OPTIONS]",
    .summary = "delete a key",
    .options = which_options,
    .run = run_delete,
    .examples = delete_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER,
};

const struct cli_command cmd_kv_bulk_put = {
    .name = "kv bulk put",
    .usage = "FILE [OPTIONS]",
    .summary = "store many values at once",
    .details = "FILE is a JSON array of {key, value, base64?, expiration?, expiration_ttl?,\n"
               "metadata?}, stored 1,000 at a time, each time all or nothing.",
    .options = which_options,
    .run = run_bulk_put,
    .examples = bulk_put_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER,
};

const struct cli_command cmd_kv_bulk_get = {
    .name = "kv bulk get",
    .usage = "FILE [OPTIONS]",
    .summary = "print the values of many keys, as JSON",
    .options = which_options,
    .run = run_bulk_get,
    .examples = bulk_get_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER,
};

const struct cli_command cmd_kv_bulk_delete = {
    .name = "kv bulk delete",
    .usage = "FILE [OPTIONS]",
    .summary = "delete many keys at once",
    .details = "Where nobody is there to ask, it takes --yes.",
    .options = which_options,
    .run = run_bulk_delete,
    .examples = bulk_delete_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER | CLI_YES,
};
