/* Whether a person wants it; see approval.h. */
#include "cli/approval.h"

#include <stdio.h>

#include "cli/ask.h"
#include "cli/terminal.h"

int approval_ask(const struct cli_args *args, const char *question, bool needs_yes)
{
    if (cli_has(args, "yes"))
        return EXIT_DONE;
    if (!ask_is_possible()) {
        if (!needs_yes)
            return EXIT_DONE;
        terminal_error("nobody is there to ask whether this is wanted: say so with --yes");
        return EXIT_USAGE;
    }
    if (ask_yes(question))
        return EXIT_DONE;
    fprintf(stderr, "nothing was done\n");
    return EXIT_FAILED;
}
