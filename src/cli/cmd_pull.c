/* `atoll pull`: deployed data for `atoll dev`. */
#include "cli/depot.h"
#include "cli/pull.h"
#include "cli/terminal.h"

static int run(const struct cli_args *args)
{
    struct depot depot = {0};
    struct pull_request request = {
        .state = cli_value(args, "persist-to"),
        .names = cli_operands(args),
        .name_count = cli_operand_count(args),
    };
    int status = depot_read_config(&depot, args);

    if (status == EXIT_DONE && !depot.config) {
        terminal_error("there is no configuration here that says what is to be copied");
        status = EXIT_ABSENT;
    }
    request.config = depot.config;
    if (status == EXIT_DONE)
        status = pull_run(args, &request);
    depot_close(&depot);
    return status;
}

static const struct cli_option options[] = {
    {"persist-to", "DIRECTORY", "where atoll dev keeps it (.atoll)"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll pull", "everything that the configuration names"},
    {"atoll pull DB --yes", "one database, in place of the one that is here"},
    {0},
};

const struct cli_command cmd_pull = {
    .name = "pull",
    .usage = "[BINDING...] [OPTIONS]",
    .summary = "copy what the deployed worker stores, for atoll dev",
    .details = "The KV namespaces, D1 databases and R2 buckets of the configuration are copied\n"
               "from the server into .atoll, in place of what is there. Nothing is changed on\n"
               "the server.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_PROJECT,
    .shared = CLI_SERVER | CLI_WORKER | CLI_YES,
};
