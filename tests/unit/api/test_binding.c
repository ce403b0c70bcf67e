/* api/binding: what a version keeps of what a client asks for. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/binding.h"
#include "os/file.h"
#include "registry/storage.h"

#define LATEST                                                                                     \
    "[{'name':'V','type':'plain_text','text':'old'},{'name':'S','type':'secret_text'},"            \
    "{'name':'J','type':'json','json':null},{'name':'M','type':'version_metadata'},"               \
    "{'name':'B','type':'text_blob','part':'b.txt'}]"

/* JSON with single quotes. */
static json_t *json(const char *text)
{
    char *copy = strdup(text);
    json_error_t error;
    json_t *value;

    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    value = json_loads(copy, JSON_DECODE_ANY, &error);
    cr_assert(value, "%s: %s", text, error.text);
    free(copy);
    return value;
}

static int code;
static struct err err;

/* "bindings secrets" of the set, with single quotes; returned owned. NULL for an error. */
static char *resolve(const char *wanted, const char *keep, bool is_script, bool complete)
{
    json_t *a = json(wanted), *b = json(keep), *c = json(LATEST), *d = json("{'S':'hush'}"),
           *e = json("[{'name':'b.txt'}]");
    struct binding_request request = {.wanted = a,
                                      .keep = b,
                                      .latest = c,
                                      .secrets = d,
                                      .modules = e,
                                      .is_script = is_script,
                                      .complete = complete,
                                      .by_name = complete};
    struct binding_set set;
    char *result = NULL, *bindings, *secrets;

    if (binding_resolve(&request, &set, &code, &err) == 0) {
        bindings = json_dumps(set.bindings, JSON_COMPACT);
        secrets = json_dumps(set.secrets, JSON_COMPACT);
        cr_assert_neq(asprintf(&result, "%s %s", bindings, secrets), -1);
        for (char *p = result; *p; p++)
            *p = *p == '"' ? '\'' : *p;
        free(bindings);
        free(secrets);
        binding_set_done(&set);
    }
    json_decref(a);
    json_decref(b);
    json_decref(c);
    json_decref(d);
    json_decref(e);
    return result;
}

static void expect(const char *wanted, const char *keep, bool complete, const char *set)
{
    char *found = resolve(wanted, keep, true, complete);

    cr_expect(found && strcmp(found, set) == 0, "%s: %s", wanted, found ? found : err.text);
    free(found);
}

#define KEPT "{'name':'S','type':'secret_text'}] {'S':'hush'}"

Test(binding, an_upload)
{
    expect("null", "null", false, "[" KEPT);
    expect("[]", "[]", false, "[" KEPT);
    expect("[{'name':'A','type':'plain_text','text':'x','other':1}]", "null", false,
           "[{'name':'A','type':'plain_text','text':'x'}," KEPT);
    expect("[{'name':'A','type':'json','json':[1]}]", "null", false,
           "[{'name':'A','type':'json','json':[1]}," KEPT);
    expect("[{'name':'A','type':'json','json':null}]", "null", false,
           "[{'name':'A','type':'json','json':null}," KEPT);
    expect("[{'name':'A','type':'version_metadata'}]", "null", false,
           "[{'name':'A','type':'version_metadata'}," KEPT);
    expect("[{'name':'A','type':'service','service':'b','entrypoint':'E','props':{'a':1},'x':2}]",
           "null", false,
           "[{'name':'A','type':'service','service':'b','entrypoint':'E','props':{'a':1}}," KEPT);
    expect("[{'name':'A','type':'wasm_module','part':'b.txt'}]", "null", false,
           "[{'name':'A','type':'wasm_module','part':'b.txt'}," KEPT);
    expect("[{'name':'S','type':'secret_text','text':'new'}]", "null", false,
           "[{'name':'S','type':'secret_text'}] {'S':'new'}");
    expect("[{'name':'S','type':'plain_text','text':'open'}]", "null", false,
           "[{'name':'S','type':'plain_text','text':'open'}] {}");
}

Test(binding, what_is_kept_and_inherited)
{
    expect("[]", "['plain_text','json','secret_key',7]", false,
           "[{'name':'V','type':'plain_text','text':'old'},{'name':'S','type':'secret_text'},"
           "{'name':'J','type':'json','json':null}] {'S':'hush'}");
    expect("[{'name':'V','type':'inherit'},{'name':'S','type':'inherit'}]", "null", false,
           "[{'name':'V','type':'plain_text','text':'old'}," KEPT);
    expect("[{'name':'T','type':'inherit','old_name':'S'}]", "null", true,
           "[{'name':'T','type':'secret_text'}] {'T':'hush'}");
    expect("[{'name':'M','type':'inherit'},{'name':'B','type':'inherit'},{'name':'J','type':"
           "'inherit'}]",
           "null", true,
           "[{'name':'M','type':'version_metadata'},{'name':'B','type':'text_blob','part':'b.txt'},"
           "{'name':'J','type':'json','json':null}] {}");
}

Test(binding, a_complete_list)
{
    expect("[]", "null", true, "[] {}");
    expect("[{'name':'S','type':'secret_text'}]", "null", true, "[" KEPT);
    expect("[{'name':'V','type':'plain_text'},{'name':'M','type':'version_metadata'}]", "null",
           true,
           "[{'name':'V','type':'plain_text','text':'old'},"
           "{'name':'M','type':'version_metadata'}] {}");
}

Test(binding, what_is_refused)
{
    static const struct {
        const char *wanted, *words;
        int code;
    } cases[] = {
        {"{}", "array", 10021},
        {"[{'name':'A','type':'service'}]", "needs \"service\"", 10021},
        {"[{'name':'A','type':'service','service':'b','props':[]}]", "must be an object", 10021},
        {"[{'name':'A','type':'service','service':'b','entrypoint':1}]", "must be a string", 10021},
        {"[7]", "\"name\"", 10021},
        {"[{'name':'A'}]", "\"type\"", 10021},
        {"[{'type':'json','json':1}]", "\"name\"", 10021},
        {"[{'name':'','type':'json','json':1}]", "1 to", 10021},
        {"[{'name':'a\\u0001','type':'json','json':1}]", "control", 10021},
        {"[{'name':'__proto__','type':'json','json':1}]", "__proto__", 10021},
        {"[{'name':'A','type':'json','json':1},{'name':'A','type':'json','json':1}]", "two", 10021},
        {"[{'name':'A','type':'json'}]", "needs \"json\"", 10021},
        {"[{'name':'A','type':'plain_text'}]", "needs \"text\"", 10021},
        {"[{'name':'A','type':'plain_text','text':7}]", "a string", 10021},
        {"[{'name':'S','type':'secret_text'}]", "needs \"text\"", 10021},
        {"[{'name':'KV','type':'kv_namespace'}]", "needs \"namespace_id\"", 10021},
        {"[{'name':'DB','type':'d1','id':7}]", "a string", 10021},
        {"[{'name':'DO','type':'durable_object_namespace'}]", "does not exist here", 10021},
        {"[{'name':'A','type':'wasm_module','part':'none.wasm'}]", "none.wasm", 10021},
        {"[{'name':'A','type':'inherit'}]", "inherit binding 'A' is invalid", 10057},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *found = resolve(cases[i].wanted, "null", true, false);
        cr_expect_null(found, "%s: %s", cases[i].wanted, found);
        cr_expect(strstr(err.text, cases[i].words), "%s: %s", cases[i].wanted, err.text);
        cr_expect_eq(code, cases[i].code);
        free(found);
    }
    cr_expect_null(
        resolve("[{'name':'A','type':'wasm_module','part':'b.txt'}]", "null", false, false));
}

/* ---- what is stored ---- */

static struct registry *registry;
static char *directory;

static void open_registry(void)
{
    cr_assert_eq(file_make_temporary(&directory, &err), 0, "%s", err.text);
    cr_assert_eq(registry_open(directory, &registry, &err), 0, "%s", err.text);
}

static void close_registry(void)
{
    registry_close(registry);
    file_remove_tree(directory);
    free(directory);
}

static int resolve_stored(const char *wanted, const char *latest, struct binding_set *set)
{
    json_t *a = json(wanted), *b = json(latest);
    struct binding_request request = {.wanted = a,
                                      .latest = b,
                                      .registry = registry,
                                      .account = "default"};
    int result = binding_resolve(&request, set, &code, &err);

    json_decref(a);
    json_decref(b);
    return result;
}

static void expect_stored(const char *wanted, const char *latest, const char *expected)
{
    struct binding_set set = {0};
    json_t *bindings = json(expected);

    cr_assert_eq(resolve_stored(wanted, latest, &set), 0, "%s: %s", wanted, err.text);
    cr_expect(json_equal(set.bindings, bindings), "%s", wanted);
    binding_set_done(&set);
    json_decref(bindings);
}

Test(binding, what_it_names_is_there, .init = open_registry, .fini = close_registry)
{
    json_t *kv = json("{'account':'default','kind':'kv','name':'cache','id':'k1'}"),
           *d1 = json("{'account':'default','kind':'d1','name':'main','id':'d1'}"), *row;
    struct binding_set set = {0};

    cr_assert_eq(storage_add(registry, kv, &row, &err), 0);
    json_decref(row);
    cr_assert_eq(storage_add(registry, d1, &row, &err), 0);
    json_decref(row);
    expect_stored("[{'name':'K','type':'kv_namespace','namespace_id':'k1'}]", "null",
                  "[{'name':'K','type':'kv_namespace','namespace_id':'k1'}]");
    expect_stored("[{'name':'D','type':'d1','database_id':'d1'},"
                  "{'name':'E','type':'d1','id':'main'}]",
                  "null",
                  "[{'name':'D','type':'d1','id':'d1'},{'name':'E','type':'d1','id':'d1'}]");
    expect_stored("[{'name':'K','type':'inherit'}]",
                  "[{'name':'K','type':'kv_namespace','namespace_id':'gone'}]",
                  "[{'name':'K','type':'kv_namespace','namespace_id':'gone'}]");
    cr_expect_eq(resolve_stored("[{'name':'K','type':'kv_namespace','namespace_id':'none'}]",
                                "null", &set),
                 ERR_INVALID);
    cr_expect(strstr(err.text, "\"K\"") && strstr(err.text, "\"none\"") &&
                  strstr(err.text, "kv namespace create"),
              "%s", err.text);
    cr_expect_eq(code, BINDING_CODE_INVALID);
    cr_expect_eq(resolve_stored("[{'name':'D','type':'d1','id':'k1'}]", "null", &set), ERR_INVALID);
    json_decref(kv);
    json_decref(d1);
}

static int resolve_many(size_t count, size_t bytes)
{
    json_t *wanted = json_array();
    struct binding_request request = {.wanted = wanted};
    char name[32], *text = mem_zeroed(bytes + 1);
    struct binding_set set = {0};
    int result;

    memset(text, 'x', bytes);
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "N%zu", i);
        json_array_append_new(wanted, json_pack("{s:s, s:s, s:s}", "name", name, "type",
                                                "secret_text", "text", text));
    }
    result = binding_resolve(&request, &set, &code, &err);
    binding_set_done(&set);
    json_decref(wanted);
    free(text);
    return result;
}

Test(binding, maxima)
{
    cr_expect_eq(resolve_many(BINDING_COUNT_MAX, 1), 0);
    cr_expect_eq(resolve_many(BINDING_COUNT_MAX + 1, 1), ERR_LIMIT);
    cr_expect_eq(resolve_many(1, BINDING_BYTES_MAX - 100), 0);
    cr_expect_eq(resolve_many(1, BINDING_BYTES_MAX), ERR_LIMIT);
}

Test(binding, changes_are_merged)
{
    json_t *latest = json(LATEST), *merged, *expected,
           *changes = json(
               "{'V':null,'S':{'type':'secret_text','text':'n'},'NEW':{'type':'json','json':1},"
               "'BAD':7}");

    merged = binding_merge(latest, changes);
    expected = json("[{'name':'J','type':'inherit'},{'name':'M','type':'inherit'},"
                    "{'name':'B','type':'inherit'},{'name':'S','type':'secret_text','text':'n'},"
                    "{'name':'NEW','type':'json','json':1},{'name':'BAD'}]");
    cr_expect(json_equal(merged, expected));
    json_decref(latest);
    json_decref(merged);
    json_decref(expected);
    json_decref(changes);
}
