#include "remote/package_private.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct config config;
static struct package *package;

static void make(void)
{
    config = (struct config){.root = (char *)"/w", .main = (char *)"/w/src/index.js"};
    config.vars = json_object();
    config.compatibility_flags = json_array();
    config.build = json_object();
    config.deploy = json_object();
    config.bindings = json_array();
    package = mem_new(struct package);
    package->modules = json_array();
    buf_init(&package->blob, PACKAGE_BYTES_MAX);
}

static void clean(void)
{
    package_free(package);
    json_decref(config.vars);
    json_decref(config.compatibility_flags);
    json_decref(config.build);
    json_decref(config.deploy);
    json_decref(config.bindings);
}

TestSuite(package, .init = make, .fini = clean);

static void add(const char *name, const char *kind, const char *text)
{
    struct err err;

    cr_assert_eq(package_add(package, name, package_type_of(kind), str_from(text), &err), 0);
}

/* Checks a part of the metadata against JSON text. */
static void expect(const char *key, const char *want)
{
    json_t *value = json_loads(want, JSON_DECODE_ANY, NULL);
    char *got = json_dumps(json_object_get(package->metadata, key),
                           JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);

    cr_assert_not_null(value);
    cr_expect(json_equal(json_object_get(package->metadata, key), value), "%s: %s", key, got);
    free(got);
    json_decref(value);
}

static void describe(const struct package_request *request, bool classic)
{
    struct err err;

    cr_assert_eq(package_metadata_describe(package, request, classic, &err), 0, "%s", err.text);
}

Test(package, metadata_says_what_the_configuration_says)
{
    json_t *secrets = json_pack("{s:s}", "KEY", "hush"), *vars = json_pack("{s:s}", "A", "over");

    config.compatibility_date = (char *)"2026-04-01";
    json_array_append_new(config.compatibility_flags, json_string("flag"));
    json_object_set_new(config.vars, "A", json_string("text"));
    json_object_set_new(config.vars, "B", json_pack("[i]", 1));
    json_array_append_new(config.bindings, json_pack("{s:s, s:s}", "name", "AI", "type", "ai"));
    json_object_set_new(config.deploy, "secrets",
                        json_pack("{s:[s, s]}", "required", "KEY", "OLD"));
    json_object_set_new(config.deploy, "observability", json_pack("{s:b}", "enabled", 1));
    json_object_set_new(config.deploy, "unsafe",
                        json_pack("{s:{s:{s:i}}}", "metadata", "atoll", "min_instances", 2));
    add("index.js", "module", "x");
    describe(&(struct package_request){.config = &config,
                                       .vars = vars,
                                       .secrets = secrets,
                                       .message = "about",
                                       .tag = "v1"},
             false);
    expect("main_module", "\"index.js\"");
    expect("compatibility_date", "\"2026-04-01\"");
    expect("compatibility_flags", "[\"flag\"]");
    expect("keep_bindings", "[\"secret_text\", \"secret_key\"]");
    expect("observability", "{\"enabled\": true}");
    expect("atoll", "{\"min_instances\": 2}");
    expect("annotations", "{\"workers/message\": \"about\", \"workers/tag\": \"v1\"}");
    expect("bindings", "[{\"name\": \"A\", \"type\": \"plain_text\", \"text\": \"over\"},"
                       "{\"name\": \"B\", \"type\": \"json\", \"json\": [1]},"
                       "{\"name\": \"KEY\", \"type\": \"secret_text\", \"text\": \"hush\"},"
                       "{\"name\": \"OLD\", \"type\": \"inherit\"},"
                       "{\"name\": \"AI\", \"type\": \"ai\"}]");
    json_decref(secrets);
    json_decref(vars);
}

Test(package, nothing_is_said_of_what_is_not_there)
{
    add("index.js", "module", "x");
    describe(&(struct package_request){.config = &config}, false);
    cr_expect_null(json_object_get(package->metadata, "annotations"));
    cr_expect_null(json_object_get(package->metadata, "observability"));
    cr_expect_null(json_object_get(package->metadata, "compatibility_date"));
    cr_expect_null(package->triggers.crons);
    cr_expect_null(package->triggers.routes);
    cr_expect_null(package->triggers.domains);
    cr_expect(package->triggers.workers_dev);
    cr_expect_eq(package->triggers.previews, -1);
}

Test(package, a_script_has_its_files_as_bindings)
{
    add("worker.js", "classic", "x");
    add("a-1.wasm", "wasm", "w");
    add("b-2.txt", "text", "t");
    add("worker.js.map", "map", "{}");
    describe(&(struct package_request){.config = &config, .keep_vars = true}, true);
    expect("body_part", "\"worker.js\"");
    cr_expect_null(json_object_get(package->metadata, "main_module"));
    expect("keep_bindings", "[\"secret_text\", \"secret_key\", \"plain_text\", \"json\"]");
    expect("bindings",
           "[{\"name\": \"a-1.wasm\", \"type\": \"wasm_module\", \"part\": \"a-1.wasm\"},"
           "{\"name\": \"b-2.txt\", \"type\": \"text_blob\", \"part\": \"b-2.txt\"}]");
    cr_expect_eq(package_size(package), 3);
}

Test(package, routes_and_domains_are_told_apart)
{
    json_t *want = json_pack("[{s:s}, {s:s, s:s}]", "pattern", "a.test/*", "pattern", "b.test/*",
                             "zone_name", "test");

    json_object_set_new(config.deploy, "routes",
                        json_pack("[s, {s:s, s:s}, {s:s, s:b}]", "a.test/*", "pattern", "b.test/*",
                                  "zone_name", "test", "pattern", "c.test", "custom_domain", 1));
    json_object_set_new(config.deploy, "preview_urls", json_false());
    add("index.js", "module", "x");
    describe(&(struct package_request){.config = &config}, false);
    cr_expect(json_equal(package->triggers.routes, want));
    cr_expect_eq(json_array_size(package->triggers.domains), 1);
    cr_expect_str_eq(json_string_value(
                         json_object_get(json_array_get(package->triggers.domains, 0), "hostname")),
                     "c.test");
    cr_expect_not(package->triggers.workers_dev, "routes switch it off");
    cr_expect_eq(package->triggers.previews, 0);
    json_decref(want);
}

Test(package, migrations_are_those_behind_the_servers)
{
    static const struct {
        const char *tag, *want;
    } rows[] = {
        {NULL, "{\"new_tag\":\"v2\",\"steps\":[{\"new_classes\":[\"A\"]},"
               "{\"deleted_classes\":[]}]}"},
        {"v1", "{\"old_tag\":\"v1\",\"new_tag\":\"v2\",\"steps\":[{\"deleted_classes\":[]}]}"},
        {"v2", NULL},
        {"other", "{\"old_tag\":\"other\",\"new_tag\":\"v2\",\"steps\":[{\"new_classes\":[\"A\"]},"
                  "{\"deleted_classes\":[]}]}"},
    };

    package->migrations = json_loads("[{\"tag\":\"v1\",\"new_classes\":[\"A\"]},"
                                     "{\"tag\":\"v2\",\"deleted_classes\":[]}]",
                                     0, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_decref(package->metadata);
        package->metadata = json_object();
        package_metadata_migrate(package, rows[i].tag);
        if (rows[i].want)
            expect("migrations", rows[i].want);
        else
            cr_expect_eq(json_object_size(package->metadata), 0);
    }
}

Test(package, the_form_has_each_part)
{
    static const char *const wanted[] = {
        "Content-Disposition: form-data; name=\"metadata\"\r\n",
        "\r\n\r\n{\"a\":1}\r\n--",
        "name=\"in%22dex.js\"; filename=\"in%22dex.js\"\r\nContent-Type: "
        "application/javascript+module\r\n\r\ncode\r\n--",
        "Content-Type: application/octet-stream\r\n\r\n\r\n--",
    };
    char *type;
    struct buf body;
    struct err err;

    package->metadata = json_pack("{s:i}", "a", 1);
    add("in\"dex.js", "module", "code");
    add("empty.bin", "data", "");
    cr_assert_eq(package_form(package, &body, &type, &err), 0);
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        cr_expect_not_null(memmem(body.ptr, body.len, wanted[i], strlen(wanted[i])), "%s",
                           wanted[i]);
    cr_expect(str_starts(str_from(type), STR("multipart/form-data; boundary=")));
    cr_expect(str_ends(buf_str(&body), STR("--\r\n")));
    free(type);
    buf_done(&body);
}

Test(package, writes_no_file_above_the_directory)
{
    struct err err;

    add("../evil.js", "module", "x");
    cr_expect_eq(package_form_write(package, "/tmp", &err), ERR_INVALID);
}
