/* Addresses of servers: what is read reads as itself. */
#include "remote/address.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(str text, int (*read)(str, char **, struct err *))
{
    struct err err;
    char *url, *again;

    if (read(text, &url, &err) < 0)
        return;
    ASSERT(str_starts(str_from(url), STR("http")));
    ASSERT(read(str_from(url), &again, &err) == 0);
    ASSERT(strcmp(url, again) == 0);
    ASSERT(address_is_same_origin(url, again));
    address_is_loopback(url);
    free(url);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str all = {(const char *)data, size};
    str text = str_head(all, ADDRESS_BYTES_MAX - sizeof "https:///client/v4");

    check(text, address_read);
    check(text, address_read_base);
    return 0;
}
