/* Objects that come in parts; see r2_store.h.
 *
 *   upload ── part 1, part 3 ...: files ──complete──> object ── piece 0, piece 1 ...: the same
 * files
 *
 * Nothing is copied when it is completed: the parts' files become the object's. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/member.h"
#include "bindings/r2/r2_store_private.h"
#include "os/clock.h"

enum { ETAG_BYTES = 48, SAID_BYTES_MAX = 16 * 1024 };

struct part {
    unsigned number;
    uint64_t length;
    char etag[R2_DIGEST_HEX_BYTES];
    char file[CACHE_BODY_NAME_BYTES];
};

static int no_upload(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "The specified multipart upload does not exist. (10024)");
}

static int no_part(struct err *err)
{
    return err_set(err, ERR_INVALID,
                   "One or more of the specified parts could not be found. (10025)");
}

/* ---- beginning ---- */

static char *said_of(const json_t *args)
{
    json_t *said = json_pack("{s:O*, s:O*, s:O*}", "http", json_object_get(args, "http"), "custom",
                             json_object_get(args, "custom"), "storageClass",
                             json_object_get(args, "storageClass"));
    char *text = json_dumps(said, JSON_COMPACT);

    json_decref(said);
    return text;
}

static int insert_upload(struct r2_store *store, const char *id, str key, const char *said)
{
    sqlite3_stmt *insert =
        db_statement(store->db, "INSERT INTO upload (id, key, created, said) VALUES (?, ?, ?, ?)");

    if (!insert)
        return ERR_INVALID;
    sqlite3_bind_text(insert, 1, id, -1, SQLITE_STATIC);
    db_bind(insert, 2, key);
    sqlite3_bind_int64(insert, 3, clock_wall_ms());
    sqlite3_bind_text(insert, 4, said, -1, SQLITE_STATIC);
    return db_run(insert);
}

static int append_dumped(struct buf *out, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    int r = text ? buf_append(out, str_from(text)) : ERR_INVALID;

    free(text);
    json_decref(value);
    return r;
}

int r2_store_upload_create(struct r2_store *store, const json_t *args, struct buf *out,
                           struct err *err)
{
    char id[R2_STORE_ID_BYTES], *said;
    str key;
    int r;

    if ((r = r2_store_key(args, &key, err)) < 0 || (r = r2_store_check_said(args, err)) < 0)
        return r;
    hex_random(id, R2_STORE_ID_BYTES - 1);
    said = said_of(args);
    r = insert_upload(store, id, key, said);
    free(said);
    if (r == 0)
        r = append_dumped(out, json_pack("{s:s%, s:s}", "key", key.ptr, key.len, "uploadId", id));
    return r2_store_explain(store, r, err);
}

/* Sees that the upload of the arguments is there, for their key; its `said` may be wanted. */
static int find_upload(struct r2_store *store, const json_t *args, struct buf *said,
                       struct err *err)
{
    sqlite3_stmt *row = db_statement(store->db, "SELECT key, said FROM upload WHERE id = ?");
    str id = member_str(args, "uploadId");
    int r;

    if (!row)
        return r2_store_explain(store, ERR_INVALID, err);
    sqlite3_bind_text(row, 1, id.ptr ? id.ptr : "", (int)id.len, SQLITE_STATIC);
    if ((r = db_step(row)) < 0)
        return r2_store_explain(store, r, err);
    if (r == 0)
        return no_upload(err);
    if (!str_equal(db_column(row, 0), member_str(args, "key")))
        r = no_upload(err);
    else if (said && buf_append(said, db_column(row, 1)) < 0)
        r = r2_store_explain(store, ERR_INVALID, err);
    sqlite3_reset(row);
    return r < 0 ? r : 0;
}

/* ---- parts ---- */

static int doom_part(struct r2_store *store, str upload, unsigned number)
{
    sqlite3_stmt *row = db_statement(store->db,
                                     "SELECT file FROM part WHERE upload = ? AND number = ?");
    int r;

    if (!row)
        return ERR_INVALID;
    sqlite3_bind_text(row, 1, upload.ptr, (int)upload.len, SQLITE_STATIC);
    sqlite3_bind_int64(row, 2, number);
    if ((r = db_step(row)) > 0) {
        r = r2_store_doom(store, db_column(row, 0), 0);
        sqlite3_reset(row);
    }
    return r;
}

static int write_part(struct r2_store *store, str upload, unsigned number,
                      const struct r2_body *body)
{
    sqlite3_stmt *insert = db_statement(store->db, "INSERT OR REPLACE INTO part (upload, number, "
                                                   "length, etag, file) VALUES (?, ?, ?, ?, ?)");
    int r = doom_part(store, upload, number);

    if (r < 0 || !insert)
        return r < 0 ? r : ERR_INVALID;
    sqlite3_bind_text(insert, 1, upload.ptr, (int)upload.len, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 2, number);
    sqlite3_bind_int64(insert, 3, (int64_t)body->length);
    sqlite3_bind_text(insert, 4, body->md5, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 5, body->file, -1, SQLITE_STATIC);
    return db_run(insert);
}

int r2_store_upload_part(struct r2_store *store, const json_t *args, struct r2_body *body,
                         struct buf *out, struct err *err)
{
    json_int_t number = member_int(args, "partNumber");
    int r;

    if (number < 1 || number > R2_STORE_PARTS_MAX)
        return err_set(err, ERR_INVALID, "Part number must be between 1 and %d, inclusive. (10029)",
                       R2_STORE_PARTS_MAX);
    if (body->length > R2_STORE_SIZE_MAX)
        return err_set(err, ERR_LIMIT,
                       "Your proposed upload exceeds the maximum allowed object "
                       "size. (100100)");
    if ((r = r2_store_check_sum(args, body, err)) < 0)
        return r;
    if ((r = db_begin(store->db)) < 0)
        return r2_store_explain(store, r, err);
    if ((r = find_upload(store, args, NULL, err)) == 0)
        r = write_part(store, member_str(args, "uploadId"), (unsigned)number, body);
    r = db_end(store->db, r);
    if (r < 0)
        return r2_store_explain(store, r, err);
    r2_body_adopt(body);
    return append_dumped(out, json_pack("{s:I, s:s}", "partNumber", number, "etag", body->md5));
}

/* ---- completing ---- */

static int read_part(struct r2_store *store, str upload, const json_t *wanted, struct part *ret,
                     struct err *err)
{
    sqlite3_stmt *row = db_statement(
        store->db, "SELECT length, etag, file FROM part WHERE upload = ? AND number = ?");
    int r;

    ret->number = (unsigned)member_int(wanted, "partNumber");
    if (!row)
        return ERR_INVALID;
    sqlite3_bind_text(row, 1, upload.ptr, (int)upload.len, SQLITE_STATIC);
    sqlite3_bind_int64(row, 2, ret->number);
    if ((r = db_step(row)) < 0)
        return r;
    if (r == 0)
        return no_part(err);
    ret->length = (uint64_t)sqlite3_column_int64(row, 0);
    snprintf(ret->etag, sizeof ret->etag, "%.*s", STR_ARGS(db_column(row, 1)));
    snprintf(ret->file, sizeof ret->file, "%.*s", STR_ARGS(db_column(row, 2)));
    sqlite3_reset(row);
    return str_equal(str_from(ret->etag), member_str(wanted, "etag")) ? 0 : no_part(err);
}

static int by_number(const void *a, const void *b)
{
    const struct part *x = a, *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

static int check_parts(const struct part *parts, size_t count, uint64_t *ret_size, struct err *err)
{
    *ret_size = 0;
    for (size_t i = 0; i < count; i++) {
        if (i && parts[i].number == parts[i - 1].number)
            return err_set(err, ERR_INVALID,
                           "There was a problem with the multipart upload. (10048)");
        if (i + 1 < count && parts[i].length < R2_STORE_PART_BYTES_MIN)
            return err_set(err, ERR_INVALID,
                           "Your proposed upload is smaller than the minimum "
                           "allowed object size. (10011)");
        *ret_size += parts[i].length;
    }
    if (*ret_size > R2_STORE_WHOLE_MAX)
        return err_set(err, ERR_LIMIT,
                       "Your proposed upload exceeds the maximum allowed object "
                       "size. (100100)");
    return 0;
}

static void etag_of(const struct part *parts, size_t count, char etag[ETAG_BYTES])
{
    char md5[R2_DIGEST_HEX_BYTES];
    struct buf all;

    buf_init(&all, (size_t)R2_STORE_PARTS_MAX * R2_DIGEST_HEX_BYTES);
    for (size_t i = 0; i < count; i++)
        ASSERT(buf_append(&all, str_from(parts[i].etag)) == 0);
    r2_digest_of_parts(buf_str(&all), md5);
    buf_done(&all);
    snprintf(etag, ETAG_BYTES, "%.32s-%zu", md5, count);
}

/* The upload goes; files of parts that were not named go, too. */
static int remove_upload(struct r2_store *store, str upload)
{
    static const char *const texts[] = {
        "INSERT OR REPLACE INTO doomed (file, until) SELECT file, 0 FROM part WHERE upload = ?",
        "DELETE FROM part WHERE upload = ?", "DELETE FROM upload WHERE id = ?"};
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(texts); i++) {
        sqlite3_stmt *run = db_statement(store->db, texts[i]);

        if (!run)
            return ERR_INVALID;
        sqlite3_bind_text(run, 1, upload.ptr, (int)upload.len, SQLITE_STATIC);
        r = db_run(run);
    }
    return r;
}

/* A part's file becomes a piece of the object. */
static int move_part(struct r2_store *store, str upload, const struct part *part, int64_t object,
                     unsigned at)
{
    sqlite3_stmt *remove = db_statement(store->db,
                                        "DELETE FROM part WHERE upload = ? AND number = ?");
    int r;

    if (!remove)
        return ERR_INVALID;
    sqlite3_bind_text(remove, 1, upload.ptr, (int)upload.len, SQLITE_STATIC);
    sqlite3_bind_int64(remove, 2, part->number);
    r = db_run(remove);
    return r < 0 ? r : r2_store_add_piece(store, object, at, part->length, str_from(part->file));
}

struct completion {
    const json_t *args;
    struct part *parts;
    size_t count;
    json_t *said;
};

static int assemble(struct r2_store *store, const struct completion *completion, struct buf *out,
                    struct err *err)
{
    str upload = member_str(completion->args, "uploadId");
    struct r2_store_new new_object = {.said = completion->said};
    char etag[ETAG_BYTES];
    int64_t id;
    int r = r2_store_key(completion->args, &new_object.key, err);

    if (r == 0)
        r = check_parts(completion->parts, completion->count, &new_object.size, err);
    if (r < 0)
        return r;
    etag_of(completion->parts, completion->count, etag);
    new_object.etag = etag;
    r = r2_store_write(store, &new_object, &id, out);
    for (unsigned i = 0; r == 0 && i < completion->count; i++)
        r = move_part(store, upload, &completion->parts[i], id, i);
    return r < 0 ? r : remove_upload(store, upload);
}

static int complete_in_transaction(struct r2_store *store, struct completion *completion,
                                   struct buf *out, struct err *err)
{
    const json_t *wanted = json_object_get(completion->args, "parts"), *it;
    str upload = member_str(completion->args, "uploadId");
    struct buf said;
    size_t i;
    int r;

    buf_init(&said, SAID_BYTES_MAX);
    if ((r = find_upload(store, completion->args, &said, err)) == 0 &&
        !(completion->said = json_loadb(said.ptr, said.len, JSON_ALLOW_NUL, NULL)))
        r = ERR_INVALID;
    buf_done(&said);
    json_array_foreach(wanted, i, it)
        if (r == 0)
            r = read_part(store, upload, it, &completion->parts[completion->count++], err);
    if (r < 0)
        return r;
    qsort(completion->parts, completion->count, sizeof *completion->parts, by_number);
    return assemble(store, completion, out, err);
}

int r2_store_upload_complete(struct r2_store *store, const json_t *args, struct buf *out,
                             struct err *err)
{
    size_t count = json_array_size(json_object_get(args, "parts"));
    struct completion completion = {.args = args};
    int r;

    if (!count || count > R2_STORE_PARTS_MAX)
        return err_set(err, ERR_INVALID, "There was a problem with the multipart upload. (10048)");
    if ((r = db_begin(store->db)) < 0)
        return r2_store_explain(store, r, err);
    completion.parts = mem_zeroed(count * sizeof *completion.parts);
    r = db_end(store->db, complete_in_transaction(store, &completion, out, err));
    free(completion.parts);
    json_decref(completion.said);
    return r2_store_explain(store, r, err);
}

int r2_store_upload_abort(struct r2_store *store, const json_t *args, struct err *err)
{
    int r = db_begin(store->db);

    if (r < 0)
        return r2_store_explain(store, r, err);
    if ((r = find_upload(store, args, NULL, err)) == 0)
        r = remove_upload(store, member_str(args, "uploadId"));
    return r2_store_explain(store, db_end(store->db, r), err);
}

/* ---- lists ---- */

static unsigned limit_of(const json_t *args)
{
    json_int_t limit = member_int(args, "limit");

    return limit < 1 || limit > R2_STORE_KEYS_MAX ? R2_STORE_KEYS_MAX : (unsigned)limit;
}

/* Takes `name`: rows, of which there is one more than wanted when there are more. */
static int end_list(struct buf *out, const char *name, json_t *rows, unsigned limit)
{
    bool more = json_array_size(rows) > limit;

    if (more)
        json_array_remove(rows, limit);
    return append_dumped(out, json_pack("{s:o, s:b}", name, rows, "truncated", more));
}

static json_t *upload_row(sqlite3_stmt *row)
{
    str key = db_column(row, 0), id = db_column(row, 1);

    return json_pack("{s:s%, s:s%, s:I}", "key", key.ptr, key.len, "uploadId", id.ptr, id.len,
                     "created", (json_int_t)sqlite3_column_int64(row, 2));
}

int r2_store_upload_list(struct r2_store *store, const json_t *args, struct buf *out,
                         struct err *err)
{
    static const char sql[] =
        "SELECT key, id, created FROM upload WHERE (key, id) > (?1, ?2) AND key >= ?3 "
        "AND substr(key, 1, length(?3)) = ?3 ORDER BY key, id LIMIT ?4";
    sqlite3_stmt *rows = db_statement(store->db, sql);
    str marker = member_str(args, "uploadIdMarker");
    unsigned limit = limit_of(args);
    json_t *list;
    int r;

    if (!rows)
        return r2_store_explain(store, ERR_INVALID, err);
    list = json_array();
    db_bind(rows, 1, member_str(args, "keyMarker"));
    sqlite3_bind_text(rows, 2, marker.ptr ? marker.ptr : "", (int)marker.len, SQLITE_STATIC);
    db_bind(rows, 3, member_str(args, "prefix"));
    sqlite3_bind_int64(rows, 4, (int64_t)limit + 1);
    while ((r = db_step(rows)) > 0)
        json_array_append_new(list, upload_row(rows));
    sqlite3_reset(rows);
    if (r == 0)
        return end_list(out, "uploads", list, limit);
    json_decref(list);
    return r2_store_explain(store, r, err);
}

static json_t *part_row(sqlite3_stmt *row)
{
    str etag = db_column(row, 1);

    return json_pack("{s:I, s:s%, s:I}", "partNumber", (json_int_t)sqlite3_column_int64(row, 0),
                     "etag", etag.ptr, etag.len, "size", (json_int_t)sqlite3_column_int64(row, 2));
}

int r2_store_upload_parts(struct r2_store *store, const json_t *args, struct buf *out,
                          struct err *err)
{
    static const char sql[] = "SELECT number, etag, length FROM part WHERE upload = ? "
                              "AND number > ? ORDER BY number LIMIT ?";
    sqlite3_stmt *rows = db_statement(store->db, sql);
    str upload = member_str(args, "uploadId");
    unsigned limit = limit_of(args);
    json_t *list;
    int r = find_upload(store, args, NULL, err);

    if (r < 0 || !rows)
        return r2_store_explain(store, r < 0 ? r : ERR_INVALID, err);
    list = json_array();
    sqlite3_bind_text(rows, 1, upload.ptr, (int)upload.len, SQLITE_STATIC);
    sqlite3_bind_int64(rows, 2, member_int(args, "after"));
    sqlite3_bind_int64(rows, 3, (int64_t)limit + 1);
    while ((r = db_step(rows)) > 0)
        json_array_append_new(list, part_row(rows));
    sqlite3_reset(rows);
    if (r == 0)
        return end_list(out, "parts", list, limit);
    json_decref(list);
    return r2_store_explain(store, r, err);
}
