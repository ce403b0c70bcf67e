/* `atoll manual`: the reference as a manual page, for `make install`, or as docs/cli.md; not for
 * people, who have it already. */
#include "cli/cli.h"
#include "cli/cli_manual.h"

static int run(const struct cli_args *args)
{
    if (cli_has(args, "markdown"))
        cli_manual_print_markdown();
    else
        cli_manual_print_page();
    return EXIT_DONE;
}

static const struct cli_option options[] = {
    {"markdown", NULL, "as docs/cli.md"},
    {0},
};

const struct cli_command cmd_manual = {
    .name = "manual",
    .usage = "[--markdown]",
    .details = "Prints the manual page.",
    .options = options,
    .run = run,
    .group = GROUP_OTHER,
};
