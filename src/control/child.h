/* The runtime process of `atoll dev`, or that of the S3 API of `atoll serve`: started again, with
 * back-off, when it dies.
 *
 * Owns: the process (process.h). Thread: the loop's.
 * Limits: waits CHILD_DELAY_MS_MAX at most before it starts the next one. */
#ifndef ATOLL_CONTROL_CHILD_H
#define ATOLL_CONTROL_CHILD_H

#include <jansson.h>
#include <sys/types.h>
#include <uv.h>

#include "base/err.h"

enum {
    CHILD_DELAY_MS_MIN = 50,
    CHILD_DELAY_MS_MAX = 5000,
    CHILD_CALM_MS = 10 * 1000,    /* a process that lived this long died of something else */
};

struct child;

struct child_options {
    int listen_fd;    /* borrowed: inherited by each process */
    bool quiet;
    bool dev;
    const char *cache;    /* the directory of the cache; kept */
    uint64_t cache_bytes; /* how large it may become */
    const char *storage;  /* the directory of what workers store; kept */
    const char *outbound; /* which addresses workers may reach, as http/outbound.h reads it; kept */
    const char *sandbox_user, *s3_domain; /* see process.h; kept */
    bool bare;
};

struct child_hooks {
    /* A frame from the process; both are borrowed. */
    void (*on_frame)(void *context, json_t *object, str blob);
    /* A process died that was not told to: `how` is for a person; the next comes in delay_ms. */
    void (*on_death)(void *context, const char *how, int delay_ms);
    /* The next process was started; it knows nothing yet. Not called for the first one. */
    void (*on_restart)(void *context);
    /* The process ended after child_stop(); called once, the last hook. */
    void (*on_stopped)(void *context);
};

/* Starts the first process. hooks and context are kept. Returns 0 with the child, returned owned,
 * or ERR_IO. */
NODISCARD int child_start(uv_loop_t *loop, const struct child_options *options,
                          const struct child_hooks *hooks, void *context,
                          struct child **ret_child, struct err *err);

/* Queues a frame; `object` is taken, `blob` is copied. Dropped while no process runs: on_restart
 * tells when to say it again. */
void child_send(struct child *child, json_t *object, str blob);

/* Tells the process to finish what runs and end; a second call kills it. */
void child_stop(struct child *child);

/* See process_announce_change(); nothing while no process runs. */
void child_announce_change(struct child *child, uint64_t number);

/* The process that runs; 0: none. */
pid_t child_pid(const struct child *child);

/* Leaves a process that was told to stop to whoever comes after this program (process_leave()):
 * on_stopped is called. Returns the descriptor of its link and its pid; -1 when there is none. */
int child_leave(struct child *child, pid_t *ret_pid);

/* Lets go of a child that has stopped. NULL is fine. */
void child_free(struct child *child);

#endif
