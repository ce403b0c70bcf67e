/* `atoll profiles`: the servers somebody is logged in to, and which one is current. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "remote/profile.h"

static bool is_current(const json_t *file, const char *name)
{
    return profile_current(file) && strcmp(profile_current(file), name) == 0;
}

/* Without what is secret in it. */
static void print_json(json_t *file)
{
    json_t *all = json_array(), *profile;
    const char *name;

    json_object_foreach(json_object_get(file, "profiles"), name, profile)
        json_array_append_new(all, json_pack("{s:s, s:s, s:s?, s:b, s:s}", "name", name, "url",
                                             member_text(profile, "url"), "account",
                                             member_text(profile, "account"), "current",
                                             is_current(file, name), "login",
                                             member_text(profile, "refresh_token") ? "browser"
                                                                                   : "token"));
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

static void print_table(json_t *file)
{
    static const char *const headings[] = {"", "NAME", "SERVER", "ACCOUNT", "LOGIN", NULL};
    struct table *table = table_new(headings);
    json_t *profile;
    const char *name;

    json_object_foreach(json_object_get(file, "profiles"), name, profile) {
        const char *const cells[] = {is_current(file, name) ? "*" : " ", name,
                                     member_text(profile, "url"), member_text(profile, "account"),
                                     member_text(profile, "refresh_token") ? "browser" : "token"};

        table_add(table, cells);
        if (is_current(file, name))
            table_colour(table, 1, GREEN);
    }
    table_print(table);
}

static int list(const struct cli_args *args)
{
    json_t *file;
    struct err err;

    if (profile_load(&file, &err) < 0)
        return session_refuse(&err);
    if (cli_has(args, "json"))
        print_json(file);
    else if (json_object_size(json_object_get(file, "profiles")))
        print_table(file);
    else
        printf("you are not logged in anywhere: atoll login http://127.0.0.1:8790\n");
    json_decref(file);
    return EXIT_DONE;
}

static int use(const char *name)
{
    struct err err;

    if (profile_use(name, &err) < 0)
        return session_refuse(&err);
    printf("the current server is %s now\n", name);
    return EXIT_DONE;
}

static int run(const struct cli_args *args)
{
    int status = cli_check_operands(args, 0, 1, "the profile's NAME");

    if (status != EXIT_DONE)
        return status;
    return cli_operand_count(args) ? use(cli_operands(args)[0]) : list(args);
}

static const struct cli_example examples[] = {
    {"atoll profiles", "which there are, and which is current"},
    {"atoll profiles work", "work with this one from now on"},
    {"atoll deploy --profile work", "for one command only"},
    {0},
};

const struct cli_command cmd_profiles = {
    .name = "profiles",
    .usage = "[PROFILE] [OPTIONS]",
    .summary = "list the servers you are logged in to, or choose one",
    .run = run,
    .examples = examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_JSON,
};
