/* What commands that talk to a server share; see session.h. */
#include "cli/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/member.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "os/path.h"
#include "remote/profile.h"

enum { AGO_RESULTS = 4, AGO_BYTES = 48, CODE_SCOPE = 9109, CLOUDFLARE_ID_LEN = 32,
       NOTE_BYTES_MAX = 4200, LINE_BYTES_MAX = 200 };

/* A line for a call that takes long, when the command has none of its own. */
static bool is_own_line;

static void begin_line(const char *url)
{
    char text[LINE_BYTES_MAX];
    const char *host = strstr(url, "://");

    host = host ? host + 3 : url;
    snprintf(text, sizeof text, "waiting for %.*s", (int)strcspn(host, "/"), host);
    progress_begin(text);
    is_own_line = true;
}

static void on_wait(void *context, uint64_t sent, uint64_t total)
{
    struct remote *remote = context;

    if (!progress_is_begun())
        begin_line(remote_url(remote));
    progress_draw(sent, total);
}

static void on_end(void *context)
{
    (void)context;
    if (is_own_line)
        progress_end();
    is_own_line = false;
}

/* ---- opening ---- */

int session_exit(int code)
{
    switch (code) {
    case ERR_DENIED:
        return EXIT_AUTH;
    case ERR_NOT_FOUND:
        return EXIT_ABSENT;
    case ERR_NETWORK:
    case ERR_TIMEOUT:
        return EXIT_UNREACHABLE;
    default:
        return EXIT_FAILED;
    }
}

/* Others can read what is in the file no more, but they could until now: worth a word. */
static void repair_rights(void)
{
    char text[NOTE_BYTES_MAX], *path;

    if (!profile_make_private())
        return;
    path = profile_file();
    snprintf(text, sizeof text, "others could read %s; now only you can", path);
    terminal_note(text);
    free(path);
}

static int open_remote(struct session *session, const char *directory, const char *account,
                       struct err *err)
{
    const char *asked = cli_value(session->args, "account");
    const struct remote_options options = {
        .profile = cli_value(session->args, "profile"),
        .account = asked ? asked : account,
        .directory = directory,
    };
    struct remote_hooks hooks = {.on_wait = on_wait, .on_end = on_end};
    int r = remote_open(&options, &session->remote, err);

    if (r < 0)
        return r;
    repair_rights();
    hooks.context = session->remote;
    remote_set_hooks(session->remote, &hooks);
    return 0;
}

/* `account`: what counts before the profile's; NULL: none. */
static int open_for(struct session *session, const struct cli_args *args, const char *directory,
                    const char *account)
{
    struct err err;

    *session = (struct session){.args = args};
    if (open_remote(session, directory, account, &err) < 0) {
        progress_end();
        terminal_error(err.text);
        return err.code == ERR_NOT_FOUND ? EXIT_AUTH : session_exit(err.code);
    }
    if (remote_prepare(session->remote, &err) < 0)
        return session_fail(session, &err);
    return EXIT_DONE;
}

static bool is_of_cloudflare(const char *account)
{
    return strlen(account) == CLOUDFLARE_ID_LEN &&
           strspn(account, "0123456789abcdef") == CLOUDFLARE_ID_LEN;
}

static void take_if_there(struct session *session, const char *account)
{
    struct err err;

    if (strcmp(account, remote_account(session->remote)) == 0)
        return;
    if (remote_get(session->remote, remote_path(session->remote, "/accounts/%s", account), NULL,
                   &err) == 0) {
        remote_set_account(session->remote, account);
        return;
    }
    progress_end();
    terminal_print(stderr, DIM, "note:");
    fprintf(stderr, " account_id %s is not an account of this server: using \"", account);
    terminal_print_text(stderr, PLAIN, remote_account(session->remote), false, 0);
    fputs("\"\n", stderr);
}

int session_open_project(struct session *session, const struct cli_args *args,
                         const struct config *config)
{
    const char *account = member_text(config->deploy, "account_id");
    bool doubtful = account && is_of_cloudflare(account);
    int status = open_for(session, args, config->root, doubtful ? NULL : account);

    if (status == EXIT_DONE && doubtful && !cli_has(args, "account"))
        take_if_there(session, account);
    return status;
}

/* The directory of --config; NULL: this one. Returned owned. */
static char *directory_of(const struct cli_args *args)
{
    const char *path = cli_value(args, "config");

    if (!path)
        return NULL;
    return path_is_directory(path) ? str_dup(str_from(path)) : path_directory(str_from(path));
}

int session_open(struct session *session, const struct cli_args *args)
{
    char *directory = directory_of(args);
    int status = open_for(session, args, directory, NULL);

    free(directory);
    return status;
}

static bool is_configured(void)
{
    return path_is_file("wrangler.jsonc") || path_is_file("wrangler.json") ||
           path_is_file("wrangler.toml");
}

static int read_config(const struct cli_args *args, struct config **ret)
{
    const struct config_request request = {
        .path = cli_value(args, "config") ? cli_value(args, "config") : ".",
        .environment = cli_value(args, "env"),
    };
    struct err err;

    if (!cli_has(args, "config") && !is_configured()) {
        terminal_error("which worker? There is no wrangler.jsonc, wrangler.json or wrangler.toml "
                       "in this directory\nname it: --name NAME (atoll list shows them)");
        return EXIT_USAGE;
    }
    if (config_read(&request, ret, &err) == 0)
        return EXIT_DONE;
    terminal_error(err.text);
    return EXIT_FAILED;
}

static int open_configured(struct session *session, const struct cli_args *args)
{
    struct config *config;
    int status = read_config(args, &config);

    if (status != EXIT_DONE)
        return status;
    status = session_open_project(session, args, config);
    session->config = config;
    session->worker = str_dup(str_from(config->name));
    return status;
}

int session_open_worker(struct session *session, const struct cli_args *args)
{
    const char *name = cli_value(args, "name");
    int status;

    *session = (struct session){.args = args};
    if (!name)
        return open_configured(session, args);
    status = session_open(session, args);
    session->worker = str_dup(str_from(name));
    return status;
}

void session_close(struct session *session)
{
    progress_end();
    remote_close(session->remote);
    config_unref(session->config);
    free(session->worker);
    *session = (struct session){0};
}

int session_run(const struct cli_args *args, int (*action)(struct session *session))
{
    struct session session;
    int status = session_open(&session, args);

    if (status == EXIT_DONE)
        status = action(&session);
    session_close(&session);
    return status;
}

int session_run_worker(const struct cli_args *args, int (*action)(struct session *session))
{
    struct session session;
    int status = session_open_worker(&session, args);

    if (status == EXIT_DONE)
        status = action(&session);
    session_close(&session);
    return status;
}

/* ---- results ---- */

static void advise(const struct session *session, const struct err *err)
{
    const char *profile = session->remote ? remote_profile(session->remote) : NULL;
    char *server;

    if (err->code != ERR_DENIED || !session->remote || !remote_code(session->remote))
        return;
    server = remote_server(session->remote);
    if (remote_code(session->remote) == CODE_SCOPE)
        fprintf(stderr, "atoll whoami shows what this token may do\n");
    else if (profile)
        fprintf(stderr, "log in again: atoll login %s --profile %s\n", server, profile);
    else
        fprintf(stderr, "the token is from %s\n", remote_source(session->remote));
    free(server);
}

int session_fail(struct session *session, const struct err *err)
{
    progress_end();
    terminal_error(err->text);
    advise(session, err);
    return session_exit(err->code);
}

int session_refuse(const struct err *err)
{
    progress_end();
    terminal_error(err->text);
    return session_exit(err->code);
}

bool session_prints_json(const struct session *session, const json_t *value)
{
    if (!cli_has(session->args, "json"))
        return false;
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    putchar('\n');
    return true;
}

/* ---- times ---- */

/* Seconds since 1970, or -1. */
static time_t seconds_of(const json_t *time)
{
    const char *text = json_string_value(time);
    struct tm parts = {0};

    if (json_is_number(time))
        return (time_t)(json_number_value(time) / 1000);
    if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &parts))
        return -1;
    return timegm(&parts);
}

const char *session_ago(const json_t *moment)
{
    static const struct {
        long seconds;
        const char *unit;
    } units[] = {{365 * 86400, "year"}, {30 * 86400, "month"}, {86400, "day"},
                 {3600, "hour"},        {60, "minute"},        {1, "second"}};
    static char results[AGO_RESULTS][AGO_BYTES];
    static int next;
    char *out = results[next = (next + 1) % AGO_RESULTS];
    time_t then = seconds_of(moment);
    long ago = (long)(time(NULL) - then), size = labs(ago);

    snprintf(out, AGO_BYTES, "%s", then < 0 ? "" : "just now");
    for (size_t i = 0; then >= 0 && i < COUNT_OF(units); i++) {
        long count = size / units[i].seconds;

        if (!count)
            continue;
        snprintf(out, AGO_BYTES, "%s%ld %s%s%s", ago < 0 ? "in " : "", count, units[i].unit,
                 count == 1 ? "" : "s", ago < 0 ? "" : " ago");
        break;
    }
    return out;
}
