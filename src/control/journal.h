/* What happens to a server, told to its operator: lines of JSON on standard output.
 *
 *     {"ts":"2026-11-21T08:00:00.123Z","level":"info","event":"runtime.died","process":3}
 *
 * Writing never blocks: lines wait in a queue while the reader is slow, and are dropped and counted
 * when that is full; a line "journal.dropped" says so as soon as there is room. The descriptor's
 * flags are left alone, because it is shared with whoever started us.
 * Owns: the queue, a timer. Thread: the loop's. Limits: JOURNAL_QUEUE_MAX bytes that wait;
 * JOURNAL_LINE_MAX for one line, of a longer one only its head is written. */
#ifndef ATOLL_CONTROL_JOURNAL_H
#define ATOLL_CONTROL_JOURNAL_H

#include <jansson.h>
#include <uv.h>

#include "base/err.h"

enum {
    JOURNAL_QUEUE_MAX = 1 << 20,
    JOURNAL_LINE_MAX = 64 * 1024,
    JOURNAL_STOP_MS = 500,    /* what journal_stop() waits for a slow reader */
};

enum journal_level { JOURNAL_DEBUG, JOURNAL_INFO, JOURNAL_WARN, JOURNAL_ERROR };

struct journal;

/* Writes to `fd` (kept, not closed) what is of `least` level or above. Returned owned. */
struct journal *journal_start(uv_loop_t *loop, int fd, enum journal_level least);

/* Writes an object (taken): `event` ("runtime.died") and `level` (a name; "info" when it is
 * missing) go in front, then what else it has; `ts` is added. NULL journal or object is fine. */
void journal_write(struct journal *journal, json_t *object);

/* The same of a level, an event's name, and fields in the format of json_pack() without braces;
 * "s:s, s:i" takes a name and a text, then a name and a number.
 * `format` may be "". A value that json_pack() cannot take leaves the fields out. */
void journal_say(struct journal *journal, enum journal_level level, const char *event,
                 const char *format, ...);

/* How many lines were dropped since the start. */
uint64_t journal_dropped(const struct journal *journal);

/* Writes what waits, for JOURNAL_STOP_MS at most. Its memory is gone when the loop has run once
 * more. NULL is fine. */
void journal_stop(struct journal *journal);

#endif
