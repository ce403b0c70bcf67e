/* What the files of the fleet share. See fleet.h.
 *
 *   fleet.c             how many processes of which role there are
 *   fleet_process.c     one process: its life, its frames
 *   fleet_worker.c      who was told about which worker, and where it belongs
 *   fleet_deploy.c      a deployment on its way to those who have the worker
 *   fleet_connection.c  connections handed from one process to another
 *   fleet_check.c       versions tried in a process that serves nobody
 *   fleet_event.c       events and how they ended
 *   fleet_store.c       calls for what tenants store
 *   fleet_guard.c       what a process may say, and how much of it
 *   fleet_watch.c       the heartbeat
 *   fleet_status.c      gauges
 * Owns: as fleet.h says. Thread: the loop's. */
#ifndef ATOLL_CONTROL_FLEET_PRIVATE_H
#define ATOLL_CONTROL_FLEET_PRIVATE_H

#include "base/list.h"
#include "base/map.h"
#include "control/fleet.h"
#include "control/lane.h"
#include "control/process.h"

enum fleet_role {
    FLEET_SPARE,      /* warm, without work */
    FLEET_FAST,
    FLEET_SLOW,
    FLEET_OWN,        /* of one worker in quarantine */
    FLEET_CHECK,      /* tries versions */
    FLEET_LEAVING,    /* told to stop */
    FLEET_ROLES
};

enum {
    FLEET_EARLY_MS = 2000,           /* a process that dies before was not able to live */
    FLEET_ACK_MS_MAX = 2000,         /* what a deployment waits for processes */
    FLEET_EVENTS_MAX = 4096,         /* that run */
    FLEET_EVENT_MS_MAX = 20 * 60 * 1000,    /* of one; its own limits end it before */
    FLEET_STORE_MS_MAX = 10 * 60 * 1000,    /* of one call for a store */
    FLEET_QUEUED_BYTES_MAX = 8 << 20,    /* on a link: a process behind is given no connections */
    FLEET_BEHIND_BYTES_MAX = 512 << 20,  /* on a link: a process that far behind is ended */
    FLEET_TOLD_MAX = 65536,              /* workers a process knows of */
    FLEET_SLOW_NICE = 5, FLEET_STUCK_NICE = 10,
};

/* A process was told about a worker, and has it until it says `evicted`. */
struct fleet_told {
    struct list by_process;
    struct list by_worker;
    struct fleet_process *process;
    struct fleet_worker *worker;
    bool here;      /* it serves it; else it hands its connections over, */
    bool failed;    /* or answers with an error page */
    bool kept;      /* it was told to keep it loaded */
    bool lent;      /* it wants it for calls by other workers even where it does not belong */
    bool served;    /* it serves it or did, and may have something to tell about it */
};

/* What the heartbeat remembers of a process. */
struct fleet_beat {
    uint64_t turn_ns;        /* start of the turn that was running at the last look; 0: none */
    uint64_t worker;         /* whose */
    uint64_t polls;
    uint64_t polls_ms;       /* when `polls` last changed, or the turn began */
    uint64_t polls_cpu_ms;   /* CPU time of the process then; UINT64_MAX: not known */
    uint64_t turn_cpu_ms;    /* and when the turn began to be long */
    unsigned busy;           /* of 1000: how often a turn ran, lately */
    bool stuck;
    size_t bytes;            /* resident, when it was last read, */
    uint64_t bytes_turn_ns;  /* and the start of the turn that ran then; 0: none */
};

/* How much a process may still say and ask. */
struct fleet_guard {
    json_t *served[2];             /* keys of workers it served lately, and before that */
    json_t *wants;                 /* frames `want` that wait, */
    size_t answered;               /* but for these first ones */
    size_t wants_bytes;
    unsigned wants_left;           /* until the next beat */
    unsigned lines_left;           /* of the journal, in this second */
};

struct fleet_process {
    struct list link;
    struct fleet *fleet;
    struct process *process;
    int number;
    enum fleet_role role;
    uint64_t started_ms;
    bool checks;                   /* it is or was FLEET_CHECK */
    unsigned tried;                /* checks */
    bool adopted;                  /* of the server before: what it serves is not known */
    bool ready;
    bool accepts;
    struct list told;
    size_t told_count;
    size_t here_count;             /* of those told, what it serves */
    struct fleet_worker *owner;    /* of FLEET_OWN, borrowed; NULL when it is forgotten */
    struct fleet_beat beat;
    struct fleet_guard guard;
    uint64_t unused_ms;            /* since when it serves no worker; 0: it serves some */
    const char *killed_for;        /* why we killed it, for a person; NULL: we did not */
    bool killed_surely;            /* beat.worker did it; else any of its workers may have */
};

struct fleet_worker {
    struct map_node node;
    struct list link;
    struct fleet *fleet;
    char *key;
    int64_t number;                /* 0: not known yet */
    uint64_t cpu_ms;               /* its limit */
    struct lane_worker lane;
    struct list told;
    struct list deploys;           /* on their way, oldest first */
    unsigned keep;                 /* by how many processes */
    bool trace;
    bool waits;                    /* its processes were told `failed`: it may not run yet */
};

struct fleet {
    uv_loop_t *loop;
    struct fleet_options options;
    const struct fleet_hooks *hooks;
    void *context;
    struct list processes;
    size_t process_count;
    int last_number;
    struct map workers;            /* by key */
    struct list all_workers;       /* the same */
    struct list checks;            /* the first one runs when check_runs */
    size_t check_count;
    bool check_runs;
    uint64_t check_start_ms;       /* of the one that runs, */
    uint64_t check_start_cpu_ms;   /* the CPU time its process had then, */
    uint64_t check_cpu_ms;         /* and at the last look */
    struct list events;
    size_t event_count;
    struct list stores;            /* calls that run */
    size_t store_count;
    json_t *store_blamed;          /* {count, until_ms} by store: calls that a process died of */
    json_t *quota;                 /* the frame; NULL: everybody may write */
    uint64_t last_id;              /* of checks, events and calls */
    uv_timer_t beat, again, check_timer;
    unsigned beats;
    unsigned starts_failed;        /* in a row, */
    uint64_t failed_ms;            /* the last of them */
    uint64_t deaths, killed;       /* of processes; of these, by us */
    uint64_t handed, dropped;      /* connections */
    bool announced;
    bool no_groups;                /* the kernel has no control groups for us */
    bool stopping;
    bool settling;
    unsigned handles;              /* of the three above that are not closed yet */
};

/* ---- fleet.c ---- */

/* Brings the number of processes of each role to what it should be. */
void fleet_settle(struct fleet *fleet);

/* A process for a role: a spare, or a new one. NULL when none can be started. */
struct fleet_process *fleet_take(struct fleet *fleet, enum fleet_role role);

/* Tells on_notice: `fields` is taken, may be NULL. */
void fleet_notice(struct fleet *fleet, const char *event, const char *level, json_t *fields);

/* A process is gone. `early`: it may be that none can live. */
void fleet_lost(struct fleet *fleet, bool early);

#define FLEET_EACH(fleet, p)                                                                   \
    LIST_EACH_SAFE(&(fleet)->processes, p##_link)                                              \
        for (struct fleet_process *p = CONTAINER_OF(p##_link, struct fleet_process, link); p;  \
             p = NULL)

#define FLEET_TOLD(list, field, told)                                                          \
    LIST_EACH_SAFE(list, told##_link)                                                          \
        for (struct fleet_told *told = CONTAINER_OF(told##_link, struct fleet_told, field);    \
             told; told = NULL)

/* ---- fleet_process.c ---- */

NODISCARD int fleet_process_start(struct fleet *, struct fleet_process **ret, struct err *err);
void fleet_process_adopt(struct fleet *fleet, pid_t pid, int link_fd);

/* What a process was told is forgotten, and so is the process, whose `process` has ended. */
void fleet_process_drop(struct fleet_process *p);
void fleet_process_assign(struct fleet_process *p, enum fleet_role role, bool accepts);
void fleet_process_set_nice(struct fleet_process *p);    /* by its role */

/* `reason` is kept: a literal. */
void fleet_process_kill(struct fleet_process *p, const char *reason);
void fleet_process_stop(struct fleet_process *p);

/* Answers a frame `want` now. */
void fleet_process_answer(struct fleet_process *p, const json_t *want);

/* ---- fleet_guard.c ---- */

void fleet_guard_init(struct fleet_process *p);
void fleet_guard_done(struct fleet_process *p);

/* It is told about this worker no more, and may have something to tell about it all the same. */
void fleet_guard_left(struct fleet_process *p, const char *key);

/* Does the process serve this worker, or did it a moment ago? */
bool fleet_guard_served(const struct fleet_process *p, const char *key);

/* The worker with the number that a process has in its pulse, if it may be that one's doing. */
struct fleet_worker *fleet_guard_culprit(const struct fleet_process *p, uint64_t number);

/* The `worker` of a frame, borrowed; NULL when the process has nothing to say about it. */
const char *fleet_guard_key(const struct fleet_process *p, const json_t *frame);

/* Takes out of a frame `usage` the workers that the process has nothing to say about. */
void fleet_guard_filter_usage(const struct fleet_process *p, json_t *frame);

/* Counts a line for the journal; false when there were too many in this second. */
bool fleet_guard_takes_line(struct fleet_process *p);

/* Answers a frame `want` now or later, and what can be answered of those that wait. */
void fleet_guard_want(struct fleet_process *p, const json_t *frame);
void fleet_guard_answer(struct fleet_process *p);
void fleet_guard_on_beat(struct fleet_process *p, unsigned beats);

/* Is it a client's connection, and not something else that can be sent? */
bool fleet_guard_is_connection(int fd);

/* Was the process told that this worker's connections are to be handed on? */
bool fleet_guard_may_hand(const struct fleet_process *p, const char *key);

/* ---- fleet_connection.c, fleet_check.c, fleet_watch.c, fleet_status.c ---- */

void fleet_connection_on_hand(struct fleet_process *p, const json_t *frame, str blob);

void fleet_check_add(struct fleet *fleet, json_t *version, str blob,
                     void (*on_done)(void *arg, const json_t *checked), void *arg);
void fleet_check_on_checked(struct fleet_process *p, const json_t *frame);
void fleet_check_on_death(struct fleet_process *p, const char *how);
void fleet_check_on_timer(uv_timer_t *timer);
void fleet_check_end_all(struct fleet *fleet);

void fleet_watch_on_beat(uv_timer_t *timer);

/* A process says itself that its turn is long: no need to find out. Its connections follow. */
void fleet_watch_on_stuck(struct fleet_process *p);

json_t *fleet_status_of(const struct fleet *fleet, const char *key);

#endif
