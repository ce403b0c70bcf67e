/* An atoll server, or another one with Cloudflare's REST API, from the command line's side: calls
 * that wait for their answer.
 *
 * Which server, token and account it is, in this order:
 *   1. --profile, else ATOLL_PROFILE: that profile (remote/profile.h)
 *   2. CLOUDFLARE_API_BASE_URL, CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID of the environment,
 *      or of .env in the project's directory, as wrangler reads them
 *   3. the current profile
 * --account wins over the account of all of them. A token is never sent to another server than the
 * one it was found with. An access token that is about to expire is renewed and stored first.
 *
 * Owns: a loop, an HTTP client, copies of what it is told. Thread: one.
 * Limits: those of remote/roundtrip.h. */
#ifndef ATOLL_REMOTE_REMOTE_H
#define ATOLL_REMOTE_REMOTE_H

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"

struct remote;

struct remote_options {
    const char *profile;     /* --profile; NULL: see above */
    const char *account;     /* --account; NULL: see above */
    const char *directory;   /* of the project, for its .env; NULL: the working directory */
    bool ignores_project;    /* no .env counts */
};

/* What a caller may show meanwhile: on_wait is called about every 80 ms of a wait, and with every
 * piece that was sent (total 0: nothing is being sent); on_end when a call is over. Each may be
 * NULL. */
struct remote_hooks {
    void (*on_wait)(void *context, uint64_t sent, uint64_t total);
    void (*on_end)(void *context);
    void *context;
};

/* Returns 0 with the server, returned owned; ERR_NOT_FOUND when there is nothing to log in with,
 * with a text that says how to; ERR_INVALID for a URL, a profile or an .env that is wrong. Nothing
 * is sent yet. */
NODISCARD int remote_open(const struct remote_options *options, struct remote **ret,
                          struct err *err);

/* The same for a server (address_read()'s form) and a token that are known; account may be NULL:
 * none was named. */
NODISCARD int remote_open_with(const char *url, const char *token, const char *account,
                               struct remote **ret, struct err *err);

/* Renews an access token that is about to expire, and when no account was named finds out which it
 * is: the only one that the token sees, or "default". ERR_INVALID when it may be several, with
 * their names, else as remote_call(). Calls do the first part by themselves. */
NODISCARD int remote_prepare(struct remote *remote, struct err *err);

/* NULL is fine. */
void remote_close(struct remote *remote);

void remote_set_hooks(struct remote *remote, const struct remote_hooks *hooks);
struct remote_hooks remote_get_hooks(const struct remote *remote);

/* The loop that calls run on; what the caller starts there goes on during calls. */
uv_loop_t *remote_loop(struct remote *remote);

/* "http://127.0.0.1:8790/client/v4"; the account ("default" before remote_prepare() when none was
 * named); the profile's name, or NULL; the token. Borrowed until the next call. */
const char *remote_url(const struct remote *remote);
const char *remote_account(const struct remote *remote);
const char *remote_profile(const struct remote *remote);
const char *remote_token(const struct remote *remote);

/* Calls are for this account (copied) from now on. */
void remote_set_account(struct remote *remote, const char *account);

/* The server as `atoll login` takes it: remote_url() without /client/v4. Returned owned. */
char *remote_server(const struct remote *remote);

/* True when the token is one that has to be renewed: nothing to keep elsewhere. */
bool remote_expires(const struct remote *remote);

/* Where server and token were found, for a person: "the profile local". Borrowed. */
const char *remote_source(const struct remote *remote);

/* A path below remote_url(), returned owned: `format` with each %s percent-encoded as one segment
 * or query value, and %d, %zu as they are. One that does not begin with "/" is below
 * "/accounts/<account>/". A value in `format` may be %s, %d, %u, %ld or %zu. */
char *remote_path(const struct remote *remote, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Makes a call and waits for its end. `path` is taken: remote_path(). `body` is taken; NULL: none.
 * Returns 0 with the envelope's `result`, returned owned (ret_result may be NULL), or:
 *   ERR_NETWORK    the server does not answer; the text says which and what to look at
 *   ERR_TIMEOUT    it stopped answering
 *   ERR_NOT_FOUND  404
 *   ERR_EXISTS     409
 *   ERR_LIMIT      413, 429, or an answer that is too long
 *   ERR_DENIED     401, 403
 *   ERR_INVALID    any other error of the API, or an answer that is none of its
 * with the messages of the API in err->text, and remote_code(). */
NODISCARD int remote_call(struct remote *remote, const char *method, char *path, json_t *body,
                          json_t **ret_result, struct err *err);

/* remote_call() with GET. */
NODISCARD int remote_get(struct remote *remote, char *path, json_t **ret_result, struct err *err);

/* GET of all pages of a list, as one array; `member` names the array in the result ("items"), NULL:
 * the result is it. `path` may have a query. */
NODISCARD int remote_list(struct remote *remote, char *path, const char *member, json_t **ret,
                          struct err *err);

/* A body that is no JSON; borrowed for the call. */
struct remote_body {
    const char *content_type;
    str bytes;
    const char *token;    /* instead of the server's; NULL: that one */
};

/* A call with such a body, whose progress the hooks see. */
NODISCARD int remote_send(struct remote *remote, const char *method, char *path,
                          const struct remote_body *body, json_t **ret_result, struct err *err);

/* The same with the first `bytes` bytes of a file, which is read as it is sent. */
struct remote_file {
    int fd;
    uint64_t bytes;
    const char *content_type;
};
NODISCARD int remote_send_file(struct remote *remote, const char *method, char *path,
                               const struct remote_file *file, json_t **ret_result,
                               struct err *err);

/* GET of bytes, however many: on_bytes has each piece, and fails with a text. */
NODISCARD int remote_fetch(struct remote *remote, char *path,
                           int (*on_bytes)(void *context, str bytes, struct err *err),
                           void *context, struct err *err);

/* A call whose answer is no JSON, or of which more than `result` is wanted: its body is appended to
 * `out`. `body` may be NULL. */
NODISCARD int remote_raw(struct remote *remote, const char *method, char *path,
                         const struct remote_body *body, struct buf *out, struct err *err);

/* Error code of the API (10007 ...) of the last call; 0 when it had none. */
int remote_code(const struct remote *remote);

#endif
