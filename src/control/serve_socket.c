/* The listening sockets of a server: opened, or inherited.
 *
 * From the binary before, by ATOLL_SOCKETS="<pid>:<fd>:<fd>:<fd>"; from systemd, by LISTEN_PID,
 * LISTEN_FDS and LISTEN_FDNAMES (sd_listen_fds(3)): those named "listen", "admin" and "s3", or the
 * first, the second and the third. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/serve_private.h"
#include "os/listen.h"

enum { SYSTEMD_FIRST_FD = 3, SYSTEMD_FDS_MAX = 16 };

#define VARIABLE "ATOLL_SOCKETS"

static bool is_listening(int fd)
{
    socklen_t len = sizeof(int);
    int on = 0;

    return fd > 2 && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

static void describe(struct serve_socket *socket)
{
    union {
        struct sockaddr_storage any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.any = {0}};
    socklen_t len = sizeof address;
    char ip[INET6_ADDRSTRLEN] = "?";
    bool v6;

    if (getsockname(socket->fd, (struct sockaddr *)&address, &len) < 0)
        return;
    v6 = address.any.ss_family == AF_INET6;
    inet_ntop(v6 ? AF_INET6 : AF_INET,
              v6 ? (const void *)&address.v6.sin6_addr : (const void *)&address.v4.sin_addr, ip,
              sizeof ip);
    socket->port = ntohs(v6 ? address.v6.sin6_port : address.v4.sin_port);
    snprintf(socket->shown, sizeof socket->shown, v6 ? "[%s]:%d" : "%s:%d", ip, socket->port);
}

static void take(struct serve_socket *socket, int fd)
{
    if (socket->fd >= 0 || !is_listening(fd))
        return;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    socket->fd = fd;
}

static void take_handed_over(struct serve *serve)
{
    const char *text = getenv(VARIABLE);
    int pid = 0, listen_fd = -1, admin_fd = -1, s3_fd = -1;

    if (text && sscanf(text, "%d:%d:%d:%d", &pid, &listen_fd, &admin_fd, &s3_fd) >= 3 &&
        pid == getpid()) {
        take(&serve->listen, listen_fd);
        take(&serve->admin, admin_fd);
        take(&serve->s3_socket, s3_fd);
        serve->inherited = true;
    }
    unsetenv(VARIABLE);
}

static void take_systemd(struct serve *serve)
{
    const char *pid = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS");
    const char *names = getenv("LISTEN_FDNAMES");
    int count = count_text ? atoi(count_text) : 0;

    if (!pid || atoi(pid) != getpid() || count < 1 || count > SYSTEMD_FDS_MAX)
        return;
    for (int i = 0; i < count; i++) {
        str name = str_from(names ? names : "");

        name = str_head(name, str_find(name, ':'));
        names = names && names[name.len] ? names + name.len + 1 : NULL;
        if (str_equal(name, STR("s3")))
            take(&serve->s3_socket, SYSTEMD_FIRST_FD + i);
        else if (str_equal(name, STR("admin")))
            take(&serve->admin, SYSTEMD_FIRST_FD + i);
        else if (str_equal(name, STR("listen")) || serve->listen.fd < 0)
            take(&serve->listen, SYSTEMD_FIRST_FD + i);
        else if (serve->admin.fd < 0)
            take(&serve->admin, SYSTEMD_FIRST_FD + i);
        else
            take(&serve->s3_socket, SYSTEMD_FIRST_FD + i);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

static int open_one(struct serve_socket *socket, const struct serve_address *address,
                    const char *option, struct err *err)
{
    struct err reason;
    int port, r = 0;

    if (socket->fd < 0)
        r = listen_open(address->ip, address->port, &socket->fd, &port, &reason);
    if (r < 0)
        return err_set(err, r, "%.*s\nanother address: %s ADDRESS:PORT",
                       (int)str_find(str_from(reason.text), '\n'), reason.text, option);
    describe(socket);
    return 0;
}

int serve_socket_open_all(struct serve *serve, struct err *err)
{
    int r;

    serve->listen.fd = serve->admin.fd = serve->s3_socket.fd = -1;
    take_handed_over(serve);
    take_systemd(serve);
    if ((r = open_one(&serve->listen, &serve->config->listen, "--listen", err)) < 0)
        return r;
    if ((r = open_one(&serve->admin, &serve->config->admin, "--admin", err)) < 0)
        return r;
    return serve->config->s3.ip || serve->s3_socket.fd >= 0
               ? open_one(&serve->s3_socket, &serve->config->s3, "--s3", err)
               : 0;
}

void serve_socket_hand_over(struct serve *serve)
{
    char text[64];

    fcntl(serve->listen.fd, F_SETFD, 0);
    fcntl(serve->admin.fd, F_SETFD, 0);
    if (serve->s3_socket.fd >= 0)
        fcntl(serve->s3_socket.fd, F_SETFD, 0);
    snprintf(text, sizeof text, "%d:%d:%d:%d", (int)getpid(), serve->listen.fd, serve->admin.fd,
             serve->s3_socket.fd);
    setenv(VARIABLE, text, 1);
}
