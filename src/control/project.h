/* One worker under development: its configuration, its last good version, and what changes them.
 *
 * Owns: configuration, bundle, watch, the running build. Thread: the loop's. */
#ifndef ATOLL_CONTROL_PROJECT_H
#define ATOLL_CONTROL_PROJECT_H

#include <jansson.h>
#include <uv.h>

#include "base/buf.h"
#include "control/config.h"

struct project;

struct project_hooks {
    /* There is a new good version: project_worker_frame() gives it. */
    void (*on_version)(void *context, struct project *project);
    /* The build failed, `text` says why in lines; a version before it stays the good one. */
    void (*on_failed)(void *context, struct project *project, const char *text);
    /* Something a person should know; `warning` or plain. */
    void (*on_note)(void *context, struct project *project, bool warning, const char *text);
};

/* Reads the configuration (request and what it points to are kept) and starts the first build.
 * Returns 0 with the project, returned owned; or the code and text of config_read(). */
NODISCARD int project_open(uv_loop_t *loop, const struct config_request *request,
                           const struct project_hooks *hooks, void *context,
                           struct project **ret_project, struct err *err);

/* Stops building and watching; no hook is called after. NULL is fine. */
void project_close(struct project *project);

/* The worker's name, which stays what it was at the start. Borrowed. */
const char *project_name(const struct project *project);

/* False while the first build runs and when every build so far has failed. */
bool project_has_version(const struct project *project);

/* What the last build said when it failed; NULL when it was good or still runs. Borrowed. */
const char *project_failure(const struct project *project);

/* Milliseconds since the change that led to the last build was noticed. */
int64_t project_changed_ms_ago(const struct project *project);

/* The `worker` frame of the good version, returned owned, to be loaded at once or at the first
 * request; its blob is borrowed until the next hook. `number`: the worker's. */
json_t *project_worker_frame(const struct project *project, unsigned number, bool load,
                             str *ret_blob);

/* The `failed` frame, returned owned. */
json_t *project_failed_frame(const struct project *project);

#endif
