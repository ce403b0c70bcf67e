/* An isolate: one JSC virtual machine with one global object, running one version of one worker.
 *
 * JavaScript runs only inside a turn (engine/turn.c): work is posted as tasks, the loop gives each
 * isolate that has some a turn, the turn runs the tasks, drains microtasks and ends.
 *
 * Owns: its VM, its resources, its queued tasks' links (not the tasks). Thread: the loop's.
 * Limits: CPU time, memory, subrequests: see struct isolate_limits. */
#ifndef ATOLL_ENGINE_ISOLATE_H
#define ATOLL_ENGINE_ISOLATE_H

#include <uv.h>

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "os/pulse.h"

struct isolate;
struct op;
struct task;

/* Functions that core.js hands out; C calls them with hook_call() (engine/hook.h). */
#define HOOK_MAP(X)                                                                                \
    X(HOOK_COMPLETE, "complete") /* (id, error, value): settles the promise made for op `id` */    \
    X(HOOK_LOAD, "load")         /* (factory, settings): runs the worker's script */               \
    X(HOOK_DISPATCH, "dispatch") /* (id, method, text, urlLength, bodyLength): a fetch event */    \
    X(HOOK_FLUSH, "flush")       /* (): returns the text of the answers listed in the cells */     \
    X(HOOK_TIMER, "timer")       /* (): runs one due timer, returns true when another is due */    \
    X(HOOK_ABORT, "abort")       /* (id): the client of request `id` went away */                  \
    X(HOOK_SCHEDULED, "scheduled") /* (id, cron, milliseconds since 1970): a scheduled event */    \
    X(HOOK_HUNG, "hung")         /* (id): nothing is left that request `id` could wait for */      \
    X(HOOK_WARM, "warm")         /* (): runs what every worker needs once, before there is one */  \
    X(HOOK_WAKE, "wake")         /* (): delivers what the engine finished between turns */         \
    X(HOOK_REJECTION, "rejection") /* (promise, reason): nobody handles it */                      \
    X(HOOK_SERVE, "serve")       /* (end, id, entrypoint, props): another worker calls */          \
    X(HOOK_SERVICE, "service")   /* (end, over, why, text, ...blobs): a message of such a call */
#define HOOK_ENUM(name, js) name,
enum hook { HOOK_MAP(HOOK_ENUM) HOOK_COUNT };
#undef HOOK_ENUM

/* Numbers that C and JavaScript share without a call: an Int32Array over isolate_cells(). */
enum cell {
    CELL_PENDING,      /* ops and timers that JavaScript waits for */
    CELL_WAITING,      /* waitUntil promises not settled yet */
    CELL_ANSWERS,      /* rows filled in the answer table below */
    CELL_CURRENT,      /* id of the request that what runs now works for; 0 none */
    CELL_ANSWER_FIRST = 8,
    CELL_ANSWER_ROW = 4,    /* request id, status, characters of head (-1: Content-Type
                             * text/plain;charset=UTF-8), characters of body (-1: none) */
    CELL_ANSWER_ROWS = 128,
    CELL_COUNT = CELL_ANSWER_FIRST + CELL_ANSWER_ROW * CELL_ANSWER_ROWS,
};

enum {
    ISOLATE_LONG_TURN_MS = 10,        /* of CPU time: a turn that delays others */
    ISOLATE_LONG_TURN_TOLD_MS = 100,
};

struct isolate_limits {
    uint64_t cpu_ms;      /* per request: CPU time of the turns that worked for it */
    size_t memory_bytes;  /* growth of the process's resident size that this isolate caused */
    uint64_t subrequests; /* per request: fetches, sockets, looks into the cache */
};

/* What a request, an event or a message of a WebSocket has used of its budget. */
struct isolate_spent {
    uint64_t cpu_ns;
    uint64_t subrequests;
    uint64_t log_bytes;
    unsigned data_points;    /* written to datasets */
    uint64_t tree;       /* of calls between workers that it belongs to; 0: none yet */
    unsigned depth;      /* in that: by how many others it was called */
};

/* What an isolate has used in its life. */
struct isolate_totals {
    uint64_t cpu_ns;      /* thread CPU time: of its turns, and of its jobs on other threads */
    uint64_t subrequests;
    uint64_t bytes_in;    /* isolate_add_bytes() */
    uint64_t bytes_out;
};

/* A built-in's source: the text of `(function(exports, use, ops, cells){...})`, ASCII, immortal. */
struct builtin {
    const char *name;
    const char *source;
    size_t len;
};

/* What a line of the console is handed over as. */
enum isolate_console {
    ISOLATE_CONSOLE_OFF,    /* not at all */
    ISOLATE_CONSOLE_TEXT,   /* text for a person */
    ISOLATE_CONSOLE_JSON,   /* JSON text: an array of the call's arguments */
};

/* What every isolate of a process is made of. Tables are kept for the process's life. */
struct isolate_setup {
    uv_loop_t *loop;
    const struct op *const *op_tables;   /* NULL-terminated */
    const struct builtin *builtins;      /* ends with name == NULL; "core" is run at birth */
    void (*on_console)(struct isolate *iso, int level, str text);
    /* How the next line of the console is wanted. NULL: as text. */
    enum isolate_console (*wants_console)(struct isolate *iso);
    /* What request `id` has used so far: kept, charged after each task; NULL: nobody's. */
    struct isolate_spent *(*meter_of)(struct isolate *iso, int32_t id);
    /* The isolate ran into a limit and must be discarded: ERR_CPU_LIMIT or ERR_MEM_LIMIT.
     * Called after the turn; the hook usually answers its requests and calls isolate_free(). */
    void (*on_terminated)(struct isolate *iso, int code);
    /* Called at the end of each turn, inside it: collect answers, look for hung requests. */
    void (*on_turn_end)(struct isolate *iso);
    /* A turn is long: `ns` of CPU time. `runs`: it goes on, and the loop does not turn meanwhile;
     * told once a turn, and again at 50 ms when that was before, inside the script: no JavaScript
     * may run, and no isolate may go. Else it is over; told then too, and every
     * ISOLATE_LONG_TURN_TOLD_MS for a turn that took ISOLATE_LONG_TURN_MS. NULL: nobody asks. */
    void (*on_long_turn)(struct isolate *iso, uint64_t ns, bool runs);
    struct pulse *pulse;                 /* kept; NULL: none */
    bool wasm_from_bytes;                /* scripts may compile WebAssembly: tests of the engine */
};

/* Prepares the engine for this thread: GLib context, loop hooks. Once, before the first isolate.
 * setup is kept. */
void isolate_engine_start(const struct isolate_setup *setup);

/* The loop given to isolate_engine_start(). */
uv_loop_t *isolate_loop(void);

/* Gives every isolate with posted tasks a turn. Returns how many turns were given. */
int isolate_run_ready(void);

/* True when some isolate has tasks that wait for the next turn: the loop must not sleep. */
bool isolate_any_ready(void);

enum isolate_console isolate_wants_console(struct isolate *iso);

/* Hands console output to the setup's on_console. Levels: 0 debug, 1 log, 2 info, 3 warn,
 * 4 error. */
void isolate_console(struct isolate *iso, int level, str text);

/* A blank isolate: VM made, core evaluated, no tenant code. Returned owned. About 2 ms. */
struct isolate *isolate_new(void);

/* Takes a blank isolate through an empty worker, so that what every worker needs is loaded and
 * compiled when it gets a real one. About 0.5 ms, which a cold start then saves. */
void isolate_warm(struct isolate *iso);

/* Ends the isolate: closes its resources, drops queued tasks (their `drop` is called), destroys
 * the VM. Never inside a turn of this isolate. NULL is fine. */
void isolate_free(struct isolate *iso);

/* The isolate whose turn it is; NULL outside of turns. */
struct isolate *isolate_current(void);

void isolate_set_limits(struct isolate *iso, struct isolate_limits limits);
/* Whether eval() and new Function() work: not at first. */
void isolate_set_eval(struct isolate *iso, bool allowed);

/* Its clock stands still between two tasks, so that no code can tell how long it takes: not at
 * first. */
void isolate_set_frozen_clock(struct isolate *iso, bool frozen);

/* The monotonic clock as the isolate may see it, in nanoseconds. */
uint64_t isolate_now_ns(const struct isolate *iso);

bool isolate_wasm_from_bytes(void);

void isolate_set_owner(struct isolate *iso, void *owner);   /* borrowed */
void *isolate_owner(const struct isolate *iso);

/* What the pulse is to call it while it has a turn: a worker's number. 0 before. */
void isolate_set_number(struct isolate *iso, uint64_t number);
int32_t *isolate_cells(struct isolate *iso);

/* Thread CPU time spent in this isolate's turns, in nanoseconds. */
uint64_t isolate_cpu_ns(const struct isolate *iso);

/* All it used up to now. A system call inside a turn. */
struct isolate_totals isolate_totals(const struct isolate *iso);

/* What is alive in its heap, when that was last measured (engine/watchdog.c); before, what a small
 * worker takes. */
size_t isolate_heap_bytes(const struct isolate *iso);

/* What runs now charges this; what works for nobody has a budget of its own, anew each minute.
 * Inside a turn. */
struct isolate_spent *isolate_spent(struct isolate *iso);

/* Counts a request to others by what runs now. False when its limit is reached: then it is not
 * counted, and not to be made. Inside a turn. */
NODISCARD bool isolate_subrequest(struct isolate *iso);

/* Something native that is at work for it without a request, such as an open WebSocket, begins
 * (+1) and ends (-1). */
void isolate_hold(struct isolate *iso, int change);
bool isolate_is_held(const struct isolate *iso);

/* Counts bytes that came for it and went out. */
void isolate_add_bytes(struct isolate *iso, size_t in, size_t out);

/* Charges request `id` (CELL_CURRENT when the work began) for CPU time that another thread spent on
 * it. Inside a task. Returns false when that is beyond its limit: the isolate ends with the turn,
 * and the task is to do nothing more. */
NODISCARD bool isolate_charge(struct isolate *iso, int32_t id, uint64_t cpu_ns);

/* Work to be done inside a turn. `run` is called with the lock held, exactly once, unless the
 * isolate goes first: then `drop` is. The task is kept until one of them is called. */
struct task {
    struct list link;
    void (*run)(struct isolate *iso, struct task *task);
    void (*drop)(struct task *task);
};

void isolate_post(struct isolate *iso, struct task *task);

/* Something native that lives at most as long as the isolate: closed by isolate_free(). */
struct resource {
    struct list link;
    void (*close)(struct resource *resource);
};

void isolate_add_resource(struct isolate *iso, struct resource *resource);
void isolate_remove_resource(struct resource *resource);

/* True while tasks are posted and not run. */
bool isolate_has_tasks(const struct isolate *iso);

/* The request (event, message) that ran into the limit which ended it; 0: nobody knows. */
int32_t isolate_blamed(const struct isolate *iso);

/* True once a limit ended the isolate: stop calling into it. */
bool isolate_is_terminated(const struct isolate *iso);

#endif
