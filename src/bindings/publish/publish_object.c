/* Objects as they are answered; see publish_object.h.
 *
 * The head's lines are made once. What a tenant wrote into an object's metadata and no line can
 * carry is left out. */
#include "bindings/publish/publish_object.h"

#include <stdlib.h>

#include "base/member.h"
#include "http/media_type.h"
#include "store/http_date.h"

#define EXPIRY_MS_MAX 8.64e15    /* a Date's */

enum { MS_PER_S = 1000, META_BYTES_MAX = 64 << 10, LINES_BYTES_MAX = 64 << 10,
       ETAG_BYTES_MAX = 128, OVERHEAD_BYTES = 1024 };

static bool is_value(str value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < ' ' || value.ptr[i] == 127)
            return false;
    return value.len > 0;
}

/* A line that is too much for its buffer is left out. */
static void put(struct buf *lines, const char *name, str value)
{
    if (is_value(value) && buf_printf(lines, "%s: %.*s\r\n", name, STR_ARGS(value)) < 0)
        return;
}

static void put_date(struct buf *lines, const char *name, int64_t seconds)
{
    char text[HTTP_DATE_BYTES];

    http_date_write(seconds, text);
    put(lines, name, str_from(text));
}

static void put_http(struct publish_object *object, const json_t *http, str key)
{
    static const char *const names[][2] = {{"contentLanguage", "content-language"},
                                           {"contentDisposition", "content-disposition"},
                                           {"contentEncoding", "content-encoding"}};
    const json_t *expiry = json_object_get(http, "cacheExpiry");
    str type = member_str(http, "contentType"), control = member_str(http, "cacheControl"),
        guess = str_from(media_type_of(key));

    put(&object->lines, "content-type",
        is_value(type) ? type
        : guess.len    ? guess
                       : STR("application/octet-stream"));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        put(&object->lines, names[i][1], member_str(http, names[i][0]));
    if (is_value(control) && buf_append(&object->cache_control, control) == 0)
        put(&object->validators, "cache-control", control);
    object->cache_expires = -1;
    if (json_is_number(expiry) && json_number_value(expiry) >= 0 &&
        json_number_value(expiry) < EXPIRY_MS_MAX) {
        object->cache_expires = (int64_t)(json_number_value(expiry) / MS_PER_S);
        put_date(&object->validators, "expires", object->cache_expires);
    }
}

static bool read_meta(struct publish_object *object, const json_t *meta)
{
    str etag = member_str(meta, "etag");
    int64_t size = member_int(meta, "size");

    if (!is_value(etag) || size < 0 || buf_printf(&object->etag, "\"%.*s\"", STR_ARGS(etag)) < 0)
        return false;
    object->size = (uint64_t)size;
    object->modified = member_int(meta, "uploaded") / MS_PER_S;
    put(&object->validators, "etag", buf_str(&object->etag));
    put_date(&object->validators, "last-modified", object->modified);
    put_http(object, json_object_get(meta, "http"), member_str(meta, "key"));
    put(&object->lines, "accept-ranges", STR("bytes"));
    return true;
}

struct publish_object *publish_object_new(str meta)
{
    struct publish_object *object = mem_new(struct publish_object);
    json_t *json = json_loadb(meta.ptr ? meta.ptr : "", meta.len, JSON_ALLOW_NUL, NULL);
    bool good;

    object->refs = 1;
    buf_init(&object->meta, META_BYTES_MAX);
    buf_init(&object->cache_control, LINES_BYTES_MAX);
    buf_init(&object->validators, LINES_BYTES_MAX);
    buf_init(&object->lines, LINES_BYTES_MAX);
    buf_init(&object->etag, ETAG_BYTES_MAX);
    buf_init(&object->bytes, PUBLISH_OBJECT_WHOLE_BYTES);
    good = json && buf_append(&object->meta, meta) == 0 && read_meta(object, json);
    json_decref(json);
    if (good)
        return object;
    publish_object_unref(object);
    return NULL;
}

struct publish_object *publish_object_ref(struct publish_object *object)
{
    object->refs++;
    return object;
}

void publish_object_unref(struct publish_object *object)
{
    if (!object || --object->refs)
        return;
    buf_done(&object->meta);
    buf_done(&object->cache_control);
    buf_done(&object->validators);
    buf_done(&object->lines);
    buf_done(&object->etag);
    buf_done(&object->bytes);
    free(object->directory);
    free(object->pieces);
    free(object);
}

void publish_object_open(const struct publish_object *object, uint64_t from, uint64_t length,
                         struct r2_source *source)
{
    struct r2_store_object copy = {.piece_count = object->piece_count, .size = object->size};

    copy.pieces = mem_alloc(object->piece_count * sizeof *copy.pieces + 1);
    memcpy(copy.pieces, object->pieces, object->piece_count * sizeof *copy.pieces);
    r2_source_open(source, object->directory, &copy, from, length);
}

size_t publish_object_cost(const struct publish_object *object)
{
    return object->bytes.cap + object->meta.cap + object->lines.cap + object->validators.cap +
           OVERHEAD_BYTES;
}
