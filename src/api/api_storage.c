/* How much the stores of an account take. */
#include <stdlib.h>

#include "api/binding.h"
#include "api/call.h"
#include "api/metadata.h"
#include "api/tables.h"
#include "base/limits.h"
#include "base/member.h"
#include "registry/account.h"
#include "registry/storage.h"

/* One store after the other is asked: the call takes its time, and nobody else's. */
struct counting {
    struct call *call;
    json_t *rows;
    size_t at;
    json_t *result;     /* array of {kind, id, name, bytes} */
    json_t *kinds;      /* {kind: bytes} */
    json_int_t bytes;
};

static void count_next(struct counting *counting);

/* What the account may store; null when that is not bounded. */
static json_t *limit_of(struct call *call)
{
    const struct limits_row *row = limits_find("storage_bytes");
    json_t *account = NULL;
    struct err err;
    uint64_t most = row->most;

    if (account_get(call_registry(call), call_account(call), &account, &err) == 0)
        most = metadata_allowance(row->key, account, NULL);
    json_decref(account);
    return most < row->most ? json_integer((json_int_t)most) : json_null();
}

static void add_kind(struct counting *counting, const char *kind, json_int_t bytes)
{
    int64_t before = member_int(counting->kinds, kind);

    json_object_set_new(counting->kinds, kind, json_integer(before + bytes));
}

static void finish(struct counting *counting)
{
    call_ok(counting->call, json_pack("{s:I, s:o, s:O, s:O}", "bytes", counting->bytes, "limit",
                                      limit_of(counting->call), "kinds", counting->kinds, "stores",
                                      counting->result));
    json_decref(counting->rows);
    json_decref(counting->result);
    json_decref(counting->kinds);
    free(counting);
}

static void on_counted(void *arg, const struct platform_stored *stored)
{
    struct counting *counting = arg;
    const json_t *row = json_array_get(counting->rows, counting->at++);
    json_t *usage = stored->code ? NULL
                                 : json_loadb(stored->result.ptr, stored->result.len, 0, NULL);
    json_t *bytes = json_object_get(usage, "bytes");

    counting->bytes += json_integer_value(bytes);
    add_kind(counting, member_text(row, "kind"), json_integer_value(bytes));
    json_array_append_new(counting->result,
                          json_pack("{s:O, s:O, s:O, s:O?}", "kind", json_object_get(row, "kind"),
                                    "id", json_object_get(row, "id"), "name",
                                    json_object_get(row, "name"), "bytes", bytes));
    json_decref(usage);
    count_next(counting);
}

static void count_next(struct counting *counting)
{
    const struct platform *platform = call_platform(counting->call);
    const json_t *row = json_array_get(counting->rows, counting->at);
    char *store;

    if (!row) {
        finish(counting);
        return;
    }
    store = storage_store(row);
    platform->store(platform->context,
                    &(struct platform_store){.kind = binding_store_type(member_text(row, "kind")),
                                             .store = store,
                                             .call = "usage"},
                    on_counted, counting);
    free(store);
}

static void usage(struct call *call)
{
    struct counting *counting;
    struct err err = {0};
    json_t *rows;

    if (storage_list_all(call_registry(call), call_account(call), &rows, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    counting = mem_new(struct counting);
    counting->call = call;
    counting->rows = rows;
    counting->result = json_array();
    counting->kinds = json_object();
    count_next(counting);
}

const struct call_route api_storage_routes[] = {
    {"GET", "/accounts/:account/storage/usage", "storage:read", usage, NULL},
    {0},
};
