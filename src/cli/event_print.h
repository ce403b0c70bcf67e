/* What a request or another event of a worker did (runtime/trace.h), as a person reads it.
 *
 *   GET http://hello.localhost:8787/a - Ok @ 2026-11-21 10:44:30 (200, 3 ms)
 *     (log) said once
 *     TypeError: x is not a function
 *         at fetch (index.js:3:5)
 *
 * All of it comes from a server and its tenants: control characters are made harmless, members of
 * another type or without sense are left out. Owns: nothing. Thread: one. */
#ifndef ATOLL_CLI_EVENT_PRINT_H
#define ATOLL_CLI_EVENT_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Prints to `stream`, in colours where it has them. */
void event_print(FILE *stream, const json_t *event);

/* The same event on standard output, as one line of JSON when `json`. */
void event_print_as(const json_t *event, bool json);

/* The on_note of remote/tail.h: a line on standard error. */
void event_print_note(void *context, const char *text);

#endif
