/* bindings/r2_store: what goes in comes out, conditions, lists, parts, what a crash leaves, two
 * processes at once. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bindings/r2/r2_condition.h"
#include "bindings/r2/r2_source.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/path.h"

static char *directory;
static struct r2_store *store;
static struct err err;

static void setup(void)
{
    cr_assert_eq(file_make_temporary(&directory, &err), 0);
    cr_assert_eq(r2_store_open(directory, &store, &err), 0, "%s", err.text);
}

static void teardown(void)
{
    r2_store_close(store);
    file_remove_tree(directory);
    free(directory);
}

TestSuite(r2_store, .init = setup, .fini = teardown);

static json_t *args_of(const char *text)
{
    json_t *args = json_loads(text, 0, NULL);

    cr_assert(args, "%s", text);
    return args;
}

/* Puts `len` bytes of `fill`; returns as r2_store_put(). */
static int put_bytes(const char *args_text, char fill, size_t len, struct buf *meta)
{
    json_t *args = args_of(args_text), *sum = json_object_get(args, "checksum");
    struct r2_body body;
    char *bytes = mem_alloc(len + 1);
    int r;

    err.code = 0;
    memset(bytes, fill, len);
    r2_body_init(&body, r2_store_bodies(store),
                 sum ? json_string_value(json_object_get(sum, "name")) : NULL);
    cr_assert_eq(r2_body_write(&body, (str){bytes, len}, &err), 0, "%s", err.text);
    cr_assert_eq(r2_body_end(&body, &err), 0, "%s", err.text);
    r = r2_store_put(store, args, &body, meta, &err);
    r2_body_done(&body);
    json_decref(args);
    free(bytes);
    return r;
}

static int put(const char *args_text, char fill, size_t len)
{
    struct buf meta;
    int r;

    buf_init(&meta, 1 << 20);
    r = put_bytes(args_text, fill, len, &meta);
    buf_done(&meta);
    return r;
}

/* The bytes of a range, as text; NULL when there is no object. Returned owned. */
static char *get(const char *key, uint64_t offset, uint64_t length, size_t step)
{
    struct r2_store_object object;
    struct r2_source source;
    struct buf out;

    err.code = 0;
    buf_init(&out, 64 << 20);
    r2_source_init(&source);
    r2_store_object_init(&object);
    if (r2_store_get(store, str_from(key), true, &object, &err) < 0) {
        r2_store_object_done(&object);
        return NULL;
    }
    if (object.piece_count) {
        r2_source_open(&source, r2_store_bodies(store), &object, offset, length);
        while (source.left)
            cr_assert_eq(r2_source_read(&source, step, &out, &err), 0, "%s", err.text);
    } else {
        cr_assert_eq(buf_append(&out, str_head(str_skip(buf_str(&object.value), offset), length)),
                     0);
    }
    r2_source_done(&source);
    r2_store_object_done(&object);
    cr_assert_eq(buf_append_char(&out, '\0'), 0);
    return buf_take(&out, NULL);
}

static bool has(const char *key, char fill, size_t len)
{
    char *bytes = get(key, 0, len, 100000);
    bool same = bytes && strlen(bytes) == len;

    for (size_t i = 0; same && i < len; i++)
        same = bytes[i] == fill;
    free(bytes);
    return same;
}

static unsigned file_count;

static int count_file(void *context, const char *relative, struct err *e)
{
    (void)context, (void)relative, (void)e;
    file_count++;
    return 0;
}

static unsigned files(void)
{
    file_count = 0;
    cr_assert_eq(file_walk(r2_store_bodies(store), count_file, NULL, &err), 0);
    return file_count;
}

static int64_t now_s(void)
{
    return (int64_t)(clock_wall_ns() / 1000000000u);
}

Test(r2_store, sizes_small_and_large)
{
    static const size_t sizes[] = {0,     1,     R2_BODY_SMALL_BYTES - 1, R2_BODY_SMALL_BYTES,
                                   R2_BODY_SMALL_BYTES + 1, 300000};

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        cr_expect_eq(put("{\"key\":\"k\"}", 'a', sizes[i]), 0, "%s", err.text);
        cr_expect(has("k", 'a', sizes[i]), "%zu", sizes[i]);
    }
    cr_expect_eq(files(), 2, "those of the two large ones");
}

Test(r2_store, what_is_said_comes_back)
{
    static const char args[] = "{\"key\":\"\xc3\xa4/b\",\"http\":{\"contentType\":\"x/y\"},"
                               "\"custom\":{\"a\":\"b\"},\"checksum\":{\"name\":\"sha1\",\"hex\":"
                               "\"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8\"}}";
    struct buf meta;
    json_t *json;

    buf_init(&meta, 1 << 20);
    cr_assert_eq(put_bytes(args, 'a', 1, &meta), 0, "%s", err.text);
    json = json_loadb(meta.ptr, meta.len, 0, NULL);
    cr_assert_str_eq(json_string_value(json_object_get(json, "key")), "\xc3\xa4/b");
    cr_expect_str_eq(json_string_value(json_object_get(json, "etag")),
                     "0cc175b9c0f1b6a831c399e269772661");
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(json, "checksums"), "sha1")),
                     "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8");
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(json, "custom"), "a")), "b");
    json_decref(json);
    buf_done(&meta);
}

Test(r2_store, what_is_wrong_is_refused)
{
    char *long_key, *long_custom;

    ASSERT(asprintf(&long_key, "{\"key\":\"%01025d\"}", 0) > 0);
    ASSERT(asprintf(&long_custom, "{\"key\":\"k\",\"custom\":{\"a\":\"%02048d\"}}", 0) > 0);
    cr_expect_eq(put("{}", 'a', 1), ERR_INVALID);
    cr_expect_eq(put("{\"key\":\"\"}", 'a', 1), ERR_INVALID);
    cr_expect_eq(put(long_key, 'a', 1), ERR_INVALID);
    cr_expect(strstr(err.text, "(10020)"));
    cr_expect_eq(put(long_custom, 'a', 1), ERR_INVALID);
    cr_expect(strstr(err.text, "(10012)"));
    cr_expect_eq(put("{\"key\":\"k\",\"checksum\":{\"name\":\"md5\",\"hex\":\"00\"}}", 'a', 50000),
                 ERR_INVALID);
    cr_expect(strstr(err.text, "(10037)") && strstr(err.text, "MD5"));
    cr_expect_null(get("k", 0, 1, 1));
    cr_expect_eq(err.code, ERR_NOT_FOUND);
    cr_expect_eq(files(), 0, "what was refused leaves nothing");
    free(long_key);
    free(long_custom);
}

Test(r2_store, puts_on_conditions)
{
    static const struct {
        const char *condition;
        int on_none, on_some;   /* of put: 0 written, 1 not */
    } rows[] = {
        {"{}", 0, 0},
        {"{\"etagMatches\":[\"0cc175b9c0f1b6a831c399e269772661\"]}", 1, 0},
        {"{\"etagMatches\":[\"x\"]}", 1, 1},
        {"{\"etagMatches\":[\"*\"]}", 1, 0},
        {"{\"etagDoesNotMatch\":[\"*\"]}", 0, 1},
        {"{\"etagDoesNotMatch\":[\"x\",\"0cc175b9c0f1b6a831c399e269772661\"]}", 0, 1},
        {"{\"etagDoesNotMatch\":[\"x\"]}", 0, 0},
        {"{\"uploadedAfter\":0}", 1, 0},
        {"{\"uploadedAfter\":9999999999999}", 1, 1},
        {"{\"uploadedBefore\":0}", 0, 1},
        {"{\"uploadedBefore\":9999999999999}", 0, 0},
        {"{\"uploadedBefore\":0,\"etagMatches\":[\"*\"]}", 1, 0},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char args[300];
        snprintf(args, sizeof args, "{\"key\":\"none%zu\",\"onlyIf\":%s}", i, rows[i].condition);
        cr_expect_eq(put(args, 'b', 2), rows[i].on_none, "%s", rows[i].condition);
        cr_assert_eq(put("{\"key\":\"some\"}", 'a', 1), 0);
        snprintf(args, sizeof args, "{\"key\":\"some\",\"onlyIf\":%s}", rows[i].condition);
        cr_expect_eq(put(args, 'b', 2), rows[i].on_some, "%s", rows[i].condition);
        cr_expect(rows[i].on_some ? has("some", 'a', 1) : has("some", 'b', 2));
    }
}

static void expect_list(const char *args_text, const char *wanted)
{
    json_t *args = args_of(args_text), *found, *it;
    struct buf out, text;
    size_t i;

    err.code = 0;
    buf_init(&out, 1 << 20);
    buf_init(&text, 1 << 20);
    cr_assert_eq(r2_store_list(store, args, &out, &err), 0, "%s", err.text);
    found = json_loadb(out.ptr, out.len, 0, NULL);
    cr_assert(found, "%.*s", STR_ARGS(buf_str(&out)));
    json_array_foreach(json_object_get(found, "objects"), i, it)
        cr_assert_eq(buf_printf(&text, "%s ", json_string_value(json_object_get(it, "key"))), 0);
    json_array_foreach(json_object_get(found, "delimitedPrefixes"), i, it)
        cr_assert_eq(buf_printf(&text, "[%s] ", json_string_value(it)), 0);
    if (json_is_true(json_object_get(found, "truncated")))
        cr_assert_eq(buf_printf(&text, "%s", json_string_value(json_object_get(found, "cursor"))),
                     0);
    cr_assert_eq(buf_append_char(&text, '\0'), 0);
    cr_expect_str_eq(text.ptr, wanted, "%s: %s", args_text, text.ptr);
    json_decref(found);
    json_decref(args);
    buf_done(&out);
    buf_done(&text);
}

Test(r2_store, lists)
{
    static const char *const keys[] = {"a", "a/b", "a/b/c", "a/d", "b", "b/x", "c"};

    expect_list("{}", "");
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        char args[100];
        snprintf(args, sizeof args, "{\"key\":\"%s\"}", keys[i]);
        cr_assert_eq(put(args, 'a', 1), 0);
    }
    expect_list("{}", "a a/b a/b/c a/d b b/x c ");
    expect_list("{\"prefix\":\"a/\"}", "a/b a/b/c a/d ");
    expect_list("{\"prefix\":\"a/\",\"delimiter\":\"/\"}", "a/b a/d [a/b/] ");
    expect_list("{\"delimiter\":\"/\"}", "a b c [a/] [b/] ");
    expect_list("{\"delimiter\":\"/\",\"limit\":2}", "a [a/] p612f");
    expect_list("{\"delimiter\":\"/\",\"limit\":2,\"cursor\":\"p612f\"}", "b [b/] p622f");
    expect_list("{\"delimiter\":\"/\",\"limit\":2,\"cursor\":\"p622f\"}", "c ");
    expect_list("{\"limit\":2}", "a a/b k612f62");
    expect_list("{\"limit\":2,\"cursor\":\"k612f62\"}", "a/b/c a/d k612f64");
    expect_list("{\"startAfter\":\"a/d\"}", "b b/x c ");
    expect_list("{\"startAfter\":\"a/b\",\"prefix\":\"a\"}", "a/b/c a/d ");
    expect_list("{\"prefix\":\"zz\"}", "");
    expect_list("{\"limit\":7}", "a a/b a/b/c a/d b b/x c ");
}

Test(r2_store, what_is_replaced_goes_later)
{
    json_t *keys = args_of("{\"keys\":[\"k\",\"none\"]}");

    cr_assert_eq(put("{\"key\":\"k\"}", 'a', 50000), 0);
    cr_assert_eq(put("{\"key\":\"k\"}", 'b', 50000), 0);
    cr_assert_eq(r2_store_delete(store, keys, &err), 0);
    cr_expect_eq(files(), 2, "somebody may be reading");
    cr_assert_eq(r2_store_sweep(store, now_s(), &err), 0);
    cr_expect_eq(files(), 2);
    cr_assert_eq(r2_store_sweep(store, now_s() + R2_STORE_KEPT_S + 1, &err), 0, "%s", err.text);
    cr_expect_eq(files(), 0);
    json_decref(keys);
}

/* ---- parts ---- */

static char *begin_upload(const char *args_text)
{
    json_t *args = args_of(args_text), *made;
    struct buf out;
    char *id;

    buf_init(&out, 4096);
    cr_assert_eq(r2_store_upload_create(store, args, &out, &err), 0, "%s", err.text);
    made = json_loadb(out.ptr, out.len, 0, NULL);
    id = str_dup(str_from(json_string_value(json_object_get(made, "uploadId"))));
    json_decref(made);
    json_decref(args);
    buf_done(&out);
    return id;
}

/* Returns the etag, owned, or NULL. */
static char *upload_part(const char *id, int number, char fill, size_t len)
{
    json_t *args = json_pack("{s:s, s:s, s:i}", "key", "k", "uploadId", id, "partNumber", number);
    char *bytes = mem_alloc(len + 1), *etag = NULL;
    struct r2_body body;
    struct buf out;

    err.code = 0;
    memset(bytes, fill, len);
    buf_init(&out, 4096);
    r2_body_init(&body, r2_store_bodies(store), NULL);
    body.is_part = true;
    cr_assert_eq(r2_body_write(&body, (str){bytes, len}, &err), 0);
    cr_assert_eq(r2_body_end(&body, &err), 0);
    if (r2_store_upload_part(store, args, &body, &out, &err) == 0)
        etag = str_dup(str_from(body.md5));
    r2_body_done(&body);
    buf_done(&out);
    json_decref(args);
    free(bytes);
    return etag;
}

static int complete(const char *id, const char *first, const char *second)
{
    json_t *args = json_pack("{s:s, s:s, s:[{s:i, s:s}, {s:i, s:s}]}", "key", "k", "uploadId", id,
                             "parts", "partNumber", 2, "etag", second, "partNumber", 1, "etag",
                             first);
    struct buf out;
    int r;

    err.code = 0;
    buf_init(&out, 1 << 20);
    r = r2_store_upload_complete(store, args, &out, &err);
    buf_done(&out);
    json_decref(args);
    return r;
}

Test(r2_store, parts_become_an_object)
{
    char *id = begin_upload("{\"key\":\"k\",\"custom\":{\"a\":\"b\"}}"), *first, *again, *second,
         *third, *bytes;
    struct r2_store_object object;

    first = upload_part(id, 1, 'x', R2_STORE_PART_BYTES_MIN);
    again = upload_part(id, 1, 'a', R2_STORE_PART_BYTES_MIN);
    second = upload_part(id, 2, 'b', 10);
    third = upload_part(id, 3, 'c', 10);
    cr_assert(first && again && second && third);
    cr_expect_eq(complete(id, first, second), ERR_INVALID, "replaced");
    cr_expect(strstr(err.text, "(10025)"));
    cr_expect_null(get("k", 0, 1, 1));
    cr_assert_eq(complete(id, again, second), 0, "%s", err.text);
    cr_expect_eq(complete(id, again, second), ERR_NOT_FOUND);
    bytes = get("k", R2_STORE_PART_BYTES_MIN - 3, 6, 4);
    cr_expect_str_eq(bytes, "aaabbb");
    r2_store_object_init(&object);
    cr_assert_eq(r2_store_get(store, STR("k"), false, &object, &err), 0);
    cr_expect(str_ends(buf_str(&object.etag), STR("-2")));
    cr_expect_eq(object.size, R2_STORE_PART_BYTES_MIN + 10);
    r2_store_object_done(&object);
    cr_assert_eq(r2_store_sweep(store, now_s(), &err), 0);
    cr_expect_eq(files(), 2, "parts that nobody named are gone");
    free(id), free(first), free(again), free(second), free(third), free(bytes);
}

Test(r2_store, small_parts_and_unknown_uploads_are_refused)
{
    char *id = begin_upload("{\"key\":\"k\"}"), *first = upload_part(id, 1, 'a', 10),
         *second = upload_part(id, 2, 'b', 10);
    json_t *args = json_pack("{s:s, s:s}", "key", "k", "uploadId", id);

    cr_expect_eq(complete(id, first, second), ERR_INVALID);
    cr_expect(strstr(err.text, "(10011)"));
    cr_expect_null(upload_part("nope", 1, 'a', 1));
    cr_expect_eq(err.code, ERR_NOT_FOUND);
    cr_expect_null(upload_part(id, 0, 'a', 1));
    cr_expect_null(upload_part(id, 10001, 'a', 1));
    err.code = 0;
    cr_expect_eq(r2_store_upload_abort(store, args, &err), 0);
    cr_expect_eq(r2_store_upload_abort(store, args, &err), ERR_NOT_FOUND);
    cr_assert_eq(r2_store_sweep(store, now_s(), &err), 0);
    cr_expect_eq(files(), 0);
    json_decref(args);
    free(id), free(first), free(second);
}

Test(r2_store, uploads_are_given_up_after_a_week)
{
    char *id = begin_upload("{\"key\":\"k\"}"), *etag = upload_part(id, 1, 'a', 10);

    cr_assert_eq(r2_store_sweep(store, now_s() + R2_STORE_UPLOAD_S - 10, &err), 0);
    cr_expect_eq(files(), 1);
    cr_assert_eq(r2_store_sweep(store, now_s() + R2_STORE_UPLOAD_S + 10, &err), 0);
    cr_expect_eq(files(), 0);
    cr_expect_null(upload_part(id, 1, 'a', 1));
    free(id), free(etag);
}

/* ---- crashes, copies, several processes ---- */

Test(r2_store, a_sweep_takes_what_a_crash_left_and_nothing_else)
{
    char name[CACHE_BODY_NAME_BYTES];
    struct r2_body body;
    int fd;

    cr_assert_eq(put("{\"key\":\"k\"}", 'a', 50000), 0);
    fd = cache_body_create(r2_store_bodies(store), name, &err);
    cr_assert(fd >= 0);
    close(fd); /* as of who was killed */
    r2_body_init(&body, r2_store_bodies(store), NULL);
    body.is_part = true;
    cr_assert_eq(r2_body_write(&body, STR("on its way"), &err), 0);
    cr_expect_eq(files(), 3);
    cr_assert_eq(r2_store_sweep(store, now_s(), &err), 0);
    cr_expect_eq(files(), 2, "one that is being written stays");
    cr_expect(has("k", 'a', 50000));
    r2_body_done(&body);
    cr_expect_eq(files(), 1, "what nobody adopts goes");
}

Test(r2_store, a_body_that_is_gone_is_an_error)
{
    struct r2_store_object object;
    struct r2_source source;
    struct buf out;

    buf_init(&out, 100);
    r2_source_init(&source);
    r2_store_object_init(&object);
    cr_assert_eq(put("{\"key\":\"k\"}", 'a', 50000), 0);
    cr_assert_eq(r2_store_get(store, STR("k"), true, &object, &err), 0);
    cache_body_remove(r2_store_bodies(store), object.pieces[0].file);
    r2_source_open(&source, r2_store_bodies(store), &object, 0, 10);
    cr_expect_eq(r2_source_read(&source, 10, &out, &err), ERR_NOT_FOUND);
    r2_source_done(&source);
    r2_store_object_done(&object);
    buf_done(&out);
}

Test(r2_store, a_copy_has_everything)
{
    char *to = path_join(str_from(directory), STR("copy"));

    cr_assert_eq(put("{\"key\":\"small\"}", 'a', 5), 0);
    cr_assert_eq(put("{\"key\":\"large\"}", 'b', 50000), 0);
    cr_assert_eq(r2_store_copy(directory, to, &err), 0, "%s", err.text);
    cr_assert_eq(put("{\"key\":\"large\"}", 'c', 50000), 0);
    cr_assert_eq(r2_store_sweep(store, now_s() + 1000, &err), 0);
    r2_store_close(store);
    cr_assert_eq(r2_store_open(to, &store, &err), 0);
    cr_expect(has("small", 'a', 5));
    cr_expect(has("large", 'b', 50000));
    free(to);
}

Test(r2_store, a_damaged_index_is_an_error)
{
    char *path = path_join(str_from(directory), STR("index.db"));

    r2_store_close(store);
    store = NULL;
    cr_assert_eq(file_write(path, STR("this is no database, and never was one"), &err), 0);
    cr_expect_eq(r2_store_open(directory, &store, &err), ERR_INVALID);
    cr_expect(strstr(err.text, "damaged") && !strstr(err.text, directory), "%s", err.text);
    free(path);
}

enum { ROUNDS = 60 };

/* Puts for ever, each object all of one letter; writes down what was acknowledged. */
static void put_until_killed(int out)
{
    store = NULL;
    cr_assert_eq(r2_store_open(directory, &store, &err), 0);
    for (unsigned i = 0;; i++) {
        char args[64], fill = (char)('a' + i % 26);

        snprintf(args, sizeof args, "{\"key\":\"k%u\"}", i % 5);
        if (put(args, fill, i % 2 ? 40000 : 20) < 0 || write(out, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

Test(r2_store, who_is_killed_loses_nothing_acknowledged, .timeout = 60)
{
    for (int round = 0; round < ROUNDS / 10; round++) {
        unsigned last = 0, i, count = 0;
        int pipes[2];
        pid_t child;

        cr_assert_eq(pipe(pipes), 0);
        child = fork();
        if (child == 0)
            put_until_killed(pipes[1]);
        close(pipes[1]);
        while (count++ < (unsigned)(5 + round * 7) && read(pipes[0], &i, sizeof i) == sizeof i)
            last = i;
        kill(child, SIGKILL);
        while (read(pipes[0], &i, sizeof i) == sizeof i)
            last = i;
        close(pipes[0]);
        waitpid(child, NULL, 0);
        for (unsigned at = last >= 4 ? last - 4 : 0; at <= last; at++) {
            char key[8];

            snprintf(key, sizeof key, "k%u", at % 5);
            /* Or the one after, which was committed and not yet acknowledged. */
            cr_expect(has(key, (char)('a' + at % 26), at % 2 ? 40000 : 20) ||
                          (at + 5 == last + 1 &&
                           has(key, (char)('a' + (at + 5) % 26), (at + 5) % 2 ? 40000 : 20)),
                      "round %d, put %u of %u", round, at, last);
        }
        cr_assert_eq(r2_store_sweep(store, now_s() + 1000, &err), 0, "%s", err.text);
        cr_expect_leq(files(), 5, "only what is named");
    }
}

Test(r2_store, two_processes_write_at_once, .timeout = 60)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        store = NULL;
        if (r2_store_open(directory, &store, &err) < 0)
            _exit(1);
        for (int i = 0; i < 50; i++)
            if (put("{\"key\":\"shared\"}", 'b', 40000) < 0)
                _exit(2);
        _exit(0);
    }
    for (int i = 0; i < 50; i++) {
        cr_expect_eq(put("{\"key\":\"shared\"}", 'a', 40000), 0, "%s", err.text);
        cr_expect(has("shared", 'a', 40000) || has("shared", 'b', 40000));
    }
    waitpid(child, &status, 0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", status);
    cr_assert_eq(r2_store_sweep(store, now_s() + 1000, &err), 0);
    cr_expect_eq(files(), 1);
}

/* ---- deleting the bucket ---- */

Test(r2_store, an_empty_bucket_is_sealed_and_takes_no_object)
{
    uint64_t objects = 7;

    cr_assert_eq(r2_store_seal(store, &objects, &err), 0, "%s", err.text);
    cr_assert_eq(objects, 0);
    cr_assert_eq(put("{\"key\":\"late\"}", 'l', 5), ERR_NOT_FOUND);
    cr_assert_str_eq(err.text, "The specified bucket does not exist. (10006)");
    cr_assert(!get("late", 0, 5, 5));
    err.code = 0;
    cr_assert_eq(r2_store_seal(store, &objects, &err), 0, "once more: %s", err.text);
}

Test(r2_store, a_bucket_with_an_object_is_not_sealed)
{
    uint64_t objects = 0;

    cr_assert_eq(put("{\"key\":\"a\"}", 'a', 5), 0);
    cr_assert_eq(put("{\"key\":\"b\"}", 'b', 500000), 0);
    cr_assert_eq(r2_store_seal(store, &objects, &err), 0, "%s", err.text);
    cr_assert_eq(objects, 2);
    cr_assert_eq(put("{\"key\":\"c\"}", 'c', 5), 0, "%s", err.text);
}

Test(r2_store, a_bucket_that_was_removed_is_not_made_again)
{
    struct r2_store *again = NULL;

    cr_assert_eq(put("{\"key\":\"a\"}", 'a', 500000), 0);
    for (int i = 0; i < 2; i++) {
        err.code = 0;
        r2_store_seal_remove(directory, &err);
        cr_assert_eq(err.code, 0, "%s", err.text);
        cr_assert(path_is_file(directory));
        cr_assert(r2_store_is_stale(store));
        cr_assert_eq(r2_store_open(directory, &again, &err), ERR_NOT_FOUND);
        cr_assert_str_eq(err.text, "The specified bucket does not exist. (10006)");
    }
}
