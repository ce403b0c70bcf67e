/* Files by Landlock; see sandbox.h and landlock(7).
 *
 * Debian's headers know the first versions of the interface only: what later ones added stands
 * here, from the kernel's documentation, and is asked for when the kernel has it.
 *
 * A runtime reads the libraries and tables that the C library, OpenSSL and ICU open when they are
 * first needed, and what tells it about its own process and the machine. */
#include "os/sandbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { VERSION_REFER = 2, VERSION_TRUNCATE = 3, VERSION_NET = 4, VERSION_IOCTL = 5,
       VERSION_SCOPE = 6 };

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

#define BIT(n) (UINT64_C(1) << (n))

/* LANDLOCK_ACCESS_FS_* by their numbers. */
static const uint64_t fs_execute = BIT(0), fs_write_file = BIT(1), fs_read_file = BIT(2),
                      fs_read_dir = BIT(3), fs_remove = BIT(4) | BIT(5), fs_make_dir = BIT(7),
                      fs_make_reg = BIT(8), fs_first = BIT(13) - 1, fs_refer = BIT(13),
                      fs_truncate = BIT(14), fs_ioctl = BIT(15);
static const uint64_t net_bind_tcp = BIT(0);
static const uint64_t scope_abstract_socket = BIT(0), scope_signal = BIT(1);

struct ruleset {
    uint64_t fs, net, scoped;
};

struct path_rule {
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed));

static const char *const always_read[] = {
    "/dev/null",          "/dev/urandom",        "/etc/gai.conf",
    "/etc/host.conf",     "/etc/hosts",          "/etc/localtime",
    "/etc/nsswitch.conf", "/etc/resolv.conf",    "/etc/services",
    "/etc/ssl",           "/etc/ld.so.cache",    "/lib",
    "/lib64",             "/proc/cpuinfo",       "/proc/meminfo",
    "/proc/self",         "/proc/stat",          "/run/systemd/resolve",
    "/sys/devices/system/cpu",                   "/sys/fs/cgroup",
    "/usr/lib",           "/usr/lib64",          "/usr/share/ca-certificates",
    "/usr/share/zoneinfo",
};

int sandbox_files_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

    return version > 0 ? (int)version : 0;
}

static uint64_t known_fs(int version)
{
    return fs_first | (version >= VERSION_REFER ? fs_refer : 0) |
           (version >= VERSION_TRUNCATE ? fs_truncate : 0) |
           (version >= VERSION_IOCTL ? fs_ioctl : 0);
}

static int make_ruleset(int version)
{
    struct ruleset rules = {
        .fs = known_fs(version),
        .net = net_bind_tcp,
        .scoped = scope_abstract_socket | scope_signal,
    };
    size_t size = version >= VERSION_SCOPE ? sizeof rules
                  : version >= VERSION_NET ? offsetof(struct ruleset, scoped)
                                           : offsetof(struct ruleset, net);

    return (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
}

/* A path that is not there needs no rule: nothing can be opened at it. */
static int allow(int ruleset, const char *path, uint64_t access)
{
    struct path_rule rule = {.fd = open(path, O_PATH | O_CLOEXEC)};
    struct stat about;
    long r;

    if (rule.fd < 0)
        return errno == ENOENT || errno == EACCES ? 0 : -1;
    if (fstat(rule.fd, &about) == 0 && !S_ISDIR(about.st_mode))
        access &= fs_execute | fs_write_file | fs_read_file | fs_truncate;
    rule.allowed = access;
    r = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
    close(rule.fd);
    return r < 0 ? -1 : 0;
}

static int allow_all(int ruleset, int version, const struct sandbox *sandbox)
{
    const uint64_t read = fs_read_file | fs_read_dir;
    const uint64_t write = (read | fs_write_file | fs_remove | fs_make_dir | fs_make_reg |
                            fs_refer | fs_truncate) &
                           known_fs(version);

    if (sandbox->run && allow(ruleset, sandbox->run, read | fs_execute) < 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(always_read) && !sandbox->bare; i++)
        if (allow(ruleset, always_read[i], read) < 0)
            return -1;
    for (size_t i = 0; i < SANDBOX_PATHS_MAX && sandbox->read[i]; i++)
        if (allow(ruleset, sandbox->read[i], read) < 0)
            return -1;
#ifdef ATOLL_SANITIZED
    if (getenv("ATOLL_REPORTS") && allow(ruleset, getenv("ATOLL_REPORTS"), write) < 0)
        return -1;
#endif
    for (size_t i = 0; i < SANDBOX_PATHS_MAX && sandbox->write[i]; i++)
        if (allow(ruleset, sandbox->write[i], write) < 0)
            return -1;
    return 0;
}

int sandbox_files_restrict(const struct sandbox *sandbox, struct err *err)
{
    int version = sandbox_files_version(), ruleset, r;

    if (!version)
        return 0;
    ruleset = make_ruleset(version);
    if (ruleset < 0)
        return err_set(err, ERR_IO, "the sandbox cannot be entered: Landlock: %s", strerror(errno));
    r = allow_all(ruleset, version, sandbox) < 0 ||
                syscall(SYS_landlock_restrict_self, ruleset, 0) < 0
            ? err_set(err, ERR_IO, "the sandbox cannot be entered: Landlock: %s", strerror(errno))
            : 0;
    close(ruleset);
    return r;
}
