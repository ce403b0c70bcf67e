/* `atoll versions upload`: a version that does not go live. */
#include <stdio.h>

#include "base/member.h"
#include "cli/delivery.h"
#include "cli/terminal.h"

static int print(struct delivery *d, const json_t *uploaded)
{
    const char *id = member_text(uploaded, "id");

    if (session_prints_json(&d->session, uploaded))
        return EXIT_DONE;
    printf("Version ");
    terminal_print(stdout, BOLD, "%s", id ? id : "");
    printf(" is not live\n");
    terminal_print(stdout, DIM, "  atoll versions deploy %.*s\n", DELIVERY_ID_SHOWN, id ? id : "");
    return EXIT_DONE;
}

static int deliver(struct delivery *d)
{
    json_t *uploaded = NULL;
    int status;

    if ((status = delivery_log_in(d)) != EXIT_DONE || (status = delivery_pack(d)) != EXIT_DONE ||
        (status = delivery_provision(d)) != EXIT_DONE)
        return status;
    status = delivery_upload(d, "POST",
                             remote_path(d->session.remote, "workers/scripts/%s/versions",
                                         d->session.worker),
                             &uploaded);
    if (status == EXIT_DONE)
        status = print(d, uploaded);
    else if (status == EXIT_ABSENT)
        fprintf(stderr, "the first version goes live with: atoll deploy\n");
    json_decref(uploaded);
    return status;
}

static int run(const struct cli_args *args)
{
    struct delivery d;
    int status = delivery_open(&d, args);

    if (status == EXIT_DONE && !cli_has(args, "dry-run"))
        status = deliver(&d);
    else if (status == EXIT_DONE && (status = delivery_pack(&d)) == EXIT_DONE)
        delivery_show(&d);
    delivery_close(&d);
    return status;
}

static const struct cli_option options[] = {DELIVERY_OPTIONS, {0}};

static const struct cli_example examples[] = {
    {"atoll versions upload --tag v2", "then: atoll versions deploy"},
    {0},
};

const struct cli_command cmd_versions_upload = {
    .name = "versions upload",
    .usage = "[PATH] [OPTIONS]",
    .summary = "upload a version without putting it live",
    .details = "PATH as of atoll deploy. Routes, domains and cron triggers stay as they are.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};
