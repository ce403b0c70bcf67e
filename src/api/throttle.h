/* Who tried too many wrong tokens: failures by address, an IPv6 one by its /64.
 *
 * Owns: its table. Thread: the loop's. Limits: the enum below; with more addresses than rows, those
 * that failed longest ago are forgotten. */
#ifndef ATOLL_API_THROTTLE_H
#define ATOLL_API_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    THROTTLE_FAILURES_MAX = 30,     /* of an address in a window */
    THROTTLE_WINDOW_MS = 60 * 1000, /* from its first failure */
    THROTTLE_ROWS = 1024,
};

struct throttle;

struct throttle *throttle_new(void);

/* NULL is fine. */
void throttle_free(struct throttle *throttle);

/* Counts a failure of an address (text). */
void throttle_failed(struct throttle *throttle, const char *address, uint64_t now_ms);

/* Seconds until this address may try again; 0: now. */
unsigned throttle_wait_s(const struct throttle *throttle, const char *address, uint64_t now_ms);

#endif
