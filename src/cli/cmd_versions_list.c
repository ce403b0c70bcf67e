/* `atoll versions list`: the versions of a worker. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/history.h"
#include "cli/quantity.h"
#include "cli/subject.h"
#include "cli/table.h"

enum { LIMIT_DEFAULT = 20, LIMIT_MAX = 1000 };

static void add_row(struct table *table, const struct history *history, const json_t *version)
{
    const json_t *metadata = json_object_get(version, "metadata");
    const char *id = member_text_or(version, "id", "");
    double share = history_share(history, id);
    char number[24], *message = history_line(history_annotation(version, "message"));
    const char *cells[] = {number,
                           history_short(id),
                           share < 0 ? "" : quantity_share(share),
                           session_ago(json_object_get(metadata, "created_on")),
                           member_text_or(metadata, "author_email", ""),
                           history_annotation(version, "tag"),
                           message};

    snprintf(number, sizeof number, "%" PRId64, member_int(version, "number"));
    table_add(table, cells);
    table_colour(table, 1, BOLD);
    table_colour(table, 2, GREEN);
    free(message);
}

static void print(const struct session *session, const struct history *history, size_t limit)
{
    struct table *table = table_new(
        (const char *const[]){">#", "version", ">live", "made", "by", "tag", "message", NULL});
    const json_t *it;
    size_t i;

    if (!json_array_size(history->versions)) {
        fprintf(stderr, "%s has no version yet: atoll deploy makes one\n", session->worker);
        return;
    }
    json_array_foreach(history->versions, i, it)
        if (i < limit)
            add_row(table, history, it);
    table_print(table);
    if (json_array_size(history->versions) > limit)
        fprintf(stderr, "and %zu older ones: --limit shows more\n",
                json_array_size(history->versions) - limit);
}

static int run(const struct cli_args *args)
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
        history_shorten(history.versions, (size_t)limit);
    if (status == EXIT_DONE && !session_prints_json(&session, history.versions))
        print(&session, &history, (size_t)limit);
    history_done(&history);
    session_close(&session);
    return status;
}

static const struct cli_option options[] = {
    {"limit", "COUNT", "so many of the newest (20)"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll versions list", "the newest 20, and which are live"},
    {"atoll versions list --json | jq -r '.[0].id'", "the id of the newest"},
    {0},
};

const struct cli_command cmd_versions_list = {
    .name = "versions list",
    .usage = "[OPTIONS]",
    .summary = "list a worker's versions and which are live",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};
