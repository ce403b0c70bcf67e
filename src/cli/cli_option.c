/* Options that many commands share, and the letters; see cli_option.h. */
#include "cli/cli_option.h"

#include <string.h>

#include "base/mem.h"

static const struct {
    unsigned of;
    struct cli_option option;
} shared[] = {
    {CLI_WORKER, {"name", "WORKER", "the worker that is meant (the configuration's)"}},
    {CLI_WORKER, {"config", "FILE", "the configuration (wrangler.jsonc, .json or .toml here)"}},
    {CLI_WORKER, {"env", "NAME", "the environment of the configuration"}},
    {CLI_JSON, {"json", NULL, "print the result as JSON"}},
    {CLI_YES, {"yes", NULL, "ask nothing, do it"}},
    {CLI_SERVER, {"profile", "PROFILE", "the server to talk to (the current one)"}},
    {CLI_SERVER, {"account", "ACCOUNT", "the account to work in (the profile's)"}},
};

static const struct cli_option help = {"help", NULL, "print this text"};

static const struct {
    char letter;
    const char *name;
} letters[] = {{'c', "config"}, {'e', "env"}, {'h', "help"}, {'m', "message"}, {'y', "yes"}};

static size_t own_count(const struct cli_command *command)
{
    size_t count = 0;

    while (command->options && command->options[count].name)
        count++;
    return count;
}

static bool has_own(const struct cli_command *command, const char *name)
{
    for (size_t i = 0; i < own_count(command); i++)
        if (strcmp(command->options[i].name, name) == 0)
            return true;
    return false;
}

const struct cli_option *cli_option_at(const struct cli_command *command, size_t index)
{
    size_t own = own_count(command);

    if (index < own)
        return &command->options[index];
    index -= own;
    for (size_t i = 0; i < COUNT_OF(shared); i++)
        if ((command->shared & shared[i].of) && !has_own(command, shared[i].option.name) &&
            index-- == 0)
            return &shared[i].option;
    return index == 0 ? &help : NULL;
}

const struct cli_option *cli_option_find(const struct cli_command *command, const char *name,
                                         size_t len)
{
    const struct cli_option *option;

    for (size_t i = 0; (option = cli_option_at(command, i)); i++)
        if (strlen(option->name) == len && memcmp(option->name, name, len) == 0)
            return option;
    return NULL;
}

char cli_option_letter(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(letters); i++)
        if (strcmp(letters[i].name, name) == 0)
            return letters[i].letter;
    return 0;
}

const struct cli_option *cli_option_of_letter(const struct cli_command *command, char letter)
{
    for (size_t i = 0; i < COUNT_OF(letters); i++)
        if (letters[i].letter == letter)
            return cli_option_find(command, letters[i].name, strlen(letters[i].name));
    return NULL;
}
