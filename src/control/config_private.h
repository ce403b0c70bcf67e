/* What the files of the configuration reader share: config.c, config_binding.c, config_trigger.c.
 *
 * Owns: nothing. Thread: as config.h. */
#ifndef ATOLL_CONTROL_CONFIG_PRIVATE_H
#define ATOLL_CONTROL_CONFIG_PRIVATE_H

#include "control/config.h"
#include "control/config_file.h"

/* What one call of config_read() works with. */
struct config_reader {
    const struct config_request *request;
    struct config_file *file;
    json_t *section;       /* of the environment, borrowed; NULL: none */
    struct config *config;
    struct err *err;
};

/* True when the environment's section says something of `key`, which is then what counts. */
bool config_is_own(const struct config_reader *rd, const char *key);

/* Fills rd->err with the place of `key`, or of `inner` in it (NULL: none), and the text; returns
 * ERR_INVALID. */
int config_complain(const struct config_reader *rd, const char *key, const char *inner,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Adds to config->bindings what the sections for bindings say. */
NODISCARD int config_binding_take(struct config_reader *rd);

/* Checks triggers, routes and domains, which stand in config->deploy. */
NODISCARD int config_trigger_check(struct config_reader *rd);

#endif
