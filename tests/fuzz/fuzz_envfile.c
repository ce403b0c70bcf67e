/* .env files: what was set is read as set, what is removed is gone, the rest is not touched. Not of
 * interest are files with NULs, which no shell and no editor makes. */
#include "control/dotenv.h"
#include "remote/envfile.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct envfile_line lines[] = {{"A", "1"}, {"TOKEN", "atoll_x"}, {0}};

/* The text as control/dotenv.h reads it; NULL when it does not. */
static json_t *read(str text)
{
    json_t *into = json_object();
    struct err err;

    if (dotenv_parse(text, ".env", into, &err) == 0)
        return into;
    json_decref(into);
    return NULL;
}

static void check_values(str before, str after, bool is_set)
{
    json_t *old = read(before), *new = read(after);

    ASSERT(!old || new);
    if (old) {
        json_t *a = json_object_get(new, "A"), *token = json_object_get(new, "TOKEN");

        ASSERT(is_set ? !strcmp(json_string_value(a), "1") &&
                            !strcmp(json_string_value(token), "atoll_x")
                      : !a && !token);
        json_object_del(old, "A");
        json_object_del(old, "TOKEN");
        json_object_del(new, "A");
        json_object_del(new, "TOKEN");
        ASSERT(json_equal(old, new));
    }
    json_decref(old);
    json_decref(new);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    struct buf set, removed;
    struct err err;

    if (str_find(text, '\0') < size)
        return 0;
    buf_init(&set, ENVFILE_BYTES_MAX);
    buf_init(&removed, ENVFILE_BYTES_MAX);
    if (envfile_set(text, lines, &set, &err) == 0 &&
        envfile_remove(text, lines, &removed, &err) == 0) {
        check_values(text, buf_str(&set), true);
        check_values(text, buf_str(&removed), false);
    }
    envfile_is_ignored(text, ".env", false);
    buf_done(&set);
    buf_done(&removed);
    return 0;
}
