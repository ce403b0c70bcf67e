/* api/invoice: usage times prices. */
#include <criterion/criterion.h>

#include "api/invoice.h"
#include "base/mem.h"

static json_t *make(const char *usage_text, const char *prices_text)
{
    json_t *usage = json_loads(usage_text, 0, NULL);
    json_t *prices = json_loads(prices_text, 0, NULL);
    json_t *invoice;

    cr_assert(usage && prices);
    invoice = invoice_make(usage, prices);
    json_decref(usage);
    json_decref(prices);
    return invoice;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

#define PRICES \
    "{\"currency\":\"EUR\",\"million_requests\":0.3,\"million_cpu_ms\":0.02,\"gb_s\":0.0125}"

static const struct {
    const char *usage, *prices, *total, *due;
} cases[] = {
    {"[]", PRICES, "0.000000", "0.00"},
    {"[{\"script\":\"a\"}]", PRICES, "0.000000", "0.00"},
    {"[{\"script\":\"a\",\"requests\":1000000}]", PRICES, "0.300000", "0.30"},
    {"[{\"script\":\"a\",\"requests\":1}]", "{\"million_requests\":0.4}", "0.000000", "0.00"},
    {"[{\"script\":\"a\",\"requests\":1}]", "{\"million_requests\":0.5}", "0.000001", "0.00"},
    {"[{\"script\":\"a\",\"requests\":50000}]", "{\"million_requests\":0.1}", "0.005000", "0.01"},
    {"[{\"script\":\"a\",\"requests\":49999}]", "{\"million_requests\":0.1}", "0.005000", "0.01"},
    {"[{\"script\":\"a\",\"cpu_us\":1000000000}]", PRICES, "0.020000", "0.02"},
    {"[{\"script\":\"a\",\"memory_mb_ms\":1024000}]", PRICES, "0.012500", "0.01"},
    {"[{\"script\":\"a\",\"memory_mb_ms\":131072000}]", PRICES, "1.600000", "1.60"},
    {"[{\"requests\":1000000,\"cpu_us\":1000000000,\"memory_mb_ms\":1024000},"
     "{\"requests\":2000000}]", PRICES, "0.932500", "0.93"},
    {"[{\"script\":\"r2:b\",\"requests\":1000000,\"class_a\":1000000,\"class_b\":2000000}]",
     "{\"million_requests\":7,\"million_class_a\":4.5,\"million_class_b\":0.36}",
     "5.220000", "5.22"},
    {"[{\"script\":\"r2-b\",\"requests\":1000000}]", "{\"million_requests\":7}",
     "7.000000", "7.00"},
    {"[{\"requests\":1000000}]", "{}", "0.000000", "0.00"},
    {"[{\"requests\":1000000}]", "{\"million_requests\":-1}", "0.000000", "0.00"},
    {"[{\"requests\":-5}]", PRICES, "0.000000", "0.00"},
    {"[{\"requests\":9223372036854775807},{\"requests\":9223372036854775807}]",
     "{\"million_requests\":1000}", "9000000000000.000000", "9000000000000.00"},
};

Test(invoice, totals)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *invoice = make(cases[i].usage, cases[i].prices);

        cr_expect_str_eq(text_of(invoice, "total"), cases[i].total, "%zu", i);
        cr_expect_str_eq(text_of(invoice, "due"), cases[i].due, "%zu", i);
        json_decref(invoice);
    }
}

/* What is shown adds up: each worker's amount is rounded, and the total is their sum. */
Test(invoice, sums_of_what_is_shown)
{
    json_t *invoice = make("[{\"script\":\"a\",\"requests\":1},{\"script\":\"b\",\"requests\":1}]",
                           "{\"million_requests\":0.5}");
    const json_t *workers = json_object_get(invoice, "workers");
    const json_t *line = json_array_get(json_object_get(invoice, "items"), 0);

    cr_expect_str_eq(text_of(json_array_get(workers, 0), "amount"), "0.000001");
    cr_expect_str_eq(text_of(json_array_get(workers, 1), "script"), "b");
    cr_expect_str_eq(text_of(line, "amount"), "0.000002");
    cr_expect_eq(json_number_value(json_object_get(line, "quantity")), 2);
    cr_expect_str_eq(text_of(invoice, "total"), "0.000002");
    json_decref(invoice);
}

Test(invoice, an_item_that_was_not_used_is_no_line)
{
    json_t *invoice = make("[{\"script\":\"a\",\"cpu_us\":1500}]", PRICES);
    const json_t *items = json_object_get(json_array_get(json_object_get(invoice, "workers"), 0),
                                          "items");

    cr_assert_eq(json_array_size(items), 1);
    cr_expect_str_eq(text_of(json_array_get(items, 0), "what"), "cpu");
    cr_expect_eq(json_number_value(json_object_get(json_array_get(items, 0), "quantity")), 1.5);
    cr_expect_eq(json_array_size(json_object_get(invoice, "items")), 5);
    json_decref(invoice);
}
