/* One version of a worker, loaded into one isolate.
 *
 *   version_new ──> LOADING ──loaded──> LIVE ──version_drain──> DRAINING ──nothing runs──> gone
 *                      │ threw              │ a limit ended its isolate
 *                      └────────────────────┴──> DEAD ──> gone
 *
 * Owns: its isolate, its modules until they are loaded, its source map. Holds its worker.
 * Thread: the loop's. Limits: VERSION_DRAIN_MS for what runs when it is replaced, VERSION_LOAD_MS
 * for loading it; those of its worker. */
#ifndef ATOLL_RUNTIME_VERSION_H
#define ATOLL_RUNTIME_VERSION_H

#include <jansson.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/list.h"
#include "engine/isolate.h"
#include "runtime/exchange.h"
#include "runtime/meter.h"

enum { VERSION_DRAIN_MS = 30000, VERSION_LOAD_MS = 30000 };

/* The name of the script in JSC's stacks; frames of other names are the platform's. */
#define VERSION_SCRIPT_URL "worker.js"

struct version;
struct worker;

/* How loading it ended, or that a limit ended it when it was loaded. They may be called inside a
 * turn of its isolate. */
struct version_hooks {
    void (*on_loaded)(void *context, struct version *v);
    void (*on_refused)(void *context, struct version *v, str error);
    void (*on_died)(void *context, struct version *v);
};

/* What was logged lately; runtime/line.c reads and writes it. */
struct line_allowance {
    uint64_t spent;      /* bytes, less what time gave back */
    uint64_t seen_ms;
};

struct version_source {
    struct worker *worker;               /* NULL: it is only tried, and serves nobody */
    const struct version_hooks *hooks;   /* kept */
    void *context;
    const char *id;      /* borrowed */
    json_t *config;      /* borrowed: see docs/internals/link.md */
    json_t *parts;       /* borrowed array of {name, kind, bytes} */
    str blob;            /* borrowed: the parts' contents, one behind the other */
    const struct limits *limits;         /* borrowed */
};

/* Starts loading. Returns ERR_INVALID when the parts do not add up. */
NODISCARD int version_new(const struct version_source *source, struct version **ret_version);

/* Ends it: whatever still runs is answered with 503. NULL is fine. Never inside a turn. */
void version_free(struct version *v);

/* Gives a request to the isolate; the version must be LIVE. */
void version_dispatch(struct version *v, struct exchange *x);
void version_exchange_over(struct version *v, struct exchange *x);

/* No new requests: goes when what runs is finished, or when time is up. */
void version_drain(struct version *v);

/* True from version_drain() on. */
bool version_is_draining(const struct version *v);

/* Frees draining versions that are done. Outside of turns, once per loop turn. */
void version_reap(void);

/* Refuses versions that load for too long. Outside of turns, now and then. */
void version_look(void);

/* True while a request, a WebSocket or a waitUntil() needs it, and until `quiet_ms` (loop time)
 * plus VERSION_DRAIN_MS while an operation or timer is left that nobody waits for. */
bool version_is_busy(const struct version *v, uint64_t quiet_ms);
bool version_is_loading(const struct version *v);

/* True while some version drains or serves requests. */
bool version_any_busy(void);

const char *version_id(const struct version *v);
const char *version_worker_name(const struct version *v);   /* its key; "" without a worker */
struct meter_use *version_meter(struct version *v);         /* in use once it is loaded */
struct worker *version_worker(const struct version *v);     /* NULL without one */
const char *version_script_name(const struct version *v);   /* the worker's, without its account */
struct line_allowance *version_lines(struct version *v);
const struct limits *version_limits(const struct version *v);
void version_set_limits(struct version *v, const struct limits *limits);
struct isolate *version_isolate(const struct version *v);
struct version *version_of_isolate(const struct isolate *iso);

/* Milliseconds from version_new() to the end of its script. */
double version_load_ms(const struct version *v);

/* Makes an error readable for people: its message and the frames of its stack, mapped to the
 * author's files. Appends to out. */
void version_describe_error(struct version *v, str message, str stack, struct buf *out);

/* Hooks of the engine. */
void version_on_terminated(struct isolate *iso, int code);
void version_on_turn_end(struct isolate *iso);

/* ---- for op_load.c ---- */

struct version_part {
    str name;
    str kind;
    str bytes;
};

const struct version_part *version_part_find(const struct version *v, str name);
str version_script(const struct version *v);
json_t *version_config(const struct version *v);   /* borrowed; NULL once loaded */
const json_t *version_bindings(const struct version *v);   /* as it was given; NULL: none */
void version_loaded(struct version *v);
void version_refused(struct version *v, str error);

/* What a tried version exports: kept for version_exports(), each an array of names (taken). */
void version_set_exports(struct version *v, json_t *exports);
json_t *version_exports(const struct version *v);   /* {handlers, classes}, borrowed; or NULL */

#endif
