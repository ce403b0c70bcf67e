/* A worker's configuration, read from wrangler.jsonc, wrangler.json or wrangler.toml, or made up
 * for a script that stands alone.
 *
 * Follows wrangler's rules: an environment's section replaces what it names, inherits the rest,
 * but for `vars`, `define` and bindings, which it must repeat.
 * Owns: its strings and JSON values. Thread: any one; reading blocks.
 * Limits: files of 1 MiB; CONFIG_VARS_BYTES_MAX for all variables; CONFIG_NAME_MAX. */
#ifndef ATOLL_CONTROL_CONFIG_H
#define ATOLL_CONTROL_CONFIG_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

enum {
    CONFIG_NAME_MAX = 63,                 /* a worker's name is a label of a host name */
    CONFIG_CPU_MS_DEFAULT = 30 * 1000,
    CONFIG_CPU_MS_MAX = 5 * 60 * 1000,
    CONFIG_VARS_BYTES_MAX = 512 * 1024,   /* as JSON: they travel in one frame */
};

struct config {
    unsigned refs;
    char *file;                   /* absolute; NULL for a script alone */
    char *root;                   /* absolute directory that relative paths start from */
    char *name;
    char *environment;            /* whose section was read; NULL: the top of the file */
    char *main;                   /* absolute path of the module to start at; it exists, or
                                   * build_command is to make it; NULL: there are only assets */
    char *build_command;          /* what to run before bundling; NULL: nothing */
    char *build_directory;        /* absolute: where it runs; NULL with the command */
    json_t *build_watch;          /* array of absolute directories that it reads; NULL with it */
    json_t *vars;                 /* object: string or JSON value each */
    json_t *bindings;             /* array: all others, in the shapes of an upload's metadata */
    char *compatibility_date;     /* NULL when not given */
    json_t *compatibility_flags;  /* array of strings */
    uint64_t cpu_ms;
    json_t *build;                /* object: the checked settings that control/bundle.c reads */
    json_t *deploy;               /* object: those that remote/package.c reads, as they stand */
    json_t *environments;         /* array of the names that the file has sections for */
    json_t *warnings;             /* array of strings for a person */
};

struct config_request {
    const char *path;          /* a directory, a configuration file or a script */
    const char *environment;   /* --env; NULL: the top of the file */
    const json_t *vars;        /* object of strings that win over the file's; NULL: none */
    bool dev_vars;             /* also read .dev.vars beside the file */
};

/* Reads and checks. Returns 0 with the configuration, returned owned; else a negative code and a
 * text that says file, line and column, what was found and what was expected. */
NODISCARD int config_read(const struct config_request *request, struct config **ret_config,
                          struct err *err);

struct config *config_ref(struct config *config);

/* Drops one reference; the last one frees. NULL is fine. */
void config_unref(struct config *config);

/* True for what can be a worker's name: 1 to CONFIG_NAME_MAX small letters, digits, "_" and, not
 * first, "-". */
bool config_is_name(str name);

/* The files that config_read() looked at or would have, absolute, for a watcher: calls `each` with
 * a borrowed path. */
void config_each_file(const char *root, const char *environment,
                      void (*each)(void *context, const char *path), void *context);

#endif
