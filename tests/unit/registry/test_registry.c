/* registry: its directory, its lock, transactions, sweeps, backups. */
#include "registry_harness.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

TestSuite(registry, .init = harness_make, .fini = harness_clean);

static mode_t mode_of(const char *name)
{
    char *path = harness_path(name);
    struct stat st;

    cr_assert_eq(stat(path, &st), 0, "%s", path);
    free(path);
    return st.st_mode & 0777;
}

Test(registry, makes_a_private_directory_with_an_account)
{
    static const char *const files[] = {"lock", "secret.key", "registry.db", "usage.db", "logs.db",
                                        "registry.db-wal"};
    json_t *row;

    cr_expect_eq(mode_of(""), 0700);
    for (size_t i = 0; i < COUNT_OF(files); i++)
        cr_expect_eq(mode_of(files[i]), 0600, "%s", files[i]);
    OK(account_get(harness, "default", &row, &err));
    cr_expect_str_eq(text_of(row, "subdomain"), "default");
    json_decref(row);
    registry_close(NULL);
}

Test(registry, refuses_a_directory_that_is_used)
{
    struct registry *second;

    FAILS(registry_open(harness_directory, &second, &err), ERR_EXISTS, harness_directory);
}

/* Holds the registry until it is told to let go, and then a little longer. */
static void hold(int from, int to)
{
    const struct timespec little = {0, 50 * 1000000};
    struct registry *other;
    char byte = 0;

    if (registry_open(harness_directory, &other, &err) < 0 || write(to, &byte, 1) != 1 ||
        read(from, &byte, 1) != 1)
        _exit(1);
    nanosleep(&little, NULL);
    _exit(0);
}

Test(registry, waits_for_a_server_that_lets_go)
{
    int down[2], up[2], status;
    char byte = 0;
    pid_t child;

    registry_close(harness);
    harness = NULL;
    cr_assert(pipe(down) == 0 && pipe(up) == 0);
    child = fork();
    if (child == 0)
        hold(down[0], up[1]);
    cr_assert_gt(child, 0);
    cr_assert_eq(read(up[0], &byte, 1), 1);
    cr_assert_eq(write(down[1], &byte, 1), 1);
    harness_open();
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(registry, refuses_a_key_that_others_can_read_or_that_is_none)
{
    char *path = harness_path("secret.key");
    struct registry *second;

    registry_close(harness);
    harness = NULL;
    cr_assert_eq(chmod(path, 0640), 0);
    FAILS(registry_open(harness_directory, &second, &err), ERR_INVALID, "chmod 600");
    cr_assert_eq(chmod(path, 0600), 0);
    cr_assert_eq(truncate(path, 31), 0);
    FAILS(registry_open(harness_directory, &second, &err), ERR_INVALID, "is no key");
    cr_assert_eq(unlink(path), 0);
    FAILS(registry_open(harness_directory, &second, &err), ERR_NOT_FOUND, "backup");
    free(path);
}

Test(registry, says_which_file_is_damaged)
{
    static const char *const files[] = {"registry.db", "usage.db", "logs.db"};
    struct registry *second;
    static char junk[8192];

    memset(junk, 'x', sizeof junk);
    registry_close(harness);
    harness = NULL;
    for (size_t i = COUNT_OF(files); i-- > 0;) {
        char *path = harness_path(files[i]);

        OK(file_write(path, (str){junk, sizeof junk}, &err));
        FAILS(registry_open(harness_directory, &second, &err), ERR_IO, files[i]);
        cr_expect(strstr(err.text, "restore"));
        free(path);
    }
}

Test(registry, refuses_a_path_that_cannot_be_one)
{
    char *path = harness_path("lock/data");
    struct registry *second;

    FAILS(registry_open(path, &second, &err), ERR_IO, "lock");
    free(path);
}

static bool has_script(const char *name)
{
    json_t *row;
    int r = script_find(harness, "default", name, &row, &err);

    if (r == 0)
        json_decref(row);
    return r == 0;
}

Test(registry, takes_all_of_a_transaction_or_nothing)
{
    OK(registry_begin(harness, &err));
    harness_script("default", "one");
    harness_script("default", "two");
    OK(registry_end(harness, 0, &err));
    cr_expect(has_script("one") && has_script("two"));
    OK(registry_begin(harness, &err));
    harness_script("default", "three");
    cr_expect_eq(registry_end(harness, ERR_LIMIT, &err), ERR_LIMIT);
    cr_expect_not(has_script("three"));
    OK(registry_begin(harness, &err));
    harness_script("default", "four");
    OK(registry_end(harness, 0, &err));
    harness_reopen();
    cr_expect(has_script("four"));
}

Test(registry, takes_back_what_failed_within_a_transaction)
{
    json_t *row, *bad = harness_json("{'versions': [{'version_id': 'x', 'percentage': 100}]}");
    int64_t script;

    OK(registry_begin(harness, &err));
    script = harness_script("default", "one");
    cr_expect_eq(deployment_add(harness, script, bad, &row, &err), ERR_NOT_FOUND);
    harness_script("default", "two");
    OK(registry_end(harness, 0, &err));
    cr_expect(has_script("one") && has_script("two"));
    json_decref(bad);
}

Test(registry, makes_ids_that_are_uuids)
{
    char a[37], b[37];

    registry_new_id(a);
    registry_new_id(b);
    cr_expect_eq(strlen(a), 36);
    cr_expect_eq(a[14], '4');
    cr_expect(strchr("89ab", a[19]));
    cr_expect_str_neq(a, b);
    cr_expect_eq(strspn(a, "0123456789abcdef-"), 36);
}

/* ---- sweeps ---- */

static int sweep_all(void)
{
    int sum = 0;

    for (int i = 0; i < 256; i++) {
        int r = registry_sweep(harness, &err);

        cr_assert_geq(r, 0, "%s", err.text);
        sum += r;
    }
    return sum;
}

static int contents_of(int64_t script, const char *id, const char *part, const char *module)
{
    struct buf out;
    json_t *row;
    int r;

    OK(script_version_get(harness, script, id, &row, &err));
    buf_init(&out, 1 << 20);
    r = script_version_contents(harness, json_object_get(row, "parts"), &out, &err);
    if (r == 0)
        cr_expect(str_equal(buf_str(&out), str_from(part)));
    buf_clear(&out);
    if (r == 0)
        r = script_version_contents(harness, json_object_get(row, "modules"), &out, &err);
    if (r == 0)
        cr_expect(str_equal(buf_str(&out), str_from(module)));
    buf_done(&out);
    json_decref(row);
    return r;
}

Test(registry, sweeps_what_no_version_uses)
{
    int64_t a = harness_script("default", "a"), b = harness_script("default", "b");
    char first[37], second[37];

    harness_version(a, "shared", "module a", first);
    harness_version(b, "shared", "module b", second);
    cr_expect_eq(sweep_all(), 0);
    OK(script_delete(harness, a, &err));
    OK(registry_begin(harness, &err));
    cr_expect_eq(sweep_all(), 0);
    OK(registry_end(harness, 0, &err));
    cr_expect_eq(sweep_all(), 1);
    cr_expect_eq(sweep_all(), 0);
    OK(contents_of(b, second, "shared", "module b"));
}

/* ---- backups ---- */

Test(registry, copies_everything_into_a_backup)
{
    char *copy = path_join(str_from(harness_above), STR("copies/one")), id[37], secret[37];
    int64_t script = harness_script("default", "a");
    struct script_version_contents none = {STR_NONE, STR_NONE};
    json_t *row = json_object(), *secrets = harness_json("{'KEY': 'value'}"), *version, *plain;

    harness_version(script, "the part", "the module", id);
    OK(script_version_add(harness, script, &(struct script_version_draft){row, secrets, &none},
                          &version, &err));
    snprintf(secret, sizeof secret, "%s", text_of(version, "id"));
    OK(registry_backup(harness, copy, NULL, &err));
    FAILS(registry_backup(harness, copy, NULL, &err), ERR_EXISTS, copy);
    harness_script("default", "later");
    registry_close(harness);
    OK(registry_open(copy, &harness, &err));
    OK(contents_of(script, id, "the part", "the module"));
    cr_expect_not(has_script("later"));
    OK(script_version_secrets(harness, secret, &plain, &err));
    EXPECT_JSON(plain, "{'KEY': 'value'}");
    cr_expect_eq(sweep_all(), 0);
    json_decref(row);
    json_decref(secrets);
    json_decref(version);
    json_decref(plain);
    free(copy);
}

Test(registry, sees_whether_a_backup_fits)
{
    char *copy = path_join(str_from(harness_above), STR("not/there/yet")), *large;
    struct statvfs disk;

    OK(registry_backup_fits(harness, copy, &err));
    OK(registry_backup_fits(harness, "/a-directory-that-is-not-there", &err));
    large = harness_path("large");
    close(open(large, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    cr_assert_eq(statvfs(harness_above, &disk), 0);
    /* It has no blocks: only its size is more than there is room for. */
    cr_assert_eq(truncate(large, (off_t)(disk.f_bavail * disk.f_frsize)), 0);
    FAILS(registry_backup_fits(harness, copy, &err), ERR_LIMIT, "too small for the backup");
    free(copy);
    free(large);
}

Test(registry, leaves_nothing_of_a_backup_that_fails)
{
    char *copy = path_join(str_from(harness_above), STR("copies/one")), *blobs, *moved;
    char *above = path_join(str_from(harness_above), STR("copies"));

    blobs = harness_path("usage.db");
    moved = harness_path("moved.db");
    cr_assert_eq(rename(blobs, moved), 0);
    FAILS(registry_backup(harness, copy, NULL, &err), ERR_IO, "usage.db");
    cr_assert_eq(rename(moved, blobs), 0);
    cr_expect_eq(rmdir(above), 0);
    free(copy);
    free(above);
    free(blobs);
    free(moved);
}
