/* runtime/meter: what is added comes out once, in frames that say nothing of what is 0. */
#include <criterion/criterion.h>

#include "runtime/meter.h"

static const struct meter_gauges gauges = {.blanks = 4};

static json_int_t row(const json_t *frame, const char *key, const char *name)
{
    const json_t *of = json_object_get(json_object_get(frame, "workers"), key);

    return json_integer_value(json_object_get(of, name));
}

static json_int_t count(const json_t *frame, size_t bucket)
{
    const json_t *latency = json_object_get(json_object_get(frame, "process"), "latency");

    return json_integer_value(json_array_get(json_object_get(latency, "counts"), bucket));
}

static void request(const char *key, enum outcome outcome, uint64_t wall_us)
{
    meter_request(&(struct meter_request){.key = key,
                                          .outcome = outcome,
                                          .timed = true,
                                          .wall_ns = wall_us * 1000,
                                          .bytes_in = 3,
                                          .bytes_out = 5});
}

Test(meter, rows)
{
    json_t *frame;

    json_decref(meter_take(&gauges)); /* tells how many blanks there are */
    cr_assert_null(meter_take(&gauges));
    request("a/x", OUTCOME_OK, 10);
    request("a/x", OUTCOME_EXCEPTION, 20);
    request("a/x", OUTCOME_CANCELED, 30);
    request("b/y", OUTCOME_CONCURRENCY, 1);
    request(NULL, OUTCOME_OK, 1);
    meter_cold("b/y", 1, true);
    meter_cold("b/y", 1, false);
    frame = meter_take(&gauges);
    cr_expect_eq(row(frame, "a/x", "requests"), 3);
    cr_expect_eq(row(frame, "a/x", "errors"), 1, "a client that leaves is no error");
    cr_expect_eq(row(frame, "a/x", "wall_us"), 60);
    cr_expect_eq(row(frame, "a/x", "bytes_in"), 9);
    cr_expect_eq(row(frame, "a/x", "bytes_out"), 15);
    cr_expect_eq(row(frame, "b/y", "errors"), 1);
    cr_expect_eq(row(frame, "b/y", "cold_starts"), 1);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(frame, "process"), "unrouted")),
                 1);
    cr_expect_null(
        json_object_get(json_object_get(json_object_get(frame, "workers"), "a/x"), "subrequests"));
    json_decref(frame);
    cr_expect_null(meter_take(&gauges), "nothing is told twice");
}

Test(meter, buckets)
{
    static const struct {
        uint64_t us;
        size_t bucket;
    } rows[] = {{0, 0}, {250, 0}, {251, 1}, {1000, 2}, {1001, 3}, {10000000, 14}, {10000001, 15}};
    json_t *frame;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        request("a/x", OUTCOME_OK, rows[i].us);
        frame = meter_take(&gauges);
        cr_expect_eq(count(frame, rows[i].bucket), 1, "%zu us", (size_t)rows[i].us);
        json_decref(frame);
    }
}

Test(meter, less_than_a_unit_is_kept)
{
    json_int_t us = 0;

    for (int i = 0; i < 4; i++) {
        json_t *frame;
        meter_request(&(struct meter_request){.key = "a/x", .wall_ns = 750});
        frame = meter_take(&gauges);
        us += row(frame, "a/x", "wall_us");
        json_decref(frame);
    }
    cr_expect_eq(us, 3);
}

Test(meter, more_workers_than_a_frame_has_room_for)
{
    size_t told = 0, frames = 0;
    json_t *frame;
    char key[32];

    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "account/worker-%d", i);
        request(key, OUTCOME_OK, 1);
    }
    while ((frame = meter_take(&gauges))) {
        told += json_object_size(json_object_get(frame, "workers"));
        frames++;
        json_decref(frame);
    }
    cr_expect_eq(told, 5000);
    cr_expect_gt(frames, 1);
}
