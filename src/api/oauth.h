/* An authorization request of OAuth 2.0 (RFC 6749 4.1.1) with PKCE (RFC 7636); its answer's URL.
 *
 * Clients are programs on the machine of the person who runs them: anybody can claim to be one, so
 * they are not registered. What keeps them apart is where the answer goes, and that is a loopback
 * address (RFC 8252 7.3), and the verifier that only who asked has.
 * Owns: nothing; results are returned owned. Thread: any. Limits: the enum below. */
#ifndef ATOLL_API_OAUTH_H
#define ATOLL_API_OAUTH_H

#include <jansson.h>

#include "base/buf.h"

enum {
    OAUTH_CLIENT_MAX = 64,
    OAUTH_REDIRECT_MAX = 512,
    OAUTH_STATE_MAX = 1024,
    OAUTH_SCOPE_MAX = 2048,
    OAUTH_URL_MAX = 8 << 10,
    OAUTH_FORM_MAX = 32 << 10,      /* of a body: no client needs more */
};

/* Why a request is refused: an error code of RFC 6749 and a text for a person, in which neither "
 * nor \ may be (4.1.2.1, 5.2). */
struct oauth_error {
    const char *name;    /* "invalid_request"; NULL: it is not refused */
    char text[256];
};

/* Fills it and returns NULL. */
void *oauth_error_set(struct oauth_error *error, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads the parameters of a query or a form (router_query()). Returns {client_id, redirect_uri,
 * state?, scope, code_challenge}; when `error` is set all the same, it is to be told to the
 * redirect URI, and the request has that, client_id and state. NULL with `error`: nobody but the
 * person may be told (RFC 6749 4.1.2.1). */
json_t *oauth_request_read(const json_t *query, struct oauth_error *error);

/* The only value of a parameter; NULL when it is missing, empty or there twice, the last with
 * `error` set. Borrowed. */
const char *oauth_parameter(const json_t *query, const char *name, struct oauth_error *error);

/* True for http:// with localhost, 127.0.0.1 or [::1], any port and path, a query, no fragment. */
bool oauth_redirect_is_local(str uri);

/* "http://localhost:8976" of a redirect URI. */
str oauth_redirect_origin(str uri);

/* Where the answer goes: the redirect URI with `params` (an object of strings) and the state. */
char *oauth_redirect_to(const json_t *request, const json_t *params);

/* What a client calls itself: "wrangler", "atoll", else its id. Borrowed. */
const char *oauth_client_name(const char *client_id);

/* Where the client's own page leads next, a CSP source with a space before it; "" when it answers
 * itself. */
const char *oauth_client_next(const char *client_id);

#endif
