/* `atoll deployments`, `deployments list` and `deployments status`: what was live, and what is. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/history.h"
#include "cli/quantity.h"
#include "cli/subject.h"
#include "cli/table.h"

enum { LIMIT_DEFAULT = 20, LIMIT_MAX = 1000 };

/* A deployment's own message, else that of its version. Returned owned. */
static char *message_of(const struct history *history, const json_t *deployment)
{
    const char *own = history_annotation(deployment, "message");

    return history_line(
        *own ? own
             : history_annotation(history_version(history, history_first(deployment)), "message"));
}

static void add_row(struct table *table, const struct history *history, const json_t *deployment)
{
    bool live = deployment == history_live(history);
    char *versions = history_versions_text(json_object_get(deployment, "versions"));
    char *message = message_of(history, deployment);

    table_add(table,
              (const char *const[]){session_ago(json_object_get(deployment, "created_on")),
                                    live ? "live" : "", versions,
                                    member_text_or(deployment, "author_email", ""),
                                    history_annotation(deployment, "triggered_by"), message});
    table_colour(table, 1, GREEN);
    table_colour(table, 2, BOLD);
    free(message);
    free(versions);
}

static void print(const struct session *session, const struct history *history, size_t limit)
{
    struct table *table;
    const json_t *it;
    size_t i;

    if (!history_live(history)) {
        fprintf(stderr, "%s was never deployed: atoll deploy, or atoll versions deploy\n",
                session->worker);
        return;
    }
    table = table_new(
        (const char *const[]){"deployed", "", "version", "by", "by way of", "message", NULL});
    json_array_foreach(history->deployments, i, it)
        if (i < limit)
            add_row(table, history, it);
    table_print(table);
    if (json_array_size(history->deployments) > limit)
        fprintf(stderr, "and %zu older ones: --limit shows more\n",
                json_array_size(history->deployments) - limit);
}

static void print_status(const struct session *session, const struct history *history)
{
    const json_t *live = history_live(history), *it;
    char *message;
    size_t i;

    if (!live) {
        print(session, history, 1);
        return;
    }
    message = message_of(history, live);
    terminal_print(stdout, BOLD, "%s", session->worker);
    printf(" was deployed %s by ", session_ago(json_object_get(live, "created_on")));
    terminal_print_text(stdout, PLAIN, member_text_or(live, "author_email", ""), false, 0);
    printf("%s", *message ? ": " : "");
    terminal_print_text(stdout, PLAIN, message, false, 2);
    putchar('\n');
    free(message);
    json_array_foreach(json_object_get(live, "versions"), i, it) {
        double share = json_number_value(json_object_get(it, "percentage"));
        terminal_print(stdout, GREEN, "  %s", quantity_share(share));
        printf(" ");
        terminal_print_text(stdout, PLAIN, member_text_or(it, "version_id", ""), false, 0);
        putchar('\n');
    }
}

static int run_list(const struct cli_args *args)
{
    struct history history = {0};
    struct session session;
    struct err err;
    long limit;
    int status = cli_check_operands(args, 0, 0, NULL);

    if (status == EXIT_DONE)
        status = cli_number(args, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &limit);
    if (status != EXIT_DONE)
        return status;
    status = session_open_worker(&session, args);
    if (status == EXIT_DONE && history_read(&session, &history, &err) < 0)
        status = subject_fail(&session, &err);
    else if (status == EXIT_DONE && cli_has(args, "json"))
        history_shorten(history.deployments, (size_t)limit);
    if (status == EXIT_DONE && !session_prints_json(&session, history.deployments))
        print(&session, &history, (size_t)limit);
    history_done(&history);
    session_close(&session);
    return status;
}

/* With --json: the deployment that is live, or null. */
static int run_status(const struct cli_args *args)
{
    struct history history = {0};
    struct session session;
    struct err err;
    int status = cli_check_operands(args, 0, 0, NULL);

    if (status != EXIT_DONE)
        return status;
    status = session_open_worker(&session, args);
    if (status == EXIT_DONE && history_read(&session, &history, &err) < 0)
        status = subject_fail(&session, &err);
    if (status == EXIT_DONE &&
        !session_prints_json(&session,
                             history_live(&history) ? history_live(&history) : json_null()))
        print_status(&session, &history);
    history_done(&history);
    session_close(&session);
    return status;
}

static const struct cli_option options[] = {
    {"limit", "COUNT", "so many of the newest (20)"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll deployments", "what was live, newest first"},
    {"atoll deployments status", "what is live"},
    {0},
};

static const struct cli_example status_examples[] = {
    {"atoll deployments status --json | jq -r '.versions[].version_id'", NULL},
    {0},
};

const struct cli_command cmd_deployments = {
    .name = "deployments",
    .usage = "[OPTIONS]",
    .summary = "list what was live, newest first",
    .options = options,
    .run = run_list,
    .examples = examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};

/* As wrangler has it. */
const struct cli_command cmd_deployments_list = {
    .name = "deployments list",
    .usage = "[OPTIONS]",
    .summary = NULL,
    .options = options,
    .run = run_list,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};

const struct cli_command cmd_deployments_status = {
    .name = "deployments status",
    .usage = "[OPTIONS]",
    .summary = "show what is live",
    .run = run_status,
    .examples = status_examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};
