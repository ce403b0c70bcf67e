/* bindings/kv_shared: counters and the lock, between processes, also when one dies. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bindings/kv/kv_shared.h"
#include "os/file.h"
#include "os/path.h"

enum { ROUNDS = 200, PROCESSES = 4 };

static char *directory, *path;
static struct kv_shared *shared;
static struct err err;

static void setup(void)
{
    cr_assert_eq(file_make_temporary(&directory, &err), 0);
    path = path_join(str_from(directory), STR("shared"));
    cr_assert_eq(kv_shared_open(path, &shared, &err), 0, "%s", err.text);
}

static void teardown(void)
{
    kv_shared_unref(shared);
    file_remove_tree(directory);
    free(directory);
    free(path);
}

TestSuite(kv_shared, .init = setup, .fini = teardown);

Test(kv_shared, a_counter_is_odd_while_its_key_is_written_and_larger_after)
{
    uint64_t key = kv_shared_hash(STR("key")), other = key + 1,
             before = kv_shared_look(shared, key);

    cr_assert_eq(before & 1, 0);
    cr_assert_eq(kv_shared_lock(shared, &err), 0);
    kv_shared_mark(shared, key);
    kv_shared_mark(shared, key);
    cr_assert_eq(kv_shared_look(shared, key), before + 1);
    cr_assert_eq(kv_shared_look(shared, other) & 1, 0);
    kv_shared_unlock(shared);
    cr_assert_eq(kv_shared_look(shared, key), before + 2);
    cr_assert_eq(kv_shared_look(shared, other), 0);
}

Test(kv_shared, others_see_it)
{
    struct kv_shared *other;

    cr_assert_eq(kv_shared_open(path, &other, &err), 0);
    cr_assert_eq(kv_shared_lock(shared, &err), 0);
    kv_shared_mark(shared, 5);
    cr_assert_eq(kv_shared_look(other, 5), 1);
    kv_shared_unlock(shared);
    cr_assert_eq(kv_shared_look(other, 5), 2);
    cr_assert_not(kv_shared_is_removed(other));
    kv_shared_set_removed(shared);
    cr_assert(kv_shared_is_removed(other));
    kv_shared_unref(other);
}

static void write_rounds(void)
{
    struct kv_shared *own;

    if (kv_shared_open(path, &own, &err) < 0)
        _exit(1);
    for (int i = 0; i < ROUNDS; i++) {
        if (kv_shared_lock(own, &err) < 0)
            _exit(1);
        kv_shared_mark(own, 7);
        if (kv_shared_look(own, 7) % 2 == 0)
            _exit(1);
        kv_shared_unlock(own);
    }
    _exit(0);
}

Test(kv_shared, one_writes_at_a_time)
{
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0)
            write_rounds();
    for (int i = 0, status; i < PROCESSES; i++) {
        cr_assert_gt(wait(&status), 0);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    cr_assert_eq(kv_shared_look(shared, 7), 2 * PROCESSES * ROUNDS);
}

/* Between mark and unlock it may have committed: nobody may keep what he reads, until somebody
 * writes such a key again. */
Test(kv_shared, who_dies_while_writing_leaves_no_even_counter)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct kv_shared *own;
        if (kv_shared_open(path, &own, &err) < 0 || kv_shared_lock(own, &err) < 0)
            _exit(1);
        kv_shared_mark(own, 9);
        raise(SIGKILL);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status));
    cr_assert_eq(kv_shared_look(shared, 9), 1);
    cr_assert_eq(kv_shared_lock(shared, &err), 0, "the lock went with it");
    kv_shared_mark(shared, 10);
    kv_shared_unlock(shared);
    cr_assert_eq(kv_shared_look(shared, 9), 1);
    cr_assert_eq(kv_shared_lock(shared, &err), 0);
    kv_shared_mark(shared, 9);
    kv_shared_unlock(shared);
    cr_assert_eq(kv_shared_look(shared, 9), 2);
}

Test(kv_shared, no_place_is_an_error)
{
    struct kv_shared *none;
    char *wrong = path_join(str_from(directory), STR("missing/shared"));

    cr_assert_eq(kv_shared_open(wrong, &none, &err), ERR_IO);
    free(wrong);
}
