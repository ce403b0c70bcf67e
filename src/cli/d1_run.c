/* SQL on a database; see d1_run.h. */
#include "cli/d1_run.h"

#include <stdlib.h>

#include "base/hex.h"
#include "base/member.h"
#include "cli/table.h"
#include "registry/opaque.h"

#define DATABASE "d1/database/%s"

int d1_run_query(struct depot *depot, const char *sql, json_t **ret, struct err *err)
{
    struct remote *remote = depot->session.remote;
    json_t *body = json_pack("{s:s}", "sql", sql);
    char *text;
    int r;

    if (!body)
        return err_set(err, ERR_INVALID, "the SQL is no UTF-8 text");
    if (!depot->is_local)
        return remote_call(remote, "POST", remote_path(remote, DATABASE "/query", depot->id), body,
                           ret, err);
    text = json_dumps(body, JSON_COMPACT);
    r = depot_call(depot, &(struct depot_words){"query", NULL, str_from(text)}, ret, NULL, err);
    free(text);
    json_decref(body);
    return r;
}

/* ---- files ---- */

/* The last segment of an address that the server made. Borrowed. */
static const char *secret_of(const json_t *answer, const char *key)
{
    const char *url = member_text(answer, key);
    const char *slash = url ? strrchr(url, '/') : NULL;

    return slash ? slash + 1 : "";
}

static void etag_of(str bytes, char ret[2 * OPAQUE_HASH_BYTES + 1])
{
    unsigned char hash[OPAQUE_HASH_BYTES];

    opaque_hash(bytes, hash);
    hex_encode(hash, sizeof hash, ret);
}

static int import(struct depot *depot, json_t *body, json_t **ret, struct err *err)
{
    struct remote *remote = depot->session.remote;

    return remote_call(remote, "POST", remote_path(remote, DATABASE "/import", depot->id), body,
                       ret, err);
}

int d1_run_file(struct depot *depot, str sql, json_t **ret, struct err *err)
{
    const struct remote_body file = {.content_type = "application/octet-stream", .bytes = sql};
    struct remote *remote = depot->session.remote;
    char etag[2 * OPAQUE_HASH_BYTES + 1];
    json_t *init = NULL, *done = NULL;
    struct buf ignored;
    int r;

    if (depot->is_local)
        return depot_call(depot, &(struct depot_words){"import", NULL, sql}, ret, NULL, err);
    etag_of(sql, etag);
    buf_init(&ignored, 1 << 16);
    r = import(depot, json_pack("{s:s, s:s}", "action", "init", "etag", etag), &init, err);
    if (r == 0)
        r = remote_raw(remote, "PUT",
                       remote_path(remote, "/parcels/%s", secret_of(init, "upload_url")), &file,
                       &ignored, err);
    if (r == 0)
        r = import(depot,
                   json_pack("{s:s, s:O, s:s}", "action", "ingest", "filename",
                             json_object_get(init, "filename"), "etag", etag),
                   &done, err);
    if (r == 0)
        *ret = json_incref(json_object_get(done, "result"));
    buf_done(&ignored);
    json_decref(init);
    json_decref(done);
    return r;
}

int d1_run_export(struct depot *depot, json_t *options, struct buf *out, struct err *err)
{
    struct remote *remote = depot->session.remote;
    json_t *answer = NULL;
    int r;

    if (depot->is_local)
        return depot_call(depot, &(struct depot_words){"export", options, STR_NONE}, NULL, out,
                          err);
    r = remote_call(remote, "POST", remote_path(remote, DATABASE "/export", depot->id),
                    json_pack("{s:s, s:o}", "output_format", "polling", "dump_options", options),
                    &answer, err);
    if (r == 0)
        r = remote_raw(remote, "GET",
                       remote_path(remote, "/parcels/%s",
                                   secret_of(json_object_get(answer, "result"), "signed_url")),
                       NULL, out, err);
    json_decref(answer);
    return r;
}

/* ---- rows ---- */

static char *text_of(const json_t *value)
{
    if (!value || json_is_null(value))
        return str_dup(STR("NULL"));
    if (json_is_string(value))
        return str_dup(str_from(json_string_value(value)));
    return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

void d1_run_print_rows(const json_t *rows)
{
    const char *names[TABLE_COLUMNS_MAX + 1] = {NULL}, *name;
    size_t count = 0, i;
    struct table *table;
    const json_t *row;
    json_t *value;

    json_object_foreach(json_array_get(rows, 0), name, value)
        if (count < TABLE_COLUMNS_MAX)
            names[count++] = name;
    table = table_new(names);
    json_array_foreach(rows, i, row) {
        char *cells[TABLE_COLUMNS_MAX + 1] = {NULL};

        for (size_t c = 0; c < count; c++)
            cells[c] = text_of(json_object_get(row, names[c]));
        table_add(table, (const char *const *)cells);
        for (size_t c = 0; c < count; c++)
            free(cells[c]);
    }
    table_print(table);
}
