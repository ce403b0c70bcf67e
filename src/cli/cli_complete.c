/* Completion of command lines; see cli_complete.h.
 *
 * The line is read as cli.c reads it, up to its last word. What that can be follows from what it
 * stands for: a command, an option, the value of one, or an operand, whose kind is its word in the
 * usage line. */
#include "cli/cli_complete.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/member.h"
#include "base/str.h"
#include "cli/cli_help.h"
#include "cli/cli_option.h"
#include "cli/commands.h"
#include "remote/profile.h"

/* The word at the cursor: `before` ("--profile=") stays in front of each candidate, which begins
 * with `start`. */
struct unfinished {
    str before;
    str start;
};

static void offer(const struct unfinished *word, str candidate, const char *what)
{
    if (word->start.len && !str_starts(candidate, word->start))
        return;
    printf("%.*s%.*s%s%s\n", STR_ARGS(word->before), STR_ARGS(candidate), what ? "\t" : "",
           what ? what : "");
}

/* ---- commands ---- */

enum { FAMILY_BYTES_MAX = 128 };

static bool is_first_of_family(size_t index, size_t len)
{
    for (size_t i = 0; i < index; i++)
        if (strncmp(commands_all[i]->name, commands_all[index]->name, len + 1) == 0)
            return false;
    return true;
}

static void offer_first_words(const struct unfinished *word)
{
    for (size_t i = 0; commands_all[i]; i++) {
        const char *name = commands_all[i]->name;
        size_t len = strcspn(name, " ");
        char family[64];

        if (!commands_all[i]->summary)
            continue;
        snprintf(family, sizeof family, "%.*s", (int)len, name);
        if (!name[len])
            offer(word, str_from(name), commands_all[i]->summary);
        else if (is_first_of_family(i, len))
            offer(word, str_from(family), cli_help_family_summary(family));
    }
    offer(word, STR("help"), "print help");
    if (str_starts(word->start, STR("-"))) {
        offer(word, STR("--help"), "print help");
        offer(word, STR("--version"), "print the version");
    }
}

/* The words that stand behind `family`, which may be several itself; each once. */
static void offer_second_words(const struct unfinished *word, const char *family)
{
    size_t len = strlen(family);
    str last = STR_NONE;

    for (size_t i = 0; commands_all[i]; i++) {
        const struct cli_command *command = commands_all[i];
        str rest = str_from(command->name + (strncmp(command->name, family, len) == 0 ? len : 0));
        str next = str_head(str_skip(rest, 1), str_find(str_skip(rest, 1), ' '));
        bool goes_on = next.len + 1 < rest.len;

        if (!command->summary || rest.ptr == command->name || rest.ptr[0] != ' ' ||
            str_equal(next, last))
            continue;
        last = next;
        offer(word, next, goes_on ? NULL : command->summary);
    }
}

/* The word that is being typed as the second to fourth one of a command. */
static void offer_next_words(const struct unfinished *word, char *const *words, size_t count)
{
    char family[FAMILY_BYTES_MAX];
    size_t len = 0;

    if (count < 2 || count > 4)
        return;
    for (size_t i = 0; i + 1 < count && len < sizeof family; i++)
        len += (size_t)snprintf(family + len, sizeof family - len, "%s%s", i ? " " : "", words[i]);
    offer_second_words(word, family);
}

/* ---- values ---- */

static void offer_profiles(const struct unfinished *word)
{
    json_t *file, *profile;
    struct err err;
    const char *name;

    if (profile_load(&file, &err) < 0)
        return;
    json_object_foreach(json_object_get(file, "profiles"), name, profile)
        offer(word, str_from(name), member_text(profile, "url"));
    json_decref(file);
}

static void offer_choices(const struct unfinished *word, str choices)
{
    while (choices.len) {
        size_t end = str_find(choices, '|');

        offer(word, str_head(choices, end), NULL);
        choices = str_skip(choices, end + 1);
    }
}

/* What a value or operand can be whose word in help is `kind`. False when nobody knows. */
static bool offer_kind(const struct unfinished *word, str kind)
{
    if (str_find(kind, '|') < kind.len)
        offer_choices(word, kind);
    else if (str_equal(kind, STR("PROFILE")))
        offer_profiles(word);
    else if (str_equal(kind, STR("FILE")) || str_equal(kind, STR("PATH")))
        puts(":files");
    else if (str_equal(kind, STR("DIR")) || str_equal(kind, STR("DIRECTORY")))
        puts(":directories");
    else
        return false;
    return true;
}

/* The word in the usage line ("[PATH...] [OPTIONS]") that stands for the operand at `index`,
 * without its brackets; empty when there is none. */
static str operand_kind(const char *usage, size_t index)
{
    str rest = str_from(usage), kind = STR_NONE;

    for (size_t i = 0; i <= index; i++) {
        rest = str_skip(rest, strspn(rest.len ? rest.ptr : "", " "));
        kind = str_head(rest, str_find(rest, ' '));
        rest = str_skip(rest, kind.len);
        while (kind.len && *kind.ptr == '[')
            kind = str_skip(kind, 1);
        while (kind.len && kind.ptr[kind.len - 1] == ']')
            kind.len--;
        if (str_ends(kind, STR("...")))
            return str_head(kind, kind.len - 3);
        if (!kind.len || *kind.ptr == '-' || str_equal(kind, STR("OPTIONS")))
            return STR_NONE;
    }
    return kind;
}

/* ---- options ---- */

static void offer_options(const struct unfinished *word, const struct cli_command *command)
{
    const struct cli_option *option;
    char text[128];

    for (size_t i = 0; (option = cli_option_at(command, i)); i++) {
        snprintf(text, sizeof text, "--%s", option->name);
        offer(word, str_from(text), option->help);
    }
}

/* The option that a word before the cursor is and whose value is the next word; NULL: none. */
static const struct cli_option *waits_for_value(const struct cli_command *command, const char *word)
{
    const struct cli_option *option = NULL;

    if (strncmp(word, "--", 2) == 0)
        option = cli_option_find(command, word + 2, strlen(word + 2));
    else if (word[0] == '-' && word[1] && !word[2])
        option = cli_option_of_letter(command, word[1]);
    return option && option->value ? option : NULL;
}

/* "--name=val" at the cursor. */
static void offer_attached(const char *text, const struct cli_command *command)
{
    size_t equals = strcspn(text, "=");
    const struct cli_option *option = cli_option_find(command, text + 2, equals - 2);
    struct unfinished word = {{text, equals + 1}, str_from(text + equals + 1)};

    if (option && option->value)
        offer_kind(&word, str_from(option->value));
}

/* `words`: those behind the command's name. */
static void offer_arguments(const struct cli_command *command, char *const *words, size_t count)
{
    const char *last = words[count - 1];
    struct unfinished word = {STR_NONE, str_from(last)};
    const struct cli_option *waiting = NULL;
    bool only_operands = false;
    size_t operands = 0;

    for (size_t i = 0; i + 1 < count; i++) {
        bool is_value = waiting != NULL;

        waiting = is_value || only_operands ? NULL : waits_for_value(command, words[i]);
        if (!is_value && strcmp(words[i], "--") == 0)
            only_operands = true;
        else if (!is_value && (only_operands || *words[i] != '-'))
            operands++;
    }
    if (waiting)
        offer_kind(&word, str_from(waiting->value));
    else if (!only_operands && strncmp(last, "--", 2) == 0 && strchr(last, '='))
        offer_attached(last, command);
    else if ((only_operands || *last != '-') &&
             offer_kind(&word, operand_kind(command->usage, operands)))
        return;
    else if (!only_operands)
        offer_options(&word, command);
}

void cli_complete_print(char *const *words, size_t count)
{
    const struct cli_command *command;
    struct unfinished word = {STR_NONE, str_from(count ? words[count - 1] : "")};
    size_t took;

    if (count > 1 && strcmp(words[0], "help") == 0) {
        words++;
        count--;
        offer_next_words(&word, words, count);
        if (count > 1)
            return;
    }
    if (count <= 1) {
        offer_first_words(&word);
        return;
    }
    offer_next_words(&word, words, count);
    command = cli_find_command(words, &took);
    if (command && took < count)
        offer_arguments(command, words + took, count - took);
}
