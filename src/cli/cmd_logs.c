/* `atoll logs`: events that the server keeps (those with log lines, exceptions or a bad end), the
 * newest last, where the prompt is.
 *
 * With --follow the tail is opened before the log is read: what comes meanwhile is held back, and
 * shown unless the log had it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/event_filter.h"
#include "cli/event_print.h"
#include "cli/progress.h"
#include "cli/subject.h"
#include "cli/terminal.h"
#include "cli/when.h"
#include "os/clock.h"
#include "remote/tail.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 100000, PAGE_MAX = 1000, OUTCOMES_BYTES_MAX = 512 };

struct query {
    int64_t from_ms, to_ms;
    json_t *outcomes;      /* NULL: all */
    long limit;
};

struct show {
    bool json;
    json_t *held;          /* NULL: events are shown as they come */
};

/* ---- what is asked for ---- */

static int read_query(const struct cli_args *args, struct query *query)
{
    const char *since = cli_value(args, "since"), *until = cli_value(args, "until");
    int64_t now_ms = clock_wall_ms();
    struct err err;
    int status = cli_number(args, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &query->limit);

    query->from_ms = 0;
    query->to_ms = now_ms + 1;
    if (status != EXIT_DONE)
        return status;
    if (since && when_parse(since, now_ms, &query->from_ms, &err) < 0)
        return cli_usage_error(args, "--since: %s", err.text);
    if (until && when_parse(until, now_ms, &query->to_ms, &err) < 0)
        return cli_usage_error(args, "--until: %s", err.text);
    if (query->from_ms > query->to_ms)
        return cli_usage_error(args, "--since is after --until");
    if (until && cli_has(args, "follow"))
        return cli_usage_error(args, "--until and --follow exclude each other");
    return event_filter_outcomes(args, &query->outcomes);
}

/* With commas; "" for all. Returned owned. */
static char *outcomes_text(const struct query *query)
{
    const json_t *it;
    struct buf text;
    size_t i;

    buf_init(&text, OUTCOMES_BYTES_MAX);
    json_array_foreach(query->outcomes, i, it)
        (void)!buf_printf(&text, "%s%s", i ? "," : "", json_string_value(it));
    return buf_take(&text, NULL);
}

static char *page_path(const struct session *session, const struct query *query, size_t count,
                       json_int_t before)
{
    const char *search = cli_value(session->args, "search");
    char *outcomes = outcomes_text(query);
    char *path = remote_path(session->remote,
                             "workers/scripts/%s/logs?from=%ld&to=%ld&limit=%zu&before=%ld"
                             "&search=%s&outcome=%s",
                             session->worker, (long)query->from_ms, (long)query->to_ms, count,
                             (long)before, search ? search : "", outcomes);

    free(outcomes);
    return path;
}

/* Up to --limit events, newest first, as an array. */
static int read_events(const struct session *session, const struct query *query, json_t **ret,
                       struct err *err)
{
    json_t *all = json_array(), *page;
    json_int_t before = 0;
    size_t wanted, got;
    int r = 0;

    do {
        wanted = (size_t)query->limit - json_array_size(all);
        if (wanted > PAGE_MAX)
            wanted = PAGE_MAX;
        r = remote_get(session->remote, page_path(session, query, wanted, before), &page, err);
        if (r < 0)
            break;
        got = json_array_size(page);
        before = member_int(json_array_get(page, got ? got - 1 : 0), "id");
        json_array_extend(all, page);
        json_decref(page);
    } while (got == wanted && before && json_array_size(all) < (size_t)query->limit);
    if (r < 0)
        json_decref(all);
    else
        *ret = all;
    return r;
}

/* ---- showing ---- */

static void print_events(const json_t *events)
{
    for (size_t i = json_array_size(events); i > 0; i--)
        event_print(stdout, json_array_get(events, i - 1));
}

static int show_log(const struct session *session, const json_t *events)
{
    if (session_prints_json(session, events))
        return EXIT_DONE;
    if (!json_array_size(events))
        fprintf(stderr,
                "nothing is kept of %s: requests without log lines that ended well are not "
                "(atoll tail shows them)\n",
                session->worker);
    print_events(events);
    return EXIT_DONE;
}

/* ---- following ---- */

static void on_event(void *context, struct tail *tail, const json_t *event)
{
    struct show *show = context;

    if (show->held) {
        json_array_append(show->held, (json_t *)event);
        return;
    }
    event_print_as(event, show->json);
    if (fflush(stdout) != 0 || ferror(stdout))
        tail_stop(tail);
}

/* A stored event has an `id` more. */
static bool was_kept(const json_t *events, const json_t *event)
{
    const json_t *it;
    size_t i;

    json_array_foreach(events, i, it) {
        json_t *copy = json_copy((json_t *)it);
        bool same;
        json_object_del(copy, "id");
        same = json_equal(copy, event);
        json_decref(copy);
        if (same)
            return true;
    }
    return false;
}

static void show_held(struct show *show, const json_t *events)
{
    json_t *held = show->held;
    const json_t *it;
    size_t i;

    show->held = NULL;
    json_array_foreach(held, i, it)
        if (!was_kept(events, it))
            event_print_as(it, show->json);
    json_decref(held);
}

static int follow(struct session *session, const struct query *query)
{
    struct show show = {.json = cli_has(session->args, "json"), .held = json_array()};
    struct tail_hooks hooks = {on_event, event_print_note, &show};
    json_t *filters = NULL, *events;
    struct tail *tail = NULL;
    struct err err;
    int status = event_filter_make(session->args, NULL, &filters);

    if (status == EXIT_DONE &&
        (tail_open(session->remote, session->worker, filters, &hooks, &tail, &err) < 0 ||
         read_events(session, query, &events, &err) < 0)) {
        status = subject_fail(session, &err);
    } else if (status == EXIT_DONE) {
        for (size_t i = json_array_size(events); i > 0; i--)
            event_print_as(json_array_get(events, i - 1), show.json);
        show_held(&show, events);
        fflush(stdout);
        json_decref(events);
        progress_end();
        terminal_print(stderr, DIM, "following %s; Ctrl-C ends it\n", session->worker);
        if (tail_run(tail, &err) < 0)
            status = subject_fail(session, &err);
    }
    tail_close(tail);
    json_decref(filters);
    json_decref(show.held);
    return status;
}

static int show(struct session *session, const struct query *query)
{
    json_t *events;
    struct err err;
    int status;

    if (cli_has(session->args, "follow"))
        return follow(session, query);
    if (read_events(session, query, &events, &err) < 0)
        return subject_fail(session, &err);
    status = show_log(session, events);
    json_decref(events);
    return status;
}

static int run(const struct cli_args *args)
{
    struct query query = {0};
    struct session session;
    int status = cli_check_operands(args, 0, 1, "one worker's NAME");

    if (status == EXIT_DONE)
        status = read_query(args, &query);
    if (status != EXIT_DONE)
        return status;
    status = subject_open(&session, args, cli_operand_count(args) ? cli_operands(args)[0] : NULL);
    if (status == EXIT_DONE)
        status = show(&session, &query);
    json_decref(query.outcomes);
    session_close(&session);
    return status;
}

static const struct cli_option options[] = {
    {"since", "TIME", "not before: 30m, 2h, 3d (so long ago), 2026-11-21, 2026-11-21T07:30Z"},
    {"until", "TIME", "before this time"},
    {"status", "ok|error|canceled", "only what ended so; may be given again"},
    {"search", "TEXT", "only what has this text in a log line, an exception or the URL"},
    {"limit", "COUNT", "so many of the newest (100)"},
    {"follow", NULL, "then go on as atoll tail"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll logs", "the newest 100 events, the last one at the bottom"},
    {"atoll logs api --since 1h --status error", "what went wrong in the last hour"},
    {"atoll logs --since 10m --follow", "and what comes"},
    {0},
};

const struct cli_command cmd_logs = {
    .name = "logs",
    .usage = "[NAME] [OPTIONS]",
    .summary = "show what is kept of a worker's log lines and exceptions",
    .details = "The server keeps events with log lines, exceptions or another end than \"ok\".\n"
               "With --json: an array, newest first, as the API answers; with --follow, too, an\n"
               "object a line, in the order of time.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};
