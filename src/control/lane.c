/* The policy of lanes; see lane.h. */
#include "control/lane.h"

#include <stdio.h>

static bool enter(struct lane_worker *worker, enum lane next)
{
    bool changed = worker->lane != next;

    worker->lane = next;
    return changed;
}

void lane_init(struct lane_worker *worker, bool wasm, uint64_t now_ms)
{
    *worker = (struct lane_worker){.lane = wasm ? LANE_SLOW : LANE_FAST,
                                   .wasm = wasm,
                                   .slow_ms = now_ms};
}

bool lane_on_wasm(struct lane_worker *worker, bool wasm, uint64_t now_ms)
{
    if (wasm == worker->wasm)
        return false;
    worker->wasm = wasm;
    if (!wasm || worker->lane != LANE_FAST)
        return false; /* without it, time brings it back */
    worker->slow_ms = now_ms;
    return enter(worker, LANE_SLOW);
}

/* True when this turn is the last of too many. */
static bool is_one_too_many(struct lane_worker *worker, uint64_t now_ms)
{
    if (now_ms - worker->turns_from_ms > LANE_TURNS_MS || !worker->turns) {
        worker->turns_from_ms = now_ms;
        worker->turns = 0;
    }
    if (++worker->turns < LANE_TURNS)
        return false;
    worker->turns = 0;
    return true;
}

bool lane_on_turn(struct lane_worker *worker, uint64_t turn_ms, uint64_t now_ms)
{
    if (turn_ms < LANE_TURN_MS)
        return false;
    if (turn_ms < LANE_LONG_TURN_MS && !is_one_too_many(worker, now_ms))
        return false;
    worker->slow_ms = now_ms;
    return worker->lane == LANE_FAST && enter(worker, LANE_SLOW);
}

bool lane_on_death(struct lane_worker *worker, const char *reason, uint64_t now_ms)
{
    uint64_t wait_ms = LANE_BACKOFF_MS_MIN;

    for (unsigned i = 0; i < worker->deaths && wait_ms < LANE_BACKOFF_MS_MAX; i++)
        wait_ms *= 2;
    if (wait_ms > LANE_BACKOFF_MS_MAX)
        wait_ms = LANE_BACKOFF_MS_MAX;
    worker->deaths++;
    worker->death_ms = now_ms;
    worker->until_ms = now_ms + wait_ms;
    worker->strikes = 0;
    snprintf(worker->reason, sizeof worker->reason, "%s", reason);
    return enter(worker, LANE_OWN);
}

bool lane_on_strike(struct lane_worker *worker, const char *reason, uint64_t now_ms)
{
    if (!worker->strikes || now_ms - worker->strikes_from_ms > LANE_STRIKES_MS) {
        worker->strikes_from_ms = now_ms;
        worker->strikes = 0;
    }
    if (++worker->strikes < LANE_STRIKES && worker->lane != LANE_OWN)
        return false;
    return lane_on_death(worker, reason, now_ms);
}

bool lane_release(struct lane_worker *worker, uint64_t now_ms)
{
    if (worker->lane != LANE_OWN)
        return false;
    worker->deaths = 0;
    worker->until_ms = 0;
    worker->reason[0] = '\0';
    worker->slow_ms = now_ms;
    return enter(worker, LANE_SLOW);
}

bool lane_on_time(struct lane_worker *worker, uint64_t now_ms)
{
    if (worker->strikes && now_ms - worker->strikes_from_ms > LANE_STRIKES_MS)
        worker->strikes = 0;
    if (worker->lane == LANE_OWN)
        return now_ms - worker->death_ms >= LANE_RELEASE_MS && lane_release(worker, now_ms);
    return worker->lane == LANE_SLOW && !worker->wasm && now_ms - worker->slow_ms >= LANE_CALM_MS &&
           enter(worker, LANE_FAST);
}

uint64_t lane_wait_ms(const struct lane_worker *worker, uint64_t now_ms)
{
    return worker->until_ms > now_ms ? worker->until_ms - now_ms : 0;
}

bool lane_remembers(const struct lane_worker *worker)
{
    return worker->lane == LANE_OWN || (worker->lane == LANE_SLOW && !worker->wasm) ||
           worker->strikes > 0;
}

const char *lane_name(enum lane lane)
{
    static const char *const names[] = {"fast", "slow", "own"};

    return names[lane];
}
