/* Calls of the API that wait for their answer; see remote.h.
 *
 * (1) The token goes into a header of requests to `base` and nowhere else: there are no redirects
 *     to follow, and paths are always below it.
 * (2) A token that the server refuses is renewed once a call, when it can be: the clocks of two
 *     machines differ. */
#include "remote/remote.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "remote/credentials.h"
#include "remote/encode.h"
#include "remote/envelope.h"
#include "remote/roundtrip.h"

enum {
    PATH_BYTES_MAX = 8 << 20,        /* the HTTP client refuses long ones, with a text */
    HEADERS_BYTES_MAX = 32 << 10,
    PAGES_MAX = 10000,
    PAGE_ROWS = 100,
    ACCOUNTS_SHOWN = 20,
};

struct remote {
    struct roundtrip *roundtrip;
    struct credentials credentials;
    struct remote_hooks hooks;
    int code;    /* of the API, of the last call */
};

/* A call, whatever its body is. */
struct call {
    const char *method;
    const char *path;
    const char *content_type;   /* NULL: no body */
    str body;
    struct buf *out;            /* takes a good answer's body as it is; NULL: it is read */
    const char *token;         /* instead of the credentials'; NULL: those */
    const struct remote_file *file;    /* instead of `body` */
    int (*on_bytes)(void *context, str bytes, struct err *err);    /* as remote_fetch() */
    void *bytes_context;
};

/* ---- life ---- */

static struct remote *make(void)
{
    struct remote *remote = mem_new(struct remote);

    signal(SIGPIPE, SIG_IGN);
    remote->roundtrip = roundtrip_new();
    return remote;
}

static void set_text(char **place, const char *text)
{
    free(*place);
    *place = str_dup(str_from(text));
}

int remote_open(const struct remote_options *options, struct remote **ret, struct err *err)
{
    struct credentials_request request = {
        .profile = options->profile,
        .directory = options->directory ? options->directory : ".",
        .ignores_project = options->ignores_project,
    };
    struct credentials found;
    int r = credentials_find(&request, &found, err);

    if (r < 0)
        return r;
    *ret = make();
    (*ret)->credentials = found;
    if (options->account)
        set_text(&(*ret)->credentials.account, options->account);
    return 0;
}

int remote_open_with(const char *url, const char *token, const char *account, struct remote **ret,
                     struct err *err)
{
    struct credentials given;
    int r = credentials_of(url, token, account, &given, err);

    if (r < 0)
        return r;
    *ret = make();
    (*ret)->credentials = given;
    return 0;
}

void remote_close(struct remote *remote)
{
    if (!remote)
        return;
    roundtrip_free(remote->roundtrip);
    credentials_done(&remote->credentials);
    free(remote);
}

void remote_set_hooks(struct remote *remote, const struct remote_hooks *hooks)
{
    remote->hooks = *hooks;
}

struct remote_hooks remote_get_hooks(const struct remote *remote)
{
    return remote->hooks;
}

uv_loop_t *remote_loop(struct remote *remote)
{
    return roundtrip_loop(remote->roundtrip);
}

const char *remote_url(const struct remote *remote)
{
    return remote->credentials.base;
}

void remote_set_account(struct remote *remote, const char *account)
{
    set_text(&remote->credentials.account, account);
}

const char *remote_account(const struct remote *remote)
{
    return remote->credentials.account ? remote->credentials.account : "default";
}

const char *remote_profile(const struct remote *remote)
{
    return remote->credentials.profile;
}

const char *remote_token(const struct remote *remote)
{
    return remote->credentials.token;
}

char *remote_server(const struct remote *remote)
{
    str url = str_from(remote->credentials.base), api = STR("/client/v4");

    return str_dup(str_ends(url, api) ? str_head(url, url.len - api.len) : url);
}

bool remote_expires(const struct remote *remote)
{
    return remote->credentials.renews;
}

const char *remote_source(const struct remote *remote)
{
    return remote->credentials.source;
}

int remote_code(const struct remote *remote)
{
    return remote->code;
}

/* ---- paths ---- */

/* Appends what the conversion at `format` (behind the %) stands for; returns what follows it. */
static const char *append_value(struct buf *out, const char *format, va_list args)
{
    int r;

    switch (*format) {
    case 's':
        r = encode_text(out, str_from(va_arg(args, const char *)));
        break;
    case 'd':
        r = buf_printf(out, "%d", va_arg(args, int));
        break;
    case 'u':
        r = buf_printf(out, "%u", va_arg(args, unsigned));
        break;
    case 'l':
        r = *++format == 'd' ? buf_printf(out, "%ld", va_arg(args, long)) : ERR_INVALID;
        break;
    case 'z':
        r = *++format == 'u' ? buf_printf(out, "%zu", va_arg(args, size_t)) : ERR_INVALID;
        break;
    default:
        r = ERR_INVALID;
    }
    ASSERT(r == 0);
    return format + 1;
}

char *remote_path(const struct remote *remote, const char *format, ...)
{
    struct buf out;
    va_list args;

    buf_init(&out, PATH_BYTES_MAX);
    if (*format != '/') {
        ASSERT(buf_append(&out, STR("/accounts/")) == 0);
        ASSERT(encode_text(&out, str_from(remote_account(remote))) == 0);
        ASSERT(buf_append_char(&out, '/') == 0);
    }
    va_start(args, format);
    while (*format) {
        size_t plain = strcspn(format, "%");

        ASSERT(buf_append(&out, (str){format, plain}) == 0);
        format += plain;
        if (*format)
            format = append_value(&out, format + 1, args);
    }
    va_end(args);
    return buf_take(&out, NULL);
}

/* ---- a call ---- */

static void put_headers(const struct remote *remote, const struct call *call, struct buf *out)
{
    const struct credentials *credentials = &remote->credentials;
    int r = buf_printf(out, "user-agent: atoll/%s\naccept: application/json\n", ATOLL_VERSION);

    if (call->token)
        r |= buf_printf(out, "authorization: Bearer %s\n", call->token);
    else if (credentials->is_key)
        r |= buf_printf(out, "x-auth-key: %s\n", credentials->token);
    else
        r |= buf_printf(out, "authorization: Bearer %s\n", credentials->token);
    if (credentials->email && !call->token)
        r |= buf_printf(out, "x-auth-email: %s\n", credentials->email);
    if (call->content_type)
        r |= buf_printf(out, "content-type: %s\n", call->content_type);
    ASSERT(r == 0);
}

static int read_answer(struct remote *remote, const char *url,
                       const struct roundtrip_answer *answer, struct envelope *ret, struct err *err)
{
    int r = envelope_read(&(struct envelope_answer){.url = url,
                                                    .status = answer->status,
                                                    .headers = buf_str(&answer->headers),
                                                    .body = buf_str(&answer->body)},
                          ret, err);

    remote->code = ret->code;
    return r;
}

/* One request with the token there is; `ret_status` is 0 when no answer came. */
static int ask(struct remote *remote, const struct call *call, struct envelope *ret,
               int *ret_status, struct err *err)
{
    struct roundtrip_request request = {
        .method = call->method,
        .body = call->body,
        .on_wait = remote->hooks.on_wait,
        .context = remote->hooks.context,
        .on_bytes = call->on_bytes,
        .bytes_context = call->bytes_context,
    };
    struct roundtrip_answer answer;
    struct buf headers, url;
    int r;

    if (call->file) {
        request.has_file = true;
        request.file = call->file->fd;
        request.file_bytes = call->file->bytes;
    }
    buf_init(&headers, HEADERS_BYTES_MAX);
    put_headers(remote, call, &headers);
    request.headers = buf_str(&headers);
    buf_init(&url, 2 * PATH_BYTES_MAX);
    ASSERT(buf_printf(&url, "%s%s", remote->credentials.base, call->path) == 0);
    request.url = url.ptr;
    *ret = (struct envelope){0};
    r = roundtrip_run(remote->roundtrip, &request, &answer, err);
    *ret_status = answer.status;
    if (remote->hooks.on_end)
        remote->hooks.on_end(remote->hooks.context);
    if (r == 0 && call->out && answer.status / 100 == 2)
        r = buf_append(call->out, buf_str(&answer.body)) < 0
                ? err_set(err, ERR_LIMIT, "the answer is too long")
                : 0;
    else if (r == 0 && !(call->on_bytes && answer.status / 100 == 2))
        r = read_answer(remote, url.ptr, &answer, ret, err);
    roundtrip_answer_done(&answer);
    buf_done(&headers);
    buf_done(&url);
    return r;
}

/* "connect ECONNREFUSED 127.0.0.1:8790" alone does not tell anybody what to do. */
static int explain(const struct remote *remote, struct err *err)
{
    char text[1024];

    if (err->code != ERR_NETWORK)
        return err->code;
    snprintf(text, sizeof text, "%.*s", (int)sizeof text - 1, err->text);
    if (strstr(text, "ertificate"))
        return err_set(err, ERR_NETWORK,
                       "%s\nATOLL_CA_FILE may name a file with the certificate to trust", text);
    return err_set(err, ERR_NETWORK, "%s\nIs the server running there? The address is from %s",
                   text, remote->credentials.source);
}

static int call_fully(struct remote *remote, const struct call *call, struct envelope *ret,
                      struct err *err)
{
    int status, r;

    *ret = (struct envelope){0};
    remote->code = 0;
    if (credentials_is_due(&remote->credentials) &&
        (r = credentials_renew(&remote->credentials, remote->roundtrip, err)) < 0)
        return r;
    r = ask(remote, call, ret, &status, err);
    if (r == ERR_DENIED && status == 401 && remote->credentials.renews && !call->token) {
        envelope_done(ret);
        if ((r = credentials_renew(&remote->credentials, remote->roundtrip, err)) < 0)
            return r;
        r = ask(remote, call, ret, &status, err);
    }
    return status ? r : explain(remote, err);
}

/* call_fully() for those who want the result only. */
static int call_plainly(struct remote *remote, const struct call *call, json_t **ret_result,
                        struct err *err)
{
    struct envelope envelope;
    int r = call_fully(remote, call, &envelope, err);

    if (r == 0 && ret_result)
        *ret_result = json_incref(envelope.result);
    envelope_done(&envelope);
    return r;
}

int remote_call(struct remote *remote, const char *method, char *path, json_t *body,
                json_t **ret_result, struct err *err)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct call call = {
        .method = method,
        .path = path,
        .content_type = text ? "application/json" : NULL,
        .body = str_from(text),
    };
    int r = call_plainly(remote, &call, ret_result, err);

    ASSERT(!body == !text);
    free(text);
    json_decref(body);
    free(path);
    return r;
}

int remote_get(struct remote *remote, char *path, json_t **ret_result, struct err *err)
{
    return remote_call(remote, "GET", path, NULL, ret_result, err);
}

int remote_send(struct remote *remote, const char *method, char *path,
                const struct remote_body *body, json_t **ret_result, struct err *err)
{
    struct call call = {
        .method = method,
        .path = path,
        .content_type = body->content_type,
        .body = body->bytes,
        .token = body->token,
    };
    int r = call_plainly(remote, &call, ret_result, err);

    free(path);
    return r;
}

int remote_raw(struct remote *remote, const char *method, char *path,
               const struct remote_body *body, struct buf *out, struct err *err)
{
    struct call call = {.method = method, .path = path, .out = out};
    int r;

    if (body) {
        call.content_type = body->content_type;
        call.body = body->bytes;
    }
    r = call_plainly(remote, &call, NULL, err);
    free(path);
    return r;
}

int remote_send_file(struct remote *remote, const char *method, char *path,
                     const struct remote_file *file, json_t **ret_result, struct err *err)
{
    struct call call = {.method = method,
                        .path = path,
                        .content_type = file->content_type,
                        .file = file};
    int r = call_plainly(remote, &call, ret_result, err);

    free(path);
    return r;
}

int remote_fetch(struct remote *remote, char *path,
                 int (*on_bytes)(void *context, str bytes, struct err *err), void *context,
                 struct err *err)
{
    struct call call = {.method = "GET",
                        .path = path,
                        .on_bytes = on_bytes,
                        .bytes_context = context};
    int r = call_plainly(remote, &call, NULL, err);

    free(path);
    return r;
}

/* ---- lists ---- */

static int get_page(struct remote *remote, const char *path, unsigned page, struct envelope *ret,
                    struct err *err)
{
    struct call call = {.method = "GET"};
    struct buf url;
    int r;

    buf_init(&url, PATH_BYTES_MAX);
    ASSERT(buf_printf(&url, "%s%cpage=%u", path, strchr(path, '?') ? '&' : '?', page) == 0);
    if (!strstr(path, "per_page="))
        ASSERT(buf_printf(&url, "&per_page=%d", PAGE_ROWS) == 0);
    call.path = url.ptr;
    r = call_fully(remote, &call, ret, err);
    buf_done(&url);
    return r;
}

/* True when there are more than the `read` rows. Without result_info there are not. */
static bool has_more(const struct envelope *envelope, size_t read)
{
    int64_t total = member_int(envelope->info, "total_count");

    return total > 0 && read < (uint64_t)total;
}

int remote_list(struct remote *remote, char *path, const char *member, json_t **ret,
                struct err *err)
{
    json_t *all = json_array();
    bool more = true;
    int r = 0;

    for (unsigned page = 1; more && r == 0 && page <= PAGES_MAX; page++) {
        struct envelope envelope;
        const json_t *rows;

        if ((r = get_page(remote, path, page, &envelope, err)) == 0) {
            rows = member ? json_object_get(envelope.result, member) : envelope.result;
            if (!json_is_array(rows) || json_array_extend(all, (json_t *)rows) < 0)
                r = err_set(err, ERR_INVALID, "%s%.200s answers with something that is no list",
                            remote->credentials.base, path);
            more = json_array_size(rows) > 0 && has_more(&envelope, json_array_size(all));
        }
        envelope_done(&envelope);
    }
    free(path);
    if (r < 0)
        json_decref(all);
    else
        *ret = all;
    return r;
}

/* ---- the account ---- */

static int fail_with_choice(const json_t *accounts, struct err *err)
{
    struct buf names;
    const json_t *account;
    size_t i;

    buf_init(&names, ERR_TEXT_MAX / 2);
    json_array_foreach((json_t *)accounts, i, account) {
        const char *id = member_text(account, "id");
        const char *name = member_text(account, "name");

        if (id && i < ACCOUNTS_SHOWN &&
            buf_printf(&names, "\n  %.64s  %.80s", id, name ? name : "") < 0)
            break;
    }
    err_set(err, ERR_INVALID,
            "the token is for %zu accounts: say which with --account or CLOUDFLARE_ACCOUNT_ID%.*s",
            json_array_size(accounts), STR_ARGS(buf_str(&names)));
    buf_done(&names);
    return ERR_INVALID;
}

static int choose(struct remote *remote, const json_t *accounts, struct err *err)
{
    const char *chosen = NULL;
    const json_t *account;
    size_t i;

    json_array_foreach((json_t *)accounts, i, account) {
        const char *id = member_text(account, "id");

        if (id && (json_array_size(accounts) == 1 || strcmp(id, "default") == 0))
            chosen = id;
    }
    if (chosen)
        set_text(&remote->credentials.account, chosen);
    else if (json_array_size(accounts) == 0)
        return err_set(err, ERR_DENIED, "the token from %s is for no account at all",
                       remote->credentials.source);
    else
        return fail_with_choice(accounts, err);
    return 0;
}

int remote_prepare(struct remote *remote, struct err *err)
{
    json_t *accounts;
    int r;

    if (credentials_is_due(&remote->credentials) &&
        (r = credentials_renew(&remote->credentials, remote->roundtrip, err)) < 0)
        return r;
    if (remote->credentials.account)
        return 0;
    r = remote_list(remote, remote_path(remote, "/accounts"), NULL, &accounts, err);
    if (r < 0)
        return r;
    r = choose(remote, accounts, err);
    json_decref(accounts);
    return r;
}
