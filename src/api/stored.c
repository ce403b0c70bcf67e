/* Calls for what tenants store; see stored.h. */
#include "api/stored.h"

#include <stdlib.h>

#include "base/member.h"
#include "registry/storage.h"

enum { CODE_BUSY = 10029 };

/* ---- rows ---- */

json_t *stored_row(struct call *call, const struct stored_kind *kind)
{
    const char *name = call_param(call, kind->param);
    struct err err = {0};
    json_t *row;

    if (storage_get(call_registry(call), call_account(call), kind->kind, name, &row, &err) == 0)
        return row;
    if (err.code == ERR_NOT_FOUND)
        call_fail(call, 404, kind->code_none, "The %s \"%s\" does not exist in the account \"%s\".",
                  kind->noun, name, call_account(call));
    else
        call_fail_err(call, 0, &err);
    return NULL;
}

json_t *stored_add(struct call *call, const struct stored_kind *kind, const char *name,
                   const char *id, json_t *settings)
{
    json_t *wanted = json_pack("{s:s, s:s, s:s*, s:s*, s:o*}", "account", call_account(call),
                               "kind", kind->kind, "name", name, "id", id, "settings", settings);
    struct err err = {0};
    json_t *row = NULL;
    int r = storage_add(call_registry(call), wanted, &row, &err);

    json_decref(wanted);
    if (r == 0) {
        call_audit(call, name, json_pack("{s:O}", "id", json_object_get(row, "id")));
        return row;
    }
    if (r == ERR_EXISTS)
        call_fail(call, 400, kind->code_taken, "This %s cannot be made: %s.", kind->noun, err.text);
    else
        call_fail_err(call, 0, &err);
    return NULL;
}

void stored_list(struct call *call, const struct stored_kind *kind, const char *name,
                 json_t *(*shape)(const json_t *row))
{
    struct storage_query query = {.account = call_account(call), .kind = kind->kind, .name = name};
    struct err err = {0};
    json_t *rows, *row, *result;
    size_t total, page, pages, i;

    call_page(call, &query.offset, &query.limit);
    if (storage_list(call_registry(call), &query, &rows, &total, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    page = query.offset / query.limit + 1;
    pages = (total + query.limit - 1) / query.limit;
    result = json_array();
    json_array_foreach(rows, i, row)
        json_array_append_new(result, shape(row));
    call_ok_info(call, result,
                 json_pack("{s:I, s:I, s:I, s:I, s:I}", "page", (json_int_t)page, "per_page",
                           (json_int_t)query.limit, "count", (json_int_t)json_array_size(rows),
                           "total_count", (json_int_t)total, "total_pages", (json_int_t)pages));
    json_decref(rows);
}

/* ---- deleting ---- */

struct deletion {
    struct call *call;
    unsigned waits;      /* workers that are being told, and ourselves */
};

/* Nobody is told any more that it is there: its data can go. */
static void on_told(void *arg)
{
    struct deletion *deletion = arg;
    const struct platform *platform = call_platform(deletion->call);

    if (--deletion->waits)
        return;
    platform->storage_gone(platform->context);
    call_ok(deletion->call, NULL);
    free(deletion);
}

static void tell_users(struct call *call, const json_t *users)
{
    const struct platform *platform = call_platform(call);
    struct deletion *deletion = mem_new(struct deletion);
    json_t *id;
    size_t i;

    deletion->call = call;
    deletion->waits = (unsigned)json_array_size(users) + 1;
    json_array_foreach((json_t *)users, i, id)
        platform->deployed(platform->context, json_integer_value(id), on_told, deletion);
    on_told(deletion);
}

void stored_delete(struct call *call, const struct stored_kind *kind)
{
    json_t *row = stored_row(call, kind), *users = NULL;
    struct err err = {0};
    const char *id, *known_as;

    if (!row)
        return;
    id = member_text(row, "id");
    known_as = kind->by_name ? member_text(row, "name") : id;
    if (storage_users(call_registry(call), call_account(call), known_as, &users, &err) < 0 ||
        storage_delete(call_registry(call), call_account(call), kind->kind, id, &err) < 0) {
        call_fail_err(call, kind->code_none, &err);
    } else {
        call_audit(call, member_text(row, "name"), json_pack("{s:s}", "id", id));
        tell_users(call, users);
    }
    json_decref(users);
    json_decref(row);
}

/* ---- calls ---- */

void stored_ask(struct call *call, const struct stored_kind *kind, const json_t *row,
                const struct stored_words *words,
                void (*on_done)(void *call, const struct platform_stored *stored))
{
    const struct platform *platform = call_platform(call);
    char *store = storage_store(row);
    const struct platform_store request = {.kind = kind->type,
                                           .store = store,
                                           .call = words->name,
                                           .args = words->args,
                                           .bytes = words->bytes};

    platform->store(platform->context, &request, on_done, call);
    free(store);
    json_decref(words->args);
}

bool stored_failed(struct call *call, const struct platform_stored *stored, int code)
{
    struct err err;

    if (!stored->code)
        return false;
    err_set(&err, stored->code, "%s", stored->error ? stored->error : "");
    if (stored->code == ERR_CLOSED)
        call_fail(call, 503, CODE_BUSY, "%s", err.text);
    else if (stored->code == ERR_TIMEOUT || stored->code == ERR_UNSUPPORTED)
        call_fail(call, err_http_status(stored->code), code ? code : CODE_BUSY, "%s", err.text);
    else
        call_fail_err(call, code, &err);
    return true;
}

void stored_answer(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;

    if (!stored_failed(call, stored, 0))
        call_ok_text(call, stored->result);
}
