/* How a request or event ended, in one table: the word that is counted and told, the HTTP status
 * and the text of the page that its client gets.
 *
 * The words are Cloudflare's where it has one. docs/errors.md has a row for each.
 * Owns: nothing. Thread: any. */
#ifndef ATOLL_RUNTIME_OUTCOME_H
#define ATOLL_RUNTIME_OUTCOME_H

#include <stdbool.h>

/* Name, word, whether it is an error, HTTP status, title. */
#define OUTCOME_MAP(X)                                                                             \
    X(OUTCOME_OK, "ok", false, 0, "")                                                              \
    X(OUTCOME_EXCEPTION, "exception", true, 500, "The worker threw an exception")                  \
    X(OUTCOME_NOT_FOUND, "scriptNotFound", true, 500, "This worker cannot run")                    \
    X(OUTCOME_CPU, "exceededCpu", true, 503,                                                       \
      "This request was ended: the worker exceeded its CPU time limit")                            \
    X(OUTCOME_MEMORY, "exceededMemory", true, 503,                                                 \
      "This request was ended: the worker exceeded its memory limit")                              \
    X(OUTCOME_WALL_TIME, "exceededWallTime", true, 503,                                            \
      "This request was ended: it took longer than the worker's time limit")                       \
    X(OUTCOME_REQUEST_BYTES, "requestTooLarge", true, 413,                                         \
      "The request's body is larger than this worker takes")                                       \
    X(OUTCOME_RESPONSE_BYTES, "responseTooLarge", true, 500,                                       \
      "The worker's answer is larger than its limit")                                              \
    X(OUTCOME_CONCURRENCY, "exceededConcurrency", true, 429,                                       \
      "Too many requests to this worker at once")                                                  \
    X(OUTCOME_LOAD_SHED, "loadShed", true, 503, "Too many requests wait for this worker")          \
    X(OUTCOME_QUARANTINED, "quarantined", true, 503, "This worker is in quarantine")               \
    X(OUTCOME_INTERNAL, "internalError", true, 503, "This request was ended")                      \
    X(OUTCOME_CANCELED, "canceled", false, 0, "")                                                  \
    X(OUTCOME_DISCONNECTED, "responseStreamDisconnected", false, 0, "")

enum outcome {
#define OUTCOME_ENUM(name, word, error, status, title) name,
    OUTCOME_MAP(OUTCOME_ENUM)
#undef OUTCOME_ENUM
    OUTCOME_COUNT
};

struct outcome_row {
    const char *word;
    bool error;         /* counts among `errors` */
    int status;         /* of the page; 0: there is none */
    const char *title;
};

extern const struct outcome_row outcome_rows[OUTCOME_COUNT];

/* OUTCOME_CPU for ERR_CPU_LIMIT, OUTCOME_MEMORY for ERR_MEM_LIMIT, else OUTCOME_INTERNAL. */
enum outcome outcome_of_error(int code);

#endif
