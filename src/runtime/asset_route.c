/* Requests answered by files; see asset_route.h.
 *
 *     asset_route_try ──in memory──> answered
 *             │ ──not in memory──> WAITING ──> answered
 *             └ ──large──> OPENING ──> answered with the file
 *
 * (1) What is in memory is answered within the call: nothing is allocated for it, nothing copied.
 * (2) A route ends when it is answered or its exchange is over, but stays until the file system has
 *     given back what it was asked for. From then on the contents are the connection's. */
#include "runtime/asset_route.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/member.h"
#include "bindings/assets/site_answer.h"
#include "bindings/assets/site_body.h"
#include "runtime/exchange.h"
#include "runtime/page.h"

enum {
    COPIED_BYTES_MAX = 1024, /* what is no more work to copy than to keep */
    HASH_MAX = 128,
};

enum route_state { ROUTE_WAITING, ROUTE_OPENING, ROUTE_OVER };

struct asset_route {
    enum route_state state;
    struct exchange *x;              /* NULL once it is over */
    struct site_open *open;
    struct site_answer answer;
    char hash[HASH_MAX];             /* of its file; a directory's is soon another's */
    struct site_body_wait wait;
    uv_fs_t fs;
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
    rollout->ids[at] = str_from(str_dup(str_from(member_text(version, "id"))));
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
    site_open_unref(route->open);
    site_answer_done(&route->answer);
    free(route);
}

void asset_route_over(struct exchange *x)
{
    struct asset_route *route = x->asset;

    x->asset = NULL;
    route->x = NULL;
    if (route->state == ROUTE_OPENING) {
        route->state = ROUTE_OVER;
        return;
    }
    if (route->state == ROUTE_WAITING)
        site_body_forget(&route->wait);
    route_free(route);
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

static struct asset_route *route_new(struct exchange *x, struct site_open *open,
                                     const struct site_answer *answer)
{
    struct asset_route *route = mem_new(struct asset_route);
    str hash = answer->file.hash;

    ASSERT(hash.len < sizeof route->hash);
    memcpy(route->hash, hash.ptr, hash.len);
    route->x = x;
    route->open = site_open_ref(open);
    route->answer = *answer;
    route->answer.file.hash.ptr = route->hash;
    x->asset = route;
    return route;
}

static void release_body(void *body)
{
    site_body_unref(body);
}

/* Answers with a body (taken), when the head is made; the answer is taken, too. */
static void answer_body(struct exchange *x, struct site_answer *answer, struct site_body *body)
{
    str bytes = site_body_bytes(body);
    struct http_kept kept = {.bytes = bytes.ptr,
                             .from = answer->from,
                             .length = answer->length,
                             .release = release_body,
                             .owner = body};

    if (answer->outcome == SITE_TO_FILE && answer->length > COPIED_BYTES_MAX) {
        http_answer_kept(x->http, answer->status, buf_str(&answer->head), &kept);
    } else {
        bytes = str_head(str_skip(bytes, answer->from), answer->length);
        http_answer_whole(x->http, answer->status, buf_str(&answer->head),
                          answer->outcome == SITE_TO_HEAD ? STR_NONE : bytes);
        site_body_unref(body);
    }
    site_answer_done(answer);
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
    struct site_answer answer = route->answer;
    struct site_request request = request_of(x);
    struct err err;

    if (!body || !exchange_can_answer(x)) {
        site_body_unref(body);
        fail(x);
    } else {
        site_answer_finish(site_open_site(route->open, &err), &request, site_body_coding(body),
                           site_body_bytes(body).len, &answer);
        route->answer = (struct site_answer){0};
        answer_body(x, &answer, body);
    }
    route_free(route);
}

/* ---- from disk ---- */

static void answer_from_file(struct exchange *x, const struct site_answer *answer, int fd)
{
    struct http_kept kept = {.fd = fd, .from = answer->from, .length = answer->length};

    if (answer->outcome == SITE_TO_HEAD) {
        answer_head(x, answer);
        close_file(fd);
    } else {
        http_answer_kept(x->http, answer->status, buf_str(&answer->head), &kept);
    }
}

static void on_opened(uv_fs_t *fs)
{
    struct asset_route *route = CONTAINER_OF(fs, struct asset_route, fs);
    struct exchange *x = route->x;
    struct site_answer answer = route->answer;
    int fd = fs->result < 0 ? -1 : (int)fs->result;
    bool is_over = route->state == ROUTE_OVER || !exchange_can_answer(x);

    uv_fs_req_cleanup(fs);
    route->answer = (struct site_answer){0};
    route_free(route);
    if (!is_over && fd >= 0)
        answer_from_file(x, &answer, fd);
    else if (fd >= 0)
        close_file(fd);
    else if (!is_over)
        fail(x);
    site_answer_done(&answer);
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
        answer_body(x, answer, body);
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
