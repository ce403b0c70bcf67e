/* `atoll r2 bucket create`, `list` and `delete`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/approval.h"
#include "cli/session.h"
#include "cli/table.h"

#define R2 "r2/buckets"

/* ---- create ---- */

static void print_created(const json_t *made)
{
    terminal_print(stdout, GREEN, "made");
    printf(" the R2 bucket ");
    terminal_print_text(stdout, BOLD, member_text_or(made, "name", ""), false, 0);
    printf("; in the configuration:\n\n");
    printf("  \"r2_buckets\": [{ \"binding\": \"BUCKET\", \"bucket_name\": \"%s\" }]\n",
           member_text_or(made, "name", ""));
}

static int run_create(const struct cli_args *args)
{
    struct session session;
    json_t *made = NULL;
    struct err err;
    int status = cli_check_operands(args, 1, 1, "the bucket's NAME");

    if (status != EXIT_DONE)
        return status;
    status = session_open(&session, args);
    if (status == EXIT_DONE &&
        remote_call(session.remote, "POST", remote_path(session.remote, R2),
                    json_pack("{s:s, s:s*}", "name", cli_operands(args)[0], "storageClass",
                              cli_value(args, "storage-class")),
                    &made, &err) < 0)
        status = session_fail(&session, &err);
    if (status == EXIT_DONE && !session_prints_json(&session, made))
        print_created(made);
    json_decref(made);
    session_close(&session);
    return status;
}

/* ---- list ---- */

static void print_list(const json_t *buckets)
{
    struct table *table;
    const json_t *it;
    size_t i;

    if (!json_array_size(buckets)) {
        fprintf(stderr, "there are no R2 buckets yet: atoll r2 bucket create NAME\n");
        return;
    }
    table = table_new((const char *const[]){"name", "made", "storage class", NULL});
    json_array_foreach(buckets, i, it) {
        table_add(table, (const char *const[]){member_text_or(it, "name", ""),
                                               member_text_or(it, "creation_date", ""),
                                               member_text_or(it, "storage_class", "")});
        table_colour(table, 0, BOLD);
    }
    table_print(table);
}

/* All pages: the list is a member of an object, and has a cursor. */
static int get_all(struct session *session, json_t *buckets)
{
    struct err err;
    size_t before;

    do {
        json_t *page = NULL;

        before = json_array_size(buckets);
        if (remote_get(session->remote, remote_path(session->remote, R2 "?cursor=%zu", before),
                       &page, &err) < 0)
            return session_fail(session, &err);
        json_array_extend(buckets, json_object_get(page, "buckets"));
        json_decref(page);
    } while (json_array_size(buckets) > before);
    return EXIT_DONE;
}

static int run_list(const struct cli_args *args)
{
    struct session session;
    json_t *buckets;
    int status = cli_check_operands(args, 0, 0, NULL);

    if (status != EXIT_DONE)
        return status;
    buckets = json_array();
    status = session_open(&session, args);
    if (status == EXIT_DONE)
        status = get_all(&session, buckets);
    if (status == EXIT_DONE && !session_prints_json(&session, buckets))
        print_list(buckets);
    json_decref(buckets);
    session_close(&session);
    return status;
}

/* ---- delete ---- */

static int delete (struct session *session, const char *name)
{
    char question[256];
    struct err err;
    int status;

    snprintf(question, sizeof question, "delete the R2 bucket %.100s?", name);
    if ((status = approval_ask(session->args, question, true)) != EXIT_DONE)
        return status;
    if (remote_call(session->remote, "DELETE", remote_path(session->remote, R2 "/%s", name), NULL,
                    NULL, &err) < 0)
        return session_fail(session, &err);
    terminal_print(stdout, GREEN, "deleted");
    printf(" the R2 bucket ");
    terminal_print_text(stdout, BOLD, name, false, 0);
    printf("\n");
    return EXIT_DONE;
}

static int run_delete(const struct cli_args *args)
{
    struct session session;
    int status = cli_check_operands(args, 1, 1, "the bucket's NAME");

    if (status != EXIT_DONE)
        return status;
    status = session_open(&session, args);
    if (status == EXIT_DONE)
        status = delete (&session, cli_operands(args)[0]);
    session_close(&session);
    return status;
}

/* ---- rows ---- */

static const struct cli_option create_options[] = {
    {"storage-class", "Standard|InfrequentAccess", "what objects say of themselves (Standard)"},
    {0},
};

static const struct cli_example create_examples[] = {
    {"atoll r2 bucket create pictures", "says what to put into the configuration"},
    {0},
};

static const struct cli_example list_examples[] = {
    {"atoll r2 bucket list --json | jq -r '.[].name'", "the names"},
    {0},
};

static const struct cli_example delete_examples[] = {
    {"atoll r2 bucket delete pictures --yes", "without a question"},
    {0},
};

const struct cli_command cmd_r2_bucket_create = {
    .name = "r2 bucket create",
    .usage = "NAME [OPTIONS]",
    .summary = "make an R2 bucket",
    .options = create_options,
    .run = run_create,
    .examples = create_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};

const struct cli_command cmd_r2_bucket_list = {
    .name = "r2 bucket list",
    .usage = "[OPTIONS]",
    .summary = "list the account's R2 buckets",
    .run = run_list,
    .examples = list_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};

const struct cli_command cmd_r2_bucket_delete = {
    .name = "r2 bucket delete",
    .usage = "NAME [OPTIONS]",
    .summary = "delete an R2 bucket that is empty",
    .details = "Where nobody is there to ask, it takes --yes.",
    .run = run_delete,
    .examples = delete_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_YES,
};
