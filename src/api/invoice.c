/* Invoices; see invoice.h.
 *
 * An amount is usage times price times a factor that brings it to millionths: a price per million
 * of anything is that without a factor. Products stay below 2^53 for whatever is worth charging. */
#include "api/invoice.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/member.h"

#define MICROS_MAX INT64_C(9000000000000000000)

struct item {
    const char *what, *counter, *price, *unit;
    double quantity;   /* of the unit, in one of the counter */
    double micros;     /* of the currency, for one of the counter at the price 1 */
};

static const struct item items[] = {
    {"requests", "requests",     "million_requests", "requests",   1,           1},
    {"cpu",      "cpu_us",       "million_cpu_ms",   "ms",         1e-3,        1e-3},
    {"memory",   "memory_mb_ms", "gb_s",             "GB-s",       1e-3 / 1024, 1e3 / 1024},
    {"class_a",  "class_a",      "million_class_a",  "operations", 1,           1},
    {"class_b",  "class_b",      "million_class_b",  "operations", 1,           1},
};

static const struct item *const requests = &items[0];

static int64_t micros_of(double amount)
{
    return amount < (double)MICROS_MAX ? llround(amount) : MICROS_MAX;
}

static int64_t sum(int64_t a, int64_t b)
{
    return a < MICROS_MAX - b ? a + b : MICROS_MAX;
}

static json_t *amount_json(int64_t micros)
{
    return json_sprintf("%" PRId64 ".%06" PRId64, micros / 1000000, micros % 1000000);
}

static json_t *due_json(int64_t micros)
{
    int64_t cents = (micros + 5000) / 10000;

    return json_sprintf("%" PRId64 ".%02" PRId64, cents / 100, cents % 100);
}

static double price_of(const json_t *prices, const struct item *item)
{
    double price = json_number_value(json_object_get(prices, item->price));

    return price > 0 ? price : 0;
}

static json_t *item_json(const struct item *item, int64_t used, double price, int64_t micros)
{
    return json_pack("{s:s, s:f, s:s, s:f, s:o}", "what", item->what, "quantity",
                     (double)used * item->quantity, "unit", item->unit, "price", price, "amount",
                     amount_json(micros));
}

/* Requests for a bucket are charged by what they did. */
static int64_t used_of(const json_t *row, const struct item *item)
{
    bool is_bucket = str_starts(member_str(row, "script"), STR("r2:"));

    return is_bucket && item == requests ? 0 : member_int(row, item->counter);
}

/* What one worker used; adds to the sums. Items with nothing in them are left out. */
static json_t *worker_json(const json_t *row, const json_t *prices, int64_t used_sums[],
                           int64_t micros_sums[])
{
    json_t *lines = json_array();
    int64_t total = 0;

    for (size_t i = 0; i < COUNT_OF(items); i++) {
        int64_t used = used_of(row, &items[i]);
        double price = price_of(prices, &items[i]);
        int64_t micros = micros_of((double)used * items[i].micros * price);
        if (used <= 0)
            continue;
        json_array_append_new(lines, item_json(&items[i], used, price, micros));
        used_sums[i] = sum(used_sums[i], used);
        micros_sums[i] = sum(micros_sums[i], micros);
        total = sum(total, micros);
    }
    return json_pack("{s:O?, s:o, s:o}", "script", json_object_get(row, "script"), "items", lines,
                     "amount", amount_json(total));
}

json_t *invoice_make(const json_t *usage, const json_t *prices)
{
    int64_t used[COUNT_OF(items)] = {0}, micros[COUNT_OF(items)] = {0}, total = 0;
    const char *currency = member_text(prices, "currency");
    json_t *workers = json_array(), *lines = json_array();
    size_t index;
    const json_t *row;

    json_array_foreach((json_t *)usage, index, row)
        json_array_append_new(workers, worker_json(row, prices, used, micros));
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        json_array_append_new(
            lines, item_json(&items[i], used[i], price_of(prices, &items[i]), micros[i]));
        total = sum(total, micros[i]);
    }
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "currency", currency ? currency : "EUR",
                     "prices", prices ? json_deep_copy(prices) : json_object(), "workers", workers,
                     "items", lines, "total", amount_json(total), "due", due_json(total));
}
