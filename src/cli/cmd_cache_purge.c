/* `atoll cache purge`: what distributions of published buckets keep is to go. */
#include <stdio.h>

#include "cli/approval.h"
#include "cli/session.h"
#include "cli/terminal.h"

/* The values of an option that may be given several times. */
static void add_values(const struct cli_args *args, const char *option, json_t *body,
                       const char *key)
{
    json_t *list = json_array();
    const char *value;

    for (size_t i = 0; (value = cli_value_at(args, option, i)); i++)
        json_array_append_new(list, json_string(value));
    if (json_array_size(list))
        json_object_set(body, key, list);
    json_decref(list);
}

static json_t *read_body(const struct cli_args *args)
{
    json_t *body = json_object(), *files = json_array();

    for (size_t i = 0; i < cli_operand_count(args); i++)
        json_array_append_new(files, json_string(cli_operands(args)[i]));
    if (json_array_size(files))
        json_object_set(body, "files", files);
    json_decref(files);
    add_values(args, "prefix", body, "prefixes");
    add_values(args, "host", body, "hosts");
    if (cli_has(args, "everything") && !cli_has(args, "host"))
        json_object_set_new(body, "purge_everything", json_true());
    return body;
}

static int purge(const struct cli_args *args, json_t *body)
{
    struct session session;
    json_t *result = NULL;
    struct err err;
    int status = session_open(&session, args);

    if (status == EXIT_DONE &&
        remote_call(session.remote, "POST", remote_path(session.remote, "cache/purge"),
                    json_incref(body), &result, &err) < 0)
        status = session_fail(&session, &err);
    if (status == EXIT_DONE && !session_prints_json(&session, result)) {
        terminal_print(stdout, GREEN, "purged");
        printf(": no process answers with what was kept\n");
    }
    json_decref(result);
    session_close(&session);
    return status;
}

static int run_purge(const struct cli_args *args)
{
    json_t *body = read_body(args);
    int status = EXIT_DONE;

    if (!json_object_size(body))
        status = cli_usage_error(args, "what is to be purged? URLs, --prefix, --host or "
                                       "--everything");
    else if (json_object_get(body, "purge_everything"))
        status = approval_ask(args, "purge what all distributions of the account keep?", false);
    if (status == EXIT_DONE)
        status = purge(args, body);
    json_decref(body);
    return status;
}

static const struct cli_option options[] = {
    {"prefix", "HOST/PATH", "all whose URLs begin so; may be given several times"},
    {"host", "HOST", "all of this host; may be given several times"},
    {"everything", NULL, "all that the account's distributions keep"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll cache purge https://cdn.example.com/logo.png", NULL},
    {"atoll cache purge --prefix cdn.example.com/2026/", NULL},
    {"atoll cache purge --host www.example.com", "after a release"},
    {0},
};

const struct cli_command cmd_cache_purge = {
    .name = "cache purge",
    .usage = "[URL...] [OPTIONS]",
    .summary = "have what is kept of published buckets read anew",
    .options = options,
    .run = run_purge,
    .examples = examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON | CLI_YES,
};
