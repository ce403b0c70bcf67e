/* `atoll versions view`: one version, with its bindings. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/history.h"
#include "cli/quantity.h"
#include "cli/subject.h"
#include "cli/table.h"

enum { LABEL_COLUMN = 14 };

static void print_fact(const char *label, const char *value)
{
    if (!*value)
        return;
    terminal_print(stdout, DIM, "%-*s", LABEL_COLUMN, label);
    terminal_print_text(stdout, PLAIN, value, false, LABEL_COLUMN);
    putchar('\n');
}

/* The strings of an array, with commas. Returned owned. */
static char *joined(const json_t *array)
{
    const json_t *it;
    struct buf text;
    size_t i;

    buf_init(&text, 64 << 10);
    json_array_foreach(array, i, it)
        if (json_is_string(it))
            (void)!buf_printf(&text, "%s%s", text.len ? ", " : "", json_string_value(it));
    return buf_take(&text, NULL);
}

static void print_list(const char *label, const json_t *array)
{
    char *text = joined(array);

    print_fact(label, text);
    free(text);
}

static void print_times(const struct history *history, const json_t *version)
{
    const json_t *metadata = json_object_get(version, "metadata");
    const json_t *made = json_object_get(metadata, "created_on");
    const char *id = member_text_or(version, "id", "");
    double share = history_share(history, id);
    char text[160];

    snprintf(text, sizeof text, "%s (%s)", session_ago(made),
             json_is_string(made) ? json_string_value(made) : "?");
    print_fact("made", text);
    print_fact("by", member_text_or(metadata, "author_email", ""));
    print_fact("by way of", history_annotation(version, "triggered_by"));
    print_fact("tag", history_annotation(version, "tag"));
    print_fact("message", history_annotation(version, "message"));
    if (share >= 0) {
        snprintf(text, sizeof text, "%s of requests, deployed %s", quantity_share(share),
                 session_ago(json_object_get(history_live(history), "created_on")));
        print_fact("live", text);
    } else {
        print_fact("live", "no");
    }
}

/* What a binding stands for: a text, JSON, or the name of a thing. Returned owned. */
static char *value_of(const json_t *binding)
{
    static const char *const things[] = {"namespace_id", "id", "bucket_name", "queue_name",
                                         "class_name", "service", "part", "database_id"};
    const json_t *value = json_object_get(binding, "text");

    if (member_is(binding, "type", "secret_text"))
        return str_dup(STR("(hidden)"));
    for (size_t i = 0; !value && i < COUNT_OF(things); i++)
        value = json_object_get(binding, things[i]);
    if (json_is_string(value))
        return str_dup(str_from(json_string_value(value)));
    value = json_object_get(binding, "json");
    return value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : str_dup(STR(""));
}

static void print_bindings(const json_t *bindings)
{
    struct table *table;
    const json_t *it;
    size_t i;

    if (!json_array_size(bindings))
        return;
    table = table_new((const char *const[]){"binding", "type", "value", NULL});
    json_array_foreach(bindings, i, it) {
        char *value = value_of(it);
        table_add(table, (const char *const[]){member_text_or(it, "name", ""),
                                               member_text_or(it, "type", ""), value});
        table_colour(table, 0, BOLD);
        free(value);
    }
    putchar('\n');
    table_print(table);
}

static void print(const struct history *history, const json_t *version)
{
    const json_t *resources = json_object_get(version, "resources");
    const json_t *runtime = json_object_get(resources, "script_runtime");
    const json_t *startup = json_object_get(version, "startup_time_ms");
    char text[64];

    snprintf(text, sizeof text, "%s (number %" PRId64 ")", member_text_or(version, "id", ""),
             member_int(version, "number"));
    print_fact("version", text);
    print_times(history, version);
    print_fact("compatibility", member_text_or(runtime, "compatibility_date", ""));
    print_list("flags", json_object_get(runtime, "compatibility_flags"));
    print_list("handlers", json_object_get(json_object_get(resources, "script"), "handlers"));
    if (json_is_number(startup))
        print_fact("start", quantity_duration(json_number_value(startup)));
    print_bindings(json_object_get(resources, "bindings"));
}

/* The list has what is asked for in most servers; the call for one has all of it. */
static int view(struct session *session)
{
    const char *text = cli_operands(session->args)[0];
    struct history history = {0};
    const json_t *found;
    json_t *version;
    struct err err;
    int status = EXIT_DONE;

    if (history_read(session, &history, &err) < 0 ||
        history_find(&history, text, &found, &err) < 0 ||
        remote_get(session->remote,
                   remote_path(session->remote, "workers/scripts/%s/versions/%s", session->worker,
                               member_text_or(found, "id", "")),
                   &version, &err) < 0) {
        status = subject_fail(session, &err);
    } else {
        if (!session_prints_json(session, version))
            print(&history, version);
        json_decref(version);
    }
    history_done(&history);
    return status;
}

static int run(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the version's ID, \"latest\" or \"live\"");

    return status == EXIT_DONE ? session_run_worker(args, view) : status;
}

static const struct cli_example examples[] = {
    {"atoll versions view live", "what answers now"},
    {"atoll versions view 1b2c", "the version whose id begins so"},
    {0},
};

const struct cli_command cmd_versions_view = {
    .name = "versions view",
    .usage = "ID [OPTIONS]",
    .summary = "show a version: who made it, its bindings, whether it is live",
    .details = "ID is a version's id, its first 4 characters or more, \"latest\" or \"live\".",
    .run = run,
    .examples = examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};
