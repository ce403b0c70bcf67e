/* The engine's version and its compiler; see engine_info.h.
 *
 * The engine that may compile reserves memory that is executable and writable when it starts; one
 * that may not (JSC_useJIT=0, a system that forbids such memory) has none. It is started in a child
 * process: a system that forbids it in an unexpected way may end that process. */
#include "engine/engine_info.h"

#include <errno.h>
#include <jsc/jsc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/oneshot.h"
#include "os/proc.h"

enum { STATUS_COMPILES = 10, STATUS_INTERPRETS = 11, TEXT_MAX = 64 };

const char *engine_info_version(void)
{
    static char text[32];

    snprintf(text, sizeof text, "%u.%u.%u", jsc_get_major_version(), jsc_get_minor_version(),
             jsc_get_micro_version());
    return text;
}

static _Noreturn void probe(void)
{
    struct buf text;
    struct err err;
    int r;

    buf_init(&text, TEXT_MAX);
    r = oneshot_call(STR("globalThis.oneshot = (text) => text;"), STR("x"), &text, &err);
    _exit(r < 0 ? EXIT_FAILURE : proc_has_writable_code() ? STATUS_COMPILES : STATUS_INTERPRETS);
}

enum engine_info_jit engine_info_jit(void)
{
    int status = 0;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0)
        probe();
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (pid < 0 || !WIFEXITED(status))
        return ENGINE_INFO_JIT_CRASHED;
    return WEXITSTATUS(status) == STATUS_COMPILES     ? ENGINE_INFO_JIT_ON
           : WEXITSTATUS(status) == STATUS_INTERPRETS ? ENGINE_INFO_JIT_OFF
                                                      : ENGINE_INFO_JIT_CRASHED;
}
