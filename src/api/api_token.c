/* Tokens: of an account (/accounts/:account/tokens), and of the server (/user/tokens). What a token
 * says is shown once, when it is made; it may do no more than the one it was made with. */
#include "api/call.h"

#include <stdlib.h>

#include "api/tables.h"
#include "base/member.h"
#include "base/moment.h"
#include "os/clock.h"
#include "registry/token.h"

enum { CODE_NO_TOKEN = 1001, CODE_SCOPE = 9109 };

/* The account whose tokens are meant; NULL: the server's. */
static const char *account_of(const struct call *call)
{
    return call_param(call, "account");
}

static json_t *token_json(const json_t *row)
{
    return json_pack("{s:O, s:O, s:O?, s:s, s:O, s:o, s:o, s:o}", "id", json_object_get(row, "id"),
                     "name", json_object_get(row, "name"), "account",
                     json_object_get(row, "account"), "status", "active", "scopes",
                     json_object_get(row, "scopes"), "issued_on",
                     call_time(member_int(row, "created_ms")), "expires_on",
                     call_time(member_int(row, "expires_ms")), "last_used_on",
                     call_time(member_int(row, "used_ms")));
}

static json_t *rows_of(struct call *call)
{
    struct err err = {0};
    json_t *rows;

    if (token_list(call_registry(call), account_of(call), &rows, &err) == 0)
        return rows;
    call_fail_err(call, 0, &err);
    return NULL;
}

static void list(struct call *call)
{
    json_t *rows = rows_of(call);
    json_t *result;
    size_t index;
    const json_t *row;

    if (!rows)
        return;
    result = json_array();
    json_array_foreach(rows, index, row)
        json_array_append_new(result, token_json(row));
    json_decref(rows);
    call_ok(call, result);
}

/* ---- making one ---- */

static int check_scopes(struct call *call, const json_t *scopes, struct err *err)
{
    size_t index;
    const json_t *scope;

    if (!json_is_array(scopes) || !json_array_size(scopes))
        return err_set(err, ERR_INVALID,
                       "\"scopes\" is an array of words like \"worker:write\" or \"*:read\".");
    json_array_foreach((json_t *)scopes, index, scope) {
        const char *word = json_string_value(scope);
        if (!word)
            return err_set(err, ERR_INVALID, "A scope is a word like \"worker:write\".");
        if (!token_allows(call_token(call), account_of(call), word))
            return err_set(err, ERR_INVALID,
                           "A token can be given only scopes that the one it is made with has: "
                           "\"%.100s\" is none of them.",
                           word);
    }
    return 0;
}

/* The row of a body. Returned owned; NULL with `err`. */
static json_t *read_token(struct call *call, const json_t *body, struct err *err)
{
    const char *name = member_text(body, "name");
    const char *expires = member_text(body, "expires_on");
    const json_t *scopes = json_object_get(body, "scopes");
    int64_t expires_ms = 0;

    if (!name) {
        err_set(err, ERR_INVALID,
                "The body is {\"name\": NAME, \"scopes\": [...], "
                "\"expires_on\"?: \"2027-01-31\"}.");
        return NULL;
    }
    if (check_scopes(call, scopes, err) < 0)
        return NULL;
    if (expires && moment_parse(str_from(expires), &expires_ms, err) < 0)
        return NULL;
    if (expires && expires_ms <= clock_wall_ms()) {
        err_set(err, ERR_INVALID, "\"expires_on\" has passed.");
        return NULL;
    }
    return json_pack("{s:s?, s:s, s:O, s:I}", "account", account_of(call), "name", name, "scopes",
                     scopes, "expires_ms", (json_int_t)expires_ms);
}

static void create(struct call *call)
{
    const json_t *body = call_json(call);
    struct err err = {0};
    json_t *wanted, *row, *result;
    char *secret;
    int r;

    if (!body)
        return;
    wanted = read_token(call, body, &err);
    if (!wanted) {
        call_fail_err(call, 0, &err);
        return;
    }
    r = token_add(call_registry(call), wanted, NULL, &secret, &row, &err);
    json_decref(wanted);
    if (r < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    call_audit(call, member_text(row, "id"),
               json_pack("{s:O, s:O}", "name", json_object_get(row, "name"), "scopes",
                         json_object_get(row, "scopes")));
    result = token_json(row);
    json_object_set_new(result, "value", json_string(secret));
    free(secret);
    json_decref(row);
    call_ok(call, result);
}

/* ---- one of them ---- */

/* The token of the path among `rows`; NULL after the call was answered. */
static const json_t *find(struct call *call, const json_t *rows)
{
    const json_t *row = member_find(rows, "id", call_param(call, "token"));

    if (!row)
        call_fail(call, 404, CODE_NO_TOKEN, "There is no token \"%s\" here.",
                  call_param(call, "token"));
    return row;
}

static void get(struct call *call)
{
    json_t *rows = rows_of(call);
    const json_t *row = rows ? find(call, rows) : NULL;

    if (row)
        call_ok(call, token_json(row));
    json_decref(rows);
}

static void delete (struct call *call)
{
    json_t *rows = rows_of(call);
    const json_t *row = rows ? find(call, rows) : NULL;
    struct err err = {0};

    if (row) {
        call_audit(call, member_text(row, "id"),
                   json_pack("{s:O}", "name", json_object_get(row, "name")));
        if (token_delete(call_registry(call), member_text(row, "id"), &err) < 0)
            call_fail_err(call, 0, &err);
        else
            call_ok(call, json_pack("{s:O}", "id", json_object_get(row, "id")));
    }
    json_decref(rows);
}

#define OF_ACCOUNT "/accounts/:account/tokens"
#define OF_SERVER "/user/tokens"

const struct call_route api_token_routes[] = {
    {"GET",    OF_ACCOUNT,           "token:read",  list,   NULL},
    {"POST",   OF_ACCOUNT,           "token:write", create, "token.create"},
    {"GET",    OF_ACCOUNT "/:token", "token:read",  get,    NULL},
    {"DELETE", OF_ACCOUNT "/:token", "token:write", delete, "token.delete"},
    {"GET",    OF_SERVER,            "token:read",  list,   NULL},
    {"POST",   OF_SERVER,            "token:write", create, "token.create"},
    {"GET",    OF_SERVER "/:token",  "token:read",  get,    NULL},
    {"DELETE", OF_SERVER "/:token",  "token:write", delete, "token.delete"},
    {0},
};
