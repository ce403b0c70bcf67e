/* The command line; see cli.h. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/terminal.h"
#include "control/suggest.h"

static const struct cli_command *const commands[] = {&cmd_dev, &cmd_init, &cmd_runtime,
                                                     &cmd_serve, &cmd_types};

struct cli_args {
    const struct cli_command *command;
    const char *operands[CLI_OPTIONS_MAX];
    size_t operand_count;
    struct {
        const struct cli_option *option;
        const char *value;
    } given[CLI_OPTIONS_MAX];
    size_t given_count;
    char **argv;
};

/* ---- help ---- */

enum { HELP_COLUMN = 20 };

static void print_general_help(void)
{
    printf("atoll runs Cloudflare Workers on your own machine\n\n");
    terminal_print(stdout, BOLD, "usage:");
    printf(" atoll COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (commands[i]->summary)
            printf("  %-*s %s\n", HELP_COLUMN, commands[i]->name, commands[i]->summary);
    printf("  %-*s %s\n\n", HELP_COLUMN, "help [COMMAND]", "this text, or a command's own");
    printf("  %-*s %s\n", HELP_COLUMN, "--version", "print the version");
}

static void print_option(const struct cli_option *option)
{
    char left[64];

    snprintf(left, sizeof left, "--%s%s%s", option->name, option->value ? " " : "",
             option->value ? option->value : "");
    printf("  %-*s %s\n", HELP_COLUMN, left, option->help);
}

static void print_command_help(const struct cli_command *command)
{
    terminal_print(stdout, BOLD, "usage:");
    printf(" atoll %s %s\n", command->name, command->usage);
    if (command->summary)
        printf("\n%s\n", command->summary);
    if (command->details)
        printf("\n%s\n", command->details);
    printf("\n");
    for (const struct cli_option *option = command->options; option->name; option++)
        print_option(option);
    print_option(&(struct cli_option){"help", NULL, "this text"});
}

/* ---- errors ---- */

static int wrong(const char *command, const char *format, va_list list)
{
    char text[1024];

    vsnprintf(text, sizeof text, format, list);
    terminal_error(text);
    if (command)
        fprintf(stderr, "  see: atoll %s --help\n", command);
    else
        fprintf(stderr, "  see: atoll --help\n");
    return EXIT_USAGE;
}

static int complain(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int complain(const char *command, const char *format, ...)
{
    va_list list;
    int status;

    va_start(list, format);
    status = wrong(command, format, list);
    va_end(list);
    return status;
}

int cli_usage_error(const struct cli_args *args, const char *format, ...)
{
    va_list list;
    int status;

    va_start(list, format);
    status = wrong(args->command->name, format, list);
    va_end(list);
    return status;
}

static int unknown_command(const char *name)
{
    const char *names[COUNT_OF(commands) + 2] = {"help"};
    const char *near;
    size_t count = 1;

    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (commands[i]->summary)
            names[count++] = commands[i]->name;
    near = suggest_word(name, names);
    if (near)
        return complain(NULL, "there is no command \"%s\"; did you mean \"%s\"?", name, near);
    return complain(NULL, "there is no command \"%s\"", name);
}

static int unknown_option(const struct cli_command *command, const char *name)
{
    const char *names[CLI_OPTIONS_MAX + 2] = {"help"};
    const char *near;
    size_t count = 1;

    for (const struct cli_option *option = command->options; option->name; option++)
        names[count++] = option->name;
    near = suggest_word(name, names);
    if (near)
        return complain(command->name, "there is no option --%s; did you mean --%s?", name, near);
    return complain(command->name, "there is no option --%s", name);
}

/* ---- reading ---- */

static const struct cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static const struct cli_option *find_option(const struct cli_command *command, const char *name,
                                            size_t len)
{
    for (const struct cli_option *option = command->options; option->name; option++)
        if (strlen(option->name) == len && memcmp(option->name, name, len) == 0)
            return option;
    return NULL;
}

/* Reads "--name", "--name=value" or "--name value" at argv[0]. Returns how many words it took, or
 * -1 after a complaint. */
static int read_option(struct cli_args *args, char **argv)
{
    const char *name = argv[0] + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct cli_option *option = find_option(args->command, name, len);
    const char *value = equals ? equals + 1 : "";

    if (!option) {
        char typed[128];

        snprintf(typed, sizeof typed, "%.*s", (int)(len < 100 ? len : 100), name);
        unknown_option(args->command, typed);
        return -1;
    }
    if (!option->value && equals) {
        complain(args->command->name, "--%s takes no value", option->name);
        return -1;
    }
    if (option->value && !equals && !(value = argv[1])) {
        complain(args->command->name, "--%s needs a value: --%s %s", option->name, option->name,
                 option->value);
        return -1;
    }
    args->given[args->given_count].option = option;
    args->given[args->given_count++].value = value;
    return option->value && !equals ? 2 : 1;
}

/* Returns 0, or -1 after a complaint. */
static int read_args(struct cli_args *args, char **argv)
{
    bool only_operands = false;

    while (*argv) {
        int took = 1;

        if (args->given_count == CLI_OPTIONS_MAX || args->operand_count == CLI_OPTIONS_MAX) {
            complain(args->command->name, "too many words on the command line");
            return -1;
        }
        if (only_operands || argv[0][0] != '-' || strcmp(argv[0], "-") == 0) {
            args->operands[args->operand_count++] = argv[0];
        } else if (strcmp(argv[0], "--") == 0) {
            only_operands = true;
        } else if (argv[0][1] != '-') {
            complain(args->command->name, "there is no option %.100s; options have two dashes",
                     argv[0]);
            return -1;
        } else if ((took = read_option(args, argv)) < 0) {
            return -1;
        }
        argv += took;
    }
    return 0;
}

static bool asks_for_help(char **argv)
{
    for (; *argv && strcmp(*argv, "--") != 0; argv++)
        if (strcmp(*argv, "--help") == 0 || strcmp(*argv, "-h") == 0)
            return true;
    return false;
}

static int run_command(const struct cli_command *command, char **argv)
{
    struct cli_args args = {.command = command, .argv = argv - 2};

    if (asks_for_help(argv)) {
        print_command_help(command);
        return EXIT_DONE;
    }
    return read_args(&args, argv) < 0 ? EXIT_USAGE : command->run(&args);
}

static int run_help(const char *name)
{
    const struct cli_command *command = name ? find_command(name) : NULL;

    if (name && !command)
        return unknown_command(name);
    if (command)
        print_command_help(command);
    else
        print_general_help();
    return EXIT_DONE;
}

int cli_main(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "--help";
    const struct cli_command *command;

    terminal_init();
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0)
        return run_help(NULL);
    if (strcmp(first, "help") == 0)
        return run_help(argc > 2 ? argv[2] : NULL);
    if (strcmp(first, "--version") == 0) {
        printf("atoll %s\n", ATOLL_VERSION);
        return EXIT_DONE;
    }
    if (first[0] == '-')
        return complain(NULL, "there is no option %.100s before a command", first);
    command = find_command(first);
    return command ? run_command(command, argv + 2) : unknown_command(first);
}

size_t cli_operand_count(const struct cli_args *args)
{
    return args->operand_count;
}

const char *const *cli_operands(const struct cli_args *args)
{
    return args->operands;
}

char *const *cli_argv(const struct cli_args *args)
{
    return args->argv;
}

const char *cli_value_at(const struct cli_args *args, const char *name, size_t nth)
{
    for (size_t i = 0; i < args->given_count; i++)
        if (strcmp(args->given[i].option->name, name) == 0 && nth-- == 0)
            return args->given[i].value;
    return NULL;
}

const char *cli_value(const struct cli_args *args, const char *name)
{
    const char *value = NULL, *later;

    for (size_t nth = 0; (later = cli_value_at(args, name, nth)); nth++)
        value = later;
    return value;
}

bool cli_has(const struct cli_args *args, const char *name)
{
    return cli_value(args, name) != NULL;
}
