/* A line of a worker's own log, or an error of it: where it goes.
 *
 * With --dev at once to the supervisor (`log`); else into the event of the request that it belongs
 * to (runtime/trace.h), or into one of its own when it belongs to none.
 * Owns: nothing. Thread: the loop's.
 * Limits (not with --dev): `log_bytes` of the worker for each request, and LINE_RATE_BYTES a second
 * of a version in a process, LINE_BURST_BYTES of it at once: what is over is left out, and one line
 * says so. LINE_BYTES_MAX for a line. */
#ifndef ATOLL_RUNTIME_LINE_H
#define ATOLL_RUNTIME_LINE_H

#include "engine/isolate.h"
#include "runtime/trace.h"
#include "runtime/version.h"

enum { LINE_BYTES_MAX = 128 << 10, LINE_RATE_BYTES = 256 << 10, LINE_BURST_BYTES = 1 << 20 };

/* For struct isolate_setup: how console lines are wanted, and where they go. */
enum isolate_console line_wanted(struct isolate *iso);
void line_on_console(struct isolate *iso, int level, str text);

/* An error of a worker's, "Name: message" and frames, while it worked for `id` (0: for nobody). */
void line_error(struct version *v, int32_t id, str text);

#endif
