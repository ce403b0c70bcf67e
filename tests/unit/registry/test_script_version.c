/* registry/script_version: rows, contents, secrets, copies, how many are kept. */
#include "registry_harness.h"

#include <unistd.h>

TestSuite(script_version, .init = harness_make, .fini = harness_clean);

static int add(int64_t script, const char *text, const char *secrets, const char *parts,
               const char *modules, json_t **ret)
{
    struct script_version_contents contents = {str_from(parts), str_from(modules)};
    json_t *row = harness_json(text), *texts = secrets ? harness_json(secrets) : NULL;
    struct script_version_draft draft = {row, texts, parts ? &contents : NULL};
    int r = script_version_add(harness, script, &draft, ret, &err);

    json_decref(row);
    json_decref(texts);
    return r;
}

#define PART(name, bytes) "{'name': '" name "', 'kind': 'script', 'bytes': " #bytes "}"
#define MODULE(name, bytes) "{'name': '" name "', 'type': 'text/plain', 'bytes': " #bytes "}"

static const char two[] = "{'parts': [" PART("a", 3) ", " PART("b", 0) "], 'modules': ["
                          MODULE("x", 2) "], 'main_module': 'x', 'id': 'not this', 'number': 77}";

Test(script_version, keeps_rows_and_contents)
{
    int64_t script = harness_script("default", "a");
    json_t *made, *row;
    struct buf out;

    OK(add(script, two, NULL, "abc", "xy", &made));
    cr_expect_eq(number_of(made, "number"), 1);
    cr_expect_eq(number_of(made, "script_id"), script);
    cr_expect_eq(strlen(text_of(made, "id")), 36);
    cr_expect_eq(strlen(text_of(made, "etag")), 64);
    cr_expect_str_eq(text_of(made, "main_module"), "x");
    EXPECT_JSON(json_object_get(made, "handlers"), "[]");
    harness_reopen();
    OK(script_version_get(harness, script, text_of(made, "id"), &row, &err));
    cr_expect(json_equal(row, made));
    buf_init(&out, 100);
    OK(script_version_contents(harness, json_object_get(row, "parts"), &out, &err));
    OK(script_version_contents(harness, json_object_get(row, "modules"), &out, &err));
    cr_expect(str_equal(buf_str(&out), STR("abcxy")));
    buf_done(&out);
    buf_init(&out, 2);
    cr_expect_eq(script_version_contents(harness, json_object_get(row, "parts"), &out, &err),
                 ERR_LIMIT);
    buf_done(&out);
    json_decref(made);
    json_decref(row);
}

Test(script_version, refuses_what_does_not_fit)
{
    static const struct {
        const char *row, *secrets, *parts, *modules;
        int code;
        const char *part;
    } rows[] = {
        {"{'parts': [" PART("a", 3) "]}", NULL, "ab", "", ERR_INVALID, "shorter"},
        {"{'parts': [" PART("a", 3) "]}", NULL, "abcd", "", ERR_INVALID, "longer"},
        {"{'parts': [" PART("a", -1) "]}", NULL, "", "", ERR_INVALID, "shorter"},
        {"{'modules': [" MODULE("a", 1) "]}", NULL, "", "", ERR_INVALID, "shorter"},
        {"{'parts': [{'name': 'a', 'bytes': 1, 'hash': 'abc'}]}", NULL, NULL, NULL, ERR_NOT_FOUND,
         "upload"},
        {"{'parts': [{'name': 'a', 'bytes': 1}]}", NULL, NULL, NULL, ERR_NOT_FOUND, "upload"},
        {"{}", "{'A': 1}", "", "", ERR_INVALID, "\"A\""},
        {"{}", "{'': 'x'}", "", "", ERR_INVALID, "name"},
        {"{'bindings': [{'name': 'A', 'type': 'plain_text', 'text': 'x'}]}", "{'A': 'x'}", "", "",
         ERR_INVALID, "another binding"},
        {"{'bindings': [{'name': 'A', 'type': 'secret_text', 'text': 'x'}]}", NULL, "", "",
         ERR_INVALID, "no text"},
    };
    int64_t script = harness_script("default", "a");
    json_t *row;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        FAILS(add(script, rows[i].row, rows[i].secrets, rows[i].parts, rows[i].modules, &row),
              rows[i].code, rows[i].part);
    FAILS(script_version_latest(harness, script, &row, &err), ERR_NOT_FOUND, "no version");
    FAILS(add(script + 1, "{}", NULL, "", "", &row), ERR_NOT_FOUND, "number");
}

Test(script_version, keeps_secrets_out_of_sight)
{
    int64_t script = harness_script("default", "a");
    char *path = harness_path("registry.db-wal"), *text;
    json_t *row, *secrets;
    struct buf bytes;

    OK(add(script,
           "{'bindings': [{'name': 'A', 'type': 'secret_text', 'text': 'sesame-one'},"
           " {'name': 'V', 'type': 'plain_text', 'text': 'v'}]}",
           "{'A': 'sesame-one', 'B': 'sesame-two'}", "", "", &row));
    EXPECT_JSON(json_object_get(row, "bindings"),
                "[{'name': 'A', 'type': 'secret_text'}, {'name': 'V', 'type': 'plain_text', 'text':"
                " 'v'}, {'name': 'B', 'type': 'secret_text'}]");
    text = json_dumps(row, 0);
    cr_expect_not(strstr(text, "sesame"));
    OK(script_version_secrets(harness, text_of(row, "id"), &secrets, &err));
    EXPECT_JSON(secrets, "{'A': 'sesame-one', 'B': 'sesame-two'}");
    buf_init(&bytes, 16 << 20);
    OK(file_read(path, &bytes, &err));
    cr_expect(memmem(bytes.ptr, bytes.len, "plain_text", 10));
    cr_expect_not(memmem(bytes.ptr, bytes.len, "sesame", 6));
    buf_done(&bytes);
    free(path);
    free(text);
    json_decref(row);
    json_decref(secrets);
    OK(script_version_secrets(harness, "no such version", &secrets, &err));
    EXPECT_JSON(secrets, "{}");
    json_decref(secrets);
}

Test(script_version, is_copied_without_contents)
{
    int64_t script = harness_script("default", "a"), other = harness_script("default", "b");
    json_t *first, *second, *changed, *row;
    struct script_version_contents none = {STR_NONE, STR_NONE};

    OK(add(script, two, NULL, "abc", "xy", &first));
    changed = json_deep_copy(first);
    json_object_set_new(changed, "bindings",
                        harness_json("[{'name': 'N', 'type': 'json', 'json': 5}]"));
    OK(script_version_add(harness, script, &(struct script_version_draft){changed, NULL, NULL},
                          &second, &err));
    cr_expect_eq(number_of(second, "number"), 2);
    cr_expect_str_neq(text_of(second, "id"), text_of(first, "id"));
    cr_expect(json_equal(json_object_get(first, "parts"), json_object_get(second, "parts")));
    cr_expect_str_eq(text_of(first, "etag"), text_of(second, "etag"));
    cr_expect_eq(script_version_add(harness, script,
                                    &(struct script_version_draft){changed, NULL, &none}, &row,
                                    &err),
                 ERR_INVALID);
    FAILS(script_version_get(harness, other, text_of(first, "id"), &row, &err), ERR_NOT_FOUND,
          text_of(first, "id"));
    json_decref(first);
    json_decref(changed);
    OK(script_version_latest(harness, script, &first, &err));
    cr_expect(json_equal(first, second));
    json_decref(first);
    json_decref(second);
}

Test(script_version, tells_when_contents_are_gone)
{
    int64_t script = harness_script("default", "a");
    char *path, *blobs = harness_path("blobs");
    const char *hash;
    struct buf out;
    json_t *row;

    OK(add(script, two, NULL, "abc", "xy", &row));
    hash = text_of(json_array_get(json_object_get(row, "parts"), 0), "hash");
    cr_assert_gt(asprintf(&path, "%s/%.2s/%s", blobs, hash, hash), 0);
    buf_init(&out, 100);
    OK(file_write(path, STR("abd"), &err));
    FAILS(script_version_contents(harness, json_object_get(row, "parts"), &out, &err), ERR_IO,
          "damaged");
    cr_assert_eq(unlink(path), 0);
    FAILS(script_version_contents(harness, json_object_get(row, "parts"), &out, &err), ERR_IO,
          hash);
    cr_expect_eq(out.len, 0);
    buf_done(&out);
    json_decref(row);
    free(path);
    free(blobs);
}

Test(script_version, keeps_the_newest_and_those_deployed)
{
    int64_t script = harness_script("default", "a");
    char id[37], deployed[37];
    json_t *row, *rows, *deployment;

    OK(registry_begin(harness, &err));
    for (int i = 1; i <= SCRIPT_VERSIONS_MAX + 3; i++) {
        harness_version(script, "part", "module", i == 2 ? deployed : id);
        if (i != 2)
            continue;
        deployment = json_pack("{s:[{s:s, s:i}]}", "versions", "version_id", deployed, "percentage",
                               100);
        OK(deployment_add(harness, script, deployment, &row, &err));
        json_decref(row);
        json_decref(deployment);
    }
    OK(registry_end(harness, 0, &err));
    OK(script_version_list(harness, script, 0, 1000, &rows, &err));
    cr_expect_eq(json_array_size(rows), SCRIPT_VERSIONS_MAX + 1);
    cr_expect_eq(number_of(json_array_get(rows, 0), "number"), SCRIPT_VERSIONS_MAX + 3);
    cr_expect_eq(number_of(json_array_get(rows, SCRIPT_VERSIONS_MAX), "number"), 2);
    json_decref(rows);
    OK(script_version_list(harness, script, 1, 1, &rows, &err));
    cr_expect_eq(json_array_size(rows), 1);
    cr_expect_eq(number_of(json_array_get(rows, 0), "number"), SCRIPT_VERSIONS_MAX + 2);
    json_decref(rows);
}
