/* Bookmarks: texts that sort as the states of a database do that they were taken of.
 *
 * All runtimes of a machine read the same file, so what one has committed the next read of any
 * sees: a bookmark is only the time, and no read has to wait for one. They go forward within a
 * process, and between processes as far as the machine's clock does.
 * Owns: nothing. Thread: any. */
#ifndef ATOLL_BINDINGS_D1_BOOKMARK_H
#define ATOLL_BINDINGS_D1_BOOKMARK_H

enum { D1_BOOKMARK_BYTES = 60 };

/* One that is larger than all before, NUL-terminated. */
void d1_bookmark_next(char ret[D1_BOOKMARK_BYTES]);

#endif
