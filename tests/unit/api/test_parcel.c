/* api/parcel: files that are brought and taken, and how many of them. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "api/parcel.h"
#include "base/mem.h"

Test(parcel, is_found_by_its_secret_until_it_is_over)
{
    struct parcel_shelf *shelf = parcel_shelf_new();
    struct parcel *a = parcel_add(shelf, "default", "etag", 1000);
    struct parcel *b = parcel_add(shelf, "default", "", 2000);

    cr_expect_str_neq(a->secret, b->secret);
    cr_expect_eq(parcel_find(shelf, a->secret), a);
    cr_expect_null(parcel_find(shelf, "none"));
    cr_expect_null(parcel_find(shelf, NULL));
    cr_expect_null(a->bytes);
    cr_expect(parcel_fill(shelf, a, STR("one")));
    cr_expect(parcel_fill(shelf, a, STR("other")));
    cr_expect_eq(a->len, 5);
    cr_expect_eq(memcmp(a->bytes, "other", 5), 0);
    parcel_sweep(shelf, 1000 + PARCEL_LIFE_MS);
    cr_expect_eq(parcel_find(shelf, b->secret), b);
    parcel_drop(shelf, b);
    cr_expect_eq(parcel_add(shelf, "a", "", 0)->len, 0);
    parcel_shelf_free(shelf);
}

Test(parcel, maxima)
{
    struct parcel_shelf *shelf = parcel_shelf_new();
    size_t len = PARCELS_ACCOUNT_BYTES_MAX / 2;
    str big = {mem_zeroed(len + 1), len};
    struct parcel *parcels[PARCELS_MAX];

    for (size_t i = 0; i < PARCELS_MAX; i++)
        cr_assert(parcels[i] = parcel_add(shelf, i % 2 ? "a" : "b", "", i));
    cr_expect_null(parcel_add(shelf, "c", "", 0));
    cr_expect(parcel_fill(shelf, parcels[0], big));
    cr_expect(parcel_fill(shelf, parcels[2], big));
    cr_expect_not(parcel_fill(shelf, parcels[4], STR("x")), "an account has its share");
    cr_expect(parcel_fill(shelf, parcels[2], STR("x")));
    cr_expect(parcel_fill(shelf, parcels[4], STR("x")));
    cr_expect(parcel_fill(shelf, parcels[1], big));
    free((char *)big.ptr);
    parcel_shelf_free(shelf);
}
