/* Requests answered by files; see asset_route.h.
 *
 *     asset_route_try ──in memory──> answered whole, or MEMORY
 *             │ ──small, not in memory──> WAITING ──> answered whole, or MEMORY
 *             └ ──large──> OPENING ──> READING <──> FULL ──> closed
 *
 * (1) What is in memory and small is answered within the call: nothing is allocated for it.
 * (2) A route ends when its answer is whole or its exchange is over, but stays until the file
 *     system has given back what it was asked for. */
#include "runtime/asset_route.h"

#include <fcntl.h>
#include <stdlib.h>

#include "bindings/assets/site_answer.h"
#include "bindings/assets/site_body.h"
#include "runtime/exchange.h"
#include "runtime/page.h"

enum {
    WHOLE_BYTES_MAX = 64 << 10,     /* an answer that is put out at once */
    PIECE_BYTES = 128 << 10,
};

enum route_state {
    ROUTE_WAITING, ROUTE_MEMORY, ROUTE_OPENING, ROUTE_READING, ROUTE_FULL, ROUTE_OVER
};

struct asset_route {
    enum route_state state;
    struct exchange *x;              /* NULL once it is over */
    struct site_open *open;
    struct site_answer answer;
    struct site_body_wait wait;
    struct site_body *body;          /* of MEMORY */
    enum site_coding coding;
    uint64_t at, left;               /* of the contents */
    int fd;                          /* -1: none */
    uv_fs_t fs;
    char *piece;
};

/* ---- deployments ---- */

static bool add_site(struct asset_sites *sites, const json_t *version)
{
    const json_t *assets = json_object_get(json_object_get(version, "config"), "assets");
    struct rollout *rollout = &sites->rollout;
    size_t at = rollout->count;

    if (at == ROLLOUT_VERSIONS_MAX)
        return false;
    rollout->percents[at] = json_number_value(json_object_get(version, "percent"));
    rollout->ids[at] = str_from(
        str_dup(str_from(json_string_value(json_object_get(version, "id")))));
    sites->sites[at] = assets ? site_open_new(assets) : NULL;
    rollout->count++;
    return sites->sites[at] != NULL;
}

struct asset_sites *asset_route_sites(const json_t *frame)
{
    struct asset_sites *sites = mem_new(struct asset_sites);
    const json_t *version;
    bool any = false;
    size_t i;

    json_array_foreach(json_object_get(frame, "versions"), i, version)
        any |= add_site(sites, version);
    if (any)
        return sites;
    asset_route_free_sites(sites);
    return NULL;
}

void asset_route_free_sites(struct asset_sites *sites)
{
    if (!sites)
        return;
    for (size_t i = 0; i < sites->rollout.count; i++) {
        free((char *)sites->rollout.ids[i].ptr);
        site_open_unref(sites->sites[i]);
    }
    free(sites);
}

/* ---- a route's end ---- */

static void on_closed(uv_fs_t *fs)
{
    uv_fs_req_cleanup(fs);
    free(fs);
}

static void close_file(int fd)
{
    uv_fs_t *fs = mem_new(uv_fs_t);

    if (uv_fs_close(isolate_loop(), fs, fd, on_closed) < 0)
        free(fs);
}

static void route_free(struct asset_route *route)
{
    if (route->x)
        route->x->asset = NULL;
    if (route->fd >= 0)
        close_file(route->fd);
    site_body_unref(route->body);
    site_open_unref(route->open);
    site_answer_done(&route->answer);
    free(route->piece);
    free(route);
}

void asset_route_over(struct exchange *x)
{
    struct asset_route *route = x->asset;

    x->asset = NULL;
    route->x = NULL;
    if (route->state == ROUTE_OPENING || route->state == ROUTE_READING) {
        route->state = ROUTE_OVER;
        return;
    }
    if (route->state == ROUTE_WAITING)
        site_body_forget(&route->wait);
    route_free(route);
}

static void end_whole(struct asset_route *route)
{
    struct exchange *x = route->x;

    route_free(route);
    http_answer_end(x->http);
}

static void end_cut(struct asset_route *route)
{
    struct exchange *x = route->x;

    route_free(route);
    http_answer_abort(x->http);
}

/* ---- requests ---- */

static struct site_request request_of(const struct exchange *x)
{
    str path = exchange_path(x), text = buf_str(&x->text);
    size_t query = str_find(path, '?');

    return (struct site_request){
        .method = exchange_method(x),
        .host = exchange_host(x),
        .path = str_head(path, query),
        .query = str_skip(path, query),
        .headers = str_skip(text, x->method_len + x->url_len),
    };
}

static void answer_head(struct exchange *x, const struct site_answer *answer)
{
    http_answer_whole(x->http, answer->status, buf_str(&answer->head), STR_NONE);
}

/* ---- from memory ---- */

static void pump_memory(struct asset_route *route)
{
    str rest = str_head(str_skip(site_body_bytes(route->body), route->at), route->left);

    while (rest.len) {
        str piece = str_head(rest, PIECE_BYTES);
        int r = http_answer_write(route->x->http, piece);

        rest = str_skip(rest, piece.len);
        route->at += piece.len;
        route->left -= piece.len;
        if (r < 0) {
            end_cut(route);
            return;
        }
        if (r == 0 && rest.len)
            return;
    }
    end_whole(route);
}

static struct asset_route *route_new(struct exchange *x, struct site_open *open,
                                     const struct site_answer *answer)
{
    struct asset_route *route = mem_new(struct asset_route);

    route->x = x;
    route->open = site_open_ref(open);
    route->answer = *answer;
    route->fd = -1;
    x->asset = route;
    return route;
}

/* Answers with a body (taken), when the head is made; the answer is taken, too. */
static void answer_body(struct exchange *x, struct site_open *open, struct site_answer *answer,
                        struct site_body *body)
{
    str bytes = str_head(str_skip(site_body_bytes(body), answer->from), answer->length);
    struct asset_route *route;

    if (answer->outcome == SITE_TO_HEAD || bytes.len <= WHOLE_BYTES_MAX ||
        x->method_id == HTTP_HEAD) {
        http_answer_whole(x->http, answer->status, buf_str(&answer->head),
                          answer->outcome == SITE_TO_HEAD ? STR_NONE : bytes);
        site_answer_done(answer);
        site_body_unref(body);
        return;
    }
    route = route_new(x, open, answer);
    route->state = ROUTE_MEMORY;
    route->body = body;
    route->at = answer->from;
    route->left = answer->length;
    if (http_answer_start(x->http, answer->status, buf_str(&answer->head), (int64_t)answer->length))
        pump_memory(route);
    else
        route_free(route);
}

static void fail(struct exchange *x)
{
    page_error(x, 500, "The file cannot be read",
               STR("It is damaged or missing on the server. Deploying the worker again may help."));
}

static void on_body(struct site_body_wait *wait, struct site_body *body)
{
    struct asset_route *route = CONTAINER_OF(wait, struct asset_route, wait);
    struct exchange *x = route->x;
    struct site_open *open = site_open_ref(route->open);
    struct site_answer answer = route->answer;
    struct site_request request = request_of(x);
    struct err err;

    route->answer = (struct site_answer){0};
    route_free(route);
    if (!body || !exchange_can_answer(x)) {
        site_answer_done(&answer);
        site_body_unref(body);
        fail(x);
    } else {
        site_answer_finish(site_open_site(open, &err), &request, site_body_coding(body),
                           site_body_bytes(body).len, &answer);
        answer_body(x, open, &answer, body);
    }
    site_open_unref(open);
}

/* ---- from disk ---- */

static void read_on(struct asset_route *route);

static void on_read(uv_fs_t *fs)
{
    struct asset_route *route = CONTAINER_OF(fs, struct asset_route, fs);
    ssize_t got = fs->result;
    int r;

    uv_fs_req_cleanup(fs);
    if (route->state == ROUTE_OVER) {
        route_free(route);
        return;
    }
    if (got <= 0 || (r = http_answer_write(route->x->http, (str){route->piece, (size_t)got})) < 0) {
        end_cut(route);
        return;
    }
    route->at += (uint64_t)got;
    route->left -= (uint64_t)got;
    if (!route->left)
        end_whole(route);
    else if (r == 0)
        route->state = ROUTE_FULL;
    else
        read_on(route);
}

static void read_on(struct asset_route *route)
{
    size_t wanted = route->left < PIECE_BYTES ? (size_t)route->left : PIECE_BYTES;
    uv_buf_t buf;

    if (!route->piece)
        route->piece = mem_alloc(PIECE_BYTES);
    buf = uv_buf_init(route->piece, (unsigned)wanted);
    route->state = ROUTE_READING;
    ASSERT(uv_fs_read(isolate_loop(), &route->fs, route->fd, &buf, 1, (int64_t)route->at,
                      on_read) == 0);
}

static void start_reading(struct asset_route *route)
{
    struct exchange *x = route->x;

    route->at = route->answer.from;
    route->left = route->answer.length;
    if (route->answer.outcome == SITE_TO_HEAD) {
        answer_head(x, &route->answer);
        route_free(route);
    } else if (!http_answer_start(x->http, route->answer.status, buf_str(&route->answer.head),
                                  (int64_t)route->left)) {
        route_free(route);
    } else {
        read_on(route);
    }
}

static void on_opened(uv_fs_t *fs)
{
    struct asset_route *route = CONTAINER_OF(fs, struct asset_route, fs);
    struct exchange *x = route->x;

    route->fd = fs->result < 0 ? -1 : (int)fs->result;
    uv_fs_req_cleanup(fs);
    if (route->state == ROUTE_OVER || !exchange_can_answer(x)) {
        route_free(route);
    } else if (route->fd < 0) {
        route_free(route);
        fail(x);
    } else {
        start_reading(route);
    }
}

static void open_file(struct exchange *x, struct site_open *open, const struct site_answer *answer,
                      const char *path)
{
    struct asset_route *route = route_new(x, open, answer);

    route->state = ROUTE_OPENING;
    ASSERT(uv_fs_open(isolate_loop(), &route->fs, path, O_RDONLY | O_CLOEXEC, 0, on_opened) == 0);
}

/* ---- the choice ---- */

static void load(struct exchange *x, struct site_open *open, const struct site_answer *answer,
                 const struct site_body_request *wanted)
{
    struct asset_route *route = route_new(x, open, answer);

    route->state = ROUTE_WAITING;
    route->wait.on_body = on_body;
    site_body_load(wanted, &route->wait);
}

/* The answer is taken. */
static void answer_file(struct exchange *x, struct site_open *open, struct site *site,
                        const struct site_request *request, struct site_answer *answer)
{
    char path[SITE_OPEN_PATH_MAX];
    struct site_body_request wanted = {.path = path,
                                       .file = &answer->file,
                                       .coding = site_answer_coding(request, &answer->file),
                                       .keeps = site_open_keeps(open)};
    struct site_body *body;

    if (!site_open_path(open, &answer->file, path)) {
        site_answer_done(answer);
        fail(x);
    } else if (answer->file.bytes > SITE_BODY_BYTES_MAX) {
        site_answer_finish(site, request, SITE_IDENTITY, answer->file.bytes, answer);
        open_file(x, open, answer, path);
    } else if ((body = site_body_find(&wanted))) {
        site_answer_finish(site, request, site_body_coding(body), site_body_bytes(body).len,
                           answer);
        answer_body(x, open, answer, body);
    } else {
        load(x, open, answer, &wanted);
    }
}

bool asset_route_try(struct site_open *open, struct exchange *x)
{
    struct site_request request = request_of(x);
    struct site_answer answer;
    struct err err;
    struct site *site = site_open_site(open, &err);

    if (!site) {
        page_error(x, 500, "The files of this worker cannot be read",
                   STR("What the server stored of them is damaged or missing. Deploying the worker "
                       "again may help."));
        return true;
    }
    site_answer_find(site, &request, &answer);
    if (answer.outcome == SITE_TO_FILE) {
        answer_file(x, open, site, &request, &answer);
        return true;
    }
    if (answer.outcome == SITE_TO_HEAD)
        answer_head(x, &answer);
    site_answer_done(&answer);
    return answer.outcome == SITE_TO_HEAD;
}

void asset_route_on_drain(struct exchange *x)
{
    struct asset_route *route = x->asset;

    if (route->state == ROUTE_MEMORY)
        pump_memory(route);
    else if (route->state == ROUTE_FULL)
        read_on(route);
}
