/* The log store of a worker: events that had log lines, exceptions or ended badly. */
#include "api/call.h"
#include "api/period.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/log_store.h"

enum { EVENTS_DEFAULT = 100, EVENTS_MAX = 1000 };

#define DAY_MS INT64_C(86400000)

static bool read_number(struct call *call, const char *name, uint64_t most, uint64_t *ret)
{
    str text = str_from(call_query(call, name));

    if (!text.len || str_to_u64(text, most, ret))
        return true;
    call_fail(call, 400, 10001, "\"%s\" is a number up to %llu.", name, (unsigned long long)most);
    return false;
}

/* ?from&to&outcome&search&before&limit, newest first. */
static void read_events(struct call *call)
{
    const json_t *script = call_script(call);
    const char *outcome = call_query(call, "outcome");
    uint64_t limit = EVENTS_DEFAULT, before = 0;
    struct err err = {0};
    struct period period;
    json_t *events;

    if (!script || !period_read(call, 30 * DAY_MS, &period) ||
        !read_number(call, "limit", EVENTS_MAX, &limit) ||
        !read_number(call, "before", INT64_MAX, &before))
        return;
    struct log_store_query query = {
        .key = member_text(script, "key"),
        .from_ms = period.from_ms,
        .to_ms = period.to_ms,
        .outcome = outcome && *outcome ? outcome : NULL,
        .search = call_query(call, "search"),
        .before = (int64_t)before,
        .limit = limit,
    };
    if (log_store_read(call_registry(call), &query, &events, &err) < 0)
        call_fail_err(call, 0, &err);
    else
        call_ok(call, events);
}

const struct call_route api_log_routes[] = {
    {"GET", "/accounts/:account/workers/scripts/:script/logs", "tail:read", read_events, NULL},
    {0},
};
