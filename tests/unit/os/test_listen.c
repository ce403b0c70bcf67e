#include "os/listen.h"

#include <criterion/criterion.h>
#include <unistd.h>

Test(listen, finds_a_free_port_and_names_a_taken_one)
{
    static const char *const addresses[] = {"127.0.0.1", "::1"};
    struct err err;

    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        int fd, again = -1, port, other;

        if (listen_open(addresses[i], 0, &fd, &port, &err) < 0) {
            cr_expect_eq(i, 1, "no IPv4: %s", err.text); /* a machine may lack IPv6 */
            continue;
        }
        cr_expect_gt(port, 0);
        cr_expect_eq(listen_open(addresses[i], port, &again, &other, &err), ERR_EXISTS);
        cr_expect_eq(again, -1);
        cr_expect_not_null(strstr(err.text, "--port"));
        close(fd);
    }
}

Test(listen, refuses_what_is_no_address)
{
    static const char *const bad[] = {"", "localhost", "127.0.0", "1.2.3.4.5", "[::1]"};
    struct err err;
    int fd, port;

    for (size_t i = 0; i < COUNT_OF(bad); i++)
        cr_expect_eq(listen_open(bad[i], 0, &fd, &port, &err), ERR_INVALID, "%s", bad[i]);
    cr_expect_eq(listen_open("192.0.2.1", 0, &fd, &port, &err), ERR_INVALID);
    cr_expect_not_null(strstr(err.text, "no address of this machine"));
}
