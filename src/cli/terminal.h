/* Text for a person at a terminal, or for a file or pipe in its place.
 *
 * Colours only on a terminal and when NO_COLOR is not set (no-color.org) and TERM is not "dumb".
 * Owns: nothing. Thread: one. Limits: none of its own. */
#ifndef ATOLL_CLI_TERMINAL_H
#define ATOLL_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

#include "base/str.h"

enum colour { PLAIN, BOLD, DIM, RED, GREEN, YELLOW, BLUE, CYAN };

/* Looks at both streams and has standard output written line by line. Call it first. */
void terminal_init(void);

/* printf in a colour, which ends with the text. */
void terminal_print(FILE *stream, enum colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints text of an unknown author: control characters but tab and line end appear as \xNN, so
 * that nothing in it steers the terminal. With `colours`, sequences that only set colours stay.
 * Lines after the first are indented by `indent`. */
void terminal_print_text(FILE *stream, enum colour colour, const char *text, bool colours,
                         int indent);

/* "error: text" on standard error; lines after the first are indented. */
void terminal_error(const char *text);

#endif
