/* One configuration file as JSON, with words for what is wrong in it.
 *
 * Owns: its text and its value. Thread: any one. Limits: CONFIG_FILE_BYTES_MAX. */
#ifndef ATOLL_CONTROL_CONFIG_FILE_H
#define ATOLL_CONTROL_CONFIG_FILE_H

#include <jansson.h>

#include "base/buf.h"

enum { CONFIG_FILE_BYTES_MAX = 1 << 20 };

struct config_file {
    char *path;      /* absolute */
    char *shown;     /* as a person in the working directory would write it */
    struct buf text;
    json_t *top;     /* an object */
    bool toml;
};

/* Reads and parses `path` (absolute; kept as a copy) by its extension.
 * Returns 0 with the file, returned owned; else a negative code and a text. */
NODISCARD int config_file_open(const char *path, struct config_file **ret_file, struct err *err);

/* NULL is fine. */
void config_file_free(struct config_file *file);

/* Fills `err` with ERR_INVALID and "<file>:<line>:<column>: <text>" for the value that `keys`
 * (ends with NULL) lead to, and returns ERR_INVALID. */
int config_file_complain(const struct config_file *file, const char *const *keys, struct err *err,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "a string", "a number", ...: the kind of a value in the words of the file's language. */
const char *config_file_kind(const struct config_file *file, const json_t *value);

/* `path` (absolute) as a person in the working directory would write it. Returned owned. */
char *config_file_shown(const char *path);

#endif
