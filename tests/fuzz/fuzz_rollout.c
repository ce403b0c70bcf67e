/* runtime/rollout: any header of overrides and any key choose one of the versions, a key always the
 * same one; an override that is well-formed wins. */
#include <stdlib.h>

#include "base/buf.h"
#include "runtime/rollout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rollout rollout = {.count = 2,
                              .ids = {STR("first"), STR("second")},
                              .percents = {25, 75}};
    str input = {(const char *)data, size};
    str key = str_head(input, str_find(input, '\n'));
    str overrides = str_skip(input, key.len + 1);
    size_t chosen = rollout_choose(&rollout, STR("a/w"), STR("w"), key, overrides);
    struct buf with;

    ASSERT(chosen < rollout.count);
    ASSERT(!key.len || rollout_choose(&rollout, STR("a/w"), STR("w"), key, overrides) == chosen);
    buf_init(&with, size + 32);
    ASSERT(buf_append(&with, STR("w=\"second\",")) == 0 && buf_append(&with, overrides) == 0);
    ASSERT(rollout_choose(&rollout, STR("a/w"), STR("w"), key, buf_str(&with)) == 1);
    buf_done(&with);
    return 0;
}
