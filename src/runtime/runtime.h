/* The runtime process: one loop, one HTTP server, many isolates, a link to the supervisor.
 *
 * docs/internals/link.md tells what goes over the link; docs/life-of-a-request.md how the files of
 * this room work together. */
#ifndef ATOLL_RUNTIME_RUNTIME_H
#define ATOLL_RUNTIME_RUNTIME_H

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"
#include "engine/isolate.h"
#include "http/outbound.h"

struct runtime_options {
    int link_fd;    /* socket pair to the supervisor */
    int listen_fd;  /* the listening socket */
    int pulse_fd;   /* the pulse (os/pulse.h); none when it is not open */
    bool quiet;     /* no `request` frames */
    bool dev;       /* error pages show the error */
    const char *cache_directory;    /* of caches.default; NULL: there is none */
    uint64_t cache_bytes_max;
    const char *storage_directory;  /* of what bindings store; NULL: there is none */
    struct outbound outbound; /* which addresses workers may reach */
    uint64_t memory_mib;      /* resident size from which idle workers go; 0: none */
    uint64_t idle_ms;         /* after which an idle worker goes; 0: never */
    const char *sandbox_user;       /* enter the sandbox as this user; NULL: do not */
};

/* Runs the process until it is told to stop or the supervisor goes; finishes what runs.
 * Returns the exit status. */
int runtime_main(const struct runtime_options *options);

/* ---- for the other files of this room ---- */

const struct runtime_options *runtime_options(void);

/* Sends a frame to the supervisor; `object` is taken. */
void runtime_tell(json_t *object);

/* The same with a blob, which is copied. */
void runtime_tell_blob(json_t *object, str blob);

/* Bytes of frames that the supervisor has not read yet. */
size_t runtime_tell_queued(void);

/* What request `id` had used when it was over: what it still does counts on from there. */
void runtime_keep_spent(int32_t id, const struct isolate_spent *spent);

/* UTF-8 as a JSON string for a frame, returned owned; a NUL, which none can carry, as "\x00". */
json_t *runtime_text(str text);

/* False while the supervisor does not read: a line is not to be sent, and was counted as
 * dropped. */
bool runtime_log_has_room(void);

/* Tells the supervisor's log. level: "debug", "log", "info", "warn", "error". */
void runtime_log(const char *worker, const char *level, str text);

#endif
