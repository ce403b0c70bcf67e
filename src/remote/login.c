/* OAuth 2.0 as a client; see login.h.
 *
 * A public client: what proves that the code goes back to who asked for it is the verifier (PKCE,
 * RFC 7636), and that the browser's return is the answer to our question is the state. Endpoints
 * have to be of the origin that the person typed: nobody else is handed a code or a token. */
#include "remote/login.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "os/clock.h"
#include "registry/opaque.h"
#include "remote/address.h"
#include "remote/encode.h"
#include "remote/profile.h"

enum { FORM_BYTES_MAX = 32 << 10, LIFE_S_MAX = 400 * 24 * 3600, SHOWN_BYTES = 300 };

static const char client_id[] = "atoll-cli";
static const char scopes[] = "*:write"; /* what the person has; the page shows it, and asks */

/* ---- requests ---- */

static int post(struct roundtrip *roundtrip, const char *url, const struct buf *form,
                struct roundtrip_answer *ret, struct err *err)
{
    return roundtrip_run(roundtrip,
                         &(struct roundtrip_request){
                             .method = "POST",
                             .url = url,
                             .headers = STR("accept: application/json\n"
                                            "content-type: application/x-www-form-urlencoded\n"),
                             .body = buf_str(form),
                         },
                         ret, err);
}

static void put(struct buf *form, const char *name, const char *value)
{
    ASSERT(encode_field(form, name, str_from(value)) == 0);
}

static json_t *parse(str body)
{
    return json_loadb(body.ptr ? body.ptr : "", body.len, 0, NULL);
}

/* ---- the server ---- */

static char *endpoint(const json_t *metadata, const char *url, const char *key)
{
    const char *value = member_text(metadata, key);

    return value && address_is_same_origin(value, url) ? str_dup(str_from(value)) : NULL;
}

static int read_metadata(const char *url, const struct roundtrip_answer *answer,
                         struct login_server *ret, struct err *err)
{
    json_t *metadata = answer->status == 200 ? parse(buf_str(&answer->body)) : NULL;

    *ret = (struct login_server){
        .authorization = endpoint(metadata, url, "authorization_endpoint"),
        .token = endpoint(metadata, url, "token_endpoint"),
        .revocation = endpoint(metadata, url, "revocation_endpoint"),
    };
    json_decref(metadata);
    if (ret->authorization && ret->token)
        return 0;
    login_server_done(ret);
    if (metadata)
        return err_set(err, ERR_UNSUPPORTED,
                       "the login pages of %.300s are not below this address\n"
                       "Use the address that the server itself goes by, or a token: "
                       "atoll login %.300s --token -",
                       url, url);
    return err_set(err, ERR_UNSUPPORTED,
                   "%.300s has no login by browser (status %d): is it an atoll server's admin "
                   "address, 127.0.0.1:8790 by default?\n"
                   "With a token: atoll login %.300s --token -",
                   url, answer->status, url);
}

int login_discover(struct roundtrip *roundtrip, const char *url, struct login_server *ret,
                   struct err *err)
{
    struct roundtrip_request request = {.method = "GET",
                                        .headers = STR("accept: application/json\n")};
    struct roundtrip_answer answer;
    struct buf address;
    int r;

    buf_init(&address, 2 * ADDRESS_BYTES_MAX);
    ASSERT(buf_printf(&address, "%s/.well-known/oauth-authorization-server", url) == 0);
    request.url = address.ptr;
    r = roundtrip_run(roundtrip, &request, &answer, err);
    if (r == 0)
        r = read_metadata(url, &answer, ret, err);
    roundtrip_answer_done(&answer);
    buf_done(&address);
    return r;
}

void login_server_done(struct login_server *server)
{
    free(server->authorization);
    free(server->token);
    free(server->revocation);
    *server = (struct login_server){0};
}

/* ---- an attempt ---- */

static void put_secret(char out[LOGIN_SECRET_MAX])
{
    char *secret = opaque_new("");

    snprintf(out, LOGIN_SECRET_MAX, "%s", secret);
    free(secret);
}

void login_begin(unsigned port, struct login_attempt *ret)
{
    snprintf(ret->redirect, sizeof ret->redirect, "http://127.0.0.1:%u/callback", port);
    put_secret(ret->state);
    put_secret(ret->verifier);
}

char *login_page(const struct login_server *server, const struct login_attempt *attempt)
{
    char *challenge = opaque_challenge(str_from(attempt->verifier));
    struct buf form, page;

    buf_init(&form, FORM_BYTES_MAX);
    put(&form, "response_type", "code");
    put(&form, "client_id", client_id);
    put(&form, "redirect_uri", attempt->redirect);
    put(&form, "scope", scopes);
    put(&form, "state", attempt->state);
    put(&form, "code_challenge", challenge);
    free(challenge);
    put(&form, "code_challenge_method", "S256");
    buf_init(&page, 2 * FORM_BYTES_MAX);
    ASSERT(buf_printf(&page, "%s?%.*s", server->authorization, STR_ARGS(buf_str(&form))) == 0);
    buf_done(&form);
    return buf_take(&page, NULL);
}

/* The words for an error of RFC 6749 4.1.2.1 and 5.2 that people meet. */
static int refuse(const char *error, const char *description, struct err *err)
{
    if (strcmp(error, "access_denied") == 0)
        return err_set(err, ERR_DENIED, "the login was refused on the server's page%s%.*s",
                       description ? ": " : "", SHOWN_BYTES, description ? description : "");
    return err_set(err, strcmp(error, "invalid_grant") == 0 ? ERR_DENIED : ERR_INVALID,
                   "the server refuses the login: %.*s (%.60s)", SHOWN_BYTES,
                   description ? description : "it does not say why", error);
}

int login_read_callback(const struct login_attempt *attempt, str query, char **ret_code,
                        struct err *err)
{
    char *state = encode_read_field(query, "state"), *code = encode_read_field(query, "code");
    char *error = encode_read_field(query, "error"), *description = NULL;
    int r = 0;

    if (!state || strcmp(state, attempt->state) != 0) {
        r = err_set(err, ERR_INVALID, "that was not the answer to this login");
    } else if (error) {
        description = encode_read_field(query, "error_description");
        (void)!refuse(error, description, err);
        r = err->code = ERR_DENIED;
    } else if (!code || !*code || strlen(code) > LOGIN_CODE_BYTES_MAX) {
        r = err_set(err, ERR_DENIED, "the server sent the browser back without a code");
    } else {
        *ret_code = code;
        code = NULL;
    }
    free(state);
    free(code);
    free(error);
    free(description);
    return r;
}

/* ---- tokens ---- */

static int take_tokens(const json_t *tokens, json_t *profile)
{
    json_t *access = json_object_get(tokens, "access_token");
    json_t *refresh = json_object_get(tokens, "refresh_token");
    json_t *account = json_object_get(tokens, "account");
    double life_s = json_number_value(json_object_get(tokens, "expires_in"));

    if (!json_string_length(access) || json_string_length(access) > PROFILE_TEXT_BYTES_MAX ||
        json_string_length(refresh) > PROFILE_TEXT_BYTES_MAX ||
        json_string_length(account) > PROFILE_TEXT_BYTES_MAX)
        return ERR_INVALID;
    json_object_set(profile, "token", access);
    if (json_string_length(refresh))
        json_object_set(profile, "refresh_token", refresh);
    if (json_string_length(account) && !member_text(profile, "account"))
        json_object_set(profile, "account", account);
    json_object_del(profile, "expires_ms");
    if (life_s > 0 && life_s < LIFE_S_MAX)
        json_object_set_new(profile, "expires_ms",
                            json_integer(clock_wall_ms() + (json_int_t)(life_s * 1000)));
    return 0;
}

int login_read_tokens(int status, str body, json_t *profile, struct err *err)
{
    json_t *tokens = parse(body);
    const char *error = member_text(tokens, "error");
    int r;

    if (status == 200 && take_tokens(tokens, profile) == 0)
        r = 0;
    else if (error)
        r = refuse(error, member_text(tokens, "error_description"), err);
    else
        r = err_set(err, ERR_INVALID, "the server's answer has no token in it (status %d)", status);
    json_decref(tokens);
    return r;
}

static int ask_tokens(struct roundtrip *roundtrip, const char *url, struct buf *form,
                      json_t *profile, struct err *err)
{
    struct roundtrip_answer answer;
    int r;

    put(form, "client_id", client_id);
    r = post(roundtrip, url, form, &answer, err);
    if (r == 0)
        r = login_read_tokens(answer.status, buf_str(&answer.body), profile, err);
    roundtrip_answer_done(&answer);
    buf_done(form);
    return r;
}

int login_redeem(struct roundtrip *roundtrip, const struct login_server *server,
                 const struct login_attempt *attempt, const char *code, json_t *profile,
                 struct err *err)
{
    struct buf form;
    int r;

    buf_init(&form, FORM_BYTES_MAX);
    put(&form, "grant_type", "authorization_code");
    put(&form, "code", code);
    put(&form, "redirect_uri", attempt->redirect);
    put(&form, "code_verifier", attempt->verifier);
    if ((r = ask_tokens(roundtrip, server->token, &form, profile, err)) < 0)
        return r;
    json_object_set_new(profile, "client_id", json_string(client_id));
    json_object_set_new(profile, "token_endpoint", json_string(server->token));
    if (server->revocation)
        json_object_set_new(profile, "revocation_endpoint", json_string(server->revocation));
    return 0;
}

/* An endpoint that was stored, as long as it is the profile's server's. */
static const char *stored(const json_t *profile, const char *key)
{
    const char *url = member_text(profile, key);

    return url && address_is_same_origin(url, member_text(profile, "url")) ? url : NULL;
}

int login_refresh(struct roundtrip *roundtrip, json_t *profile, struct err *err)
{
    const char *url = stored(profile, "token_endpoint");
    struct buf form;

    if (!url)
        return err_set(err, ERR_DENIED, "the profile does not say where tokens are renewed");
    buf_init(&form, FORM_BYTES_MAX);
    put(&form, "grant_type", "refresh_token");
    put(&form, "refresh_token", member_text(profile, "refresh_token"));
    return ask_tokens(roundtrip, url, &form, profile, err);
}

int login_revoke(struct roundtrip *roundtrip, const json_t *profile, struct err *err)
{
    const char *url = stored(profile, "revocation_endpoint");
    const char *token = member_text(profile, "refresh_token");
    struct roundtrip_answer answer;
    struct buf form;
    int r;

    if (!url || !token)
        return 0;
    buf_init(&form, FORM_BYTES_MAX);
    put(&form, "token", token);
    put(&form, "token_type_hint", "refresh_token");
    put(&form, "client_id", client_id);
    r = post(roundtrip, url, &form, &answer, err);
    if (r == 0 && answer.status != 200)
        r = err_set(err, ERR_INVALID, "%.300s did not take the login back (status %d)", url,
                    answer.status);
    roundtrip_answer_done(&answer);
    buf_done(&form);
    return r;
}
