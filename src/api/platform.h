/* What the REST API needs of the running platform; the supervisor (control/serve.c) fills it in.
 *
 * Every function with an on_done calls it exactly once, later, from the loop, with the `arg` it was
 * given; what it gets is borrowed for the call unless said otherwise. */
#ifndef ATOLL_API_PLATFORM_H
#define ATOLL_API_PLATFORM_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"

/* What is to be built. All is borrowed for the call. */
struct platform_upload {
    const char *account;    /* whose uploads take turns; NULL: nobody's */
    const json_t *version;  /* the row to be: main_module, compatibility_*, limits, bindings */
    const json_t *secrets;  /* object of name to text */
    const json_t *modules;  /* array of {name, type, bytes} */
    str blob;               /* their contents */
};

/* What became of it. */
struct platform_build {
    bool ok;
    int code;             /* when not ok: the API's number, 10021 and its like */
    const char *error;    /* for a person, with "at index.js:L:C" lines where there are places */
    json_t *parts;        /* {name, kind, bytes} */
    str blob;             /* their contents */
    json_t *handlers;     /* names: "fetch", "scheduled" */
    double startup_ms;
    const char *warnings; /* lines; "" when there are none */
};

struct platform {
    void *context;
    const char *domain;     /* workers answer at <name>.<domain> */
    const char *public_url; /* "http://localhost:8787": scheme and port for addresses shown */

    /* Bundles modules and loads them once in a throw-away isolate. */
    void (*build)(void *context, const struct platform_upload *upload,
                  void (*on_done)(void *arg, const struct platform_build *build), void *arg);

    /* The script has a new deployment, other settings, or is gone. on_done when every runtime that
     * serves it has taken it up (or did not answer for 2 s). */
    void (*deployed)(void *context, int64_t script_id, void (*on_done)(void *arg), void *arg);
    void (*deleted)(void *context, int64_t script_id, const char *key);
    void (*routes_changed)(void *context);
    void (*schedules_changed)(void *context);

    /* Runs scheduled() now; on_done gets {outcome, error?}. */
    void (*run_scheduled)(void *context, int64_t script_id, const char *cron, int64_t time_ms,
                          void (*on_done)(void *arg, const json_t *result), void *arg);

    /* Somebody watches all of this worker's requests, or nobody does any more: api_on_tail() then
     * gets its events. */
    void (*tailing)(void *context, int64_t script_id, const char *key, bool on);

    /* What runs: {lane, quarantine (null, or {reason, until_ms, count}), isolates, processes};
     * script_id 0: of the server. Returned owned. */
    json_t *(*status)(void *context, int64_t script_id);

    /* Prometheus text (exposition format 0.0.4), appended. */
    void (*metrics)(void *context, struct buf *out);

    /* False, with the reason in `out`, while no runtime accepts connections. */
    bool (*healthy)(void *context, struct buf *out);

    /* Something an operator should know: a JSON object with `event`, `level` and what belongs to
     * it; taken. NULL: nobody listens. */
    void (*notice)(void *context, json_t *notice);

    /* {currency, million_requests, million_cpu_ms, gb_s ...}: prices of the configuration.
     * Borrowed. */
    const json_t *(*prices)(void *context);

    /* Ends a worker's quarantine. False when it is in none. */
    bool (*release)(void *context, int64_t script_id);
};

#endif
