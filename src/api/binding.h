/* Bindings of a version: what its worker finds in `env`.
 *
 * A client sends {name, type, ...}; a version keeps the same without texts of secrets, which go
 * beside it. `inherit` stands for what the latest version has under the name and is never kept.
 * Owns: nothing. Thread: any. Limits: the enum below. */
#ifndef ATOLL_API_BINDING_H
#define ATOLL_API_BINDING_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

enum {
    BINDING_COUNT_MAX = 512,            /* of a version */
    BINDING_NAME_MAX = 256,             /* bytes */
    BINDING_BYTES_MAX = 256 << 10,      /* of all of a version with their secrets, as JSON */
    BINDING_CODE_INVALID = 10021,
    BINDING_CODE_INHERIT = 10057,
};

/* What is asked for, and what it may refer to. Borrowed. */
struct binding_request {
    const json_t *wanted;      /* array as a client sends it; NULL: none */
    const json_t *keep;        /* array of types that live on though nobody asks; NULL: none.
                                * secret_text always does */
    const json_t *latest;      /* bindings of the latest version; NULL: there is none */
    const json_t *secrets;     /* its secrets: object of name to text; NULL: none */
    const json_t *modules;     /* array of {name}: for `part`; NULL: any part will do */
    bool is_script;            /* service-worker format: wasm_module and its like are possible */
    bool complete;             /* `wanted` is everything: what it leaves out is gone */
    bool by_name;              /* {name, type} without more stands for what the latest has */
};

struct binding_set {
    json_t *bindings;   /* array for script_version_add() */
    json_t *secrets;    /* object of name to text */
};

/* Checks and resolves. Returns 0 with the set, returned owned, or ERR_INVALID, ERR_LIMIT with the
 * API's code in *ret_code and a text that names the binding. */
NODISCARD int binding_resolve(const struct binding_request *request, struct binding_set *ret,
                              int *ret_code, struct err *err);

void binding_set_done(struct binding_set *set);

/* `latest` with the changes of an object of name to binding or null; an array for `wanted`, with
 * `complete` and `by_name`. Returned owned. */
json_t *binding_merge(const json_t *latest, const json_t *changes);

#endif
