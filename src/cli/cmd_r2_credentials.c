/* `atoll r2 credentials`: what an S3 client takes to use the account's buckets. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/member.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "registry/opaque.h"

enum { SECRET_HEX_BYTES = 2 * OPAQUE_HASH_BYTES + 1 };

/* The secret access key of a token's value: its SHA-256 in hexadecimal digits. */
static void make_secret(const char *token, char ret[SECRET_HEX_BYTES])
{
    unsigned char hash[OPAQUE_HASH_BYTES];

    opaque_hash(str_from(token), hash);
    hex_encode(hash, sizeof hash, ret);
}

static int make_token(struct session *session, json_t **ret, struct err *err)
{
    const char *scope = cli_has(session->args, "read-only") ? "storage:read" : "storage:write";

    return remote_call(session->remote, "POST", remote_path(session->remote, "tokens"),
                       json_pack("{s:s, s:[s]}", "name", cli_value(session->args, "create"),
                                 "scopes", scope),
                       ret, err);
}

/* {access_key_id, secret_access_key, endpoint, region}, returned owned. */
static int get(struct session *session, json_t **ret, struct err *err)
{
    char secret[SECRET_HEX_BYTES];
    json_t *s3, *token = NULL;
    int r = remote_get(session->remote, remote_path(session->remote, "r2/s3"), &s3, err);

    if (r < 0)
        return r;
    if (!json_is_string(json_object_get(s3, "endpoint"))) {
        json_decref(s3);
        return err_set(err, ERR_UNSUPPORTED,
                       "the server has no S3 API: start it with --s3 ADDRESS:PORT");
    }
    if (cli_has(session->args, "create"))
        r = make_token(session, &token, err);
    if (r == 0) {
        make_secret(token ? member_text_or(token, "value", "") : remote_token(session->remote),
                    secret);
        *ret = json_pack("{s:O, s:s, s:O, s:O}", "access_key_id",
                         token ? json_object_get(token, "id")
                               : json_object_get(s3, "access_key_id"),
                         "secret_access_key", secret, "endpoint", json_object_get(s3, "endpoint"),
                         "region", json_object_get(s3, "region"));
    }
    json_decref(token);
    json_decref(s3);
    return r;
}

static void print_line(const char *name, const json_t *value)
{
    printf("%s = ", name);
    terminal_print_text(stdout, PLAIN, json_string_value(value), false, 0);
    putchar('\n');
}

/* As ~/.aws/credentials has it. */
static void print_profile(const json_t *made)
{
    printf("[atoll]\n");
    print_line("aws_access_key_id", json_object_get(made, "access_key_id"));
    print_line("aws_secret_access_key", json_object_get(made, "secret_access_key"));
    print_line("region", json_object_get(made, "region"));
    print_line("endpoint_url", json_object_get(made, "endpoint"));
}

static int run(const struct cli_args *args)
{
    struct session session;
    json_t *made = NULL;
    struct err err;
    int status = cli_check_operands(args, 0, 0, NULL);

    if (status != EXIT_DONE)
        return status;
    if (cli_has(args, "read-only") && !cli_has(args, "create"))
        return cli_usage_error(args, "--read-only is for a key that --create makes");
    status = session_open(&session, args);
    if (status == EXIT_DONE && get(&session, &made, &err) < 0)
        status = session_fail(&session, &err);
    if (status == EXIT_DONE && !cli_has(args, "create") && remote_expires(session.remote))
        fprintf(stderr, "these end with the login, in an hour at most: --create NAME makes a key "
                        "that stays\n");
    if (status == EXIT_DONE && !session_prints_json(&session, made))
        print_profile(made);
    json_decref(made);
    session_close(&session);
    return status;
}

static const struct cli_option options[] = {
    {"create", "NAME", "make a token of this name, and print its key"},
    {"read-only", NULL, "one that may read only"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll r2 credentials >> ~/.aws/credentials", "then: aws --profile atoll s3 ls"},
    {"atoll r2 credentials --create backups", "a key that does not end with the login"},
    {0},
};

const struct cli_command cmd_r2_credentials = {
    .name = "r2 credentials",
    .usage = "[--create NAME [--read-only]] [OPTIONS]",
    .summary = "print the access key of S3 clients for the account's buckets",
    .details = "The key is the token that one is logged in with: its id, and the SHA-256 of its "
               "value.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};
