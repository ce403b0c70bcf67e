/* The configuration of `atoll serve`: a file in TOML or JSON with comments, and the command line,
 * which wins. docs/serve.md lists the keys.
 *
 * Owns: its strings and JSON values. Thread: any one; reading blocks.
 * Limits: those of config_file.h; ranges stand in the table of serve_config.c. */
#ifndef ATOLL_CONTROL_SERVE_CONFIG_H
#define ATOLL_CONTROL_SERVE_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

enum {
    SERVE_CONFIG_LISTEN_PORT = 8787,
    SERVE_CONFIG_ADMIN_PORT = 8790,
    SERVE_CONFIG_MEMORY_MIB = 2048,
    SERVE_CONFIG_IDLE_SECONDS = 300,
    SERVE_CONFIG_LOG_MIB = 4,
    SERVE_CONFIG_CACHE_MIB = 1024,
    SERVE_CONFIG_HOST_BYTES_MAX = 253,
};

struct serve_address {
    char *ip;
    int port;    /* 0: any free one */
};

struct serve_config {
    char *data;               /* directory, absolute */
    struct serve_address listen, admin;
    struct serve_address s3;  /* without an ip: there is no S3 API */
    char *s3_url;             /* where clients find it; NULL: at its address */
    char *domain;             /* lower case */
    char *public_url;         /* NULL: made of the domain and the port */
    char *outbound;           /* as http/outbound.h reads it */
    char *sandbox_user;       /* "": the user who started it; NULL: no sandbox */
    bool sandbox_given;       /* or it is for the server to choose one */
    char *cgroup;             /* NULL: none */
    uint64_t runtimes;        /* 0: one per core */
    uint64_t slow_lane;       /* 0: two per core */
    uint64_t memory_mib;
    uint64_t idle_seconds;    /* 0: for ever */
    uint64_t log_mib;         /* per worker */
    uint64_t cache_mib;
    struct limits limits;     /* of every worker that has no others */
    bool limits_given[16];    /* [row of limits_rows]: the file sets it */
    json_t *prices;           /* object: currency and numbers */
    json_t *warnings;         /* array of strings for a person */
};

/* A setting of the command line by its key ("listen"). */
struct serve_setting {
    const char *key;
    const char *value;
};

/* Reads `path` (NULL: no file) and then `settings` (ends with a key of NULL). Returns 0 with the
 * configuration, returned owned; else a negative code and a text that says where, what was found
 * and what was expected. */
NODISCARD int serve_config_read(const char *path, const struct serve_setting *settings,
                                struct serve_config **ret_config, struct err *err);

/* NULL is fine. */
void serve_config_free(struct serve_config *config);

#endif
