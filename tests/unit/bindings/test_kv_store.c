/* bindings/kv_store: what goes in comes out, at every boundary, by a given clock, and on bad
 * disks. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bindings/kv/kv_store.h"
#include "bindings/quota.h"
#include "os/file.h"
#include "os/path.h"

enum { NOW = 1000000 };

static char *directory;
static struct kv_store *store;
static struct err err;

static void setup(void)
{
    cr_assert_eq(file_make_temporary(&directory, &err), 0);
    cr_assert_eq(kv_store_open(directory, 0, &store, &err), 0, "%s", err.text);
}

static void teardown(void)
{
    kv_store_close(store);
    file_remove_tree(directory);
    free(directory);
}

TestSuite(kv_store, .init = setup, .fini = teardown);

static int put_with(struct kv_store_put put, int64_t now)
{
    int r = kv_store_begin(store, &err);

    return r < 0 ? r : kv_store_end(store, kv_store_put(store, &put, now, &err), &err);
}

static int put(const char *key, str value)
{
    return put_with((struct kv_store_put){.key = str_from(key), .value = value}, NOW);
}

static int delete_key(const char *key)
{
    int r = kv_store_begin(store, &err);

    return r < 0 ? r : kv_store_end(store, kv_store_delete(store, str_from(key), NOW, &err), &err);
}

/* What is under a key at a time: whole. */
static int get_at(const char *key, int64_t now, struct kv_store_entry *entry)
{
    int r;

    kv_store_entry_init(entry);
    r = kv_store_get(store, str_from(key), now, entry, &err);
    return r < 0 ? r : kv_store_read_all(store, entry, &err);
}

static bool has(const char *key, str value)
{
    struct kv_store_entry entry;
    bool same = get_at(key, NOW, &entry) == 0 && str_equal(buf_str(&entry.value), value);

    kv_store_entry_done(&entry);
    return same;
}

static bool is_missing(const char *key, int64_t now)
{
    struct kv_store_entry entry;
    int r = get_at(key, now, &entry);

    kv_store_entry_done(&entry);
    return r == ERR_NOT_FOUND;
}

/* Bytes that differ from place to place; returned owned. */
static str pattern(size_t len)
{
    char *bytes = mem_alloc(len + 1);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 31 + (i >> 8) * 7);
    return (str){bytes, len};
}

/* What a list gives, as JSON; returned owned. */
static char *list(struct kv_store_query query, bool *ret_complete)
{
    struct buf out, last;
    char *text;

    if (!query.now)
        query.now = NOW;
    if (!query.limit)
        query.limit = KV_STORE_LIST_MAX;
    buf_init(&out, 1 << 20);
    buf_init(&last, KV_STORE_KEY_BYTES_MAX);
    cr_assert_eq(kv_store_list(store, &query, &out, &last, ret_complete, &err), 0, "%s", err.text);
    text = buf_take(&out, NULL);
    buf_done(&last);
    return text;
}

static void assert_list(struct kv_store_query query, const char *expected, bool complete)
{
    bool is_complete;
    char *text = list(query, &is_complete);

    cr_assert_str_eq(text, expected);
    cr_assert_eq(is_complete, complete, "%s", expected);
    free(text);
}

Test(kv_store, values_of_every_size_come_back)
{
    static const size_t sizes[] = {0, 1, 1000, 65536, KV_STORE_PART_BYTES - 1, KV_STORE_PART_BYTES,
                                   KV_STORE_PART_BYTES + 1, 3 * KV_STORE_PART_BYTES,
                                   KV_STORE_VALUE_BYTES_MAX};

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        str value = pattern(sizes[i]);

        cr_assert_eq(put("key", value), 0, "%s", err.text);
        cr_assert(has("key", value), "%zu bytes", sizes[i]);
        free((char *)value.ptr);
    }
    cr_assert_eq(delete_key("key"), 0);
    cr_assert(is_missing("key", NOW));
    cr_assert_eq(delete_key("key"), 0);
}

Test(kv_store, keys_are_bytes)
{
    char longest[KV_STORE_KEY_BYTES_MAX + 1];
    const char *keys[] = {"a", "A", "a ", "\xc3\xa4", "a\xcc\x88", "\xf0\x9f\x98\x80", longest};

    memset(longest, 'k', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        cr_assert_eq(put(keys[i], str_from(keys[i])), 0);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        cr_assert(has(keys[i], str_from(keys[i])), "%s", keys[i]);
}

Test(kv_store, what_expires_is_gone_at_its_second)
{
    const struct kv_store_put gone = {.key = STR("key"),
                                      .value = STR("v"),
                                      .expires = NOW + 60,
                                      .metadata = STR("[1]")};
    struct kv_store_entry entry;

    cr_assert_eq(put_with(gone, NOW), 0);
    cr_assert_eq(get_at("key", NOW + 59, &entry), 0);
    cr_assert_eq(entry.expires, NOW + 60);
    cr_assert(str_equal(buf_str(&entry.metadata), STR("[1]")));
    kv_store_entry_done(&entry);
    cr_assert(is_missing("key", NOW + 60));
    assert_list((struct kv_store_query){.now = NOW + 59},
                "[{\"name\":\"key\",\"expiration\":1000060,\"metadata\":[1]}]", true);
    assert_list((struct kv_store_query){.now = NOW + 60}, "[]", true);
    cr_assert_eq(put("key", STR("again")), 0);
    assert_list((struct kv_store_query){.now = NOW + 100}, "[{\"name\":\"key\"}]", true);
}

Test(kv_store, expired_keys_are_swept)
{
    str value = pattern(KV_STORE_PART_BYTES * 2);

    cr_assert_eq(put("stays", STR("v")), 0);
    cr_assert_not(kv_store_is_dusty(store, NOW + 1000));
    cr_assert_eq(put_with((struct kv_store_put){.key = STR("small"), .expires = NOW + 60}, NOW), 0);
    cr_assert_eq(
        put_with((struct kv_store_put){.key = STR("large"), .value = value, .expires = NOW + 60},
                 NOW),
        0);
    cr_assert_not(kv_store_is_dusty(store, NOW + 59));
    cr_assert(kv_store_is_dusty(store, NOW + 60));
    for (int i = 0; i < 2; i++) { /* the large one's parts go when nobody can be reading them */
        int64_t now = NOW + 60 + i * KV_STORE_KEPT_S;
        cr_assert(kv_store_is_dusty(store, now), "round %d", i);
        cr_assert_eq(kv_store_begin(store, &err), 0);
        cr_assert_eq(kv_store_end(store, kv_store_sweep(store, now, &err), &err), 0);
        cr_assert_not(kv_store_is_dusty(store, now), "round %d", i);
    }
    cr_assert(has("stays", STR("v")));
    free((char *)value.ptr);
}

Test(kv_store, a_replaced_value_is_kept_for_who_reads_it)
{
    str value = pattern(KV_STORE_PART_BYTES * 2);
    struct kv_store_entry entry;
    struct buf part;

    buf_init(&part, KV_STORE_PART_BYTES);
    cr_assert_eq(put("key", value), 0);
    kv_store_entry_init(&entry);
    cr_assert_eq(kv_store_get(store, STR("key"), NOW, &entry, &err), 0);
    cr_assert_gt(entry.body, 0);
    cr_assert_eq(entry.value.len, 0);
    cr_assert_eq(put("key", STR("other")), 0);
    cr_assert_eq(kv_store_read_part(store, entry.body, 1, &part, &err), 0);
    cr_assert(str_equal(buf_str(&part), str_skip(value, KV_STORE_PART_BYTES)));
    cr_assert_eq(kv_store_begin(store, &err), 0);
    cr_assert_eq(kv_store_end(store, kv_store_sweep(store, NOW + KV_STORE_KEPT_S, &err), &err), 0);
    cr_assert_eq(kv_store_read_part(store, entry.body, 1, &part, &err), ERR_NOT_FOUND);
    kv_store_entry_done(&entry);
    buf_done(&part);
    free((char *)value.ptr);
}

Test(kv_store, replaced_values_are_not_kept_without_end)
{
    str value = pattern(KV_STORE_VALUE_BYTES_MAX);
    char *path = path_join(str_from(directory), STR("data.db"));
    struct stat about;

    for (int i = 0; i < 2 * KV_STORE_KEPT_BYTES / KV_STORE_VALUE_BYTES_MAX; i++) {
        cr_assert_eq(put("key", value), 0, "%s", err.text);
        kv_store_checkpoint(store);
    }
    cr_assert_eq(stat(path, &about), 0);
    cr_assert_lt(about.st_size, KV_STORE_KEPT_BYTES + 4 * KV_STORE_VALUE_BYTES_MAX);
    cr_assert(has("key", value));
    free(path);
    free((char *)value.ptr);
}

Test(kv_store, a_value_in_parts)
{
    int64_t body = 0;
    struct kv_store_put adopt = {.key = STR("key"), .length = KV_STORE_PART_BYTES + 5};
    str value = pattern(KV_STORE_PART_BYTES + 5);

    cr_assert_eq(kv_store_begin(store, &err), 0);
    cr_assert_eq(kv_store_stage(store, NOW, &body, &err), 0);
    cr_assert_eq(kv_store_write_part(store, body, 0, str_head(value, KV_STORE_PART_BYTES), &err),
                 0);
    cr_assert_eq(kv_store_write_part(store, body, 1, str_skip(value, KV_STORE_PART_BYTES), &err),
                 0);
    cr_assert_eq(kv_store_end(store, 0, &err), 0);
    cr_assert(is_missing("key", NOW));
    adopt.body = body;
    cr_assert_eq(put_with(adopt, NOW + 10), 0, "%s", err.text);
    cr_assert(has("key", value));
    cr_assert_eq(put_with(adopt, NOW + 10), ERR_NOT_FOUND); /* it is an entry's already */
    cr_assert(has("key", value));

    cr_assert_eq(kv_store_begin(store, &err), 0);
    cr_assert_eq(kv_store_stage(store, NOW, &adopt.body, &err), 0);
    cr_assert_eq(kv_store_end(store, 0, &err), 0);
    cr_assert_neq(adopt.body, body);
    cr_assert_eq(kv_store_begin(store, &err), 0);
    cr_assert_eq(kv_store_end(store, kv_store_sweep(store, NOW + KV_STORE_STAGED_S, &err), &err),
                 0);
    cr_assert_eq(put_with(adopt, NOW + KV_STORE_STAGED_S), ERR_NOT_FOUND);
    cr_assert(has("key", value));
    free((char *)value.ptr);
}

Test(kv_store, lists_by_bytes_with_prefix_and_place)
{
    static const char *const keys[] = {"b", "a", "a\xff", "a/1", "a/2", "\xef\xbd\x9e",
                                       "\xf0\x9f\x98\x80"};
    bool is_complete;

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (keys[i][1] != '\xff')
            cr_assert_eq(put(keys[i], STR("")), 0);
    assert_list((struct kv_store_query){0},
                "[{\"name\":\"a\"},{\"name\":\"a/1\"},{\"name\":\"a/2\"},{\"name\":\"b\"},"
                "{\"name\":\"\xef\xbd\x9e\"},{\"name\":\"\xf0\x9f\x98\x80\"}]",
                true);
    assert_list((struct kv_store_query){.prefix = STR("a/")},
                "[{\"name\":\"a/1\"},{\"name\":\"a/2\"}]", true);
    assert_list((struct kv_store_query){.prefix = STR("a"), .after = STR("a/1"), .limit = 1},
                "[{\"name\":\"a/2\"}]", true);
    assert_list((struct kv_store_query){.prefix = STR("a"), .limit = 2},
                "[{\"name\":\"a\"},{\"name\":\"a/1\"}]", false);
    assert_list((struct kv_store_query){.prefix = STR("b"), .after = STR("a")},
                "[{\"name\":\"b\"}]", true);
    assert_list((struct kv_store_query){.after = STR("\xf0\x9f\x98\x80")}, "[]", true);
    assert_list((struct kv_store_query){.prefix = STR("\xff")}, "[]", true);
    cr_assert_eq(put("a\xff", STR("")), 0);
    free(list((struct kv_store_query){.prefix = STR("a\xff")}, &is_complete));
    cr_assert(is_complete);
}

Test(kv_store, names_in_lists_are_json)
{
    const struct kv_store_put odd = {.key = {"\"\\\n\0\x1f/", 6},
                                     .metadata = STR("{\"a\":\"\\\"\"}")};

    cr_assert_eq(put_with(odd, NOW), 0);
    assert_list((struct kv_store_query){0},
                "[{\"name\":\"\\\"\\\\\\u000a\\u0000\\u001f/\",\"metadata\":{\"a\":\"\\\"\"}}]",
                true);
}

Test(kv_store, a_transaction_that_fails_changes_nothing)
{
    cr_assert_eq(put("key", STR("old")), 0);
    cr_assert_eq(kv_store_begin(store, &err), 0);
    cr_assert_eq(kv_store_put(store, &(struct kv_store_put){.key = STR("key"), .value = STR("new")},
                              NOW, &err),
                 0);
    cr_assert_eq(kv_store_end(store, ERR_NOT_FOUND, &err), ERR_NOT_FOUND);
    cr_assert(has("key", STR("old")));
}

Test(kv_store, a_reader_sees_what_another_wrote)
{
    struct kv_store *writer = store, *reader;

    cr_assert_eq(kv_store_open(directory, 0, &reader, &err), 0);
    for (int i = 0; i < 100; i++) {
        char text[16];

        snprintf(text, sizeof text, "%d", i);
        store = writer;
        cr_assert_eq(put("key", str_from(text)), 0);
        store = reader;
        cr_assert(has("key", str_from(text)), "%s", text);
    }
    kv_store_close(reader);
    store = writer;
}

Test(kv_store, a_full_namespace_says_so_and_goes_on)
{
    str value = pattern(KV_STORE_VALUE_BYTES_MAX);
    struct kv_store *large = store;
    char *small = path_join(str_from(directory), STR("small"));

    cr_assert_eq(file_make_directories(small, &err), 0);
    cr_assert_eq(kv_store_open(small, 4 << 20, &store, &err), 0);
    cr_assert_eq(put("key", STR("small")), 0);
    cr_assert_eq(put("key", value), ERR_LIMIT);
    cr_assert_str_eq(err.text, "the disk or the namespace is full");
    cr_assert(has("key", STR("small")));
    cr_assert_eq(put("other", STR("small")), 0);
    kv_store_close(store);
    store = large;
    free(small);
    free((char *)value.ptr);
}

static void tell_quota(const char *account)
{
    json_t *frame = json_pack("{s:[s*]}", "accounts", account);

    quota_on_frame(frame);
    json_decref(frame);
}

Test(kv_store, a_namespace_of_an_account_that_is_over_does_not_grow)
{
    str value = pattern(KV_STORE_PART_BYTES / 2);
    struct kv_store *other = store;
    char *own = path_join(str_from(directory), STR("full/kv/one"));
    uint64_t before, after;

    quota_start(directory);
    cr_assert_eq(file_make_directories(own, &err), 0);
    cr_assert_eq(kv_store_open(own, 0, &store, &err), 0);
    cr_assert_eq(put("key", value), 0);
    cr_assert_eq(kv_store_size(own, &before, &err), 0);
    cr_assert_gt(before, value.len);
    tell_quota("full");
    cr_assert_eq(put("other", value), ERR_LIMIT);
    cr_assert_str_eq(err.text, QUOTA_TEXT);
    cr_assert(is_missing("other", NOW) && has("key", value));
    cr_assert_eq(delete_key("key"), 0);
    cr_assert_eq(put("other", value), 0, "what was freed is used again: %s", err.text);
    cr_assert_eq(kv_store_size(own, &after, &err), 0);
    cr_assert_eq(after, before);
    cr_assert_eq(put("third", value), ERR_LIMIT);
    tell_quota(NULL);
    cr_assert_eq(put("third", value), 0, "%s", err.text);
    kv_store_close(store);
    store = other;
    free(own);
    free((char *)value.ptr);
}

Test(kv_store, a_namespace_that_is_not_there_has_no_size)
{
    uint64_t bytes = 1;

    cr_assert_eq(kv_store_size("/none", &bytes, &err), 0);
    cr_assert_eq(bytes, 0);
}

/* A limit for the size of files is what a full disk is to SQLite: a write that fails. */
Test(kv_store, a_full_disk_says_so_and_goes_on)
{
    str value = pattern(KV_STORE_VALUE_BYTES_MAX);
    const struct rlimit small = {2 << 20, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};

    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(put("key", STR("small")), 0);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    cr_assert_lt(put("key", value), 0);
    cr_assert(strstr(err.text, "the namespace cannot be read or written") ||
                  strstr(err.text, "is full"),
              "%s", err.text);
    cr_assert_not(strstr(err.text, directory));
    cr_assert(has("key", STR("small")));
    cr_assert_eq(put("key", STR("room for this")), 0, "%s", err.text);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    cr_assert(has("key", STR("room for this")));
    free((char *)value.ptr);
}

Test(kv_store, a_damaged_file_says_so)
{
    char *path = path_join(str_from(directory), STR("data.db"));
    int fd;

    kv_store_close(store);
    store = NULL;
    cr_assert_eq(file_write(path, STR("this is no database, and long enough to be seen as none"),
                            &err),
                 0);
    cr_assert_eq(kv_store_open(directory, 0, &store, &err), ERR_INVALID);
    cr_assert_str_eq(err.text, "the namespace's file is damaged");
    unlink(path);
    cr_assert_eq(kv_store_open(directory, 0, &store, &err), 0);
    for (int i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%d", i);
        cr_assert_eq(put(key, STR("value")), 0);
    }
    kv_store_close(store); /* with a checkpoint: all is in the file */
    cr_assert_geq(fd = open(path, O_RDWR), 0);
    for (off_t at = 4096; at < 40960; at += 512)
        cr_assert_eq(pwrite(fd, "damaged damaged!", 16, at), 16);
    close(fd);
    cr_assert_eq(kv_store_open(directory, 0, &store, &err), 0);
    cr_assert_eq(put("key1", STR("v")), ERR_INVALID);
    cr_assert_str_eq(err.text, "the namespace's file is damaged");
    free(path);
}

Test(kv_store, copies_are_whole)
{
    char *to = path_join(str_from(directory), STR("backup/copy"));
    char *nothing = path_join(str_from(directory), STR("nothing"));
    struct kv_store *original = store;
    str value = pattern(KV_STORE_PART_BYTES * 3);

    cr_assert_eq(put("large", value), 0);
    cr_assert_eq(put("small", STR("v")), 0);
    cr_assert_eq(kv_store_copy(directory, to, &err), 0, "%s", err.text);
    cr_assert_eq(put("small", STR("later")), 0);
    cr_assert_eq(kv_store_copy(nothing, to, &err), 0);
    cr_assert_eq(kv_store_open(to, 0, &store, &err), 0);
    cr_assert(has("large", value));
    cr_assert(has("small", STR("v")));
    kv_store_close(store);
    store = original;
    free(to);
    free(nothing);
    free((char *)value.ptr);
}

/* What a worker says about parts may be anything: any number of empty ones, none at all. */
Test(kv_store, parts_that_cannot_be_are_refused)
{
    struct kv_store_put put = {.key = STR("k"), .length = 1000};
    struct kv_store_entry entry;
    struct buf out;
    int64_t body = 0;
    unsigned count = 0;

    buf_init(&out, 100);
    cr_assert_eq(kv_store_begin(store, &err), 0);
    cr_assert_eq(kv_store_stage(store, NOW, &body, &err), 0);
    while (kv_store_write_part(store, body, count, STR_NONE, &err) == 0)
        count++;
    cr_expect_eq(err.code, ERR_LIMIT, "%s", err.text);
    cr_expect_eq(kv_store_write_part(store, INT64_MAX, 0, STR("x"), &err), ERR_LIMIT);
    cr_expect_eq(kv_store_unstage(store, INT64_MAX, &err), 0);
    cr_assert_eq(kv_store_end(store, 0, &err), 0);
    put.body = body;
    cr_assert_eq(put_with(put, NOW), 0);
    kv_store_entry_init(&entry);
    cr_assert_eq(kv_store_get(store, STR("k"), NOW, &entry, &err), 0);
    cr_expect_eq(kv_store_read_all(store, &entry, &err), ERR_INVALID);
    cr_expect_eq(kv_store_read_part(store, body, count, &out, &err), ERR_NOT_FOUND);
    cr_expect_eq(kv_store_read_part(store, INT64_MAX, 0, &out, &err), ERR_NOT_FOUND);
    kv_store_entry_done(&entry);
    buf_done(&out);
}
