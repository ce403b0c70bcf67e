/* http/status: known codes, codes in the gaps, codes outside. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "http/status.h"

Test(status, knows_reasons)
{
    static const struct {
        int status;
        const char *reason;
    } cases[] = {
        {100, "Continue"}, {101, "Switching Protocols"}, {200, "OK"}, {204, "No Content"},
        {304, "Not Modified"}, {404, "Not Found"}, {413, "Content Too Large"},
        {431, "Request Header Fields Too Large"}, {505, "HTTP Version Not Supported"},
        {511, "Network Authentication Required"}, {512, ""}, {418, ""}, {299, ""}, {99, ""},
        {0, ""}, {-1, ""}, {-404, ""}, {599, ""}, {1000000, ""},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect_str_eq(http_status_reason(cases[i].status), cases[i].reason, "%d",
                         cases[i].status);
}
