/* The audit log: of an account, and for the operator of the whole server. */
#include "api/call.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/audit.h"

static json_t *entry_json(const json_t *row)
{
    return json_pack("{s:O, s:o, s:O?, s:O?, s:O?, s:{s:O}, s:O?, s:O?}", "id",
                     json_object_get(row, "id"), "when", call_time(member_int(row, "at_ms")),
                     "account", json_object_get(row, "account"), "actor",
                     json_object_get(row, "actor"), "address", json_object_get(row, "address"),
                     "action", "type", json_object_get(row, "action"), "target",
                     json_object_get(row, "target"), "metadata", json_object_get(row, "detail"));
}

/* Newest first. The id of the last one, as `before`, leads to the next page. */
static void list_of(struct call *call, const char *account)
{
    str before = str_from(call_query(call, "before"));
    struct err err = {0};
    size_t offset, limit, index;
    uint64_t before_id = 0;
    json_t *rows, *result;
    const json_t *row;

    call_page(call, &offset, &limit);
    if (before.len && !str_to_u64(before, INT64_MAX, &before_id)) {
        call_fail(call, 400, 10001, "\"before\" is the id of an entry, a number.");
        return;
    }
    if (audit_list(call_registry(call), account, (int64_t)before_id, limit, &rows, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    result = json_array();
    json_array_foreach(rows, index, row)
        json_array_append_new(result, entry_json(row));
    json_decref(rows);
    call_ok(call, result);
}

static void list_account(struct call *call)
{
    list_of(call, call_account(call));
}

static void list_server(struct call *call)
{
    list_of(call, NULL);
}

const struct call_route api_audit_routes[] = {
    {"GET", "/accounts/:account/audit_logs", "account:read", list_account, NULL},
    {"GET", "/server/audit_logs",            "server:read",  list_server,  NULL},
    {0},
};
