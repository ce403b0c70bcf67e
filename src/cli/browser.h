/* The browser of who sits at this machine.
 *
 * Owns: nothing; the browser goes on by itself. Thread: one. */
#ifndef ATOLL_CLI_BROWSER_H
#define ATOLL_CLI_BROWSER_H

#include <stdbool.h>

/* Opens a page in $BROWSER (a command), else with xdg-open where there is a display. False when
 * nothing could be started: print the address then. */
bool browser_open(const char *url);

#endif
