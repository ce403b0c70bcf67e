/* The text of worker-configuration.d.ts: what TypeScript is to know of a worker's `env`, and of the
 * platform.
 *
 * Env has a property for each variable and each secret of .dev.vars, over all environments of
 * the configuration: a union of what they give it, optional where one of them has it not.
 * Owns: nothing. Thread: any one; reading blocks. Limits: TYPES_BYTES_MAX. */
#ifndef ATOLL_CONTROL_TYPES_H
#define ATOLL_CONTROL_TYPES_H

#include "base/buf.h"
#include "control/config.h"

enum { TYPES_BYTES_MAX = 8 << 20 };

struct types_request {
    const char *path;          /* a directory, a configuration file or a script */
    const char *environment;   /* only this one; NULL: the top of the file and all environments */
    bool literal;              /* the type of a variable is its value, not string, number ... */
};

/* Appends the text to `out` and gives the directory it belongs to, returned owned. Returns 0, or
 * the code and text of config_read(), or ERR_NOT_FOUND when the platform's types are not beside
 * the binary. */
NODISCARD int types_make(const struct types_request *request, struct buf *out,
                         char **ret_directory, struct err *err);

#endif
