/* Control groups; see cgroup.h. */
#include "os/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/path.h"

static bool write_number(const char *directory, const char *file, uint64_t number)
{
    char path[PATH_MAX], text[24];
    int len = snprintf(text, sizeof text, "%" PRIu64, number), fd;
    bool done;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, file) >= sizeof path)
        return false;
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    done = write(fd, text, (size_t)len) == len;
    close(fd);
    return done;
}

static int directory_of(char *ret, const char *parent, const char *name, struct err *err)
{
    if ((size_t)snprintf(ret, PATH_MAX, "%s/%s", parent, name) >= PATH_MAX)
        return err_set(err, ERR_IO, "the path of control group %s is too long", name);
    return 0;
}

/* Children have the controllers that their parent hands down; which of them it may is its own
 * parent's to say, so each is asked for alone. */
static void hand_down(const char *parent)
{
    static const char *const controllers[] = {"+memory", "+pids", "+cpu"};
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof path, "%s/cgroup.subtree_control", parent);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    for (size_t i = 0; i < COUNT_OF(controllers); i++)
        if (write(fd, controllers[i], strlen(controllers[i])) < 0)
            continue;
    close(fd);
}

int cgroup_make(const char *parent, const char *name, const struct cgroup_limits *limits,
                unsigned *ret_kept, struct err *err)
{
    char directory[PATH_MAX];
    unsigned kept = 0;

    if (directory_of(directory, parent, name, err) < 0)
        return err->code;
    hand_down(parent);
    if (mkdir(directory, 0755) < 0 && errno != EEXIST)
        return err_set(err, ERR_IO, "control group %s cannot be made: %s", directory,
                       strerror(errno));
    if (limits->memory_bytes && write_number(directory, "memory.max", limits->memory_bytes))
        kept |= 1;
    if (limits->pids && write_number(directory, "pids.max", limits->pids))
        kept |= 2;
    if (limits->cpu_weight && write_number(directory, "cpu.weight", limits->cpu_weight))
        kept |= 4;
    if (ret_kept)
        *ret_kept = kept;
    return 0;
}

int cgroup_enter(const char *parent, const char *name, pid_t pid, struct err *err)
{
    char directory[PATH_MAX];

    if (directory_of(directory, parent, name, err) < 0)
        return err->code;
    if (write_number(directory, "cgroup.procs", (uint64_t)pid))
        return 0;
    return err_set(err, errno == ESRCH ? ERR_NOT_FOUND : ERR_IO,
                   "process %d cannot be put into control group %s: %s", (int)pid, directory,
                   strerror(errno));
}

void cgroup_remove(const char *parent, const char *name)
{
    char directory[PATH_MAX];
    struct err err;

    if (directory_of(directory, parent, name, &err) == 0)
        rmdir(directory);
}

/* Where version 2 is mounted: alone, or beside version 1. NULL: nowhere. */
static const char *mounted_at(void)
{
    static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    char path[PATH_MAX];

    for (size_t i = 0; i < COUNT_OF(places); i++) {
        snprintf(path, sizeof path, "%s/cgroup.controllers", places[i]);
        if (access(path, F_OK) == 0)
            return places[i];
    }
    return NULL;
}

char *cgroup_own(void)
{
    const char *mount = mounted_at();
    FILE *file = mount ? fopen("/proc/self/cgroup", "re") : NULL;
    char line[PATH_MAX], *own = NULL;

    while (file && !own && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::/", 4) == 0)
            own = line[4] ? path_join(str_from(mount), str_from(line + 4))
                          : str_dup(str_from(mount));
    }
    if (file)
        fclose(file);
    return own;
}

unsigned cgroup_offers(const char *parent)
{
    static const char *const controllers[] = {"memory", "pids", "cpu"};
    char path[PATH_MAX], line[512], *rest = NULL, *word;
    unsigned offers = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/cgroup.controllers", parent);
    file = access(parent, W_OK) == 0 ? fopen(path, "re") : NULL;
    if (file && fgets(line, sizeof line, file))
        for (word = strtok_r(line, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest))
            for (size_t i = 0; i < COUNT_OF(controllers); i++)
                offers |= strcmp(word, controllers[i]) == 0 ? 1u << i : 0;
    if (file)
        fclose(file);
    return offers;
}
