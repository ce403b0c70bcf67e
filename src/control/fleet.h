/* The runtime processes of a server: started, given roles, watched, replaced.
 *
 *   spare ──needed──> fast | slow | own ──dies, is stuck too long──> gone, a spare takes its place
 *
 * Fast ones accept connections, one per core; slow ones take what slow workers get; an own one
 * serves one worker in quarantine. One spare is always kept warm, so that a process is replaced at
 * once. Which worker is where is control/lane.h's to say; fleet carries it out.
 * Owns: processes, links, pulses, connections on their way. Thread: the loop's.
 * Limits: FLEET_PROCESSES_MAX; FLEET_CONNECTIONS_MAX on their way to a process, further ones
 * are closed. */
#ifndef ATOLL_CONTROL_FLEET_H
#define ATOLL_CONTROL_FLEET_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "api/platform.h"
#include "base/buf.h"
#include "base/err.h"

enum { FLEET_PROCESSES_MAX = 256, FLEET_CONNECTIONS_MAX = 4096,
       FLEET_STORES_MAX = 256, FLEET_ACCOUNT_STORES_MAX = 64 };

struct fleet;

struct fleet_options {
    int listen_fd;             /* borrowed */
    unsigned fast;             /* processes that accept: one per core */
    unsigned slow_max;
    const char *cache;         /* as in child.h */
    uint64_t cache_bytes;
    const char *storage;
    const char *outbound;
    uint64_t memory_mib;       /* of a process, before isolates are evicted */
    uint64_t idle_ms;
    const char *sandbox_user;  /* NULL: no sandbox */
    const char *cgroup;        /* cgroup v2 directory to make groups in; NULL: none */
};

struct fleet_hooks {
    /* The `worker` frame (or `failed`) of this key, returned owned, without `here` and `load`, with
     * its blob appended; NULL: there is none. */
    json_t *(*worker_frame)(void *context, const char *key, struct buf *blob);
    /* The `rules` of a host. Returned owned. */
    json_t *(*host_rules)(void *context, const char *host);
    /* Frames `usage`, `tail`, `log`, `refused`. Borrowed. `process` is a number for logs. */
    void (*on_usage)(void *context, int process, const json_t *frame);
    void (*on_tail)(void *context, const json_t *frame);
    void (*on_log)(void *context, int process, const json_t *frame);
    void (*on_refused)(void *context, const json_t *frame);
    /* A process is gone. */
    void (*on_gone)(void *context, int process);
    /* Something an operator should know: a JSON object with `event` ("runtime.died",
     * "worker.quarantined" ...), `level` and what belongs to it; taken. */
    void (*on_notice)(void *context, json_t *notice);
    /* Once: a process accepts connections. */
    void (*on_ready)(void *context);
    /* After fleet_stop(): no process is left. What is asked of the fleet from then on is answered
     * with failures, until fleet_free(). */
    void (*on_stopped)(void *context);
};

NODISCARD int fleet_start(uv_loop_t *loop, const struct fleet_options *options,
                          const struct fleet_hooks *hooks, void *context, struct fleet **ret,
                          struct err *err);

/* A worker's deployment or settings changed: tells every process that has it. on_done once all
 * said `live` or `refused`, or after 2 s. */
void fleet_deployed(struct fleet *fleet, const char *key, void (*on_done)(void *arg), void *arg);

/* The same for every worker that some process has: what they may use changed. */
void fleet_refresh(struct fleet *fleet);

/* Has it loaded, and never evicted, by `count` processes at least. Fewer than before take effect
 * with fleet_deployed(). */
void fleet_keep(struct fleet *fleet, const char *key, unsigned count);

/* Host tables are to be asked for again. */
void fleet_forget_hosts(struct fleet *fleet);

/* Something that distributions keep was purged: no process uses it from now on. `purge` is the
 * frame (docs/internals/link.md), taken. */
void fleet_purge(struct fleet *fleet, json_t *purge);

/* Which accounts store as much as they may: the frame `quota`, taken, for every process from now
 * on. */
void fleet_quota(struct fleet *fleet, json_t *quota);

void fleet_trace(struct fleet *fleet, const char *key, bool on);

/* Loads a version in a throw-away isolate of some process that serves nobody. on_done gets the
 * frame `checked`; {ok: false, error} when the process died of it. */
void fleet_check(struct fleet *fleet, json_t *version /* taken */, str blob,
                 void (*on_done)(void *arg, const json_t *checked), void *arg);

/* Runs an event (`event`, `cron`, `time_ms` are set; taken). on_done gets {outcome, error?}. */
void fleet_event(struct fleet *fleet, const char *key, json_t *event,
                 void (*on_done)(void *arg, const json_t *done), void *arg);

/* Has a process that serves nobody yet, else one of the fast ones, answer a call for a store. See
 * struct platform's `store`. At most FLEET_STORES_MAX run at once, and FLEET_ACCOUNT_STORES_MAX of
 * one account; further ones fail with ERR_CLOSED. */
void fleet_store(struct fleet *fleet, const struct platform_store *request,
                 void (*on_done)(void *arg, const struct platform_stored *stored), void *arg);

/* Ends a worker's quarantine. False when it is in none. */
bool fleet_release(struct fleet *fleet, const char *key);

/* Gauges: processes by lane, isolates, quarantine; of one worker when key is given. Returned
 * owned. */
json_t *fleet_status(const struct fleet *fleet, const char *key);

/* How many processes accept connections. */
unsigned fleet_accepting(const struct fleet *fleet);

/* Replaces the options that can change while it runs (memory_mib, idle_ms, fast, slow_max). */
void fleet_set(struct fleet *fleet, const struct fleet_options *options);

/* No more connections; what runs is finished, then on_stopped. A second call kills. */
void fleet_stop(struct fleet *fleet);

/* Leaves the processes that did not end yet to the program that is started in this one's place:
 * on_stopped follows at once. Appends "<pid>:<descriptor> " for each that can be adopted there. */
void fleet_leave(struct fleet *fleet, struct buf *out);

/* The other side: hears what such a process says until it ends. The descriptor is taken. */
void fleet_adopt(struct fleet *fleet, pid_t pid, int link_fd);

/* Lets go of a fleet that has stopped; its memory is gone when the loop has run once more. NULL is
 * fine. */
void fleet_free(struct fleet *fleet);

#endif
