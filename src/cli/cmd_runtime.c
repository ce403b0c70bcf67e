/* `atoll runtime`: what the supervisor starts; not for people. */
#include "cli/cli.h"
#include "runtime/runtime.h"
#include "web/op_cache.h"

enum { LINK_FD = 3, LISTEN_FD = 4 };

static int run(const struct cli_args *args)
{
    const char *outbound = cli_value(args, "outbound"), *bytes = cli_value(args, "cache-bytes");
    struct runtime_options runtime = {
        .link_fd = LINK_FD,
        .listen_fd = LISTEN_FD,
        .quiet = cli_has(args, "quiet"),
        .dev = cli_has(args, "dev"),
        .cache_directory = cli_value(args, "cache"),
        .cache_bytes_max = OP_CACHE_BYTES_DEFAULT,
    };
    struct err err;

    if (outbound && outbound_parse(&runtime.outbound, str_from(outbound), &err) < 0)
        return cli_usage_error(args, "%s", err.text);
    if (bytes && !str_to_u64(str_from(bytes), INT64_MAX, &runtime.cache_bytes_max))
        return cli_usage_error(args, "--cache-bytes takes a number, not \"%.100s\"", bytes);
    return runtime_main(&runtime);
}

static const struct cli_option options[] = {
    {"quiet", NULL, "no frames about requests"},
    {"dev", NULL, "error pages show the error"},
    {"outbound", "RULES", "which addresses workers may reach (public)"},
    {"cache", "DIRECTORY", "where responses are cached (nowhere)"},
    {"cache-bytes", "NUMBER", "how many bytes they may take (1073741824)"},
    {0},
};

const struct cli_command cmd_runtime = {
    .name = "runtime",
    .usage = "[--quiet] [--dev] [--outbound RULES] [--cache DIRECTORY]",
    .details = "Started by atoll itself with a link at descriptor 3 and a socket at 4.",
    .options = options,
    .run = run,
};
