/* bindings/kv_cursor and kv_cache. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "bindings/kv/kv_cache.h"
#include "bindings/kv/kv_cursor.h"
#include "bindings/kv/kv_store.h"

static int read_cursor(str text, struct buf *key)
{
    buf_clear(key);
    return kv_cursor_read(text, key);
}

Test(kv_cursor, comes_back_as_the_key)
{
    char longest[KV_STORE_KEY_BYTES_MAX];
    const str keys[] = {STR("a"), STR("ab"), STR("abc"), STR("a/b?c=d&e"), {"\0", 1},
                        STR("\xf0\x9f\x98\x80\xef\xbf\xbf"), {longest, sizeof longest}};
    struct buf cursor, key;

    memset(longest, 'k', sizeof longest);
    buf_init(&cursor, KV_CURSOR_BYTES_MAX);
    buf_init(&key, KV_STORE_KEY_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        buf_clear(&cursor);
        cr_assert_eq(kv_cursor_write(keys[i], &cursor), 0);
        for (size_t j = 0; j < cursor.len; j++)
            cr_assert(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                             cursor.ptr[j]),
                      "row %zu", i);
        cr_assert_eq(read_cursor(buf_str(&cursor), &key), 0, "row %zu", i);
        cr_assert(str_equal(buf_str(&key), keys[i]), "row %zu", i);
    }
    buf_done(&cursor);
    buf_done(&key);
}

Test(kv_cursor, anything_else_is_refused)
{
    static const str wrong[] = {STR(""), STR("1"), STR("YQ"), STR("2YQ"), STR("1YQ=="), STR("1Y+"),
                                STR("1Y/"), STR("1Y Q"), STR("1Y"), STR("1_w"), STR("1\xc3\xa9"),
                                {"1YQ\0", 4}};
    char large[2 * KV_CURSOR_BYTES_MAX];
    struct buf key;

    buf_init(&key, KV_STORE_KEY_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        cr_assert_eq(read_cursor(wrong[i], &key), ERR_INVALID, "row %zu", i);
    memset(large, 'A', sizeof large);
    large[0] = '1';
    for (size_t len = 685; len <= sizeof large; len++) /* 513 bytes and more */
        cr_assert_eq(read_cursor((str){large, len}, &key), ERR_INVALID, "%zu", len);
    cr_assert_eq(read_cursor((str){large, 684}, &key), 0);
    buf_done(&key);
}

/* ---- kv_cache ---- */

static void keep(struct kv_cache *cache, const char *key, size_t len, uint64_t counter)
{
    static char zeros[KV_CACHE_VALUE_BYTES_MAX + 1];
    struct kv_store_entry entry;

    kv_store_entry_init(&entry);
    cr_assert_eq(buf_append(&entry.value, (str){zeros, len}), 0);
    cr_assert_eq(buf_append(&entry.metadata, STR("[1]")), 0);
    kv_cache_put(cache, str_from(key), &entry, counter);
    kv_store_entry_done(&entry);
}

Test(kv_cache, keeps_and_replaces)
{
    struct kv_cache cache = {0}, other = {0};
    const struct kv_cache_entry *entry;

    cr_assert_null(kv_cache_find(&cache, STR("a")));
    keep(&cache, "a", 5, 2);
    kv_cache_put(&cache, STR("b"), NULL, 4);
    keep(&other, "a", 7, 8);
    entry = kv_cache_find(&cache, STR("a"));
    cr_assert(entry && entry->is_there && entry->value.len == 5 && entry->counter == 2);
    cr_assert(str_equal(entry->metadata, STR("[1]")));
    entry = kv_cache_find(&cache, STR("b"));
    cr_assert(entry && !entry->is_there && entry->counter == 4);
    keep(&cache, "a", 6, 6);
    cr_assert_eq(kv_cache_find(&cache, STR("a"))->value.len, 6);
    cr_assert_eq(kv_cache_find(&other, STR("a"))->value.len, 7);
    keep(&cache, "a", KV_CACHE_VALUE_BYTES_MAX + 1, 8);
    cr_assert_null(kv_cache_find(&cache, STR("a")), "what is too large takes the old one's place");
    kv_cache_clear(&cache);
    cr_assert_null(kv_cache_find(&cache, STR("b")));
    cr_assert_not_null(kv_cache_find(&other, STR("a")));
    kv_cache_clear(&other);
}

Test(kv_cache, forgets_what_was_not_asked_for_the_longest_time)
{
    enum { COUNT = 2 * KV_CACHE_BYTES_MAX / KV_CACHE_VALUE_BYTES_MAX };
    struct kv_cache cache = {0};
    char key[16];
    int kept = 0;

    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "%d", i);
        keep(&cache, key, KV_CACHE_VALUE_BYTES_MAX, 0);
        cr_assert_not_null(kv_cache_find(&cache, STR("0")), "the one in use stays (%d)", i);
    }
    for (int i = 1; i < COUNT; i++) {
        snprintf(key, sizeof key, "%d", i);
        if (kv_cache_find(&cache, str_from(key)))
            kept++;
        else
            cr_assert_eq(kept, 0, "an older one than %d was kept", i);
    }
    cr_assert_lt(kept, KV_CACHE_BYTES_MAX / KV_CACHE_VALUE_BYTES_MAX);
    cr_assert_gt(kept, KV_CACHE_BYTES_MAX / KV_CACHE_VALUE_BYTES_MAX * 9 / 10);
    kv_cache_clear(&cache);
}
