/* The choice of a version; see rollout.h. Overrides are a dictionary of structured fields
 * (RFC 9651 3.2): my-worker="a version's id", other="...". */
#include "runtime/rollout.h"

#include <stdlib.h>

static const double WHOLE = 100;

/* FNV-1a, and a last mix so that its upper bits differ too: it is the same everywhere and always,
 * which the tables' hash is not. */
static uint64_t hash_on(uint64_t hash, str text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 0x100000001b3u;
    return hash * 0x100000001b3u;
}

/* From 0 to WHOLE, WHOLE itself left out. */
static double place_of_key(str worker, str key)
{
    uint64_t hash = hash_on(hash_on(0xcbf29ce484222325u, worker), key);

    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
    return (double)((hash ^ hash >> 33) >> 11) * 0x1p-53 * WHOLE;
}

/* The value of `name` in the dictionary, without its quotes; empty when there is none. */
static str override_of(str overrides, str name)
{
    while (name.len && overrides.len) {
        str member = str_head(overrides, str_find(overrides, ','));
        size_t equals = str_find(member, '=');
        str value = str_trim(str_skip(member, equals + 1));

        if (str_equal_nocase(str_trim(str_head(member, equals)), name) && value.len > 2 &&
            value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
            return (str){value.ptr + 1, value.len - 2};
        overrides = str_skip(overrides, member.len + 1);
    }
    return STR_NONE;
}

size_t rollout_choose(const struct rollout *rollout, str worker, str script, str key, str overrides)
{
    str id = override_of(overrides, script);
    double place = key.len ? place_of_key(worker, key) : drand48() * WHOLE;

    for (size_t i = 0; id.len && i < rollout->count; i++)
        if (str_equal(rollout->ids[i], id))
            return i;
    for (size_t i = 0; i + 1 < rollout->count; i++) {
        if (place < rollout->percents[i])
            return i;
        place -= rollout->percents[i];
    }
    return rollout->count - 1;
}
