/* One HTTP request and its whole answer, waited for.
 *
 * The HTTP client is made with the first request: a program that sends none pays nothing for it.
 * Owns: a loop, an HTTP client. Thread: one. Limits: ROUNDTRIP_*. */
#ifndef ATOLL_REMOTE_ROUNDTRIP_H
#define ATOLL_REMOTE_ROUNDTRIP_H

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"

enum {
    ROUNDTRIP_ANSWER_BYTES_MAX = 128 << 20,
    ROUNDTRIP_TIMEOUT_MS = 60 * 1000,        /* without a byte in either direction */
    ROUNDTRIP_WAIT_MS = 80,                  /* between two calls of on_wait */
};

struct roundtrip;

struct roundtrip_request {
    const char *method;
    const char *url;
    str headers;           /* lines "name: value\n" */
    str body;              /* borrowed for the call; ptr NULL: none */
    bool has_file;         /* this many bytes of a file are the body, from its beginning */
    int file;
    uint64_t file_bytes;
    /* Takes the body of an answer with a status of 2xx, piece by piece; NULL: it is collected.
     * Anything but 0, with a text, ends it all. */
    int (*on_bytes)(void *bytes_context, str bytes, struct err *err);
    void *bytes_context;
    void (*on_wait)(void *context, uint64_t sent, uint64_t total);  /* NULL: nobody looks */
    void *context;
};

struct roundtrip_answer {
    int status;
    struct buf headers;    /* lines "name: value\n", names in small letters */
    struct buf body;
};

/* Returned owned. NULL is fine. */
struct roundtrip *roundtrip_new(void);
void roundtrip_free(struct roundtrip *roundtrip);

uv_loop_t *roundtrip_loop(struct roundtrip *roundtrip);

/* Returns 0 with the answer, whatever its status, or ERR_NETWORK, ERR_TIMEOUT, ERR_LIMIT,
 * ERR_INVALID with a text that names the server. roundtrip_answer_done() is for both. */
NODISCARD int roundtrip_run(struct roundtrip *roundtrip, const struct roundtrip_request *request,
                            struct roundtrip_answer *ret, struct err *err);

void roundtrip_answer_done(struct roundtrip_answer *answer);

#endif
