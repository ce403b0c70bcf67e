/* http/outbound: what is public and what is not, in every disguise; rules in text. */
#include "http/outbound.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include "base/buf.h"

static int check(const struct outbound *rules, const char *address, struct err *err)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, address, &in4.sin_addr) == 1)
        return outbound_check(rules, (struct sockaddr *)&in4, err);
    cr_assert(inet_pton(AF_INET6, address, &in6.sin6_addr) == 1, "%s", address);
    return outbound_check(rules, (struct sockaddr *)&in6, err);
}

Test(outbound, tells_public_addresses_from_others)
{
    static const struct {
        const char *address, *refused; /* NULL: public */
    } cases[] = {
        {"1.1.1.1", NULL}, {"8.8.8.8", NULL}, {"9.255.255.255", NULL}, {"11.0.0.0", NULL},
        {"100.63.255.255", NULL}, {"100.128.0.0", NULL}, {"126.255.255.255", NULL},
        {"128.0.0.0", NULL}, {"169.253.255.255", NULL}, {"169.255.0.0", NULL},
        {"172.15.255.255", NULL}, {"172.32.0.0", NULL}, {"192.0.1.0", NULL},
        {"192.167.255.255", NULL}, {"192.169.0.0", NULL}, {"198.17.255.255", NULL},
        {"198.20.0.0", NULL}, {"223.255.255.255", NULL}, {"168.63.129.15", NULL},
        {"0.0.0.0", "unspecified"}, {"0.1.2.3", "unspecified"}, {"10.0.0.1", "private"},
        {"10.255.255.255", "private"}, {"100.64.0.1", "shared"}, {"100.127.255.255", "shared"},
        {"127.0.0.1", "loopback"}, {"127.255.255.255", "loopback"}, {"169.254.0.1", "link-local"},
        {"172.16.0.0", "private"}, {"172.31.255.255", "private"}, {"192.168.0.1", "private"},
        {"192.0.0.8", "reserved"}, {"192.0.2.1", "documentation"}, {"198.18.0.1", "benchmarks"},
        {"224.0.0.1", "multicast"}, {"239.255.255.255", "multicast"}, {"240.0.0.1", "reserved"},
        {"255.255.255.255", "reserved"},

        {"169.254.169.254", "metadata"}, {"169.254.170.2", "metadata"},
        {"168.63.129.16", "metadata"}, {"100.100.100.200", "metadata"},
        {"192.0.0.192", "metadata"}, {"fd00:ec2::254", "metadata"}, {"fd20:ce::254", "metadata"},

        {"2606:4700::1111", NULL}, {"2a00::1", NULL}, {"2001:4860:4860::8888", NULL},
        {"2001:200::1", NULL}, {"::", "unspecified"}, {"::1", "loopback"}, {"::2", "reserved"},
        {"fc00::1", "private"}, {"fdff::1", "private"}, {"fe80::1", "link-local"},
        {"febf::1", "link-local"}, {"fec0::1", "private"}, {"ff02::1", "multicast"},
        {"2001::1", "reserved"}, {"2001:db8::1", "documentation"}, {"3fff::1", "documentation"},
        {"4000::1", "reserved"}, {"100::1", "reserved"}, {"5f00::1", "reserved"},

        {"::ffff:1.1.1.1", NULL}, {"::ffff:127.0.0.1", "loopback"},
        {"::ffff:169.254.169.254", "metadata"}, {"::127.0.0.1", "reserved"},
        {"::ffff:0:127.0.0.1", "reserved"}, {"64:ff9b::1.1.1.1", NULL},
        {"64:ff9b::10.0.0.1", "private"}, {"64:ff9b::169.254.169.254", "metadata"},
        {"64:ff9b:1::1.1.1.1", "private"}, {"2002:0101:0101::1", NULL},
        {"2002:7f00:0001::1", "loopback"}, {"2002:0a00:0001::1", "private"},
        {"2002:a9fe:a9fe::1", "metadata"},
    };
    static const struct outbound none, all = {.all = true};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        int r = check(&none, cases[i].address, &err);

        cr_expect(r == (cases[i].refused ? ERR_NETWORK : 0), "%s", cases[i].address);
        if (cases[i].refused)
            cr_expect(strstr(err.text, cases[i].refused), "%s: %s", cases[i].address, err.text);
        cr_expect(check(&all, cases[i].address, &err) == 0, "%s with all", cases[i].address);
    }
}

Test(outbound, says_what_was_refused)
{
    static const struct outbound none;
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct err err;

    cr_assert(check(&none, "10.0.0.1", &err) < 0);
    cr_expect_str_eq(err.text, "10.0.0.1 refused: private addresses are not allowed here");
    cr_assert(check(&none, "fe80::1", &err) < 0);
    cr_expect_str_eq(err.text, "fe80::1 refused: link-local addresses are not allowed here");
    cr_expect(outbound_check(&none, &other, &err) == ERR_NETWORK);
}

Test(outbound, allows_what_rules_name)
{
    static const struct {
        const char *rules, *address;
        bool allowed;
    } cases[] = {
        {"public", "1.1.1.1", true},
        {"public", "10.0.0.1", false},
        {"private", "10.0.0.1", true},
        {"private", "172.31.0.1", true},
        {"private", "192.168.3.4", true},
        {"private", "fd12::1", true},
        {"private", "127.0.0.1", false},
        {"private", "fd00:ec2::254", false},
        {"private", "::ffff:10.0.0.1", true},
        {"loopback", "127.0.0.1", true},
        {"loopback", "::1", true},
        {"loopback", "10.0.0.1", false},
        {"loopback, 10.1.0.0/16", "10.1.255.255", true},
        {"loopback, 10.1.0.0/16", "10.2.0.0", false},
        {"10.1.0.0/15", "10.1.0.1", true},
        {"10.0.0.9", "10.0.0.9", true},
        {"10.0.0.9", "10.0.0.8", false},
        {"fd00::/8", "fd01::1", true},
        {"fd00::/8", "fc01::1", false},
        {"169.254.0.0/16", "169.254.1.1", true},
        {"169.254.0.0/16", "169.254.169.254", false},
        {"0.0.0.0/0", "10.0.0.1", true},
        {"0.0.0.0/0", "fd00::1", false},
        {"169.254.169.254", "169.254.169.254", true},
        {"169.254.169.254/32", "::ffff:169.254.169.254", true},
        {"all", "169.254.169.254", true},
        {"2002::/16", "2002:7f00:0001::1", true},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct outbound rules;
        struct err err = {0};

        cr_assert(outbound_parse(&rules, str_from(cases[i].rules), &err) == 0, "%s", err.text);
        cr_expect((check(&rules, cases[i].address, &err) == 0) == cases[i].allowed, "%s: %s",
                  cases[i].rules, cases[i].address);
    }
}

Test(outbound, refuses_rules_that_are_none)
{
    static const char *const texts[] = {
        "", "everything", "10.0.0.1,", "10.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "1.2.3.4/",
        "fd00::/8 fd01::/8", "Private", "10.0.0.0/8/8",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee:ffff",
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct outbound rules;
        struct err err = {0};

        cr_expect(outbound_parse(&rules, str_from(texts[i]), &err) == ERR_INVALID, "%s", texts[i]);
        cr_expect(strstr(err.text, "outbound rules: "), "%s", err.text);
    }
}

Test(outbound, bounds_the_number_of_networks)
{
    struct outbound rules;
    struct buf text;
    struct err err;

    buf_init(&text, 4096);
    for (int i = 0; i < OUTBOUND_RANGES_MAX; i++)
        cr_assert(buf_printf(&text, "%s10.0.0.%d", i ? "," : "", i) == 0);
    cr_expect(outbound_parse(&rules, buf_str(&text), &err) == 0);
    cr_assert(buf_append(&text, STR(",::1")) == 0);
    cr_expect(outbound_parse(&rules, buf_str(&text), &err) == ERR_LIMIT);
    buf_done(&text);
}

Test(outbound, the_process_starts_with_public_addresses)
{
    static const struct outbound all = {.all = true};
    struct err err;

    cr_expect(check(outbound_rules(), "127.0.0.1", &err) == ERR_NETWORK);
    outbound_set(&all);
    cr_expect(check(outbound_rules(), "127.0.0.1", &err) == 0);
}
