/* R2 buckets: made, listed, deleted. What is in them: api_r2_object.c.
 *
 * A bucket's name is what it is known by: bindings name it. Its id is only where its data is, so
 * that a name may be used again at once. */
#include "api/api_r2.h"

#include <stdlib.h>

#include "api/bucket.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/storage.h"

enum {
    CODE_NAME = 10005,
    CODE_FULL = 10008,
    LIST_MAX = 1000,
};

const struct stored_kind api_r2_kind = {.kind = "r2",
                                        .type = "r2_bucket",
                                        .noun = "R2 bucket",
                                        .param = "bucket",
                                        .code_none = 10006,
                                        .code_taken = 10004,
                                        .by_name = true};

bool api_r2_is_class(str name)
{
    return str_equal(name, STR("Standard")) || str_equal(name, STR("InfrequentAccess"));
}

static json_t *shape(const json_t *row)
{
    const char *class = member_text(json_object_get(row, "settings"), "storage_class");

    return json_pack("{s:O, s:o, s:s, s:s, s:s}", "name", json_object_get(row, "name"),
                     "creation_date", call_time(member_int(row, "created_ms")), "location", "here",
                     "jurisdiction", "default", "storage_class", class ? class : "Standard");
}

/* ---- making ---- */

/* {name, storageClass?, locationHint?}: there is one location. */
static void create(struct call *call)
{
    const json_t *body = call_json(call);
    const char *name = member_text(body, "name"), *class = member_text(body, "storageClass");
    const struct bucket_place place = {call_registry(call), call_platform(call),
                                       call_account(call)};
    json_t *row;

    if (!body)
        return;
    if (!name || !bucket_is_name(name)) {
        call_fail(
            call, 400, CODE_NAME,
            "The specified bucket name is not valid: %d to %d small letters, digits and \"-\", "
            "which neither begins nor ends it.",
            BUCKET_NAME_BYTES_MIN, BUCKET_NAME_BYTES_MAX);
        return;
    }
    if (class && !api_r2_is_class(str_from(class))) {
        call_fail(call, 400, API_R2_CODE_CLASS,
                  "The storage class must be \"Standard\" or \"InfrequentAccess\".");
        return;
    }
    row = stored_add(call, &api_r2_kind, name, NULL, json_pack("{s:s*}", "storage_class", class));
    if (row) {
        bucket_tell_users(&place, name);
        call_ok(call, shape(row));
    }
    json_decref(row);
}

/* {buckets: [...]}: an object, as clients expect. `cursor` is how many were told before. */
static void list(struct call *call)
{
    struct storage_query query = {.account = call_account(call), .kind = "r2", .limit = LIST_MAX};
    const char *cursor = call_query(call, "cursor");
    uint64_t offset = 0;
    struct err err = {0};
    json_t *rows, *row, *buckets;
    size_t total, i;

    if (cursor && !str_to_u64(str_from(cursor), STORAGE_COUNT_MAX, &offset)) {
        call_fail(call, 400, API_R2_CODE_BAD, "The cursor is not valid.");
        return;
    }
    query.offset = offset;
    if (storage_list(call_registry(call), &query, &rows, &total, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    buckets = json_array();
    json_array_foreach(rows, i, row)
        json_array_append_new(buckets, shape(row));
    json_decref(rows);
    offset += json_array_size(buckets);
    call_ok_info(call, json_pack("{s:o}", "buckets", buckets),
                 offset < total ? json_pack("{s:o}", "cursor", json_sprintf("%d", (int)offset))
                                : json_object());
}

static void get(struct call *call)
{
    json_t *row = stored_row(call, &api_r2_kind);

    if (row)
        call_ok(call, shape(row));
    json_decref(row);
}

/* The storage class, which is kept and told: what `wrangler r2 bucket update` changes. */
static void update(struct call *call)
{
    str class = call_header(call, "cf-r2-storage-class");
    json_t *row = stored_row(call, &api_r2_kind), *settings;
    struct err err = {0};

    if (!row)
        return;
    if (!api_r2_is_class(class)) {
        call_fail(call, 400, API_R2_CODE_CLASS,
                  "The storage class must be \"Standard\" or \"InfrequentAccess\".");
        json_decref(row);
        return;
    }
    settings = json_copy(json_object_get(row, "settings"));
    settings = settings ? settings : json_object();
    json_object_set_new(settings, "storage_class", json_stringn(class.ptr, class.len));
    json_object_set(row, "settings", settings);
    call_audit(call, member_text(row, "name"), json_incref(settings));
    if (storage_set(call_registry(call), call_account(call), "r2", member_text(row, "id"), settings,
                    &err) < 0)
        call_fail_err(call, 0, &err);
    else
        call_ok(call, shape(row));
    json_decref(settings);
    json_decref(row);
}

/* ---- deleting ---- */

static void delete_published(struct call *call)
{
    char *name = str_dup(str_from(call_param(call, "bucket")));

    stored_delete(call, &api_r2_kind);
    api_r2_domain_gone(call, name);
    free(name);
}

static void on_sealed(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;
    json_t *count;

    if (stored_failed(call, stored, 0))
        return;
    count = json_loadb(stored->result.ptr, stored->result.len, 0, NULL);
    if (member_int(count, "objects"))
        call_fail(call, 409, CODE_FULL,
                  "The bucket you tried to delete (%s) is not empty: it has %lld objects. Delete "
                  "them first.",
                  call_param(call, "bucket"), (long long)member_int(count, "objects"));
    else
        delete_published(call);
    json_decref(count);
}

static void remove_row(struct call *call)
{
    json_t *row = stored_row(call, &api_r2_kind);

    if (row)
        stored_ask(call, &api_r2_kind, row, &(struct stored_words){"seal", NULL, STR_NONE},
                   on_sealed);
    json_decref(row);
}

/* ---- the S3 API ---- */

/* {endpoint (null: there is none), region, access_key_id}: the key is the token of this call. */
static void tell_s3(struct call *call)
{
    const struct platform *platform = call_platform(call);
    char *endpoint = platform->s3_endpoint(platform->context);

    call_ok(call, json_pack("{s:s?, s:s, s:O}", "endpoint", endpoint, "region", "auto",
                            "access_key_id", json_object_get(call_token(call), "id")));
    free(endpoint);
}

#define R2 "/accounts/:account/r2/buckets"

const struct call_route api_r2_routes[] = {
    {"GET",    "/accounts/:account/r2/s3", "storage:read", tell_s3, NULL},
    {"POST",   R2,             "storage:write", create,     "r2.create"},
    {"GET",    R2,             "storage:read",  list,       NULL},
    {"GET",    R2 "/:bucket",  "storage:read",  get,        NULL},
    {"PATCH",  R2 "/:bucket",  "storage:write", update,     "r2.update"},
    {"DELETE", R2 "/:bucket",  "storage:write", remove_row, "r2.delete"},
    {0},
};
