/* `atoll login`: a server's token found out, checked, and kept under a name. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/ask.h"
#include "cli/session.h"
#include "cli/signin.h"
#include "cli/terminal.h"
#include "remote/address.h"
#include "remote/identity.h"
#include "remote/login.h"
#include "remote/profile.h"

enum { SECRET_BYTES_MAX = 64 << 10, TEXT_BYTES_MAX = 2048 };

struct login {
    const struct cli_args *args;
    char *url;
    char *name;          /* of the profile */
    json_t *profile;     /* the new one */
    json_t *old;         /* the one it replaces; NULL: none */
};

/* ---- what the command line says ---- */

/* The server of the operand; without one, of the profile that is meant. */
static int find_url(struct login *login, json_t *file)
{
    const char *given = cli_operand_count(login->args) ? cli_operands(login->args)[0] : NULL;
    const json_t *profile = profile_find(file, cli_value(login->args, "profile"));
    struct err err;

    if (!given && !profile)
        return cli_usage_error(login->args, "say which server: atoll login http://127.0.0.1:8790");
    if (!given)
        given = member_text(profile, "url");
    return address_read(str_from(given), &login->url, &err) < 0 ? session_refuse(&err) : EXIT_DONE;
}

/* The name given; else the current profile's when it is of the same server, else the server's. */
static int find_name(struct login *login, json_t *file)
{
    const char *given = cli_value(login->args, "profile");
    const json_t *current = profile_find(file, NULL);

    if (given && !profile_is_name(str_from(given)))
        return cli_usage_error(login->args,
                               "the name of a profile has 1 to %d letters, digits and .:-_",
                               PROFILE_NAME_MAX);
    if (given)
        login->name = str_dup(str_from(given));
    else if (member_is(current, "url", login->url))
        login->name = str_dup(str_from(profile_current(file)));
    else
        login->name = profile_name_of(login->url);
    login->old = json_incref(profile_find(file, login->name));
    return EXIT_DONE;
}

static int read_file(struct login *login)
{
    json_t *file = NULL;
    struct err err;
    int status = profile_load(&file, &err) < 0 ? session_refuse(&err) : EXIT_DONE;

    if (status == EXIT_DONE)
        status = find_url(login, file);
    if (status == EXIT_DONE)
        status = find_name(login, file);
    json_decref(file);
    return status;
}

static void warn_of_plain_text(const char *url)
{
    char text[TEXT_BYTES_MAX];

    if (strncmp(url, "https://", 8) == 0 || address_is_loopback(url))
        return;
    snprintf(text, sizeof text, "%s is not encrypted: everybody on the way can read the token",
             url);
    terminal_warning(text);
}

/* ---- the token ---- */

static int read_token(struct login *login, const char *given)
{
    struct buf secret;
    struct err err;
    str token = str_trim(str_from(given));
    int status = EXIT_DONE;

    buf_init(&secret, SECRET_BYTES_MAX);
    if (str_equal(token, STR("-"))) {
        if (ask_secret("token: ", &secret, &err) < 0)
            status = session_refuse(&err);
        token = str_trim(buf_str(&secret));
    }
    if (status == EXIT_DONE && !token.len)
        status = cli_usage_error(login->args, "the token is empty");
    if (status == EXIT_DONE)
        json_object_set_new(login->profile, "token", json_stringn(token.ptr, token.len));
    if (status == EXIT_DONE && !member_text(login->profile, "token"))
        status = cli_usage_error(login->args, "that is no token");
    buf_done(&secret);
    return status;
}

static int get_token(struct login *login)
{
    const char *given = cli_value(login->args, "token");

    if (given)
        return read_token(login, given);
    return signin_run(login->url, !cli_has(login->args, "no-browser"), login->profile);
}

/* ---- the account ---- */

static int fail_with_account(const char *wanted)
{
    struct err err;

    err_set(&err, ERR_NOT_FOUND, "the token is not for an account \"%.100s\"", wanted);
    return session_refuse(&err);
}

static int choose_account(struct login *login, struct remote *remote, const json_t *identity)
{
    const char *wanted = cli_value(login->args, "account"), *id;
    struct err err;

    if (!wanted)
        wanted = member_text(login->profile, "account");
    id = wanted ? identity_account(identity, wanted) : NULL;
    if (wanted && !id)
        return fail_with_account(wanted);
    if (!wanted && remote_prepare(remote, &err) < 0)
        return session_refuse(&err);
    json_object_set_new(login->profile, "account", json_string(id ? id : remote_account(remote)));
    return EXIT_DONE;
}

/* ---- the end ---- */

static void print_scopes(const json_t *identity)
{
    const json_t *scopes = json_object_get(json_object_get(identity, "token"), "scopes"), *scope;
    size_t i;

    if (!json_array_size(scopes))
        return;
    fputs("scopes   ", stdout);
    json_array_foreach(scopes, i, scope) {
        fputs(i ? " " : "", stdout);
        terminal_print_text(stdout, PLAIN, json_string_value(scope), false, 0);
    }
    putchar('\n');
}

static void print_login(const struct login *login, const json_t *identity)
{
    const char *name = member_text(json_object_get(identity, "token"), "name");

    terminal_print(stdout, GREEN, "logged in");
    printf(" to %s", login->url);
    if (name) {
        fputs(" as ", stdout);
        terminal_print_text(stdout, PLAIN, name, false, 0);
    }
    fputs("\naccount  ", stdout);
    terminal_print_text(stdout, PLAIN, member_text(login->profile, "account"), false, 0);
    putchar('\n');
    print_scopes(identity);
    printf("profile  %s\n", login->name);
}

/* The login that is replaced has no use any more; that it cannot be taken back is no failure. */
static void revoke_old(const struct login *login)
{
    struct roundtrip *roundtrip;
    struct err err;

    if (!login->old || !member_text(login->old, "refresh_token"))
        return;
    roundtrip = roundtrip_new();
    (void)!login_revoke(roundtrip, login->old, &err);
    roundtrip_free(roundtrip);
}

static int store(struct login *login, const json_t *identity)
{
    struct err err;

    if (profile_set(login->name, json_incref(login->profile), true, &err) < 0)
        return session_refuse(&err);
    profile_make_private();
    revoke_old(login);
    print_login(login, identity);
    return EXIT_DONE;
}

static int fail_with_token(const struct login *login, const struct err *err)
{
    struct err said;

    if (err->code != ERR_DENIED)
        return session_refuse(err);
    err_set(&said, ERR_DENIED, "%s does not take this token: %.1000s\nnothing was stored",
            login->url, err->text);
    return session_refuse(&said);
}

static int check_and_store(struct login *login)
{
    const char *token = member_text(login->profile, "token");
    struct remote *remote;
    json_t *identity;
    struct err err;
    int status;

    if (remote_open_with(login->url, token, NULL, &remote, &err) < 0)
        return session_refuse(&err);
    if (identity_read(remote, &identity, &err) < 0) {
        status = fail_with_token(login, &err);
    } else {
        status = choose_account(login, remote, identity);
        if (status == EXIT_DONE)
            status = store(login, identity);
        json_decref(identity);
    }
    remote_close(remote);
    return status;
}

static int run(const struct cli_args *args)
{
    struct login login = {.args = args};
    int status = cli_check_operands(args, 0, 1, "the server's URL");

    if (status == EXIT_DONE)
        status = read_file(&login);
    if (status == EXIT_DONE) {
        warn_of_plain_text(login.url);
        login.profile = json_pack("{s:s}", "url", login.url);
        status = get_token(&login);
    }
    if (status == EXIT_DONE)
        status = check_and_store(&login);
    json_decref(login.profile);
    json_decref(login.old);
    free(login.url);
    free(login.name);
    return status;
}

static const struct cli_option options[] = {
    {"token", "TOKEN", "log in with this API token; \"-\" asks for it, or reads standard input"},
    {"profile", "NAME", "keep the login under this name (the server's host and port)"},
    {"account", "ACCOUNT", "the account to work in, by id or name (the token's)"},
    {"no-browser", NULL, "only print the address of the page to log in at"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll login http://127.0.0.1:8790", "in the browser"},
    {"atoll login workers.example.com --profile work", "a second server, under a name"},
    {"atoll login http://127.0.0.1:8790 --token - < token.txt", "without a browser"},
    {0},
};

const struct cli_command cmd_login = {
    .name = "login",
    .usage = "[URL] [OPTIONS]",
    .summary = "log in to a server",
    .details = "URL is the admin address of a server. Without one, logs in to the current server\n"
               "again. The login becomes the current one; atoll profiles changes that.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_ACCOUNT,
};
