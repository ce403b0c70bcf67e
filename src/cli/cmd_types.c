/* `atoll types`: the command line of control/types.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/terminal.h"
#include "control/types.h"
#include "os/file.h"
#include "os/path.h"

static const char default_output[] = "worker-configuration.d.ts";

/* True when the file says exactly this. */
static bool is_current(const char *path, str wanted)
{
    struct buf text;
    struct err err;
    bool same;

    buf_init(&text, TYPES_BYTES_MAX);
    same = file_read(path, &text, &err) == 0 && str_equal(buf_str(&text), wanted);
    buf_done(&text);
    return same;
}

static int check(const char *path, str wanted)
{
    char text[4200];

    if (is_current(path, wanted)) {
        printf("%s is up to date\n", path);
        return EXIT_DONE;
    }
    snprintf(text, sizeof text, "%s is %s: run atoll types", path,
             path_is_file(path) ? "out of date" : "missing");
    terminal_error(text);
    return EXIT_FAILED;
}

static int write_types(const char *path, str wanted)
{
    struct err err;

    if (file_write(path, wanted, &err) < 0) {
        terminal_error(err.text);
        return EXIT_FAILED;
    }
    printf("wrote %s\n", path);
    return EXIT_DONE;
}

/* Where the text goes: beside the configuration, or where --output says. Returned owned. */
static char *output_path(const struct cli_args *args, const char *directory)
{
    const char *given = cli_value(args, "output");
    char *absolute, *here, *shown;

    if (given)
        return str_dup(str_from(given));
    absolute = path_join(str_from(directory), str_from(default_output));
    here = path_absolute(STR("."));
    shown = here ? path_relative(str_from(absolute), str_from(here)) : str_dup(str_from(absolute));
    free(here);
    free(absolute);
    return shown;
}

static int run_with(const struct cli_args *args, const struct types_request *request)
{
    char *directory, *path;
    struct buf text;
    struct err err;
    int status;

    buf_init(&text, TYPES_BYTES_MAX);
    if (types_make(request, &text, &directory, &err) < 0) {
        terminal_error(err.text);
        buf_done(&text);
        return EXIT_FAILED;
    }
    path = output_path(args, directory);
    status = cli_has(args, "check") ? check(path, buf_str(&text))
                                    : write_types(path, buf_str(&text));
    free(path);
    free(directory);
    buf_done(&text);
    return status;
}

static int run(const struct cli_args *args)
{
    const char *strict = cli_value(args, "strict-vars");

    if (cli_operand_count(args) > 1)
        return cli_usage_error(args, "types takes one PATH");
    if (strict && strcmp(strict, "true") != 0 && strcmp(strict, "false") != 0)
        return cli_usage_error(args, "--strict-vars takes true or false, not \"%.100s\"", strict);
    return run_with(args, &(struct types_request){
                              .path = cli_operand_count(args) ? cli_operands(args)[0] : ".",
                              .environment = cli_value(args, "env"),
                              .literal = !strict || strcmp(strict, "true") == 0,
                          });
}

static const struct cli_option options[] = {
    {"output", "FILE", "where to (worker-configuration.d.ts beside the configuration)"},
    {"env", "NAME", "the variables of this environment only (of all)"},
    {"strict-vars", "BOOLEAN", "variables have their values as types (true)"},
    {"check", NULL, "write nothing; exit status 1 when the file is out of date"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll types", "writes worker-configuration.d.ts"},
    {"atoll types --check", "in CI: fails when it is out of date"},
    {0},
};

const struct cli_command cmd_types = {
    .name = "types",
    .usage = "[PATH] [OPTIONS]",
    .summary = "write the types of a worker's environment and of the platform",
    .details = "PATH is a directory with wrangler.jsonc, wrangler.json or wrangler.toml, such a\n"
               "file, or a single script; without one it is this directory.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_PROJECT,
};
