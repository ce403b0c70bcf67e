/* Help, made from the rows; see cli_help.h.
 *
 * A family ("versions") takes one line of the general help, where its first command stands. The
 * left column is as wide as its widest cell, but for cells wider than LEFT_MAX, which have a line
 * of their own. */
#include "cli/cli_help.h"

#include <string.h>

#include "base/mem.h"
#include "cli/cli_option.h"
#include "cli/commands.h"
#include "cli/terminal.h"

enum { LEFT_MAX = 28, WORD_MAX = 64 };

static const struct {
    enum cli_group group;
    const char *heading;
} groups[] = {
    {GROUP_PROJECT, "a project"},
    {GROUP_WORKER, "its worker on a server"},
    {GROUP_ACCOUNT, "servers and accounts"},
    {GROUP_SERVER, "a server of your own"},
    {GROUP_OTHER, "other"},
};

const char *cli_help_group(enum cli_group group)
{
    for (size_t i = 0; i < COUNT_OF(groups); i++)
        if (groups[i].group == group)
            return groups[i].heading;
    return "";
}

/* Length of the first word. */
static size_t first_len(const char *name)
{
    return strcspn(name, " ");
}

static bool is_of_family(const struct cli_command *command, const char *word, size_t len)
{
    return command->summary && strncmp(command->name, word, len) == 0 && command->name[len] == ' ';
}

bool cli_help_is_family(const char *word, size_t len)
{
    for (size_t i = 0; commands_all[i]; i++)
        if (is_of_family(commands_all[i], word, len))
            return true;
    return false;
}

const char *cli_help_family_summary(const char *family)
{
    for (const struct commands_family *row = commands_families; row->name; row++)
        if (strcmp(row->name, family) == 0)
            return row->summary;
    return "";
}

const char *cli_help_option(const struct cli_option *option)
{
    static char text[128];
    char letter = cli_option_letter(option->name), start[8] = "    ";

    if (letter)
        snprintf(start, sizeof start, "-%c, ", letter);
    snprintf(text, sizeof text, "%s--%s%s%s", start, option->name, option->value ? " " : "",
             option->value ? option->value : "");
    return text;
}

/* ---- two columns ---- */

static size_t wider(size_t width, const char *left)
{
    size_t len = strlen(left);

    return len > width && len <= LEFT_MAX ? len : width;
}

static void print_pair(FILE *stream, size_t width, const char *left, const char *right)
{
    if (strlen(left) > LEFT_MAX)
        fprintf(stream, "  %s\n  %-*s  %s\n", left, (int)width, "", right);
    else
        fprintf(stream, "  %-*s  %s\n", (int)width, left, right);
}

/* ---- general help ---- */

/* What general help shows of the command at `index`: its name, or its family's ("versions ...") for
 * the first of it, into `ret_left`. False when it has no line. */
static bool line_of(size_t index, char ret_left[WORD_MAX], const char **ret_right)
{
    const struct cli_command *command = commands_all[index];
    size_t len = first_len(command->name);

    if (!command->summary)
        return false;
    snprintf(ret_left, WORD_MAX, "%.*s", (int)len, command->name);
    *ret_right = command->summary;
    if (!cli_help_is_family(ret_left, len))
        return true;
    if (command->name[len]) {
        *ret_right = cli_help_family_summary(ret_left);
        for (size_t i = 0; commands_all[i]; i++)
            if (strcmp(commands_all[i]->name, ret_left) == 0 ||
                (i < index && is_of_family(commands_all[i], command->name, len)))
                return false;
    }
    snprintf(ret_left + len, WORD_MAX - len, " ...");
    return true;
}

static size_t general_width(void)
{
    char left[WORD_MAX];
    const char *right;
    size_t width = strlen("help [COMMAND]");

    for (size_t i = 0; commands_all[i]; i++)
        if (line_of(i, left, &right))
            width = wider(width, left);
    return width;
}

static void print_group(enum cli_group group, const char *heading, size_t width)
{
    char left[WORD_MAX];
    const char *right;
    bool begun = false;

    for (size_t i = 0; commands_all[i]; i++) {
        if (commands_all[i]->group != group || !line_of(i, left, &right))
            continue;
        if (!begun)
            terminal_print(stdout, BOLD, "\n%s\n", heading);
        begun = true;
        print_pair(stdout, width, left, right);
    }
}

void cli_help_print(void)
{
    size_t width = general_width();

    printf("atoll runs Cloudflare Workers on your own machines\n\n");
    terminal_print(stdout, BOLD, "usage:");
    printf(" atoll COMMAND [OPTIONS]\n");
    for (size_t i = 0; i < COUNT_OF(groups); i++)
        print_group(groups[i].group, groups[i].heading, width);
    print_pair(stdout, width, "help [COMMAND]", "print this text, or a command's own");
    terminal_print(stdout, BOLD, "\noptions\n");
    print_pair(stdout, width, "-h, --help", "print this text, or after a command its own");
    print_pair(stdout, width, "-v, --version", "print the version");
    terminal_print(stdout, BOLD, "\nto begin\n");
    printf("  atoll init my-worker && cd my-worker && atoll dev\n");
}

/* ---- a family ---- */

static void print_members(FILE *stream, const char *family)
{
    size_t len = strlen(family), width = 0;

    for (size_t i = 0; commands_all[i]; i++)
        if (is_of_family(commands_all[i], family, len))
            width = wider(width, commands_all[i]->name);
    for (size_t i = 0; commands_all[i]; i++)
        if (is_of_family(commands_all[i], family, len))
            print_pair(stream, width, commands_all[i]->name, commands_all[i]->summary);
}

void cli_help_print_family(FILE *stream, const char *family)
{
    const char *summary = cli_help_family_summary(family);

    terminal_print(stream, BOLD, "usage:");
    fprintf(stream, " atoll %s COMMAND [OPTIONS]\n\n", family);
    if (*summary)
        fprintf(stream, "%s\n\n", summary);
    print_members(stream, family);
}

/* ---- a command ---- */

static void print_options(const struct cli_command *command)
{
    const struct cli_option *option;
    size_t width = 0;

    terminal_print(stdout, BOLD, "\noptions\n");
    for (size_t i = 0; (option = cli_option_at(command, i)); i++)
        width = wider(width, cli_help_option(option));
    for (size_t i = 0; (option = cli_option_at(command, i)); i++)
        print_pair(stdout, width, cli_help_option(option), option->help);
}

static void print_examples(const struct cli_example *examples)
{
    size_t width = 0;

    terminal_print(stdout, BOLD, "\nexamples\n");
    for (const struct cli_example *example = examples; example->line; example++)
        if (example->what && strlen(example->line) > width)
            width = strlen(example->line);
    for (const struct cli_example *example = examples; example->line; example++) {
        printf("  %-*s", example->what ? (int)width : 0, example->line);
        if (example->what)
            terminal_print(stdout, DIM, "  # %s", example->what);
        printf("\n");
    }
}

void cli_help_print_command(const struct cli_command *command)
{
    const char *usage = command->usage ? command->usage : "";

    terminal_print(stdout, BOLD, "usage:");
    printf(" atoll %s%s%s\n", command->name, *usage ? " " : "", usage);
    if (command->summary)
        printf("\n%s\n", command->summary);
    if (command->details)
        printf("\n%s\n", command->details);
    print_options(command);
    if (cli_help_is_family(command->name, strlen(command->name))) {
        terminal_print(stdout, BOLD, "\nmore\n");
        print_members(stdout, command->name);
    }
    if (command->examples)
        print_examples(command->examples);
}
