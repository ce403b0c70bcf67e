/* What runs, running a scheduled event now, ending a quarantine. */
#include "api/call.h"
#include "api/tables.h"
#include "base/cron.h"
#include "base/member.h"
#include "base/moment.h"
#include "os/clock.h"
#include "registry/schedule.h"

enum { CODE_BAD_CRON = 10100 };

static void status(struct call *call)
{
    const struct platform *platform = call_platform(call);
    const json_t *script = call_script(call);

    if (script)
        call_ok(call, platform->status(platform->context, member_int(script, "id")));
}

static void server_status(struct call *call)
{
    const struct platform *platform = call_platform(call);

    call_ok(call, platform->status(platform->context, 0));
}

/* ---- scheduled() now ---- */

static void on_run(void *arg, const json_t *result)
{
    call_ok(arg, json_deep_copy(result));
}

/* The expression to say: the query's, else the worker's first, else every minute's. Returned
 * owned; NULL with `err`. */
static json_t *find_cron(struct call *call, const json_t *script, struct err *err)
{
    const char *asked = call_query(call, "cron");
    struct cron cron;
    json_t *rows, *found;

    if (asked)
        return cron_parse(str_from(asked), &cron, err) == 0 ? json_string(asked) : NULL;
    if (schedule_list(call_registry(call), member_int(script, "id"), &rows, err) < 0)
        return NULL;
    found = json_object_get(json_array_get(rows, 0), "cron");
    found = found ? json_incref(found) : json_string("* * * * *");
    json_decref(rows);
    return found;
}

/* ?cron=&time= */
static void run_now(struct call *call)
{
    const struct platform *platform = call_platform(call);
    const json_t *script = call_script(call);
    int64_t time_ms = clock_wall_ms();
    struct err err = {0};
    json_t *cron;

    if (!script)
        return;
    if (call_query(call, "time") &&
        moment_parse(str_from(call_query(call, "time")), &time_ms, &err) < 0) {
        call_fail_err(call, 0, &err);
        return;
    }
    cron = find_cron(call, script, &err);
    if (!cron) {
        call_fail_err(call, CODE_BAD_CRON, &err);
        return;
    }
    platform->run_scheduled(platform->context, member_int(script, "id"), json_string_value(cron),
                            time_ms, on_run, call);
    json_decref(cron);
}

/* ---- quarantine ---- */

static void release(struct call *call)
{
    const struct platform *platform = call_platform(call);
    const json_t *script = call_script(call);
    bool released;

    if (!script)
        return;
    released = platform->release(platform->context, member_int(script, "id"));
    call_ok(call, json_pack("{s:b}", "released", (int)released));
}

#define SCRIPT "/accounts/:account/workers/scripts/:script"

const struct call_route api_status_routes[] = {
    {"GET",  SCRIPT "/status",    "worker:read",  status,        NULL},
    {"POST", SCRIPT "/scheduled", "worker:write", run_now,       "worker.scheduled"},
    {"DELETE", SCRIPT "/quarantine", "worker:write", release,     "worker.release"},
    {"GET",  "/server/status",    "server:read",  server_status, NULL},
    {0},
};
