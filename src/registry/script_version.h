/* Versions of a script: code, bindings, secrets, settings. Immutable.
 *
 * A row: {id, script_id, number (1, 2, ... of the script), created_ms, source, author_id,
 * author_email, annotations, handlers (array), startup_ms, etag (of the modules), main_module,
 * compatibility_date, compatibility_flags, limits (what its author asks for), bindings (array as
 * the API shows it: secret_text without text), parts (array of {name, kind, bytes, hash}: what
 * runs), modules (array of {name, type, bytes, hash}: what was uploaded), assets (missing, or
 * {manifest, files, bytes, script, config}: registry/asset.h)}.
 * Secrets are stored encrypted (AES-256-GCM, bound to version and name) and are in no row.
 * Owns: nothing. Thread: the loop's. Limits: SCRIPT_VERSIONS_MAX of a script, the oldest that no
 * deployment names go; SCRIPT_VERSION_NAME_MAX bytes for a secret's name, 1 MiB for its text; those
 * of base/limits.h are the caller's to check. */
#ifndef ATOLL_REGISTRY_SCRIPT_VERSION_H
#define ATOLL_REGISTRY_SCRIPT_VERSION_H

#include "registry/registry.h"

enum { SCRIPT_VERSIONS_MAX = 100, SCRIPT_VERSION_NAME_MAX = 255 };

/* The contents of parts or modules, one behind the other in the order of their array. */
struct script_version_contents {
    str parts;
    str modules;
};

/* All borrowed. */
struct script_version_draft {
    const json_t *row;        /* needs no id, script_id, number, created_ms, hashes or etag */
    const json_t *secrets;    /* an object of name to text; NULL: none */
    const struct script_version_contents *contents;    /* NULL: a copy of another version */
};

/* Each secret has its binding {name, type: "secret_text"} added when it is missing. In a copy,
 * parts and modules keep the hashes they have: ERR_NOT_FOUND when no version has these contents any
 * more. ERR_INVALID when a secret's binding has no text or is another binding, too, or the contents
 * are not as long as the row says. */
NODISCARD int script_version_add(struct registry *registry, int64_t script_id,
                                 const struct script_version_draft *draft, json_t **ret,
                                 struct err *err);

/* ERR_NOT_FOUND also when it is another script's. */
NODISCARD int script_version_get(struct registry *registry, int64_t script_id, const char *id,
                                 json_t **ret, struct err *err);

/* The newest; ERR_NOT_FOUND when there is none. */
NODISCARD int script_version_latest(struct registry *registry, int64_t script_id, json_t **ret,
                                    struct err *err);

/* An array, newest first. */
NODISCARD int script_version_list(struct registry *registry, int64_t script_id, size_t offset,
                                  size_t limit, json_t **ret, struct err *err);

/* Its secrets in plain text: an object of name to text. */
NODISCARD int script_version_secrets(struct registry *registry, const char *id, json_t **ret,
                                     struct err *err);

/* Appends the contents of an array of {bytes, hash} (a row's parts or modules) to `out`. ERR_IO
 * when one is missing or not what its hash says. */
NODISCARD int script_version_contents(struct registry *registry, const json_t *items,
                                      struct buf *out, struct err *err);

#endif
