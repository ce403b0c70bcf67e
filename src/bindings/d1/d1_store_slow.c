/* SQL functions in the place of SQLite's own that could take minutes in one step; see d1_store.h.
 * Nothing interrupts a function, and a row may call thousands: each looks at the time itself.
 *
 * (1) instr() and replace() compare at each place; here they search in linear time.
 * (2) printf() counts up to widths and precisions though the text has long been too large, and
 *     json_patch() compares each key with each. They have a bound, then SQLite's own are called on
 *     a connection aside, which has nothing in it. */
#include <stdio.h>

#include "bindings/d1/d1_store_private.h"

enum {
    WIDTHS_MAX = 4 * D1_STORE_VALUE_BYTES_MAX, /* of one format */
    PATCH_WORK_BITS = 34,                      /* bytes of one JSON times bytes of the other */
    JSON_SUBTYPE = 'J',
    CALL_BYTES_MAX = 256,
};

static const char patch_sql[] = "SELECT json_patch(?1, ?2)";

/* False when the statement's time is over; then the call has failed. */
static bool has_time(sqlite3_context *context, struct d1_store *store)
{
    if (!d1_store_guard_is_over(store))
        return true;
    sqlite3_result_error_code(context, SQLITE_INTERRUPT);
    return false;
}

/* As text, or as it is; its ptr is NULL for NULL, or when memory is short. */
static str bytes_of(sqlite3_value *value, bool as_blob)
{
    bool is_blob = sqlite3_value_type(value) == SQLITE_BLOB;
    const void *bytes = as_blob ? sqlite3_value_blob(value) : sqlite3_value_text(value);
    size_t len = (size_t)sqlite3_value_bytes(value);

    return (str){!bytes && is_blob && !len ? "" : bytes, len};
}

/* ---- (1) ---- */

static bool is_inside_character(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static int64_t place_of(str text, const char *at, bool in_bytes)
{
    int64_t place = 1;

    if (in_bytes)
        return at - text.ptr + 1;
    for (const char *c = text.ptr; c < at; c++)
        place += c + 1 == at || !is_inside_character(c[1]);
    return place;
}

static void on_instr(sqlite3_context *context, int count, sqlite3_value **values)
{
    bool in_bytes = sqlite3_value_type(values[0]) == SQLITE_BLOB &&
                    sqlite3_value_type(values[1]) == SQLITE_BLOB;
    str text, wanted;
    const char *at;

    (void)count;
    if (!has_time(context, sqlite3_user_data(context)))
        return;
    text = bytes_of(values[0], in_bytes);
    wanted = bytes_of(values[1], in_bytes);
    if (!text.ptr || !wanted.ptr)
        return;
    at = wanted.len ? memmem(text.ptr, text.len, wanted.ptr, wanted.len) : text.ptr;
    if (at && at > text.ptr && !in_bytes && is_inside_character(*at))
        at = NULL;
    sqlite3_result_int64(context, at ? place_of(text, at, in_bytes) : 0);
}

static size_t count_of(str text, str wanted)
{
    size_t count = 0;
    const char *at;

    while ((at = memmem(text.ptr, text.len, wanted.ptr, wanted.len))) {
        text = str_skip(text, (size_t)(at - text.ptr) + wanted.len);
        count++;
    }
    return count;
}

static char *append(char *to, str bytes)
{
    memcpy(to, bytes.ptr, bytes.len);
    return to + bytes.len;
}

static void write_replaced(char *to, str text, str wanted, str other)
{
    const char *at;

    while ((at = memmem(text.ptr, text.len, wanted.ptr, wanted.len))) {
        to = append(to, str_head(text, (size_t)(at - text.ptr)));
        to = append(to, other);
        text = str_skip(text, (size_t)(at - text.ptr) + wanted.len);
    }
    append(to, text);
}

static void replace(sqlite3_context *context, str text, str wanted, str other)
{
    sqlite3 *connection = sqlite3_context_db_handle(context);
    size_t count = count_of(text, wanted);
    size_t len = text.len - count * wanted.len + count * other.len;
    char *out;

    if (len > (size_t)sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, -1)) {
        sqlite3_result_error_toobig(context);
    } else if (!(out = sqlite3_malloc64(len + 1))) {
        sqlite3_result_error_nomem(context);
    } else {
        write_replaced(out, text, wanted, other);
        sqlite3_result_text64(context, out, len, sqlite3_free, SQLITE_UTF8);
    }
}

static void on_replace(sqlite3_context *context, int count, sqlite3_value **values)
{
    str text, wanted, other;

    (void)count;
    if (!has_time(context, sqlite3_user_data(context)))
        return;
    text = bytes_of(values[0], false);
    wanted = bytes_of(values[1], false);
    other = bytes_of(values[2], false);
    if (!text.ptr || !wanted.ptr || !other.ptr)
        return;
    if (!wanted.len || !wanted.ptr[0])
        sqlite3_result_value(context, values[0]);
    else
        replace(context, text, wanted, other);
}

/* ---- (2) ---- */

static sqlite3_stmt *prepare_aside(struct d1_store *store, const char *sql)
{
    sqlite3_stmt *call = NULL;

    if (!store->aside) {
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX;
        if (sqlite3_open_v2(":memory:", &store->aside, flags, "unix") != SQLITE_OK)
            return NULL;
        sqlite3_limit(store->aside, SQLITE_LIMIT_LENGTH, D1_STORE_VALUE_BYTES_MAX);
    }
    sqlite3_prepare_v3(store->aside, sql, -1, SQLITE_PREPARE_PERSISTENT, &call, NULL);
    return call;
}

static void call_aside(sqlite3_context *context, sqlite3_stmt *call, int count,
                       sqlite3_value **values)
{
    int r = call ? SQLITE_OK : SQLITE_NOMEM;

    for (int i = 0; r == SQLITE_OK && i < count; i++)
        r = sqlite3_bind_value(call, i + 1, values[i]);
    if (r == SQLITE_OK && (r = sqlite3_step(call)) == SQLITE_ROW)
        sqlite3_result_value(context, sqlite3_column_value(call, 0));
    else if ((r & 0xFF) == SQLITE_ERROR)
        sqlite3_result_error(context, sqlite3_errmsg(sqlite3_db_handle(call)), -1);
    else
        sqlite3_result_error_code(context, r);
    sqlite3_reset(call);
    sqlite3_clear_bindings(call);
}

static int64_t as_width(int64_t number)
{
    int32_t width = (int32_t)number; /* as SQLite takes it */

    return width < 0 ? -(int64_t)width : width;
}

/* The sum of all widths and precisions of a format, those in values, too, or what is too much. */
static int64_t widths_of(const char *format, int count, sqlite3_value **values)
{
    int64_t sum = 0, number = 0;
    int at = 1;

    while (sum <= WIDTHS_MAX && (format = strchr(format, '%'))) {
        for (format++; *format && strchr("-+ #!,l.*0123456789", *format); format++) {
            bool is_digit = *format >= '0' && *format <= '9';

            number = is_digit && number <= WIDTHS_MAX ? number * 10 + (*format - '0')
                     : is_digit                       ? number
                                                      : 0;
            sum += number;
            if (*format == '*' && at < count)
                sum += as_width(sqlite3_value_int64(values[at++]));
        }
        number = 0;
        at += *format && *format != '%' && *format != 'n';
        format += *format != 0;
    }
    return sum;
}

static sqlite3_stmt *print_statement(struct d1_store *store, int count)
{
    char sql[CALL_BYTES_MAX];
    int len = snprintf(sql, sizeof sql, "SELECT printf(");

    if (store->prints[count])
        return store->prints[count];
    for (int i = 1; i <= count; i++)
        len += snprintf(sql + len, sizeof sql - (size_t)len, "%s?%d", i > 1 ? "," : "", i);
    snprintf(sql + len, sizeof sql - (size_t)len, ")");
    return store->prints[count] = prepare_aside(store, sql);
}

static void on_print(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct d1_store *store = sqlite3_user_data(context);
    const char *format = count ? (const char *)sqlite3_value_text(values[0]) : NULL;

    if (!format || !has_time(context, store))
        return;
    if (widths_of(format, count, values) > WIDTHS_MAX)
        sqlite3_result_error_toobig(context);
    else
        call_aside(context, print_statement(store, count), count, values);
}

static void on_patch(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct d1_store *store = sqlite3_user_data(context);
    uint64_t work = (uint64_t)sqlite3_value_bytes(values[0]) *
                    (uint64_t)sqlite3_value_bytes(values[1]);

    if (!has_time(context, store))
        return;
    if (work >> PATCH_WORK_BITS) {
        sqlite3_result_error_toobig(context);
        return;
    }
    if (!store->patch)
        store->patch = prepare_aside(store, patch_sql);
    call_aside(context, store->patch, count, values);
    sqlite3_result_subtype(context, JSON_SUBTYPE);
}

int d1_store_slow_put(struct d1_store *store)
{
    static const struct {
        const char *name;
        int arguments;
        void (*run)(sqlite3_context *context, int count, sqlite3_value **values);
    } rows[] = {
        {"instr", 2, on_instr},   {"replace", 3, on_replace}, {"printf", -1, on_print},
        {"format", -1, on_print}, {"json_patch", 2, on_patch},
    };
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, r = SQLITE_OK;

    for (size_t i = 0; i < COUNT_OF(rows) && r == SQLITE_OK; i++)
        r = sqlite3_create_function_v2(store->connection, rows[i].name, rows[i].arguments, flags,
                                       store, rows[i].run, NULL, NULL, NULL);
    return r;
}

void d1_store_slow_close(struct d1_store *store)
{
    for (size_t i = 0; i < COUNT_OF(store->prints); i++)
        sqlite3_finalize(store->prints[i]);
    sqlite3_finalize(store->patch);
    ASSERT(sqlite3_close(store->aside) == SQLITE_OK);
}
