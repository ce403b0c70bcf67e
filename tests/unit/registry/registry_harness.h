/* A registry in a directory of its own, and rows in a few words, for unit tests of registry/. */
#ifndef ATOLL_TESTS_REGISTRY_HARNESS_H
#define ATOLL_TESTS_REGISTRY_HARNESS_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/file.h"
#include "os/path.h"
#include "registry/account.h"
#include "registry/deployment.h"
#include "registry/registry.h"
#include "registry/script.h"
#include "registry/script_version.h"

static char *harness_above;         /* a private directory */
static char *harness_directory;     /* in it, the registry's */
static struct registry *harness;
static struct err err;

static inline void harness_open(void)
{
    cr_assert_eq(registry_open(harness_directory, &harness, &err), 0, "%s", err.text);
}

static inline void harness_make(void)
{
    cr_assert_eq(file_make_temporary(&harness_above, &err), 0);
    harness_directory = path_join(str_from(harness_above), STR("data"));
    harness_open();
}

static inline void harness_clean(void)
{
    registry_close(harness);
    file_remove_tree(harness_above);
    free(harness_directory);
    free(harness_above);
}

static inline void harness_reopen(void)
{
    registry_close(harness);
    harness_open();
}

static inline char *harness_path(const char *name)
{
    return path_join(str_from(harness_directory), str_from(name));
}

/* JSON in which ' stands for ". Returned owned. */
static inline json_t *harness_json(const char *text)
{
    char *copy = str_dup(str_from(text)), *at;
    json_error_t error;
    json_t *value;

    for (at = copy; (at = strchr(at, '\'')); at++)
        *at = '"';
    value = json_loads(copy, JSON_DECODE_ANY, &error);
    cr_assert(value, "%s: %s", text, error.text);
    free(copy);
    return value;
}

static inline const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text ? text : "";
}

static inline int64_t number_of(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

/* The same JSON, whatever the order of its keys. `expected` as in harness_json(). */
#define EXPECT_JSON(value, expected)                                                               \
    do {                                                                                           \
        json_t *expected_ = harness_json(expected);                                                \
        char *is_ = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);                             \
        cr_expect(json_equal(value, expected_), "%s is not %s", is_, expected);                    \
        free(is_);                                                                                 \
        json_decref(expected_);                                                                    \
    } while (0)

#define OK(call) cr_assert_eq(call, 0, "%s", err.text)
#define FAILS(call, code, part)                                                                    \
    do {                                                                                           \
        err.text[0] = 0;                                                                           \
        cr_expect_eq(call, code, "%s", err.text);                                                  \
        cr_expect(strstr(err.text, part), "\"%s\" has no \"%s\"", err.text, part);                 \
    } while (0)

/* A worker; its number. */
static inline int64_t harness_script(const char *account, const char *name)
{
    json_t *row;
    int64_t id;

    OK(script_ensure(harness, account, name, &row, &err));
    id = number_of(row, "id");
    json_decref(row);
    return id;
}

/* A version of one part and one module; its id in ret[37]. */
static inline void harness_version(int64_t script, const char *part, const char *module, char *ret)
{
    struct script_version_contents contents = {str_from(part), str_from(module)};
    json_t *version,
        *row = json_pack("{s:s, s:[{s:s, s:s, s:I}], s:[{s:s, s:s, s:I}]}", "source", "test",
                         "parts", "name", "index.js", "kind", "script", "bytes",
                         (json_int_t)strlen(part), "modules", "name", "index.js", "type",
                         "application/javascript+module", "bytes", (json_int_t)strlen(module));

    OK(script_version_add(harness, script, &(struct script_version_draft){row, NULL, &contents},
                          &version, &err));
    snprintf(ret, 37, "%s", text_of(version, "id"));
    json_decref(version);
    json_decref(row);
}

#endif
