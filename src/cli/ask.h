/* Questions to a person at a terminal.
 *
 * Owns: nothing. Thread: one; waits for the answer. Limits: ASK_BYTES_MAX. */
#ifndef ATOLL_CLI_ASK_H
#define ATOLL_CLI_ASK_H

#include <stdbool.h>

#include "base/buf.h"

enum { ASK_BYTES_MAX = 1 << 20 };

/* True when standard input and standard error are a terminal: somebody is there to answer. */
bool ask_is_possible(void);

/* "question [y/N] ". True for yes; false for everything else, also when nobody is there. */
bool ask_yes(const char *question);

/* A line that is typed after "question ", without its end. Returns 0; ERR_CLOSED at the end of
 * input, or when nobody is there; ERR_LIMIT. */
NODISCARD int ask_line(const char *question, struct buf *out);

/* Reads a secret: at a terminal after `prompt` and unseen, else all of standard input without its
 * last line end. Returns 0, ERR_LIMIT, ERR_IO, or ERR_CLOSED when nothing came. */
NODISCARD int ask_secret(const char *prompt, struct buf *out, struct err *err);

#endif
