/* The author's own build, `[build] command` of a configuration, which makes the main module.
 *
 * Owns: nothing. Thread: one. */
#ifndef ATOLL_CONTROL_CUSTOM_BUILD_H
#define ATOLL_CONTROL_CUSTOM_BUILD_H

#include <uv.h>

#include "control/config.h"

/* Runs config->build_command by the shell in its directory and waits for its end; what it prints
 * goes to standard error. Returns 0 when the main module is there then (also when there is no
 * command), or ERR_INVALID with how the command ended. */
NODISCARD int custom_build_run(const struct config *config, struct err *err);

struct custom_build;

/* The same on a loop. on_done is called once, later: `failure` is NULL when it went well. The
 * configuration, which has a command, is kept until then. */
struct custom_build *custom_build_start(uv_loop_t *loop, const struct config *config,
                                        void (*on_done)(void *context, const char *failure),
                                        void *context);

/* Ends the command with what it started; on_done is not called. NULL is fine. */
void custom_build_cancel(struct custom_build *build);

#endif
