#include "bindings/quota.h"

#include <criterion/criterion.h>

static void tell(const char *json)
{
    json_t *frame = json_loads(json, 0, NULL);

    cr_assert(frame);
    quota_on_frame(frame);
    json_decref(frame);
}

Test(quota, nobody_is_over_before_it_is_told)
{
    struct err err = {0};

    quota_start("/data/storage");
    cr_expect_not(quota_is_over("/data/storage/default/kv/1"));
    cr_expect_eq(quota_check("/data/storage/default/kv/1", &err), 0);
    cr_expect_eq(err.code, 0);
}

Test(quota, is_told_by_the_path)
{
    static const struct {
        const char *path;
        bool is_over;
    } rows[] = {
        {"/data/storage/full/kv/1", true},
        {"/data/storage/full/r2/1/bodies", true},
        {"/data/storage/full", true},
        {"/data/storage//full/kv", true},
        {"/data/storage/fuller/kv/1", false},
        {"/data/storage/ful/kv/1", false},
        {"/data/storage/other/full/1", false},
        {"/data/storage/", false},
        {"/data/storage", false},
        {"/elsewhere/full/kv/1", false},
        {"", false},
    };
    struct err err = {0};

    quota_start("/data/storage");
    tell("{\"accounts\": [\"full\", \"another\"]}");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(quota_is_over(rows[i].path), rows[i].is_over, "%s", rows[i].path);
    cr_expect_eq(quota_check("/data/storage/full/kv/1", &err), ERR_LIMIT);
    cr_expect(strstr(err.text, "storage_bytes"));
}

Test(quota, is_replaced_by_what_is_told_next)
{
    quota_start("/s");
    tell("{\"accounts\": [\"a\"]}");
    tell("{\"accounts\": [\"b\"]}");
    cr_expect_not(quota_is_over("/s/a/kv/1"));
    cr_expect(quota_is_over("/s/b/kv/1"));
    tell("{\"accounts\": []}");
    cr_expect_not(quota_is_over("/s/b/kv/1"));
}

Test(quota, takes_any_frame)
{
    quota_start(NULL);
    tell("{\"accounts\": [\"a\", 1, null, {}, \"\"]}");
    cr_expect_not(quota_is_over("/s/a/kv/1"), "stores are nowhere");
    quota_start("/s");
    cr_expect(quota_is_over("/s/a/kv/1"));
    cr_expect_not(quota_is_over("/s//"));
    tell("{}");
    cr_expect_not(quota_is_over("/s/a/kv/1"));
    tell("{\"accounts\": 7}");
    cr_expect_not(quota_is_over("/s/a/kv/1"));
}
