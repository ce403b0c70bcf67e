/* Entering the sandbox; see sandbox.h.
 *
 * The order matters: groups and bounding set while we may, Landlock and seccomp last, when nothing
 * is left to be opened by name or called that they forbid. */
#include "os/sandbox_private.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int failed(struct err *err, const char *what)
{
    return err_set(err, ERR_IO, "the sandbox cannot be entered: %s: %s", what, strerror(errno));
}

/* A core file would hold what tenants keep secret. */
static int forbid_cores(struct err *err)
{
    static const struct rlimit none = {0, 0};

    return setrlimit(RLIMIT_CORE, &none) < 0 ? failed(err, "RLIMIT_CORE") : 0;
}

static int drop_bounding_set(struct err *err)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return failed(err, "PR_CAPBSET_DROP");
    return 0;
}

static int become(const char *user, struct err *err)
{
    const struct passwd *entry;

    errno = 0;
    if (!(entry = getpwnam(user)))
        return err_set(err, ERR_NOT_FOUND,
                       "the sandbox cannot be entered: there is no user \"%s\"; make one with "
                       "\"useradd --system %s\", or name another in the configuration",
                       user, user);
    if (entry->pw_uid == 0)
        return err_set(err, ERR_INVALID, "the sandbox's user must not be root, and \"%s\" is",
                       user);
    if (setgroups(0, NULL) < 0 || setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) < 0 ||
        setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) < 0)
        return failed(err, user);
    return 0;
}

static int drop_capabilities(struct err *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
        return failed(err, "PR_CAP_AMBIENT");
    return syscall(SYS_capset, &header, none) < 0 ? failed(err, "capset") : 0;
}

struct sandbox_support sandbox_support(void)
{
    return (struct sandbox_support){
        .landlock = sandbox_files_version(),
        .seccomp = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0,
    };
}

#ifdef __SANITIZE_ADDRESS__
static int entered;

/* Looking for leaks stops all threads by tracing them, from a process of its own. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return entered;
}
#define NOTE_ENTERED() (entered = 1)
#else
#define NOTE_ENTERED() ((void)0)
#endif

int sandbox_enter(const struct sandbox *sandbox, struct err *err)
{
    bool is_root = geteuid() == 0;
    int r;

    if ((r = forbid_cores(err)) < 0 || (is_root && (r = drop_bounding_set(err)) < 0) ||
        (is_root && sandbox->user && (r = become(sandbox->user, err)) < 0) ||
        (r = drop_capabilities(err)) < 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return failed(err, "PR_SET_NO_NEW_PRIVS");
    NOTE_ENTERED();
    if ((r = sandbox_files_restrict(sandbox, err)) < 0)
        return r;
    return sandbox_calls_restrict(err);
}

int sandbox_confine_thread(const struct sandbox *sandbox, struct err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return failed(err, "PR_SET_NO_NEW_PRIVS");
    return sandbox_files_restrict(sandbox, err);
}
