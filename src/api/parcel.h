/* Large files on their way between a client and a call: left at a path with a secret in it, which
 * needs no token, and taken from there.
 *
 * Owns: the files. Thread: the loop's. Limits: PARCELS_MAX, PARCELS_BYTES_MAX together and
 * PARCELS_ACCOUNT_BYTES_MAX of an account; each is gone PARCEL_LIFE_MS after it was made. */
#ifndef ATOLL_API_PARCEL_H
#define ATOLL_API_PARCEL_H

#include "base/list.h"
#include "base/str.h"

enum {
    PARCELS_MAX = 64,
    PARCELS_BYTES_MAX = 256 << 20,
    PARCELS_ACCOUNT_BYTES_MAX = 128 << 20,
    PARCEL_LIFE_MS = 5 * 60 * 1000,
    PARCEL_TEXT_MAX = 128,
};

struct parcel {
    struct list link;
    char *secret;       /* 256 random bits */
    char *account;
    char *text;         /* of its maker, at most PARCEL_TEXT_MAX bytes: an ETag, a file's name */
    char *bytes;        /* NULL: it is to be brought */
    size_t len;
    uint64_t until_ms;
};

struct parcel_shelf;

struct parcel_shelf *parcel_shelf_new(void);

/* NULL is fine. */
void parcel_shelf_free(struct parcel_shelf *shelf);

/* An empty one; `text` is cut. NULL when there are too many. Borrowed. */
struct parcel *parcel_add(struct parcel_shelf *shelf, const char *account, const char *text,
                          uint64_t now_ms);

/* NULL when there is none. Borrowed. */
struct parcel *parcel_find(struct parcel_shelf *shelf, const char *secret);

/* Copies bytes into it, in place of those it has. False when they are too many. */
bool parcel_fill(struct parcel_shelf *shelf, struct parcel *parcel, str bytes);

void parcel_drop(struct parcel_shelf *shelf, struct parcel *parcel);

/* Drops what nobody took. */
void parcel_sweep(struct parcel_shelf *shelf, uint64_t now_ms);

#endif
