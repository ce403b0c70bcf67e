/* Who stores as much as he may; see quota.h.
 *
 * (1) A store's path is <directory>/<account>/...: nobody has to carry the account along.
 * (2) `any` is looked at without the mutex: to be told a moment late is as good as to be told so a
 *     moment later. */
#include "bindings/quota.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/str.h"

static struct {
    const char *directory;
    json_t *over; /* an object, by account */
    atomic_bool any;
    pthread_mutex_t mutex;
} quota = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void quota_start(const char *storage_directory)
{
    quota.directory = storage_directory;
}

void quota_on_frame(const json_t *frame)
{
    json_t *over = json_object(), *before;
    const json_t *account;
    size_t i;

    json_array_foreach(json_object_get(frame, "accounts"), i, account)
        if (json_is_string(account))
            json_object_set_new(over, json_string_value(account), json_true());
    pthread_mutex_lock(&quota.mutex);
    before = quota.over;
    quota.over = over;
    pthread_mutex_unlock(&quota.mutex);
    atomic_store(&quota.any, json_object_size(over) > 0);
    json_decref(before);
}

/* (1); empty when the path is another's. */
static str account_of(const char *path)
{
    size_t len = quota.directory ? strlen(quota.directory) : 0;
    str rest;

    if (!len || strncmp(path, quota.directory, len) != 0)
        return STR_NONE;
    rest = str_from(path + len);
    while (rest.len && rest.ptr[0] == '/')
        rest = str_skip(rest, 1);
    return str_head(rest, str_find(rest, '/'));
}

bool quota_is_over(const char *path)
{
    bool is_over;
    str account;

    if (!atomic_load(&quota.any))
        return false;
    account = account_of(path);
    pthread_mutex_lock(&quota.mutex);
    is_over = account.len && json_object_getn(quota.over, account.ptr, account.len) != NULL;
    pthread_mutex_unlock(&quota.mutex);
    return is_over;
}

int quota_check(const char *path, struct err *err)
{
    return quota_is_over(path) ? err_set(err, ERR_LIMIT, "%s", QUOTA_TEXT) : 0;
}
