/* Logging in with OAuth 2.0: what programs ask (RFC 6749 3.2, 7009, 8414).
 *
 * Answers are OAuth's JSON, not the API's envelope. A code gives a grant once (registry/grant.h);
 * one that comes again takes it back, as somebody has read it on its way (RFC 6749 4.1.2). What is
 * guessed here counts as a wrong token does. */
#include <stdio.h>
#include <stdlib.h>

#include "api/admit.h"
#include "api/api_oauth.h"
#include "api/call_private.h"
#include "api/oauth.h"
#include "api/tables.h"
#include "base/member.h"
#include "os/clock.h"
#include "registry/grant.h"
#include "registry/opaque.h"
#include "registry/secret.h"
#include "registry/token.h"

enum { VERIFIER_MIN = 43, VERIFIER_MAX = 128, HOST_MAX = 255 };

#define HEAD                                                                                       \
    "content-type: application/json\r\ncache-control: no-store\r\npragma: no-cache\r\n"            \
    "x-content-type-options: nosniff\r\n"

/* ---- answers ---- */

/* `json` is taken. */
static void answer(struct call *call, int status, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);

    ASSERT(text);
    call_bytes(call, status, status == 429 ? STR(HEAD "retry-after: 60\r\n") : STR(HEAD),
               str_from(text));
    secret_text_clear(text, strlen(text));
    free(text);
    json_decref(json);
}

static void refuse(struct call *call, int status, const char *name, const char *text)
{
    answer(call, status, json_pack("{s:s, s:s}", "error", name, "error_description", text));
}

static void refuse_error(struct call *call, const struct oauth_error *error)
{
    refuse(call, 400, error->name, error->text);
}

/* A code or a refresh token that is none: it may have been guessed. */
static void refuse_grant(struct call *call, const char *text)
{
    admit_failed(call);
    refuse(call, 400, "invalid_grant", text);
}

static void fail(struct call *call, const struct err *err)
{
    if (err_http_status(err->code) < 500) {
        refuse_grant(call, err->text);
        return;
    }
    call_tell_operator(call, "api.failed", err->text);
    refuse(call, 500, "server_error", "The server could not read or store this; its log says why.");
}

/* `secrets` are taken. */
static void answer_tokens(struct call *call, const json_t *grant, struct grant_secrets *secrets)
{
    answer(call, 200,
           json_pack("{s:s, s:s, s:I, s:s, s:O}", "access_token", secrets->access, "token_type",
                     "bearer", "expires_in", (json_int_t)(secrets->access_ms / 1000),
                     "refresh_token", secrets->refresh, "scope", json_object_get(grant, "scope")));
    grant_secrets_done(secrets);
}

/* The only value of a parameter that has to be there; NULL with `error`. */
static const char *need(const json_t *form, const char *name, struct oauth_error *error)
{
    const char *value = error->name ? NULL : oauth_parameter(form, name, error);

    if (!value && !error->name)
        return oauth_error_set(error, "invalid_request", "'%s' is missing.", name);
    return value;
}

/* ---- the audit log ---- */

static void note(struct call *call, const char *action, const json_t *grant)
{
    json_t *actor = json_pack("{s:O, s:O}", "id", json_object_get(grant, "token"), "name",
                              json_object_get(grant, "name"));

    call_audit_as(call, action, actor, member_text(grant, "account"));
    call_audit(call, member_text(grant, "id"),
               json_pack("{s:O, s:O}", "client", json_object_get(grant, "client"), "scopes",
                         json_object_get(grant, "scopes")));
}

/* ---- POST /oauth2/token ---- */

/* Ends what a code gave before. */
static void take_back(struct call *call, const json_t *grant)
{
    struct err err = {0};
    int r = grant_delete(call_registry(call), member_text(grant, "id"), &err);

    if (r == ERR_IO) {
        fail(call, &err);
        return;
    }
    if (r == 0)
        note(call, "login.code_reused", grant);
    refuse_grant(call, "This code was used before: the login that it gave has ended.");
}

static bool is_verifier(str text)
{
    if (text.len < VERIFIER_MIN || text.len > VERIFIER_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c && strchr("-._~", c))))
            return false;
    }
    return true;
}

/* What is wrong with the exchange of a code for `consent`; NULL: nothing. */
static const char *wrong_with(const json_t *consent, const char *client, const char *redirect,
                              const char *verifier)
{
    const json_t *request = json_object_get(consent, "request");

    if (strcmp(member_text(request, "client_id"), client) != 0)
        return "This code is another client's.";
    if (strcmp(member_text(request, "redirect_uri"), redirect) != 0)
        return "'redirect_uri' is not the one that the code was sent to.";
    if (!is_verifier(str_from(verifier)) ||
        !opaque_verifies(str_from(verifier), str_from(member_text(request, "code_challenge"))))
        return "'code_verifier' does not fit the 'code_challenge' of this code.";
    return NULL;
}

static void make_grant(struct call *call, const char *code, const json_t *consent)
{
    struct grant_secrets secrets;
    struct err err = {0};
    json_t *grant;

    if (grant_add(call_registry(call), json_object_get(consent, "grant"), &secrets, &grant, &err) <
        0) {
        fail(call, &err);
        return;
    }
    consent_gave(api_oauth_consents(call), str_from(code), grant);
    note(call, "login.create", grant);
    answer_tokens(call, grant, &secrets);
    json_decref(grant);
}

static void exchange_code(struct call *call, const json_t *form)
{
    struct oauth_error error = {0};
    const char *client = need(form, "client_id", &error), *code = need(form, "code", &error);
    const char *redirect = need(form, "redirect_uri", &error);
    const char *verifier = need(form, "code_verifier", &error), *wrong;
    json_t *consent, *gave;

    if (error.name) {
        refuse_error(call, &error);
        return;
    }
    consent = consent_take_code(api_oauth_consents(call), str_from(code), clock_monotonic_ms(),
                                &gave);
    wrong = consent ? wrong_with(consent, client, redirect, verifier)
                    : "This code is unknown, was used or is older than a minute.";
    if (gave)
        take_back(call, gave);
    else if (wrong)
        refuse_grant(call, wrong);
    else
        make_grant(call, code, consent);
    json_decref(consent);
    json_decref(gave);
}

/* A grant of this client by one of its secrets; NULL after `err` or the answer was set. */
static json_t *find_grant(struct call *call, const char *secret, const char *client,
                          struct err *err)
{
    json_t *grant;

    if (strlen(secret) > TOKEN_BYTES_MAX) {
        err_set(err, ERR_NOT_FOUND, "This token is not valid.");
        return NULL;
    }
    if (grant_find(call_registry(call), str_from(secret), &grant, err) < 0)
        return NULL;
    if (strcmp(member_text(grant, "client"), client) == 0)
        return grant;
    json_decref(grant);
    err_set(err, ERR_DENIED, "This token is another client's.");
    return NULL;
}

static void refresh(struct call *call, const json_t *form)
{
    struct oauth_error error = {0};
    const char *client = need(form, "client_id", &error);
    const char *secret = need(form, "refresh_token", &error);
    struct grant_secrets secrets;
    struct err err = {0};
    json_t *grant;
    int r;

    if (error.name) {
        refuse_error(call, &error);
        return;
    }
    grant = find_grant(call, secret, client, &err);
    if (!grant) {
        fail(call, &err);
        return;
    }
    r = grant_refresh(call_registry(call), grant, str_from(secret), &secrets, &err);
    if (r == ERR_DENIED)
        note(call, "login.refresh_reused", grant);
    if (r < 0)
        fail(call, &err);
    else
        answer_tokens(call, grant, &secrets);
    json_decref(grant);
}

/* A form of a client that has not guessed too much; NULL after the call was answered. A page that
 * makes its visitors' browsers guess would lock their addresses out. */
static json_t *read_form(struct call *call)
{
    json_t *form;

    if (api_oauth_is_foreign(call) || str_equal(call_header(call, "origin"), STR("null"))) {
        refuse(call, 403, "invalid_request", "This form was sent by a page of another site.");
        return NULL;
    }
    if (admit_wait_s(call)) {
        refuse(call, 429, "temporarily_unavailable",
               "Too many wrong codes or tokens came from this address: try again in a minute.");
        return NULL;
    }
    form = api_oauth_form(call);
    if (!form)
        refuse(call, 400, "invalid_request",
               "The body is a form: application/x-www-form-urlencoded.");
    return form;
}

static void post_token(struct call *call)
{
    json_t *form = read_form(call);
    struct oauth_error error = {0};
    const char *type = form ? need(form, "grant_type", &error) : NULL;

    if (!form)
        return;
    if (!type)
        refuse_error(call, &error);
    else if (strcmp(type, "authorization_code") == 0)
        exchange_code(call, form);
    else if (strcmp(type, "refresh_token") == 0)
        refresh(call, form);
    else
        refuse(call, 400, "unsupported_grant_type",
               "'grant_type' is 'authorization_code' or 'refresh_token'.");
    json_decref(form);
}

/* ---- POST /oauth2/revoke ---- */

/* What is no token is as good as revoked (RFC 7009 2.2). */
static void end_grant_of(struct call *call, const char *secret, const char *client)
{
    struct err err = {0};
    json_t *grant = find_grant(call, secret, client, &err);

    if (!grant && err.code == ERR_NOT_FOUND) {
        call_bytes(call, 200, STR(HEAD), STR("{}"));
        return;
    }
    if (!grant) {
        fail(call, &err);
        return;
    }
    if (grant_delete(call_registry(call), member_text(grant, "id"), &err) < 0) {
        fail(call, &err);
    } else {
        note(call, "login.revoke", grant);
        call_bytes(call, 200, STR(HEAD), STR("{}"));
    }
    json_decref(grant);
}

static void post_revoke(struct call *call)
{
    json_t *form = read_form(call);
    struct oauth_error error = {0};
    const char *client, *secret;

    if (!form)
        return;
    client = need(form, "client_id", &error);
    secret = need(form, "token", &error);
    if (error.name)
        refuse_error(call, &error);
    else
        end_grant_of(call, secret, client);
    json_decref(form);
}

/* ---- GET /.well-known/oauth-authorization-server ---- */

static bool is_host(str host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c && strchr("-._:[]", c))))
            return false;
    }
    return host.len && host.len <= HOST_MAX;
}

static void get_metadata(struct call *call)
{
    str host = call_header(call, "host");
    bool is_https = str_equal_nocase(call_header(call, "x-forwarded-proto"), STR("https"));
    char own[HOST_MAX + 16];

    if (!is_host(host)) {
        call_fail(call, 400, 10001, "The Host header names no host.");
        return;
    }
    snprintf(own, sizeof own, "%s://%.*s", is_https ? "https" : "http", STR_ARGS(host));
    answer(call, 200,
           json_pack("{s:s, s:o, s:o, s:o, s:[s], s:[s], s:[s, s], s:[s], s:[s], s:[s]}", "issuer",
                     own, "authorization_endpoint", json_sprintf("%s/oauth2/auth", own),
                     "token_endpoint", json_sprintf("%s/oauth2/token", own), "revocation_endpoint",
                     json_sprintf("%s/oauth2/revoke", own), "response_types_supported", "code",
                     "response_modes_supported", "query", "grant_types_supported",
                     "authorization_code", "refresh_token", "code_challenge_methods_supported",
                     "S256", "token_endpoint_auth_methods_supported", "none",
                     "revocation_endpoint_auth_methods_supported", "none"));
}

const struct call_route api_oauth_token_routes[] = {
    {"GET",  "/.well-known/oauth-authorization-server", "", get_metadata, NULL},
    {"POST", "/oauth2/token",                           "", post_token,   NULL},
    {"POST", "/oauth2/revoke",                          "", post_revoke,  NULL},
    {0},
};
