/* One runtime process, or that of the S3 API, as its supervisor sees it: started, spoken to,
 * watched, ended.
 *
 * Owns: the process, the link to it, its pulse. Thread: the loop's.
 * Limits: a process that is told to stop has PROCESS_STOP_MS_MAX, then it is killed. */
#ifndef ATOLL_CONTROL_PROCESS_H
#define ATOLL_CONTROL_PROCESS_H

#include <jansson.h>
#include <sys/types.h>
#include <uv.h>

#include "base/err.h"
#include "os/pulse.h"

enum { PROCESS_STOP_MS_MAX = 35 * 1000 };

struct process;

struct process_options {
    int listen_fd;           /* borrowed: inherited by the process */
    bool quiet;
    bool dev;
    const char *cache;       /* the directory of the cache */
    uint64_t cache_bytes;    /* how large it may become */
    const char *storage;     /* the directory of what tenants store; NULL: none */
    const char *outbound;    /* which addresses workers may reach, as http/outbound.h reads it */
    uint64_t memory_mib;     /* resident size beyond which idle isolates go; 0: the runtime's own */
    uint64_t idle_ms;        /* how long an isolate may be idle; 0: for ever */
    const char *sandbox_user;    /* enters the sandbox as this user, "" as the one it is; NULL: no
                                  * sandbox */
    const char *s3_domain;   /* it is the process of the S3 API, for hosts <bucket>.<domain>; NULL:
                              * a runtime */
    bool bare;               /* gets those variables of the environment only that it knows */
};

/* How a process ended. */
struct process_end {
    char how[128];       /* for a person: "was ended by signal 9 (Killed)" */
    int signal;          /* 0: it ended by itself */
    int64_t status;
    bool told;           /* by process_stop() or process_kill() */
};

struct process_hooks {
    /* A frame from the process; both are borrowed. */
    void (*on_frame)(void *context, json_t *object, str blob);
    /* It is gone, and all that it said was heard; called once, the last hook. The process is to be
     * freed. */
    void (*on_end)(void *context, const struct process_end *end);
};

/* Starts one. hooks and context are kept, options are borrowed for the call. Returns 0 with the
 * process, returned owned, or ERR_IO. */
NODISCARD int process_start(uv_loop_t *loop, const struct process_options *options,
                            const struct process_hooks *hooks, void *context,
                            struct process **ret_process, struct err *err);

/* Queues a frame; `object` and the descriptor (-1: none) are taken, `blob` is copied. What is sent
 * before the process is ready waits for it. */
void process_send(struct process *process, json_t *object, str blob, int fd);

/* Inside on_frame: the descriptor that came with the frame, taken; -1 when none came. */
int process_take_fd(struct process *process);

/* Bytes and descriptors queued that the process did not take yet. */
size_t process_queued_bytes(const struct process *process);
size_t process_queued_fds(const struct process *process);

/* Tells it to finish what runs and to end. */
void process_stop(struct process *process);

/* Ends it now. */
void process_kill(struct process *process);

pid_t process_pid(const struct process *process);

/* Readable until process_free(). */
const struct pulse *process_pulse(const struct process *process);

/* Announces in its pulse the number of a purge (bindings/publish): its frame is to follow. */
void process_announce_purge(struct process *process, uint64_t seq);

/* Says in its pulse that what it was told may have changed: a number unlike the one before. */
void process_announce_change(struct process *process, uint64_t number);

/* Leaves a process that was told to stop to whoever comes after this program: no hook is called any
 * more. Returns the descriptor of its link, for process_adopt(); -1 when it cannot go on there: the
 * process then ends all the same, and what it says is not heard. */
int process_leave(struct process *process);

/* The other side of that: a child of this program that it did not start. It only ends; what it says
 * until then is heard. */
struct process *process_adopt(uv_loop_t *loop, pid_t pid, int link_fd,
                              const struct process_hooks *hooks, void *context);

/* Lets go of a process that has ended. NULL is fine. */
void process_free(struct process *process);

#endif
