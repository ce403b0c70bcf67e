/* `atoll versions deploy`: which versions answer, and how often.
 *
 * Shares that are left out divide what the others leave; one version with less than all shares with
 * the one that is live alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "cli/ask.h"
#include "cli/approval.h"
#include "cli/history.h"
#include "cli/quantity.h"
#include "cli/subject.h"
#include "cli/terminal.h"

enum { VERSIONS_MAX = 2, PICK_ROWS = 10, SPEC_BYTES_MAX = 128 };

struct share {
    const char *id;       /* borrowed from the history */
    double percentage;    /* below 0: left out */
};

struct plan {
    struct share shares[VERSIONS_MAX];
    size_t count;
};

/* ---- what was typed ---- */

/* A version by its id, or by its place in the list that was shown. */
static int find(const struct history *history, const char *name, bool by_place, const json_t **ret,
                struct err *err)
{
    uint64_t place;

    if (by_place && str_to_u64(str_from(name), PICK_ROWS, &place) && place &&
        place <= json_array_size(history->versions)) {
        *ret = json_array_get(history->versions, place - 1);
        return 0;
    }
    return history_find(history, name, ret, err);
}

/* "ID@PERCENT" or "ID", of a version that is there. */
static int read_share(const struct history *history, const char *spec, bool by_place,
                      struct share *ret, struct err *err)
{
    const char *at = strrchr(spec, '@');
    char name[SPEC_BYTES_MAX], *end;
    const json_t *version;
    int r;

    ret->percentage = -1;
    if (at) {
        ret->percentage = strtod(at + 1, &end);
        if (end > at + 1 && *end == '%')
            end++;
        if (end == at + 1 || *end || !(ret->percentage >= 0 && ret->percentage <= 100))
            return err_set(err, ERR_INVALID, "\"%.100s\": a version's share is from 0 to 100",
                           spec);
    }
    snprintf(name, sizeof name, "%.*s", at ? (int)(at - spec) : (int)strlen(spec), spec);
    r = find(history, name, by_place, &version, err);
    if (r == 0)
        ret->id = member_text_or(version, "id", "");
    return r;
}

/* One version with less than all: the one that is live alone takes the rest. */
static void add_live(const struct history *history, struct plan *plan)
{
    const json_t *live = history_live(history);

    if (plan->count == 1 && plan->shares[0].percentage >= 0 && plan->shares[0].percentage < 100 &&
        json_array_size(json_object_get(live, "versions")) == 1 &&
        strcmp(history_first(live), plan->shares[0].id) != 0)
        plan->shares[plan->count++] = (struct share){history_first(live), -1};
}

static int divide(struct plan *plan, struct err *err)
{
    double sum = 0;
    int open = 0;

    for (size_t i = 0; i < plan->count; i++) {
        if (plan->shares[i].percentage < 0)
            open++;
        else
            sum += plan->shares[i].percentage;
    }
    for (size_t i = 0; i < plan->count; i++)
        if (plan->shares[i].percentage < 0)
            plan->shares[i].percentage = fmax(100 - sum, 0) / open;
    if (sum > 100.0001 || (!open && sum < 99.9999))
        return err_set(err, ERR_INVALID, "the versions' shares make %s together, not 100 %%",
                       quantity_share(sum));
    if (plan->count == 2 && strcmp(plan->shares[0].id, plan->shares[1].id) == 0)
        return err_set(err, ERR_INVALID, "both are the same version: %s",
                       history_short(plan->shares[0].id));
    return 0;
}

/* ---- picking at the terminal ---- */

static void show_choice(const struct history *history)
{
    const json_t *it;
    size_t i;

    json_array_foreach(history->versions, i, it) {
        const char *id = member_text_or(it, "id", "");
        double share = history_share(history, id);
        char *message = history_line(history_annotation(it, "message"));
        if (i < PICK_ROWS) {
            fprintf(stderr, "%3zu  ", i + 1);
            terminal_print_text(stderr, BOLD, history_short(id), false, 0);
            fprintf(stderr, "  %-16s  ",
                    session_ago(json_object_get(json_object_get(it, "metadata"), "created_on")));
            if (share >= 0)
                terminal_print(stderr, GREEN, "live %s  ", quantity_share(share));
            terminal_print_text(stderr, PLAIN, message, false, 0);
            fputc('\n', stderr);
        }
        free(message);
    }
}

static int pick(const struct history *history, struct plan *plan, struct err *err)
{
    struct buf line;
    int r;

    if (!ask_is_possible())
        return err_set(err, ERR_INVALID, "say which version: atoll versions deploy ID[@PERCENT]");
    if (!json_array_size(history->versions))
        return err_set(err, ERR_NOT_FOUND, "there is no version yet: atoll deploy makes one");
    show_choice(history);
    buf_init(&line, SPEC_BYTES_MAX);
    if (ask_line("version to deploy, with @PERCENT for a part of requests [1]:", &line) < 0 ||
        buf_append_char(&line, '\0') < 0)
        r = err_set(err, ERR_CLOSED, "nothing was chosen, and nothing was done");
    else
        r = read_share(history, *line.ptr ? line.ptr : "1", true, &plan->shares[plan->count++],
                       err);
    buf_done(&line);
    return r;
}

/* ---- doing it ---- */

static int make_plan(const struct cli_args *args, const struct history *history, struct plan *plan,
                     struct err *err)
{
    int r = 0;

    if (!cli_operand_count(args))
        r = pick(history, plan, err);
    for (; r == 0 && plan->count < cli_operand_count(args); plan->count++)
        r = read_share(history, cli_operands(args)[plan->count], false, &plan->shares[plan->count],
                       err);
    if (r < 0)
        return r;
    add_live(history, plan);
    return divide(plan, err);
}

static void show_plan(const struct history *history, const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        double now = history_share(history, plan->shares[i].id);
        fprintf(stderr, "  ");
        terminal_print(stderr, BOLD, "%s", history_short(plan->shares[i].id));
        fprintf(stderr, "  %s of requests (now %s)\n", quantity_share(plan->shares[i].percentage),
                quantity_share(fmax(now, 0)));
    }
}

static json_t *versions_of(const struct plan *plan)
{
    json_t *versions = json_array();

    for (size_t i = 0; i < plan->count; i++)
        json_array_append_new(versions, json_pack("{s:s, s:f}", "version_id", plan->shares[i].id,
                                                  "percentage", plan->shares[i].percentage));
    return versions;
}

static int carry_out(struct session *session, const struct plan *plan)
{
    json_t *versions = versions_of(plan);
    char *text = history_versions_text(versions);
    struct err err;
    int status = EXIT_DONE;

    if (history_deploy(session, versions, cli_value(session->args, "message"), &err) < 0) {
        status = subject_fail(session, &err);
    } else {
        terminal_print(stdout, GREEN, "live");
        printf(" %s of %s\n", text, session->worker);
    }
    free(text);
    return status;
}

static int deploy(struct session *session)
{
    struct history history = {0};
    struct plan plan = {0};
    struct err err;
    int status;

    if (history_read(session, &history, &err) < 0 ||
        make_plan(session->args, &history, &plan, &err) < 0) {
        status = subject_fail(session, &err);
    } else {
        show_plan(&history, &plan);
        status = approval_ask(session->args, "deploy this?", false);
        if (status == EXIT_DONE)
            status = carry_out(session, &plan);
    }
    history_done(&history);
    return status;
}

static int run(const struct cli_args *args)
{
    int status = cli_check_operands(args, 0, VERSIONS_MAX, "at most two versions, ID@PERCENT");

    return status == EXIT_DONE ? session_run_worker(args, deploy) : status;
}

static const struct cli_option options[] = {
    {"message", "TEXT", "why, for the list of deployments"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll versions deploy latest", "all requests go to the newest version"},
    {"atoll versions deploy latest@10", "a tenth of them; the rest stays where it is"},
    {"atoll versions deploy 1b2c@90 9f8e@10 --yes", "two versions, without a question"},
    {0},
};

const struct cli_command cmd_versions_deploy = {
    .name = "versions deploy",
    .usage = "[ID[@PERCENT] [ID[@PERCENT]]] [OPTIONS]",
    .summary = "make a version live, or two for parts of the requests",
    .details = "ID is a version's id, its first 4 characters or more, \"latest\" or \"live\".\n"
               "A share that is left out is what the other leaves; a version with less than 100\n"
               "shares with the one that is live. Without ID it shows what there is and asks.\n"
               "Asks before it does so at a terminal; elsewhere it does.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_YES,
};
