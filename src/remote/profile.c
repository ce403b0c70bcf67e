/* The file of credentials; see profile.h.
 *
 * (1) Nobody sees half a file: file_replace().
 * (2) Who changes it holds the lock from before it reads until after it wrote. The lock is a file
 *     of its own, since the other one is replaced. */
#include "remote/profile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/member.h"
#include "os/file.h"
#include "os/path.h"

static const char file_name[] = "credentials.json";
static const char *const texts[] = {
    "url", "account", "token", "refresh_token", "client_id", "token_endpoint",
    "revocation_endpoint",
};

static char *home(void)
{
    const char *path = getenv("HOME");
    const struct passwd *user = path && *path ? NULL : getpwuid(getuid());

    if (path && *path)
        return str_dup(str_from(path));
    return str_dup(str_from(user ? user->pw_dir : "/"));
}

/* A relative XDG_CONFIG_HOME counts for nothing, as its specification says. Returned owned. */
static char *directory(void)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    char *base, *result;

    if (config && config[0] == '/')
        return path_join(str_from(config), STR("atoll"));
    base = home();
    result = path_join(str_from(base), STR(".config/atoll"));
    free(base);
    return result;
}

/* Returned owned. */
static char *beside(const char *name)
{
    char *where = directory(), *path = path_join(str_from(where), str_from(name));

    free(where);
    return path;
}

char *profile_file(void)
{
    return beside(file_name);
}

static bool take_rights(const char *path, mode_t mode)
{
    struct stat info;

    return stat(path, &info) == 0 && (info.st_mode & 077) && chmod(path, mode) == 0;
}

bool profile_make_private(void)
{
    char *path = profile_file(), *where = directory();
    bool changed = take_rights(path, 0600);

    changed |= take_rights(where, 0700);
    free(where);
    free(path);
    return changed;
}

/* ---- reading ---- */

static json_t *empty_file(void)
{
    return json_pack("{s:n, s:{}}", "current", "profiles");
}

static bool is_profile(const json_t *profile)
{
    const json_t *expires = json_object_get(profile, "expires_ms");

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const json_t *value = json_object_get(profile, texts[i]);

        if (value && (!json_is_string(value) || json_string_length(value) > PROFILE_TEXT_BYTES_MAX))
            return false;
    }
    return member_text(profile, "url") && member_text(profile, "token") &&
           (!expires || json_is_integer(expires));
}

static int check(const char *path, json_t *file, struct err *err)
{
    const json_t *current = json_object_get(file, "current");
    json_t *profiles = json_object_get(file, "profiles"), *profile;
    const char *name;

    if (!json_is_object(profiles) ||
        (current && !json_is_string(current) && !json_is_null(current)))
        return err_set(err, ERR_INVALID,
                       "%s is not a file of credentials: move it away and run atoll login", path);
    json_object_foreach(profiles, name, profile)
        if (!profile_is_name(str_from(name)) || !is_profile(profile))
            return err_set(err, ERR_INVALID,
                           "%s: the profile \"%.64s\" lacks its url or token, or has something "
                           "else in its place: repair it, or move the file away and run "
                           "atoll login",
                           path, name);
    return 0;
}

static int parse(const char *path, str text, json_t **ret, struct err *err)
{
    json_error_t error;
    json_t *file = json_loadb(text.ptr ? text.ptr : "", text.len, 0, &error);
    int r;

    if (!file)
        return err_set(err, ERR_INVALID,
                       "%s:%d:%d: %s\nRepair it, or move the file away and run atoll login", path,
                       error.line, error.column, error.text);
    if ((r = check(path, file, err)) < 0) {
        json_decref(file);
        return r;
    }
    *ret = file;
    return 0;
}

int profile_load(json_t **ret, struct err *err)
{
    char *path = profile_file();
    struct buf text;
    int r;

    buf_init(&text, PROFILE_FILE_BYTES_MAX);
    r = file_read(path, &text, err);
    if (r == ERR_NOT_FOUND) {
        *ret = empty_file();
        r = 0;
    } else if (r == 0) {
        r = parse(path, buf_str(&text), ret, err);
    }
    buf_done(&text);
    free(path);
    return r;
}

json_t *profile_find(json_t *file, const char *name)
{
    return json_object_get(json_object_get(file, "profiles"), name ? name
                                                              : profile_current(file)
                                                                  ? profile_current(file)
                                                                  : "");
}

const char *profile_current(const json_t *file)
{
    return member_text(file, "current");
}

/* ---- writing ---- */

static int make_directory(struct err *err)
{
    char *where = directory(), *parent = path_directory(str_from(where));
    int r = file_make_directories(parent, err);

    if (r == 0 && mkdir(where, 0700) < 0 && errno != EEXIST)
        r = err_set_io(err, where);
    free(parent);
    free(where);
    return r;
}

int profile_lock(int *ret_lock, struct err *err)
{
    char *path;
    int lock, r = make_directory(err);

    if (r < 0)
        return r;
    path = beside("credentials.lock");
    lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    while (lock >= 0 && (r = flock(lock, LOCK_EX)) < 0 && errno == EINTR)
        continue;
    if (lock < 0 || r < 0) {
        r = err_set_io(err, path);
        if (lock >= 0)
            close(lock);
    }
    free(path);
    *ret_lock = lock;
    return r;
}

void profile_unlock(int lock)
{
    close(lock);
}

int profile_save(const json_t *file, struct err *err)
{
    char *path = profile_file(), *text = json_dumps(file, JSON_INDENT(2)), *lines;
    size_t size;
    int r;

    ASSERT(text);
    size = strlen(text) + 2;
    lines = mem_alloc(size);
    snprintf(lines, size, "%s\n", text);
    if (size > PROFILE_FILE_BYTES_MAX)
        r = err_set(err, ERR_LIMIT, "%s would be longer than %d KiB: log out of servers first",
                    path, PROFILE_FILE_BYTES_MAX >> 10);
    else
        r = file_replace(path, str_from(lines), 0600, err);
    free(lines);
    free(text);
    free(path);
    return r;
}

enum change { SET, SET_CURRENT, REMOVE, USE };

static int no_such(const char *name, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no profile \"%.64s\": atoll profiles lists them",
                   name);
}

/* Another one becomes current: the first that is left. */
static void remove_one(json_t *file, const char *name)
{
    json_t *profiles = json_object_get(file, "profiles");
    bool was_current = profile_current(file) && strcmp(profile_current(file), name) == 0;
    const char *first;

    json_object_del(profiles, name);
    if (!was_current)
        return;
    first = json_object_iter_key(json_object_iter(profiles));
    json_object_set_new(file, "current", first ? json_string(first) : json_null());
}

static int change_loaded(json_t *file, enum change change, const char *name, json_t *profile,
                         struct err *err)
{
    if ((change == REMOVE || change == USE) && !profile_find(file, name))
        return no_such(name, err);
    if (profile && !is_profile(profile))
        return err_set(err, ERR_INVALID,
                       "the profile \"%.64s\" lacks its url or token, or has something in it that "
                       "is longer than %d bytes: nothing was stored",
                       name, PROFILE_TEXT_BYTES_MAX);
    if (profile)
        json_object_set(json_object_get(file, "profiles"), name, profile);
    if (change == REMOVE)
        remove_one(file, name);
    else if (change != SET || !profile_current(file))
        json_object_set_new(file, "current", json_string(name));
    return profile_save(file, err);
}

static int change_file(enum change change, const char *name, json_t *profile, struct err *err)
{
    json_t *file = NULL;
    int lock, r = profile_lock(&lock, err);

    if (r < 0)
        return r;
    r = profile_load(&file, err);
    if (r == 0)
        r = change_loaded(file, change, name, profile, err);
    json_decref(file);
    profile_unlock(lock);
    return r;
}

int profile_set(const char *name, json_t *profile, bool current, struct err *err)
{
    int r = change_file(current ? SET_CURRENT : SET, name, profile, err);

    json_decref(profile);
    return r;
}

int profile_remove(const char *name, struct err *err)
{
    return change_file(REMOVE, name, NULL, err);
}

int profile_use(const char *name, struct err *err)
{
    return change_file(USE, name, NULL, err);
}

/* ---- names ---- */

char *profile_name_of(const char *url)
{
    const char *host = strstr(url, "://");
    char *name = str_dup(str_head(str_from(host ? host + 3 : url), PROFILE_NAME_MAX)), *out = name;

    for (const char *c = name; *c && *c != '/'; c++)
        if (*c != '[' && *c != ']')
            *out++ = *c;
    *out = '\0';
    return name;
}

bool profile_is_name(str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.ptr[i]) && (!name.ptr[i] || !strchr(".:-_", name.ptr[i])))
            return false;
    return name.len > 0 && name.len <= PROFILE_NAME_MAX;
}
