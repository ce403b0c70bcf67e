/* The server of the API; see api.h and call_private.h.
 *
 * A request's way: its path is looked up, its token, account and scope are checked, and only then
 * its body is read; the handler gets it whole. What clients have announced to send is counted, so
 * that a few large uploads and no more are in memory at once. */
#include "api/api.h"

#include <stdlib.h>

#include "api/admit.h"
#include "api/asset_token.h"
#include "api/call_private.h"
#include "api/tables.h"

#define PREFIX "/client/v4"

enum {
    FILE_BYTES_MAX = 26 << 20,   /* of an asset that does not say it */
    CHUNKED_BYTES_MAX = 16 << 20,   /* of a body that does not say how long it is, */
    LARGE_BYTES = 64 << 20,         /* beyond it some handlers take it piece by piece, */
    PIECES_BYTES = 16 << 20,        /* which takes that much memory */
    OPEN_BYTES_MAX = 64 << 10,      /* of one that comes without a token */
    BODIES_BYTES_MAX = 512 << 20,   /* of all calls together, */
    ACCOUNT_BODIES_BYTES_MAX = 128 << 20,    /* and of those of one account */
    CALLS_MAX = 2048,
    CODE_UNKNOWN = 7003,
    CODE_METHOD = 10405,
    CODE_TOO_LARGE = 10027,
    CODE_BUSY = 10029,
};

/* ---- a request ---- */

/* A path with single slashes and none at its end, returned owned. */
static char *clean_path(str path)
{
    char *clean = mem_alloc(path.len + 2);
    size_t len = 0;

    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] != '/' || !len || clean[len - 1] != '/')
            clean[len++] = path.ptr[i];
    }
    if (len > 1 && clean[len - 1] == '/')
        len--;
    clean[len] = '\0';
    return clean;
}

/* Slashes in an object's key stay as they are: the path as it came, where it begins as it should.
 * */
static int find_route(struct call *call, struct router_match *match)
{
    static const struct call_route *const server_tables[] = {api_server_routes, api_oauth_routes,
                                                            api_oauth_token_routes, NULL};
    str method = str_equal(call->method, STR("HEAD")) ? STR("GET") : call->method;
    char *path = clean_path(call->path);
    str below = str_skip(str_from(path), sizeof PREFIX - 1);
    bool is_api = str_starts(str_from(path), STR(PREFIX)) && (!below.len || below.ptr[0] == '/');

    call->path_below = str_dup(is_api ? below : str_from(path));
    free(path);
    below = is_api && str_starts(call->path, STR(PREFIX "/"))
                ? str_skip(call->path, sizeof PREFIX - 1)
                : str_from(call->path_below);
    return router_find(is_api ? tables_all : server_tables, method, below, match);
}

static bool route(struct call *call)
{
    struct router_match match;
    int found = find_route(call, &match);

    if (found == 1) {
        call->route = match.route;
        call->action = match.route->action;
        call->params = match.params;
        call->query = router_query(call->query_text);
        return true;
    }
    if (found == ERR_UNSUPPORTED)
        call_fail(call, 405, CODE_METHOD, "%.*s is not possible at %.*s: %s.",
                  STR_ARGS(call->method), STR_ARGS(call->path), match.allow);
    else
        call_fail(call, 404, CODE_UNKNOWN,
                  "Could not route to %.*s, perhaps your object identifier is invalid? There is "
                  "no %.*s for this path here.",
                  STR_ARGS(call->path), STR_ARGS(call->method));
    return false;
}

static void run(struct call *call)
{
    call->state = CALL_RUNNING;
    call->route->handle(call);
}

/* What takes a body of this length piece by piece; NULL: it is read first. */
static void (*find_large(const struct call *call, const struct http_head *head))(struct call *call)
{
    if (head->framing == HTTP_BODY_CHUNKED || head->content_length <= LARGE_BYTES)
        return NULL;
    for (const struct tables_large *it = tables_large; it->handle; it++)
        if (it->handle == call->route->handle)
            return it->instead;
    return NULL;
}

/* What calls for the same account hold already, so that none takes everybody's share. */
static uint64_t account_bytes(const struct call *call)
{
    uint64_t bytes = 0;

    LIST_EACH(&call->api->calls, link) {
        const struct call *other = CONTAINER_OF(link, struct call, link);

        if (call->account && other->account && strcmp(call->account, other->account) == 0)
            bytes += other->body_reserved;
    }
    return bytes;
}

static void refuse_long(struct call *call, uint64_t max, const char *advice)
{
    bool is_mib = max >= 1 << 20;

    call_fail(call, 413, CODE_TOO_LARGE, "The body has more than %u %s%s.",
              (unsigned)(max >> (is_mib ? 20 : 10)), is_mib ? "MiB" : "KiB", advice);
}

static bool is_for_assets(const struct call *call)
{
    return call->route->scope && strcmp(call->route->scope, CALL_SCOPE_ASSETS) == 0;
}

/* Bytes that this call may come to hold, or 0 after it was refused. */
static bool reserve_body(struct call *call, const struct http_head *head)
{
    struct api *api = call->api;
    bool chunked = head->framing == HTTP_BODY_CHUNKED;
    bool is_open = call->route->scope && !*call->route->scope;
    uint64_t max = is_open ? OPEN_BYTES_MAX : API_BODY_BYTES_MAX;
    uint64_t most = is_for_assets(call) ? FILE_BYTES_MAX : CHUNKED_BYTES_MAX;
    bool in_pieces = find_large(call, head) != NULL;
    uint64_t bytes = in_pieces  ? PIECES_BYTES
                     : !chunked ? head->content_length
                     : is_open  ? max
                                : most;

    if (bytes > max) {
        refuse_long(call, max, "");
        return false;
    }
    if (api->body_bytes + bytes > BODIES_BYTES_MAX ||
        (bytes && account_bytes(call) + bytes > ACCOUNT_BODIES_BYTES_MAX)) {
        call_fail(call, 503, CODE_BUSY, "Too many uploads at once: try again in a moment.");
        return false;
    }
    call->body_reserved = bytes;
    api->body_bytes += bytes;
    return true;
}

static void on_body(struct http_request *request);

/* The handler looks at it again: a session may end while its files come in. */
static bool admit_upload(struct call *call)
{
    struct asset_token token;

    if (asset_token_read_header(call->api->registry, call_header(call, "authorization"), &token)) {
        call->account = str_dup(str_from(call_param(call, "account")));
        return true;
    }
    call_fail(call, 401, 10000, "The token of this upload is missing, wrong or too old.");
    return false;
}

static bool admit(struct call *call)
{
    const char *scope = call->route->scope;

    if (scope && !*scope)
        return true;
    if (is_for_assets(call))
        return admit_upload(call);
    if (!scope || strcmp(scope, CALL_SCOPE_PARCEL) != 0)
        return admit_call(call, scope);
    if (parcel_find(call->api->parcels, call_param(call, "secret")))
        return true;
    call_fail(call, 404, CODE_UNKNOWN, "There is no such file, or not any more.");
    return false;
}

static void on_request(struct http_request *request, const struct http_head *head)
{
    struct api *api = http_request_context(request);
    struct call *call = call_new(api, request, head);
    void (*large)(struct call * call);

    if (api->call_count > CALLS_MAX) {
        call_fail(call, 503, CODE_BUSY, "Too many requests at once: try again in a moment.");
        return;
    }
    if (!route(call))
        return;
    if (!admit(call))
        return;
    if (!reserve_body(call, head))
        return;
    if ((large = find_large(call, head))) {
        call->state = CALL_RUNNING;
        large(call);
        return;
    }
    if (http_body_state(request) == HTTP_BODY_ENDED)
        on_body(request);
    else
        http_body_want_all(request, call->body_reserved);
}

static void on_body(struct http_request *request)
{
    struct call *call = http_request_user(request);

    if (call && call->state == CALL_RUNNING)
        call_flows(call);
    if (!call || call->state != CALL_READING)
        return;
    switch (http_body_state(request)) {
    case HTTP_BODY_ENDED:
        call->body = buf_take(http_body_buffer(request), &call->body_len);
        run(call);
        return;
    case HTTP_BODY_FAILED:
        call_fail(call, 400, 10001, "The body is malformed, or it ended too early.");
        return;
    case HTTP_BODY_MORE:
        refuse_long(call, call->body_reserved, "; a longer one needs a Content-Length");
        return;
    }
}

static void on_drain(struct http_request *request)
{
    struct call *call = http_request_user(request);

    if (call)
        call_flows(call);
}

static void on_client_gone(struct http_request *request)
{
    (void)request; /* what was begun is finished; on_end follows */
}

static void on_end(struct http_request *request)
{
    call_request_over(http_request_user(request));
}

/* ---- its life ---- */

static void on_closed(uv_handle_t *handle)
{
    struct api *api = handle->data;
    void (*on_stopped)(void *) = api->on_stopped;
    void *context = api->stop_context;

    if (--api->open_handles)
        return;
    throttle_free(api->throttle);
    consent_table_free(api->consents);
    parcel_shelf_free(api->parcels);
    free(api);
    on_stopped(context);
}

static void turn_end(struct api *api)
{
    parcel_sweep(api->parcels, uv_now(api->loop));
    if (!api->server_stopped)
        http_server_flush(api->server);
    if (call_reap(api) || !api->server_stopped || !api->tail_stopped ||
        uv_is_closing((uv_handle_t *)&api->check))
        return;
    uv_close((uv_handle_t *)&api->prepare, on_closed);
    uv_close((uv_handle_t *)&api->check, on_closed);
}

static void on_prepare(uv_prepare_t *handle)
{
    turn_end(handle->data);
}

static void on_check(uv_check_t *handle)
{
    turn_end(handle->data);
}

static void on_server_stopped(void *context)
{
    struct api *api = context;

    http_server_free(api->server);
    api->server_stopped = true;
}

static void on_tail_stopped(void *context)
{
    struct api *api = context;

    api->tail = NULL;
    api->tail_stopped = true;
}

static void start_handles(struct api *api)
{
    ASSERT(uv_prepare_init(api->loop, &api->prepare) == 0);
    ASSERT(uv_check_init(api->loop, &api->check) == 0);
    api->prepare.data = api->check.data = api;
    api->open_handles = 2;
    uv_prepare_start(&api->prepare, on_prepare);
    uv_check_start(&api->check, on_check);
    uv_unref((uv_handle_t *)&api->prepare);
    uv_unref((uv_handle_t *)&api->check);
}

int api_start(uv_loop_t *loop, int listen_fd, struct registry *registry,
              const struct platform *platform, struct api **ret, struct err *err)
{
    static const struct http_server_hooks hooks = {on_request,     on_body, on_drain,
                                                   on_client_gone, on_end,  on_server_stopped};
    struct api *api = mem_new(struct api);

    api->loop = loop;
    api->registry = registry;
    api->platform = platform;
    list_init(&api->calls);
    if (http_server_new(loop, listen_fd,
                        (struct http_server_options){.hooks = &hooks,
                                                     .context = api,
                                                     .body_bytes_max = HTTP_BODY_BYTES_MAX},
                        &api->server) < 0) {
        free(api);
        return err_set(err, ERR_IO, "descriptor %d of the admin address does not listen",
                       listen_fd);
    }
    http_server_accept(api->server, true);
    api->throttle = throttle_new();
    api->consents = consent_table_new();
    api->parcels = parcel_shelf_new();
    api->tail = api_tail_start(loop, platform);
    start_handles(api);
    *ret = api;
    return 0;
}

void api_on_tail(struct api *api, const char *key, const json_t *event)
{
    if (api->tail)
        api_tail_event(api->tail, key, event);
}

void api_stop(struct api *api, void (*on_stopped)(void *context), void *context)
{
    ASSERT(!api->stopping);
    api->stopping = true;
    api->on_stopped = on_stopped;
    api->stop_context = context;
    uv_ref((uv_handle_t *)&api->prepare);
    uv_ref((uv_handle_t *)&api->check);
    api_tail_stop(api->tail, on_tail_stopped, api);
    http_server_stop(api->server);
}
