#include "cli/quantity.h"

#include <criterion/criterion.h>

#include "base/mem.h"

Test(quantity, counts)
{
    static const struct {
        int64_t count;
        const char *shown;
    } rows[] = {{0, "0"},
                {7, "7"},
                {999, "999"},
                {1000, "1,000"},
                {1234567, "1,234,567"},
                {-1234, "-1,234"},
                {INT64_MAX, "9,223,372,036,854,775,807"},
                {INT64_MIN, "-9,223,372,036,854,775,808"}};

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect_str_eq(quantity_count(rows[i].count), rows[i].shown);
}

Test(quantity, bytes)
{
    static const struct {
        int64_t bytes;
        const char *shown;
    } rows[] = {{0, "0 B"},          {999, "999 B"},          {1000, "1 kB"},
                {1549, "1.5 kB"},    {99949, "99.9 kB"},      {123456, "123 kB"},
                {999499, "999 kB"},  {999500, "1 MB"},        {2300000000, "2.3 GB"},
                {-2000, "-2 kB"},    {INT64_MAX, "9.2 EB"}};

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect_str_eq(quantity_bytes(rows[i].bytes), rows[i].shown);
}

Test(quantity, durations)
{
    static const struct {
        double ms;
        const char *shown;
    } rows[] = {{0, "0 ms"},          {0.04, "0 ms"},         {0.26, "0.3 ms"},
                {12, "12 ms"},        {999, "999 ms"},        {999.6, "1 s"},
                {1500, "1.5 s"},      {59900, "59.9 s"},      {59960, "1 min"},
                {125000, "2 min 5 s"}, {3600000, "1 h"},      {12000000, "3 h 20 min"},
                {86400000, "1 d"},    {352800000, "4 d 2 h"}, {1e300, "11,574,074,074 d 1 h"}};

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect_str_eq(quantity_duration(rows[i].ms), rows[i].shown, "%g: %s", rows[i].ms,
                         quantity_duration(rows[i].ms));
}

Test(quantity, decimals_and_shares)
{
    static const struct {
        double value;
        const char *shown;
    } rows[] = {{0, "0"},
                {1, "1"},
                {0.3, "0.3"},
                {12.5, "12.5"},
                {0.00421, "0.00421"},
                {0.004217, "0.004217"},
                {1234.5, "1,235"},
                {99.99, "99.99"},
                {100, "100"},
                {1e-15, "0"},
                {-0.5, "-0.5"},
                {1e300, "9,000,000,000,000,000,000"}};

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect_str_eq(quantity_decimal(rows[i].value), rows[i].shown, "%g: %s", rows[i].value,
                         quantity_decimal(rows[i].value));
    cr_expect_str_eq(quantity_share(100), "100 %");
    cr_expect_str_eq(quantity_share(0.5), "0.5 %");
}

Test(quantity, nouns)
{
    cr_expect_str_eq(quantity_of(0, "version"), "0 versions");
    cr_expect_str_eq(quantity_of(1, "version"), "1 version");
    cr_expect_str_eq(quantity_of(1200, "route"), "1,200 routes");
}
