/* bindings/kv_space: reads see writes, writes share commits, one that fails fails alone. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "bindings/bindings.h"
#include "bindings/kv/kv_batch.h"
#include "bindings/kv/kv_request.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/path.h"

enum { MANY = 500 };

struct ask {
    struct kv_request request;
    struct err err;
    bool is_done;
};

static uv_loop_t *loop;
static char *directory;
static struct kv_space *space;

static void setup(void)
{
    struct err err;

    loop = uv_default_loop();
    cr_assert_eq(file_make_temporary(&directory, &err), 0);
    bindings_start(loop, directory);
    space = kv_space_of("a/kv/1");
    cr_assert_not_null(space);
}

static void teardown(void)
{
    kv_space_unref(space);
    file_remove_tree(directory);
    free(directory);
}

TestSuite(kv_space, .init = setup, .fini = teardown);

static void on_done(struct kv_request *request)
{
    CONTAINER_OF(request, struct ask, request)->is_done = true;
}

static void begin(struct ask *ask, const char *key)
{
    *ask = (struct ask){0};
    kv_request_init(&ask->request, space, &ask->err);
    ask->request.done = on_done;
    cr_assert_eq(buf_append(&ask->request.key, str_from(key)), 0);
}

static void begin_put(struct ask *ask, const char *key, const char *value)
{
    begin(ask, key);
    cr_assert_eq(buf_append(&ask->request.value, str_from(value)), 0);
}

static int finish(struct ask *ask)
{
    int code;

    uv_run(loop, UV_RUN_DEFAULT);
    cr_assert(ask->is_done);
    code = ask->err.code;
    kv_request_done(&ask->request);
    return code;
}

static int put(const char *key, const char *value)
{
    struct ask ask;

    begin_put(&ask, key, value);
    kv_request_put(&ask.request);
    return finish(&ask);
}

static bool has(const char *key, const char *value)
{
    struct ask ask;
    bool same;

    begin(&ask, key);
    kv_request_get(&ask.request);
    uv_run(loop, UV_RUN_DEFAULT);
    same = value ? ask.request.is_there &&
                       str_equal(buf_str(&ask.request.entry.value), str_from(value))
                 : !ask.request.is_there;
    cr_assert_eq(finish(&ask), 0, "%s", ask.err.text);
    return same;
}

Test(kv_space, nothing_is_opened_before_the_first_use)
{
    char *path = path_join(str_from(directory), STR("a"));

    cr_assert_not(path_is_directory(path));
    cr_assert(has("key", NULL));
    cr_assert(path_is_directory(path));
    free(path);
}

Test(kv_space, is_one_for_all_who_ask_for_the_store)
{
    struct kv_space *again = kv_space_of("a/kv/1"), *other = kv_space_of("a/kv/2");

    cr_assert_eq(again, space);
    cr_assert_neq(other, space);
    cr_assert_null(kv_space_of("../a"));
    kv_space_unref(again);
    kv_space_unref(other);
}

Test(kv_space, what_was_read_is_hot_until_it_is_written)
{
    const struct kv_cache_entry *entry;

    cr_assert_null(kv_space_peek(space, STR("key")));
    cr_assert(has("key", NULL));
    entry = kv_space_peek(space, STR("key"));
    cr_assert(entry && !entry->is_there);
    cr_assert_eq(put("key", "one"), 0);
    cr_assert_null(kv_space_peek(space, STR("key")));
    cr_assert(has("key", "one"));
    entry = kv_space_peek(space, STR("key"));
    cr_assert(entry && str_equal(entry->value, STR("one")));
    cr_assert_eq(put("other", "two"), 0);
    cr_assert_not_null(kv_space_peek(space, STR("key")), "another key was written");
}

Test(kv_space, writes_happen_in_their_order)
{
    static struct ask asks[MANY];
    char value[16];

    for (int i = 0; i < MANY; i++) {
        snprintf(value, sizeof value, "%d", i);
        begin_put(&asks[i], "key", value);
        kv_request_put(&asks[i].request);
    }
    for (int i = 0; i < MANY; i++)
        cr_assert_eq(finish(&asks[i]), 0);
    cr_assert(has("key", "499"));
}

Test(kv_space, a_write_that_fails_fails_alone)
{
    static struct ask asks[MANY];
    char key[16];

    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "key%d", i);
        begin_put(&asks[i], key, key);
        if (i % 100 == 50)
            asks[i].request.body = 12345; /* a staged value that is not there */
        kv_request_put(&asks[i].request);
    }
    for (int i = 0; i < MANY; i++)
        cr_assert_eq(finish(&asks[i]), i % 100 == 50 ? ERR_NOT_FOUND : 0, "%d", i);
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "key%d", i);
        cr_assert(has(key, i % 100 == 50 ? NULL : key), "%s", key);
    }
}

static void on_batch_done(struct kv_batch *batch)
{
    batch->now = -1;
}

/* Rows key0 ... with their keys as values; `now` is -1 when it is done. */
static struct kv_batch *batch_of(int count, struct err *err)
{
    struct kv_batch *batch = kv_batch_new(space, (size_t)count, err);

    batch->done = on_batch_done;
    for (int i = 0; i < count; i++) {
        size_t before = batch->text.len;
        struct kv_batch_row row = {0};
        cr_assert_eq(buf_printf(&batch->text, "key%d", i), 0);
        row.key = (uint32_t)(batch->text.len - before);
        cr_assert_eq(buf_printf(&batch->text, "key%d", i), 0);
        row.value = row.key;
        cr_assert_eq(kv_batch_add(batch, &row), 0);
    }
    return batch;
}

Test(kv_space, rows_of_a_batch_are_on_disk_in_their_order)
{
    struct err err = {0};
    struct kv_batch *batch = batch_of(KV_BATCH_ROWS_MAX, &err);
    struct kv_batch_row more = {.key = 1};
    char key[16];

    cr_assert_eq(kv_batch_add(batch, &more), ERR_LIMIT);
    batch->rows[7].is_delete = true;
    kv_batch_start(batch);
    uv_run(loop, UV_RUN_DEFAULT);
    cr_assert_eq(batch->now, -1);
    cr_assert_eq(err.code, 0);
    cr_assert_null(batch->faults);
    kv_batch_free(batch);
    for (int i = 0; i < KV_BATCH_ROWS_MAX; i++) {
        snprintf(key, sizeof key, "key%d", i);
        cr_assert(has(key, i == 7 ? NULL : key), "%s", key);
    }
}

static int (*run_of_batch)(struct kv_space_write *write, struct kv_store *store,
                           struct kv_shared *shared);

static int run_but_three(struct kv_space_write *write, struct kv_store *store,
                         struct kv_shared *shared)
{
    int r = run_of_batch(write, store, shared);

    return write->part == 3 ? err_set(write->err, ERR_LIMIT, "no room") : r;
}

Test(kv_space, a_row_that_fails_fails_alone)
{
    struct err err = {0};
    struct kv_batch *batch = batch_of(10, &err);
    char key[16];

    run_of_batch = batch->write.run;
    batch->write.run = run_but_three;
    kv_batch_start(batch);
    uv_run(loop, UV_RUN_DEFAULT);
    cr_assert_eq(batch->now, -1);
    cr_assert_eq(err.code, 0);
    for (int i = 0; i < 10; i++) {
        cr_assert_eq(batch->faults[i].code, i == 3 ? ERR_LIMIT : 0);
        snprintf(key, sizeof key, "key%d", i);
        cr_assert(has(key, i == 3 ? NULL : key), "%s", key);
    }
    cr_assert_str_eq(batch->faults[3].text, "no room");
    kv_batch_free(batch);
}

Test(kv_space, too_many_that_wait_are_refused)
{
    static struct ask asks[KV_SPACE_WAITING_MAX + 1];

    for (int i = 0; i <= KV_SPACE_WAITING_MAX; i++) {
        begin_put(&asks[i], "key", "v");
        kv_request_put(&asks[i].request);
    }
    cr_assert(asks[KV_SPACE_WAITING_MAX].is_done);
    cr_assert_eq(asks[KV_SPACE_WAITING_MAX].err.code, ERR_TIMEOUT);
    for (int i = 0; i <= KV_SPACE_WAITING_MAX; i++)
        cr_assert_eq(finish(&asks[i]), i < KV_SPACE_WAITING_MAX ? 0 : ERR_TIMEOUT, "%d", i);
    cr_assert_eq(put("key", "again"), 0);
}

static bool is_dusty(void)
{
    char *path = path_join(str_from(directory), STR("a/kv/1"));
    struct kv_store *store;
    struct err err;
    bool dusty;

    cr_assert_eq(kv_store_open(path, 0, &store, &err), 0, "%s", err.text);
    dusty = kv_store_is_dusty(store, clock_wall_s());
    kv_store_close(store);
    free(path);
    return dusty;
}

Test(kv_space, expired_keys_are_removed_in_the_background)
{
    struct ask ask;

    begin_put(&ask, "key", "v");
    ask.request.expires = clock_wall_s() - 10;
    kv_request_put(&ask.request);
    cr_assert_eq(finish(&ask), 0);
    cr_assert(has("key", NULL));
    cr_assert(is_dusty());
    kv_space_look_after(uv_now(loop));
    uv_run(loop, UV_RUN_DEFAULT);
    cr_assert_not(is_dusty());
}

Test(kv_space, what_is_not_used_is_closed_and_forgotten)
{
    char *log = path_join(str_from(directory), STR("a/kv/1/data.db-wal"));

    cr_assert_eq(put("key", "v"), 0);
    cr_assert(has("key", "v"));
    kv_space_look_after(uv_now(loop) + KV_SPACE_IDLE_MS - 1000);
    uv_run(loop, UV_RUN_DEFAULT);
    cr_assert(path_is_file(log));
    kv_space_look_after(uv_now(loop) + KV_SPACE_IDLE_MS);
    uv_run(loop, UV_RUN_DEFAULT);
    cr_assert_not(path_is_file(log), "the last connection took it with it");
    cr_assert_null(kv_space_peek(space, STR("key")));
    cr_assert(has("key", "v"));
    cr_assert_not_null(kv_space_peek(space, STR("key")));

    kv_space_unref(space);
    kv_space_look_after(uv_now(loop) + KV_SPACE_IDLE_MS);
    uv_run(loop, UV_RUN_DEFAULT);
    kv_space_look_after(uv_now(loop) + KV_SPACE_IDLE_MS);
    space = kv_space_of("a/kv/1");
    cr_assert_null(kv_space_peek(space, STR("key")));
    cr_assert(has("key", "v"));
    free(log);
}

Test(kv_space, more_than_may_be_open_are_closed)
{
    static struct kv_space *spaces[KV_SPACE_OPEN_MAX + 20];
    char name[32];
    int open = 0;

    for (size_t i = 0; i < COUNT_OF(spaces); i++) {
        snprintf(name, sizeof name, "b/kv/%zu", i);
        space = spaces[i] = kv_space_of(name);
        cr_assert_eq(put("key", name), 0);
    }
    for (size_t i = 0; i < COUNT_OF(spaces); i++) {
        char *log;

        snprintf(name, sizeof name, "b/kv/%zu/data.db-wal", i);
        log = path_join(str_from(directory), str_from(name));
        open += path_is_file(log);
        free(log);
    }
    cr_assert_leq(open, KV_SPACE_OPEN_MAX + 1, "%d are open", open);
    cr_assert_geq(open, KV_SPACE_OPEN_MAX - 1, "%d are open", open);
    space = spaces[0];
    cr_assert(has("key", "b/kv/0"));
}

/* The log of a busy namespace is taken into its file, so that neither grows without end. */
Test(kv_space, the_log_does_not_grow_without_end)
{
    char *path = path_join(str_from(directory), STR("a/kv/1/data.db-wal"));
    char value[60000] = {0};
    struct stat about;

    memset(value, 'v', sizeof value - 1);
    for (int i = 0; i < MANY; i++)
        cr_assert_eq(put("key", value), 0);
    cr_assert_eq(stat(path, &about), 0);
    cr_assert_lt(about.st_size, 4 * KV_SPACE_LOG_PAGES_MAX * 4096);
    free(path);
}

Test(kv_space, a_removed_namespace_begins_anew)
{
    char *path = path_join(str_from(directory), STR("a/kv/1/shared"));
    char *root = path_join(str_from(directory), STR("a/kv/1"));
    struct kv_shared *shared;
    struct err err;

    cr_assert_eq(put("key", "v"), 0);
    cr_assert(has("key", "v"));
    cr_assert_eq(kv_shared_open(path, &shared, &err), 0);
    cr_assert_eq(kv_shared_lock(shared, &err), 0);
    kv_shared_set_removed(shared);
    file_remove_tree(root);
    kv_shared_unlock(shared);
    kv_shared_unref(shared);
    cr_assert_null(kv_space_peek(space, STR("key")));
    cr_assert(has("key", NULL));
    cr_assert_eq(put("key", "new"), 0);
    cr_assert(has("key", "new"));
    free(path);
    free(root);
}

static size_t held; /* bytes of values that were read and not taken yet */
static size_t held_most;

static void on_large(struct kv_request *request)
{
    held += request->entry.value.len;
    held_most = held > held_most ? held : held_most;
    on_done(request);
}

/* Who asks for much has it piece by piece: between two there is a turn of the loop to take it. */
Test(kv_space, large_values_are_not_read_all_at_once)
{
    enum { LARGE = 8 << 20, READS = 40 };
    static struct ask asks[READS];
    struct ask one;
    int done = 0;

    begin(&one, "large");
    cr_assert_eq(buf_reserve(&one.request.value, LARGE), 0);
    memset(one.request.value.ptr, 'x', LARGE);
    one.request.value.len = LARGE;
    kv_request_put(&one.request);
    cr_assert_eq(finish(&one), 0);
    for (int i = 0; i < READS; i++) {
        begin(&asks[i], "large");
        asks[i].request.done = on_large;
        kv_request_get(&asks[i].request);
    }
    for (int i; done < READS; held = 0) {
        uv_run(loop, UV_RUN_ONCE);
        for (i = 0; i < READS; i++)
            if (asks[i].is_done) {
                cr_assert_eq(asks[i].err.code, 0);
                cr_assert_eq(asks[i].request.entry.value.len, LARGE);
                kv_request_done(&asks[i].request);
                asks[i].is_done = false;
                done++;
            }
    }
    cr_expect_leq(held_most, KV_SPACE_READ_BYTES_MAX + LARGE);
}

/* One namespace full of writes that wait takes no more; its reads and other namespaces do. */
Test(kv_space, a_namespace_has_a_part_of_what_may_wait)
{
    enum { LARGE = 20 << 20, WRITES = 6 };
    static struct ask asks[WRITES];
    struct kv_space *other = kv_space_of("b/kv/1"), *first = space;
    struct ask one, read;
    int refused = 0;

    for (int i = 0; i < WRITES; i++) {
        begin(&asks[i], "k");
        cr_assert_eq(buf_reserve(&asks[i].request.value, LARGE), 0);
        memset(asks[i].request.value.ptr, 'x', LARGE);
        asks[i].request.value.len = LARGE;
        kv_request_put(&asks[i].request);
        refused += asks[i].is_done;
    }
    cr_expect_eq(refused, 2);
    begin(&read, "other");
    kv_request_get(&read.request);
    space = other;
    begin_put(&one, "k", "v");
    kv_request_put(&one.request);
    cr_assert_eq(finish(&one), 0, "%s", one.err.text);
    cr_assert_eq(finish(&read), 0, "%s", read.err.text);
    for (int i = 0; i < WRITES; i++)
        cr_assert_eq(finish(&asks[i]), i < WRITES - 2 ? 0 : ERR_TIMEOUT);
    space = first;
    kv_space_unref(other);
}
