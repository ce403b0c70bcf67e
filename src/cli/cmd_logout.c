/* `atoll logout`: a login taken back, and forgotten. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "remote/login.h"
#include "remote/profile.h"

enum { TEXT_BYTES_MAX = ERR_TEXT_MAX + 256 };

/* A server that is down keeps nobody from logging out, but the login lives on there. */
static void take_back(struct roundtrip *roundtrip, const json_t *profile)
{
    char text[TEXT_BYTES_MAX];
    struct err err;

    if (login_revoke(roundtrip, profile, &err) == 0)
        return;
    snprintf(text, sizeof text, "%s\nthe login is forgotten here, and valid there until it expires",
             err.text);
    terminal_warning(text);
}

/* The name must not be the file's: removing takes that away. */
static int forget(struct roundtrip *roundtrip, json_t *file, const char *name)
{
    const json_t *profile = profile_find(file, name);
    struct err err;

    if (profile)
        take_back(roundtrip, profile);
    if (profile_remove(name, &err) < 0)
        return session_refuse(&err);
    printf("logged out of %s\n", profile ? member_text(profile, "url") : name);
    return EXIT_DONE;
}

static int forget_all(struct roundtrip *roundtrip, json_t *file)
{
    int status = EXIT_DONE;
    const char *name;
    json_t *profile;

    json_object_foreach(json_object_get(file, "profiles"), name, profile)
        if (status == EXIT_DONE)
            status = forget(roundtrip, file, name);
    return status;
}

static int forget_one(struct roundtrip *roundtrip, json_t *file, const struct cli_args *args)
{
    const char *given = cli_value(args, "profile");

    if (cli_operand_count(args))
        given = cli_operands(args)[0];
    if (given || profile_current(file))
        return forget(roundtrip, file, given ? given : profile_current(file));
    printf("you are not logged in\n");
    return EXIT_DONE;
}

/* The next one is in use from now on: better said than found out. */
static void print_current(void)
{
    json_t *file;
    struct err err;

    if (profile_load(&file, &err) < 0)
        return;
    if (profile_current(file))
        printf("the current server is %s now\n", member_text(profile_find(file, NULL), "url"));
    json_decref(file);
}

static int run(const struct cli_args *args)
{
    int status = cli_check_operands(args, 0, 1, "the profile's NAME");
    struct roundtrip *roundtrip;
    json_t *file;
    struct err err;

    if (status != EXIT_DONE)
        return status;
    if (profile_load(&file, &err) < 0)
        return session_refuse(&err);
    roundtrip = roundtrip_new();
    if (cli_has(args, "all"))
        status = forget_all(roundtrip, file);
    else
        status = forget_one(roundtrip, file, args);
    if (status == EXIT_DONE)
        print_current();
    roundtrip_free(roundtrip);
    json_decref(file);
    return status;
}

static const struct cli_option options[] = {
    {"all", NULL, "log out of every server"},
    {"profile", "PROFILE", "the same as NAME"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll logout", "of the current server"},
    {"atoll logout work", "of another one"},
    {"atoll logout --all", NULL},
    {0},
};

const struct cli_command cmd_logout = {
    .name = "logout",
    .usage = "[PROFILE] [OPTIONS]",
    .summary = "log out of a server",
    .details = "What a login in the browser gave is taken back at the server; an API token lives\n"
               "on there, and is only forgotten here.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_ACCOUNT,
};
