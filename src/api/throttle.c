/* A table of four-way sets; see throttle.h. A row is free once its window is over. */
#include "api/throttle.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { WAYS = 4, SETS = THROTTLE_ROWS / WAYS, KEY_BYTES = 16, PREFIX_BYTES = 8 };

struct row {
    unsigned char key[KEY_BYTES];
    unsigned failures;    /* 0: free */
    uint64_t since_ms;
};

struct throttle {
    struct row rows[THROTTLE_ROWS];
};

struct throttle *throttle_new(void)
{
    return mem_new(struct throttle);
}

void throttle_free(struct throttle *throttle)
{
    free(throttle);
}

static void read_key(const char *address, unsigned char *key)
{
    memset(key, 0, KEY_BYTES);
    if (inet_pton(AF_INET, address, key + KEY_BYTES - 4) == 1)
        key[0] = 4;
    else if (inet_pton(AF_INET6, address, key) == 1)
        memset(key + PREFIX_BYTES, 0, KEY_BYTES - PREFIX_BYTES);
    else
        memset(key, 0, KEY_BYTES);
}

static size_t set_of(const unsigned char *key)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < KEY_BYTES; i++)
        hash = (hash ^ key[i]) * 16777619u;
    return hash % SETS * WAYS;
}

static bool is_over(const struct row *row, uint64_t now_ms)
{
    return !row->failures || now_ms - row->since_ms >= THROTTLE_WINDOW_MS;
}

static const struct row *find(const struct throttle *throttle, const unsigned char *key)
{
    const struct row *set = throttle->rows + set_of(key);

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].failures && memcmp(set[i].key, key, KEY_BYTES) == 0)
            return &set[i];
    }
    return NULL;
}

/* The row of a new address: a free one, or the one that began longest ago. */
static struct row *oldest(struct throttle *throttle, const unsigned char *key)
{
    struct row *set = throttle->rows + set_of(key), *result = set;

    for (size_t i = 1; i < WAYS; i++) {
        if (result->failures && (!set[i].failures || set[i].since_ms < result->since_ms))
            result = &set[i];
    }
    return result;
}

void throttle_failed(struct throttle *throttle, const char *address, uint64_t now_ms)
{
    unsigned char key[KEY_BYTES];
    struct row *row;

    read_key(address, key);
    row = (struct row *)find(throttle, key);
    if (!row)
        row = oldest(throttle, key);
    if (is_over(row, now_ms) || memcmp(row->key, key, KEY_BYTES) != 0) {
        memcpy(row->key, key, KEY_BYTES);
        row->since_ms = now_ms;
        row->failures = 0;
    }
    row->failures++;
}

unsigned throttle_wait_s(const struct throttle *throttle, const char *address, uint64_t now_ms)
{
    unsigned char key[KEY_BYTES];
    const struct row *row;

    read_key(address, key);
    row = find(throttle, key);
    if (!row || is_over(row, now_ms) || row->failures < THROTTLE_FAILURES_MAX)
        return 0;
    return (unsigned)((row->since_ms + THROTTLE_WINDOW_MS - now_ms + 999) / 1000);
}
