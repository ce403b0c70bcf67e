/* The REST API: Cloudflare's paths and shapes under /client/v4; /oauth2, /metrics and /healthz.
 *
 * A server of its own (http/server.h) on the admin address. Each request is authenticated, checked
 * for its scope, routed by the tables of the api_*.c files, and what it changed is written to the
 * audit log.
 * Owns: the server, calls that wait, tails. Thread: the loop's.
 * Limits: API_BODY_BYTES_MAX for a request, 64 KiB for one without a token. */
#ifndef ATOLL_API_API_H
#define ATOLL_API_API_H

#include <uv.h>

#include "api/platform.h"
#include "registry/registry.h"

enum { API_BODY_BYTES_MAX = 100 << 20 };

struct api;

/* Serves the listening descriptor (taken). registry and platform are kept. */
NODISCARD int api_start(uv_loop_t *loop, int listen_fd, struct registry *registry,
                        const struct platform *platform, struct api **ret, struct err *err);

/* An event of a worker (docs/internals/link.md, `tail`), for those who tail it. Borrowed. */
void api_on_tail(struct api *api, const char *key, const json_t *event);

/* Ends tails and idle connections, finishes calls that run; then on_stopped, once, and the api's
 * memory is gone. */
void api_stop(struct api *api, void (*on_stopped)(void *context), void *context);

#endif
