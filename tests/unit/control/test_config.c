#include "control/config.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "os/file.h"
#include "os/path.h"

static char *directory;

static void put(const char *name, const char *text)
{
    char *path = path_join(str_from(directory), str_from(name));
    char *parent = path_directory(str_from(path));
    struct err err;

    cr_assert_eq(file_make_directories(parent, &err), 0);
    cr_assert_eq(file_write(path, str_from(text), &err), 0);
    free(parent);
    free(path);
}

static void make(void)
{
    struct err err;

    cr_assert_eq(file_make_temporary(&directory, &err), 0);
    put("src/index.js", "");
}

static void clean(void)
{
    file_remove_tree(directory);
    free(directory);
}

TestSuite(config, .init = make, .fini = clean);

static struct config *read_ok(const char *name, const char *environment)
{
    char *path = path_join(str_from(directory), str_from(name));
    struct config *config = NULL;
    struct err err = {0};

    struct config_request request = {path, environment, NULL, true};

    cr_assert_eq(config_read(&request, &config, &err), 0, "%s", err.text);
    free(path);
    return config;
}

Test(config, has_what_the_file_says)
{
    struct config *config;

    put("wrangler.json", "{\"name\":\"w-1_x\",\"main\":\"src/index.js\",\"vars\":{\"A\":[1]},"
                         "\"compatibility_date\":\"2026-01-31\","
                         "\"compatibility_flags\":[\"f\"],\"limits\":{\"cpu_ms\":50},"
                         "\"minify\":true,\"routes\":[],\"typo\":1}");
    config = read_ok("", NULL);
    cr_expect_str_eq(config->name, "w-1_x");
    cr_expect(str_ends(str_from(config->main), STR("/src/index.js")));
    cr_expect_str_eq(config->root, directory);
    cr_expect_eq(config->cpu_ms, 50);
    cr_expect_str_eq(config->compatibility_date, "2026-01-31");
    cr_expect_eq(json_array_size(config->compatibility_flags), 1);
    cr_expect(json_is_true(json_object_get(config->build, "minify")));
    cr_expect_eq(json_array_size(config->warnings), 1);
    cr_expect_eq(json_object_size(config->vars), 1);
    config_unref(config);
}

Test(config, has_defaults)
{
    struct config *config;
    char *name;

    put("wrangler.jsonc", "{\"main\":\"src/index.js\"}");
    config = read_ok("", NULL);
    name = str_dup(path_file_name(str_from(directory)));
    for (char *c = name; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
    cr_expect_str_eq(config->name, name);
    cr_expect_eq(config->cpu_ms, CONFIG_CPU_MS_DEFAULT);
    cr_expect_null(config->compatibility_date);
    cr_expect_eq(json_object_size(config->vars), 0);
    free(name);
    config_unref(config);
}

Test(config, environments_replace_inherit_and_repeat)
{
    struct config *config;

    put("src/other.js", "");
    put(".dev.vars", "S=plain\n");
    put(".dev.vars.e", "S=own\n");
    put("wrangler.json",
        "{\"name\":\"w\",\"main\":\"src/index.js\",\"minify\":true,\"vars\":{\"A\":1},"
        "\"define\":{\"D\":\"1\"},\"alias\":{\"a\":\"b\"},\"env\":{"
        "\"e\":{\"main\":\"src/other.js\",\"minify\":false,\"vars\":{\"B\":2}},"
        "\"f\":{\"name\":\"own\"}}}");
    config = read_ok("", "e");
    cr_expect_str_eq(config->name, "w-e");
    cr_expect(str_ends(str_from(config->main), STR("other.js")));
    cr_expect(json_is_false(json_object_get(config->build, "minify")));
    cr_expect_null(json_object_get(config->build, "define"));
    cr_expect_not_null(json_object_get(config->build, "alias"));
    cr_expect_null(json_object_get(config->vars, "A"));
    cr_expect_str_eq(json_string_value(json_object_get(config->vars, "S")), "own");
    config_unref(config);
    config = read_ok("", "f");
    cr_expect_str_eq(config->name, "own");
    cr_expect(json_is_true(json_object_get(config->build, "minify")));
    cr_expect_str_eq(json_string_value(json_object_get(config->vars, "S")), "plain");
    config_unref(config);
}

Test(config, bindings_are_in_the_shapes_of_an_upload)
{
    struct config *config;
    json_t *want;

    put("wrangler.json",
        "{\"name\":\"w\",\"main\":\"src/"
        "index.js\",\"kv_namespaces\":[{\"binding\":\"KV\",\"id\":\"1\","
        "\"preview_id\":\"2\"}],\"queues\":{\"producers\":[{\"binding\":\"Q\",\"queue\":\"q\"}]},"
        "\"durable_objects\":{\"bindings\":[{\"name\":\"D\",\"class_name\":\"C\"}]},"
        "\"version_metadata\":{\"binding\":\"V\"},\"assets\":{\"binding\":\"ASSETS\"},"
        "\"unsafe\":{\"bindings\":[{\"name\":\"U\",\"type\":\"u\",\"x\":1}]},"
        "\"env\":{\"e\":{\"kv_namespaces\":[]}}}");
    config = read_ok("", NULL);
    want = json_loads("[{\"name\":\"KV\",\"type\":\"kv_namespace\",\"namespace_id\":\"1\"},"
                      "{\"name\":\"Q\",\"type\":\"queue\",\"queue_name\":\"q\"},"
                      "{\"name\":\"D\",\"type\":\"durable_object_namespace\",\"class_name\":\"C\"},"
                      "{\"name\":\"V\",\"type\":\"version_metadata\"},"
                      "{\"name\":\"U\",\"type\":\"u\",\"x\":1},"
                      "{\"name\":\"ASSETS\",\"type\":\"assets\"}]",
                      0, NULL);
    cr_expect(json_equal(config->bindings, want));
    json_decref(want);
    config_unref(config);
    config = read_ok("", "e");
    cr_expect_eq(json_array_size(config->bindings), 1, "an environment inherits assets only");
    config_unref(config);
}

Test(config, routes_of_an_environment_hide_those_of_the_top)
{
    struct config *config;

    put("wrangler.json",
        "{\"name\":\"w\",\"main\":\"src/index.js\",\"routes\":[\"a.test/*\",\"b.test/*\"],"
        "\"triggers\":{\"crons\":[\"* * * * *\"]},\"account_id\":\"acme\",\"workers_dev\":true,"
        "\"env\":{\"e\":{\"route\":{\"pattern\":\"c.test\",\"custom_domain\":true}},"
        "\"f\":{\"workers_dev\":false}}}");
    config = read_ok("", "e");
    cr_expect_eq(json_array_size(json_object_get(config->deploy, "routes")), 1);
    cr_expect_str_eq(config->environment, "e");
    config_unref(config);
    config = read_ok("", "f");
    cr_expect_eq(json_array_size(json_object_get(config->deploy, "routes")), 2);
    cr_expect(json_is_false(json_object_get(config->deploy, "workers_dev")));
    cr_expect_str_eq(json_string_value(json_object_get(config->deploy, "account_id")), "acme");
    cr_expect_eq(json_object_size(json_object_get(config->deploy, "triggers")), 1);
    config_unref(config);
}

#define RATELIMIT(limit, period)                                                                   \
    "\"ratelimits\":[{\"name\":\"R\",\"namespace_id\":\"1\","                                      \
    "\"simple\":{\"limit\":" limit ",\"period\":" period "}}]"

Test(config, refuses_what_a_server_would)
{
    static const char *const bad[] = {
        "\"routes\":[\"\"]",
        "\"routes\":[1]",
        "\"routes\":[{\"pattern\":\"a/*\",\"custom_domain\":true}]",
        "\"routes\":[{\"pattern\":\"a/*\",\"zone_name\":1}]",
        "\"routes\":[],\"route\":\"a/*\"",
        "\"route\":7",
        "\"triggers\":{\"crons\":\"* * * * *\"}",
        "\"triggers\":{\"crons\":[\"61 * * * *\"]}",
        "\"triggers\":{\"crons\":[1]}",
        "\"tail_consumers\":[\"x\"]",
        "\"workers_dev\":\"yes\"",
        "\"kv_namespaces\":{}",
        "\"kv_namespaces\":[{}]",
        "\"ratelimits\":[{\"name\":\"R\",\"namespace_id\":\"1\"}]",
        "\"ratelimits\":[{\"name\":\"R\",\"simple\":{\"limit\":1,\"period\":10}}]",
        RATELIMIT("0", "10"),
        RATELIMIT("1000001", "60"),
        RATELIMIT("\"1\"", "60"),
        RATELIMIT("1", "30"),
        "\"unsafe\":{\"bindings\":[{\"type\":\"ratelimit\"}]}",
        "\"queues\":[]",
        "\"build\":{\"command\":1}",
        "\"build\":{\"command\":\"true\",\"cwd\":1}",
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char text[400], *path = path_join(str_from(directory), STR("wrangler.json"));
        struct config_request request = {path, NULL, NULL, false};
        struct config *config;
        struct err err = {0};

        snprintf(text, sizeof text, "{\"name\":\"w\",\"main\":\"src/index.js\",%s}", bad[i]);
        put("wrangler.json", text);
        cr_expect_eq(config_read(&request, &config, &err), ERR_INVALID, "%s", bad[i]);
        cr_expect_not_null(strstr(err.text, "wrangler.json:1:"), "%s", err.text);
        free(path);
    }
}

Test(config, a_script_is_named_after_itself_or_its_directory)
{
    static const char *const cases[][2] = {
        {"My Thing.v2.ts", "my-thing-v2"}, {"proj/index.js", "proj"},
        {"proj/src/index.mjs", "proj"},
        {"proj/src/worker.ts", "proj"},    {"deep/-x-.js", "x-"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config *config;

        put(cases[i][0], "");
        config = read_ok(cases[i][0], NULL);
        cr_expect_str_eq(config->name, cases[i][1]);
        cr_expect_null(config->file);
        config_unref(config);
    }
}

Test(config, names)
{
    static const struct {
        const char *name;
        bool good;
    } cases[] = {
        {"a", true},    {"a-b_c9", true}, {"_a", true}, {"9", true}, {"", false},
        {"-a", false},  {"A", false},     {"a.b", false}, {"a b", false}, {"\xc3\xa9", false},
        {"0123456789012345678901234567890123456789012345678901234567890ab", true},
        {"0123456789012345678901234567890123456789012345678901234567890abc", false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect_eq(config_is_name(str_from(cases[i].name)), cases[i].good, "%s", cases[i].name);
}
