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

/* Looks at the streams, of which one that is closed becomes /dev/null, and has standard output
 * written line by line. Call it first. */
void terminal_init(void);

/* Call it last. False when something of standard output got lost, as on a full disk; a reader that
 * went away (| head) had enough. */
bool terminal_done(void);

/* printf in a colour, which ends with the text. */
void terminal_print(FILE *stream, enum colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints text of an unknown author: control characters (C0 and C1) but tab and line end appear as
 * \xNN, so that nothing in it steers the terminal. With `colours`, sequences that only set colours
 * stay.
 * Lines after the first are indented by `indent`. */
void terminal_print_text(FILE *stream, enum colour colour, const char *text, bool colours,
                         int indent);

/* "error: text" on standard error; lines after the first are indented. */
void terminal_error(const char *text);

/* "warning: text", and a dim line without a word before it, as terminal_error() prints. */
void terminal_warning(const char *text);
void terminal_note(const char *text);

/* Text of an unknown author on one line: control characters as above, tabs and line ends as
 * blanks. Returned owned. */
char *terminal_harmless(const char *text);

/* Columns of the stream's terminal; 0 when it is none. */
size_t terminal_width(FILE *stream);

/* True when the stream is a terminal whose lines can be drawn again. */
bool terminal_redraws(FILE *stream);

/* Empties the line that the cursor is on. For streams that can be redrawn. */
void terminal_clear_line(FILE *stream);

/* True when the locale's characters are in UTF-8. */
bool terminal_is_utf8(void);

/* Columns that harmless text in UTF-8 takes, and the bytes of it that fit into `columns`. */
size_t terminal_columns(const char *text);
size_t terminal_fitting(const char *text, size_t columns);

#endif
