/* Cron triggers of a worker: .../scripts/:script/schedules, as a whole. */
#include "api/call.h"
#include "api/tables.h"
#include "base/cron.h"
#include "base/member.h"
#include "registry/schedule.h"

enum { SCHEDULES_MAX = 250, CODE_BAD_CRON = 10100 };

/* {schedules: [{cron, created_on, modified_on}]} of rows (taken). */
static json_t *schedules_json(json_t *rows)
{
    json_t *result = json_array();
    size_t index;
    const json_t *row;

    json_array_foreach(rows, index, row)
        json_array_append_new(result,
                              json_pack("{s:s, s:o, s:o}", "cron", member_text(row, "cron"),
                                        "created_on", call_time(member_int(row, "created_ms")),
                                        "modified_on", call_time(member_int(row, "modified_ms"))));
    json_decref(rows);
    return json_pack("{s:o}", "schedules", result);
}

static void list(struct call *call)
{
    const json_t *script = call_script(call);
    struct err err = {0};
    json_t *rows;

    if (!script)
        return;
    if (schedule_list(call_registry(call), member_int(script, "id"), &rows, &err) < 0)
        call_fail_err(call, 0, &err);
    else
        call_ok(call, schedules_json(rows));
}

static bool has(const json_t *crons, const char *text)
{
    size_t index;
    const json_t *item;

    json_array_foreach((json_t *)crons, index, item) {
        if (strcmp(json_string_value(item), text) == 0)
            return true;
    }
    return false;
}

static int check_cron(const json_t *item, struct err *err)
{
    const char *text = member_text(item, "cron");
    struct cron cron;
    struct err why = {0};

    if (!text)
        return err_set(err, ERR_INVALID, "A schedule is an object {\"cron\": \"*/5 * * * *\"}.");
    if (cron_parse(str_from(text), &cron, &why) < 0)
        return err_set(err, ERR_INVALID, "The cron expression \"%.300s\" is not valid: %s", text,
                       why.text);
    return 0;
}

/* Texts of what was sent, each once. Returned owned; NULL with `err`. */
static json_t *read_crons(const json_t *body, struct err *err)
{
    const json_t *items = json_is_object(body) ? json_object_get(body, "schedules") : body;
    json_t *crons = json_array();
    size_t index;
    const json_t *item;
    int r = 0;

    if (!json_is_array(items))
        r = err_set(err, ERR_INVALID, "The body is an array like [{\"cron\": \"*/5 * * * *\"}].");
    else if (json_array_size(items) > SCHEDULES_MAX)
        r = err_set(err, ERR_LIMIT, "A worker has at most %d cron triggers.", SCHEDULES_MAX);
    json_array_foreach((json_t *)items, index, item) {
        if (r == 0)
            r = check_cron(item, err);
        if (r == 0 && !has(crons, member_text(item, "cron")))
            json_array_append(crons, json_object_get(item, "cron"));
    }
    if (r == 0)
        return crons;
    json_decref(crons);
    return NULL;
}

static void replace(struct call *call)
{
    const json_t *script = call_script(call);
    const json_t *body = script ? call_json(call) : NULL;
    struct err err = {0};
    json_t *crons, *rows;

    if (!body)
        return;
    crons = read_crons(body, &err);
    if (!crons) {
        call_fail_err(call, CODE_BAD_CRON, &err);
        return;
    }
    call_audit(call, NULL, json_pack("{s:O}", "crons", crons));
    if (schedule_replace(call_registry(call), member_int(script, "id"), crons, &rows, &err) < 0) {
        call_fail_err(call, 0, &err);
    } else {
        call_platform(call)->schedules_changed(call_platform(call)->context);
        call_ok(call, schedules_json(rows));
    }
    json_decref(crons);
}

#define SCHEDULES "/accounts/:account/workers/scripts/:script/schedules"

const struct call_route api_schedule_routes[] = {
    {"GET", SCHEDULES, "worker:read",  list,    NULL},
    {"PUT", SCHEDULES, "worker:write", replace, "schedule.replace"},
    {0},
};
