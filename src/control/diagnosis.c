/* Looks for trouble before it comes; see diagnosis.h.
 *
 * An error is what keeps a command from working, a warning what makes it slower or less safe. What
 * only matters to `atoll serve` is a warning at most. */
#include "control/diagnosis.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "control/bundle.h"
#include "control/config.h"
#include "engine/engine_info.h"
#include "http/client.h"
#include "os/cgroup.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/machine.h"
#include "os/path.h"
#include "os/sandbox.h"
#include "store/db.h"
#include "web/icu.h"

enum {
    MEMORY_BYTES_MIN = 256 << 20,       /* available: for a runtime and some workers */
    DESCRIPTORS_MIN = 32768,            /* twice http/server.h's connections of a process */
    OUTPUT_BYTES_MAX = 256,
    TEXT_BYTES_MAX = 2048,
};

/* Seconds since 1970 on 2025-01-01: before it nothing of this was written. */
static const int64_t clock_s_min = 1735689600;

void diagnosis_add(struct diagnosis *diagnosis, enum diagnosis_level level, const char *name,
                   const char *advice, const char *format, ...)
{
    static const char *const words[] = {"ok", "warning", "error"};
    char text[TEXT_BYTES_MAX];
    json_t *finding, *value;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    value = json_string(text);
    finding = json_pack("{s:s, s:s, s:s, s:o, s:s*}", "area", diagnosis->area, "name", name,
                        "status", words[level], "text",
                        value ? value : json_string("(what it says is not UTF-8)"), "advice",
                        advice);
    json_array_append_new(diagnosis->findings, finding);
    diagnosis->broken = diagnosis->broken || level == DIAGNOSIS_ERROR;
}

/* ---- machine ---- */

static void add_memory(struct diagnosis *d, const struct machine *machine)
{
    bool small = machine->memory_bytes && machine->available_bytes < MEMORY_BYTES_MIN;

    diagnosis_add(d, small ? DIAGNOSIS_WARNING : DIAGNOSIS_OK, "memory",
                  small ? "a server wants 256 MiB at least: end something else, or add memory"
                        : NULL,
                  "%.1f GiB, %.1f GiB available", (double)machine->memory_bytes / (1 << 30),
                  (double)machine->available_bytes / (1 << 30));
}

static void add_clock(struct diagnosis *d, const struct machine *machine)
{
    if (clock_wall_s() < clock_s_min)
        diagnosis_add(d, DIAGNOSIS_ERROR, "clock",
                      "set it: with a wrong clock certificates and logins are refused",
                      "the clock is years behind");
    else
        diagnosis_add(d, DIAGNOSIS_OK, "clock", NULL,
                      machine->clock_synchronised ? "synchronised" : "set, not synchronised");
}

static void add_temporary(struct diagnosis *d)
{
    struct err err;
    char *path;

    if (file_make_temporary(&path, &err) < 0) {
        diagnosis_add(d, DIAGNOSIS_ERROR, "temporary files",
                      "set TMPDIR to a directory that you may write to", "%s", err.text);
        return;
    }
    diagnosis_add(d, DIAGNOSIS_OK, "temporary files", NULL, "writable");
    file_remove_tree(path);
    free(path);
}

void diagnosis_machine(struct diagnosis *d)
{
    struct machine machine;

    d->area = "machine";
    machine_look(&machine);
    diagnosis_add(d, DIAGNOSIS_OK, "kernel", NULL, "%s", machine.kernel);
    diagnosis_add(d, DIAGNOSIS_OK, "processors", NULL, "%u", machine.cpus);
    add_memory(d, &machine);
    add_clock(d, &machine);
    if (machine.descriptors_max < DESCRIPTORS_MIN)
        diagnosis_add(d, DIAGNOSIS_WARNING, "open files",
                      "raise the hard limit for a server: LimitNOFILE=1048576 in its unit, or "
                      "ulimit -Hn",
                      "at most %" PRIu64 ", which is few for a server", machine.descriptors_max);
    else
        diagnosis_add(d, DIAGNOSIS_OK, "open files", NULL, "at most %" PRIu64,
                      machine.descriptors_max);
    add_temporary(d);
}

/* ---- installation ---- */

/* Runs a program with one argument. Returns its exit status and the first line it prints, or -1. */
static int run_program(const char *program, const char *argument, char *out, size_t out_size)
{
    int ends[2], status = -1;
    FILE *stream;
    pid_t pid;

    *out = '\0';
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execlp(program, program, argument, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    stream = fdopen(ends[0], "r");
    if (stream && fgets(out, (int)out_size, stream))
        out[strcspn(out, "\n")] = '\0';
    if (stream)
        fclose(stream);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void add_engine(struct diagnosis *d)
{
    const char *version = engine_info_version();

    switch (engine_info_jit()) {
    case ENGINE_INFO_JIT_ON:
        diagnosis_add(d, DIAGNOSIS_OK, "JavaScriptCore", NULL, "%s, compiles (JIT)", version);
        break;
    case ENGINE_INFO_JIT_OFF:
        diagnosis_add(d, DIAGNOSIS_WARNING, "JavaScriptCore",
                      "unset JSC_useJIT, and allow memory that is writable and executable "
                      "(MemoryDenyWriteExecute=no in systemd, execmem in SELinux)",
                      "%s interprets only: JavaScript is several times slower", version);
        break;
    case ENGINE_INFO_JIT_CRASHED:
        diagnosis_add(d, DIAGNOSIS_ERROR, "JavaScriptCore",
                      "install libjavascriptcoregtk-4.1-0 again; look at ulimit -v and at what a "
                      "container forbids",
                      "%s does not start", version);
        break;
    }
}

static void add_esbuild(struct diagnosis *d)
{
    char *path = bundle_esbuild(), out[OUTPUT_BYTES_MAX];

    if (path && run_program(path, "--version", out, sizeof out) == 0)
        diagnosis_add(d, DIAGNOSIS_OK, "esbuild", NULL, "%s", out);
    else
        diagnosis_add(d, DIAGNOSIS_ERROR, "esbuild",
                      "install atoll again: esbuild belongs in ../lib/atoll beside the binary; or "
                      "set ATOLL_ESBUILD to one",
                      "%s%s", path ? path : "it is missing", path ? " does not run" : "");
    free(path);
}

static void add_beside(struct diagnosis *d)
{
    static const char *const template_places[] = {"templates", "lib/atoll/templates", NULL};
    static const char *const type_places[] = {"types", "lib/atoll/types", NULL};
    char *template = path_beside_binary(template_places, "hello");
    char *types = path_beside_binary(type_places, "atoll.d.ts");

    if (template && types)
        diagnosis_add(d, DIAGNOSIS_OK, "templates and types", NULL, "there");
    else
        diagnosis_add(d, DIAGNOSIS_WARNING, "templates and types",
                      "install atoll again: they belong in ../lib/atoll beside the binary",
                      "missing: atoll init and atoll types will not work");
    free(types);
    free(template);
}

static void add_npm(struct diagnosis *d)
{
    char out[OUTPUT_BYTES_MAX];

    if (run_program("npm", "--version", out, sizeof out) == 0)
        diagnosis_add(d, DIAGNOSIS_OK, "npm", NULL, "%s", out);
    else
        diagnosis_add(d, DIAGNOSIS_WARNING, "npm",
                      "install Node.js if your workers use packages from npm", "it is missing");
}

void diagnosis_installation(struct diagnosis *d)
{
    d->area = "installation";
    diagnosis_add(d, DIAGNOSIS_OK, "atoll", NULL, "%s", ATOLL_VERSION);
    add_engine(d);
    diagnosis_add(d, DIAGNOSIS_OK, "libraries", NULL, "libuv/%s SQLite/%s ICU/%s %s",
                  uv_version_string(), db_library_version(), icu_version(), client_libraries());
    add_esbuild(d);
    add_beside(d);
    add_npm(d);
}

/* ---- sandbox ---- */

static void add_kernel_features(struct diagnosis *d)
{
    struct sandbox_support support = sandbox_support();

    if (support.landlock)
        diagnosis_add(d, DIAGNOSIS_OK, "Landlock", NULL, "version %d", support.landlock);
    else
        diagnosis_add(d, DIAGNOSIS_WARNING, "Landlock",
                      "run a kernel of 5.13 or later with landlock among its security modules "
                      "(lsm= on its command line)",
                      "the kernel has none: files are kept from workers by one layer less");
    if (support.seccomp)
        diagnosis_add(d, DIAGNOSIS_OK, "seccomp", NULL, "there");
    else
        diagnosis_add(d, DIAGNOSIS_WARNING, "seccomp",
                      "run a kernel with CONFIG_SECCOMP_FILTER, in a container that allows it",
                      "not there: atoll serve will not start with its sandbox");
}

static void add_user(struct diagnosis *d)
{
    if (geteuid() != 0)
        diagnosis_add(d, DIAGNOSIS_WARNING, "user",
                      "start atoll serve as root, or by its systemd unit: only then runtimes get a "
                      "user without rights",
                      "not root: runtimes of atoll serve would have your rights to files, but for "
                      "what Landlock keeps from them");
    else if (!getpwnam("atoll") && !getpwnam("nobody"))
        diagnosis_add(d, DIAGNOSIS_WARNING, "user",
                      "add a user atoll, or name another in serve's key \"sandbox\"",
                      "there is no user atoll or nobody for runtimes to become");
    else
        diagnosis_add(d, DIAGNOSIS_OK, "user", NULL, "root; runtimes become %s",
                      getpwnam("atoll") ? "atoll" : "nobody");
}

static void add_groups(struct diagnosis *d)
{
    static const char *const names[] = {" memory", " pids", " cpu"};
    char *own = cgroup_own(), list[64] = "";
    unsigned offers = own ? cgroup_offers(own) : 0;
    size_t len = 0;

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (offers & 1u << i)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s", names[i]);
    if (offers)
        diagnosis_add(d, DIAGNOSIS_OK, "control groups", NULL, "%s can limit%s", own, list);
    else
        diagnosis_add(d, DIAGNOSIS_OK, "control groups", NULL,
                      own ? "%s is not ours to divide: the supervisor watches memory itself"
                          : "%sno version 2: the supervisor watches memory itself",
                      own ? own : "");
    free(own);
}

void diagnosis_sandbox(struct diagnosis *d)
{
    d->area = "sandbox";
    add_kernel_features(d);
    add_user(d);
    add_groups(d);
}

/* ---- project ---- */

void diagnosis_project(struct diagnosis *d, const char *directory)
{
    static const char *const files[] = {"wrangler.json", "wrangler.jsonc", "wrangler.toml"};
    const struct config_request request = {.path = directory, .dev_vars = true};
    struct config *config;
    const json_t *warning;
    struct err err;
    size_t i, found = 0;

    d->area = "project";
    for (i = 0; i < COUNT_OF(files); i++) {
        char *path = path_join(str_from(directory), str_from(files[i]));

        found += path_is_file(path);
        free(path);
    }
    if (!found)
        return;
    if (config_read(&request, &config, &err) < 0) {
        diagnosis_add(d, DIAGNOSIS_ERROR, "configuration", "correct it: docs/configuration.md",
                      "%s", err.text);
        return;
    }
    diagnosis_add(d, DIAGNOSIS_OK, "configuration", NULL, "the worker %s", config->name);
    json_array_foreach(config->warnings, i, warning)
        diagnosis_add(d, DIAGNOSIS_WARNING, "configuration", NULL, "%s",
                      json_string_value(warning));
    config_unref(config);
}
