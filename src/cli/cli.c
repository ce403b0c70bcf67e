/* The command line; see cli.h.
 *
 * 1. The first one to four words name the command; the row with the most words wins.
 * 2. --help and -h anywhere before "--" print help and run nothing.
 * 3. Everything else is read by the command's options before it runs: what is wrong with the
 *    command line costs nothing. */
#include "cli/cli.h"

#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/cli_help.h"
#include "cli/cli_option.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "control/suggest.h"

enum { NAME_MAX_BYTES = 64, WORDS_MAX = 4, FAMILY_BYTES = (WORDS_MAX - 1) * NAME_MAX_BYTES };

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

/* ---- errors ---- */

/* `command`: whose help to point at; NULL: the general one. */
static int wrong(const char *command, const char *format, va_list list)
{
    char text[1024];

    vsnprintf(text, sizeof text, format, list);
    terminal_error(text);
    fprintf(stderr, "  see: atoll %s%s--help\n", command ? command : "", command ? " " : "");
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

/* ---- suggestions ---- */

/* Words that people know from elsewhere. */
static const char *const elsewhere[][2] = {
    {"create", "init"},   {"generate", "init"}, {"new", "init"},   {"start", "dev"},
    {"publish", "deploy"}, {"ls", "list"},       {"rm", "delete"},  {"remove", "delete"},
    {"auth", "login"},     {"server", "serve"},  {"check", "doctor"},
};

static const char *known_elsewhere(const char *typed)
{
    for (size_t i = 0; i < COUNT_OF(elsewhere); i++)
        if (strcmp(elsewhere[i][0], typed) == 0)
            return elsewhere[i][1];
    return NULL;
}

/* What a first word may be: commands, families, help. Static memory. */
static const char *const *first_words(void)
{
    static char families[CLI_OPTIONS_MAX][NAME_MAX_BYTES];
    static const char *words[CLI_OPTIONS_MAX + 1];
    size_t count = 0;

    words[count++] = "help";
    for (size_t i = 0; commands_all[i] && count < CLI_OPTIONS_MAX; i++) {
        if (!commands_all[i]->summary)
            continue;
        snprintf(families[count], NAME_MAX_BYTES, "%.*s", (int)strcspn(commands_all[i]->name, " "),
                 commands_all[i]->name);
        words[count] = families[count];
        count++;
    }
    words[count] = NULL;
    return words;
}

/* What stands behind the words of a family, or the first word of all when it is NULL. Static
 * memory. */
static const char *const *second_words(const char *family)
{
    static const char *words[CLI_OPTIONS_MAX + 1];
    size_t count = 0;

    for (size_t i = 0; commands_all[i] && count < CLI_OPTIONS_MAX; i++) {
        const char *name = commands_all[i]->name;
        size_t len = family ? strlen(family) : strcspn(name, " ");

        if (!commands_all[i]->summary || (family && strncmp(name, family, len) != 0))
            continue;
        if (name[len] == ' ')
            words[count++] = name + len + 1;
    }
    words[count] = NULL;
    return words;
}

/* The command whose second word is `word`, a pointer into its name. */
static const char *whole_name(const char *word)
{
    for (size_t i = 0; commands_all[i]; i++)
        if (strchr(commands_all[i]->name, ' ') && strchr(commands_all[i]->name, ' ') + 1 == word)
            return commands_all[i]->name;
    return word;
}

static int unknown_command(const char *typed)
{
    const char *near = known_elsewhere(typed), *second;

    if (!near)
        near = suggest_word(typed, first_words());
    if (!near && (second = suggest_word(typed, second_words(NULL))))
        near = whole_name(second);
    if (near)
        return complain(NULL, "there is no command \"%.100s\"; did you mean \"%s\"?", typed, near);
    return complain(NULL, "there is no command \"%.100s\"", typed);
}

/* `typed` behind a family's word; NULL: nothing is. */
static int unknown_second(const char *family, const char *typed)
{
    const char *near;

    if (!typed) {
        cli_help_print_family(stderr, family);
        return EXIT_USAGE;
    }
    near = known_elsewhere(typed);
    if (!near || !suggest_word(near, second_words(family)))
        near = suggest_word(typed, second_words(family));
    if (near)
        return complain(family, "there is no command \"%s %.100s\"; did you mean \"%s %s\"?",
                        family, typed, family, near);
    return complain(family, "there is no command \"%s %.100s\"", family, typed);
}

static void unknown_option(const struct cli_command *command, const char *name, size_t len)
{
    const char *names[CLI_OPTIONS_MAX + 1] = {NULL}, *near;
    const struct cli_option *option;
    char typed[NAME_MAX_BYTES];

    snprintf(typed, sizeof typed, "%.*s", (int)(len < sizeof typed ? len : sizeof typed), name);
    for (size_t i = 0; i < CLI_OPTIONS_MAX && (option = cli_option_at(command, i)); i++)
        names[i] = option->name;
    near = suggest_word(typed, names);
    if (near)
        complain(command->name, "there is no option --%s; did you mean --%s?", typed, near);
    else
        complain(command->name, "there is no option --%s", typed);
}

/* ---- reading ---- */

/* Notes an option whose value is behind "=" (`attached`), or the next word. Returns how many words
 * it took, or -1 after a complaint. */
static int note_option(struct cli_args *args, const struct cli_option *option, const char *attached,
                       const char *next)
{
    const char *command = args->command->name;

    if (!option->value && attached) {
        complain(command, "--%s takes no value", option->name);
        return -1;
    }
    if (option->value && !attached && !next) {
        complain(command, "--%s needs a value: --%s %s", option->name, option->name, option->value);
        return -1;
    }
    args->given[args->given_count].option = option;
    args->given[args->given_count++].value = !option->value ? "" : attached ? attached : next;
    return option->value && !attached ? 2 : 1;
}

/* "--name", "--name=value" or "--name value" at argv[0]. Returns as note_option() does. */
static int read_long(struct cli_args *args, char **argv)
{
    const char *name = argv[0] + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct cli_option *option = cli_option_find(args->command, name, len);

    if (option)
        return note_option(args, option, equals ? equals + 1 : NULL, argv[1]);
    unknown_option(args->command, name, len);
    return -1;
}

/* "-e value", "-evalue", "-e=value" or "-y" at argv[0]. Returns as note_option() does. */
static int read_letter(struct cli_args *args, char **argv)
{
    const char *rest = argv[0] + 2;
    const struct cli_option *option = cli_option_of_letter(args->command, argv[0][1]);

    if (cli_option_find(args->command, argv[0] + 1, strcspn(argv[0] + 1, "=")))
        complain(args->command->name, "there is no option %.100s; did you mean -%.100s?", argv[0],
                 argv[0]);
    else if (option)
        return note_option(args, option, *rest ? rest + (*rest == '=') : NULL, argv[1]);
    else
        complain(args->command->name, "there is no option %.100s", argv[0]);
    return -1;
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
        if (only_operands || argv[0][0] != '-' || strcmp(argv[0], "-") == 0)
            args->operands[args->operand_count++] = argv[0];
        else if (strcmp(argv[0], "--") == 0)
            only_operands = true;
        else if ((took = argv[0][1] == '-' ? read_long(args, argv) : read_letter(args, argv)) < 0)
            return -1;
        argv += took;
    }
    return 0;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static bool asks_for_help(char **argv)
{
    for (; *argv && strcmp(*argv, "--") != 0; argv++)
        if (is_help(*argv))
            return true;
    return false;
}

/* ---- which command ---- */

static const struct cli_command *find_name(const char *name)
{
    for (size_t i = 0; commands_all[i]; i++)
        if (strcmp(commands_all[i]->name, name) == 0)
            return commands_all[i];
    return NULL;
}

const struct cli_command *cli_find_command(char *const *words, size_t *ret_count)
{
    char name[WORDS_MAX * NAME_MAX_BYTES] = "";
    const struct cli_command *found = NULL, *one;

    *ret_count = 1;
    for (size_t count = 0; count < WORDS_MAX && words[count]; count++) {
        size_t len = strlen(name);

        if (strlen(words[count]) >= NAME_MAX_BYTES - 1 || strchr(words[count], ' '))
            break;
        snprintf(name + len, sizeof name - len, "%s%s", count ? " " : "", words[count]);
        if ((one = find_name(name))) {
            found = one;
            *ret_count = count + 1;
        }
    }
    return found;
}

/* The first `count` words with one blank between; false when there are not so many, or they are too
 * long. */
static bool join_words(char **words, size_t count, char family[FAMILY_BYTES])
{
    size_t len = 0;

    for (size_t i = 0; i < count && words[i]; i++) {
        len += (size_t)snprintf(family + len, FAMILY_BYTES - len, "%s%s", i ? " " : "", words[i]);
        if (len >= FAMILY_BYTES)
            return false;
        if (i + 1 == count)
            return true;
    }
    return false;
}

/* The family that the first words name, as many of them as there is one for; what is behind it, or
 * NULL. False: they name none. */
static bool find_family(char **words, char family[FAMILY_BYTES], const char **ret_next)
{
    for (size_t count = WORDS_MAX - 1; count > 0; count--)
        if (join_words(words, count, family) && cli_help_is_family(family, strlen(family))) {
            *ret_next = words[count];
            return true;
        }
    snprintf(family, FAMILY_BYTES, "%s", words[0]);
    *ret_next = words[1];
    return false;
}

/* What to say when no command is named by these words. */
static int run_unknown(char **words)
{
    char family[FAMILY_BYTES];
    const char *next;

    if (!find_family(words, family, &next))
        return unknown_command(words[0]);
    if (next && is_help(next)) {
        cli_help_print_family(stdout, family);
        return EXIT_DONE;
    }
    return unknown_second(family, next);
}

static int run_help(char **words)
{
    char family[FAMILY_BYTES];
    const struct cli_command *command;
    const char *next;
    size_t count;

    if (!words[0] || is_help(words[0])) {
        cli_help_print();
        return EXIT_DONE;
    }
    command = cli_find_command(words, &count);
    if (command)
        cli_help_print_command(command);
    else if (find_family(words, family, &next) && !next)
        cli_help_print_family(stdout, family);
    else
        return run_unknown(words);
    return EXIT_DONE;
}

static int run_words(char **argv)
{
    size_t count;
    const struct cli_command *command = cli_find_command(argv + 1, &count);
    struct cli_args args = {.command = command, .argv = argv};

    if (!command)
        return run_unknown(argv + 1);
    if (asks_for_help(argv + 1 + count)) {
        cli_help_print_command(command);
        return EXIT_DONE;
    }
    return read_args(&args, argv + 1 + count) < 0 ? EXIT_USAGE : command->run(&args);
}

static int run_line(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "help";

    if (argc < 2 || is_help(first))
        return run_help(argv + argc);
    if (strcmp(first, "help") == 0)
        return run_help(argv + 2);
    if (strcmp(first, "--version") == 0 || strcmp(first, "-v") == 0 || strcmp(first, "-V") == 0) {
        printf("atoll %s\n", ATOLL_VERSION);
        return EXIT_DONE;
    }
    if (first[0] == '-')
        return complain(NULL, "there is no option %.100s before a command", first);
    return run_words(argv);
}

int cli_main(int argc, char **argv)
{
    int status;

    signal(SIGXFSZ, SIG_IGN); /* writes fail, and files that were begun are taken away */
    terminal_init();
    status = run_line(argc, argv);
    if (terminal_done())
        return status;
    terminal_error("standard output cannot be written: what was printed there is not all of it");
    return status == EXIT_DONE ? EXIT_FAILED : status;
}

/* ---- what commands ask ---- */

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

int cli_number(const struct cli_args *args, const char *name, long min, long max, long otherwise,
               long *ret)
{
    const char *text = cli_value(args, name);
    bool negative = text && *text == '-';
    uint64_t size;
    long value;

    if (!text) {
        *ret = otherwise;
        return EXIT_DONE;
    }
    if (str_to_u64(str_from(text + negative), INT64_MAX, &size)) {
        value = negative ? -(long)size : (long)size;
        if (value >= min && value <= max) {
            *ret = value;
            return EXIT_DONE;
        }
    }
    return cli_usage_error(args, "--%s takes a number from %ld to %ld, not \"%.100s\"", name, min,
                           max, text);
}

int cli_check_operands(const struct cli_args *args, size_t min, size_t max, const char *what)
{
    const struct cli_command *command = args->command;

    if (args->operand_count < min)
        return cli_usage_error(args, "%s is missing: atoll %s %s", what, command->name,
                               command->usage ? command->usage : "");
    if (args->operand_count > max && !max)
        return cli_usage_error(args, "%s takes no \"%.100s\"", command->name, args->operands[0]);
    if (args->operand_count > max)
        return cli_usage_error(args, "\"%.100s\" is one word too many", args->operands[max]);
    return EXIT_DONE;
}
