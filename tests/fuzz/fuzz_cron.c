/* Cron expressions, and the times they name. */
#include "base/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cron cron;
    struct err err;
    int64_t after = 0, next, again;

    if (size < sizeof after)
        return 0;
    memcpy(&after, data, sizeof after);
    if (cron_parse((str){(const char *)data + sizeof after, size - sizeof after}, &cron, &err) < 0)
        return 0;
    next = cron_next(&cron, after);
    if (next) {
        ASSERT(next > after && next % 60000 == 0);
        again = cron_next(&cron, next - 1);
        ASSERT(again == next);
    }
    return 0;
}
