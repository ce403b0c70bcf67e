/* Uploaded modules made into what runs: bundled by esbuild, then loaded once in a throw-away
 * isolate under the start-up limit. See platform.h: struct platform's `build`.
 *
 * Owns: a build owns its private directory and esbuild's process, until on_done. Thread: the
 * loop's. Limits: those of bundle.h; UPLOAD_BUILDS_MAX at once,
 * UPLOAD_ACCOUNT_BUILDS_MAX of one account; further ones wait their turn. */
#ifndef ATOLL_CONTROL_UPLOAD_H
#define ATOLL_CONTROL_UPLOAD_H

#include <uv.h>

#include "api/platform.h"
#include "control/fleet.h"

enum { UPLOAD_BUILDS_MAX = 4, UPLOAD_ACCOUNT_BUILDS_MAX = 2 };

/* Arguments of struct platform's `build`; all are borrowed for the call. */
struct upload_request {
    const char *account;      /* NULL: nobody's */
    const json_t *version;
    const json_t *secrets;    /* NULL: none */
    const json_t *modules;
    str blob;
    void (*on_done)(void *arg, const struct platform_build *build);
    void *arg;
    /* What loads the version once; NULL: fleet_check(). */
    void (*check)(struct fleet *fleet, json_t *version, str blob,
                  void (*on_done)(void *arg, const json_t *checked), void *arg);
};

/* on_done is called later, exactly once, for as long as the loop runs. */
void upload_build(uv_loop_t *loop, struct fleet *fleet, const struct upload_request *request);

/* The `config` of a version's frame: vars and secrets of its bindings, those that lead to something
 * stored (`bindings`, with stores of the account; NULL: nobody's, there are none), compatibility.
 * Returned owned; arguments borrowed, secrets may be NULL. */
json_t *upload_config(const json_t *version, const json_t *secrets, const char *account);

/* {name, type, id, store} of a binding of an upload ({name, type, ...}) whose data is kept under
 * `owner`, an account; NULL when it leads to nothing stored. A binding without an id is called by
 * its name. What cannot stand in a path becomes "_". Returned owned. */
json_t *upload_store(const json_t *binding, const char *owner);

/* The binding with `store` added, the place of the data that all bindings of its type share under
 * `owner`: rate limits, datasets; NULL when it is none of them. Returned owned. */
json_t *upload_shared(const json_t *binding, const char *owner);

/* What a version can know of itself, {id, tag, timestamp}, of its {id, created_ms, annotations?}.
 * Returned owned. */
json_t *upload_metadata(const json_t *version);

/* {name, type, worker, entrypoint?, props?} of a binding to another worker of `account` (NULL: keys
 * of workers are their names); NULL when it is none. Returned owned. */
json_t *upload_service(const json_t *binding, const char *account);

#endif
