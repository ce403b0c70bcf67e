#include "cli/commands.h"

#include <criterion/criterion.h>
#include <ctype.h>

#include "cli/cli_help.h"
#include "cli/cli_option.h"

static bool has_family_row(const char *word)
{
    for (const struct commands_family *row = commands_families; row->name; row++)
        if (strcmp(row->name, word) == 0)
            return row->summary && *row->summary;
    return false;
}

Test(commands, rows_are_whole)
{
    for (size_t i = 0; commands_all[i]; i++) {
        const struct cli_command *command = commands_all[i];

        cr_expect(command->name && command->run && command->usage, "row %zu", i);
        if (!command->summary)
            continue;
        cr_expect(command->examples && command->examples[0].line, "%s has an example",
                  command->name);
        cr_expect(islower((unsigned char)command->summary[0]), "%s: a summary begins small",
                  command->name);
        cr_expect_neq(command->summary[strlen(command->summary) - 1], '.', "%s: no full stop",
                      command->name);
    }
}

Test(commands, names_are_unique)
{
    for (size_t i = 0; commands_all[i]; i++)
        for (size_t j = 0; j < i; j++)
            cr_expect_str_neq(commands_all[i]->name, commands_all[j]->name);
}

Test(commands, each_first_word_of_two_is_a_family)
{
    for (size_t i = 0; commands_all[i]; i++) {
        const char *name = commands_all[i]->name;
        char word[64];

        snprintf(word, sizeof word, "%.*s", (int)strcspn(name, " "), name);
        cr_expect(!strchr(name, ' ') || has_family_row(word), "commands_families has %s", word);
        cr_expect_eq(strchr(name, ' ') != NULL || cli_help_is_family(word, strlen(word)),
                     has_family_row(word), "%s", word);
    }
}

Test(commands, options_are_unique_and_known)
{
    for (size_t i = 0; commands_all[i]; i++) {
        const struct cli_option *option;

        for (size_t j = 0; (option = cli_option_at(commands_all[i], j)); j++)
            cr_expect_eq(cli_option_find(commands_all[i], option->name, strlen(option->name)),
                         option, "%s --%s", commands_all[i]->name, option->name);
    }
}

static const struct cli_option own[] = {{"env", NULL, "its own"}, {"json", "FILE", "its own"}, {0}};
static const struct cli_command command = {
    .name = "x", .options = own, .shared = CLI_WORKER | CLI_JSON | CLI_YES};

Test(commands, an_option_of_its_own_wins)
{
    cr_expect_eq(cli_option_find(&command, "env", 3), &own[0]);
    cr_expect_eq(cli_option_of_letter(&command, 'e'), &own[0]);
    cr_expect_str_eq(cli_option_of_letter(&command, 'c')->name, "config");
    cr_expect_str_eq(cli_option_of_letter(&command, 'y')->name, "yes");
    cr_expect_null(cli_option_of_letter(&command, 'm'), "it has no --message");
    cr_expect_null(cli_option_of_letter(&command, 'x'));
    cr_expect_null(cli_option_find(&command, "profile", 7));
    cr_expect_null(cli_option_find(&command, "en", 2));
    cr_expect_null(cli_option_at(&command, 6), "2 of its own, 3 shared, help");
    cr_expect_str_eq(cli_option_at(&command, 5)->name, "help");
}
