/* Outbound rules; see outbound.h. The tables follow the IANA special-purpose address registries
 * (RFC 6890).
 *
 * (1) IPv4 is judged in its mapped form, ::ffff:a.b.c.d: one table and one comparison for both.
 * (2) The first row of the table that contains an address decides, so narrow rows stand first. An
 *     address in no row is public when it is IPv4 or in 2000::/3, else reserved.
 * (3) A row marked `carries` says where an IPv4 address is inside: that one decides.
 * (4) A metadata service is reached only when its address is named as such: a range around it
 *     is not enough. */
#include "http/outbound.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { ADDRESS_BITS = 128, MAPPED_BITS = 96, ENTRY_BYTES_MAX = 63 };

/* A row: what it is, the byte at which an IPv4 address stands in it (0: none), its network. */
struct row {
    const char *what;
    int carries;
    struct outbound_range range;
};

#define V4(a, b, c, d, bits) \
    {{{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}}}, MAPPED_BITS + (bits)}
#define V6(bits, ...) {{{{__VA_ARGS__}}}, bits}

static const char metadata[] = "metadata services";

static const struct row rows[] = {
    {metadata, 0, V4(169, 254, 169, 254, 32)},      /* most clouds */
    {metadata, 0, V4(169, 254, 170, 2, 32)},        /* AWS containers */
    {metadata, 0, V4(169, 254, 170, 23, 32)},
    {metadata, 0, V4(168, 63, 129, 16, 32)},        /* Azure */
    {metadata, 0, V4(100, 100, 100, 200, 32)},      /* Alibaba */
    {metadata, 0, V4(192, 0, 0, 192, 32)},          /* Oracle */
    {metadata, 0, V6(ADDRESS_BITS, 0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54)},
    {metadata, 0, V6(ADDRESS_BITS, 0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x23)},
    {metadata, 0, V6(ADDRESS_BITS, 0xfd, 0x20, 0, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54)},

    {"unspecified addresses", 0, V4(0, 0, 0, 0, 8)},
    {"private addresses", 0, V4(10, 0, 0, 0, 8)},
    {"addresses shared by a provider (RFC 6598)", 0, V4(100, 64, 0, 0, 10)},
    {"loopback addresses", 0, V4(127, 0, 0, 0, 8)},
    {"link-local addresses", 0, V4(169, 254, 0, 0, 16)},
    {"private addresses", 0, V4(172, 16, 0, 0, 12)},
    {"reserved addresses", 0, V4(192, 0, 0, 0, 24)},
    {"addresses of documentation", 0, V4(192, 0, 2, 0, 24)},
    {"reserved addresses", 0, V4(192, 88, 99, 0, 24)},
    {"private addresses", 0, V4(192, 168, 0, 0, 16)},
    {"addresses of benchmarks", 0, V4(198, 18, 0, 0, 15)},
    {"addresses of documentation", 0, V4(198, 51, 100, 0, 24)},
    {"addresses of documentation", 0, V4(203, 0, 113, 0, 24)},
    {"multicast addresses", 0, V4(224, 0, 0, 0, 4)},
    {"reserved addresses", 0, V4(240, 0, 0, 0, 4)},

    {"unspecified addresses", 0, V6(ADDRESS_BITS, 0)},
    {"loopback addresses", 0, V6(ADDRESS_BITS, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)},
    {NULL, 12, V6(MAPPED_BITS, 0, 0x64, 0xff, 0x9b)},               /* NAT64, RFC 6052 */
    {"private addresses", 0, V6(48, 0, 0x64, 0xff, 0x9b, 0, 1)},    /* local NAT64, RFC 8215 */
    {"reserved addresses", 0, V6(23, 0x20, 0x01, 0)},               /* Teredo, ORCHID and others */
    {"addresses of documentation", 0, V6(32, 0x20, 0x01, 0x0d, 0xb8)},
    {NULL, 2, V6(16, 0x20, 0x02)},                                  /* 6to4, RFC 3056 */
    {"addresses of documentation", 0, V6(20, 0x3f, 0xff)},
    {"private addresses", 0, V6(7, 0xfc)},
    {"link-local addresses", 0, V6(10, 0xfe, 0x80)},
    {"private addresses", 0, V6(10, 0xfe, 0xc0)},
    {"multicast addresses", 0, V6(8, 0xff)},
};

static const struct outbound_range global_unicast = V6(3, 0x20);
static const struct outbound_range mapped = V4(0, 0, 0, 0, 0);

/* What a word stands for in the text of rules. */
static const struct {
    const char *word;
    struct outbound_range range;
} words[] = {
    {"private", V4(10, 0, 0, 0, 8)},     {"private", V4(172, 16, 0, 0, 12)},
    {"private", V4(192, 168, 0, 0, 16)}, {"private", V6(7, 0xfc)},
    {"loopback", V4(127, 0, 0, 0, 8)},
    {"loopback", V6(ADDRESS_BITS, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)},
};

static struct outbound process_rules;

static bool contains(const struct outbound_range *range, const struct in6_addr *address)
{
    int bytes = range->bits / 8, rest = range->bits % 8;

    if (memcmp(&range->address, address, (size_t)bytes) != 0)
        return false;
    return !rest || (range->address.s6_addr[bytes] ^ address->s6_addr[bytes]) >> (8 - rest) == 0;
}

static struct in6_addr mapped_from(const void *four)
{
    struct in6_addr address = mapped.address;

    memcpy(&address.s6_addr[12], four, 4);
    return address;
}

/* What kind of address that cannot be reached by default it is; NULL: public. */
static const char *what_is(const struct in6_addr *address)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (contains(&rows[i].range, address)) {
            struct in6_addr inner;

            if (!rows[i].carries)
                return rows[i].what;
            inner = mapped_from(&address->s6_addr[rows[i].carries]);
            return what_is(&inner);
        }
    if (contains(&mapped, address) || contains(&global_unicast, address))
        return NULL;
    return "reserved addresses";
}

static bool is_named(const struct outbound *rules, const struct in6_addr *address, int bits_min)
{
    for (int i = 0; i < rules->count; i++)
        if (rules->ranges[i].bits >= bits_min && contains(&rules->ranges[i], address))
            return true;
    return false;
}

int outbound_check(const struct outbound *rules, const struct sockaddr *address, struct err *err)
{
    struct in6_addr in6;
    char text[INET6_ADDRSTRLEN] = "";
    const char *what;

    if (address->sa_family == AF_INET) {
        const struct in_addr *in4 = &((const struct sockaddr_in *)address)->sin_addr;

        in6 = mapped_from(in4);
        inet_ntop(AF_INET, in4, text, sizeof text);
    } else if (address->sa_family == AF_INET6) {
        in6 = ((const struct sockaddr_in6 *)address)->sin6_addr;
        inet_ntop(AF_INET6, &in6, text, sizeof text);
    } else {
        return err_set(err, ERR_NETWORK, "only addresses of IPv4 and IPv6 can be reached");
    }
    what = what_is(&in6);
    if (!what || rules->all || is_named(rules, &in6, what == metadata ? ADDRESS_BITS : 0))
        return 0;
    return err_set(err, ERR_NETWORK, "%s refused: %s are not allowed here", text, what);
}

/* ---- rules in text ---- */

static int add(struct outbound *rules, const struct outbound_range *range, struct err *err)
{
    if (rules->count == OUTBOUND_RANGES_MAX)
        return err_set(err, ERR_LIMIT, "outbound rules: more than %d networks",
                       OUTBOUND_RANGES_MAX);
    rules->ranges[rules->count++] = *range;
    return 0;
}

/* An address with or without "/bits". Returns false when it is none. */
static bool range_parse(str entry, struct outbound_range *ret_range)
{
    str address = str_head(entry, str_find(entry, '/'));
    bool with_bits = address.len < entry.len;
    uint64_t bits, bits_max;
    struct in_addr in4;
    char text[ENTRY_BYTES_MAX + 1];

    if (entry.len > ENTRY_BYTES_MAX || str_find(entry, '\0') < entry.len)
        return false;
    snprintf(text, sizeof text, "%.*s", STR_ARGS(address));
    if (inet_pton(AF_INET, text, &in4) == 1) {
        ret_range->address = mapped_from(&in4);
        bits_max = ADDRESS_BITS - MAPPED_BITS;
    } else if (inet_pton(AF_INET6, text, &ret_range->address) == 1) {
        bits_max = ADDRESS_BITS;
    } else {
        return false;
    }
    bits = bits_max;
    if (with_bits && !str_to_u64(str_skip(entry, address.len + 1), bits_max, &bits))
        return false;
    ret_range->bits = (int)(bits + ADDRESS_BITS - bits_max);
    return true;
}

static int add_entry(struct outbound *rules, str entry, struct err *err)
{
    struct outbound_range range;
    bool known = str_equal(entry, STR("public"));
    int r = 0;

    if (str_equal(entry, STR("all")))
        rules->all = known = true;
    for (size_t i = 0; i < COUNT_OF(words) && r == 0; i++)
        if (str_equal(entry, str_from(words[i].word))) {
            known = true;
            r = add(rules, &words[i].range, err);
        }
    if (known)
        return r;
    if (range_parse(entry, &range))
        return add(rules, &range, err);
    return err_set(err, ERR_INVALID,
                   "outbound rules: \"%.*s\" is neither public, private, loopback, all, an address "
                   "(10.0.0.1) nor a network (10.0.0.0/8)",
                   STR_ARGS(str_head(entry, ENTRY_BYTES_MAX)));
}

int outbound_parse(struct outbound *rules, str text, struct err *err)
{
    *rules = (struct outbound){0};
    for (;;) {
        size_t comma = str_find(text, ',');
        int r = add_entry(rules, str_trim(str_head(text, comma)), err);

        if (r < 0)
            return r;
        if (comma == text.len)
            return 0;
        text = str_skip(text, comma + 1);
    }
}

/* ---- the process's ---- */

void outbound_set(const struct outbound *rules)
{
    process_rules = *rules;
}

const struct outbound *outbound_rules(void)
{
    return &process_rules;
}
