/* Reading requests strictly, writing redirects; see oauth.h.
 *
 * 1. Before client and redirect URI are known to be right nothing is sent anywhere.
 * 2. A redirect URI has no byte that means something in a header, in CSP or in HTML, so it can
 *    stand in each of them. */
#include "api/oauth.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/member.h"
#include "web/percent.h"

enum { CHALLENGE_CHARS = 43, PORT_MAX = 65535 };

/* ---- clients ---- */

static const struct client {
    const char *id, *name, *next;
} clients[] = {
    {"54d11594-84e4-41aa-b438-e81b8fa78ee7", "wrangler", " https://welcome.developers.workers.dev"},
    {"atoll-cli",                            "atoll",    ""},
};

static const struct client *find_client(const char *id)
{
    for (size_t i = 0; i < COUNT_OF(clients); i++) {
        if (strcmp(clients[i].id, id) == 0)
            return &clients[i];
    }
    return NULL;
}

const char *oauth_client_name(const char *client_id)
{
    const struct client *client = find_client(client_id);

    return client ? client->name : client_id;
}

const char *oauth_client_next(const char *client_id)
{
    const struct client *client = find_client(client_id);

    return client ? client->next : "";
}

/* ---- texts ---- */

void *oauth_error_set(struct oauth_error *error, const char *name, const char *format, ...)
{
    va_list arguments;

    error->name = name;
    va_start(arguments, format);
    if (vsnprintf(error->text, sizeof error->text, format, arguments) < 0)
        error->text[0] = '\0';
    va_end(arguments);
    return NULL;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

static bool is_word(const char *text, size_t max)
{
    size_t len = 0;

    while (len <= max && text[len] && is_word_char(text[len]))
        len++;
    return len && len <= max && !text[len];
}

/* Bytes of a URI (RFC 3986) but for ' and ;, which are the border of things in CSP and HTML. */
static bool is_uri_char(char c)
{
    return is_word_char(c) || (c && strchr("~:/?[]@!$&()*+,=%", c));
}

/* ---- redirect URIs ---- */

/* Bytes of "http://host", 0 when it is not on this machine. */
static size_t local_host(str uri)
{
    static const char *const hosts[] = {"http://localhost", "http://127.0.0.1", "http://[::1]"};

    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        str host = str_from(hosts[i]);
        char next = uri.len > host.len ? uri.ptr[host.len] : '/';
        if (str_starts(uri, host) && (next == '/' || next == ':' || next == '?'))
            return host.len;
    }
    return 0;
}

static size_t authority_end(str uri)
{
    size_t at = sizeof "http://" - 1;

    while (at < uri.len && uri.ptr[at] != '/' && uri.ptr[at] != '?')
        at++;
    return at;
}

bool oauth_redirect_is_local(str uri)
{
    size_t host = local_host(uri);
    str port = str_skip(str_head(uri, authority_end(uri)), host);
    uint64_t number = 0;

    if (!host || uri.len > OAUTH_REDIRECT_MAX)
        return false;
    if (port.len > sizeof ":65535" - 1 ||
        (port.len && (!str_to_u64(str_skip(port, 1), PORT_MAX, &number) || !number)))
        return false;
    for (size_t i = 0; i < uri.len; i++) {
        if (!is_uri_char(uri.ptr[i]))
            return false;
    }
    return true;
}

str oauth_redirect_origin(str uri)
{
    return str_head(uri, authority_end(uri));
}

static void add_param(struct buf *url, const char *name, const char *value)
{
    bool has_query = str_find(buf_str(url), '?') < url->len;

    ASSERT(buf_append_char(url, has_query ? '&' : '?') == 0);
    ASSERT(buf_append(url, str_from(name)) == 0 && buf_append_char(url, '=') == 0);
    for (const char *c = value; *c; c++) {
        if (is_word_char(*c))
            ASSERT(buf_append_char(url, *c) == 0);
        else
            ASSERT(buf_printf(url, "%%%02X", (unsigned char)*c) == 0);
    }
}

char *oauth_redirect_to(const json_t *request, const json_t *params)
{
    const char *state = member_text(request, "state");
    const char *name;
    const json_t *value;
    struct buf url;

    buf_init(&url, OAUTH_URL_MAX);
    ASSERT(buf_append(&url, str_from(member_text(request, "redirect_uri"))) == 0);
    json_object_foreach((json_t *)params, name, value)
        add_param(&url, name, json_string_value(value));
    if (state)
        add_param(&url, "state", state);
    return buf_take(&url, NULL);
}

/* ---- requests ---- */

const char *oauth_parameter(const json_t *query, const char *name, struct oauth_error *error)
{
    const json_t *values = json_object_get(query, name);
    const char *value = json_string_value(json_array_get(values, 0));

    if (json_array_size(values) > 1)
        return oauth_error_set(error, "invalid_request", "'%s' is there more than once.", name);
    return value && *value ? value : NULL;
}

/* client_id and redirect_uri; NULL with `error`. */
static json_t *read_target(const json_t *query, struct oauth_error *error)
{
    const char *client = oauth_parameter(query, "client_id", error);
    const char *redirect = oauth_parameter(query, "redirect_uri", error);

    if (error->name)
        return NULL;
    if (!client || !is_word(client, OAUTH_CLIENT_MAX))
        return oauth_error_set(error, "invalid_request",
                               "The program that sent you here does not say who it is: "
                               "'client_id' is 1 to %d letters, digits, '-', '_' and '.'.",
                               OAUTH_CLIENT_MAX);
    if (!redirect || !oauth_redirect_is_local(str_from(redirect)))
        return oauth_error_set(error, "invalid_request",
                               "The answer would not go to this computer: 'redirect_uri' is an "
                               "address like http://localhost:8976/callback, with localhost, "
                               "127.0.0.1 or [::1].");
    return json_pack("{s:s, s:s}", "client_id", client, "redirect_uri", redirect);
}

/* RFC 6749 3.3. */
static bool is_scope(const char *scope)
{
    for (; *scope; scope++) {
        if (*scope < ' ' || *scope > '~' || *scope == '"' || *scope == '\\')
            return false;
    }
    return true;
}

static void read_challenge(const json_t *query, json_t *request, struct oauth_error *error)
{
    const char *challenge = oauth_parameter(query, "code_challenge", error);
    const char *method = oauth_parameter(query, "code_challenge_method", error);

    if (error->name)
        return;
    if (!challenge || !method || strcmp(method, "S256") != 0) {
        oauth_error_set(error, "invalid_request",
                        "'code_challenge' is needed, with 'code_challenge_method' S256 "
                        "(RFC 7636).");
        return;
    }
    if (strlen(challenge) != CHALLENGE_CHARS || !is_word(challenge, CHALLENGE_CHARS)) {
        oauth_error_set(error, "invalid_request",
                        "'code_challenge' is the base64url of a SHA-256, %d characters.",
                        CHALLENGE_CHARS);
        return;
    }
    json_object_set_new(request, "code_challenge", json_string(challenge));
}

static void read_rest(const json_t *query, json_t *request, struct oauth_error *error)
{
    const char *type = oauth_parameter(query, "response_type", error);
    const char *scope = oauth_parameter(query, "scope", error);

    if (error->name)
        return;
    if (!type) {
        oauth_error_set(error, "invalid_request", "'response_type' is missing.");
        return;
    }
    if (strcmp(type, "code") != 0) {
        oauth_error_set(error, "unsupported_response_type", "'response_type' is 'code'.");
        return;
    }
    if (scope && (strlen(scope) > OAUTH_SCOPE_MAX || !is_scope(scope))) {
        oauth_error_set(error, "invalid_scope",
                        "'scope' is words with spaces between them, %d bytes at most.",
                        OAUTH_SCOPE_MAX);
        return;
    }
    json_object_set_new(request, "scope", json_string(scope ? scope : ""));
    read_challenge(query, request, error);
}

json_t *oauth_request_read(const json_t *query, struct oauth_error *error)
{
    json_t *request;
    const char *state;

    error->name = NULL;
    request = read_target(query, error);
    if (!request)
        return NULL;
    state = oauth_parameter(query, "state", error);
    if (state && strlen(state) <= OAUTH_STATE_MAX)
        json_object_set_new(request, "state", json_string(state));
    else if (state)
        oauth_error_set(error, "invalid_request", "'state' has more than %d bytes.",
                        OAUTH_STATE_MAX);
    if (!error->name)
        read_rest(query, request, error);
    return request;
}
