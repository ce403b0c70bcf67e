/* Uploads of static assets: what is missing is asked for, sent, and stored.
 *
 *     POST .../scripts/:script/assets-upload-session   paths with hashes and sizes -> token,
 *     buckets POST .../assets/upload?base64=true               a bucket of files as a form, with
 *     that token POST .../assets/upload/:hash                     one file as it is
 *
 * (1) Contents are decoded and synced on a thread; their rows are written when all of a call are
 *     stored. The call that brings the last file gets the token that a version is made with.
 * (2) Files go one by one when a large one is missing: that saves a third, and memory. */
#include <ctype.h>
#include <stdlib.h>

#include "api/asset_token.h"
#include "api/call_private.h"
#include "api/multipart.h"
#include "api/tables.h"
#include "base/member.h"
#include "bindings/assets/site.h"
#include "registry/asset.h"
#include "web/base64.h"

enum {
    CODE_INVALID = 10304,
    CODE_TOKEN = 10000,
    BUCKET_BYTES = 24 << 20,
    BUCKET_FILES = 500,
    SINGLE_BYTES = 8 << 20,    /* a missing file from this size on: one by one */
};

/* ---- sessions ---- */

static bool is_key(const char *key)
{
    size_t len = key ? strlen(key) : 0;

    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)key[i]))
            return false;
    return len >= 1 && len <= ASSET_KEY_MAX;
}

static int check_file(const char *path, const json_t *file, struct err *err)
{
    const json_t *size = json_object_get(file, "size");

    if (path[0] != '/' || strlen(path) > SITE_PATH_MAX)
        return err_set(err, ERR_INVALID,
                       "\"%.200s\" is no path: it begins with \"/\" and has at "
                       "most %d bytes.",
                       path, SITE_PATH_MAX);
    if (!is_key(member_text(file, "hash")) || !json_is_integer(size) ||
        json_integer_value(size) < 0)
        return err_set(
            err, ERR_INVALID,
            "The file \"%.200s\" needs a \"hash\" of letters and digits, and a \"size\".", path);
    if (json_integer_value(size) > SITE_FILE_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "The file \"%.200s\" has more than %d MiB.", path,
                       SITE_FILE_BYTES_MAX >> 20);
    return 0;
}

/* A hash has one size, or the upload would never be whole. */
static int check_size(json_t *sizes, const char *path, const json_t *file, struct err *err)
{
    const char *hash = member_text(file, "hash");
    json_t *size = json_object_get(file, "size"), *before = json_object_get(sizes, hash);

    if (before && !json_equal(before, size))
        return err_set(err, ERR_INVALID, "The hash of \"%.200s\" has two sizes.", path);
    return json_object_set(sizes, hash, size);
}

static int check_manifest(const json_t *files, struct err *err)
{
    const char *path;
    json_t *file, *sizes;
    int r = 0;

    if (!json_is_object(files))
        return err_set(err, ERR_INVALID, "\"manifest\" must be an object of paths.");
    if (json_object_size(files) > SITE_FILES_MAX)
        return err_set(err, ERR_LIMIT, "There are more than %d files.", SITE_FILES_MAX);
    sizes = json_object();
    json_object_foreach((json_t *)files, path, file)
        if (r == 0 && (r = check_file(path, file, err)) == 0)
            r = check_size(sizes, path, file, err);
    json_decref(sizes);
    return r;
}

/* An array of arrays of hashes, each of what one call can bring. */
static json_t *buckets_of(const json_t *missing, bool *ret_single)
{
    json_t *buckets = json_array(), *bucket = NULL, *size;
    json_int_t bytes = 0;
    const char *key;

    *ret_single = false;
    json_object_foreach((json_t *)missing, key, size) {
        json_int_t own = json_integer_value(size);

        *ret_single |= own >= SINGLE_BYTES;
        if (!bucket || bytes + own > BUCKET_BYTES || json_array_size(bucket) >= BUCKET_FILES) {
            bucket = json_array();
            json_array_append_new(buckets, bucket);
            bytes = 0;
        }
        bytes += own;
        json_array_append_new(bucket, json_string(key));
    }
    return buckets;
}

static void answer_session(struct call *call, const char *session, const json_t *missing)
{
    struct asset_token token = {.is_complete = !json_object_size(missing)};
    json_t *buckets = buckets_of(missing, &token.is_single);
    char *text;

    memcpy(token.session, session, ASSET_ID_BYTES);
    text = asset_token_make(call_registry(call), &token);
    call_ok(call, json_pack("{s:s, s:o}", "jwt", text, "buckets", buckets));
    free(text);
}

static void begin(struct call *call)
{
    const json_t *body = call_json(call), *files;
    char session[ASSET_ID_BYTES];
    json_t *missing = NULL;
    struct err err;
    int r;

    if (!body)
        return;
    files = json_object_get(body, "manifest");
    if (check_manifest(files, &err) < 0) {
        call_fail(call, 400, CODE_INVALID, "%s", err.text);
        return;
    }
    if ((r = asset_begin(call_registry(call), call_account(call), call_param(call, "script"), files,
                         session, &err)) == 0)
        r = asset_missing(call_registry(call), call_account(call), files, &missing, &err);
    if (r < 0)
        call_fail_err(call, 0, &err);
    else
        answer_session(call, session, missing);
    json_decref(missing);
}

/* ---- uploads ---- */

struct item {
    char *key, *type;
    str body;
    size_t bytes;
    char hash[ASSET_HASH_BYTES];
};

struct storing {
    struct call *call;
    struct registry *registry;
    uv_work_t work;
    json_t *session, *sizes;    /* of hash to size */
    char session_id[ASSET_ID_BYTES];
    struct multipart form;
    struct item *items;
    size_t count;
    bool is_base64;
    struct err err;
};

static void storing_free(struct storing *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->items[i].key);
        free(s->items[i].type);
    }
    free(s->items);
    multipart_done(&s->form);
    json_decref(s->session);
    json_decref(s->sizes);
    free(s);
}

/* The size that the session says; -1 when it has no such hash. */
static json_int_t size_of(const struct storing *s, const char *key)
{
    const json_t *size = json_object_get(s->sizes, key);

    return size ? json_integer_value(size) : -1;
}

static json_t *sizes_of(const json_t *files)
{
    json_t *sizes = json_object(), *file;
    const char *path;

    json_object_foreach((json_t *)files, path, file)
        json_object_set(sizes, member_text(file, "hash"), json_object_get(file, "size"));
    return sizes;
}

static int store_item(struct storing *s, struct item *item)
{
    str bytes = item->body;
    char *decoded = NULL;
    int64_t len;
    int r;

    if (s->is_base64) {
        decoded = mem_alloc(bytes.len + 1);
        if ((len = base64_decode(bytes, decoded)) < 0) {
            free(decoded);
            return err_set(&s->err, ERR_INVALID, "The file %s is no base64.", item->key);
        }
        bytes = (str){decoded, (size_t)len};
    }
    item->bytes = bytes.len;
    if (bytes.len > SITE_FILE_BYTES_MAX)
        r = err_set(&s->err, ERR_LIMIT, "The file %s has more than %d MiB.", item->key,
                    SITE_FILE_BYTES_MAX >> 20);
    else
        r = asset_store(s->registry, bytes, item->hash, &s->err);
    free(decoded);
    return r;
}

static void on_thread(uv_work_t *work)
{
    struct storing *s = CONTAINER_OF(work, struct storing, work);

    for (size_t i = 0; i < s->count && !s->err.code; i++)
        if (store_item(s, &s->items[i]) < 0 && !s->err.code)
            s->err.code = ERR_IO;
}

static int add_item(struct storing *s, const struct item *item, struct err *err)
{
    json_int_t size = size_of(s, item->key);

    if (size < 0 || (uint64_t)size != item->bytes)
        return err_set(err, ERR_INVALID,
                       "The file %s is not what the manifest says: it has %zu bytes.", item->key,
                       item->bytes);
    return asset_add(s->registry, member_text(s->session, "account"),
                     &(struct asset_content){.key = item->key,
                                             .hash = item->hash,
                                             .bytes = (int64_t)item->bytes,
                                             .type = item->type},
                     err);
}

static int add_items(struct storing *s, struct err *err)
{
    int r = registry_begin(s->registry, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < s->count && r == 0; i++)
        r = add_item(s, &s->items[i], err);
    return registry_end(s->registry, r, err);
}

static void answer_stored(struct storing *s)
{
    struct asset_token token = {.is_complete = true};
    json_t *missing = NULL;
    struct err err;
    char *text;

    if (asset_missing(s->registry, member_text(s->session, "account"),
                      json_object_get(s->session, "files"), &missing, &err) < 0) {
        call_fail_err(s->call, 0, &err);
        return;
    }
    memcpy(token.session, s->session_id, ASSET_ID_BYTES);
    if (json_object_size(missing)) {
        call_ok(s->call, json_object());
    } else {
        text = asset_token_make(s->registry, &token);
        call_ok(s->call, json_pack("{s:s}", "jwt", text));
        free(text);
    }
    json_decref(missing);
}

static void on_stored(uv_work_t *work, int status)
{
    struct storing *s = CONTAINER_OF(work, struct storing, work);
    struct err err = s->err;

    (void)status;
    asset_release(s->registry);
    if (err.code || add_items(s, &err) < 0) {
        if (err.code == ERR_IO)
            call_fail_err(s->call, 0, &err);
        else
            call_fail(s->call, 400, CODE_INVALID, "%s", err.text);
    } else {
        answer_stored(s);
    }
    storing_free(s);
}

/* The type a file is served with; application/null stands for none. */
static char *type_of(str type)
{
    bool good = type.len <= SITE_TYPE_MAX && !str_starts(type, STR("application/null"));

    for (size_t i = 0; i < type.len && good; i++)
        good = (unsigned char)type.ptr[i] >= ' ' && (unsigned char)type.ptr[i] < 0x7f;
    return str_dup(good ? type : STR_NONE);
}

static void add(struct storing *s, str key, str type, str body)
{
    s->items[s->count++] = (struct item){.key = str_dup(key), .type = type_of(type), .body = body};
}

/* Starts, once the session is there and the hashes are its own; else answers. */
static void start(struct storing *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (size_of(s, s->items[i].key) < 0) {
            call_fail(s->call, 400, CODE_INVALID, "The manifest has no file %.64s.",
                      s->items[i].key);
            storing_free(s);
            return;
        }
    asset_hold(s->registry);
    ASSERT(uv_queue_work(s->call->api->loop, &s->work, on_thread, on_stored) == 0);
}

/* NULL after it was answered. */
static struct storing *open_session(struct call *call, size_t room)
{
    struct storing *s = mem_new(struct storing);
    struct asset_token token;
    struct err err;

    s->call = call;
    s->registry = call_registry(call);
    s->items = mem_zeroed((room + 1) * sizeof *s->items);
    if (!asset_token_read_header(s->registry, call_header(call, "authorization"), &token) ||
        asset_session(s->registry, token.session, &s->session, &err) < 0 ||
        strcmp(member_text(s->session, "account"), call_param(call, "account")) != 0) {
        call_fail(call, 401, CODE_TOKEN,
                  "The upload is over, or its token is wrong: begin the upload again.");
        storing_free(s);
        return NULL;
    }
    memcpy(s->session_id, token.session, ASSET_ID_BYTES);
    s->sizes = sizes_of(json_object_get(s->session, "files"));
    return s;
}

static void upload_form(struct call *call)
{
    const char *base64 = call_query(call, "base64");
    struct storing *s = open_session(call, MULTIPART_PARTS_MAX);
    struct err err;

    if (!s)
        return;
    if (multipart_parse(call_header(call, "content-type"), call_body(call), &s->form, &err) < 0) {
        call_fail(call, 400, CODE_INVALID, "%s", err.text);
        storing_free(s);
        return;
    }
    s->is_base64 = base64 && strcmp(base64, "true") == 0;
    for (size_t i = 0; i < s->form.count; i++)
        add(s, s->form.parts[i].name, s->form.parts[i].type, s->form.parts[i].bytes);
    start(s);
}

static void upload_one(struct call *call)
{
    struct storing *s = open_session(call, 1);

    if (!s)
        return;
    add(s, str_from(call_param(call, "hash")), call_header(call, "content-type"), call_body(call));
    start(s);
}

const struct call_route api_asset_routes[] = {
    {"POST", "/accounts/:account/workers/scripts/:script/assets-upload-session", "worker:write",
     begin, "worker.assets"},
    {"POST", "/accounts/:account/workers/assets/upload", CALL_SCOPE_ASSETS, upload_form, NULL},
    {"POST", "/accounts/:account/workers/assets/upload/:hash", CALL_SCOPE_ASSETS, upload_one, NULL},
    {0},
};
