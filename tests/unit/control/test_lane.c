// Lanes: which worker goes where, and when it comes back.
#include <criterion/criterion.h>

#include "control/lane.h"

enum { START = 1000000 };

static struct lane_worker fresh(bool wasm)
{
    struct lane_worker worker;

    lane_init(&worker, wasm, START);
    return worker;
}

Test(lane, turns)
{
    static const struct {
        unsigned turn_ms, times, apart_ms;
        enum lane lane;
    } rows[] = {
        {0, 1000, 1, LANE_FAST},
        {LANE_TURN_MS - 1, 1000, 1, LANE_FAST},
        {LANE_TURN_MS, LANE_TURNS - 1, 1, LANE_FAST},
        {LANE_TURN_MS, LANE_TURNS, 1, LANE_SLOW},
        {LANE_TURN_MS, 1000, LANE_TURNS_MS / (LANE_TURNS - 1) + 200, LANE_FAST},
        {LANE_LONG_TURN_MS - 1, 1, 1, LANE_FAST},
        {LANE_LONG_TURN_MS, 1, 1, LANE_SLOW},
        {1000000, 1, 1, LANE_SLOW},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lane_worker worker = fresh(false);
        unsigned moves = 0;

        for (unsigned n = 0; n < rows[i].times; n++)
            moves += lane_on_turn(&worker, rows[i].turn_ms, START + (uint64_t)n * rows[i].apart_ms);
        cr_assert_eq(worker.lane, rows[i].lane, "row %zu", i);
        cr_assert_eq(moves, rows[i].lane == LANE_SLOW, "row %zu moves once", i);
    }
}

Test(lane, calm_brings_back)
{
    struct lane_worker worker = fresh(false);

    cr_assert(lane_on_turn(&worker, LANE_LONG_TURN_MS, START));
    cr_assert(lane_remembers(&worker));
    cr_assert_not(lane_on_time(&worker, START + LANE_CALM_MS - 1));
    cr_assert_not(lane_on_turn(&worker, LANE_LONG_TURN_MS, START + LANE_CALM_MS - 1));
    cr_assert_not(lane_on_time(&worker, START + LANE_CALM_MS));
    cr_assert(lane_on_time(&worker, START + 2 * LANE_CALM_MS));
    cr_assert_eq(worker.lane, LANE_FAST);
    cr_assert_not(lane_remembers(&worker));
}

Test(lane, wasm_is_slow)
{
    struct lane_worker worker = fresh(true), other = fresh(false);

    cr_assert_eq(worker.lane, LANE_SLOW);
    cr_assert_not(lane_on_time(&worker, START + 100 * (uint64_t)LANE_CALM_MS));
    cr_assert_not(lane_remembers(&worker), "the registry knows it");
    cr_assert_not(lane_on_wasm(&worker, true, START));
    cr_assert_not(lane_on_wasm(&worker, false, START));
    cr_assert(lane_on_time(&worker, START + LANE_CALM_MS), "a version without it goes back");
    cr_assert(lane_on_wasm(&other, true, START));
    cr_assert_eq(other.lane, LANE_SLOW);
}

Test(lane, quarantine_doubles)
{
    struct lane_worker worker = fresh(false);
    uint64_t now = START, wait = LANE_BACKOFF_MS_MIN;

    for (unsigned i = 0; i < 40; i++) {
        bool moved = lane_on_death(&worker, "it died", now);

        cr_assert_eq(moved, i == 0);
        cr_assert_eq(worker.lane, LANE_OWN);
        cr_assert_eq(worker.deaths, i + 1);
        cr_assert_eq(lane_wait_ms(&worker, now), wait, "death %u", i);
        cr_assert_eq(lane_wait_ms(&worker, now + wait - 1), 1);
        cr_assert_eq(lane_wait_ms(&worker, now + wait), 0);
        now += wait;
        wait = wait * 2 < LANE_BACKOFF_MS_MAX ? wait * 2 : LANE_BACKOFF_MS_MAX;
    }
    cr_assert_str_eq(worker.reason, "it died");
    cr_assert_not(lane_on_turn(&worker, 1000, now), "it stays in its own process");
    cr_assert_not(lane_on_time(&worker, worker.death_ms + LANE_RELEASE_MS - 1));
    cr_assert(lane_on_time(&worker, worker.death_ms + LANE_RELEASE_MS));
    cr_assert_eq(worker.lane, LANE_SLOW);
    cr_assert_eq(worker.deaths, 0);
    cr_assert_str_empty(worker.reason);
}

Test(lane, operator_releases)
{
    struct lane_worker worker = fresh(false);

    cr_assert_not(lane_release(&worker, START));
    lane_on_death(&worker, "it died", START);
    cr_assert(lane_release(&worker, START));
    cr_assert_eq(lane_wait_ms(&worker, START), 0);
    cr_assert_eq(worker.lane, LANE_SLOW);
}

Test(lane, strikes)
{
    struct lane_worker worker = fresh(false), slow = fresh(false), own = fresh(false);

    for (unsigned i = 1; i < LANE_STRIKES; i++)
        cr_assert_not(lane_on_strike(&worker, "killed", START + i));
    cr_assert(lane_on_strike(&worker, "killed", START + LANE_STRIKES_MS));
    cr_assert_eq(worker.lane, LANE_OWN);

    for (unsigned i = 0; i < 10; i++)
        cr_assert_not(lane_on_strike(&slow, "killed", START + i * (LANE_STRIKES_MS / 2 + 1ull)));
    cr_assert(lane_remembers(&slow));
    lane_on_time(&slow, START + 100 * (uint64_t)LANE_STRIKES_MS);
    cr_assert_not(lane_remembers(&slow), "strikes are forgotten");

    lane_on_death(&own, "it died", START);
    lane_on_strike(&own, "killed", START + 1);
    cr_assert_eq(own.deaths, 2, "alone in a process, it is its doing");
}

Test(lane, reason_is_cut)
{
    struct lane_worker worker = fresh(false);
    char text[LANE_REASON_BYTES * 2];

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    lane_on_death(&worker, text, START);
    cr_assert_eq(strlen(worker.reason), LANE_REASON_BYTES - 1);
}
