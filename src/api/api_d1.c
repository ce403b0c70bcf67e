/* D1 databases: made, listed, deleted, asked; SQL files in and out.
 *
 * Statements go to a runtime as they come: the supervisor does not read them. What is too large for
 * a call goes through parcels: `init` tells where to bring a file, `ingest` runs it; an export
 * leaves one to be taken. The runtime does both before it answers, so nobody has to poll. */
#include <ctype.h>
#include <stdio.h>

#include "api/call_private.h"
#include "api/stored.h"
#include "api/tables.h"
#include "base/member.h"

enum { CODE_BAD = 7400, CODE_SQL = 7500, CODE_BUSY = 10029, NAME_MAX_BYTES = 64 };

static const struct stored_kind kind = {.kind = "d1",
                                        .type = "d1",
                                        .noun = "D1 database",
                                        .param = "database",
                                        .code_none = 7404,
                                        .code_taken = 7502};

/* ---- rows ---- */

static json_t *shape(const json_t *row)
{
    return json_pack("{s:O, s:O, s:s, s:o, s:{s:s}}", "uuid", json_object_get(row, "id"), "name",
                     json_object_get(row, "name"), "version", "production", "created_at",
                     call_time(member_int(row, "created_ms")), "read_replication", "mode",
                     "disabled");
}

/* A word for command lines: wrangler finds a database by id or name. */
static bool is_name(const char *name)
{
    str text = str_from(name);

    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
            return false;
    return text.len >= 1 && text.len <= NAME_MAX_BYTES;
}

/* {name, uuid?, primary_location_hint?, jurisdiction?}: there is one location. */
static void create(struct call *call)
{
    const json_t *body = call_json(call);
    const char *name = member_text(body, "name");
    json_t *row;

    if (!body)
        return;
    if (!name || !is_name(name)) {
        call_fail(call, 400, CODE_BAD,
                  "The body is {\"name\": NAME}, 1 to %d letters, digits, \"-\" and \"_\".",
                  NAME_MAX_BYTES);
        return;
    }
    row = stored_add(call, &kind, name, member_text(body, "uuid"), NULL);
    if (row)
        call_ok(call, shape(row));
    json_decref(row);
}

static void list(struct call *call)
{
    stored_list(call, &kind, call_query(call, "name"), shape);
}

static void remove_row(struct call *call)
{
    stored_delete(call, &kind);
}

static void on_info(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;
    json_t *row, *result, *info;

    if (stored_failed(call, stored, 0) || !(row = stored_row(call, &kind)))
        return;
    result = shape(row);
    info = json_loadb(stored->result.ptr, stored->result.len, 0, NULL);
    json_object_update_missing(result, info);
    json_decref(info);
    json_decref(row);
    call_ok(call, result);
}

/* ?fields=uuid,name asks for no more than the row: nothing is opened. */
static void get(struct call *call)
{
    json_t *row = stored_row(call, &kind);

    if (row && call_query(call, "fields"))
        call_ok(call, shape(row));
    else if (row)
        stored_ask(call, &kind, row, &(struct stored_words){"info", NULL, STR_NONE}, on_info);
    json_decref(row);
}

/* ---- statements ---- */

/* What the client's SQL did wrong is 400, whatever it was. */
static bool failed(struct call *call, const struct platform_stored *stored)
{
    if (stored->code == ERR_SCRIPT || stored->code == ERR_INVALID || stored->code == ERR_DENIED ||
        stored->code == ERR_EXISTS) {
        call_fail(call, 400, CODE_SQL, "%s", stored->error);
        return true;
    }
    return stored_failed(call, stored, CODE_SQL);
}

static void on_ran(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;

    if (!failed(call, stored))
        call_ok_text(call, stored->result);
}

static void run_body(struct call *call, bool raw)
{
    json_t *row = stored_row(call, &kind);

    call_audit(call, member_text(row, "name"), NULL);
    if (row)
        stored_ask(call, &kind, row,
                   &(struct stored_words){"query", json_pack("{s:b}", "raw", (int)raw),
                                          call_body(call)},
                   on_ran);
    json_decref(row);
}

static void query(struct call *call)
{
    run_body(call, false);
}

static void query_raw(struct call *call)
{
    run_body(call, true);
}

/* ---- files ---- */

static json_t *parcel_url(const struct call *call, const struct parcel *parcel)
{
    str host = call_header(call, "host");
    bool secure = str_equal(call_header(call, "x-forwarded-proto"), STR("https"));

    return json_sprintf("%s://%.*s/client/v4/parcels/%s", secure ? "https" : "http", STR_ARGS(host),
                        parcel->secret);
}

static struct parcel *new_parcel(struct call *call, const char *text)
{
    struct parcel *parcel = parcel_add(call->api->parcels, call_account(call), text,
                                       uv_now(call->api->loop));

    if (!parcel)
        call_fail(call, 503, CODE_BUSY, "Too many files at once: try again in a moment.");
    return parcel;
}

static bool is_etag(const char *text)
{
    size_t len = text ? strlen(text) : 0;

    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]))
            return false;
    return len >= 1 && len <= PARCEL_TEXT_MAX;
}

/* {action: "init", etag}: where to bring the file. */
static void init_import(struct call *call, const json_t *body)
{
    const char *etag = member_text(body, "etag");
    struct parcel *parcel;

    if (!is_etag(etag)) {
        call_fail(call, 400, CODE_BAD, "\"etag\" must be the MD5 of the file, in hex digits.");
        return;
    }
    parcel = new_parcel(call, etag);
    if (parcel)
        call_ok(call,
                json_pack("{s:b, s:s, s:o, s:s}", "success", 1, "type", "import", "upload_url",
                          parcel_url(call, parcel), "filename", parcel->secret));
}

static void on_imported(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;
    json_t *result;

    if (failed(call, stored))
        return;
    result = json_loadb(stored->result.ptr, stored->result.len, 0, NULL);
    call_ok(call, json_pack("{s:b, s:s, s:s, s:[], s:o}", "success", 1, "type", "import", "status",
                            "complete", "messages", "result", result ? result : json_object()));
}

/* {action: "ingest", filename}. */
static void ingest(struct call *call, const json_t *row, const json_t *body)
{
    struct parcel *parcel = parcel_find(call->api->parcels, member_text(body, "filename"));

    if (!parcel || !parcel->bytes || strcmp(parcel->account, call_account(call)) != 0) {
        call_fail(call, 404, CODE_BAD, "There is no such file, or not any more: begin anew.");
        return;
    }
    stored_ask(call, &kind, row,
               &(struct stored_words){"import", NULL, (str){parcel->bytes, parcel->len}},
               on_imported);
    parcel_drop(call->api->parcels, parcel);
}

static void import_file(struct call *call)
{
    const json_t *body = call_json(call);
    const char *action = member_text(body, "action");
    json_t *row = body ? stored_row(call, &kind) : NULL;

    if (!row)
        return;
    call_audit(call, member_text(row, "name"), json_pack("{s:s*}", "action", action));
    if (action && strcmp(action, "init") == 0)
        init_import(call, body);
    else if (action && strcmp(action, "ingest") == 0)
        ingest(call, row, body);
    else
        call_fail(call, 400, CODE_BAD,
                  "\"action\" must be \"init\" or \"ingest\": an import is "
                  "over when \"ingest\" is answered.");
    json_decref(row);
}

static void on_exported(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;
    struct parcel *parcel;
    json_t *row;

    if (failed(call, stored) || !(row = stored_row(call, &kind)))
        return;
    parcel = new_parcel(call, "");
    if (parcel && !parcel_fill(call->api->parcels, parcel, stored->bytes)) {
        parcel_drop(call->api->parcels, parcel);
        call_fail(call, 503, CODE_BUSY, "Too many files at once: try again in a moment.");
    } else if (parcel) {
        call_ok(call,
                json_pack("{s:b, s:s, s:s, s:s, s:[], s:{s:o, s:o}}", "success", 1, "type",
                          "export", "status", "complete", "at_bookmark", "", "messages", "result",
                          "filename", json_sprintf("%s.sql", member_text(row, "name")),
                          "signed_url", parcel_url(call, parcel)));
    }
    json_decref(row);
}

/* {output_format: "polling", dump_options?: {no_schema, no_data, tables}}. */
static void export_file(struct call *call)
{
    const json_t *body = call_json(call);
    json_t *options = json_object_get(body, "dump_options");
    json_t *row = body ? stored_row(call, &kind) : NULL;

    if (!row)
        return;
    stored_ask(call, &kind, row,
               &(struct stored_words){"export",
                                      json_is_object(options) ? json_incref(options)
                                                              : json_object(),
                                      STR_NONE},
               on_exported);
    json_decref(row);
}

/* ---- bookmarks ---- */

static void bookmark(struct call *call)
{
    json_t *row = stored_row(call, &kind);

    if (row)
        stored_ask(call, &kind, row,
                   &(struct stored_words){"bookmark",
                                          json_pack("{s:s*}", "timestamp",
                                                    call_query(call, "timestamp")),
                                          STR_NONE},
                   stored_answer);
    json_decref(row);
}

/* Nothing of a database's past is kept. */
static void restore(struct call *call)
{
    json_t *row = stored_row(call, &kind);

    if (row)
        call_fail(call, 501, CODE_BAD,
                  "There is no Time Travel here: nothing was changed. A copy is made by `atoll d1 "
                  "export` or a backup of the server, and brought back by `atoll d1 execute "
                  "--file`.");
    json_decref(row);
}

#define D1 "/accounts/:account/d1/database"

const struct call_route api_d1_routes[] = {
    {"POST",   D1,                       "storage:write", create,      "d1.create"},
    {"GET",    D1,                       "storage:read",  list,        NULL},
    {"GET",    D1 "/:database",          "storage:read",  get,         NULL},
    {"DELETE", D1 "/:database",          "storage:write", remove_row,  "d1.delete"},
    {"POST",   D1 "/:database/query",    "storage:write", query,       "d1.query"},
    {"POST",   D1 "/:database/raw",      "storage:write", query_raw,   "d1.query"},
    {"POST",   D1 "/:database/import",   "storage:write", import_file, "d1.import"},
    {"POST",   D1 "/:database/export",   "storage:read",  export_file, NULL},
    {"GET",    D1 "/:database/time_travel/bookmark", "storage:read", bookmark, NULL},
    {"POST",   D1 "/:database/time_travel/restore",  "storage:write", restore, "d1.restore"},
    {0},
};
