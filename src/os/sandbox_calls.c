/* System calls by seccomp; see sandbox.h and seccomp(2).
 *
 * The list is what the C library, libuv, JavaScriptCore, libcurl, OpenSSL and SQLite call in a
 * running process. Those that take more than a runtime needs are let through for some arguments
 * only: new threads but no processes, signals to itself, sockets of the Internet. */
#include "os/sandbox_private.h"

#include <errno.h>
#include <linux/prctl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

static const char *const always[] = {
    /* memory and threads */
    "brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "mlock", "munlock", "mincore",
    "membarrier", "futex", "futex_waitv", "set_robust_list", "get_robust_list", "set_tid_address",
    "rseq", "arch_prctl", "exit", "exit_group", "gettid", "getpid", "getppid", "sched_yield",
    "sched_getaffinity", "sched_setscheduler", "sched_getscheduler", "sched_getparam",
    "sched_get_priority_max", "sched_get_priority_min", "getpriority", "restart_syscall",
    /* signals */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigpending",
    "rt_sigtimedwait", "sigaltstack",
    /* time and chance */
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
    "getrandom", "timerfd_create", "timerfd_settime", "timerfd_gettime",
    /* waiting */
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll",
    "select", "pselect6", "eventfd2", "pipe2",
    /* files; which ones is Landlock's to say */
    "openat", "open", "close", "close_range", "read", "readv", "pread64", "preadv", "preadv2",
    "write", "writev", "pwrite64", "pwritev", "lseek", "fstat", "newfstatat", "stat", "lstat",
    "statx", "fstatfs", "statfs", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
    "getcwd", "getdents64", "fcntl", "flock", "fsync", "fdatasync", "ftruncate", "fallocate",
    "unlink", "unlinkat", "link", "linkat", "rename", "renameat", "renameat2", "mkdir",
    "mkdirat", "rmdir",
    "fchmod", "fchown", "dup", "dup2", "dup3", "umask", "sendfile",
    /* sockets that exist */
    "accept", "accept4", "connect", "getsockname", "getpeername", "getsockopt", "setsockopt",
    "recvfrom", "recvmsg", "recvmmsg", "sendto", "sendmsg", "sendmmsg", "shutdown", "socketpair",
    /* itself and the machine */
    "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getrusage", "times",
    "sysinfo", "uname", "getcpu", "capget", "getrlimit",
};

static int add(scmp_filter_ctx filter, const char *name, const struct scmp_arg_cmp *comparison)
{
    int number = seccomp_syscall_resolve_name(name);

    if (number == __NR_SCMP_ERROR)
        return 0; /* this machine has no such call */
    return comparison ? seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, comparison)
                      : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 0, NULL);
}

static int add_when(scmp_filter_ctx filter, const char *name, unsigned argument, uint64_t value)
{
    struct scmp_arg_cmp comparison = {.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value};

    return add(filter, name, &comparison);
}

static int add_any(scmp_filter_ctx filter, const char *name, unsigned argument,
                   const uint64_t *values, size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++)
        r = add_when(filter, name, argument, values[i]);
    return r;
}

/* Without CLONE_THREAD it would be a process. clone3 has its flags in memory, where a filter cannot
 * look: the C library takes ENOSYS for an old kernel and calls clone. */
static int add_threads(scmp_filter_ctx filter)
{
    struct scmp_arg_cmp is_thread = {.arg = 0,
                                     .op = SCMP_CMP_MASKED_EQ,
                                     .datum_a = CLONE_THREAD | CLONE_VM,
                                     .datum_b = CLONE_THREAD | CLONE_VM};
    int r = add(filter, "clone", &is_thread);

    return r < 0 ? r : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int add_bounded(scmp_filter_ctx filter)
{
    static const uint64_t families[] = {AF_INET, AF_INET6};
    static const uint64_t controls[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_CAPBSET_READ,
                                        PR_GET_DUMPABLE};
    static const uint64_t requests[] = {FIONBIO, FIOCLEX, FIONREAD, TCGETS};
    int r = add_threads(filter);

    if (r == 0)
        r = add_any(filter, "socket", 0, families, COUNT_OF(families));
    if (r == 0)
        r = add_any(filter, "prctl", 0, controls, COUNT_OF(controls));
    if (r == 0)
        r = add_any(filter, "ioctl", 1, requests, COUNT_OF(requests));
    if (r == 0)
        r = add_when(filter, "tgkill", 0, (uint64_t)getpid());
    if (r == 0)
        r = add_when(filter, "prlimit64", 2, 0); /* asking, not setting */
    return r;
}

int sandbox_calls_restrict(struct err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int r = filter ? 0 : -ENOMEM;

    for (size_t i = 0; i < COUNT_OF(always) && r == 0; i++)
        r = add(filter, always[i], NULL);
    if (r == 0)
        r = add_bounded(filter);
    if (r == 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r < 0 ? err_set(err, ERR_UNSUPPORTED, "the sandbox cannot be entered: seccomp: %s",
                           strerror(-r))
                 : 0;
}
