/* Requests to a bucket; see r2_request.h. */
#include "bindings/r2/r2_request.h"

#include "bindings/r2/r2_condition.h"

struct r2_request_word {
    const char *name;
    int (*run)(struct r2_request *request, struct r2_store *store);
    bool writes, has_body, is_part;
};

enum { OUT_BYTES_MAX = 96 << 20 };

static int say_null(struct r2_request *request, int r)
{
    return r < 0 ? r : buf_append(&request->out, STR("null"));
}

/* ---- reading ---- */

static int fail_range(struct err *err)
{
    return err_set(err, ERR_INVALID, "The requested range is not satisfiable (10039)");
}

static int take_part(struct r2_request *request, const struct r2_store_object *object, double part,
                     struct err *err)
{
    size_t count = object->piece_count ? object->piece_count : 1;

    if (!(part >= 1 && part <= (double)count))
        return fail_range(err);
    request->offset = 0;
    request->length = object->size;
    if (!object->piece_count)
        return 0;
    for (size_t i = 0; i + 1 < (size_t)part; i++)
        request->offset += object->pieces[i].length;
    request->length = object->pieces[(size_t)part - 1].length;
    return 0;
}

/* What is wanted of `size` bytes, RFC 9110 14.1.2: a length that is too long is cut. */
static int take_range(struct r2_request *request, uint64_t size, struct err *err)
{
    const json_t *range = json_object_get(request->args, "range"),
                 *suffix = json_object_get(range, "suffix"),
                 *offset = json_object_get(range, "offset"),
                 *length = json_object_get(range, "length");
    double from = json_number_value(offset), most = json_number_value(length),
           last = json_number_value(suffix);

    request->offset = 0;
    request->length = size;
    if (!json_is_object(range))
        return 0;
    if ((suffix && !(last >= 1)) || !(from >= 0) || (length && !(most >= 1)) ||
        (from > 0 && from >= (double)size))
        return fail_range(err);
    if (suffix) {
        request->length = last < (double)size ? (uint64_t)last : size;
        request->offset = size - request->length;
        return 0;
    }
    request->offset = (uint64_t)from;
    request->length = size - request->offset;
    if (length && most < (double)request->length)
        request->length = (uint64_t)most;
    return 0;
}

static int take_wanted(struct r2_request *request, const struct r2_store_object *object,
                       struct err *err)
{
    const json_t *part = json_object_get(json_object_get(request->args, "range"), "part");

    request->part_count = object->piece_count;
    return part ? take_part(request, object, json_number_value(part), err)
                : take_range(request, object->size, err);
}

static int take_bytes(struct r2_request *request, const char *directory,
                      struct r2_store_object *object, struct err *err)
{
    str value = buf_str(&object->value);

    if (object->piece_count) {
        r2_source_open(&request->source, directory, object, request->offset, request->length);
        if (request->leaves_files && request->length > request->bytes_max &&
            r2_source_is_one_file(&request->source)) {
            (void)r2_source_open_early(&request->source);
            return 0;
        }
        return r2_source_read(&request->source, request->bytes_max, &request->bytes, err);
    }
    if (value.len != object->size)
        return err_set(err, ERR_INVALID, "the bucket's index is damaged");
    return buf_append(&request->bytes, str_head(str_skip(value, request->offset), request->length));
}

static int run_get(struct r2_request *request, struct r2_store *store)
{
    const json_t *condition = json_object_get(request->args, "onlyIf");
    struct r2_store_object object;
    int r;

    r2_store_object_init(&object);
    r = r2_store_get(store, r2_store_key_of(request->args), true, &object, request->err);
    if (r == 0 && (r = buf_append(&request->out, buf_str(&object.meta))) == 0) {
        request->holds = !json_is_object(condition) ||
                         r2_condition_holds(condition, buf_str(&object.etag), object.uploaded);
        if (request->holds && (r = take_wanted(request, &object, request->err)) == 0)
            r = take_bytes(request, r2_bucket_bodies(request->work.bucket), &object, request->err);
    }
    r2_store_object_done(&object);
    return r;
}

static int run_head(struct r2_request *request, struct r2_store *store)
{
    struct r2_store_object object;
    int r;

    r2_store_object_init(&object);
    r = r2_store_get(store, r2_store_key_of(request->args), false, &object, request->err);
    if (r == 0)
        r = buf_append(&request->out, buf_str(&object.meta));
    r2_store_object_done(&object);
    return r;
}

static int run_list(struct r2_request *request, struct r2_store *store)
{
    return r2_store_list(store, request->args, &request->out, request->err);
}

static int run_seal(struct r2_request *request, struct r2_store *store)
{
    uint64_t objects = 0;
    int r = r2_store_seal(store, &objects, request->err);

    return r < 0 ? r : buf_printf(&request->out, "{\"objects\":%llu}", (unsigned long long)objects);
}

/* ---- writing ---- */

static int run_put(struct r2_request *request, struct r2_store *store)
{
    int r = r2_store_put(store, request->args, request->body, &request->out, request->err);

    request->holds = r == 0;
    if (r <= 0)
        return r;
    buf_clear(&request->out);
    return say_null(request, 0);
}

static int run_delete(struct r2_request *request, struct r2_store *store)
{
    return say_null(request, r2_store_delete(store, request->args, request->err));
}

static int run_create(struct r2_request *request, struct r2_store *store)
{
    return r2_store_upload_create(store, request->args, &request->out, request->err);
}

static int run_part(struct r2_request *request, struct r2_store *store)
{
    return r2_store_upload_part(store, request->args, request->body, &request->out, request->err);
}

static int run_complete(struct r2_request *request, struct r2_store *store)
{
    return r2_store_upload_complete(store, request->args, &request->out, request->err);
}

static int run_abort(struct r2_request *request, struct r2_store *store)
{
    return say_null(request, r2_store_upload_abort(store, request->args, request->err));
}

static int run_uploads(struct r2_request *request, struct r2_store *store)
{
    return r2_store_upload_list(store, request->args, &request->out, request->err);
}

static int run_parts(struct r2_request *request, struct r2_store *store)
{
    return r2_store_upload_parts(store, request->args, &request->out, request->err);
}

static const struct r2_request_word words[] = {
    {"head",     run_head,     false, false, false},
    {"get",      run_get,      false, false, false},
    {"list",     run_list,     false, false, false},
    {"uploads",  run_uploads,  false, false, false},
    {"parts",    run_parts,    false, false, false},
    {"put",      run_put,      true,  true,  false},
    {"part",     run_part,     true,  true,  true},
    {"delete",   run_delete,   true,  false, false},
    {"create",   run_create,   true,  false, false},
    {"complete", run_complete, true,  false, false},
    {"abort",    run_abort,    true,  false, false},
    {"seal",     run_seal,     true,  false, false},
};

/* ---- all of them ---- */

const struct r2_request_word *r2_request_find(str name)
{
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_equal(name, str_from(words[i].name)))
            return &words[i];
    return NULL;
}

bool r2_request_has_body(const struct r2_request_word *word)
{
    return word->has_body;
}

bool r2_request_is_part(const struct r2_request_word *word)
{
    return word->is_part;
}

const char *r2_request_checksum(const json_t *args)
{
    const json_t *name = json_object_get(json_object_get(args, "checksum"), "name");

    for (size_t i = 0; json_is_string(name) && i < R2_DIGEST_NAMES; i++)
        if (strcmp(json_string_value(name), r2_digest_names[i]) == 0)
            return r2_digest_names[i];
    return NULL;
}

void r2_request_init(struct r2_request *request, const struct r2_request_word *word, json_t *args,
                     size_t bytes_max, struct err *err)
{
    *request = (struct r2_request){.word = word, .args = args, .bytes_max = bytes_max, .err = err};
    buf_init(&request->out, OUT_BYTES_MAX);
    buf_init(&request->bytes, bytes_max > R2_BODY_SMALL_BYTES ? bytes_max : R2_BODY_SMALL_BYTES);
    r2_source_init(&request->source);
}

void r2_request_done(struct r2_request *request)
{
    json_decref(request->args);
    buf_done(&request->out);
    buf_done(&request->bytes);
    r2_source_done(&request->source);
}

static void on_run(struct r2_work *work, struct r2_store *store)
{
    struct r2_request *request = CONTAINER_OF(work, struct r2_request, work);
    int r = request->word->run(request, store);

    if (r < 0 && !request->err->code)
        err_set(request->err, r, "%s", err_text(r));
}

static void on_done(struct r2_work *work)
{
    struct r2_request *request = CONTAINER_OF(work, struct r2_request, work);

    request->done(request);
}

void r2_request_start(struct r2_request *request, struct r2_bucket *bucket)
{
    request->work.run = on_run;
    request->work.done = on_done;
    request->work.err = request->err;
    r2_bucket_start(bucket, &request->work, request->word->writes);
}
