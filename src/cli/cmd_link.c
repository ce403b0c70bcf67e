/* `atoll link`: the .env that makes wrangler talk to the server one is logged in to.
 *
 * A login in the browser has a token that lasts for an hour, which is no use in a file: such a
 * project gets a token of its own, named after its directory, which `--unlink` takes back. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/member.h"
#include "base/utf8.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "control/dotenv.h"
#include "os/file.h"
#include "os/path.h"
#include "registry/token.h"
#include "remote/address.h"
#include "remote/envfile.h"
#include "remote/profile.h"

enum { NAME_BYTES_MAX = 200, DEPTH_MAX = 64, SCOPE_BYTES_MAX = 64, NOTE_BYTES_MAX = 4200 };

struct link {
    struct session session;
    char *directory;     /* absolute */
    char *file;          /* its .env */
    struct buf text;     /* what that says; empty when there is none */
    bool is_new;
    char *token;         /* for wrangler */
    char token_name[NAME_BYTES_MAX + 1];   /* of one that is made for this project */
};

static int fail_at(const char *path)
{
    struct err err;

    err_set_io(&err, path);
    return session_refuse(&err);
}

/* A line with the name of something, which may have any byte in it. */
static void print_about(const char *before, const char *name, const char *after)
{
    fputs(before, stdout);
    terminal_print_text(stdout, PLAIN, name, false, 0);
    fputs(after, stdout);
}

/* ---- files ---- */

static int read_file(struct link *link)
{
    struct err err;
    int r = file_read(link->file, &link->text, &err);

    link->is_new = r == ERR_NOT_FOUND;
    return r < 0 && !link->is_new ? session_refuse(&err) : EXIT_DONE;
}

/* One that was there keeps its rights; ours is private. */
static int write_text(const struct link *link, str text)
{
    struct stat info;
    mode_t mode = stat(link->file, &info) == 0 ? info.st_mode & 0777 : 0600;
    struct err err;

    return file_replace(link->file, text, mode, &err) < 0 ? session_refuse(&err) : EXIT_DONE;
}

/* What is not called .env is ignored by nobody. */
static void note_elsewhere(const struct link *link)
{
    char *real = realpath(link->file, NULL), text[NOTE_BYTES_MAX];

    if (real && strcmp(real, link->file) != 0) {
        snprintf(text, sizeof text, ".env is a symbolic link: the token is in %s", real);
        terminal_note(text);
    }
    free(real);
}

static bool others_read(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && (info.st_mode & 077);
}

static bool read_rules(const char *directory, struct buf *out)
{
    char *path = path_join(str_from(directory), STR(".gitignore"));
    struct err err;
    bool is_there = file_read(path, out, &err) == 0;

    free(path);
    return is_there;
}

static bool is_repository(const char *directory)
{
    char *path = path_join(str_from(directory), STR(".git"));
    bool is_one = path_is_directory(path) || path_is_file(path);

    free(path);
    return is_one;
}

/* What the .gitignore files say, from the repository's root down to `directory`. */
static bool is_ignored(const char *directory, int depth)
{
    bool ignored = false;
    struct buf rules;

    if (!is_repository(directory) && strcmp(directory, "/") != 0 && depth < DEPTH_MAX) {
        char *above = path_directory(str_from(directory));

        ignored = is_ignored(above, depth + 1);
        free(above);
    }
    buf_init(&rules, ENVFILE_BYTES_MAX);
    if (read_rules(directory, &rules))
        ignored = envfile_is_ignored(buf_str(&rules), ".env", ignored);
    buf_done(&rules);
    return ignored;
}

static int ignore(const struct link *link)
{
    char *path;
    struct buf rules;
    FILE *file;
    int status = EXIT_DONE;

    if (is_ignored(link->directory, 0))
        return EXIT_DONE;
    path = path_join(str_from(link->directory), STR(".gitignore"));
    buf_init(&rules, ENVFILE_BYTES_MAX);
    read_rules(link->directory, &rules);
    file = fopen(path, "ae");
    if (!file ||
        fprintf(file, "%s.env\n", rules.len && rules.ptr[rules.len - 1] != '\n' ? "\n" : "") < 0)
        status = fail_at(path);
    if (file && fclose(file) != 0 && status == EXIT_DONE)
        status = fail_at(path);
    if (status == EXIT_DONE)
        printf("added .env to .gitignore\n");
    buf_done(&rules);
    free(path);
    return status;
}

/* ---- the token that is in the file ---- */

/* The server, the account and the token that the file says, as a remote; NULL when it says none. */
static struct remote *open_linked(const struct link *link, const char **ret_account, json_t *lines)
{
    struct remote *remote = NULL;
    struct err err = {0};

    if (dotenv_parse(buf_str(&link->text), link->file, lines, &err) < 0 ||
        remote_open_with(member_text_or(lines, "CLOUDFLARE_API_BASE_URL", ""),
                         member_text_or(lines, "CLOUDFLARE_API_TOKEN", ""),
                         member_text_or(lines, "CLOUDFLARE_ACCOUNT_ID", ""), &remote, &err) < 0)
        return NULL;
    *ret_account = member_text_or(lines, "CLOUDFLARE_ACCOUNT_ID", "");
    return remote;
}

/* The id of the token, when it is the one that was made for this directory; NULL when not, or it
 * works no more. Returned owned. */
static char *own_token(const struct link *link, struct remote *remote)
{
    json_t *token;
    const char *name, *id;
    struct err err;
    char *own;

    if (remote_get(remote, remote_path(remote, "/user/tokens/verify"), &token, &err) < 0)
        return NULL;
    name = member_text(token, "name");
    id = member_text(token, "id");
    own = name && id && strcmp(name, link->token_name) == 0 ? str_dup(str_from(id)) : NULL;
    json_decref(token);
    return own;
}

/* Takes over a token that was made for this project and works for the same account. */
static void keep_token(struct link *link)
{
    json_t *lines = json_object();
    const char *account = "";
    struct remote *remote = open_linked(link, &account, lines);
    char *id = NULL;

    if (remote && strcmp(remote_url(remote), remote_url(link->session.remote)) == 0 &&
        strcmp(account, remote_account(link->session.remote)) == 0)
        id = own_token(link, remote);
    if (id)
        link->token = str_dup(str_from(remote_token(remote)));
    free(id);
    remote_close(remote);
    json_decref(lines);
}

/* ---- a token of its own ---- */

/* True for "noun:verb", and for what includes it. */
static bool grants(const json_t *scopes, const char *noun, const char *verb)
{
    char exact[SCOPE_BYTES_MAX], all[SCOPE_BYTES_MAX];
    const json_t *scope;
    size_t i;

    snprintf(exact, sizeof exact, "%s:%s", noun, verb);
    snprintf(all, sizeof all, "*:%s", verb);
    json_array_foreach((json_t *)scopes, i, scope) {
        const char *word = json_string_value(scope);

        if (word && (strcmp(word, exact) == 0 || strcmp(word, all) == 0))
            return true;
    }
    return false;
}

/* All that this login has but for tokens and the server: workers and their data. */
static json_t *scopes_for(const json_t *verified)
{
    const json_t *had = json_object_get(verified, "scopes");
    json_t *scopes = json_array();

    for (const char *const *noun = token_nouns; *noun; noun++) {
        if (strcmp(*noun, "token") == 0 || strcmp(*noun, "server") == 0)
            continue;
        if (grants(had, *noun, "write"))
            json_array_append_new(scopes, json_sprintf("%s:write", *noun));
        else if (grants(had, *noun, "read"))
            json_array_append_new(scopes, json_sprintf("%s:read", *noun));
    }
    return scopes;
}

static int post_token(struct link *link, const json_t *verified, struct err *err)
{
    struct remote *remote = link->session.remote;
    json_t *made;
    int r;

    r = remote_call(remote, "POST", remote_path(remote, "tokens"),
                    json_pack("{s:s, s:o}", "name", link->token_name, "scopes",
                              scopes_for(verified)),
                    &made, err);
    if (r < 0)
        return r;
    if (member_text(made, "value")) {
        link->token = str_dup(str_from(member_text(made, "value")));
        print_about("made a token for it: \"", link->token_name, "\"\n");
    } else {
        r = err_set(err, ERR_INVALID, "the server made a token and did not say which");
    }
    json_decref(made);
    return r;
}

/* What to do when this login may not make tokens: bring one. */
static void advise(const struct remote *remote)
{
    char *server = remote_server(remote);

    fprintf(stderr,
            "wrangler needs a token that lasts, and this login cannot make one; log in with one: "
            "atoll login %s --token -\n",
            server);
    free(server);
}

static int make_token(struct link *link)
{
    struct remote *remote = link->session.remote;
    json_t *verified;
    struct err err;
    int status, r = remote_get(remote, remote_path(remote, "/user/tokens/verify"), &verified, &err);

    if (r == 0) {
        r = post_token(link, verified, &err);
        json_decref(verified);
    }
    if (r == 0)
        return EXIT_DONE;
    status = session_fail(&link->session, &err);
    if (r == ERR_DENIED)
        advise(remote);
    return status;
}

static int get_token(struct link *link)
{
    struct remote *remote = link->session.remote;

    if (!remote_expires(remote)) {
        link->token = str_dup(str_from(remote_token(remote)));
        return EXIT_DONE;
    }
    keep_token(link);
    return link->token ? EXIT_DONE : make_token(link);
}

/* ---- link and unlink ---- */

static const struct envfile_line names[] = {
    {"CLOUDFLARE_API_BASE_URL", ""}, {"CLOUDFLARE_API_TOKEN", ""}, {"CLOUDFLARE_ACCOUNT_ID", ""},
    {"WRANGLER_SEND_METRICS", ""},   {"WRANGLER_HIDE_BANNER", ""}, {0},
};

static int write_lines(struct link *link)
{
    const struct envfile_line lines[] = {
        {"CLOUDFLARE_API_BASE_URL", remote_url(link->session.remote)},
        {"CLOUDFLARE_API_TOKEN", link->token},
        {"CLOUDFLARE_ACCOUNT_ID", remote_account(link->session.remote)},
        {"WRANGLER_SEND_METRICS", "false"},
        {"WRANGLER_HIDE_BANNER", "true"},
        {0},
    };
    struct buf out;
    struct err err;
    int status;

    buf_init(&out, ENVFILE_BYTES_MAX);
    if (envfile_set(buf_str(&link->text), lines, &out, &err) < 0)
        status = session_refuse(&err);
    else
        status = write_text(link, buf_str(&out));
    buf_done(&out);
    return status;
}

static int open_session(struct link *link, const struct cli_args *args)
{
    const struct remote_options options = {
        .profile = cli_value(args, "profile"),
        .account = cli_value(args, "account"),
        .ignores_project = true,
    };
    struct err err;

    link->session.args = args;
    if (remote_open(&options, &link->session.remote, &err) < 0) {
        terminal_error(err.text);
        return err.code == ERR_NOT_FOUND ? EXIT_AUTH : session_exit(err.code);
    }
    if (remote_prepare(link->session.remote, &err) < 0)
        return session_fail(&link->session, &err);
    return EXIT_DONE;
}

static void print_link(const struct link *link)
{
    print_about(link->is_new ? "wrote " : "changed ", link->file, ": wrangler talks to ");
    printf("%s, account ", remote_url(link->session.remote));
    print_about("", remote_account(link->session.remote), "\n");
}

static int link_project(struct link *link, const struct cli_args *args)
{
    int status = open_session(link, args);

    if (status == EXIT_DONE)
        status = ignore(link);
    if (status == EXIT_DONE)
        status = get_token(link);
    if (status == EXIT_DONE)
        status = write_lines(link);
    if (status == EXIT_DONE && !link->is_new && others_read(link->file))
        terminal_note("others on this machine can read .env: chmod 600 .env keeps the token yours");
    if (status == EXIT_DONE) {
        note_elsewhere(link);
        print_link(link);
    }
    return status;
}

/* A server that is down, or a token that is gone already, is no reason to keep the lines. */
static void retire_token(struct link *link)
{
    json_t *lines = json_object();
    const char *account = "";
    struct remote *remote = open_linked(link, &account, lines), *server = NULL;
    char *id = remote ? own_token(link, remote) : NULL;
    const struct remote_options options = {.ignores_project = true};
    struct err err;

    if (id && remote_open(&options, &server, &err) == 0 &&
        strcmp(remote_url(server), remote_url(remote)) == 0 &&
        remote_call(server, "DELETE", remote_path(server, "/accounts/%s/tokens/%s", account, id),
                    NULL, NULL, &err) == 0)
        printf("the token made for it is worth nothing now\n");
    free(id);
    remote_close(server);
    remote_close(remote);
    json_decref(lines);
}

static int unlink_project(struct link *link)
{
    struct buf out;
    struct err err;
    int status = EXIT_DONE;

    if (link->is_new) {
        print_about("", link->file, " is not there: nothing to do\n");
        return EXIT_DONE;
    }
    retire_token(link);
    buf_init(&out, ENVFILE_BYTES_MAX);
    if (envfile_remove(buf_str(&link->text), names, &out, &err) < 0)
        status = session_refuse(&err);
    else if (out.len)
        status = write_text(link, buf_str(&out));
    else if (unlink(link->file) < 0)
        status = fail_at(link->file);
    if (status == EXIT_DONE)
        print_about(out.len ? "took our lines out of " : "removed ", link->file, "\n");
    buf_done(&out);
    return status;
}

/* Named after the directory, which is how its owner finds it among others. */
static void name_token(struct link *link)
{
    str directory = str_from(link->directory), prefix = STR("wrangler in ");
    size_t units;

    if (!utf8_is_valid(directory))
        directory = STR("a directory");
    directory.len = utf8_fit(directory, NAME_BYTES_MAX - prefix.len, &units);
    snprintf(link->token_name, sizeof link->token_name, "%.*s%.*s", STR_ARGS(prefix),
             STR_ARGS(directory));
}

static int run_in(struct link *link, const struct cli_args *args)
{
    const char *given = cli_operand_count(args) ? cli_operands(args)[0] : ".";
    int status;

    if (!path_is_directory(given))
        return cli_usage_error(args, "there is no directory %.300s", given);
    link->directory = path_absolute(str_from(given));
    ASSERT(link->directory);
    link->file = path_join(str_from(link->directory), STR(".env"));
    name_token(link);
    status = read_file(link);
    if (status != EXIT_DONE)
        return status;
    return cli_has(args, "unlink") ? unlink_project(link) : link_project(link, args);
}

static int run(const struct cli_args *args)
{
    int status = cli_check_operands(args, 0, 1, "the project's DIRECTORY");
    struct link link = {0};

    if (status != EXIT_DONE)
        return status;
    buf_init(&link.text, ENVFILE_BYTES_MAX);
    status = run_in(&link, args);
    session_close(&link.session);
    buf_done(&link.text);
    free(link.directory);
    free(link.file);
    free(link.token);
    return status;
}

static const struct cli_option options[] = {
    {"unlink", NULL, "take the lines out again"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll link", "then: npx wrangler deploy"},
    {"atoll link --unlink", "wrangler talks to Cloudflare again"},
    {0},
};

const struct cli_command cmd_link = {
    .name = "link",
    .usage = "[DIRECTORY] [OPTIONS]",
    .summary = "make wrangler talk to this server in a project",
    .details = "Writes address, token and account into the project's .env, which wrangler reads,\n"
               "and sees that git ignores it. Other lines stay as they are.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_PROJECT,
    .shared = CLI_SERVER,
};
