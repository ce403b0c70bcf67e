/* http/outbound: rules in text, and addresses against them. The first 16 bytes are an address. */
#include <stdlib.h>

#include "http/outbound.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct outbound none, all = {.all = true};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct outbound rules;
    struct err err;
    bool is_public;

    if (size < sizeof in6.sin6_addr)
        return 0;
    memcpy(&in6.sin6_addr, data, sizeof in6.sin6_addr);
    data += sizeof in6.sin6_addr;
    size -= sizeof in6.sin6_addr;
    is_public = outbound_check(&none, (struct sockaddr *)&in6, &err) == 0;
    ASSERT(outbound_check(&all, (struct sockaddr *)&in6, &err) == 0);
    if (outbound_parse(&rules, (str){(const char *)data, size}, &err) < 0)
        return 0;
    ASSERT(rules.count <= OUTBOUND_RANGES_MAX);
    for (int i = 0; i < rules.count; i++)
        ASSERT(rules.ranges[i].bits >= 0 && rules.ranges[i].bits <= 128);
    if (is_public || rules.all)
        ASSERT(outbound_check(&rules, (struct sockaddr *)&in6, &err) == 0);
    return 0;
}
