/* What the commands that talk to a server share: the server, the worker that is meant, progress,
 * and how failures end.
 *
 * Owns: the remote, the configuration. Thread: one. */
#ifndef ATOLL_CLI_SESSION_H
#define ATOLL_CLI_SESSION_H

#include "cli/cli.h"
#include "control/config.h"
#include "remote/remote.h"

struct session {
    const struct cli_args *args;
    struct remote *remote;
    char *worker;           /* its name on the server; NULL: the command is about none */
    struct config *config;  /* NULL: there is no configuration file here, or none was looked for */
};

/* Opens the server that the shared options name. Returns EXIT_DONE, or the exit status after an
 * error was printed. session_close() is for both. */
NODISCARD int session_open(struct session *session, const struct cli_args *args);

/* The same for the project of a configuration (borrowed): the .env of its directory counts, and its
 * account_id when --account is not given. One of Cloudflare's (32 hexadecimal digits) that this
 * server does not have is left aside with a note: projects made for Cloudflare have it. A caller
 * that knows the worker sets it and the configuration, for session_close(). */
NODISCARD int session_open_project(struct session *session, const struct cli_args *args,
                                   const struct config *config);

/* The same, and finds the worker: --name, else the configuration's name (of --config, or in this
 * directory), with the environment's suffix as wrangler adds it. */
NODISCARD int session_open_worker(struct session *session, const struct cli_args *args);

void session_close(struct session *session);

/* Opens a session, has `action` do the command's work, closes it. Returns the exit status that
 * `action` ends with, or that of an error before it. */
NODISCARD int session_run(const struct cli_args *args, int (*action)(struct session *session));
NODISCARD int session_run_worker(const struct cli_args *args,
                                 int (*action)(struct session *session));

/* Ends progress, prints the error and what to do about it; returns the exit status for its code:
 * EXIT_AUTH, EXIT_ABSENT, EXIT_UNREACHABLE, EXIT_FAILED. */
int session_fail(struct session *session, const struct err *err);

/* The same without a session: the error and the exit status alone. */
int session_refuse(const struct err *err);

/* The exit status for an error's code. */
int session_exit(int code);

/* With --json: prints `value` (borrowed) on standard output, indented by 2, and true. */
bool session_prints_json(const struct session *session, const json_t *value);

/* "3 minutes ago" of an ISO 8601 time or of milliseconds; static memory of four results. */
const char *session_ago(const json_t *time);

#endif
