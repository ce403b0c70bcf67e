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

/* A call for what is in a store, in the words of its kind (bindings/storage_call.h). All is
 * borrowed for the call. */
struct platform_store {
    const char *kind;       /* type of a binding: "kv_namespace" */
    const char *store;      /* registry/storage.h: "<account>/<kind>/<id>" */
    const char *call;       /* "get", "query" ... */
    const json_t *args;     /* an object; NULL: none */
    str bytes;              /* what comes with it */
};

/* How it ended. */
struct platform_stored {
    int code;               /* 0, or one of base/err.h */
    const char *error;      /* with a code: for the client, but for ERR_IO */
    str result;             /* JSON text; "" is null */
    str bytes;              /* what comes with it */
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

    /* Where a bucket is published has changed; on_done as with deployed(). */
    void (*published)(void *context, const char *account, const char *bucket,
                      void (*on_done)(void *arg), void *arg);

    /* Something was purged: no runtime uses it from now on. `purge` is what distribution_purge()
     * gave, taken. */
    void (*purged)(void *context, json_t *purge);
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

    /* Has a runtime do it. A failure without an answer (ERR_CLOSED: it died, or there is none) may
     * have changed something. */
    void (*store)(void *context, const struct platform_store *request,
                  void (*on_done)(void *arg, const struct platform_stored *stored), void *arg);

    /* Stores are among storage_gone(): their data is to be removed, now and, for those who still
     * write, again later. */
    void (*storage_gone)(void *context);

    /* Copies every store, consistent each by itself, into a new directory beside them, whose path
     * on_done gets; code as above. Its files are whoever's that runs the runtimes, and the caller's
     * to remove. */
    void (*storage_copy)(void *context,
                         void (*on_done)(void *arg, int code, const char *text_or_path), void *arg);

    /* Where the S3 API is, "http://127.0.0.1:8791", returned owned; NULL: nowhere. */
    char *(*s3_endpoint)(void *context);

    /* Ends a worker's quarantine. False when it is in none. */
    bool (*release)(void *context, int64_t script_id);
};

#endif
