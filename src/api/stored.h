/* Calls for what tenants store, from a handler's side: the row that is meant, the call to the
 * platform, its failures as answers.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_API_STORED_H
#define ATOLL_API_STORED_H

#include "api/call.h"

/* What one kind of store is called; a constant. */
struct stored_kind {
    const char *kind;        /* "kv", as in registry/storage.h */
    const char *type;        /* "kv_namespace", as in a binding */
    const char *noun;        /* "KV namespace" */
    const char *param;       /* of the path: ":namespace" is "namespace" */
    int code_none;           /* the API's numbers: there is none, */
    int code_taken;          /* its name is taken */
    bool by_name;            /* bindings know it by its name */
};

/* The row that the path names by id or name, returned owned; NULL after the call was answered. */
json_t *stored_row(struct call *call, const struct stored_kind *kind);

/* Makes a row: name, id and settings (both may be NULL; settings are taken). NULL after the call
 * was answered. Returned owned. */
json_t *stored_add(struct call *call, const struct stored_kind *kind, const char *name,
                   const char *id, json_t *settings);

/* Page `page` of the account's rows, those called `name` (NULL: all), each as `shape` makes it. */
void stored_list(struct call *call, const struct stored_kind *kind, const char *name,
                 json_t *(*shape)(const json_t *row));

/* Deletes the row of the path, has the workers that use it told, and the data removed; answers. */
void stored_delete(struct call *call, const struct stored_kind *kind);

/* One of the kind's words; `args` is taken by stored_ask(), and may be NULL. */
struct stored_words {
    const char *name;
    json_t *args;
    str bytes;
};

/* Asks for that about the row. on_done gets the call. */
void stored_ask(struct call *call, const struct stored_kind *kind, const json_t *row,
                const struct stored_words *words,
                void (*on_done)(void *call, const struct platform_stored *stored));

/* True after a failure was answered: what is not there and what is wrong with `code` (0: one that
 * fits). */
bool stored_failed(struct call *call, const struct platform_stored *stored, int code);

/* For on_done: the result as it came, or the failure. */
void stored_answer(void *call, const struct platform_stored *stored);

#endif
