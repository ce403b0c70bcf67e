/* `atoll kv namespace create`, `list`, `rename` and `delete`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/approval.h"
#include "cli/session.h"
#include "cli/table.h"

#define KV "storage/kv/namespaces"

/* ---- create ---- */

static void print_created(const json_t *made)
{
    terminal_print(stdout, GREEN, "made");
    printf(" the KV namespace ");
    terminal_print_text(stdout, BOLD, member_text_or(made, "title", ""), false, 0);
    printf("; in the configuration:\n\n");
    printf("  \"kv_namespaces\": [{ \"binding\": \"KV\", \"id\": \"%s\" }]\n",
           member_text_or(made, "id", ""));
}

static int create(struct session *session)
{
    const struct cli_args *args = session->args;
    json_t *made = NULL;
    struct err err;

    if (remote_call(session->remote, "POST", remote_path(session->remote, KV),
                    json_pack("{s:s, s:s*}", "title", cli_operands(args)[0], "id",
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
    int status = cli_check_operands(args, 1, 1, "the namespace's TITLE");

    return status == EXIT_DONE ? session_run(args, create) : status;
}

/* ---- list ---- */

static void print_list(const json_t *namespaces)
{
    struct table *table;
    const json_t *it;
    size_t i;

    if (!json_array_size(namespaces)) {
        fprintf(stderr, "there are no KV namespaces yet: atoll kv namespace create TITLE\n");
        return;
    }
    table = table_new((const char *const[]){"title", "id", NULL});
    json_array_foreach(namespaces, i, it) {
        table_add(table, (const char *const[]){member_text_or(it, "title", ""),
                                               member_text_or(it, "id", "")});
        table_colour(table, 0, BOLD);
    }
    table_print(table);
}

static int list(struct session *session)
{
    json_t *namespaces;
    struct err err;

    if (remote_list(session->remote, remote_path(session->remote, KV), NULL, &namespaces, &err) < 0)
        return session_fail(session, &err);
    if (!session_prints_json(session, namespaces))
        print_list(namespaces);
    json_decref(namespaces);
    return EXIT_DONE;
}

static int run_list(const struct cli_args *args)
{
    int status = cli_check_operands(args, 0, 0, NULL);

    return status == EXIT_DONE ? session_run(args, list) : status;
}

/* ---- rename, delete ---- */

static int rename_namespace(struct session *session)
{
    const char *const *names = cli_operands(session->args);
    struct err err;

    if (remote_call(session->remote, "PUT", remote_path(session->remote, KV "/%s", names[0]),
                    json_pack("{s:s}", "title", names[1]), NULL, &err) < 0)
        return session_fail(session, &err);
    terminal_print(stdout, GREEN, "renamed");
    printf(" to ");
    terminal_print_text(stdout, BOLD, names[1], false, 0);
    printf("\n");
    return EXIT_DONE;
}

static int run_rename(const struct cli_args *args)
{
    int status = cli_check_operands(args, 2, 2, "a namespace and its new TITLE");

    return status == EXIT_DONE ? session_run(args, rename_namespace) : status;
}

static int delete (struct session *session)
{
    const char *name = cli_operands(session->args)[0];
    char question[256];
    struct err err;
    int status;

    snprintf(question, sizeof question, "delete the KV namespace %.100s with everything in it?",
             name);
    if ((status = approval_ask(session->args, question, true)) != EXIT_DONE)
        return status;
    if (remote_call(session->remote, "DELETE", remote_path(session->remote, KV "/%s", name), NULL,
                    NULL, &err) < 0)
        return session_fail(session, &err);
    terminal_print(stdout, GREEN, "deleted");
    printf(" the KV namespace ");
    terminal_print_text(stdout, BOLD, name, false, 0);
    printf("\n");
    return EXIT_DONE;
}

static int run_delete(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the namespace's ID or title");

    return status == EXIT_DONE ? session_run(args, delete) : status;
}

/* ---- rows ---- */

static const struct cli_option create_options[] = {
    {"id", "ID", "an id of your own, such as the one that the project has at Cloudflare"},
    {0},
};

static const struct cli_example create_examples[] = {
    {"atoll kv namespace create sessions", "says what to put into the configuration"},
    {0},
};

static const struct cli_example list_examples[] = {
    {"atoll kv namespace list --json | jq -r '.[].id'", "the ids"},
    {0},
};

static const struct cli_example rename_examples[] = {
    {"atoll kv namespace rename sessions logins", "its id stays"},
    {0},
};

static const struct cli_example delete_examples[] = {
    {"atoll kv namespace delete sessions --yes", "without a question"},
    {0},
};

const struct cli_command cmd_kv_namespace_create = {
    .name = "kv namespace create",
    .usage = "TITLE [OPTIONS]",
    .summary = "make a KV namespace",
    .options = create_options,
    .run = run_create,
    .examples = create_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};

const struct cli_command cmd_kv_namespace_list = {
    .name = "kv namespace list",
    .usage = "[OPTIONS]",
    .summary = "list the account's KV namespaces",
    .run = run_list,
    .examples = list_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};

const struct cli_command cmd_kv_namespace_rename = {
    .name = "kv namespace rename",
    .usage = "NAMESPACE TITLE [OPTIONS]",
    .summary = "give a KV namespace another title",
    .run = run_rename,
    .examples = rename_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER,
};

const struct cli_command cmd_kv_namespace_delete = {
    .name = "kv namespace delete",
    .usage = "NAMESPACE [OPTIONS]",
    .summary = "delete a KV namespace and everything in it",
    .details = "Where nobody is there to ask, it takes --yes.",
    .run = run_delete,
    .examples = delete_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_YES,
};
