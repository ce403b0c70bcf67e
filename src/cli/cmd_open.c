/* `atoll open`: a worker's address in the browser. */
#include <stdio.h>

#include "base/member.h"
#include "cli/browser.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/subject.h"
#include "cli/terminal.h"

/* The first of its addresses; NULL: it has none. Borrowed from `worker`. */
static const char *address_of(const json_t *worker)
{
    const json_t *urls = json_object_get(worker, "urls");
    const char *url = json_string_value(json_array_get(urls, 0));

    if (url)
        return url;
    return member_text(json_object_get(worker, "subdomain"), "url");
}

static int show(struct session *session, const json_t *worker)
{
    const char *url = address_of(worker);
    struct err err;

    if (session_prints_json(session, worker))
        return EXIT_DONE;
    if (!url) {
        err_set(&err, ERR_NOT_FOUND,
                "%s has no address: give it a route with atoll routes add, or set workers_dev in "
                "its configuration and deploy it",
                session->worker);
        return session_fail(session, &err);
    }
    terminal_print_text(stdout, PLAIN, url, false, 0);
    putchar('\n');
    if (!cli_has(session->args, "print") && !browser_open(url))
        terminal_note("no browser could be started here; open the address above yourself");
    return EXIT_DONE;
}

static int run(const struct cli_args *args)
{
    struct session session;
    json_t *worker;
    struct err err;
    int status = cli_check_operands(args, 0, 1, "the worker's name");

    if (status != EXIT_DONE)
        return status;
    status = subject_open(&session, args, cli_operands(args)[0]);
    if (status == EXIT_DONE) {
        char *path = remote_path(session.remote, "workers/workers/%s", session.worker);

        progress_begin("asking for its address");
        if (remote_get(session.remote, path, &worker, &err) < 0) {
            status = subject_fail(&session, &err);
        } else {
            progress_end();
            status = show(&session, worker);
            json_decref(worker);
        }
    }
    session_close(&session);
    return status;
}

static const struct cli_option options[] = {
    {"print", NULL, "print the address only"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll open", "the worker that is configured here"},
    {"curl \"$(atoll open shop --print)\"", "for scripts"},
    {0},
};

const struct cli_command cmd_open = {
    .name = "open",
    .usage = "[WORKER] [OPTIONS]",
    .summary = "open a worker's address in the browser",
    .details = "Takes $BROWSER, else the desktop's browser; prints the address in any case.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};
