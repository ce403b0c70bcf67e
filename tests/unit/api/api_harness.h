/* The API on a real socket, over a real registry, with the platform of
 * api_platform_harness.h. */
#ifndef ATOLL_TESTS_API_HARNESS_H
#define ATOLL_TESTS_API_HARNESS_H

#include "api_platform_harness.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/file.h"
#include "os/listen.h"
#include "registry/token.h"

/* ---- its life ---- */

static inline void harness_add_token(const char *account, const char *scopes, const char *secret)
{
    json_t *row = json_pack("{s:s?, s:s, s:[s]}", "account", account, "name", secret, "scopes",
                            scopes),
           *added;
    struct err err = {0};

    cr_assert_eq(token_add(harness.registry, row, secret, NULL, &added, &err), 0, "%s", err.text);
    json_decref(row);
    json_decref(added);
}

static void harness_listen(void)
{
    struct err err = {0};
    int fd;

    cr_assert_eq(listen_open("127.0.0.1", 0, &fd, &harness.port, &err), 0, "%s", err.text);
    harness.platform = (struct platform){.context = &harness,
                                         .domain = "localhost",
                                         .public_url = "http://localhost:8787",
                                         .build = harness_build,
                                         .deployed = harness_deployed,
                                         .deleted = harness_deleted,
                                         .routes_changed = harness_routes_changed,
                                         .published = harness_published,
                                         .purged = harness_purged,
                                         .schedules_changed = harness_schedules_changed,
                                         .tailing = harness_tailing,
                                         .status = harness_status,
                                         .metrics = harness_metrics,
                                         .healthy = harness_healthy,
                                         .notice = harness_notice};
    cr_assert_eq(api_start(&harness.loop, fd, harness.registry, &harness.platform, &harness.api,
                           &err),
                 0, "%s", err.text);
}

static void harness_start(void)
{
    struct err err = {0};

    memset(&harness, 0, sizeof harness);
    cr_assert_eq(uv_loop_init(&harness.loop), 0);
    cr_assert_eq(file_make_temporary(&harness.directory, &err), 0, "%s", err.text);
    cr_assert_eq(registry_open(harness.directory, &harness.registry, &err), 0, "%s", err.text);
    harness_listen();
    harness_add_token(NULL, "*:write", HARNESS_ADMIN);
}

/* Runs the loop until the condition holds. */
#define HARNESS_UNTIL(condition)                                                                   \
    do {                                                                                           \
        for (int turns = 0; !(condition); turns++) {                                               \
            cr_assert_lt(turns, HARNESS_TURNS_MAX, "waited for " #condition);                      \
            uv_run(&harness.loop, UV_RUN_NOWAIT);                                                  \
            usleep(300);                                                                           \
        }                                                                                          \
    } while (0)

static void harness_on_stopped(void *context)
{
    (void)context;
    harness.stopped = true;
}

static void harness_stop(void)
{
    harness.hold = false;
    api_stop(harness.api, harness_on_stopped, NULL);
    HARNESS_UNTIL(harness.stopped);
    uv_run(&harness.loop, UV_RUN_NOWAIT);
    registry_close(harness.registry);
    file_remove_tree(harness.directory);
    free(harness.directory);
    json_decref(harness.built_version);
    json_decref(harness.built_secrets);
}

#endif
