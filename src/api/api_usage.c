/* What workers used: .../usage?from&to&step&script. */
#include "api/call.h"
#include "api/period.h"
#include "api/tables.h"
#include "base/member.h"
#include "registry/usage.h"

enum { ROWS_MAX = 10000 };

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS INT64_C(3600000)
#define DAY_MS INT64_C(86400000)

static const struct step {
    const char *name;
    int64_t ms;
} steps[] = {{"minute", MINUTE_MS}, {"hour", HOUR_MS}, {"day", DAY_MS}, {"total", 0}};

static const struct step *find_step(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        if (strcmp(steps[i].name, name) == 0)
            return &steps[i];
    }
    return NULL;
}

/* The step that is asked for; NULL after the call was answered. */
static const struct step *read_step(struct call *call, const struct period *period)
{
    const char *name = call_query(call, "step");
    const struct step *step = find_step(name ? name : "total");

    if (!step)
        call_fail(call, 400, 10001, "\"step\" is minute, hour, day or total.");
    else if (step->ms && (period->to_ms - period->from_ms) / step->ms > ROWS_MAX)
        call_fail(call, 400, 10001,
                  "That would be more than %d rows: take a longer step, or less "
                  "time.",
                  ROWS_MAX);
    else
        return step;
    return NULL;
}

static void set_time(json_t *row, const char *from, const char *to)
{
    int64_t ms = member_int(row, from);

    json_object_del(row, from);
    json_object_set_new(row, to, call_time(ms));
}

static void answer(struct call *call, const char *script)
{
    struct err err = {0};
    struct period period;
    const struct step *step;
    json_t *rows, *row;
    size_t index;

    if (!period_read(call, DAY_MS, &period) || !(step = read_step(call, &period)))
        return;
    struct usage_query query = {.account = call_account(call),
                                .script = script,
                                .from_ms = period.from_ms,
                                .to_ms = period.to_ms,
                                .step_ms = step->ms};
    if (usage_read(call_registry(call), &query, &rows, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    json_array_foreach(rows, index, row)
        set_time(row, "from_ms", "from");
    call_ok(call, json_pack("{s:o, s:o, s:s, s:o}", "from", call_time(period.from_ms), "to",
                            call_time(period.to_ms), "step", step->name, "rows", rows));
}

static void of_account(struct call *call)
{
    answer(call, call_query(call, "script"));
}

/* A deleted worker's usage stays, so its name is enough. */
static void of_script(struct call *call)
{
    answer(call, call_param(call, "script"));
}

const struct call_route api_usage_routes[] = {
    {"GET", "/accounts/:account/workers/usage",                 "usage:read", of_account, NULL},
    {"GET", "/accounts/:account/workers/scripts/:script/usage", "usage:read", of_script,  NULL},
    {0},
};
