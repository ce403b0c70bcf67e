/* The sandbox, attacked from inside: a child enters it as a runtime does and tries. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "os/sandbox.h"

enum { REFUSED = 10, SUCCEEDED = 11, NOT_ENTERED = 12 };

static char inside[] = "/tmp/atoll-sandbox-XXXXXX";
static char secret[64];

/* A directory the runtime may write in, and beside it a file that is none of its business. */
static void set_up(void)
{
    FILE *file;

    cr_assert(mkdtemp(inside));
    cr_assert(chmod(inside, 0777) == 0);
    snprintf(secret, sizeof secret, "%s.secret", inside);
    file = fopen(secret, "w");
    cr_assert(file && fputs("the key", file) >= 0 && fclose(file) == 0);
    cr_assert(chmod(secret, 0666) == 0);
}

static void tear_down(void)
{
    char path[128];

    snprintf(path, sizeof path, "%s/mine", inside);
    unlink(path);
    rmdir(inside);
    unlink(secret);
}

TestSuite(sandbox, .init = set_up, .fini = tear_down, .timeout = 30);

/* ---- attacks: true when they succeed ---- */

static bool runs_a_program(void)
{
    char *argv[] = {"true", NULL};

    execv("/bin/true", argv);
    return errno != EPERM && errno != EACCES;
}

static bool forks(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    return child > 0;
}

static bool traces(void)
{
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}

static bool reads_memory_of_others(void)
{
    char path[64], byte;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/mem", (int)getppid());
    fd = open(path, O_RDONLY);
    return fd >= 0 && pread(fd, &byte, 1, 4096) >= 0;
}

static bool signals_the_supervisor(void)
{
    return kill(getppid(), 0) == 0;
}

static bool signals_a_thread_of_others(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0;
}

static bool mounts(void)
{
    return mount("none", inside, "tmpfs", 0, NULL) == 0;
}

static bool makes_namespaces(void)
{
    return unshare(CLONE_NEWUSER) == 0;
}

static bool uses_bpf(void)
{
    char attributes[128] = {0};

    return syscall(SYS_bpf, 0, attributes, sizeof attributes) >= 0 || errno != EPERM;
}

static bool uses_io_uring(void)
{
    char parameters[256] = {0};

    return syscall(SYS_io_uring_setup, 4, parameters) >= 0 || errno != EPERM;
}

static bool uses_keys(void)
{
    return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1) >= 0 ||
           errno != EPERM;
}

static bool becomes_root(void)
{
    return setuid(0) == 0 && geteuid() == 0;
}

static bool gains_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0;
}

static bool raises_a_limit(void)
{
    struct rlimit more = {1 << 20, 1 << 20};

    return setrlimit(RLIMIT_CORE, &more) == 0;
}

static bool reads(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY);

    return fd >= 0 && read(fd, &byte, 1) == 1;
}

static bool reads_a_secret(void)
{
    return reads(secret);
}

static bool reads_passwords(void)
{
    return reads("/etc/shadow") || reads("/etc/passwd");
}

static bool writes_a_file(void)
{
    return open(secret, O_WRONLY) >= 0 || open("/tmp/atoll-escaped", O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool removes_a_file(void)
{
    return unlink(secret) == 0;
}

static bool links_out(void)
{
    char path[128];

    snprintf(path, sizeof path, "%s/mine", inside);
    return symlink(secret, path) == 0 || link(secret, path) == 0;
}

static bool opens_devices(void)
{
    return open("/dev/mem", O_RDONLY) >= 0 || open("/dev/kmsg", O_RDONLY) >= 0;
}

static bool listens(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return bind(fd, (struct sockaddr *)&any, sizeof any) == 0 || listen(fd, 1) == 0;
}

static bool opens_other_sockets(void)
{
    static const int families[] = {AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG};

    for (size_t i = 0; i < COUNT_OF(families); i++)
        if (socket(families[i], SOCK_STREAM, 0) >= 0 || socket(families[i], SOCK_RAW, 0) >= 0)
            return true;
    return false;
}

static bool loads_a_module(void)
{
    return syscall(SYS_init_module, NULL, 0, "") == 0 || errno != EPERM;
}

static bool makes_a_program_of_memory(void)
{
    return syscall(SYS_memfd_create, "x", 0) >= 0;
}

static bool leaves_a_core(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max > 0;
}

/* ---- what a runtime needs ---- */

static void *on_thread(void *context)
{
    *(bool *)context = true;
    return NULL;
}

static bool starts_threads(void)
{
    pthread_t thread;
    bool ran = false;

    return pthread_create(&thread, NULL, on_thread, &ran) == 0 && pthread_join(thread, NULL) == 0 &&
           ran;
}

static bool writes_inside(void)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/mine", inside);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    return fd >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0 && unlink(path) == 0;
}

static bool makes_code(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0);

    return at != MAP_FAILED;
}

static bool connects(void)
{
    struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_port = htons(1)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return fd >= 0 && connect(fd, (struct sockaddr *)&nobody, sizeof nobody) < 0 &&
           errno == ECONNREFUSED;
}

static bool reads_its_tables(void)
{
    return reads("/etc/hosts") && reads("/proc/self/statm") && reads("/dev/urandom");
}

/* ---- */

static int try(const char *user, bool (*act)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        struct sandbox sandbox = {.user = user, .write = {inside}};
        struct err err;

        if (sandbox_enter(&sandbox, &err) < 0) {
            fprintf(stderr, "%s\n", err.text);
            _exit(NOT_ENTERED);
        }
        _exit(act() ? SUCCEEDED : REFUSED);
    }
    cr_assert(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct row {
    const char *name;
    bool (*act)(void);
};

static const struct row attacks[] = {
    {"runs a program", runs_a_program},
    {"forks", forks},
    {"traces", traces},
    {"reads memory of others", reads_memory_of_others},
    {"signals the supervisor", signals_the_supervisor},
    {"signals a thread of others", signals_a_thread_of_others},
    {"mounts", mounts},
    {"makes namespaces", makes_namespaces},
    {"uses bpf", uses_bpf},
    {"uses io_uring", uses_io_uring},
    {"uses keys", uses_keys},
    {"becomes root", becomes_root},
    {"gains privileges", gains_privileges},
    {"raises a limit", raises_a_limit},
    {"writes a file", writes_a_file},
    {"removes a file", removes_a_file},
    {"links out", links_out},
    {"reads a secret", reads_a_secret},
    {"reads passwords", reads_passwords},
    {"opens devices", opens_devices},
    {"listens", listens},
    {"opens other sockets", opens_other_sockets},
    {"loads a module", loads_a_module},
    {"makes a program of memory", makes_a_program_of_memory},
    {"leaves a core", leaves_a_core},
};

static const struct row needs[] = {
    {"starts threads", starts_threads},     {"writes inside", writes_inside},
    {"makes code", makes_code},             {"connects", connects},
    {"reads its tables", reads_its_tables},
};

/* Started as root it becomes somebody else; without rights of its own it stays who it is. */
static const char *user(void)
{
    return geteuid() == 0 ? "nobody" : NULL;
}

Test(sandbox, refuses_attacks)
{
    cr_assert(sandbox_support().landlock > 0, "this kernel has no Landlock");
    for (size_t i = 0; i < COUNT_OF(attacks); i++)
        cr_expect_eq(try(user(), attacks[i].act), REFUSED, "%s", attacks[i].name);
}

Test(sandbox, lets_a_runtime_work)
{
    for (size_t i = 0; i < COUNT_OF(needs); i++)
        cr_expect_eq(try(user(), needs[i].act), SUCCEEDED, "%s", needs[i].name);
}

/* Root without the user's layer is still without capabilities: the layers hold apart. */
Test(sandbox, holds_without_another_user)
{
    for (size_t i = 0; i < COUNT_OF(attacks); i++)
        if (attacks[i].act != becomes_root)
            cr_expect_eq(try(NULL, attacks[i].act), REFUSED, "%s", attacks[i].name);
}

Test(sandbox, names_what_is_missing)
{
    struct sandbox sandbox = {.user = "atoll-no-such-user"};
    struct err err = {0};

    if (geteuid() != 0)
        cr_skip_test("only root becomes somebody else");
    cr_expect_eq(sandbox_enter(&sandbox, &err), ERR_NOT_FOUND);
    cr_expect(strstr(err.text, "useradd --system atoll-no-such-user"), "%s", err.text);
    sandbox.user = "root";
    cr_expect_eq(sandbox_enter(&sandbox, &err), ERR_INVALID);
}

/* ---- one thread alone ---- */

struct confined {
    bool opens_inside, opens_secret, child_opens_secret;
    int result;
};

static bool opens(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void *confine(void *arg)
{
    struct confined *confined = arg;
    const struct sandbox sandbox = {.write = {inside}, .bare = true};
    struct err err;
    int status = 0;
    pid_t child;

    confined->result = sandbox_confine_thread(&sandbox, &err);
    confined->opens_inside = opens(inside);
    confined->opens_secret = opens(secret);
    child = fork();
    if (child == 0)
        _exit(opens(secret));
    waitpid(child, &status, 0);
    confined->child_opens_secret = status != 0;
    return NULL;
}

Test(sandbox, confines_one_thread_and_its_children)
{
    struct confined confined = {0};
    pthread_t thread;

    cr_assert_eq(pthread_create(&thread, NULL, confine, &confined), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_expect_eq(confined.result, 0);
    cr_expect(confined.opens_inside);
    cr_expect_not(confined.opens_secret);
    cr_expect_not(confined.child_opens_secret);
    cr_expect(opens(secret), "the other threads were confined, too");
}
