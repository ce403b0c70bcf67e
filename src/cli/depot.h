/* The KV namespace or database that a command is about: on a server, or the one that `atoll dev`
 * keeps in this project (--local), which works whether that runs or not.
 *
 * Owns: the session, a loop for local calls. Thread: one. */
#ifndef ATOLL_CLI_DEPOT_H
#define ATOLL_CLI_DEPOT_H

#include "api/binding.h"
#include "cli/session.h"

struct depot {
    struct session session;
    struct config *config;             /* NULL: there is none here */
    const struct binding_store *kind;
    bool is_local;
    char *place;                       /* local: the storage directory, */
    char *store;                       /* and the store in it */
    char *id;                          /* on a server: its id or name there */
};

/* Options of all such commands: --local, --remote, --persist-to. */
#define DEPOT_OPTIONS                                                                              \
    {"local", NULL, "what atoll dev keeps here, not the server's"},                               \
    {"remote", NULL, "what the server has (that is so anyhow)"},                                  \
    {"persist-to", "DIRECTORY", "where atoll dev keeps it (.atoll)"}

/* Opens the store that `name` means: the name of a binding of the configuration, else an id or a
 * name. `type` is a binding's type. Returns EXIT_DONE, or the exit status after an error was
 * printed; depot_close() is for both. */
NODISCARD int depot_open(struct depot *depot, const struct cli_args *args, const char *type,
                         const char *name);
void depot_close(struct depot *depot);

/* The same for what all bindings of this type in an account share: datasets. */
NODISCARD int depot_open_shared(struct depot *depot, const struct cli_args *args,
                                const struct binding_store *kind);

/* Only the configuration, if there is one, or one is named. depot_open() does that itself. */
NODISCARD int depot_read_config(struct depot *depot, const struct cli_args *args);

/* For who has opened a session with a worker, and needs both: the id of what the live worker has
 * under the name, when the configuration leaves that to the deploy; the store that `atoll dev`
 * keeps in `state` (NULL: .atoll beside the configuration). Both fill in the depot. */
NODISCARD int depot_find_deployed(struct depot *depot, const char *name, struct err *err);
void depot_place(struct depot *depot, const char *state, const char *name);

/* A call in the words of bindings/storage_call.h; `args` is taken by depot_call() (NULL: none). */
struct depot_words {
    const char *call;
    json_t *args;
    str bytes;
};

/* Calls a local store. The result and the bytes are added where wanted. */
NODISCARD int depot_call(struct depot *depot, const struct depot_words *words,
                         json_t **ret_result, struct buf *out, struct err *err);

/* Prints the error; returns the exit status. */
int depot_fail(struct depot *depot, const struct err *err);

/* All of a file, or of standard input for "-". */
NODISCARD int depot_read(const char *path, struct buf *out, struct err *err);

/* Bytes as a text of JSON, in base64. Returned owned. */
json_t *depot_base64(str bytes);

#endif
