/* The command line of esbuild for one worker.
 *
 * Owns: its strings. Thread: any. Limits: BUNDLE_ARGS_MAX arguments; further rules of a
 * configuration are left out with a warning. */
#ifndef ATOLL_CONTROL_BUNDLE_ARGS_H
#define ATOLL_CONTROL_BUNDLE_ARGS_H

#include "base/buf.h"
#include "control/config.h"

enum { BUNDLE_ARGS_MAX = 256 };

struct bundle_args {
    char *argv[BUNDLE_ARGS_MAX + 1];    /* NULL at the end */
    size_t count;
};

/* Fills the arguments for `esbuild` (the binary's path) writing into `directory`, and appends to
 * `warnings` a line for each setting that cannot be followed. */
void bundle_args_init(struct bundle_args *args, const char *esbuild, const char *directory,
                      const struct config *config, struct buf *warnings);

/* The same for a worker that is to be uploaded: written to `output` and the files beside it; what
 * the platform has itself stays an import. Without "no_bundle" in config->deploy. */
void bundle_args_init_package(struct bundle_args *args, const char *esbuild, const char *output,
                              const struct config *config, bool minify, struct buf *warnings);

/* The same for uploaded modules, whose kinds their files' names say (control/upload_files.h). */
void bundle_args_init_upload(struct bundle_args *args, const char *esbuild, const char *directory);

void bundle_args_done(struct bundle_args *args);

#endif
