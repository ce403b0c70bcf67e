/* `atoll serve`: a server of workers as a whole.
 *
 * Registry, fleet of runtimes, REST API, cron, usage, and the signals: SIGTERM and SIGINT drain (a
 * second one does not wait), SIGHUP reads the configuration again, SIGUSR2 replaces the binary.
 * docs/serve.md tells it for people.
 * Owns: all of these, the listening sockets. Thread: the loop's, which it runs. */
#ifndef ATOLL_CONTROL_SERVE_H
#define ATOLL_CONTROL_SERVE_H

#include "control/serve_config.h"

struct serve_options {
    const char *config;                       /* path of the file; NULL: none */
    const struct serve_setting *settings;     /* of the command line; ends with a key of NULL */
    char *const *argv;                        /* to start the next binary with */
};

/* What there is to show at the start; all borrowed. */
struct serve_start {
    const char *url;          /* of workers: "http://NAME.localhost:8787" */
    const char *listen;       /* "127.0.0.1:8787" */
    const char *admin;        /* "http://127.0.0.1:8790" */
    const char *data;
    unsigned runtimes;
    bool again;               /* after SIGUSR2 */
};

struct serve_hooks {
    /* The administrator's token was made: it is shown now or never. */
    void (*on_token)(void *context, const char *token);
    /* Something in the configuration is odd. */
    void (*on_warning)(void *context, const char *text);
    /* Once: connections are accepted. */
    void (*on_ready)(void *context, const struct serve_start *start);
};

/* Runs until it is told to stop. Returns 0, or a negative code with text when it could not start
 * or not go on. */
NODISCARD int serve_run(const struct serve_options *options, const struct serve_hooks *hooks,
                        void *context, struct err *err);

#endif
