/* `atoll secret put`, `list`, `delete` and `bulk`. What a secret says comes from a terminal
 * (unseen), standard input or a file, never from the command line, where others could see it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/member.h"
#include "cli/approval.h"
#include "cli/ask.h"
#include "cli/quantity.h"
#include "cli/subject.h"
#include "cli/table.h"
#include "control/dotenv.h"
#include "os/file.h"

/* ---- put ---- */

static int put(struct session *session, const char *name, str text)
{
    json_t *value = json_stringn(text.ptr, text.len);
    struct err err;

    if (!value) {
        terminal_error("the value is no UTF-8 text: encode it, as base64 for example");
        return EXIT_FAILED;
    }
    if (remote_call(session->remote, "PUT",
                    remote_path(session->remote, "workers/scripts/%s/secrets", session->worker),
                    json_pack("{s:s, s:o, s:s}", "name", name, "text", value, "type",
                              "secret_text"),
                    NULL, &err) < 0)
        return subject_fail(session, &err);
    terminal_print(stdout, GREEN, "set");
    printf(" the secret ");
    terminal_print_text(stdout, BOLD, name, false, 0);
    printf(" of %s; a version with it is live\n", session->worker);
    return EXIT_DONE;
}

static int run_put(const struct cli_args *args)
{
    struct session session;
    char prompt[128];
    struct buf text;
    struct err err;
    int status = cli_check_operands(args, 1, 2, "the secret's NAME (its value is asked for)");

    if (cli_operand_count(args) == 2)
        return cli_usage_error(args, "a secret's value does not stand on the command line: it is "
                                     "asked for, or read from standard input");
    if (status != EXIT_DONE)
        return status;
    status = session_open_worker(&session, args);
    buf_init(&text, ASK_BYTES_MAX);
    if (status == EXIT_DONE) {
        snprintf(prompt, sizeof prompt, "the value of %.64s:", cli_operands(args)[0]);
        if (ask_secret(prompt, &text, &err) < 0)
            status = session_fail(&session, &err);
        else
            status = put(&session, cli_operands(args)[0], buf_str(&text));
    }
    if (text.ptr)
        explicit_bzero(text.ptr, text.cap);
    buf_done(&text);
    session_close(&session);
    return status;
}

/* ---- list ---- */

static void print_list(const struct session *session, const json_t *secrets)
{
    struct table *table;
    const json_t *it;
    size_t i;

    if (!json_array_size(secrets)) {
        fprintf(stderr, "%s has no secrets yet: atoll secret put NAME\n", session->worker);
        return;
    }
    table = table_new((const char *const[]){"secret", "type", NULL});
    json_array_foreach(secrets, i, it) {
        table_add(table, (const char *const[]){member_text_or(it, "name", ""),
                                               member_text_or(it, "type", "")});
        table_colour(table, 0, BOLD);
    }
    table_print(table);
}

static int list(struct session *session)
{
    json_t *secrets;
    struct err err;

    if (remote_get(session->remote,
                   remote_path(session->remote, "workers/scripts/%s/secrets", session->worker),
                   &secrets, &err) < 0)
        return subject_fail(session, &err);
    if (!session_prints_json(session, secrets))
        print_list(session, secrets);
    json_decref(secrets);
    return EXIT_DONE;
}

static int run_list(const struct cli_args *args)
{
    int status = cli_check_operands(args, 0, 0, NULL);

    return status == EXIT_DONE ? session_run_worker(args, list) : status;
}

/* ---- delete ---- */

static int delete (struct session *session)
{
    const char *name = cli_operands(session->args)[0];
    char question[256];
    struct err err;
    int status;

    snprintf(question, sizeof question, "delete the secret %.100s of %.100s?", name,
             session->worker);
    status = approval_ask(session->args, question, true);
    if (status != EXIT_DONE)
        return status;
    if (remote_call(session->remote, "DELETE",
                    remote_path(session->remote, "workers/scripts/%s/secrets/%s", session->worker,
                                name),
                    NULL, NULL, &err) < 0)
        return subject_fail(session, &err);
    terminal_print(stdout, GREEN, "deleted");
    printf(" the secret ");
    terminal_print_text(stdout, BOLD, name, false, 0);
    printf(" of %s\n", session->worker);
    return EXIT_DONE;
}

static int run_delete(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the secret's NAME");

    return status == EXIT_DONE ? session_run_worker(args, delete) : status;
}

/* ---- bulk ---- */

/* JSON when it begins like an object, else NAME=value lines. Returned owned. */
static int parse_bulk(str text, const char *path, json_t **ret, struct err *err)
{
    json_error_t error;
    json_t *values;
    int r;

    if (str_starts(str_trim(text), STR("{"))) {
        *ret = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
        return *ret ? 0
                    : err_set(err, ERR_INVALID, "%.200s:%d:%d: %s", path, error.line, error.column,
                              error.text);
    }
    values = json_object();
    r = dotenv_parse(text, path, values, err);
    if (r < 0)
        json_decref(values);
    else
        *ret = values;
    return r;
}

/* {NAME: "value" or null} as the API takes it. */
static int make_bulk(const json_t *values, const char *path, json_t **ret, struct err *err)
{
    json_t *secrets = json_object();
    const char *name;
    const json_t *value;

    json_object_foreach((json_t *)values, name, value) {
        if (!json_is_string(value) && !json_is_null(value)) {
            json_decref(secrets);
            return err_set(err, ERR_INVALID,
                           "%.200s: the value of \"%.100s\" is neither a string nor null (which "
                           "deletes it)",
                           path, name);
        }
        json_object_set_new(secrets, name,
                            json_is_null(value) ? json_null()
                                                : json_pack("{s:s, s:O, s:s}", "name", name, "text",
                                                            value, "type", "secret_text"));
    }
    if (!json_object_size(secrets)) {
        json_decref(secrets);
        return err_set(err, ERR_INVALID, "%.200s: there is no secret in it", path);
    }
    *ret = secrets;
    return 0;
}

static int read_bulk(const char *path, json_t **ret, struct err *err)
{
    bool from_input = strcmp(path, "-") == 0;
    const char *shown = from_input ? "standard input" : path;
    json_t *values;
    struct buf text;
    int r;

    if (from_input && isatty(STDIN_FILENO))
        return err_set(err, ERR_INVALID, "name a FILE, or give secrets on standard input");
    buf_init(&text, ASK_BYTES_MAX);
    r = from_input ? ask_secret("", &text, err) : file_read(path, &text, err);
    if (r == 0)
        r = parse_bulk(buf_str(&text), shown, &values, err);
    if (r == 0) {
        r = make_bulk(values, shown, ret, err);
        json_decref(values);
    }
    if (text.ptr)
        explicit_bzero(text.ptr, text.cap);
    buf_done(&text);
    return r;
}

/* `secrets` is taken. */
static int send_bulk(struct session *session, json_t *secrets)
{
    size_t set = 0, deleted = 0;
    const char *name;
    const json_t *secret;
    struct err err;

    json_object_foreach(secrets, name, secret) {
        set += !json_is_null(secret);
        deleted += json_is_null(secret);
    }
    if (remote_call(session->remote, "PATCH",
                    remote_path(session->remote, "workers/scripts/%s/secrets-bulk",
                                session->worker),
                    json_pack("{s:o}", "secrets", secrets), NULL, &err) < 0)
        return subject_fail(session, &err);
    terminal_print(stdout, GREEN, "set");
    printf(" %s of %s", quantity_of(set, "secret"), session->worker);
    if (deleted)
        printf(", deleted %s", quantity_of(deleted, "secret"));
    printf("; a version with them is live\n");
    return EXIT_DONE;
}

static int run_bulk(const struct cli_args *args)
{
    json_t *secrets = NULL;
    struct session session;
    struct err err;
    int status = cli_check_operands(args, 0, 1, "one FILE, or - for standard input");

    if (status != EXIT_DONE)
        return status;
    if (read_bulk(cli_operand_count(args) ? cli_operands(args)[0] : "-", &secrets, &err) < 0) {
        terminal_error(err.text);
        return EXIT_FAILED;
    }
    status = session_open_worker(&session, args);
    if (status == EXIT_DONE)
        status = send_bulk(&session, secrets);
    else
        json_decref(secrets);
    session_close(&session);
    return status;
}

/* ---- rows ---- */

static const struct cli_example put_examples[] = {
    {"atoll secret put API_KEY", "asks for the value, unseen"},
    {"atoll secret put API_KEY < key.txt", "the value from a file"},
    {0},
};

static const struct cli_example list_examples[] = {
    {"atoll secret list --json | jq -r '.[].name'", "the names; values are never shown"},
    {0},
};

static const struct cli_example delete_examples[] = {
    {"atoll secret delete API_KEY --yes", "without a question"},
    {0},
};

static const struct cli_example bulk_examples[] = {
    {"atoll secret bulk .env.production", "NAME=value lines"},
    {"echo '{\"API_KEY\": \"abc\", \"OLD\": null}' | atoll secret bulk", "sets one, deletes one"},
    {0},
};

const struct cli_command cmd_secret_put = {
    .name = "secret put",
    .usage = "NAME [OPTIONS]",
    .summary = "set a secret of a worker",
    .details = "The value is asked for at a terminal, and is all of standard input elsewhere. A\n"
               "version like the latest one, with the secret, goes live.",
    .run = run_put,
    .examples = put_examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER,
};

const struct cli_command cmd_secret_list = {
    .name = "secret list",
    .usage = "[OPTIONS]",
    .summary = "list the names of a worker's secrets",
    .run = run_list,
    .examples = list_examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};

const struct cli_command cmd_secret_delete = {
    .name = "secret delete",
    .usage = "NAME [OPTIONS]",
    .summary = "delete a secret of a worker",
    .details = "Where nobody is there to ask, it takes --yes.",
    .run = run_delete,
    .examples = delete_examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_YES,
};

const struct cli_command cmd_secret_bulk = {
    .name = "secret bulk",
    .usage = "[FILE] [OPTIONS]",
    .summary = "set and delete many secrets at once",
    .details = "FILE (- or none: standard input) is a JSON object of names to values, of which\n"
               "null deletes, or NAME=value lines as in .env. All of it is one new version.",
    .run = run_bulk,
    .examples = bulk_examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER,
};
