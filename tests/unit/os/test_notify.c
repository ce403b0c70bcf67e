// News for the service manager: one datagram, at a path or at an abstract name.
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/file.h"
#include "os/notify.h"
#include "os/path.h"

/* Listens at `name`, sets the variable, sends and returns what came. Returned owned. */
static char *heard(const char *name, size_t name_len)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    char text[128];
    ssize_t count;

    memcpy(address.sun_path, name, name_len);
    if (*name == '@')
        address.sun_path[0] = '\0';
    cr_assert_eq(bind(fd, (struct sockaddr *)&address,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name_len)),
                 0);
    setenv("NOTIFY_SOCKET", name, 1);
    notify_send("READY=1\nSTATUS=fine");
    count = recv(fd, text, sizeof text, MSG_DONTWAIT);
    close(fd);
    return count < 0 ? NULL : str_dup((str){text, (size_t)count});
}

Test(notify, path_and_abstract)
{
    struct err err;
    char *directory, *path, *text, name[64];

    cr_assert_eq(file_make_temporary(&directory, &err), 0);
    path = path_join(str_from(directory), STR("socket"));
    text = heard(path, strlen(path));
    cr_assert_str_eq(text, "READY=1\nSTATUS=fine");
    free(text);
    snprintf(name, sizeof name, "@atoll-test-%d", (int)getpid());
    text = heard(name, strlen(name));
    cr_assert_str_eq(text, "READY=1\nSTATUS=fine");
    free(text);
    file_remove_tree(directory);
    free(directory);
    free(path);
}

Test(notify, nobody_there)
{
    static const char *const values[] = {"", "/", "relative", "/nowhere/at/all", "@"};
    char text[300];

    unsetenv("NOTIFY_SOCKET");
    notify_send("READY=1");
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        setenv("NOTIFY_SOCKET", values[i], 1);
        notify_send("READY=1");
    }
    memset(text, 'x', sizeof text);
    text[0] = '/';
    text[sizeof text - 1] = '\0';
    setenv("NOTIFY_SOCKET", text, 1);
    notify_send("READY=1");
}
