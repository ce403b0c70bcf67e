/* A worker's modules made into one script by esbuild, with its map and its other files.
 *
 * esbuild runs as a process of its own; nothing of the worker's code is run here.
 * Owns: a bundle owns all it points to; a job owns its process and a private directory under
 * $TMPDIR, removed at its end. Thread: the loop's.
 * Limits: BUNDLE_BYTES_MAX for everything together, BUNDLE_MS_MAX for the run. */
#ifndef ATOLL_CONTROL_BUNDLE_H
#define ATOLL_CONTROL_BUNDLE_H

#include <jansson.h>
#include <uv.h>

#include "base/buf.h"
#include "control/config.h"

enum {
    BUNDLE_BYTES_MAX = 64 << 20,    /* what one frame carries */
    BUNDLE_LOG_MAX = 64 * 1024,
    BUNDLE_MS_MAX = 60 * 1000,
};

struct bundle {
    bool ok;
    bool crashed;     /* esbuild itself did not get through */
    char *log;        /* errors when not ok, else warnings; "" when there is nothing to say */
    json_t *parts;    /* array of {name, kind, bytes}; first the script (bundle_script.h), then its
                       * map, then copied files; kinds as in docs/internals/link.md */
    struct buf blob;  /* the contents of the parts in their order */
    json_t *inputs;   /* array of absolute paths: the author's files that were read, or that errors
                       * name; nothing of node_modules */
};

/* A bundle to be uploaded has other parts: first the main module, "module" or (one without exports)
 * "classic", then its map, then copied files as "wasm", "text" or "data". */

/* The esbuild that bundles, returned owned; NULL when it is missing. */
char *bundle_esbuild(void);

struct bundle_job;

/* Starts to bundle what `config` (borrowed for the call) names. on_done is called later, exactly
 * once, with the bundle taken by it, unless bundle_cancel() comes first. Returned owned until then.
 * An esbuild that cannot be started is a bundle that is not ok. */
struct bundle_job *bundle_start(uv_loop_t *loop, const struct config *config,
                                void (*on_done)(void *context, struct bundle *bundle),
                                void *context);

/* Starts to bundle modules that were uploaded. `directory` (absolute, without links) holds them as
 * control/upload_files.h lays them out; `entry` is the text of the module to start at, which calls
 * BUNDLE_SCRIPT_MAIN. Both are borrowed for the call. Modules of Node's and Cloudflare's own are
 * left to the runtime. A bundle that read a file outside of `directory` is not ok, and its log
 * may quote such files: control/upload_log.h says what of it can be shown. */
struct bundle_job *bundle_start_upload(uv_loop_t *loop, const char *directory, const char *entry,
                                       void (*on_done)(void *context, struct bundle *bundle),
                                       void *context);

/* Starts to bundle what `config` (borrowed for the call) names for an upload. With "no_bundle" the
 * first part only tells the kind of the main module. */
struct bundle_job *bundle_start_package(uv_loop_t *loop, const struct config *config, bool minify,
                                        void (*on_done)(void *context, struct bundle *bundle),
                                        void *context);

/* Ends the job; on_done is not called. NULL is fine. */
void bundle_cancel(struct bundle_job *job);

/* NULL is fine. */
void bundle_free(struct bundle *bundle);

#endif
