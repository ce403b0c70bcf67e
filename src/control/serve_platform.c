/* What the REST API needs of the running server: struct platform of api/platform.h. */
#include <stdlib.h>

#include "base/member.h"
#include "control/serve_private.h"
#include "control/upload.h"
#include "registry/script.h"

static json_t *script_of(struct serve *serve, int64_t script_id)
{
    json_t *script = NULL;
    struct err err;

    return script_get(serve->registry, script_id, &script, &err) == 0 ? script : NULL;
}

static const char *key_of(const json_t *script)
{
    return member_text(script, "key");
}

static void build(void *context, const struct platform_upload *upload,
                  void (*on_done)(void *arg, const struct platform_build *build), void *arg)
{
    struct serve *serve = context;
    const struct upload_request request = {.account = upload->account,
                                           .version = upload->version,
                                           .secrets = upload->secrets,
                                           .modules = upload->modules,
                                           .blob = upload->blob,
                                           .on_done = on_done,
                                           .arg = arg};

    upload_build(&serve->loop, serve->fleet, &request);
}

static void deployed(void *context, int64_t script_id, void (*on_done)(void *arg), void *arg)
{
    struct serve *serve = context;
    json_t *script = script_of(serve, script_id);

    if (script)
        fleet_keep(serve->fleet, key_of(script), serve_frame_kept(script));
    /* A key that is none ends with on_done as well. */
    fleet_deployed(serve->fleet, script ? key_of(script) : "", on_done, arg);
    json_decref(script);
}

/* There is none any more while the server ends. */
static void reload_schedules(struct serve *serve)
{
    if (serve->scheduler)
        scheduler_reload(serve->scheduler);
}

static void on_deleted(void *arg)
{
    (void)arg;
}

static void deleted(void *context, int64_t script_id, const char *key)
{
    struct serve *serve = context;

    (void)script_id;
    fleet_keep(serve->fleet, key, 0);
    fleet_trace(serve->fleet, key, false);
    fleet_deployed(serve->fleet, key, on_deleted, NULL);
    fleet_forget_hosts(serve->fleet);
    reload_schedules(serve);
}

static void routes_changed(void *context)
{
    struct serve *serve = context;

    fleet_forget_hosts(serve->fleet);
}

static void published(void *context, const char *account, const char *bucket,
                      void (*on_done)(void *arg), void *arg)
{
    struct serve *serve = context;
    char *key = serve_frame_bucket_key(account, bucket);

    fleet_forget_hosts(serve->fleet);
    fleet_deployed(serve->fleet, key, on_done, arg);
    free(key);
}

static void purged(void *context, json_t *purge)
{
    struct serve *serve = context;

    fleet_purge(serve->fleet, purge);
}

static void schedules_changed(void *context)
{
    struct serve *serve = context;

    reload_schedules(serve);
}

static void run_scheduled(void *context, int64_t script_id, const char *cron, int64_t time_ms,
                          void (*on_done)(void *arg, const json_t *result), void *arg)
{
    struct serve *serve = context;
    json_t *script = script_of(serve, script_id);

    fleet_event(serve->fleet, script ? key_of(script) : "",
                json_pack("{s:s, s:s, s:I}", "event", "scheduled", "cron", cron, "time_ms",
                          (json_int_t)time_ms),
                on_done, arg);
    json_decref(script);
}

static void tailing(void *context, int64_t script_id, const char *key, bool on)
{
    struct serve *serve = context;

    (void)script_id;
    fleet_trace(serve->fleet, key, on);
}

static json_t *status(void *context, int64_t script_id)
{
    struct serve *serve = context;
    json_t *script = script_id ? script_of(serve, script_id) : NULL;
    json_t *result = fleet_status(serve->fleet, script_id ? (script ? key_of(script) : "") : NULL);

    json_decref(script);
    return result;
}

static void metrics(void *context, struct buf *out)
{
    struct serve *serve = context;
    json_t *gauges = fleet_status(serve->fleet, NULL);

    collector_metrics(serve->collector, gauges, out);
    json_decref(gauges);
}

static bool healthy(void *context, struct buf *out)
{
    struct serve *serve = context;
    const char *reason = NULL;

    if (serve->state != SERVE_RUNNING)
        reason = "the server is stopping\n";
    else if (!fleet_accepting(serve->fleet))
        reason = "no runtime accepts connections\n";
    if (reason && buf_append(out, str_from(reason)) < 0)
        buf_clear(out);
    return !reason;
}

static const json_t *prices(void *context)
{
    struct serve *serve = context;

    return serve->config->prices;
}

static void notice(void *context, json_t *notice)
{
    struct serve *serve = context;

    journal_write(serve->journal, notice);
}

static bool release(void *context, int64_t script_id)
{
    struct serve *serve = context;
    json_t *script = script_of(serve, script_id);
    bool released = script && fleet_release(serve->fleet, key_of(script));

    json_decref(script);
    return released;
}

static char *s3_endpoint(void *context)
{
    return serve_s3_endpoint(context);
}

void serve_platform_init(struct serve *serve)
{
    serve->platform = (struct platform){
        .context = serve,
        .domain = serve->config->domain,
        .public_url = serve->public_url,
        .build = build,
        .deployed = deployed,
        .deleted = deleted,
        .routes_changed = routes_changed,
        .published = published,
        .purged = purged,
        .schedules_changed = schedules_changed,
        .run_scheduled = run_scheduled,
        .tailing = tailing,
        .status = status,
        .metrics = metrics,
        .healthy = healthy,
        .prices = prices,
        .release = release,
        .store = serve_storage_call,
        .storage_gone = serve_storage_sweep,
        .s3_endpoint = s3_endpoint,
        .storage_copy = serve_storage_copy,
        .notice = notice,
    };
}

void serve_platform_keep_all(struct serve *serve)
{
    json_t *ids = NULL, *id;
    struct err err;
    size_t i;

    if (script_list_kept(serve->registry, &ids, &err) < 0) {
        journal_say(serve->journal, JOURNAL_ERROR, "workers.unreadable", "s:s", "error", err.text);
        return;
    }
    json_array_foreach(ids, i, id) {
        json_t *script = script_of(serve, json_integer_value(id));

        if (script)
            fleet_keep(serve->fleet, key_of(script), serve_frame_kept(script));
        json_decref(script);
    }
    json_decref(ids);
}

struct cron_run {
    struct serve *serve;
    int64_t script_id;
    char *cron;
    int64_t time_ms;
};

static void on_cron_done(void *arg, const json_t *done)
{
    struct cron_run *run = arg;
    const char *outcome = member_text(done, "outcome");
    const char *error = member_text(done, "error");

    if (!outcome || strcmp(outcome, "ok") != 0)
        journal_say(run->serve->journal, JOURNAL_WARN, "cron.failed", "s:I, s:s, s:I, s:s, s:s*",
                    "script_id", (json_int_t)run->script_id, "cron", run->cron, "time_ms",
                    (json_int_t)run->time_ms, "outcome", outcome ? outcome : "unknown", "error",
                    error);
    free(run->cron);
    free(run);
}

void serve_platform_run_cron(void *context, int64_t script_id, const char *cron, int64_t time_ms)
{
    struct cron_run *run = mem_new(struct cron_run);

    run->serve = context;
    run->script_id = script_id;
    run->cron = str_dup(str_from(cron));
    run->time_ms = time_ms;
    run_scheduled(context, script_id, cron, time_ms, on_cron_done, run);
}
