/* SQL functions in the place of SQLite's own; see d1_store.h.
 *
 * trim(), ltrim() and rtrim() with a set of characters compare each character with each of the set,
 * in one step that nothing interrupts: two texts of the largest size would take half an hour. Here
 * the set has a maximum. The rest is as in SQLite: characters are compared as bytes. */
#include <stdint.h>

#include "bindings/d1/d1_store_private.h"

enum { SET_BYTES_MAX = 4096, LEFT = 1, RIGHT = 2, ARGUMENTS = 2 };

static size_t character_length(str text)
{
    size_t len = 1;

    if ((unsigned char)text.ptr[0] >= 0xC0)
        while (len < text.len && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
            len++;
    return len;
}

/* Bytes of the character of `set` that `text` begins with (ends with); 0 when there is none. */
static size_t matches(str text, str set, bool at_end)
{
    while (set.len) {
        size_t len = character_length(set);
        const char *at = text.ptr + (at_end && len <= text.len ? text.len - len : 0);

        if (len <= text.len && memcmp(at, set.ptr, len) == 0)
            return len;
        set = str_skip(set, len);
    }
    return 0;
}

static void on_trim(sqlite3_context *context, int count, sqlite3_value **values)
{
    int sides = (int)(intptr_t)sqlite3_user_data(context);
    str text = {(const char *)sqlite3_value_text(values[0]), 0};
    str set = {(const char *)sqlite3_value_text(values[1]), 0};
    size_t len;

    (void)count;
    if (!text.ptr || !set.ptr)
        return;
    text.len = (size_t)sqlite3_value_bytes(values[0]);
    set.len = (size_t)sqlite3_value_bytes(values[1]);
    if (set.len > SET_BYTES_MAX) {
        sqlite3_result_error(context, "too many characters to trim", -1);
        return;
    }
    while ((sides & LEFT) && (len = matches(text, set, false)))
        text = str_skip(text, len);
    while ((sides & RIGHT) && (len = matches(text, set, true)))
        text.len -= len;
    sqlite3_result_text64(context, text.ptr, text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

int d1_store_function_put(struct d1_store *store)
{
    static const char *const names[] = {NULL, "ltrim", "rtrim", "trim"}; /* by its sides */
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, r = SQLITE_OK;

    for (intptr_t sides = LEFT; sides <= (LEFT | RIGHT) && r == SQLITE_OK; sides++)
        r = sqlite3_create_function_v2(store->connection, names[sides], ARGUMENTS, flags,
                                       (void *)sides, on_trim, NULL, NULL, NULL); // NOLINT
    return r == SQLITE_OK ? d1_store_slow_put(store) : r;
}
