/* Fuzz target: times in queries. What is one is not before 1970 nor after 9999. */
#include "base/moment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    struct err err = {0};
    int64_t from, to;
    char month[8];

    if (moment_parse(text, &from, &err) == 0) {
        ASSERT(from >= 0 && from <= INT64_C(253402300799999));
        moment_month(from, month);
    }
    if (moment_parse_month(text, &from, &to, &err) == 0) {
        moment_month(from, month);
        ASSERT(from < to && str_equal(str_from(month), text));
    }
    return 0;
}
