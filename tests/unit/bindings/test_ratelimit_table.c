/* bindings/ratelimit_table: what is counted in a window, by several processes, and what is not. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bindings/ratelimit/ratelimit_table.h"
#include "os/file.h"
#include "os/path.h"

enum { PROCESSES = 4, TRIES = 2000, LIMIT = 1000, KEYS = 50, NOW = 1000000020 };

static char *directory, *path;
static struct ratelimit_table *table;
static struct err err;

static void setup(void)
{
    cr_assert_eq(file_make_temporary(&directory, &err), 0);
    path = path_join(str_from(directory), STR("counters"));
    cr_assert_eq(ratelimit_table_open(path, &table, &err), 0, "%s", err.text);
}

static void teardown(void)
{
    ratelimit_table_close(table);
    file_remove_tree(directory);
    free(directory);
    free(path);
}

TestSuite(ratelimit_table, .init = setup, .fini = teardown);

static bool take(const char *key, unsigned limit, unsigned delta, uint64_t now_s)
{
    return ratelimit_table_take(table, &(struct ratelimit_take){.key = str_from(key),
                                                                .limit = limit,
                                                                .period_s = 60,
                                                                .delta = delta,
                                                                .now_s = now_s});
}

Test(ratelimit_table, a_key_takes_its_limit_in_a_window_and_again_in_the_next)
{
    for (int i = 0; i < 3; i++)
        cr_assert(take("a", 3, 1, NOW));
    cr_assert_not(take("a", 3, 1, NOW));
    cr_assert_not(take("a", 3, 1, NOW + 59 - NOW % 60));
    cr_assert(take("b", 3, 1, NOW));
    cr_assert(take("", 3, 1, NOW));
    cr_assert(take("a", 3, 1, NOW + 60 - NOW % 60));
}

Test(ratelimit_table, delta_may_go_past_the_limit_once)
{
    cr_assert(take("a", 5, 4, NOW));
    cr_assert(take("a", 5, 1000000, NOW));
    cr_assert_not(take("a", 5, 1, NOW));
    cr_assert_not(take("a", RATELIMIT_TABLE_LIMIT_MAX, 1, NOW));
    cr_assert(take("a", 5, 1, NOW + 60));
}

Test(ratelimit_table, who_opens_it_again_goes_on_counting)
{
    cr_assert(take("a", 1, 1, NOW));
    ratelimit_table_close(table);
    cr_assert_eq(ratelimit_table_open(path, &table, &err), 0);
    cr_assert_not(take("a", 1, 1, NOW));
}

/* Each process takes what it gets of each key, and says how much that was. */
static void child(int out)
{
    unsigned got[KEYS] = {0};
    char key[16];

    ratelimit_table_close(table);
    if (ratelimit_table_open(path, &table, &err) < 0)
        _exit(1);
    for (int i = 0; i < TRIES; i++)
        for (int k = 0; k < KEYS; k++) {
            snprintf(key, sizeof key, "key %d", k);
            got[k] += take(key, LIMIT, 1, NOW);
        }
    _exit(write(out, got, sizeof got) == sizeof got ? 0 : 1);
}

Test(ratelimit_table, processes_never_take_more_together)
{
    unsigned sum[KEYS] = {0}, got[KEYS];
    int ends[2], status;

    cr_assert_eq(pipe(ends), 0);
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0)
            child(ends[1]);
    for (int i = 0; i < PROCESSES; i++) {
        cr_assert_eq(read(ends[0], got, sizeof got), (ssize_t)sizeof got);
        for (int k = 0; k < KEYS; k++)
            sum[k] += got[k];
    }
    while (wait(&status) > 0)
        cr_assert_eq(status, 0);
    for (int k = 0; k < KEYS; k++)
        cr_assert_eq(sum[k], LIMIT, "key %d: %u", k, sum[k]);
}

Test(ratelimit_table, more_keys_than_fit_forget_those_that_took_the_least)
{
    char key[16];

    for (int i = 0; i < 100; i++)
        cr_assert(take("busy", 100, 1, NOW));
    for (int i = 0; i < 500000; i++) {
        snprintf(key, sizeof key, "%d", i);
        cr_assert(take(key, 10, 1, NOW));
    }
    cr_assert_not(take("busy", 100, 1, NOW));
}

/* What a process that was killed, or a machine that lost power, may have left. */
Test(ratelimit_table, a_file_full_of_anything_counts_all_the_same)
{
    static unsigned char noise[1 << 16];
    int fd = open(path, O_WRONLY);

    memset(noise, 0xa5, sizeof noise);
    for (int i = 0; i < 16; i++)
        cr_assert_eq(pwrite(fd, noise, sizeof noise, 64 + i * (off_t)sizeof noise),
                     (ssize_t)sizeof noise);
    close(fd);
    for (int i = 0; i < 3; i++)
        cr_assert(take("a", 3, 1, NOW));
    cr_assert_not(take("a", 3, 1, NOW));
}
