/* Tells systemd, or whoever else reads $NOTIFY_SOCKET, how the service is.
 *
 * Owns: nothing. Thread: any. Source: sd_notify(3), which says what the datagram holds. */
#ifndef ATOLL_OS_NOTIFY_H
#define ATOLL_OS_NOTIFY_H

/* Sends lines such as "READY=1". Without such a socket, and when it cannot be reached, nothing
 * happens: it is news, and not needed. */
void notify_send(const char *lines);

#endif
