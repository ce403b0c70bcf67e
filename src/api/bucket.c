/* Buckets; see bucket.h. */
#include "api/bucket.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/member.h"
#include "registry/storage.h"

bool bucket_is_name(const char *name)
{
    str text = str_from(name);

    for (size_t i = 0; i < text.len; i++)
        if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) && name[i] != '-')
            return false;
    return text.len >= BUCKET_NAME_BYTES_MIN && text.len <= BUCKET_NAME_BYTES_MAX && *name != '-' &&
           name[text.len - 1] != '-';
}

static void on_nothing(void *arg)
{
    (void)arg;
}

void bucket_tell_users(const struct bucket_place *place, const char *name)
{
    const struct platform *platform = place->platform;
    struct err err = {0};
    json_t *users, *id;
    size_t i;

    if (storage_users(place->registry, place->account, name, &users, &err) < 0)
        return; /* they hear of it at their next deployment */
    json_array_foreach(users, i, id)
        platform->deployed(platform->context, json_integer_value(id), on_nothing, NULL);
    json_decref(users);
}

int bucket_create(const struct bucket_place *place, const char *name, json_t **ret, struct err *err)
{
    json_t *row;
    int r;

    if (!bucket_is_name(name))
        return err_set(err, ERR_INVALID, "the name of the bucket is not valid");
    row = json_pack("{s:s, s:s, s:s}", "account", place->account, "kind", "r2", "name", name);
    r = storage_add(place->registry, row, ret, err);
    json_decref(row);
    if (r == 0)
        bucket_tell_users(place, name);
    return r;
}

/* By its name, which is not its id. */
static int find(const struct bucket_place *place, const char *name, json_t **ret, struct err *err)
{
    int r = storage_get(place->registry, place->account, "r2", name, ret, err);

    if (r < 0 || strcmp(member_text(*ret, "name"), name) == 0)
        return r;
    json_decref(*ret);
    *ret = NULL;
    return err_set(err, ERR_NOT_FOUND, "there is no bucket %.100s", name);
}

/* ---- CORS ---- */

json_t *bucket_cors(const json_t *row)
{
    return json_object_get(json_object_get(json_object_get(row, "settings"), "cors"), "rules");
}

/* `number` tells one change from another: distribution_published(). */
int bucket_set_cors(const struct bucket_place *place, const char *name, const json_t *rules,
                    struct err *err)
{
    json_t *row, *settings, *cors;
    int r = find(place, name, &row, err);

    if (r < 0)
        return r;
    settings = json_object_get(row, "settings");
    cors = json_pack("{s:I, s:O*}", "number",
                     (json_int_t)member_int(json_object_get(settings, "cors"), "number") + 1,
                     "rules", rules);
    json_object_set_new(settings, "cors", cors);
    r = storage_set(place->registry, place->account, "r2", member_text(row, "id"), settings, err);
    json_decref(row);
    return r;
}

/* ---- deleting ---- */

struct farewell {
    const struct platform *platform;
    size_t waits;       /* workers that are being told, and ourselves */
};

/* Nobody is told any more that it is there: its data can go. */
static void on_told(void *arg)
{
    struct farewell *farewell = arg;

    if (--farewell->waits)
        return;
    farewell->platform->storage_gone(farewell->platform->context);
    free(farewell);
}

static void say_farewell(const struct platform *platform, const json_t *users)
{
    struct farewell *farewell = mem_new(struct farewell);
    json_t *id;
    size_t i;

    farewell->platform = platform;
    farewell->waits = json_array_size(users) + 1;
    json_array_foreach((json_t *)users, i, id)
        platform->deployed(platform->context, json_integer_value(id), on_told, farewell);
    on_told(farewell);
}

int bucket_delete(const struct bucket_place *place, const char *name, struct err *err)
{
    const struct platform *platform = place->platform;
    json_t *row = NULL, *users = NULL;
    int r = find(place, name, &row, err);

    if (r == 0 && (r = storage_users(place->registry, place->account, name, &users, err)) == 0)
        r = storage_delete(place->registry, place->account, "r2", member_text(row, "id"), err);
    if (r == 0) {
        platform->published(platform->context, place->account, name, on_nothing, NULL);
        say_farewell(platform, users);
    }
    json_decref(users);
    json_decref(row);
    return r;
}
