/* `atoll runtime`: what the supervisor starts; not for people. */
#include "cli/cli.h"
#include "runtime/runtime.h"

enum { LINK_FD = 3, LISTEN_FD = 4 };

static int run(const struct cli_args *args)
{
    return runtime_main(&(struct runtime_options){
        .link_fd = LINK_FD,
        .listen_fd = LISTEN_FD,
        .quiet = cli_has(args, "quiet"),
        .dev = cli_has(args, "dev"),
    });
}

static const struct cli_option options[] = {
    {"quiet", NULL, "no frames about requests"},
    {"dev", NULL, "error pages show the error"},
    {0},
};

const struct cli_command cmd_runtime = {
    .name = "runtime",
    .usage = "[--quiet] [--dev]",
    .details = "Started by atoll itself with a link at descriptor 3 and a socket at 4.",
    .options = options,
    .run = run,
};
