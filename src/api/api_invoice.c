/* The invoice of an account for a month, or for any span of time. */
#include "api/call.h"
#include "api/invoice.h"
#include "api/period.h"
#include "api/tables.h"
#include "base/moment.h"
#include "registry/usage.h"

#define DAY_MS INT64_C(86400000)

/* ?month=2026-11, or ?from&to; this month's without either. */
static bool read_period(struct call *call, struct period *ret)
{
    const char *month = call_query(call, "month");
    struct err err = {0};
    char this_month[8];

    if (!period_read(call, 31 * DAY_MS, ret))
        return false;
    if (!month && (call_query(call, "from") || call_query(call, "to")))
        return true;
    if (!month) {
        moment_month(ret->to_ms, this_month);
        month = this_month;
    }
    if (moment_parse_month(str_from(month), &ret->from_ms, &ret->to_ms, &err) == 0)
        return true;
    call_fail_err(call, 0, &err);
    return false;
}

static void get(struct call *call)
{
    const struct platform *platform = call_platform(call);
    struct err err = {0};
    struct period period;
    json_t *rows, *invoice;

    if (!read_period(call, &period))
        return;
    struct usage_query query = {.account = call_account(call),
                                .from_ms = period.from_ms,
                                .to_ms = period.to_ms};
    if (usage_read(call_registry(call), &query, &rows, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    invoice = invoice_make(rows, platform->prices(platform->context));
    json_decref(rows);
    json_object_set_new(invoice, "account", json_string(call_account(call)));
    json_object_set_new(invoice, "from", call_time(period.from_ms));
    json_object_set_new(invoice, "to", call_time(period.to_ms));
    call_ok(call, invoice);
}

const struct call_route api_invoice_routes[] = {
    {"GET", "/accounts/:account/billing/invoice", "usage:read", get, NULL},
    {0},
};
