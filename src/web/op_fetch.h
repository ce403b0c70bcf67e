/* A fetch's body that goes somewhere in C, without entering JavaScript: for ops of other files.
 *
 *   op_fetch_pipe() ──> data* ──> end
 *
 * Owns: nothing; the sink is memory of the caller's, which is in use while `fetch` is set.
 * Thread: the loop's. Limits: what was held back before data() said stop, 64 KiB or so. */
#ifndef ATOLL_WEB_OP_FETCH_H
#define ATOLL_WEB_OP_FETCH_H

#include <JavaScriptCore/JavaScript.h>

#include "base/str.h"

struct fetch;

struct op_fetch_sink {
    struct fetch *fetch; /* NULL when nothing comes or will come */

    /* Takes a piece (borrowed). False: no more before op_fetch_sink_resume(). */
    bool (*data)(struct op_fetch_sink *sink, str bytes);

    /* All has come, or `error` tells a person why not. `fetch` is NULL by then. */
    void (*end)(struct op_fetch_sink *sink, const char *error);
};

/* Gives what has come of the body of `fetch`, an object of op_fetch_start(), to `sink`, and what
 * will come when it comes; data() and end() may be called before this returns. False when `fetch`
 * is no such object, or was given to a sink already. */
bool op_fetch_pipe(JSContextRef ctx, JSValueRef fetch, struct op_fetch_sink *sink);

/* The answer's header lines, "name: value\n" each; borrowed until the object goes. None of another
 * object. */
str op_fetch_head_lines(JSContextRef ctx, JSValueRef fetch);

/* Nobody wants the body; nothing is done to another object. */
void op_fetch_discard(JSContextRef ctx, JSValueRef fetch);

void op_fetch_sink_resume(struct op_fetch_sink *sink);

/* Nobody wants the rest: neither data() nor end() is called any more. */
void op_fetch_sink_drop(struct op_fetch_sink *sink);

#endif
