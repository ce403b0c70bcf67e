/* Events into JavaScript, under js/scheduled.js; see op_event.h. */
#include "runtime/op_event.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/hook.h"
#include "engine/value.h"
#include "os/clock.h"
#include "runtime/event.h"
#include "runtime/page.h"
#include "web/percent.h"

#define REJECTED "waitUntil() was given a promise that was rejected."

void op_event_dispatch(struct isolate *iso, struct exchange *x)
{
    JSContextRef ctx = isolate_context(iso);
    JSValueRef argv[] = {JSValueMakeNumber(ctx, x->id),
                         value_string(ctx, str_from(event_cron(x))),
                         JSValueMakeNumber(ctx, event_time_ms(x))};

    hook_call(iso, HOOK_SCHEDULED, COUNT_OF(argv), argv, NULL);
}

/* ---- by hand, with --dev ---- */

/* A parameter of the query, decoded (application/x-www-form-urlencoded) and appended to `out`. */
static void parameter(str query, str name, struct buf *out)
{
    while (query.len) {
        str pair = str_head(query, str_find(query, '&'));

        query = str_skip(query, pair.len + 1);
        if (pair.len <= name.len || !str_starts(pair, name) || pair.ptr[name.len] != '=')
            continue;
        ASSERT(percent_decode(str_skip(pair, name.len + 1), out) == 0);
        return;
    }
}

void op_event_trigger(struct isolate *iso, struct exchange *x)
{
    JSContextRef ctx = isolate_context(iso);
    str path = exchange_path(x), query = str_skip(path, str_find(path, '?') + 1);
    char digits[24] = "";
    struct buf cron, time;
    double time_ms;

    buf_init(&cron, HTTP_TARGET_BYTES_MAX);
    buf_init(&time, HTTP_TARGET_BYTES_MAX);
    parameter(query, STR("cron"), &cron);
    parameter(query, STR("time"), &time);
    for (size_t i = 0; i < cron.len; i++)
        if (cron.ptr[i] == '+')
            cron.ptr[i] = ' ';
    snprintf(digits, sizeof digits, "%.*s", STR_ARGS(buf_str(&time)));
    time_ms = time.len ? strtod(digits, NULL) : (double)clock_wall_ms();
    JSValueRef argv[] = {JSValueMakeNumber(ctx, x->id), value_string(ctx, buf_str(&cron)),
                         JSValueMakeNumber(ctx, time_ms)};
    buf_done(&cron);
    buf_done(&time);
    hook_call(iso, HOOK_SCHEDULED, COUNT_OF(argv), argv, NULL);
}

static void answer_trigger(struct exchange *x, bool ok)
{
    if (ok)
        exchange_answer(x, 200, STR("content-type: text/plain;charset=UTF-8\r\n"),
                        STR("Ran scheduled event\n"));
    else
        page_outcome(x, OUTCOME_EXCEPTION, NULL, STR(REJECTED));
}

/* ---- the end ---- */

/* op_event_done(event, ok): its handler and what it waited for are over. */
OP(op_event_done)
{
    struct exchange *x = exchange_find((int32_t)value_to_number(ctx, OP_ARG(0), 0));
    bool ok = JSValueToBoolean(ctx, OP_ARG(1));

    if (!x)
        return JSValueMakeUndefined(ctx);
    if (x->event) {
        if (!ok)
            exchange_set_outcome(x, OUTCOME_EXCEPTION);
        event_end(x, ok ? STR_NONE : STR(REJECTED));
    } else if (exchange_can_answer(x)) {
        answer_trigger(x, ok);
    }
    return JSValueMakeUndefined(ctx);
}

const struct op op_event_table[] = {{"op_event_done", op_event_done}, {0}};
