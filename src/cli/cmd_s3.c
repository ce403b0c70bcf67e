/* `atoll s3`: what the supervisor starts for the S3 API; not for people. */
#include "cli/cli.h"
#include "s3/s3_process.h"

enum { LINK_FD = 3, LISTEN_FD = 4, PULSE_FD = 5 };

static int run(const struct cli_args *args)
{
    const struct s3_process_options options = {
        .link_fd = LINK_FD,
        .listen_fd = LISTEN_FD,
        .pulse_fd = PULSE_FD,
        .storage = cli_value(args, "storage"),
        .domain = cli_value(args, "domain"),
        .sandbox_user = cli_value(args, "sandbox"),
    };

    if (!options.storage)
        return cli_usage_error(args, "--storage names the directory of what is stored");
    return s3_process_main(&options);
}

static const struct cli_option options[] = {
    {"storage", "DIRECTORY", "where bindings keep their data"},
    {"domain", "NAME", "buckets are also at <bucket>.NAME"},
    {"sandbox", "USER", "enter the sandbox as this user (not sandboxed)"},
    {0},
};

const struct cli_command cmd_s3 = {
    .name = "s3",
    .usage = "--storage DIRECTORY [--domain NAME] [--sandbox USER]",
    .details = "Started by atoll itself with a link at descriptor 3 and a socket at 4.",
    .options = options,
    .run = run,
};
