/* store/cache and store/cache_put: what goes in comes out, room is made, damage is thrown away. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/path.h"
#include "store/cache_put.h"

enum { NOW = 1000000, LARGE = 100000, ROOM = 1 << 20 };

static char *directory;
static struct cache *cache;

static void open_store(uint64_t bytes_max)
{
    struct err err;

    cr_assert_eq(file_make_temporary(&directory, &err), 0);
    cache = cache_new(directory, bytes_max);
}

static void setup(void)
{
    open_store(ROOM);
}

static void teardown(void)
{
    cache_free(cache);
    file_remove_tree(directory);
    free(directory);
}

TestSuite(cache, .init = setup, .fini = teardown);

static struct cache_key key_of(const char *url, const char *headers)
{
    return (struct cache_key){STR("w/default"), str_from(url), str_from(headers)};
}

static struct cache_put *begin(const char *url, const char *headers)
{
    struct cache_put_head head = {key_of(url, ""), 200, STR("OK"), str_from(headers), true};
    struct cache_put *put = NULL;
    struct err err;

    cr_assert_eq(cache_put_new(cache, &head, NOW, &put, &err), 0, "%s", err.text);
    return put;
}

/* A body of `len` bytes of `fill`. */
static int put_body(const char *url, const char *headers, size_t len, char fill)
{
    struct cache_put *put = begin(url, headers);
    char *bytes = mem_alloc(len + 1);
    struct err err;
    int r;

    memset(bytes, fill, len);
    r = cache_put_append(put, (str){bytes, len}, &err);
    if (r == 0)
        r = cache_put_commit(put, NOW, &err);
    cache_put_free(put);
    free(bytes);
    return r;
}

/* The first byte of what is found and its length; 0 when nothing is. */
static char find(const char *url, int64_t now, uint64_t *ret_length)
{
    struct cache_key key = key_of(url, "");
    struct cache_entry entry;
    char first = 0;
    int fd = -1;

    cache_entry_init(&entry);
    if (cache_find(cache, &key, now, &entry, &fd) == 0) {
        *ret_length = entry.length;
        if (fd >= 0)
            cr_assert_eq(cache_body_read(fd, entry.length - 1, &first, 1), 1);
        else
            first = entry.body.len ? *entry.body.ptr : '-';
    }
    if (fd >= 0)
        close(fd);
    cache_entry_done(&entry);
    return first;
}

static bool is_there(const char *url)
{
    uint64_t length;

    return find(url, NOW, &length) != 0;
}

static int count_files(void)
{
    char *bodies = path_join(str_from(directory), STR("bodies"));
    char command[4200];
    FILE *out;
    int count = -1;

    snprintf(command, sizeof command, "find '%s' -type f 2>/dev/null | wc -l", bodies);
    out = popen(command, "r");
    cr_assert(fscanf(out, "%d", &count) == 1);
    pclose(out);
    free(bodies);
    return count;
}

Test(cache, keeps_small_and_large_bodies)
{
    static const size_t sizes[] = {0, 1, CACHE_INLINE_BYTES_MAX, CACHE_INLINE_BYTES_MAX + 1, LARGE};

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        uint64_t length = 1;

        cr_assert_eq(put_body("u", "", sizes[i], 'a'), 0);
        cr_expect_eq(find("u", NOW, &length), sizes[i] ? 'a' : '-');
        cr_expect_eq(length, sizes[i]);
    }
    cr_expect_eq(count_files(), 1, "a body that was replaced is removed");
}

Test(cache, forgets_what_is_not_fresh)
{
    uint64_t length;

    cr_assert_eq(put_body("u", "cache-control: max-age=10\n", 1, 'a'), 0);
    cr_expect_eq(find("u", NOW + 9, &length), 'a');
    cr_expect_eq(find("u", NOW + 10, &length), 0);
    cr_expect_eq(find("u", NOW - 100000, &length), 'a', "a clock that went back");
}

Test(cache, says_why_a_response_is_not_stored)
{
    struct cache_put_head head = {key_of("u", ""), 200, STR("OK"), STR("cache-control: no-store\n"),
                                  true};
    struct cache_put *put;
    struct err err;

    cr_expect_eq(cache_put_new(cache, &head, NOW, &put, &err), ERR_UNSUPPORTED);
    cr_expect_str_eq(err.text, "Cache-Control: no-store");
    head.headers = STR("vary: *\n");
    cr_expect_eq(cache_put_new(cache, &head, NOW, &put, &err), ERR_INVALID);
    head.headers = STR("");
    head.status = 206;
    cr_expect_eq(cache_put_new(cache, &head, NOW, &put, &err), ERR_INVALID);
}

Test(cache, removes)
{
    struct cache_key key = key_of("u", "");
    struct err err;

    cr_assert_eq(put_body("u", "", LARGE, 'a'), 0);
    cr_expect_eq(cache_remove(cache, &key, NOW, &err), 0);
    cr_expect_eq(cache_remove(cache, &key, NOW, &err), ERR_NOT_FOUND);
    cr_expect(!is_there("u"));
    cr_expect_eq(count_files(), 0);
}

Test(cache, leaves_nothing_of_a_put_that_is_dropped)
{
    struct cache_put *put = begin("u", "");
    char *bytes = mem_zeroed(LARGE);
    struct err err;

    cr_assert_eq(cache_put_append(put, (str){bytes, LARGE}, &err), 0);
    cr_expect_eq(count_files(), 1);
    cache_sweep(cache);
    cr_expect_eq(count_files(), 1, "what is being written is not swept");
    cache_put_free(put);
    cr_expect_eq(count_files(), 0);
    cr_expect(!is_there("u"));
    free(bytes);
}

Test(cache, makes_room_for_the_newest)
{
    char url[16];

    for (int i = 0; i < 20; i++) {
        snprintf(url, sizeof url, "u%d", i);
        cr_assert_eq(put_body(url, "", LARGE, 'a'), 0);
        cr_expect(is_there("u0"), "what is used stays");
    }
    cr_expect(is_there("u19"));
    cr_expect(!is_there("u5"));
    cr_expect_eq(count_files(), ROOM / (LARGE + CACHE_ENTRY_BYTES));
}

Test(cache, makes_room_with_what_has_expired_first)
{
    char url[16];

    cr_assert_eq(put_body("old", "", LARGE, 'a'), 0);
    cr_assert_eq(put_body("brief", "cache-control: max-age=5\n", 4 * LARGE, 'a'), 0);
    for (int i = 0; i < 6; i++) {
        struct cache_put *put;
        char *bytes = mem_zeroed(LARGE);
        struct err err;

        snprintf(url, sizeof url, "u%d", i);
        put = begin(url, "");
        cr_assert_eq(cache_put_append(put, (str){bytes, LARGE}, &err), 0);
        cr_assert_eq(cache_put_commit(put, NOW + 10, &err), 0);
        cache_put_free(put);
        free(bytes);
    }
    cr_expect(is_there("old"));
    cr_expect_eq(count_files(), 7);
}

Test(cache, has_a_maximum_for_one_body)
{
    cr_expect_eq(put_body("u", "", ROOM / 2, 'a'), 0);
    cr_expect_eq(put_body("u", "", ROOM / 2 + 1, 'a'), ERR_LIMIT);
    cr_expect(is_there("u"));
    cr_expect_eq(count_files(), 1);
}

Test(cache, has_a_maximum_of_variants)
{
    struct err err;
    char header[32];

    for (int i = 0; i < CACHE_VARIANTS_MAX + 10; i++) {
        struct cache_put_head head = {key_of("u", header), 200, STR("OK"), STR("vary: a\n"), false};
        struct cache_put *put;

        snprintf(header, sizeof header, "a: %d\n", i);
        head.key.headers = str_from(header);
        cr_assert_eq(cache_put_new(cache, &head, NOW, &put, &err), 0);
        cr_assert_eq(cache_put_commit(put, NOW, &err), 0);
        cache_put_free(put);
    }
    for (int i = 0; i < CACHE_VARIANTS_MAX + 10; i += CACHE_VARIANTS_MAX + 9) {
        struct cache_key key;
        struct cache_entry entry;
        int fd;

        snprintf(header, sizeof header, "a: %d\n", i);
        key = key_of("u", header);
        cache_entry_init(&entry);
        cr_expect_eq(cache_find(cache, &key, NOW, &entry, &fd), i ? 0 : ERR_NOT_FOUND);
        cache_entry_done(&entry);
    }
}

Test(cache, lives_on_when_opened_again)
{
    cr_assert_eq(put_body("small", "", 1, 'a'), 0);
    cr_assert_eq(put_body("large", "", LARGE, 'a'), 0);
    cache_free(cache);
    cache = cache_new(directory, ROOM);
    cr_expect(is_there("small"));
    cr_expect(is_there("large"));
}

static void spoil(const char *name, off_t at)
{
    char *path = path_join(str_from(directory), str_from(name));
    int fd = open(path, O_WRONLY);

    cr_assert(fd >= 0);
    for (int i = 0; i < 4096; i++)
        cr_assert_eq(pwrite(fd, "#", 1, at + i), 1);
    close(fd);
    free(path);
}

Test(cache, throws_a_damaged_index_away)
{
    for (int round = 0; round < 2; round++) {
        cr_assert_eq(put_body("u", "", LARGE, 'a'), 0);
        cache_free(cache);
        spoil("index.db", round ? 4096 : 0);
        cache = cache_new(directory, ROOM);
        cr_expect(!is_there("u"));
        cr_expect_eq(put_body("u", "", LARGE, 'b'), 0);
        cr_expect(is_there("u"));
        cr_expect_eq(count_files(), 1);
    }
}

Test(cache, follows_when_another_process_begins_anew)
{
    struct cache *other = cache_new(directory, ROOM), *mine = cache;

    cr_assert_eq(put_body("u", "", 1, 'a'), 0);
    cache = other;
    cr_expect(is_there("u"));
    cache = mine;
    cache_free(other);
    file_remove_tree(directory);
    cr_expect(!is_there("u"));
    cr_expect_eq(put_body("u", "", 1, 'b'), 0);
    other = cache_new(directory, ROOM);
    cache = other;
    cr_expect(is_there("u"));
    cache = mine;
    cache_free(other);
}

Test(cache, misses_when_a_body_is_gone)
{
    char *bodies = path_join(str_from(directory), STR("bodies"));
    uint64_t length;

    cr_assert_eq(put_body("u", "", LARGE, 'a'), 0);
    file_remove_tree(bodies);
    cr_expect_eq(find("u", NOW, &length), 0);
    cr_expect_eq(put_body("u", "", LARGE, 'b'), 0);
    cr_expect_eq(find("u", NOW, &length), 'b');
    free(bodies);
}

/* Processes write, read and evict in one directory; one of them is killed in the middle, others
 * look whether what they find is whole. */
static void work(unsigned seed, int rounds)
{
    char url[16];

    cache = cache_new(directory, ROOM);
    for (int i = 0; i < rounds; i++) {
        uint64_t length = 0;
        int nth = rand_r(&seed) % 20;
        char first;

        snprintf(url, sizeof url, "u%d", nth);
        if (i % 2 && put_body(url, "", (size_t)(nth + 1) * 7000, (char)('a' + nth)) < 0)
            _exit(1);
        first = find(url, NOW, &length);
        if (first && (first != (char)('a' + nth) || length != (uint64_t)(nth + 1) * 7000))
            _exit(2);
    }
    cache_free(cache);
    _exit(0);
}

Test(cache, is_shared_by_processes, .timeout = 60)
{
    pid_t children[4];
    int status;

    for (int i = 0; i < 4; i++)
        if ((children[i] = fork()) == 0)
            work((unsigned)i, i == 0 ? 1000000 : 60);
    for (int i = 1; i < 4; i++) {
        cr_assert_eq(waitpid(children[i], &status, 0), children[i]);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
    }
    kill(children[0], SIGKILL);
    cr_assert_eq(waitpid(children[0], &status, 0), children[0]);
    cr_expect(WIFSIGNALED(status));
    cr_expect_eq(put_body("u", "", LARGE, 'x'), 0);
    cache_sweep(cache);
    cr_expect(is_there("u"));
    cr_expect_leq(count_files(), 20);
}

static void *in_thread(void *nth)
{
    char url[16];

    snprintf(url, sizeof url, "t%d", (int)(intptr_t)nth);
    for (int i = 0; i < 20; i++)
        cr_expect_eq(put_body(url, "", i % 2 ? LARGE / 2 : 10, 'a'), 0);
    cr_expect(is_there(url));
    return NULL;
}

Test(cache, is_shared_by_threads)
{
    pthread_t threads[4];

    for (intptr_t i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, in_thread, (void *)i), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void *find_in_thread(void *unused)
{
    struct cache_key key = key_of("http://x/", "");
    struct cache_entry entry;
    int fd;

    (void)unused;
    cache_entry_init(&entry);
    (void)!cache_find(cache, &key, NOW, &entry, &fd);
    cache_entry_done(&entry);
    return NULL;
}

/* Whether somebody waits for the lock of this file: "1: -> FLOCK ADVISORY WRITE 1 8:1:34 0 EOF" */
static bool is_waited_for(int fd)
{
    char line[256], end[64];
    bool found = false;
    struct stat st;
    FILE *locks = fopen("/proc/locks", "re");

    cr_assert(locks && fstat(fd, &st) == 0);
    snprintf(end, sizeof end, ":%lu 0 EOF", (unsigned long)st.st_ino);
    while (!found && fgets(line, sizeof line, locks))
        found = strstr(line, "-> FLOCK") && strstr(line, end);
    fclose(locks);
    return found;
}

/* The loop counts bytes while a thread waits for the disk, or for another process. */
Test(cache, counts_without_waiting_for_the_index, .timeout = 20)
{
    char *path = path_join(str_from(directory), STR("lock"));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    pthread_t thread;

    cr_assert(fd >= 0 && flock(fd, LOCK_EX) == 0);
    cr_assert_eq(pthread_create(&thread, NULL, find_in_thread, NULL), 0);
    while (!is_waited_for(fd))
        sched_yield();
    cr_assert_eq(cache_reserve(cache, 0, 1), 0);
    cache_release(cache, 1);
    close(fd);
    pthread_join(thread, NULL);
    free(path);
}
