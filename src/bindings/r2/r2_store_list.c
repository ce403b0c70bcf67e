/* Lists of a bucket's keys; see r2_store.h.
 *
 * A key that has the delimiter behind the prefix stands for all that begin as it does up to there:
 * the scan then goes on behind the last of those, so that a list costs what it shows. */
#include "base/member.h"
#include "bindings/r2/r2_cursor.h"
#include "bindings/r2/r2_store_private.h"

struct list {
    str prefix, delimiter;
    unsigned limit, count;
    struct buf from;            /* the next key is this one or behind it */
    bool is_over;               /* nothing is behind it */
    struct buf last;            /* what was shown last */
    bool last_is_prefix;
    struct buf objects, prefixes;
};

enum {
    LIST_BYTES_MAX = 48 << 20,
    PREFIXES_BYTES_MAX = R2_STORE_KEYS_MAX * (6 * R2_STORE_KEY_BYTES_MAX + 3),
    SCAN_ROWS = R2_STORE_KEYS_MAX + 1,
};

/* The first text behind all that begin with `prefix`: *ret_end is true when there is none. */
static void end_of_prefix(str prefix, struct buf *out, bool *ret_end)
{
    while (prefix.len && (unsigned char)prefix.ptr[prefix.len - 1] == 0xFF)
        prefix.len--;
    buf_clear(out);
    *ret_end = !prefix.len;
    if (!prefix.len)
        return;
    ASSERT(buf_append(out, prefix) == 0);
    out->ptr[out->len - 1]++;
}

/* ---- where it begins ---- */

static void begin_behind(struct list *list, str key)
{
    buf_clear(&list->from);
    ASSERT(buf_append(&list->from, key) == 0 && buf_append_char(&list->from, '\0') == 0);
}

static int begin_at_cursor(struct list *list, str cursor, struct err *err)
{
    struct buf key;
    bool is_prefix;
    int r;

    buf_init(&key, R2_STORE_KEY_BYTES_MAX);
    r = r2_cursor_read(cursor, &key, &is_prefix);
    if (r < 0)
        err_set(err, r, "The cursor is not valid. (10029)");
    else if (is_prefix)
        end_of_prefix(buf_str(&key), &list->from, &list->is_over);
    else
        begin_behind(list, buf_str(&key));
    buf_done(&key);
    return r;
}

static int compare(str a, str b)
{
    int r = memcmp(a.ptr ? a.ptr : "", b.ptr ? b.ptr : "", a.len < b.len ? a.len : b.len);

    return r ? r : a.len < b.len ? -1 : a.len > b.len;
}

static int begin(struct list *list, const json_t *args, struct err *err)
{
    str cursor = member_str(args, "cursor"), after = member_str(args, "startAfter");
    int r = 0;

    if (after.len > R2_STORE_KEY_BYTES_MAX || list->prefix.len > R2_STORE_KEY_BYTES_MAX)
        return err_set(err, ERR_INVALID, "The specified object name is not valid. (10020)");
    if (cursor.len)
        r = begin_at_cursor(list, cursor, err);
    else if (after.len)
        begin_behind(list, after);
    if (r == 0 && compare(buf_str(&list->from), list->prefix) < 0) {
        buf_clear(&list->from);
        ASSERT(buf_append(&list->from, list->prefix) == 0);
    }
    return r;
}

/* ---- what it shows ---- */

static int note(struct list *list, str key, bool is_prefix)
{
    buf_clear(&list->last);
    list->last_is_prefix = is_prefix;
    list->count++;
    return buf_append(&list->last, key);
}

static int append_json(struct buf *out, str text)
{
    json_t *string = json_stringn(text.ptr, text.len);
    char *dumped = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    int r = dumped ? buf_append(out, str_from(dumped)) : ERR_INVALID;

    free(dumped);
    json_decref(string);
    return r;
}

static int show(struct list *list, str key, str meta)
{
    int r = list->objects.len ? buf_append_char(&list->objects, ',') : 0;

    r = r < 0 ? r : buf_append(&list->objects, meta);
    if (r == 0)
        r = note(list, key, false);
    if (r == 0)
        begin_behind(list, buf_str(&list->last));
    return r;
}

static int show_prefix(struct list *list, str prefix)
{
    int r = list->prefixes.len ? buf_append_char(&list->prefixes, ',') : 0;

    r = r < 0 ? r : append_json(&list->prefixes, prefix);
    if (r == 0)
        r = note(list, prefix, true);
    if (r == 0)
        end_of_prefix(buf_str(&list->last), &list->from, &list->is_over);
    return r;
}

/* The key up to the delimiter's end; all of `key` when it has none. */
static size_t prefix_of(const struct list *list, str key)
{
    const char *hit;

    if (!list->delimiter.len)
        return key.len + 1;
    hit = memmem(key.ptr + list->prefix.len, key.len - list->prefix.len, list->delimiter.ptr,
                 list->delimiter.len);
    return hit ? (size_t)(hit - key.ptr) + list->delimiter.len : key.len + 1;
}

/* ---- the scan ---- */

static sqlite3_stmt *scan(struct r2_store *store, const struct list *list)
{
    sqlite3_stmt *rows =
        db_statement(store->db, "SELECT key, meta FROM object WHERE key >= ? ORDER BY key LIMIT ?");

    if (!rows)
        return NULL;
    db_bind(rows, 1, buf_str(&list->from));
    sqlite3_bind_int64(rows, 2, SCAN_ROWS);
    return rows;
}

/* Rows from `from` on, up to the first group, which a new scan steps over. Returns 1 to go on, 0 at
 * the end, with *ret_more when the limit was it. */
static int scan_once(struct list *list, sqlite3_stmt *rows, bool *ret_more)
{
    int r = 1;

    while (r > 0 && (r = db_step(rows)) > 0) {
        str key = db_column(rows, 0);
        size_t len;

        if (!str_starts(key, list->prefix))
            return 0;
        *ret_more = list->count == list->limit;
        if (*ret_more)
            return 0;
        len = prefix_of(list, key);
        if (len <= key.len) {
            r = show_prefix(list, str_head(key, len));
            return r < 0 ? r : !list->is_over;
        }
        r = show(list, key, db_column(rows, 1));
        r = r < 0 ? r : 1;
    }
    return r;
}

static int run(struct r2_store *store, struct list *list, bool *ret_more)
{
    int r = !list->is_over;

    while (r > 0) {
        sqlite3_stmt *rows = scan(store, list);

        r = rows ? scan_once(list, rows, ret_more) : ERR_INVALID;
        if (rows)
            sqlite3_reset(rows);
    }
    return r;
}

static int write_out(const struct list *list, bool more, struct buf *out)
{
    int r = buf_printf(out, "{\"truncated\":%s,\"cursor\":\"", more ? "true" : "false");

    if (r == 0 && more)
        r = r2_cursor_write(buf_str(&list->last), list->last_is_prefix, out);
    if (r == 0)
        r = buf_append(out, STR("\",\"delimitedPrefixes\":["));
    if (r == 0)
        r = buf_append(out, buf_str(&list->prefixes));
    if (r == 0)
        r = buf_append(out, STR("],\"objects\":["));
    if (r == 0)
        r = buf_append(out, buf_str(&list->objects));
    return r < 0 ? r : buf_append(out, STR("]}"));
}

int r2_store_list(struct r2_store *store, const json_t *args, struct buf *out, struct err *err)
{
    const json_t *limit = json_object_get(args, "limit");
    struct list list = {.prefix = member_str(args, "prefix"),
                        .delimiter = member_str(args, "delimiter"),
                        .limit = R2_STORE_KEYS_MAX};
    json_int_t wanted = json_is_integer(limit) ? json_integer_value(limit) : R2_STORE_KEYS_MAX;
    bool more = false;
    int r;

    if (wanted < 1 || wanted > R2_STORE_KEYS_MAX)
        return err_set(err, ERR_INVALID,
                       "MaxKeys params must be positive integer <= 1000. (10022)");
    list.limit = (unsigned)wanted;
    buf_init(&list.from, R2_STORE_KEY_BYTES_MAX + 1);
    buf_init(&list.last, R2_STORE_KEY_BYTES_MAX);
    buf_init(&list.objects, LIST_BYTES_MAX);
    buf_init(&list.prefixes, PREFIXES_BYTES_MAX);
    if ((r = begin(&list, args, err)) == 0 && (r = run(store, &list, &more)) == 0)
        r = write_out(&list, more, out);
    buf_done(&list.from);
    buf_done(&list.last);
    buf_done(&list.objects);
    buf_done(&list.prefixes);
    return r2_store_explain(store, r, err);
}
