/* api/throttle: who has to wait, and for how long. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "api/throttle.h"

static struct throttle *throttle;

static void setup(void)
{
    throttle = throttle_new();
}

static void teardown(void)
{
    throttle_free(throttle);
}

TestSuite(throttle, .init = setup, .fini = teardown);

static void fail(const char *address, int times, uint64_t now_ms)
{
    for (int i = 0; i < times; i++)
        throttle_failed(throttle, address, now_ms);
}

Test(throttle, the_maximum_is_the_last_that_is_let_through)
{
    fail("192.0.2.1", THROTTLE_FAILURES_MAX - 1, 5000);
    cr_expect_eq(throttle_wait_s(throttle, "192.0.2.1", 5000), 0);
    fail("192.0.2.1", 1, 6000);
    cr_expect_eq(throttle_wait_s(throttle, "192.0.2.1", 6000), 59);
    cr_expect_eq(throttle_wait_s(throttle, "192.0.2.2", 6000), 0);
    cr_expect_eq(throttle_wait_s(throttle, "192.0.2.1", 64999), 1);
    cr_expect_eq(throttle_wait_s(throttle, "192.0.2.1", 65000), 0);
    fail("192.0.2.1", 1, 65000);
    cr_expect_eq(throttle_wait_s(throttle, "192.0.2.1", 65000), 0, "a new window begins");
}

Test(throttle, six_is_by_network)
{
    fail("2001:db8:1:2::1", THROTTLE_FAILURES_MAX, 0);
    cr_expect_gt(throttle_wait_s(throttle, "2001:db8:1:2:ffff::9", 0), 0);
    cr_expect_eq(throttle_wait_s(throttle, "2001:db8:1:3::1", 0), 0);
}

Test(throttle, what_is_no_address_is_one_too)
{
    fail("", THROTTLE_FAILURES_MAX, 0);
    cr_expect_gt(throttle_wait_s(throttle, "", 0), 0);
    cr_expect_gt(throttle_wait_s(throttle, "nonsense", 0), 0);
}

Test(throttle, many_addresses_push_the_oldest_out)
{
    char address[32];

    for (unsigned i = 0; i < 8 * THROTTLE_ROWS; i++) {
        snprintf(address, sizeof address, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        fail(address, THROTTLE_FAILURES_MAX, i);
        cr_expect_gt(throttle_wait_s(throttle, address, i), 0);
    }
    cr_expect_eq(throttle_wait_s(throttle, "10.0.0.0", 8 * THROTTLE_ROWS), 0);
}
