/* Logging in with OAuth 2.0: the page on which somebody allows it (RFC 6749 4.1.1, RFC 8252).
 *
 *   GET  /oauth2/auth            who asks, for what; a field for an API token
 *   POST /oauth2/auth  token     a wrong one: the page again. One for all accounts: which of them?
 *   POST /oauth2/auth  ticket    the account that was picked
 *                                -> 303 to the client with a code, or with what is wrong
 *
 * 1. The server knows no users and sets no cookies: whoever submits the form has an API token, so
 *    there is no session that another site could ride on. That a browser was not led here to submit
 *    somebody else's token is seen by PKCE and the state, which are the client's.
 * 2. Nothing is redirected to before client and redirect URI were found right (oauth.h).
 * 3. The page has no script, and Content-Security-Policy allows none. Its form may lead to this
 *    server, to the client, and to where that leads, as browsers look at each redirect. */
#include "api/api_oauth.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "api/admit.h"
#include "api/call_private.h"
#include "api/consent.h"
#include "api/oauth.h"
#include "api/oauth_scope.h"
#include "api/tables.h"
#include "api/template.h"
#include "base/member.h"
#include "os/clock.h"
#include "registry/account.h"

enum { ACCOUNTS_SHOWN_MAX = 200, OWNER_MAX = 100, HEAD_MAX = 2 * OAUTH_URL_MAX };

extern const char api_oauth_page_html[], api_oauth_page_css[];
extern const size_t api_oauth_page_html_len, api_oauth_page_css_len;

/* ---- what the handlers share ---- */

static const json_t *query_of(const struct call *call)
{
    return call->query;
}

json_t *api_oauth_form(const struct call *call)
{
    static const str form = STR("application/x-www-form-urlencoded");
    str type = call_header(call, "content-type");

    type = str_trim(str_head(type, str_find(type, ';')));
    if (!str_equal_nocase(type, form) || call_body(call).len > OAUTH_FORM_MAX)
        return NULL;
    return router_query(call_body(call));
}

/* Browsers leave Sec-Fetch-Site out where the server has neither TLS nor a loopback address; Origin
 * is "null" there for the form of our own page, as it has no referrer. */
bool api_oauth_is_foreign(const struct call *call)
{
    static const str scheme_end = STR("://");
    str site = call_header(call, "sec-fetch-site"), origin = call_header(call, "origin");
    size_t colon = str_find(origin, ':');

    if (site.len)
        return !str_equal(site, STR("same-origin"));
    if (!origin.len || str_equal(origin, STR("null")))
        return false;
    return !str_equal_nocase(str_skip(origin, colon + scheme_end.len), call_header(call, "host"));
}

struct consent_table *api_oauth_consents(const struct call *call)
{
    return call->api->consents;
}

/* ---- pages ---- */

/* Where forms of this page may lead. CSP has no notation for [::1]. */
static void form_targets(const json_t *request, char *ret, size_t size)
{
    str origin = oauth_redirect_origin(str_from(member_text(request, "redirect_uri")));
    const char *next = oauth_client_next(request ? member_text(request, "client_id") : "");

    if (str_find(origin, '[') < origin.len)
        origin = STR("http:");
    snprintf(ret, size, "'self'%s%.*s%s", origin.len ? " " : "", STR_ARGS(origin), next);
}

/* `data` is taken; request NULL: the page has no form. */
static void show(struct call *call, int status, const json_t *request, json_t *data)
{
    struct buf out;
    char targets[OAUTH_REDIRECT_MAX + 128], head[1024];

    form_targets(request, targets, sizeof targets);
    snprintf(head, sizeof head,
             "content-type: text/html; charset=utf-8\r\ncache-control: no-store\r\n"
             "content-security-policy: default-src 'none'; style-src 'self'; form-action %s; "
             "base-uri 'none'; frame-ancestors 'none'\r\n"
             "x-frame-options: DENY\r\nreferrer-policy: no-referrer\r\n"
             "x-content-type-options: nosniff\r\n%s",
             targets, status == 429 ? "retry-after: 60\r\n" : "");
    json_object_set_new(data, "host",
                        json_stringn(call_header(call, "host").ptr, call_header(call, "host").len));
    buf_init(&out, TEMPLATE_BYTES_MAX);
    ASSERT(template_render((str){api_oauth_page_html, api_oauth_page_html_len}, data, &out) == 0);
    call_bytes(call, status, str_from(head), buf_str(&out));
    buf_done(&out);
    json_decref(data);
}

static void show_problem(struct call *call, int status, const char *text)
{
    show(call, status, NULL,
         json_pack("{s:s, s:s, s:s}", "title", "Log in", "problem", text, "advice",
                   "Nothing was allowed. Start again from the program that led you here."));
}

static void show_failure(struct call *call)
{
    show_problem(call, 500, "The server could not read or store this; its log says why.");
}

static json_t *fields_of(const json_t *request)
{
    static const char *const names[] = {"client_id", "redirect_uri", "state", "scope",
                                        "code_challenge"};
    json_t *fields = json_pack("[{s:s, s:s}, {s:s, s:s}]", "name", "response_type", "value", "code",
                               "name", "code_challenge_method", "value", "S256");

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        json_t *value = json_object_get(request, names[i]);
        if (value)
            json_array_append_new(fields,
                                  json_pack("{s:s, s:O}", "name", names[i], "value", value));
    }
    return fields;
}

/* The first page; error NULL: nothing was tried yet. */
static void show_ask(struct call *call, int status, const json_t *request, const char *error)
{
    const char *redirect = member_text(request, "redirect_uri");
    str origin = oauth_redirect_origin(str_from(redirect));
    json_t *wanted = oauth_scope_wanted(str_from(member_text(request, "scope")));

    show(call, status, request,
         json_pack("{s:b, s:s, s:s, s:s#, s:o, s:o, s:s?}", "ask", 1, "title", "Log in", "client",
                   oauth_client_name(member_text(request, "client_id")), "origin", origin.ptr,
                   (int)origin.len, "sentences", oauth_scope_sentences(wanted), "fields",
                   fields_of(request), "error", error));
    json_decref(wanted);
}

static void send_back(struct call *call, const json_t *request, const json_t *params)
{
    char *url = oauth_redirect_to(request, params);
    struct buf head;

    buf_init(&head, HEAD_MAX);
    ASSERT(buf_printf(&head,
                      "location: %s\r\ncache-control: no-store\r\nreferrer-policy: no-referrer\r\n",
                      url) == 0);
    call_bytes(call, 303, buf_str(&head), STR(""));
    buf_done(&head);
    free(url);
}

static void send_back_error(struct call *call, const json_t *request, const char *name,
                            const char *text)
{
    json_t *params = json_pack("{s:s, s:s}", "error", name, "error_description", text);

    send_back(call, request, params);
    json_decref(params);
}

/* The request in a query or a form; NULL after the call was answered. */
static json_t *read_request(struct call *call, const json_t *query)
{
    struct oauth_error error;
    json_t *request = oauth_request_read(query, &error), *wanted;
    bool is_for_something;

    if (!request) {
        show_problem(call, 400, error.text);
        return NULL;
    }
    if (!error.name) {
        wanted = oauth_scope_wanted(str_from(member_text(request, "scope")));
        is_for_something = json_array_size(wanted) > 0;
        json_decref(wanted);
        if (is_for_something)
            return request;
        oauth_error_set(&error, "invalid_scope", "None of these scopes means anything here.");
    }
    send_back_error(call, request, error.name, error.text);
    json_decref(request);
    return NULL;
}

static void get_auth(struct call *call)
{
    json_t *request = read_request(call, query_of(call));

    if (request)
        show_ask(call, 200, request, NULL);
    json_decref(request);
}

/* ---- what somebody decided ---- */

/* Bytes of a text's beginning, no character of which is cut. */
static int beginning(const char *text, size_t max)
{
    size_t len = strnlen(text, max + 1);

    if (len <= max)
        return (int)len;
    for (len = max; len && (text[len] & 0xc0) == 0x80;)
        len--;
    return (int)len;
}

/* "wrangler login of admin on 2026-11-21" */
static json_t *name_of(const json_t *request, const json_t *token)
{
    const char *owner = member_text(token, "name");
    time_t now = clock_wall_s();
    char date[16];
    struct tm tm;

    strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&now, &tm));
    return json_sprintf("%s login of %.*s on %s",
                        oauth_client_name(member_text(request, "client_id")),
                        beginning(owner, OWNER_MAX), owner, date);
}

/* The code for the account that `consent` ({request, token: row, account}) has now. */
static void give_code(struct call *call, const json_t *consent)
{
    const json_t *request = json_object_get(consent, "request");
    const json_t *token = json_object_get(consent, "token");
    const char *scope = member_text(request, "scope");
    json_t *wanted = oauth_scope_wanted(str_from(scope));
    json_t *granted = oauth_scope_granted(wanted, token, member_text(consent, "account"));
    char *told = oauth_scope_told(str_from(scope), granted), *code;
    json_t *params;

    code = consent_code(api_oauth_consents(call),
                        json_pack("{s:O, s:{s:O, s:O?, s:O, s:o, s:O, s:s}}", "request", request,
                                  "grant", "token", json_object_get(token, "id"), "account",
                                  json_object_get(consent, "account"), "client",
                                  json_object_get(request, "client_id"), "name",
                                  name_of(request, token), "scopes", granted, "scope", told),
                        clock_monotonic_ms());
    params = json_pack("{s:s}", "code", code);
    send_back(call, request, params);
    json_decref(params);
    free(code);
    free(told);
    json_decref(granted);
    json_decref(wanted);
}

/* The accounts to pick from, {list}; null when there are too many. */
static json_t *choices_of(const json_t *accounts)
{
    json_t *list;
    size_t i;
    const json_t *account;

    if (json_array_size(accounts) > ACCOUNTS_SHOWN_MAX)
        return json_null();
    list = json_array();
    json_array_foreach((json_t *)accounts, i, account) {
        const char *id = member_text(account, "id"), *name = member_text(account, "name");
        json_t *shown = strcmp(id, name) == 0 ? json_string(id) : json_sprintf("%s (%s)", name, id);

        json_array_append_new(list, json_pack("{s:s, s:o}", "id", id, "name", shown));
    }
    return json_pack("{s:o}", "list", list);
}

static void show_pick(struct call *call, const json_t *consent, const json_t *accounts)
{
    const json_t *request = json_object_get(consent, "request");
    char *ticket = consent_ticket(api_oauth_consents(call), json_incref((json_t *)consent),
                                  clock_monotonic_ms());

    show(call, 200, request,
         json_pack("{s:{s:s, s:s, s:o}, s:s}", "pick", "ticket", ticket, "client",
                   oauth_client_name(member_text(request, "client_id")), "accounts",
                   choices_of(accounts), "title", "Pick an account"));
    free(ticket);
}

/* A token for all accounts: the only one there is, unless the server as a whole is asked for. */
static void choose_account(struct call *call, json_t *consent)
{
    const json_t *request = json_object_get(consent, "request");
    json_t *wanted = oauth_scope_wanted(str_from(member_text(request, "scope"))), *accounts;
    bool is_of_server = oauth_scope_is_of_server(wanted);
    struct err err = {0};

    json_decref(wanted);
    if (account_list(call_registry(call), 0, ACCOUNTS_SHOWN_MAX + 1, &accounts, &err) < 0) {
        show_failure(call);
        return;
    }
    if (json_array_size(accounts) == 1 && !is_of_server) {
        json_object_set(consent, "account", json_object_get(json_array_get(accounts, 0), "id"));
        give_code(call, consent);
    } else {
        show_pick(call, consent, accounts);
    }
    json_decref(accounts);
}

static bool gives_something(const json_t *request, const json_t *token)
{
    json_t *wanted = oauth_scope_wanted(str_from(member_text(request, "scope")));
    json_t *granted = oauth_scope_granted(wanted, token, member_text(token, "account"));
    bool result = json_array_size(granted) > 0;

    json_decref(granted);
    json_decref(wanted);
    return result;
}

static void allow(struct call *call, const json_t *request)
{
    const json_t *token = call_token(call);
    json_t *consent;

    if (!json_is_null(json_object_get(token, "grant"))) {
        show_ask(call, 403, request,
                 "This token is one of a login itself. Use an API token of the server.");
        return;
    }
    if (!gives_something(request, token)) {
        show_ask(call, 403, request, "This token may do nothing of what is asked for.");
        return;
    }
    consent = json_pack("{s:O, s:O, s:O?}", "request", request, "token", token, "account",
                        json_object_get(token, "account"));
    if (member_text(token, "account"))
        give_code(call, consent);
    else
        choose_account(call, consent);
    json_decref(consent);
}

/* The first page's form. */
static void prove(struct call *call, const json_t *form, const json_t *request)
{
    struct oauth_error error = {0};
    const char *token = oauth_parameter(form, "token", &error);
    unsigned wait_s;
    char text[160];
    struct err err = {0};

    if (!token) {
        show_ask(call, 400, request, "Type an API token first.");
        return;
    }
    wait_s = admit_wait_s(call);
    if (wait_s) {
        snprintf(text, sizeof text, "Too many wrong tokens came from %s: try again in %u s.",
                 call_client(call), wait_s);
        show_ask(call, 429, request, text);
        return;
    }
    if (admit_secret(call, str_trim(str_from(token)), &err) == 0)
        allow(call, request);
    else if (err.code == ERR_IO)
        show_failure(call);
    else
        show_ask(call, 401, request, "This token is wrong, was deleted or has expired.");
}

static void decide(struct call *call, const json_t *form)
{
    struct oauth_error error = {0};
    const char *decision = oauth_parameter(form, "decision", &error);
    json_t *request = read_request(call, form);

    if (!request)
        return;
    if (decision && strcmp(decision, "deny") == 0)
        send_back_error(call, request, "access_denied", "This was denied.");
    else
        prove(call, form, request);
    json_decref(request);
}

/* ---- the account that was picked ---- */

static bool account_is_there(struct call *call, const char *id)
{
    struct err err = {0};
    json_t *row;

    if (account_get(call_registry(call), id, &row, &err) < 0)
        return false;
    json_decref(row);
    return true;
}

static void pick(struct call *call, const json_t *form, const char *ticket)
{
    struct oauth_error error = {0};
    const char *account = oauth_parameter(form, "account", &error);
    const char *decision = oauth_parameter(form, "decision", &error);
    json_t *consent = consent_take_ticket(api_oauth_consents(call), str_from(ticket),
                                          clock_monotonic_ms());

    if (!consent) {
        show_problem(call, 400, "This page was open for too long, or was answered already.");
        return;
    }
    if (decision && strcmp(decision, "deny") == 0) {
        send_back_error(call, json_object_get(consent, "request"), "access_denied",
                        "This was denied.");
    } else if (account && strcmp(account, "*") == 0) {
        give_code(call, consent);
    } else if (account && account_is_there(call, account)) {
        json_object_set_new(consent, "account", json_string(account));
        give_code(call, consent);
    } else {
        show_problem(call, 404, "There is no such account.");
    }
    json_decref(consent);
}

static void post_auth(struct call *call)
{
    json_t *form = api_oauth_form(call);
    struct oauth_error error = {0};
    const char *ticket = oauth_parameter(form, "ticket", &error);

    if (!form)
        show_problem(call, 400, "This is not the form of the page.");
    else if (api_oauth_is_foreign(call))
        show_problem(call, 403, "This form was sent by another site.");
    else if (ticket)
        pick(call, form, ticket);
    else
        decide(call, form);
    json_decref(form);
}

static void get_css(struct call *call)
{
    call_bytes(call, 200,
               STR("content-type: text/css; charset=utf-8\r\ncache-control: no-cache\r\n"
                   "x-content-type-options: nosniff\r\n"),
               (str){api_oauth_page_css, api_oauth_page_css_len});
}

const struct call_route api_oauth_routes[] = {
    {"GET",  "/oauth2/auth",     "", get_auth,  NULL},
    {"POST", "/oauth2/auth",     "", post_auth, NULL},
    {"GET",  "/oauth2/page.css", "", get_css,   NULL},
    {0},
};
