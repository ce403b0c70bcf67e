/* `atoll serve`: the command line of control/serve.h, and what a person at a terminal sees of it.
 * Standard output is for lines of JSON (control/journal.h); people are spoken to on standard
 * error. */
#include <stdlib.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "control/serve.h"

static void on_token(void *context, const char *token)
{
    (void)context;
    terminal_print(stderr, BOLD, "admin token");
    fprintf(stderr, " (shown this once): ");
    terminal_print(stderr, CYAN, "%s", token);
    fprintf(stderr, "\n");
}

static void on_warning(void *context, const char *text)
{
    (void)context;
    terminal_print(stderr, YELLOW, "warning: ");
    fprintf(stderr, "%s\n", text);
}

static void on_ready(void *context, const struct serve_start *start)
{
    (void)context;
    if (start->again)
        return;
    terminal_print(stderr, GREEN, "ready");
    fprintf(stderr, " at ");
    terminal_print(stderr, BOLD, "%s", start->listen);
    fprintf(stderr, ": workers answer at %s\n", start->url);
    fprintf(stderr, "API at %s, data in %s\n", start->admin, start->data);
    fprintf(stderr, "log in with: ");
    terminal_print(stderr, BOLD, "atoll login %s", start->admin);
    fprintf(stderr, "\n");
}

static const struct serve_hooks hooks = {on_token, on_warning, on_ready};

static const struct cli_option options[] = {
    {"data", "DIR", "the directory for everything that is kept; made when it is not there"},
    {"listen", "ADDR:PORT", "where workers answer (127.0.0.1:8787)"},
    {"admin", "ADDR:PORT", "where the REST API answers (127.0.0.1:8790)"},
    {"s3", "ADDR:PORT", "where the S3 API of R2 buckets answers (nowhere)"},
    {"domain", "NAME", "workers answer at <worker>.NAME (localhost)"},
    {"runtimes", "NUMBER", "processes that accept connections (one per core)"},
    {"config", "FILE", "a configuration in TOML or JSON; see docs/serve.md"},
    {0},
};

static int run(const struct cli_args *args)
{
    struct serve_setting settings[COUNT_OF(options)] = {{0}};
    struct serve_options serve = {
        .config = cli_value(args, "config"),
        .settings = settings,
        .argv = cli_argv(args),
    };
    size_t count = 0;
    struct err err;

    if (cli_operand_count(args))
        return cli_usage_error(args, "serve takes no \"%.100s\"", cli_operands(args)[0]);
    for (const struct cli_option *option = options; option->name; option++) {
        const char *value = cli_value(args, option->name);

        if (value && strcmp(option->name, "config") != 0)
            settings[count++] = (struct serve_setting){option->name, value};
    }
    if (serve_run(&serve, &hooks, NULL, &err) == 0)
        return EXIT_DONE;
    terminal_error(err.text);
    return EXIT_FAILED;
}

static const struct cli_example examples[] = {
    {"atoll serve --data /var/lib/atoll", "for this machine"},
    {"atoll serve --data data --listen 0.0.0.0:80 --domain example.com", "for the world"},
    {"atoll serve --data data --config atoll.toml", "everything else in a file"},
    {0},
};

const struct cli_command cmd_serve = {
    .name = "serve",
    .usage = "--data DIR [OPTIONS]",
    .summary = "serve the workers of many accounts, with an API to deploy them",
    .details = "SIGTERM finishes what runs and ends; SIGHUP reads the configuration again;\n"
               "SIGUSR2 starts the binary that lies in its place now, and refuses no connection.\n"
               "The first start shows an admin token, unless ATOLL_ADMIN_TOKEN holds one.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_SERVER,
};
