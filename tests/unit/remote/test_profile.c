#include "remote/profile.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/member.h"
#include "os/file.h"
#include "os/path.h"

static char *home;

static void begin(void)
{
    struct err err;

    cr_assert_eq(file_make_temporary(&home, &err), 0);
    setenv("XDG_CONFIG_HOME", home, 1);
}

static void end(void)
{
    file_remove_tree(home);
    free(home);
}

TestSuite(profile, .init = begin, .fini = end);

static json_t *a_profile(const char *url)
{
    return json_pack("{s:s, s:s, s:s}", "url", url, "token", "t", "account", "default");
}

static mode_t mode_of(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 ? info.st_mode & 0777 : 0;
}

static void write_file(const char *text)
{
    char *path = profile_file(), *directory = path_directory(str_from(path));
    struct err err;

    cr_assert_eq(file_make_directories(directory, &err), 0);
    cr_assert_eq(file_write(path, str_from(text), &err), 0);
    free(directory);
    free(path);
}

Test(profile, is_empty_at_first)
{
    json_t *file;
    struct err err;

    cr_assert_eq(profile_load(&file, &err), 0);
    cr_expect_null(profile_find(file, NULL));
    cr_expect_null(profile_find(file, "a"));
    cr_expect_null(profile_current(file));
    cr_expect_eq(profile_use("a", &err), ERR_NOT_FOUND);
    cr_expect_eq(profile_remove("a", &err), ERR_NOT_FOUND);
    json_decref(file);
}

Test(profile, keeps_several)
{
    json_t *file;
    struct err err;

    cr_assert_eq(profile_set("a", a_profile("http://a"), false, &err), 0);
    cr_assert_eq(profile_set("b", a_profile("http://b"), false, &err), 0);
    cr_assert_eq(profile_load(&file, &err), 0);
    cr_expect_str_eq(profile_current(file), "a", "the first is current");
    cr_expect_str_eq(member_text(profile_find(file, "b"), "url"), "http://b");
    json_decref(file);
    cr_assert_eq(profile_use("b", &err), 0);
    cr_assert_eq(profile_set("c", a_profile("http://c"), true, &err), 0);
    cr_assert_eq(profile_remove("c", &err), 0);
    cr_assert_eq(profile_load(&file, &err), 0);
    cr_expect_str_eq(profile_current(file), "a", "another becomes current");
    json_decref(file);
    cr_assert_eq(profile_remove("a", &err), 0);
    cr_assert_eq(profile_remove("b", &err), 0);
    cr_assert_eq(profile_load(&file, &err), 0);
    cr_expect_null(profile_current(file));
    json_decref(file);
}

Test(profile, is_private)
{
    char *path = profile_file(), *directory = path_directory(str_from(path));
    struct err err;

    cr_assert_eq(profile_set("a", a_profile("http://a"), true, &err), 0);
    cr_expect_eq(mode_of(path), 0600);
    cr_expect_eq(mode_of(directory), 0700);
    cr_expect_not(profile_make_private());
    cr_assert_eq(chmod(path, 0644), 0);
    cr_expect(profile_make_private());
    cr_expect_eq(mode_of(path), 0600);
    cr_assert_eq(chmod(directory, 0755), 0);
    cr_expect(profile_make_private());
    cr_expect_eq(mode_of(directory), 0700);
    free(directory);
    free(path);
}

Test(profile, stores_nothing_that_it_would_not_read)
{
    json_t *long_one = a_profile("http://b"), *file;
    struct err err;

    json_object_set_new(long_one, "account", json_sprintf("%0*d", PROFILE_TEXT_BYTES_MAX + 1, 1));
    cr_assert_eq(profile_set("a", a_profile("http://a"), true, &err), 0);
    cr_expect_eq(profile_set("b", long_one, true, &err), ERR_INVALID);
    cr_assert_eq(profile_load(&file, &err), 0);
    cr_expect_str_eq(profile_current(file), "a");
    json_object_set_new(profile_find(file, "a"), "more",
                        json_sprintf("%0*d", PROFILE_FILE_BYTES_MAX, 1));
    cr_expect_eq(profile_save(file, &err), ERR_LIMIT);
    json_decref(file);
    cr_assert_eq(profile_load(&file, &err), 0);
    json_decref(file);
}

Test(profile, a_file_elsewhere_stays_there)
{
    char *path = profile_file(), *elsewhere = path_join(str_from(home), STR("elsewhere"));
    struct stat info;
    struct err err;

    cr_assert_eq(profile_set("a", a_profile("http://a"), true, &err), 0);
    cr_assert_eq(rename(path, elsewhere), 0);
    cr_assert_eq(symlink(elsewhere, path), 0);
    cr_assert_eq(profile_set("b", a_profile("http://b"), true, &err), 0);
    cr_expect(lstat(path, &info) == 0 && S_ISLNK(info.st_mode));
    cr_expect_eq(mode_of(elsewhere), 0600);
    free(elsewhere);
    free(path);
}

Test(profile, refuses_a_broken_file)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"{", "credentials.json:1:"},
        {"", "credentials.json:"},
        {"[]", "is not a file of credentials"},
        {"{}", "is not a file of credentials"},
        {"{\"profiles\":{},\"current\":7}", "is not a file of credentials"},
        {"{\"profiles\":{\"a\":{}}}", "the profile \"a\" lacks"},
        {"{\"profiles\":{\"a\":7}}", "the profile \"a\" lacks"},
        {"{\"profiles\":{\"a\":{\"url\":\"u\",\"token\":7}}}", "the profile \"a\" lacks"},
        {"{\"profiles\":{\"a\":{\"url\":\"u\",\"token\":\"t\",\"expires_ms\":\"x\"}}}", "lacks"},
        {"{\"profiles\":{\"a b\":{\"url\":\"u\",\"token\":\"t\"}}}", "the profile \"a b\" lacks"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *file;
        struct err err = {0};

        write_file(cases[i].text);
        cr_expect_eq(profile_load(&file, &err), ERR_INVALID, "%s", cases[i].text);
        cr_expect(strstr(err.text, cases[i].want), "%s: %s", cases[i].text, err.text);
        cr_expect_eq(profile_set("x", a_profile("http://x"), true, &err), ERR_INVALID,
                     "what cannot be read is not written over");
    }
}

Test(profile, a_current_one_that_is_gone_is_none)
{
    json_t *file;
    struct err err;

    write_file("{\"current\":\"gone\",\"profiles\":{}}");
    cr_assert_eq(profile_load(&file, &err), 0);
    cr_expect_null(profile_find(file, NULL));
    json_decref(file);
}

Test(profile, places)
{
    char *path;

    setenv("HOME", "/home/me", 1);
    setenv("XDG_CONFIG_HOME", "relative", 1);
    path = profile_file();
    cr_expect_str_eq(path, "/home/me/.config/atoll/credentials.json");
    free(path);
    setenv("XDG_CONFIG_HOME", "/x", 1);
    path = profile_file();
    cr_expect_str_eq(path, "/x/atoll/credentials.json");
    free(path);
}

Test(profile, names)
{
    static const struct {
        const char *url, *name;
    } cases[] = {
        {"http://127.0.0.1:8790", "127.0.0.1:8790"},
        {"https://workers.example.com", "workers.example.com"},
        {"http://[::1]:8790", "::1:8790"},
    };
    char longest[PROFILE_NAME_MAX + 2];

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *name = profile_name_of(cases[i].url);

        cr_expect_str_eq(name, cases[i].name);
        cr_expect(profile_is_name(str_from(name)));
        free(name);
    }
    memset(longest, 'a', sizeof longest);
    cr_expect(profile_is_name((str){longest, PROFILE_NAME_MAX}));
    cr_expect_not(profile_is_name((str){longest, PROFILE_NAME_MAX + 1}));
    cr_expect_not(profile_is_name(STR("")));
    cr_expect_not(profile_is_name(STR("a b")));
    cr_expect_not(profile_is_name(STR("a/b")));
    cr_expect_not(profile_is_name(STR("a\0b")));
}
