/* Watches files by watching their directories, and tells once when things have calmed down.
 *
 * Directories are watched because editors replace a file by renaming another over it.
 * Owns: its handles and copies of the paths. Thread: the loop's.
 * Limits: WATCH_DIRECTORIES_MAX directories, WATCH_FILES_MAX files; what is over is not watched. */
#ifndef ATOLL_CONTROL_WATCH_H
#define ATOLL_CONTROL_WATCH_H

#include <uv.h>

#include "base/str.h"

enum {
    WATCH_DIRECTORIES_MAX = 1024,
    WATCH_FILES_MAX = 16384,
    WATCH_CALM_MS = 8,       /* on_change is called this long after the last event, */
    WATCH_DELAY_MS_MAX = 100, /* but this long after the first one at the latest */
    /* The times of files come from a clock that ticks every few milliseconds: they may lie that
     * much before the moment they stand for. */
    WATCH_TICK_NS = 10 * 1000 * 1000,
};

struct watch;

/* Returned owned. context is kept. */
struct watch *watch_new(uv_loop_t *loop, void (*on_change)(void *context), void *context);

/* Ends the watch; its memory goes when libuv has let go. NULL is fine. */
void watch_close(struct watch *watch);

/* Starts a new list of files; between watch_begin() and watch_end() the old one still counts. */
void watch_begin(struct watch *watch);

/* Adds a file (absolute, copied); it need not exist, its directory must for it to be noticed. */
void watch_add(struct watch *watch, const char *file);

/* Adds a directory (absolute, copied) with all directories below it: whatever changes in them is a
 * change, but for names that begin with a dot and node_modules. */
void watch_add_tree(struct watch *watch, const char *directory);

/* Makes the new list the one that counts. With `any_file`, whatever changes in the directories of
 * the list is a change: for a build that failed because a file is missing.
 * A file whose directory was not watched before and that changed after `since_ns` (nanoseconds
 * since 1970) counts as changed: nothing is lost between reading a file and watching it. */
void watch_end(struct watch *watch, bool any_file, uint64_t since_ns);

#endif
