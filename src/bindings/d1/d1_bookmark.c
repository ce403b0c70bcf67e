/* Bookmarks; see d1_bookmark.h. Four groups of hexadecimal digits, as on Cloudflare: seconds,
 * nanoseconds, and two that are nothing here. */
#include "bindings/d1/d1_bookmark.h"

#include <stdatomic.h>
#include <stdio.h>

#include "os/clock.h"

enum { NS_PER_S = 1000000000 };

void d1_bookmark_next(char ret[D1_BOOKMARK_BYTES])
{
    static atomic_uint_least64_t last;
    uint64_t now = clock_wall_ns(), before = atomic_load(&last), next;

    do {
        next = now > before ? now : before + 1;
    } while (!atomic_compare_exchange_weak(&last, &before, next));
    snprintf(ret, D1_BOOKMARK_BYTES, "%08x-%08x-%08x-%032x", (unsigned)(next / NS_PER_S),
             (unsigned)(next % NS_PER_S), 0u, 0u);
}
