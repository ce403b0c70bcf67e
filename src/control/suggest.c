/* The word that was probably meant; see suggest.h. */
#include "control/suggest.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    size_t cost[SUGGEST_LEN_MAX + 1][SUGGEST_LEN_MAX + 1];

    ASSERT(a_len <= SUGGEST_LEN_MAX && b_len <= SUGGEST_LEN_MAX);
    for (size_t i = 0; i <= a_len; i++)
        cost[i][0] = i;
    for (size_t j = 0; j <= b_len; j++)
        cost[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        for (size_t j = 1; j <= b_len; j++) {
            size_t changed = a[i - 1] != b[j - 1];

            cost[i][j] = least(least(cost[i - 1][j], cost[i][j - 1]) + 1,
                               cost[i - 1][j - 1] + changed);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a_len][b_len];
}

const char *suggest_word(const char *typed, const char *const *words)
{
    size_t len = strlen(typed);
    size_t allowed = len < 6 ? 1 : len / 3;
    const char *nearest = NULL;

    if (len < 2 || len > SUGGEST_LEN_MAX)
        return NULL;
    for (size_t i = 0; words[i]; i++) {
        size_t distance = strlen(words[i]) <= SUGGEST_LEN_MAX ? suggest_distance(typed, words[i])
                                                              : SIZE_MAX;

        if (distance <= allowed) {
            nearest = words[i];
            allowed = distance ? distance - 1 : 0;
        }
    }
    return nearest;
}
