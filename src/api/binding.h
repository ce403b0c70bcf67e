/* Bindings of a version: what its worker finds in `env`.
 *
 * A client sends {name, type, ...}; a version keeps the same without texts of secrets, which go
 * beside it. `inherit` stands for what the latest version has under the name and is never kept.
 * A namespace or database that is named must be there; what is deleted later stays named by the
 * versions that have it.
 * Owns: nothing. Thread: any; the registry's with `registry`. Limits: the enum below. */
#ifndef ATOLL_API_BINDING_H
#define ATOLL_API_BINDING_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "registry/registry.h"

enum {
    BINDING_COUNT_MAX = 512,            /* of a version */
    BINDING_NAME_MAX = 256,             /* bytes */
    BINDING_BYTES_MAX = 256 << 10,      /* of all of a version with their secrets, as JSON */
    BINDING_NAMESPACE_MAX = 64,         /* bytes, of a rate limit's */
    BINDING_DATASET_MAX = 100,
    BINDING_LIMIT_MAX = 1000000,        /* of a rate limit, in a period */
    BINDING_CODE_INVALID = 10021,
    BINDING_CODE_INHERIT = 10057,
    BINDING_CODE_SERVICE = 10143,
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
    struct registry *registry; /* where namespaces and databases are; NULL: any will do, */
    const char *account;       /* and whose */
    const char *script;        /* the worker's name: it may be bound to itself; NULL: to nobody */
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

/* A binding of the type "ratelimit": {name, namespace_id, simple: {limit, period}}, as on
 * Cloudflare. Returns 0, or ERR_INVALID with a text that names it. */
NODISCARD int binding_check_ratelimit(const json_t *binding, struct err *err);

/* The types that lead to something stored. */
struct binding_store {
    const char *type;     /* "kv_namespace" */
    const char *kind;     /* "kv", as in registry/storage.h */
    const char *field;    /* of a binding: "namespace_id", */
    const char *alias;    /* or this; NULL: none */
    const char *noun;     /* "KV namespace" */
    const char *create;   /* "kv namespace create" */
    bool by_name;         /* a binding keeps its name, not its id */
};

/* NULL when the type is none of them, or NULL. */
const struct binding_store *binding_store_of(const char *type);

/* What rate limits and datasets have in common: an account's data of such a type is one store, a
 * row with this id. "<owner>/<kind>/all", returned owned; NULL when the type is none of them. */
#define BINDING_SHARED_ID "all"
char *binding_shared_store(const char *type, const char *owner);

/* The type of a kind: "kv_namespace" of "kv". */
const char *binding_store_type(const char *kind);

/* `latest` with the changes of an object of name to binding or null; an array for `wanted`, with
 * `complete` and `by_name`. Returned owned. */
json_t *binding_merge(const json_t *latest, const json_t *changes);

#endif
