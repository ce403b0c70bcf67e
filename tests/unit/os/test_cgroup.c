/* Groups in the kernel's own hierarchy where this machine lets us make some; which controllers they
 * have is the machine's to say, that a process is in one is not. */
#include "os/cgroup.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

static const char *parent(void)
{
    static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    char path[PATH_MAX];

    for (size_t i = 0; i < COUNT_OF(places); i++) {
        snprintf(path, sizeof path, "%s/cgroup.procs", places[i]);
        if (access(path, W_OK) == 0)
            return places[i];
    }
    return NULL;
}

static bool is_member(const char *name, pid_t pid)
{
    char path[PATH_MAX], line[512];
    FILE *file;
    bool found = false;

    snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
    file = fopen(path, "r");
    cr_assert(file);
    while (fgets(line, sizeof line, file))
        found = found || (strncmp(line, "0::", 3) == 0 && strstr(line, name));
    fclose(file);
    return found;
}

Test(cgroup, holds_a_process)
{
    struct cgroup_limits limits = {.memory_bytes = 64 << 20, .pids = 32, .cpu_weight = 10};
    char name[64];
    unsigned kept = ~0u;
    struct err err;
    pid_t child;

    if (!parent())
        cr_skip_test("no control groups of version 2 that may be written");
    snprintf(name, sizeof name, "atoll-test-%d", (int)getpid());
    cr_assert_eq(cgroup_make(parent(), name, &limits, &kept, &err), 0, "%s", err.text);
    cr_expect(kept <= 7);
    cr_expect_eq(cgroup_make(parent(), name, &limits, NULL, &err), 0, "a second time");
    child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    cr_expect_eq(cgroup_enter(parent(), name, child, &err), 0, "%s", err.text);
    cr_expect(is_member(name, child));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    cr_expect_eq(cgroup_enter(parent(), name, child, &err), ERR_NOT_FOUND);
    cgroup_remove(parent(), name);
    snprintf(name, sizeof name, "atoll-test-%d/x", (int)getpid());
    cr_expect_eq(cgroup_enter(parent(), name, getpid(), &err), ERR_IO, "it is removed");
}

Test(cgroup, says_why_it_cannot)
{
    struct cgroup_limits limits = {0};
    struct err err;

    cr_expect_eq(cgroup_make("/no/such/directory", "x", &limits, NULL, &err), ERR_IO);
    cr_expect(strstr(err.text, "/no/such/directory/x"), "%s", err.text);
    cgroup_remove("/no/such/directory", "x");
}

Test(cgroup, the_own_group_is_a_directory)
{
    char *own = cgroup_own();

    if (own)
        cr_expect(own[0] == '/' && access(own, F_OK) == 0, "%s", own);
    free(own);
    cr_expect_eq(cgroup_offers("/nowhere"), 0);
    cr_expect_eq(cgroup_offers("/tmp"), 0, "no control group at all");
}
