/* registry/audit: newest first, by account, page by page. */
#include "registry_harness.h"

#include "registry/audit.h"

TestSuite(audit, .init = harness_make, .fini = harness_clean);

static int add(const char *text)
{
    json_t *row = harness_json(text);
    int r = audit_add(harness, row, &err);

    json_decref(row);
    return r;
}

Test(audit, is_listed_newest_first)
{
    json_t *rows, *row;

    OK(add("{'account': 'a', 'actor': {'id': 't', 'name': 'n'}, 'address': '127.0.0.1', 'action': "
           "'worker.deploy', 'target': 'a/w', 'detail': {'version': 'v'}}"));
    OK(add("{'action': 'server.start'}"));
    OK(add("{'account': 'b', 'action': 'worker.delete'}"));
    OK(audit_list(harness, NULL, 0, 10, &rows, &err));
    cr_expect_eq(json_array_size(rows), 3);
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "action"), "worker.delete");
    row = json_array_get(rows, 2);
    EXPECT_JSON(json_object_get(row, "actor"), "{'id': 't', 'name': 'n'}");
    EXPECT_JSON(json_object_get(row, "detail"), "{'version': 'v'}");
    cr_expect_str_eq(text_of(row, "address"), "127.0.0.1");
    cr_expect_gt(number_of(row, "at_ms"), 0);
    row = json_array_get(rows, 1);
    cr_expect(json_is_null(json_object_get(row, "account")));
    EXPECT_JSON(json_object_get(row, "detail"), "{}");
    json_decref(rows);
    OK(audit_list(harness, "a", 0, 10, &rows, &err));
    cr_expect_eq(json_array_size(rows), 1);
    json_decref(rows);
    OK(audit_list(harness, NULL, 3, 1, &rows, &err));
    cr_expect_eq(json_array_size(rows), 1);
    cr_expect_eq(number_of(json_array_get(rows, 0), "id"), 2);
    json_decref(rows);
    FAILS(add("{}"), ERR_INVALID, "action");
}

Test(audit, forgets_the_oldest)
{
    json_t *rows, *row = harness_json("{'action': 'x'}");

    OK(registry_begin(harness, &err));
    for (int i = 0; i < AUDIT_ROWS_MAX + 5; i++)
        OK(audit_add(harness, row, &err));
    OK(registry_end(harness, 0, &err));
    OK(audit_list(harness, NULL, 7, 10, &rows, &err));
    cr_expect_eq(json_array_size(rows), 1);
    cr_expect_eq(number_of(json_array_get(rows, 0), "id"), 6);
    json_decref(rows);
    json_decref(row);
}
