/* What goes on while a person waits: one line on standard error, redrawn in place.
 *
 * Only on a terminal; elsewhere nothing is printed, so that logs and pipes have results only. A
 * spinner appears after PROGRESS_DELAY_MS, so that what is quick leaves no trace.
 * Owns: its line. Thread: one. */
#ifndef ATOLL_CLI_PROGRESS_H
#define ATOLL_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum { PROGRESS_DELAY_MS = 150, PROGRESS_FRAME_MS = 80 };

/* Begins a line, or gives the one there is another text: "uploading". Borrowed for the call. */
void progress_begin(const char *text);

/* Draws again when it is time; with `total` > 0 as a bar of bytes. Cheap to call often. */
void progress_draw(uint64_t done, uint64_t total);

/* True from progress_begin() at a terminal to progress_end(). */
bool progress_is_begun(void);

/* Removes the line. Fine when there is none. */
void progress_end(void);

#endif
