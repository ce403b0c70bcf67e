/* `atoll dev`: one runtime process, its workers built here and built again when a file changes.
 *
 * Owns: the listening socket, the child, the projects. Thread: the loop's, which it runs.
 * Limits: DEV_PROJECTS_MAX workers. */
#ifndef ATOLL_CONTROL_DEV_H
#define ATOLL_CONTROL_DEV_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

enum { DEV_PROJECTS_MAX = 1024, DEV_HOST_BYTES_MAX = 256,
       DEV_AHEAD_BYTES_MAX = 256 << 10, DEV_PORT_DEFAULT = 8787,
       DEV_CACHE_MIB_DEFAULT = 1024, DEV_CACHE_MIB_MAX = 1 << 20 };

struct dev_options {
    const char *const *paths;    /* one for each worker; the first answers at every other host */
    size_t path_count;           /* 1 to DEV_PROJECTS_MAX */
    const char *ip;
    int port;                    /* 0: any free one */
    const char *environment;     /* NULL: none */
    const json_t *vars;          /* object of strings; NULL: none */
    bool quiet;                  /* no on_request */
    const char *state;           /* a directory for what outlives a run; NULL: .atoll beside the
                                  * first worker's files */
    uint64_t cache_bytes;        /* how large the cache of responses may become */
    const char *outbound;        /* which addresses workers may reach: http/outbound.h */
};

enum dev_level { DEV_INFO, DEV_WARNING, DEV_ERROR };

/* What there is to show; all arguments are borrowed. `worker` is NULL for what concerns none, or
 * when there is only one. */
struct dev_hooks {
    /* Once: requests are answered. `hosts` has the worker's own name for each path, and is empty
     * when there is one path. */
    void (*on_ready)(void *context, const char *ip, int port, const char *const *hosts,
                     size_t host_count);
    void (*on_note)(void *context, enum dev_level level, const char *worker, const char *text);
    void (*on_request)(void *context, const char *worker, const char *method, const char *path,
                       int status, double ms);
    void (*on_log)(void *context, const char *worker, const char *level, const char *text);
};

/* Runs until SIGINT or SIGTERM, then lets the runtime finish what it does; a second signal does
 * not wait. Returns 0, or a negative code with text when it could not start. */
NODISCARD int dev_run(const struct dev_options *options, const struct dev_hooks *hooks,
                      void *context, struct err *err);

#endif
