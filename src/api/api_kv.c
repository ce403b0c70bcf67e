/* KV namespaces: made, listed, renamed, deleted. What is in them: api_kv_value.c. */
#include "api/api_kv.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/storage.h"

enum { CODE_TITLE = 10019 };

const struct stored_kind api_kv_kind = {.kind = "kv",
                                        .type = "kv_namespace",
                                        .noun = "KV namespace",
                                        .param = "namespace",
                                        .code_none = 10013,
                                        .code_taken = 10014};

static json_t *shape(const json_t *row)
{
    return json_pack("{s:O, s:O, s:b}", "id", json_object_get(row, "id"), "title",
                     json_object_get(row, "name"), "supports_url_encoding", 1);
}

/* {title}; NULL after the call was answered. */
static const char *title_of(struct call *call)
{
    const json_t *body = call_json(call);
    const char *title = member_text(body, "title");

    if (body && !title)
        call_fail(call, 400, CODE_TITLE, "The body is {\"title\": NAME}.");
    return title;
}

/* {title, id?} */
static void create(struct call *call)
{
    const char *title = title_of(call);
    json_t *row = title ? stored_add(call, &api_kv_kind, title, member_text(call_json(call), "id"),
                                     NULL)
                        : NULL;

    if (row)
        call_ok(call, shape(row));
    json_decref(row);
}

static void list(struct call *call)
{
    stored_list(call, &api_kv_kind, call_query(call, "title"), shape);
}

static void get(struct call *call)
{
    json_t *row = stored_row(call, &api_kv_kind);

    if (row)
        call_ok(call, shape(row));
    json_decref(row);
}

static void rename_to(struct call *call, const json_t *row, const char *title)
{
    struct err err = {0};
    json_t *renamed;

    if (storage_rename(call_registry(call), call_account(call), "kv", member_text(row, "id"), title,
                       &err) < 0 ||
        storage_get(call_registry(call), call_account(call), "kv", member_text(row, "id"), &renamed,
                    &err) < 0) {
        call_fail_err(call, err.code == ERR_EXISTS ? api_kv_kind.code_taken : 0, &err);
        return;
    }
    call_audit(call, title,
               json_pack("{s:O, s:O}", "id", json_object_get(row, "id"), "before",
                         json_object_get(row, "name")));
    call_ok(call, shape(renamed));
    json_decref(renamed);
}

static void rename_row(struct call *call)
{
    json_t *row = stored_row(call, &api_kv_kind);
    const char *title = row ? title_of(call) : NULL;

    if (title)
        rename_to(call, row, title);
    json_decref(row);
}

static void remove_row(struct call *call)
{
    stored_delete(call, &api_kv_kind);
}

#define KV "/accounts/:account/storage/kv/namespaces"

const struct call_route api_kv_routes[] = {
    {"POST",   KV,                "storage:write", create,     "kv.create"},
    {"GET",    KV,                "storage:read",  list,       NULL},
    {"GET",    KV "/:namespace",  "storage:read",  get,        NULL},
    {"PUT",    KV "/:namespace",  "storage:write", rename_row, "kv.rename"},
    {"DELETE", KV "/:namespace",  "storage:write", remove_row, "kv.delete"},
    {0},
};
