/* The worker that a command is about: an operand, --name or the configuration; and what is said
 * when the server does not have it.
 *
 * Owns: nothing. Thread: one. */
#ifndef ATOLL_CLI_SUBJECT_H
#define ATOLL_CLI_SUBJECT_H

#include "cli/session.h"

/* session_open() for the worker `name`; session_open_worker() when it is NULL. */
NODISCARD int subject_open(struct session *session, const struct cli_args *args, const char *name);

/* session_fail(); for a worker that is not there, with the name that was probably meant. */
int subject_fail(struct session *session, const struct err *err);

#endif
