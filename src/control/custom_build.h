/* The author's own build, `[build] command` of a configuration, which makes the main module.
 *
 * Owns: nothing. Thread: one; waits for the command's end. */
#ifndef ATOLL_CONTROL_CUSTOM_BUILD_H
#define ATOLL_CONTROL_CUSTOM_BUILD_H

#include "control/config.h"

/* Runs config->build_command by the shell in its directory; what it prints goes to standard error.
 * Returns 0 when the main module is there then (also when there is no command), or ERR_INVALID with
 * how the command ended. */
NODISCARD int custom_build_run(const struct config *config, struct err *err);

#endif
