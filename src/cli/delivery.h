/* A project on its way to a server: what `atoll deploy` and `atoll versions upload` share.
 *
 *     delivery_open ──> delivery_log_in ──> delivery_pack ──> delivery_provision ──>
 *     delivery_upload ──> delivery_close
 *
 * The bundler starts in the first step and works while the second one speaks to the server.
 * Each step returns EXIT_DONE, or the exit status after an error was printed.
 * Owns: all it points to. Thread: one. */
#ifndef ATOLL_CLI_DELIVERY_H
#define ATOLL_CLI_DELIVERY_H

#include "cli/session.h"
#include "remote/package.h"

enum { DELIVERY_SECRETS_BYTES_MAX = 1 << 20, DELIVERY_ID_SHOWN = 8 };

struct delivery {
    const struct cli_args *args;
    struct session session;        /* after delivery_log_in() */
    struct config *config;
    json_t *vars, *secrets;        /* objects of strings */
    struct package_job *job;       /* until delivery_pack() */
    struct package *package;       /* after it */
    uv_loop_t loop;                /* the bundler's */
    uint64_t started_ns;
};

/* Rows that both commands have, for their tables of options. */
#define DELIVERY_OPTIONS                                                                          \
    {"message", "TEXT", "say what the version is about"},                                         \
    {"tag", "TAG", "name the version"},                                                           \
    {"var", "NAME:VALUE", "set a variable, over the configuration's; may be given again"},        \
    {"secrets-file", "FILE", "set secrets: NAME=value lines, or a JSON object"},                  \
    {"keep-vars", NULL, "keep variables that the configuration does not have"},                   \
    {"minify", NULL, "minify what is uploaded"},                                                  \
    {"outdir", "DIRECTORY", "write what is uploaded there, too"},                                 \
    {"dry-run", NULL, "bundle and check, show what would be sent, send nothing"}

/* Reads options and configuration, runs the project's own build, starts the bundler. */
NODISCARD int delivery_open(struct delivery *delivery, const struct cli_args *args);

NODISCARD int delivery_log_in(struct delivery *delivery);

/* Waits for the bundler; says its warnings; writes --outdir. */
NODISCARD int delivery_pack(struct delivery *delivery);

/* With --dry-run: prints what would be sent. */
void delivery_show(const struct delivery *delivery);

/* Finds what the bindings stand for on the server, and makes what is not there; says what it
 * made. */
NODISCARD int delivery_provision(struct delivery *delivery);

/* Sends the form; `path` is taken. Prints "Uploaded ..." unless --json is given; `*ret` is the
 * server's answer, returned owned. */
NODISCARD int delivery_upload(struct delivery *delivery, const char *method, char *path,
                              json_t **ret);

/* Sets what the configuration says of addresses, routes, domains and schedules, as far as it
 * differs from `uploaded`, the server's answer. `*ret_urls` are all addresses then, returned owned.
 * Goes on after a failure and returns its exit status. */
NODISCARD int delivery_trigger_set(struct delivery *delivery, const json_t *uploaded,
                                    json_t **ret_urls);

/* Milliseconds since delivery_open(). */
double delivery_ms(const struct delivery *delivery);

void delivery_close(struct delivery *delivery);

#endif
