/* `atoll runtime`: what the supervisor starts; not for people. */
#include "cli/cli.h"
#include "runtime/runtime.h"
#include "web/op_cache.h"

enum { MEMORY_MIB_MAX = 1 << 24, IDLE_MS_MAX = INT32_MAX };
enum { LINK_FD = 3, LISTEN_FD = 4, PULSE_FD = 5 };

static bool read_number(const struct cli_args *args, const char *name, uint64_t max,
                        uint64_t *ret_value)
{
    const char *text = cli_value(args, name);

    return !text || str_to_u64(str_from(text), max, ret_value);
}

static int run(const struct cli_args *args)
{
    const char *outbound = cli_value(args, "outbound"), *bytes = cli_value(args, "cache-bytes");
    struct runtime_options runtime = {
        .link_fd = LINK_FD,
        .listen_fd = LISTEN_FD,
        .pulse_fd = PULSE_FD,
        .quiet = cli_has(args, "quiet"),
        .dev = cli_has(args, "dev"),
        .cache_directory = cli_value(args, "cache"),
        .cache_bytes_max = OP_CACHE_BYTES_DEFAULT,
        .storage_directory = cli_value(args, "storage"),
        .sandbox_user = cli_value(args, "sandbox"),
    };
    struct err err;

    if (outbound && outbound_parse(&runtime.outbound, str_from(outbound), &err) < 0)
        return cli_usage_error(args, "%s", err.text);
    if (!read_number(args, "memory-mib", MEMORY_MIB_MAX, &runtime.memory_mib) ||
        !read_number(args, "idle-ms", IDLE_MS_MAX, &runtime.idle_ms))
        return cli_usage_error(args, "--memory-mib and --idle-ms take numbers");
    if (bytes && !str_to_u64(str_from(bytes), INT64_MAX, &runtime.cache_bytes_max))
        return cli_usage_error(args, "--cache-bytes takes a number, not \"%.100s\"", bytes);
    return runtime_main(&runtime);
}

static const struct cli_option options[] = {
    {"quiet", NULL, "no frames about requests"},
    {"dev", NULL, "error pages show the error"},
    {"outbound", "RULES", "which addresses workers may reach (public)"},
    {"cache", "DIRECTORY", "where responses are cached (nowhere)"},
    {"memory-mib", "NUMBER", "size from which idle workers go (any)"},
    {"idle-ms", "NUMBER", "how long a worker may be idle (for ever)"},
    {"cache-bytes", "NUMBER", "how many bytes they may take (1073741824)"},
    {"storage", "DIRECTORY", "where bindings keep their data (nowhere)"},
    {"sandbox", "USER", "enter the sandbox as this user (not sandboxed)"},
    {0},
};

const struct cli_command cmd_runtime = {
    .name = "runtime",
    .usage = "[--quiet] [--dev] [--outbound RULES] [--cache DIRECTORY]",
    .details = "Started by atoll itself with a link at descriptor 3 and a socket at 4.",
    .options = options,
    .run = run,
};
