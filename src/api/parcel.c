/* Large files on their way; see parcel.h. */
#include "api/parcel.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "registry/opaque.h"

struct parcel_shelf {
    struct list parcels;    /* the oldest first */
    size_t count;
    size_t bytes;
};

struct parcel_shelf *parcel_shelf_new(void)
{
    struct parcel_shelf *shelf = mem_new(struct parcel_shelf);

    list_init(&shelf->parcels);
    return shelf;
}

void parcel_drop(struct parcel_shelf *shelf, struct parcel *parcel)
{
    list_remove(&parcel->link);
    shelf->count--;
    shelf->bytes -= parcel->len;
    free(parcel->secret);
    free(parcel->account);
    free(parcel->text);
    free(parcel->bytes);
    free(parcel);
}

void parcel_shelf_free(struct parcel_shelf *shelf)
{
    if (!shelf)
        return;
    LIST_EACH_SAFE(&shelf->parcels, it)
        parcel_drop(shelf, CONTAINER_OF(it, struct parcel, link));
    free(shelf);
}

struct parcel *parcel_add(struct parcel_shelf *shelf, const char *account, const char *text,
                          uint64_t now_ms)
{
    struct parcel *parcel;

    if (shelf->count >= PARCELS_MAX)
        return NULL;
    parcel = mem_new(struct parcel);
    parcel->secret = opaque_new("");
    parcel->account = str_dup(str_from(account));
    parcel->text = str_dup(str_head(str_from(text), PARCEL_TEXT_MAX));
    parcel->until_ms = now_ms + PARCEL_LIFE_MS;
    list_push(&shelf->parcels, &parcel->link);
    shelf->count++;
    return parcel;
}

struct parcel *parcel_find(struct parcel_shelf *shelf, const char *secret)
{
    unsigned char wanted[OPAQUE_HASH_BYTES], hash[OPAQUE_HASH_BYTES];

    if (!secret)
        return NULL;
    opaque_hash(str_from(secret), wanted);
    LIST_EACH(&shelf->parcels, it) {
        struct parcel *parcel = CONTAINER_OF(it, struct parcel, link);

        opaque_hash(str_from(parcel->secret), hash);
        if (opaque_equal(hash, wanted))
            return parcel;
    }
    return NULL;
}

static size_t bytes_of(const struct parcel_shelf *shelf, const char *account)
{
    size_t bytes = 0;

    LIST_EACH(&shelf->parcels, it) {
        const struct parcel *parcel = CONTAINER_OF(it, struct parcel, link);

        if (strcmp(parcel->account, account) == 0)
            bytes += parcel->len;
    }
    return bytes;
}

bool parcel_fill(struct parcel_shelf *shelf, struct parcel *parcel, str bytes)
{
    if (shelf->bytes - parcel->len + bytes.len > PARCELS_BYTES_MAX ||
        bytes_of(shelf, parcel->account) - parcel->len + bytes.len > PARCELS_ACCOUNT_BYTES_MAX)
        return false;
    shelf->bytes += bytes.len - parcel->len;
    free(parcel->bytes);
    parcel->bytes = str_dup(bytes);
    parcel->len = bytes.len;
    return true;
}

void parcel_sweep(struct parcel_shelf *shelf, uint64_t now_ms)
{
    LIST_EACH_SAFE(&shelf->parcels, it) {
        struct parcel *parcel = CONTAINER_OF(it, struct parcel, link);

        if (parcel->until_ms > now_ms)
            return;
        parcel_drop(shelf, parcel);
    }
}
