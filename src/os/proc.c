/* Another process; see proc.h. */
#include "os/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TEXT_BYTES_MAX = 1024, PATH_BYTES_MAX = 64 };

/* Reads what one read() gives of a file of `pid`; "" when it is not there. */
static const char *read_file(pid_t pid, const char *name, char text[TEXT_BYTES_MAX])
{
    char path[PATH_BYTES_MAX];
    ssize_t count;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    count = fd < 0 ? 0 : read(fd, text, TEXT_BYTES_MAX - 1);
    if (fd >= 0)
        close(fd);
    text[count > 0 ? count : 0] = '\0';
    return text;
}

size_t proc_resident_bytes(pid_t pid)
{
    char text[TEXT_BYTES_MAX];
    const char *second = strchr(read_file(pid, "statm", text), ' ');

    return second ? strtoul(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

uint64_t proc_main_cpu_ms(pid_t pid)
{
    char text[TEXT_BYTES_MAX], name[PATH_BYTES_MAX], *at;
    unsigned long long user = 0, kernel = 0;

    snprintf(name, sizeof name, "task/%d/stat", (int)pid);
    read_file(pid, name, text);
    at = strrchr(text, ')'); /* the name before it may hold anything */
    if (!at || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
                      &kernel) != 2)
        return 0;
    return (user + kernel) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK);
}

static void set_autogroup(pid_t pid, int nice)
{
    char path[PATH_BYTES_MAX];
    int fd;

    snprintf(path, sizeof path, "/proc/%d/autogroup", (int)pid);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (dprintf(fd, "%d", nice) < 0)
        setpriority(PRIO_PROCESS, (id_t)pid, nice);
    close(fd);
}

void proc_set_nice(pid_t pid, int nice)
{
    char path[PATH_BYTES_MAX];
    struct dirent *entry;
    DIR *tasks;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    while (tasks && (entry = readdir(tasks)))
        if (entry->d_name[0] != '.')
            setpriority(PRIO_PROCESS, (id_t)strtoul(entry->d_name, NULL, 10), nice);
    if (tasks)
        closedir(tasks);
    set_autogroup(pid, nice);
}

uint64_t proc_raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    return limit.rlim_cur;
}

bool proc_has_writable_code(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    bool found = false;

    while (maps && !found && fgets(line, sizeof line, maps))
        found = strstr(line, " rwxp ") != NULL;
    if (maps)
        fclose(maps);
    return found;
}
