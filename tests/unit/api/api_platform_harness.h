/* A platform for the API that only pretends to run workers: builds succeed unless the code throws,
 * deployments are live at the next turn of the loop. */
#ifndef ATOLL_TESTS_API_PLATFORM_HARNESS_H
#define ATOLL_TESTS_API_PLATFORM_HARNESS_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

enum { HARNESS_TURNS_MAX = 10000, HARNESS_TEXT_MAX = 1 << 20 };

#define HARNESS_ADMIN "admin-token"
#define HARNESS_SCRIPTS "/client/v4/accounts/default/workers/scripts"

static struct {
    uv_loop_t loop;
    struct api *api;
    struct registry *registry;
    struct platform platform;
    char *directory;
    int port;
    bool stopped, hold;           /* hold: builds wait for harness_build_now() */
    int builds, deployed, deleted, routes, schedules, notices;
    json_t *built_version;        /* what the last build was asked for */
    json_t *built_secrets;
} harness;

struct harness_build {
    uv_timer_t timer;
    json_t *parts, *handlers;
    char *blob;
    size_t len;
    void (*on_done)(void *arg, const struct platform_build *build);
    void *arg;
};

static void harness_on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void harness_on_build(uv_timer_t *timer)
{
    struct harness_build *b = (struct harness_build *)timer;
    struct platform_build build = {.ok = true,
                                   .parts = b->parts,
                                   .blob = {b->blob, b->len},
                                   .handlers = b->handlers,
                                   .startup_ms = 1.5,
                                   .warnings = ""};

    if (harness.hold) {
        uv_timer_start(timer, harness_on_build, 1, 0);
        return;
    }
    if (memmem(b->blob, b->len, "throw", 5))
        build = (struct platform_build){.code = 10021,
                                        .error = "Uncaught Error: boom\n  at index.js:1:7"};
    b->on_done(b->arg, &build);
    json_decref(b->parts);
    json_decref(b->handlers);
    free(b->blob);
    uv_close((uv_handle_t *)timer, harness_on_closed);
}

static void harness_build(void *context, const struct platform_upload *upload,
                          void (*on_done)(void *arg, const struct platform_build *build), void *arg)
{
    struct harness_build *b = mem_new(struct harness_build);

    cr_expect_eq(context, &harness);
    cr_expect_gt(json_array_size(upload->modules), 0);
    harness.builds++;
    json_decref(harness.built_version);
    json_decref(harness.built_secrets);
    harness.built_version = json_deep_copy(upload->version);
    harness.built_secrets = json_deep_copy(upload->secrets);
    b->parts = json_pack("[{s:s, s:s, s:I}]", "name", "worker", "kind", "script", "bytes",
                         (json_int_t)upload->blob.len);
    b->handlers = json_pack("[s]", "fetch");
    b->blob = str_dup(upload->blob);
    b->len = upload->blob.len;
    b->on_done = on_done;
    b->arg = arg;
    uv_timer_init(&harness.loop, &b->timer);
    uv_timer_start(&b->timer, harness_on_build, 0, 0);
}

struct harness_deploy {
    uv_timer_t timer;
    void (*on_done)(void *arg);
    void *arg;
};

static void harness_on_deployed(uv_timer_t *timer)
{
    struct harness_deploy *d = (struct harness_deploy *)timer;

    d->on_done(d->arg);
    uv_close((uv_handle_t *)timer, harness_on_closed);
}

static void harness_deployed(void *context, int64_t script_id, void (*on_done)(void *arg),
                             void *arg)
{
    struct harness_deploy *d = mem_new(struct harness_deploy);

    (void)context, (void)script_id;
    harness.deployed++;
    d->on_done = on_done;
    d->arg = arg;
    uv_timer_init(&harness.loop, &d->timer);
    uv_timer_start(&d->timer, harness_on_deployed, 0, 0);
}

static void harness_deleted(void *context, int64_t script_id, const char *key)
{
    (void)context, (void)script_id, (void)key;
    harness.deleted++;
}

static void harness_published(void *context, const char *account, const char *bucket,
                              void (*on_done)(void *arg), void *arg)
{
    (void)context, (void)account, (void)bucket;
    on_done(arg);
}

static void harness_purged(void *context, json_t *purge)
{
    (void)context;
    json_decref(purge);
}

static void harness_routes_changed(void *context)
{
    (void)context;
    harness.routes++;
}

static void harness_schedules_changed(void *context)
{
    (void)context;
    harness.schedules++;
}

static void harness_tailing(void *context, int64_t script_id, const char *key, bool on)
{
    (void)context, (void)script_id, (void)key, (void)on;
}

static json_t *harness_status(void *context, int64_t script_id)
{
    (void)context, (void)script_id;
    return json_object();
}

static void harness_metrics(void *context, struct buf *out)
{
    (void)context;
    cr_assert_eq(buf_append(out, STR("atoll_up 1\n")), 0);
}

static bool harness_healthy(void *context, struct buf *out)
{
    (void)context, (void)out;
    return true;
}

static void harness_notice(void *context, json_t *notice)
{
    (void)context;
    harness.notices++;
    json_decref(notice);
}

#endif
