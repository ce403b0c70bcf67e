/* Objects in pieces; see api_r2_stream.h.
 *
 *   in    create ──> (body ──> part)* ──> complete        any failure ──> abort
 *   out   (get of a range, if it is the same object still ──> client)*
 *
 * (1) One call of the store at a time; meanwhile the client's bytes wait in its socket, so that a
 *     fast client fills no memory, and a slow one asks for nothing.
 * (2) What is answered is over: a store that answers later finds no call, only the upload. */
#include "api/api_r2_stream.h"

#include <stdlib.h>

#include "api/api_r2.h"
#include "base/member.h"
#include "registry/storage.h"

/* ---- in ---- */

struct put {
    struct call *call;
    char *store;
    json_t *args, *parts;
    json_t *upload;         /* {key, uploadId}; NULL before it is there */
    struct buf piece;
    bool waits;             /* for the store (1) */
    bool has_all;           /* of the body */
    void (*on_put)(void *call, const struct platform_stored *stored);
};

static void put_free(struct put *put)
{
    json_decref(put->args);
    json_decref(put->parts);
    json_decref(put->upload);
    buf_done(&put->piece);
    free(put->store);
    free(put);
}

/* `args` is taken. */
static void put_ask(struct put *put, const char *word, json_t *args, str bytes,
                    void (*on_done)(void *put, const struct platform_stored *stored))
{
    const struct platform *platform = call_platform(put->call);
    const struct platform_store request = {
        .kind = api_r2_kind.type, .store = put->store, .call = word, .args = args, .bytes = bytes};

    put->waits = true;
    platform->store(platform->context, &request, on_done, put);
    json_decref(args);
}

static void on_aborted(void *arg, const struct platform_stored *stored)
{
    (void)stored; /* the sweep of the bucket takes what is left */
    put_free(arg);
}

/* After the call was answered: takes back what was written. */
static void put_abort(struct put *put)
{
    call_watch(put->call, NULL, NULL);
    if (put->upload)
        put_ask(put, "abort", json_incref(put->upload), STR_NONE, on_aborted);
    else
        put_free(put);
}

static bool put_failed(struct put *put, const struct platform_stored *stored)
{
    put->waits = false;
    if (!stored_failed(put->call, stored, API_R2_CODE_BAD))
        return false;
    put_abort(put);
    return true;
}

static void put_step(struct put *put);

static void on_part(void *arg, const struct platform_stored *stored)
{
    struct put *put = arg;
    json_t *part;

    if (put_failed(put, stored))
        return;
    part = json_loadb(stored->result.ptr, stored->result.len, 0, NULL);
    json_array_append_new(put->parts, part ? part : json_null());
    buf_clear(&put->piece);
    put_step(put);
}

static void on_complete(void *arg, const struct platform_stored *stored)
{
    struct put *put = arg;

    if (put_failed(put, stored))
        return;
    call_watch(put->call, NULL, NULL);
    put->on_put(put->call, stored);
    put_free(put);
}

/* Moves what has come of the body. Returns false when no more will. */
static bool put_take(struct put *put)
{
    struct http_request *request = call_request(put->call);
    struct buf *body;
    str some;

    if (put->has_all)
        return true;
    if (!request || http_body_state(request) == HTTP_BODY_FAILED)
        return false;
    body = http_body_buffer(request);
    some = str_head(buf_str(body), API_R2_STREAM_PIECE_BYTES - put->piece.len);
    ASSERT(buf_append(&put->piece, some) == 0);
    buf_consume(body, some.len);
    put->has_all = !body->len && http_body_state(request) == HTTP_BODY_ENDED;
    return true;
}

static void put_part(struct put *put)
{
    json_t *args = json_copy(put->upload);

    json_object_set_new(args, "partNumber",
                        json_integer((json_int_t)json_array_size(put->parts) + 1));
    put_ask(put, "part", args, buf_str(&put->piece), on_part);
}

static void put_complete(struct put *put)
{
    json_t *args = json_copy(put->upload);

    json_object_set(args, "parts", put->parts);
    put_ask(put, "complete", args, STR_NONE, on_complete);
}

static void put_step(struct put *put)
{
    if (put->waits)
        return;
    if (!put_take(put)) {
        call_fail(put->call, 400, API_R2_CODE_BAD, "The body ended too early.");
        put_abort(put);
    } else if (put->piece.len == API_R2_STREAM_PIECE_BYTES || (put->has_all && put->piece.len)) {
        put_part(put);
    } else if (put->has_all) {
        put_complete(put);
    } else {
        http_body_want(call_request(put->call));
    }
}

static void put_flows(struct call *call, void *context)
{
    (void)call;
    put_step(context);
}

static void on_created(void *arg, const struct platform_stored *stored)
{
    struct put *put = arg;
    const char *id;
    json_t *created;

    if (put_failed(put, stored))
        return;
    created = json_loadb(stored->result.ptr, stored->result.len, JSON_ALLOW_NUL, NULL);
    id = member_text(created, "uploadId");
    put->upload = json_pack("{s:O, s:s}", "key", json_object_get(put->args, "key"), "uploadId",
                            id ? id : "");
    json_decref(created);
    put_step(put);
}

void api_r2_stream_put(struct call *call, json_t *row, json_t *args,
                       void (*on_put)(void *call, const struct platform_stored *stored))
{
    struct put *put = mem_new(struct put);

    put->call = call;
    put->store = storage_store(row);
    put->args = args;
    put->parts = json_array();
    put->on_put = on_put;
    buf_init(&put->piece, API_R2_STREAM_PIECE_BYTES);
    json_decref(row);
    call_watch(call, put_flows, put);
    put_ask(put, "create", json_incref(args), STR_NONE, on_created);
}

/* ---- out ---- */

struct get {
    struct call *call;
    char *store, *key, *etag;
    uint64_t offset, left;  /* of what was not asked for yet */
    bool waits;             /* for the store (1) */
    bool is_full;           /* the client has enough for now */
    int status;
};

/* Ends the answer, well when it is whole. */
static void get_end(struct get *get)
{
    struct http_request *request = call_request(get->call);

    call_watch(get->call, NULL, NULL);
    if (request)
        (get->left ? http_answer_abort : http_answer_end)(request);
    call_streamed(get->call, get->status);
    free(get->store);
    free(get->key);
    free(get->etag);
    free(get);
}

static void get_step(struct get *get);

/* False when the answer cannot go on. */
static bool get_write(struct get *get, str bytes)
{
    struct http_request *request = call_request(get->call);
    int r = request && bytes.len && bytes.len <= get->left ? http_answer_write(request, bytes) : -1;

    get->offset += bytes.len;
    get->left -= r < 0 ? 0 : bytes.len;
    get->is_full = r == 0;
    return r >= 0;
}

static void on_piece(void *arg, const struct platform_stored *stored)
{
    struct get *get = arg;

    get->waits = false;
    if (!stored->code && get_write(get, stored->bytes))
        get_step(get);
    else
        get_end(get);
}

static void get_ask(struct get *get)
{
    const struct platform *platform = call_platform(get->call);
    uint64_t most = API_R2_STREAM_PIECE_BYTES, length = get->left < most ? get->left : most;
    json_t *args = json_pack("{s:s, s:{s:I, s:I}, s:{s:[s]}}", "key", get->key, "range", "offset",
                             (json_int_t)get->offset, "length", (json_int_t)length, "onlyIf",
                             "etagMatches", get->etag);
    const struct platform_store request = {.kind = api_r2_kind.type,
                                           .store = get->store,
                                           .call = "get",
                                           .args = args};

    get->waits = true;
    platform->store(platform->context, &request, on_piece, get);
    json_decref(args);
}

static void get_step(struct get *get)
{
    if (get->waits)
        return;
    if (!get->left || !call_request(get->call))
        get_end(get);
    else if (!get->is_full)
        get_ask(get);
}

static void get_flows(struct call *call, void *context)
{
    struct get *get = context;

    (void)call;
    get->is_full = false;
    get_step(get);
}

void api_r2_stream_get(struct call *call, const struct api_r2_stream_get *what)
{
    struct http_request *request = call_request(call);
    struct get *get;

    if (!request || !http_answer_start(request, what->status, what->head, (int64_t)what->length)) {
        call_streamed(call, what->status);
        return;
    }
    get = mem_new(struct get);
    get->call = call;
    get->store = storage_store(what->row);
    get->key = str_dup(str_from(what->key));
    get->etag = str_dup(str_from(what->etag));
    get->offset = what->offset;
    get->left = what->length;
    get->status = what->status;
    call_watch(call, get_flows, get);
    if (get_write(get, what->first))
        get_step(get);
    else
        get_end(get);
}
