/* One version of a worker, loaded into one isolate.
 *
 *   version_new ──> LOADING ──loaded──> LIVE ──version_drain──> DRAINING ──nothing runs──> gone
 *                      │ threw              │ a limit ended its isolate
 *                      └────────────────────┴──> DEAD ──> gone
 *
 * Owns: its isolate, its modules until they are loaded, its source map.
 * Thread: the loop's. Limits: VERSION_DRAIN_MS for what runs when it is replaced. */
#ifndef ATOLL_RUNTIME_VERSION_H
#define ATOLL_RUNTIME_VERSION_H

#include <jansson.h>

#include "base/buf.h"
#include "base/list.h"
#include "engine/isolate.h"
#include "runtime/exchange.h"

enum { VERSION_DRAIN_MS = 30000, VERSION_START_CPU_MS = 1000 };

/* The name of the script in JSC's stacks; frames of other names are the platform's. */
#define VERSION_SCRIPT_URL "worker.js"

struct version;
struct worker;

struct version_source {
    const char *id;      /* borrowed */
    json_t *config;      /* borrowed: see docs/internals/link.md */
    json_t *parts;       /* borrowed array of {name, kind, bytes} */
    str blob;            /* borrowed: the parts' contents, one behind the other */
};

/* Starts loading; worker_version_loaded() or worker_version_refused() tells how it ended.
 * Returns ERR_INVALID when the parts do not add up. */
NODISCARD int version_new(struct worker *worker, const struct version_source *source,
                          struct version **ret_version);

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

/* True while some version drains or serves requests. */
bool version_any_busy(void);

const char *version_id(const struct version *v);
const char *version_worker_name(const struct version *v);
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
json_t *version_config(const struct version *v);   /* borrowed */
void version_loaded(struct version *v);
void version_refused(struct version *v, str error);

#endif
