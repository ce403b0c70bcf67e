/* Calls about all files of a store: how large they are, a copy, their removal, as of what is
 * deleted or of what is to be filled anew.
 *
 * Each runs on a queue of its own, so that a copy holds up neither reads nor writes nor another
 * store's; the account's share of threads bounds them.
 * Owns: itself. Thread: the loop's, but for what a kind has. */
#ifndef ATOLL_BINDINGS_STORAGE_CHORE_H
#define ATOLL_BINDINGS_STORAGE_CHORE_H

#include <stdint.h>

#include "bindings/storage_call.h"

/* What a kind of stores has for them, of a directory that need not be there; on some thread. */
struct storage_chore_kind {
    int (*size)(const char *directory, uint64_t *ret_bytes, struct err *err);
    int (*copy)(const char *directory, const char *to, struct err *err);
    void (*remove)(const char *directory, struct err *err);
};

/* Starts "usage" (the result is {bytes}), "copy" {to}, "remove" or "empty", and ends the call
 * later. False, and nothing is done, when the call is none of them. */
bool storage_chore_start(struct storage_call *call, const struct storage_chore_kind *kind);

#endif
