/* `atoll cron list` and `cron trigger`: a worker's cron triggers, and running scheduled() now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cron.h"
#include "base/member.h"
#include "cli/subject.h"
#include "cli/table.h"
#include "cli/when.h"
#include "os/clock.h"

/* ---- list ---- */

static void add_row(struct table *table, const json_t *schedule)
{
    const char *text = member_text_or(schedule, "cron", "");
    struct cron cron;
    struct err ignored;
    int64_t next = 0;
    json_t *next_json;

    if (cron_parse(str_from(text), &cron, &ignored) == 0)
        next = cron_next(&cron, clock_wall_ms());
    next_json = json_integer(next);
    table_add(table, (const char *const[]){text, next ? session_ago(next_json) : "never",
                                           next ? when_local(next) : "",
                                           session_ago(json_object_get(schedule, "created_on"))});
    table_colour(table, 0, BOLD);
    json_decref(next_json);
}

static void print_list(const struct session *session, const json_t *schedules)
{
    struct table *table;
    const json_t *it;
    size_t i;

    if (!json_array_size(schedules)) {
        fprintf(stderr,
                "%s has no cron triggers: \"triggers\": {\"crons\": [\"0 * * * *\"]} in its "
                "configuration, and atoll deploy\n",
                session->worker);
        return;
    }
    table = table_new((const char *const[]){"cron (UTC)", "next", "at", "added", NULL});
    json_array_foreach(schedules, i, it)
        add_row(table, it);
    table_print(table);
}

static int list(struct session *session)
{
    json_t *schedules;
    struct err err;

    if (remote_list(session->remote,
                    remote_path(session->remote, "workers/scripts/%s/schedules", session->worker),
                    "schedules", &schedules, &err) < 0)
        return subject_fail(session, &err);
    if (!session_prints_json(session, schedules))
        print_list(session, schedules);
    json_decref(schedules);
    return EXIT_DONE;
}

static int run_list(const struct cli_args *args)
{
    int status = cli_check_operands(args, 0, 0, NULL);

    return status == EXIT_DONE ? session_run_worker(args, list) : status;
}

/* ---- trigger ---- */

/* The path with ?cron= and ?time= as far as they are given. Returned owned; NULL with `err`. */
static char *trigger_path(const struct session *session, struct err *err)
{
    const char *cron = cli_value(session->args, "cron"), *time = cli_value(session->args, "time");
    int64_t time_ms = clock_wall_ms();

    if (time && when_parse(time, time_ms, &time_ms, err) < 0)
        return NULL;
    return cron ? remote_path(session->remote, "workers/scripts/%s/scheduled?time=%ld&cron=%s",
                              session->worker, (long)time_ms, cron)
                : remote_path(session->remote, "workers/scripts/%s/scheduled?time=%ld",
                              session->worker, (long)time_ms);
}

static int tell_outcome(const struct session *session, const json_t *result)
{
    const char *outcome = member_text_or(result, "outcome", ""),
               *error = member_text_or(result, "error", "");
    bool ok = strcmp(outcome, "ok") == 0;

    if (session_prints_json(session, result))
        return ok ? EXIT_DONE : EXIT_FAILED;
    printf("scheduled() of %s ended: ", session->worker);
    terminal_print_text(stdout, ok ? GREEN : RED, outcome, false, 0);
    putchar('\n');
    if (*error) {
        printf("  ");
        terminal_print_text(stdout, PLAIN, error, false, 2);
        putchar('\n');
    }
    fprintf(stderr, "what it said: atoll logs %s --since 1m\n", session->worker);
    return ok ? EXIT_DONE : EXIT_FAILED;
}

static int trigger(struct session *session)
{
    struct err err;
    char *path = trigger_path(session, &err);
    json_t *result;
    int status;

    if (!path)
        return cli_usage_error(session->args, "--time: %s", err.text);
    if (remote_call(session->remote, "POST", path, NULL, &result, &err) < 0)
        return subject_fail(session, &err);
    status = tell_outcome(session, result);
    json_decref(result);
    return status;
}

static int run_trigger(const struct cli_args *args)
{
    int status = cli_check_operands(args, 0, 0, NULL);

    return status == EXIT_DONE ? session_run_worker(args, trigger) : status;
}

/* ---- rows ---- */

static const struct cli_option trigger_options[] = {
    {"cron", "EXPRESSION", "what controller.cron says (the worker's first trigger)"},
    {"time", "TIME", "what controller.scheduledTime says: 2h (ago), 2026-11-21T07:30Z (now)"},
    {0},
};

static const struct cli_example list_examples[] = {
    {"atoll cron list", "triggers and when each is next"},
    {0},
};

static const struct cli_example trigger_examples[] = {
    {"atoll cron trigger", "runs scheduled() now and waits for its end"},
    {"atoll cron trigger --cron \"0 3 * * *\" --time 2026-11-21T03:00Z", "as if it were then"},
    {0},
};

const struct cli_command cmd_cron_list = {
    .name = "cron list",
    .usage = "[OPTIONS]",
    .summary = "list a worker's cron triggers and when they are next",
    .run = run_list,
    .examples = list_examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};

const struct cli_command cmd_cron_trigger = {
    .name = "cron trigger",
    .usage = "[OPTIONS]",
    .summary = "run a worker's scheduled() now",
    .details = "Exit status 1 when it ends with another outcome than \"ok\".",
    .options = trigger_options,
    .run = run_trigger,
    .examples = trigger_examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};
