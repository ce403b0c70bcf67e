/* `atoll delete`: a worker with everything that belongs to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/approval.h"
#include "cli/history.h"
#include "cli/quantity.h"
#include "cli/subject.h"
#include "cli/terminal.h"

/* How many of something the worker has; what cannot be told counts as none. */
static size_t count_of(struct session *session, char *path, const char *member)
{
    struct err ignored;
    json_t *rows;
    size_t count;

    if (remote_list(session->remote, path, member, &rows, &ignored) < 0)
        return 0;
    count = json_array_size(rows);
    json_decref(rows);
    return count;
}

static void add_count(struct buf *text, size_t count, const char *noun)
{
    if (count)
        (void)!buf_printf(text, "%s%s", text->len ? ", " : "", quantity_of(count, noun));
}

/* "3 versions, 1 route"; returned owned. */
static char *belongings(struct session *session, size_t versions)
{
    const struct remote *remote = session->remote;
    const char *name = session->worker;
    struct buf text;

    buf_init(&text, 256);
    add_count(&text, versions, "version");
    add_count(&text,
              count_of(session, remote_path(remote, "workers/scripts/%s/secrets", name), NULL),
              "secret");
    add_count(&text,
              count_of(session, remote_path(remote, "workers/scripts/%s/routes", name), NULL),
              "route");
    add_count(&text,
              count_of(session, remote_path(remote, "workers/domains?service=%s", name), NULL),
              "custom domain");
    add_count(&text,
              count_of(session, remote_path(remote, "workers/scripts/%s/schedules", name),
                       "schedules"),
              "cron trigger");
    return buf_take(&text, NULL);
}

static void show_plan(struct session *session, size_t versions)
{
    char *text = belongings(session, versions);

    fprintf(stderr, "%s goes from the account \"%s\"", session->worker,
            remote_account(session->remote));
    fprintf(stderr, "%s%s, and its logs; what it used stays on the bill\n", *text ? " with " : "",
            text);
    free(text);
}

static int delete (struct session *session)
{
    struct remote *remote = session->remote;
    char question[256];
    json_t *versions;
    struct err err;
    int status;

    if (remote_list(remote, remote_path(remote, "workers/scripts/%s/versions", session->worker),
                    "items", &versions, &err) < 0)
        return subject_fail(session, &err);
    show_plan(session, json_array_size(versions));
    json_decref(versions);
    snprintf(question, sizeof question, "delete %.100s?", session->worker);
    status = approval_ask(session->args, question, true);
    if (status != EXIT_DONE)
        return status;
    if (remote_call(remote, "DELETE", remote_path(remote, "workers/scripts/%s", session->worker),
                    NULL, NULL, &err) < 0)
        return subject_fail(session, &err);
    terminal_print(stdout, GREEN, "deleted");
    printf(" %s\n", session->worker);
    return EXIT_DONE;
}

static int run(const struct cli_args *args)
{
    struct session session;
    int status = cli_check_operands(args, 0, 1, "one worker's NAME");

    if (status != EXIT_DONE)
        return status;
    status = subject_open(&session, args, cli_operand_count(args) ? cli_operands(args)[0] : NULL);
    if (status == EXIT_DONE)
        status = delete (&session);
    session_close(&session);
    return status;
}

static const struct cli_example examples[] = {
    {"atoll delete", "the worker of the configuration here, after a question"},
    {"atoll delete old-api --yes", "another one, without a question"},
    {0},
};

const struct cli_command cmd_delete = {
    .name = "delete",
    .usage = "[NAME] [OPTIONS]",
    .summary = "delete a worker with its versions, secrets, routes and logs",
    .details = "Without NAME it is the worker of --name, or of the configuration here. What it\n"
               "used stays on the bill. Where nobody is there to ask, it takes --yes.",
    .run = run,
    .examples = examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_YES,
};
