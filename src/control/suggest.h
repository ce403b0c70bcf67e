/* The known word that a mistyped one probably means.
 *
 * Owns: nothing. Thread: any. Limits: words of SUGGEST_LEN_MAX bytes; longer ones match nothing. */
#ifndef ATOLL_CONTROL_SUGGEST_H
#define ATOLL_CONTROL_SUGGEST_H

#include <stddef.h>

enum { SUGGEST_LEN_MAX = 63 };

/* Number of insertions, removals, replacements and swaps of neighbours that make `a` into `b`
 * (Damerau and Levenshtein, restricted form). Both at most SUGGEST_LEN_MAX bytes. */
size_t suggest_distance(const char *a, const char *b);

/* The nearest of `words` (ends with NULL) to `typed`; NULL when none is near: at most one change
 * for each three bytes typed, and one for shorter words. Borrowed from `words`. */
const char *suggest_word(const char *typed, const char *const *words);

#endif
