/* Starts a browser; see browser.h.
 *
 * The child is a session of its own, so that Ctrl-C here does not end a browser there, and has no
 * streams: browsers talk a lot. Whether it could be started comes back through a pipe that a
 * successful exec closes. */
#include "cli/browser.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The command is split by the shell as people write it; the address is an argument of its own. */
static const char by_variable[] = "exec $BROWSER \"$1\"";

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value && *value;
}

static _Noreturn void become(char *const *argv, int report)
{
    int nothing = open("/dev/null", O_RDWR);

    setsid();
    for (int fd = 0; fd <= 2; fd++)
        dup2(nothing, fd);
    execvp(argv[0], argv);
    (void)!write(report, "", 1);
    _exit(1);
}

static bool start(char *const *argv)
{
    int report[2];
    ssize_t got;
    char byte;
    pid_t pid;

    if (pipe2(report, O_CLOEXEC) < 0)
        return false;
    pid = fork();
    if (pid == 0)
        become(argv, report[1]);
    close(report[1]);
    do
        got = read(report[0], &byte, 1);
    while (got < 0 && errno == EINTR);
    close(report[0]);
    return pid > 0 && got == 0;
}

bool browser_open(const char *url)
{
    char *const own[] = {"sh", "-c", (char *)by_variable, "sh", (char *)url, NULL};
    char *const desktop[] = {"xdg-open", (char *)url, NULL};

    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return false;
    if (is_set("BROWSER"))
        return start(own);
    return (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")) && start(desktop);
}
