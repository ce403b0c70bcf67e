/* `atoll dev`: the command line of control/dev.h, and how what happens looks at a terminal. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pull.h"
#include "cli/terminal.h"
#include "control/dev.h"
#include "http/outbound.h"
#include "os/clock.h"
#include "os/path.h"

enum { LOG_INDENT = 2 };

struct screen {
    uint64_t started_ms;
};

static void print_worker(FILE *stream, const char *worker)
{
    if (worker)
        terminal_print(stream, CYAN, "[%s] ", worker);
}

/* The address a person can open: 0.0.0.0 and :: mean every address, and are none themselves. */
static const char *openable(const char *ip)
{
    return strcmp(ip, "0.0.0.0") == 0 || strcmp(ip, "::") == 0 ? "localhost" : ip;
}

static void on_ready(void *context, const char *ip, int port, const char *const *hosts,
                     size_t host_count)
{
    const struct screen *screen = context;
    const char *host = openable(ip);
    const char *open = strchr(host, ':') ? "[" : "", *close = *open ? "]" : "";

    terminal_print(stdout, GREEN, "ready");
    printf(" in %" PRIu64 " ms at ", clock_monotonic_ms() - screen->started_ms);
    terminal_print(stdout, BOLD, "http://%s%s%s:%d", open, host, close, port);
    printf("\n");
    for (size_t i = 0; i < host_count; i++)
        printf("  %s at http://%s.localhost:%d\n", hosts[i], hosts[i], port);
}

static void on_note(void *context, enum dev_level level, const char *worker, const char *text)
{
    static const enum colour colours[] = {DIM, YELLOW, RED};
    static const char *const words[] = {"", "warning: ", "error: "};
    FILE *stream = level == DEV_INFO ? stdout : stderr;
    size_t len = strlen(text);

    (void)context;
    print_worker(stream, worker);
    if (level != DEV_INFO && strncmp(text, words[level], strlen(words[level])) != 0)
        terminal_print(stream, colours[level], "%s", words[level]);
    terminal_print_text(stream, level == DEV_INFO ? DIM : PLAIN, text, false, 0);
    if (!len || text[len - 1] != '\n')
        fputc('\n', stream);
}

static enum colour status_colour(int status)
{
    return status >= 500 ? RED : status >= 400 ? YELLOW : GREEN;
}

static void on_request(void *context, const char *worker, const char *method, const char *path,
                       int status, double ms)
{
    (void)context;
    print_worker(stdout, worker);
    terminal_print_text(stdout, BOLD, method, false, 0);
    fputc(' ', stdout);
    terminal_print_text(stdout, PLAIN, path, false, 0);
    fputc(' ', stdout);
    terminal_print(stdout, status_colour(status), "%d", status);
    terminal_print(stdout, DIM, ms < 10 ? " %.1f ms\n" : " %.0f ms\n", ms);
}

static void on_log(void *context, const char *worker, const char *level, const char *text)
{
    enum colour colour = strcmp(level, "error") == 0  ? RED
                         : strcmp(level, "warn") == 0 ? YELLOW
                                                      : DIM;

    (void)context;
    print_worker(stdout, worker);
    terminal_print(stdout, colour, "%s", level);
    fputc(' ', stdout);
    terminal_print_text(stdout, PLAIN, text, true, LOG_INDENT);
    fputc('\n', stdout);
}

static const struct dev_hooks hooks = {on_ready, on_note, on_request, on_log};

/* Makes an object of the --var options; NULL after a complaint. */
static json_t *read_vars(const struct cli_args *args)
{
    json_t *vars = json_object();
    const char *pair;

    for (size_t nth = 0; (pair = cli_value_at(args, "var", nth)); nth++) {
        const char *equals = strchr(pair, '=');

        if (!equals || equals == pair ||
            json_object_setn_new(vars, pair, (size_t)(equals - pair), json_string(equals + 1)) <
                0) {
            cli_usage_error(args, "--var takes NAME=VALUE in UTF-8, not \"%.100s\"", pair);
            json_decref(vars);
            return NULL;
        }
    }
    return vars;
}

/* False after a complaint. */
static bool read_cache(const struct cli_args *args, struct dev_options *options)
{
    const char *text = cli_value(args, "cache-mib");
    uint64_t mib = DEV_CACHE_MIB_DEFAULT;

    if (text && (!str_to_u64(str_from(text), DEV_CACHE_MIB_MAX, &mib) || !mib)) {
        cli_usage_error(args, "--cache-mib takes a number from 1 to %d, not \"%.100s\"",
                        DEV_CACHE_MIB_MAX, text);
        return false;
    }
    options->state = cli_value(args, "persist-to");
    options->cache_bytes = mib << 20;
    return true;
}

/* Into the place where dev_run() looks: beside the first worker's files. */
static int pull_one(const struct cli_args *args, const char *path, char **state)
{
    const struct config_request wanted = {.path = path, .environment = cli_value(args, "env")};
    struct pull_request request = {0};
    struct err err;
    int status;

    if (config_read(&wanted, &request.config, &err) < 0) {
        terminal_error(err.text);
        return EXIT_FAILED;
    }
    if (!*state)
        *state = path_join(str_from(request.config->root), STR(".atoll"));
    request.state = *state;
    status = pull_run(args, &request);
    config_unref(request.config);
    return status;
}

static int pull_all(const struct cli_args *args, const struct dev_options *options)
{
    char *state = options->state ? str_dup(str_from(options->state)) : NULL;
    int status = EXIT_DONE;

    for (size_t i = 0; status == EXIT_DONE && i < options->path_count; i++)
        status = pull_one(args, options->paths[i], &state);
    free(state);
    return status;
}

static int run_with(const struct dev_options *options)
{
    struct screen screen = {.started_ms = clock_monotonic_ms()};
    struct err err;

    if (dev_run(options, &hooks, &screen, &err) == 0)
        return EXIT_DONE;
    terminal_error(err.text);
    return EXIT_FAILED;
}

static int run(const struct cli_args *args)
{
    static const char *const here[] = {"."};
    const char *port_text = cli_value(args, "port"), *ip = cli_value(args, "ip");
    const char *outbound = cli_value(args, "outbound");
    uint64_t port = DEV_PORT_DEFAULT;
    struct dev_options options = {
        .paths = cli_operand_count(args) ? cli_operands(args) : here,
        .path_count = cli_operand_count(args) ? cli_operand_count(args) : 1,
        .ip = ip ? ip : "127.0.0.1",
        .environment = cli_value(args, "env"),
        .quiet = cli_has(args, "quiet"),
        .outbound = outbound ? outbound : "all",
    };
    struct outbound rules;
    struct err err;
    json_t *vars;
    int status;

    if (port_text && !str_to_u64(str_from(port_text), UINT16_MAX, &port))
        return cli_usage_error(args, "--port takes a number from 0 to 65535, not \"%.100s\"",
                               port_text);
    if (outbound_parse(&rules, str_from(options.outbound), &err) < 0)
        return cli_usage_error(args, "%s", err.text);
    if (options.path_count > DEV_PROJECTS_MAX)
        return cli_usage_error(args, "at most %d workers at once", DEV_PROJECTS_MAX);
    if (!read_cache(args, &options) || !(vars = read_vars(args)))
        return EXIT_USAGE;
    options.port = (int)port;
    options.vars = vars;
    status = cli_has(args, "pull") ? pull_all(args, &options) : EXIT_DONE;
    if (status == EXIT_DONE)
        status = run_with(&options);
    json_decref(vars);
    return status;
}

static const struct cli_option options[] = {
    {"port", "PORT", "where to listen (8787); 0 for any free one"},
    {"ip", "ADDRESS", "where to listen (127.0.0.1)"},
    {"env", "NAME", "the environment of the configuration to use"},
    {"var", "NAME=VALUE", "set a variable; may be given again"},
    {"outbound", "RULES", "which addresses workers may reach (all)"},
    {"persist-to", "DIRECTORY", "where the cache is kept (.atoll beside the first PATH)"},
    {"cache-mib", "NUMBER", "how large the cache may become, in MiB (1024)"},
    {"quiet", NULL, "no line for each request"},
    {"pull", NULL, "first copy what the deployed workers store, as atoll pull does"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll dev", "the worker in this directory"},
    {"atoll dev api shop --port 8080", "two workers, api.localhost:8080 and shop.localhost:8080"},
    {"atoll dev --env staging --var LEVEL=debug", "another environment, one variable changed"},
    {"atoll dev --pull", "with what the deployed worker stores"},
    {0},
};

const struct cli_command cmd_dev = {
    .name = "dev",
    .usage = "[PATH...] [OPTIONS]",
    .summary = "run workers here and load them again when a file changes",
    .details = "PATH is a directory with wrangler.jsonc, wrangler.json or wrangler.toml, such a\n"
               "file, or a single script; without one it is this directory. Several workers\n"
               "answer at NAME.localhost each, and the first one everywhere else.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_PROJECT,
    .shared = CLI_SERVER | CLI_YES,
};
