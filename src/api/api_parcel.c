/* Files brought to a secret path, and taken from one: what `wrangler d1 execute --file` uploads and
 * `wrangler d1 export` downloads, both without a token. */
#include <stdio.h>

#include "api/call_private.h"
#include "api/tables.h"

enum { HEAD_BYTES_MAX = 1024, CODE_BUSY = 10029, CODE_NONE = 7003 };

static struct parcel *parcel_of(const struct call *call)
{
    return parcel_find(call->api->parcels, call_param(call, "secret"));
}

/* The answer's ETag is what the maker said it would be. */
static void put(struct call *call)
{
    struct parcel *parcel = parcel_of(call);
    char head[HEAD_BYTES_MAX];

    if (!parcel) {
        call_fail(call, 404, CODE_NONE, "There is no such file, or not any more.");
        return;
    }
    if (!parcel_fill(call->api->parcels, parcel, call_body(call))) {
        call_fail(call, 503, CODE_BUSY, "Too many files at once: try again in a moment.");
        return;
    }
    snprintf(head, sizeof head, "etag: \"%s\"\r\ncache-control: no-store\r\n", parcel->text);
    call_bytes(call, 200, str_from(head), STR_NONE);
}

static void get(struct call *call)
{
    const struct parcel *parcel = parcel_of(call);

    if (!parcel || !parcel->bytes)
        call_fail(call, 404, CODE_NONE, "There is no such file, or not any more.");
    else
        call_bytes(call, 200,
                   STR("content-type: application/octet-stream\r\ncache-control: no-store\r\n"
                       "x-content-type-options: nosniff\r\n"),
                   (str){parcel->bytes, parcel->len});
}

const struct call_route api_parcel_routes[] = {
    {"PUT", "/parcels/:secret", CALL_SCOPE_PARCEL, put, NULL},
    {"GET", "/parcels/:secret", CALL_SCOPE_PARCEL, get, NULL},
    {0},
};
