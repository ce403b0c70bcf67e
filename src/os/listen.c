/* A TCP socket that listens; see listen.h. */
#include "os/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Fills `address`; returns its length, 0 when `ip` is no address. */
static socklen_t parse(const char *ip, int port, union address *address)
{
    *address = (union address){0};
    if (inet_pton(AF_INET, ip, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons((uint16_t)port);
        return sizeof address->v4;
    }
    if (inet_pton(AF_INET6, ip, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons((uint16_t)port);
        return sizeof address->v6;
    }
    return 0;
}

static int explain(const char *ip, int port, int reason, struct err *err)
{
    if (reason == EADDRINUSE)
        return err_set(err, ERR_EXISTS,
                       "port %d at %s is in use by another process\n"
                       "choose another with --port, or --port 0 for any free one",
                       port, ip);
    if (reason == EACCES)
        return err_set(err, ERR_IO,
                       "port %d needs more rights than this user has\n"
                       "choose a port from 1024 on with --port",
                       port);
    if (reason == EADDRNOTAVAIL)
        return err_set(err, ERR_INVALID, "%s is no address of this machine", ip);
    return err_set(err, ERR_IO, "cannot listen at %s port %d: %s", ip, port, strerror(reason));
}

int listen_open(const char *ip, int port, int *ret_fd, int *ret_port, struct err *err)
{
    union address address;
    socklen_t len = parse(ip, port, &address);
    int fd, on = 1, reason;

    ASSERT(port >= 0 && port <= 65535);
    if (!len)
        return err_set(err, ERR_INVALID, "\"%s\" is no IPv4 or IPv6 address", ip);
    fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return explain(ip, port, errno, err);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, &address.any, len) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, &address.any, &len) < 0) {
        reason = errno;
        close(fd);
        return explain(ip, port, reason, err);
    }
    *ret_fd = fd;
    *ret_port = ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port
                                                       : address.v6.sin6_port);
    return 0;
}
