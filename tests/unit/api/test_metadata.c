/* api/metadata and api/form: what is taken of an upload, and what it may ask for. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "api/form.h"
#include "api/metadata.h"

static struct err err;

/* JSON with single quotes. */
static json_t *json(const char *text)
{
    char *copy = strdup(text);
    json_t *value;

    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    value = json_loads(copy, 0, NULL);
    cr_assert(value, "%s", text);
    free(copy);
    return value;
}

static int read_text(const char *text, bool partial, struct metadata *ret)
{
    json_t *object = json(text);
    int result = metadata_read(object, partial, ret, &err);

    json_decref(object);
    return result;
}

static void expect_json(const json_t *found, const char *expected)
{
    json_t *wanted = json(expected);
    char *text = json_dumps(found, JSON_COMPACT);

    cr_expect(json_equal(found, wanted), "%s", text);
    free(text);
    json_decref(wanted);
}

Test(metadata, what_wrangler_sends)
{
    struct metadata m;

    cr_assert_eq(
        read_text("{'main_module':'index.js','bindings':[],'compatibility_date':'2026-01-31',"
                  "'compatibility_flags':['nodejs_compat'],'limits':{'cpu_ms':300000,'x':1},"
                  "'keep_bindings':['secret_text'],'observability':{'enabled':true},"
                  "'annotations':{'workers/tag':'t','workers/triggered_by':'me'},"
                  "'migrations':null,'exports':{},'containers':[],'placement':{},"
                  "'min_instances':2,'tail_consumers':null,'package_dependencies':[1]}",
                  false, &m),
        0, "%s", err.text);
    expect_json(m.fields, "{'main_module':'index.js','compatibility_date':'2026-01-31',"
                          "'compatibility_flags':['nodejs_compat'],'limits':{'cpu_ms':300000}}");
    expect_json(m.settings, "{'observability':{'enabled':true},'placement':{},"
                            "'tail_consumers':null,'min_instances':2}");
    expect_json(m.own_settings, "{'min_instances':2}");
    expect_json(m.annotations, "{'workers/tag':'t'}");
    expect_json(m.keep, "['secret_text']");
    cr_expect_not(m.is_script);
    metadata_done(&m);
}

Test(metadata, a_change_needs_nothing)
{
    struct metadata m;

    cr_assert_eq(read_text("{}", true, &m), 0);
    cr_expect_eq(json_object_size(m.fields), 0);
    cr_expect_null(m.bindings);
    metadata_done(&m);
    cr_expect_eq(read_text("{}", false, &m), ERR_INVALID);
    cr_expect_null(m.fields);
    cr_assert_eq(read_text("{'body_part':'script'}", false, &m), 0);
    cr_expect(m.is_script);
    metadata_done(&m);
}

Test(metadata, what_is_refused)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"{'compatibility_date':7}", "compatibility_date"},
        {"{'compatibility_date':'2026-13-01'}", "compatibility_date"},
        {"{'compatibility_date':'2026-01-32'}", "compatibility_date"},
        {"{'compatibility_date':'2026-01-3'}", "compatibility_date"},
        {"{'compatibility_date':'2026-01-311'}", "compatibility_date"},
        {"{'compatibility_flags':'x'}", "compatibility_flags"},
        {"{'compatibility_flags':['a',7]}", "Entry 2"},
        {"{'limits':7}", "limits"},
        {"{'limits':{'cpu_ms':1.5}}", "cpu_ms"},
        {"{'limits':{'cpu_ms':-1}}", "cpu_ms"},
        {"{'tags':{}}", "tags"},
        {"{'observability':[]}", "observability"},
        {"{'annotations':{'workers/tag':7}}", "workers/tag"},
        {"{'containers':[{}]}", "Containers"},
        {"{'exports':{'A':{}}}", "Durable Objects"},
    };
    struct metadata m;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_expect_eq(read_text(cases[i].text, true, &m), ERR_INVALID, "%s", cases[i].text);
        cr_expect(strstr(err.text, cases[i].words), "%s: %s", cases[i].text, err.text);
    }
}

Test(metadata, limits_come_from_the_operator)
{
    json_t *account = json("{'limits':{'memory_mb':256,'script_bytes':5}}"),
           *script = json("{'settings':{'limits':{'script_bytes':7}}}"),
           *asks = json("{'cpu_ms':300000,'memory_mb':256}"), *more = json("{'memory_mb':257}");

    cr_expect_eq(metadata_allowance("memory_mb", NULL, NULL), 128);
    cr_expect_eq(metadata_allowance("memory_mb", account, script), 256);
    cr_expect_eq(metadata_allowance("script_bytes", account, NULL), 5);
    cr_expect_eq(metadata_allowance("script_bytes", account, script), 7);
    cr_expect_eq(metadata_check_limits(asks, account, script, &err), 0);
    cr_expect_eq(metadata_check_limits(asks, NULL, NULL, &err), ERR_INVALID);
    cr_expect_eq(metadata_check_limits(more, account, script, &err), ERR_INVALID);
    cr_expect_eq(metadata_check_limits(NULL, NULL, NULL, &err), 0);
    json_decref(account);
    json_decref(script);
    json_decref(asks);
    json_decref(more);
}

#define PART(name, type, bytes)                                                                    \
    "--B\r\nContent-Disposition: form-data; name=\"" name "\"\r\nContent-Type: " type              \
    "\r\n\r\n" bytes "\r\n"

Test(metadata, forms_are_metadata_and_modules)
{
    struct form form;
    const json_t *module;

    cr_assert_eq(
        form_read(STR("multipart/form-data; boundary=B"),
                  STR(PART("./a.js", "Application/JavaScript+Module; charset=utf-8", "one")
                          PART("metadata", "application/json", "{\"main_module\":\"a.js\"}")
                              PART("b.txt", "text/plain", "") PART("c.bin", "", "\0x") "--B--"),
                  "metadata", &form, &err),
        0, "%s", err.text);
    cr_expect_eq(json_array_size(form.modules), 3);
    cr_expect(str_equal(buf_str(&form.blob), STR("one\0x")));
    module = form_module(form.modules, "a.js");
    cr_expect_str_eq(json_string_value(json_object_get(module, "type")),
                     "application/javascript+module");
    cr_expect_str_eq(json_string_value(json_object_get(module, "name")), "./a.js");
    cr_expect(form_module(form.modules, "././b.txt"));
    cr_expect_null(form_module(form.modules, "d"));
    form_done(&form);
}

Test(metadata, forms_that_are_refused)
{
    static const struct {
        const char *body, *words;
    } cases[] = {
        {PART("a.js", "text/plain", "x") "--B--", "needs a part \"metadata\""},
        {PART("metadata", "text/plain", "7") "--B--", "JSON"},
        {PART("metadata", "text/plain", "[]") "--B--", "object"},
        {PART("metadata", "text/plain", "{}") PART("metadata", "text/plain", "{}") "--B--", "two"},
        {PART("metadata", "text/plain", "{}") PART("a", "text/plain", "")
         PART("./a", "text/plain", "")
         "--B--", "two modules \"./a\""},
        {PART("metadata", "text/plain", "{}") PART("", "text/plain", "") "--B--", "no name"},
    };
    struct form form;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_expect_eq(form_read(STR("multipart/form-data; boundary=B"), str_from(cases[i].body),
                               "metadata", &form, &err),
                     ERR_INVALID, "%zu", i);
        cr_expect(strstr(err.text, cases[i].words), "%zu: %s", i, err.text);
        cr_expect_null(form.modules);
    }
}
