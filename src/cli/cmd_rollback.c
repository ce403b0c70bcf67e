/* `atoll rollback`: a version that was live before is it again. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/approval.h"
#include "cli/history.h"
#include "cli/subject.h"
#include "cli/terminal.h"

/* The version to go back to; NULL with `err`. */
static const json_t *find_target(const struct session *session, const struct history *history,
                                 struct err *err)
{
    const json_t *before = history_before(history), *version;

    if (cli_operand_count(session->args))
        return history_find(history, cli_operands(session->args)[0], &version, err) == 0 ? version
                                                                                         : NULL;
    version = before ? history_version(history, history_first(before)) : NULL;
    if (!version)
        err_set(err, ERR_NOT_FOUND,
                "no other version of %s was live before: atoll versions list shows which there are",
                session->worker);
    return version;
}

static void show_version(const char *label, const json_t *version)
{
    char *message = history_line(history_annotation(version, "message"));

    fprintf(stderr, "  %s ", label);
    terminal_print(stderr, BOLD, "%s", history_short(member_text_or(version, "id", "")));
    fprintf(stderr, ", made %s",
            session_ago(json_object_get(json_object_get(version, "metadata"), "created_on")));
    fputs(*message ? ": " : "", stderr);
    terminal_print_text(stderr, PLAIN, message, false, 2);
    fputc('\n', stderr);
    free(message);
}

static bool has_secret(const json_t *version, const char *name)
{
    const json_t *bindings = json_object_get(json_object_get(version, "resources"), "bindings");

    return member_is(member_find(bindings, "name", name), "type", "secret_text");
}

/* Secrets that `from` has and `to` has not. */
static void tell_missing(const json_t *from, const json_t *to, const char *what)
{
    const json_t *it;
    size_t i;

    json_array_foreach(json_object_get(json_object_get(from, "resources"), "bindings"), i, it) {
        const char *name = member_text_or(it, "name", "");
        if (!member_is(it, "type", "secret_text") || has_secret(to, name))
            continue;
        terminal_print(stderr, YELLOW, "  note: ");
        fprintf(stderr, "%s the secret ", what);
        terminal_print_text(stderr, PLAIN, name, false, 0);
        fputc('\n', stderr);
    }
}

static void show_plan(const struct history *history, const json_t *target)
{
    const json_t *versions = json_object_get(history_live(history), "versions"), *it, *live = NULL;
    size_t i;

    json_array_foreach(versions, i, it) {
        live = history_version(history, member_text_or(it, "version_id", ""));
        if (live)
            show_version("from", live);
    }
    show_version("to", target);
    if (live && json_array_size(versions) == 1) {
        tell_missing(live, target, "that version does not have");
        tell_missing(target, live, "that version brings back");
    }
}

static int carry_out(struct session *session, const json_t *target)
{
    const char *id = member_text_or(target, "id", "");
    struct err err;

    if (history_deploy(session, json_pack("[{s:s, s:i}]", "version_id", id, "percentage", 100),
                       cli_value(session->args, "message"), &err) < 0)
        return subject_fail(session, &err);
    terminal_print(stdout, GREEN, "rolled back");
    printf(" %s to %s\n", session->worker, history_short(id));
    return EXIT_DONE;
}

static int roll_back(struct session *session)
{
    struct history history = {0};
    const json_t *target = NULL;
    struct err err;
    int status;

    if (history_read(session, &history, &err) < 0 ||
        !(target = find_target(session, &history, &err))) {
        status = subject_fail(session, &err);
    } else if (history_share(&history, member_text_or(target, "id", "")) >= 100) {
        fprintf(stderr, "%s is live already\n", history_short(member_text_or(target, "id", "")));
        status = EXIT_DONE;
    } else {
        show_plan(&history, target);
        status = approval_ask(session->args, "roll back?", false);
        if (status == EXIT_DONE)
            status = carry_out(session, target);
    }
    history_done(&history);
    return status;
}

static int run(const struct cli_args *args)
{
    int status = cli_check_operands(args, 0, 1, "one version's ID");

    return status == EXIT_DONE ? session_run_worker(args, roll_back) : status;
}

static const struct cli_option options[] = {
    {"message", "TEXT", "why, for the list of deployments"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll rollback", "back to what was live before"},
    {"atoll rollback 1b2c --message \"checkout is broken\"", "to a version by its id"},
    {0},
};

const struct cli_command cmd_rollback = {
    .name = "rollback",
    .usage = "[ID] [OPTIONS]",
    .summary = "make live again what was live before",
    .details = "ID is a version's id or its first 4 characters or more; without it, the version\n"
               "that was live alone before. All requests go to it, with the variables and secrets\n"
               "it had. Asks before it does so at a terminal; elsewhere it does.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_YES,
};
