/* registry/deployment: percentages, order, how many are kept. */
#include "registry_harness.h"

TestSuite(deployment, .init = harness_make, .fini = harness_clean);

static int64_t script;
static char a[37], b[37], foreign[37];

static void make_versions(void)
{
    int64_t other = harness_script("default", "other");

    script = harness_script("default", "worker");
    harness_version(script, "part", "one", a);
    harness_version(script, "part", "two", b);
    harness_version(other, "part", "three", foreign);
}

/* A deployment whose text has A, B and F for the versions' ids. */
static int add(const char *text, json_t **ret)
{
    struct buf full;
    json_t *row;
    int r;

    buf_init(&full, 4096);
    for (const char *at = text; *at; at++) {
        const char *id = *at == 'A' ? a : *at == 'B' ? b : *at == 'F' ? foreign : NULL;

        OK(id ? buf_append(&full, str_from(id)) : buf_append_char(&full, *at));
    }
    OK(buf_append_char(&full, 0));
    row = harness_json(full.ptr);
    r = deployment_add(harness, script, row, ret, &err);
    json_decref(row);
    buf_done(&full);
    return r;
}

#define ONE(id, percent) "{'version_id': '" id "', 'percentage': " #percent "}"

Test(deployment, takes_one_or_two_versions)
{
    static const char *const rows[] = {
        "{'versions': [" ONE("A", 100) "]}",
        "{'versions': [" ONE("A", 10) ", " ONE("B", 90) "]}",
        "{'versions': [" ONE("A", 0.1) ", " ONE("B", 99.9) "], 'source': 'wrangler'}",
        "{'versions': [" ONE("A", 0) ", " ONE("B", 100) "], 'annotations': {'m': 'text'}}",
    };
    json_t *row, *current;

    make_versions();
    FAILS(deployment_current(harness, script, &row, &err), ERR_NOT_FOUND, "not deployed");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        OK(add(rows[i], &row));
        cr_expect_str_eq(text_of(row, "strategy"), "percentage");
        cr_expect_eq(number_of(row, "script_id"), script);
        cr_expect_eq(strlen(text_of(row, "id")), 36);
        cr_expect(json_is_object(json_object_get(row, "annotations")));
        OK(deployment_current(harness, script, &current, &err));
        cr_expect(json_equal(row, current));
        json_decref(row);
        json_decref(current);
    }
    OK(deployment_list(harness, script, 1, 2, &row, &err));
    cr_expect_eq(json_array_size(row), 2);
    cr_expect_str_eq(text_of(json_array_get(row, 0), "source"), "wrangler");
    json_decref(row);
}

Test(deployment, refuses_what_cannot_be)
{
    static const struct {
        const char *row;
        int code;
        const char *part;
    } rows[] = {
        {"{}", ERR_INVALID, "one or two"},
        {"{'versions': []}", ERR_INVALID, "one or two"},
        {"{'versions': [" ONE("A", 30) "," ONE("B", 30) "," ONE("A", 40) "]}", ERR_INVALID,
         "one or two"},
        {"{'versions': [" ONE("A", 99) "]}", ERR_INVALID, "make 100, not 99"},
        {"{'versions': [" ONE("A", 50) "," ONE("B", 51) "]}", ERR_INVALID, "not 101"},
        {"{'versions': [" ONE("A", -1) "," ONE("B", 101) "]}", ERR_INVALID, "from 0 to 100"},
        {"{'versions': [" ONE("A", 50) "," ONE("A", 50) "]}", ERR_INVALID, "the same"},
        {"{'versions': [" ONE("A", null) "]}", ERR_INVALID, "from 0 to 100"},
        {"{'versions': [{'percentage': 100}]}", ERR_INVALID, "version_id"},
        {"{'versions': [" ONE("F", 100) "]}", ERR_NOT_FOUND, "no version"},
        {"{'versions': [" ONE("", 100) "]}", ERR_NOT_FOUND, "no version"},
    };
    json_t *row;

    make_versions();
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        FAILS(add(rows[i].row, &row), rows[i].code, rows[i].part);
    FAILS(deployment_current(harness, script, &row, &err), ERR_NOT_FOUND, "not deployed");
}

Test(deployment, keeps_the_newest)
{
    json_t *row, *rows;
    char first[37] = "";

    make_versions();
    OK(registry_begin(harness, &err));
    for (int i = 0; i < DEPLOYMENT_ROWS_MAX + 2; i++) {
        OK(add("{'versions': [" ONE("A", 100) "]}", &row));
        if (i == 2)
            snprintf(first, sizeof first, "%s", text_of(row, "id"));
        json_decref(row);
    }
    OK(registry_end(harness, 0, &err));
    OK(deployment_list(harness, script, 0, 1000, &rows, &err));
    cr_expect_eq(json_array_size(rows), DEPLOYMENT_ROWS_MAX);
    cr_expect_str_eq(text_of(json_array_get(rows, DEPLOYMENT_ROWS_MAX - 1), "id"), first);
    json_decref(rows);
}
