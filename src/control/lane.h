/* Which kind of process a worker belongs to: the policy alone.
 *
 *        wasm at its first deployment, or a long turn
 *   fast ────────────────────────────────────────────> slow
 *    ^ <──────────────────── LANE_CALM_MS without one ── │
 *    │                                                   │
 *    └──── any: brought a process down ──> own ──────────┘
 *                         (quarantine)     LANE_RELEASE_MS without another, or an operator
 *
 * A worker with WebAssembly stays slow: its loops cannot be interrupted. In quarantine a worker
 * waits after each process that it brought down, twice as long as before, from LANE_BACKOFF_MS_MIN
 * to LANE_BACKOFF_MS_MAX, and then has one more process of its own.
 * Times are milliseconds of one clock that never goes back. Owns: nothing. Thread: any. */
#ifndef ATOLL_CONTROL_LANE_H
#define ATOLL_CONTROL_LANE_H

#include <stdbool.h>
#include <stdint.h>

enum lane { LANE_FAST, LANE_SLOW, LANE_OWN };

enum {
    LANE_LONG_TURN_MS = 50,       /* one of these, */
    LANE_TURN_MS = 10,            /* or LANE_TURNS of these within LANE_TURNS_MS */
    LANE_TURNS = 8,
    LANE_TURNS_MS = 10 * 1000,
    LANE_CALM_MS = 5 * 60 * 1000,
    LANE_BACKOFF_MS_MIN = 1000,
    LANE_BACKOFF_MS_MAX = 5 * 60 * 1000,
    LANE_RELEASE_MS = 10 * 60 * 1000,
    LANE_STRIKES = 3,             /* deaths that may have been its doing, within */
    LANE_STRIKES_MS = 60 * 1000,
    LANE_REASON_BYTES = 160,
};

struct lane_worker {
    enum lane lane;
    bool wasm;
    uint64_t slow_ms;            /* when its last long turn was */
    uint64_t turns_from_ms;      /* LANE_TURN_MS turns are counted since then */
    unsigned turns;
    unsigned deaths;             /* in this quarantine */
    uint64_t death_ms;           /* the last one */
    uint64_t until_ms;           /* it may not run before; 0: it may */
    unsigned strikes;
    uint64_t strikes_from_ms;
    char reason[LANE_REASON_BYTES];    /* of the quarantine; "": there is none */
};

void lane_init(struct lane_worker *worker, bool wasm, uint64_t now_ms);

/* A version with WebAssembly was deployed, or one without. True when the lane changed; so for all
 * that follow. */
bool lane_on_wasm(struct lane_worker *worker, bool wasm, uint64_t now_ms);

/* A turn of it took this long. */
bool lane_on_turn(struct lane_worker *worker, uint64_t turn_ms, uint64_t now_ms);

/* It brought a process down; `reason` is for a person. */
bool lane_on_death(struct lane_worker *worker, const char *reason, uint64_t now_ms);

/* A process died while a turn of it ran, for a reason that may be another's: LANE_STRIKES of them
 * within LANE_STRIKES_MS count as one of its own. */
bool lane_on_strike(struct lane_worker *worker, const char *reason, uint64_t now_ms);

/* Time passes: calm workers go back. To be called now and then. */
bool lane_on_time(struct lane_worker *worker, uint64_t now_ms);

/* An operator ends the quarantine: it goes on in a slow process. */
bool lane_release(struct lane_worker *worker, uint64_t now_ms);

/* How long it may not run yet; 0: it may. */
uint64_t lane_wait_ms(const struct lane_worker *worker, uint64_t now_ms);

/* False when there is nothing to remember: a worker without history is as good as a new one. */
bool lane_remembers(const struct lane_worker *worker);

/* "fast", "slow", "own". */
const char *lane_name(enum lane lane);

#endif
