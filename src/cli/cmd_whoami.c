/* `atoll whoami`: which server and account commands here talk to, and what they may do. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "remote/identity.h"
#include "remote/profile.h"

enum { LINE_BYTES_MAX = 4096 };

static const json_t *token_of(const json_t *identity)
{
    return json_object_get(identity, "token");
}

static void print_line(const char *what, const char *text)
{
    if (!text || !*text)
        return;
    terminal_print(stdout, DIM, "%-9s", what);
    terminal_print_text(stdout, PLAIN, text, false, 9);
    putchar('\n');
}

static void print_server(const struct session *session, const json_t *identity)
{
    const json_t *server = json_object_get(identity, "server");
    char text[LINE_BYTES_MAX];

    snprintf(text, sizeof text, "%s%s%.60s%s%.60s%s", remote_url(session->remote),
             server ? " (" : "", server ? member_text(server, "name") : "", server ? " " : "",
             server ? member_text(server, "version") : "", server ? ")" : "");
    print_line("server", text);
}

static void print_accounts(const struct session *session, const json_t *identity)
{
    const char *meant = remote_account(session->remote);
    const json_t *account;
    size_t i;

    json_array_foreach(json_object_get(identity, "accounts"), i, account) {
        const char *id = member_text(account, "id"), *name = member_text(account, "name");
        char text[LINE_BYTES_MAX];
        bool is_meant = id && strcmp(id, meant) == 0;

        snprintf(text, sizeof text, "%.100s%s%.200s%s", id ? id : "",
                 name && id && strcmp(name, id) != 0 ? "  " : "",
                 name && id && strcmp(name, id) != 0 ? name : "",
                 is_meant && json_array_size(json_object_get(identity, "accounts")) > 1
                     ? "  (this one is worked in)"
                     : "");
        print_line(i ? "" : "account", text);
    }
}

static void print_token(const json_t *identity)
{
    const json_t *scopes = json_object_get(token_of(identity), "scopes"), *scope;
    const json_t *expires = json_object_get(token_of(identity), "expires_on");
    struct buf text;
    size_t i;

    buf_init(&text, LINE_BYTES_MAX);
    json_array_foreach(scopes, i, scope)
        if (buf_printf(&text, "%s%.60s", i ? " " : "", json_string_value(scope)) < 0)
            break;
    if (buf_append_char(&text, '\0') == 0)
        print_line("scopes", text.ptr);
    buf_done(&text);
    print_line("expires", json_is_string(expires) ? session_ago(expires) : NULL);
}

static void print(const struct session *session, const json_t *identity)
{
    print_server(session, identity);
    print_accounts(session, identity);
    print_line("token", member_text(token_of(identity), "name"));
    print_token(identity);
    print_line("from", remote_source(session->remote));
}

static json_t *make_json(const struct session *session, const json_t *identity)
{
    json_t *all = json_copy((json_t *)identity);

    json_object_set_new(all, "url", json_string(remote_url(session->remote)));
    json_object_set_new(all, "account", json_string(remote_account(session->remote)));
    json_object_set_new(all, "profile",
                        remote_profile(session->remote)
                            ? json_string(remote_profile(session->remote))
                            : json_null());
    json_object_set_new(all, "source", json_string(remote_source(session->remote)));
    return all;
}

static int show(struct session *session)
{
    json_t *identity, *all;
    struct err err;

    if (identity_read(session->remote, &identity, &err) < 0)
        return session_fail(session, &err);
    all = make_json(session, identity);
    if (!session_prints_json(session, all))
        print(session, identity);
    json_decref(all);
    json_decref(identity);
    return EXIT_DONE;
}

static int run(const struct cli_args *args)
{
    int status = cli_check_operands(args, 0, 0, NULL);

    return status == EXIT_DONE ? session_run(args, show) : status;
}

static const struct cli_example examples[] = {
    {"atoll whoami", "which server, which account, what the token may do"},
    {"atoll whoami --profile work", NULL},
    {0},
};

const struct cli_command cmd_whoami = {
    .name = "whoami",
    .usage = "[OPTIONS]",
    .summary = "show which server and account you work with",
    .run = run,
    .examples = examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};
