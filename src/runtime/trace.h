/* What a request or event did, for those who watch: log lines, exceptions, outcome.
 *
 *   {"type": "tail", "worker": KEY, "event": {
 *      "outcome": WORD (runtime/outcome.h), "scriptName", "scriptVersion": {"id"},
 *      "eventTimestamp": ms, "event": EVENT,
 *      "logs": [{"message": [any, ...], "level", "timestamp"}],
 *      "exceptions": [{"name", "message", "stack", "timestamp"}],
 *      "cpuTime": ms, "wallTime": ms, "truncated": bool,
 *      "executionModel": "stateless", "diagnosticsChannelEvents": []}}
 *
 *   EVENT: {"request": {"url", "method", "headers": {name: value}, "cf": {}},
 *           "response": {"status"}}
 *          {"cron", "scheduledTime": ms}
 *          null: lines that belong to no request (a start, a timer, a WebSocket's message)
 *
 * It is Cloudflare's trace item: the API hands it to `wrangler tail` as it is. Values of headers
 * that may be secret are "REDACTED", and so are long hexadecimal parts of the URL.
 * `level`: "debug", "log", "info", "warn", "error". A member of `message` is what was given to
 * console.log where JSON can say it, else its text as atoll dev shows it.
 *
 * Told for each request of a worker that is traced; of others when there are lines or exceptions,
 * or the outcome is an error. With --dev none is made: console lines are frames `log`.
 * Owns: the events of requests that run. Thread: the loop's.
 * Limits: TRACE_BYTES_MAX an event (`truncated` says that lines were left out), the worker's
 * log_bytes; TRACE_QUEUED_BYTES_MAX for the supervisor to read, then events are dropped and
 * counted. */
#ifndef ATOLL_RUNTIME_TRACE_H
#define ATOLL_RUNTIME_TRACE_H

#include <jansson.h>

#include "base/str.h"
#include "runtime/outcome.h"

enum { TRACE_BYTES_MAX = 256 << 10, TRACE_QUEUED_BYTES_MAX = 4 << 20 };

struct trace;     /* lines and exceptions of one request or event */

/* Adds a line to *trace, which is made when it is NULL. `message` is JSON text of an array, or any
 * text. */
void trace_log(struct trace **trace, const char *level, str message);

/* Adds an exception. `text` is "Name: message" and the frames of its stack, a line each. */
void trace_exception(struct trace **trace, str text);

void trace_free(struct trace *trace);   /* NULL is fine */

struct trace_subject {
    const char *key;          /* of the worker */
    const char *script;       /* its name */
    const char *version_id;   /* "": none ran */
    enum outcome outcome;
    uint64_t cpu_ns, wall_ns;
    json_t *event;            /* taken; NULL: lines of no request */
};

/* Tells the supervisor. `trace` is taken; NULL: there were no lines. */
void trace_tell(struct trace *trace, const struct trace_subject *subject);

/* The `event` of a request, returned owned: `headers` is lines "name: value\n". */
json_t *trace_request_event(str method, str url, str headers, int status);

/* How many events were dropped since the last call. */
size_t trace_take_dropped(void);

#endif
