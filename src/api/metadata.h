/* The metadata of an upload, and the settings of a change: what atoll acts on of them.
 *
 * Unknown keys are ignored, as new ones appear with each wrangler; what asks for a service that
 * does not exist here is refused.
 * Owns: what it read. Thread: any. Limits: the enum below. */
#ifndef ATOLL_API_METADATA_H
#define ATOLL_API_METADATA_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

enum {
    METADATA_FLAGS_MAX = 64,
    METADATA_TEXT_MAX = 1000,       /* bytes of an annotation, of a compatibility flag */
    METADATA_SETTINGS_BYTES_MAX = 64 << 10,
};

struct metadata {
    json_t *fields;        /* of the version's row: main_module, compatibility_date,
                            * compatibility_flags, limits; those that were given */
    json_t *settings;      /* for script_update(): logpush, observability, ... as given */
    json_t *own_settings;  /* of those, what belongs to the version: min_instances */
    json_t *annotations;   /* "workers/message", "workers/tag", "workers/alias" as given */
    json_t *bindings;      /* array as given; NULL: none were */
    json_t *keep;          /* array of types; NULL: none */
    json_t *assets;        /* {jwt?, config?}; NULL: it has none */
    bool keep_assets;      /* those of the latest version */
    bool is_script;        /* service-worker format */
};

/* Reads an object. `partial`: nothing is needed, as a change leaves out what stays. ERR_INVALID
 * with a text for the client; *ret is empty then. */
NODISCARD int metadata_read(const json_t *object, bool partial, struct metadata *ret,
                            struct err *err);

/* An empty one is fine. */
void metadata_done(struct metadata *metadata);

/* The settings of a script that a client may change, as it gave them: for script_update().
 * Returned owned, in *ret. */
NODISCARD int metadata_read_settings(const json_t *object, json_t **ret, struct err *err);

/* The annotations of an object that a client may set. Returned owned, in *ret. */
NODISCARD int metadata_read_annotations(const json_t *object, json_t **ret, struct err *err);

/* What a worker may use of the limit `key`, by its account's and its script's rows (either may be
 * NULL): what the operator said last, else the default. */
uint64_t metadata_allowance(const char *key, const json_t *account, const json_t *script);

/* What its author asks for must not be more than that, but for cpu_ms, which authors may choose. */
NODISCARD int metadata_check_limits(const json_t *limits, const json_t *account,
                                    const json_t *script, struct err *err);

#endif
