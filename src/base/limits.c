/* The table of limits; see limits.h. */
#include "base/limits.h"

#include <string.h>

const struct limits_row limits_rows[] = {
#define LIMITS_ROW(key, normal, least, most, text)                                                 \
    {#key, offsetof(struct limits, key), normal, least, most, text},
    LIMITS_MAP(LIMITS_ROW)
#undef LIMITS_ROW
    {0},
};

struct limits limits_default(void)
{
    struct limits limits = {0};

    for (const struct limits_row *row = limits_rows; row->key; row++)
        *limits_value(&limits, row) = row->normal;
    return limits;
}

uint64_t *limits_value(struct limits *limits, const struct limits_row *row)
{
    return (uint64_t *)(void *)((char *)limits + row->offset);
}

const struct limits_row *limits_find(const char *key)
{
    for (const struct limits_row *row = limits_rows; row->key; row++)
        if (strcmp(row->key, key) == 0)
            return row;
    return NULL;
}
