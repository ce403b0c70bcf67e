/* `atoll tail`: what a worker's requests do, as they do it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/member.h"
#include "cli/event_filter.h"
#include "cli/event_print.h"
#include "cli/history.h"
#include "cli/progress.h"
#include "cli/subject.h"
#include "cli/terminal.h"
#include "remote/tail.h"

/* A reader of standard output that has left ends it. */
static void on_event(void *context, struct tail *tail, const json_t *event)
{
    const bool *json = context;

    event_print_as(event, *json);
    if (fflush(stdout) != 0 || ferror(stdout))
        tail_stop(tail);
}

/* --format, else what standard output is for. */
static int read_format(const struct cli_args *args, bool *ret_json)
{
    const char *format = cli_value(args, "format");

    *ret_json = format ? strcmp(format, "json") == 0 : !isatty(STDOUT_FILENO);
    if (format && !*ret_json && strcmp(format, "pretty") != 0)
        return cli_usage_error(args, "--format is pretty or json, not \"%.50s\"", format);
    return EXIT_DONE;
}

/* The filters of the options; --version-id may be the beginning of one. */
static int make_filters(struct session *session, json_t **ret)
{
    const char *wanted = cli_value(session->args, "version-id");
    struct history history = {0};
    const json_t *version = NULL;
    struct err err;
    int status;

    if (wanted && (history_read(session, &history, &err) < 0 ||
                   history_find(&history, wanted, &version, &err) < 0))
        status = subject_fail(session, &err);
    else
        status = event_filter_make(session->args,
                                   version ? member_text_or(version, "id", "") : NULL, ret);
    history_done(&history);
    return status;
}

static int watch(struct session *session, json_t *filters, bool *json)
{
    struct tail_hooks hooks = {on_event, event_print_note, json};
    struct tail *tail = NULL;
    struct err err;
    int status = EXIT_DONE;

    if (tail_open(session->remote, session->worker, filters, &hooks, &tail, &err) < 0)
        return subject_fail(session, &err);
    progress_end();
    terminal_print(stderr, DIM, "tailing %s; Ctrl-C ends it\n", session->worker);
    if (tail_run(tail, &err) < 0)
        status = subject_fail(session, &err);
    tail_close(tail);
    return status;
}

static int run(const struct cli_args *args)
{
    struct session session;
    json_t *filters = NULL;
    bool json;
    int status = cli_check_operands(args, 0, 1, "one worker's NAME");

    if (status == EXIT_DONE)
        status = read_format(args, &json);
    if (status != EXIT_DONE)
        return status;
    status = subject_open(&session, args, cli_operand_count(args) ? cli_operands(args)[0] : NULL);
    if (status == EXIT_DONE)
        status = make_filters(&session, &filters);
    if (status == EXIT_DONE)
        status = watch(&session, filters, &json);
    json_decref(filters);
    session_close(&session);
    return status;
}

static const struct cli_option options[] = {
    {"format", "pretty|json", "for people, or an object a line (json, but pretty at a terminal)"},
    {"status", "ok|error|canceled", "only what ended so; may be given again"},
    {"method", "METHOD", "only requests with this method; may be given again"},
    {"search", "TEXT", "only what has a log line with this text"},
    {"header", "NAME[:TEXT]", "only requests with this header, and this text in it"},
    {"ip", "ADDRESS", "only requests from this address; \"self\" is yours; may be given again"},
    {"sampling-rate", "RATE", "a part of them: 0.01 is one in a hundred"},
    {"version-id", "ID", "only requests that this version answered"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll tail", "the worker of the configuration here"},
    {"atoll tail api --status error", "what goes wrong in another one"},
    {"atoll tail --format json | jq -r '.event.request.url'", NULL},
    {0},
};

const struct cli_command cmd_tail = {
    .name = "tail",
    .usage = "[NAME] [OPTIONS]",
    .summary = "watch a worker's requests, log lines and exceptions as they come",
    .details = "Connects again when the connection is lost. Ctrl-C ends it, with exit status 0;\n"
               "so does the end of the worker, or of the pipe it writes to.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER,
};
