/* The author's own build; see custom_build.h.
 *
 * A signal that ends this process meanwhile ends the command first. At a terminal the command stays
 * in its group, where it can read and Ctrl-C reaches it; elsewhere it has a group of its own, so
 * that what it started ends as well. */
#include "control/custom_build.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/config_file.h"
#include "os/path.h"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static volatile pid_t running;     /* negative: a group; 0: nothing */
static volatile sig_atomic_t ended_by;

static void on_signal(int number)
{
    ended_by = number;
    if (running)
        kill(running, number);
}

/* The second signal of a kind does its work here. What is ignored, as by nohup, stays so. */
static void watch(struct sigaction before[COUNT_OF(signals)])
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    running = 0;
    ended_by = 0;
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        sigaction(signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

static void unwatch(const struct sigaction before[COUNT_OF(signals)])
{
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        sigaction(signals[i], &before[i], NULL);
    if (ended_by)
        raise(ended_by);
}

static int start(const struct config *config, bool grouped, pid_t *ret)
{
    char *argv[] = {"sh", "-c", config->build_command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int r;

    posix_spawnattr_init(&attributes);
    if (grouped)
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_addchdir_np(&actions, config->build_directory);
    r = posix_spawnp(ret, "sh", &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return r;
}

static int not_started(const struct config *config, const char *why, struct err *err)
{
    return err_set(err, ERR_INVALID, "build.command \"%.200s\" cannot be run in %s: %s",
                   config->build_command, config->build_directory, why);
}

/* What the end of the command means, with what has to be there then. */
static int judge(const struct config *config, int status, int signal, struct err *err)
{
    const char *command = config->build_command;
    char *shown;
    int r;

    if (signal)
        return err_set(err, ERR_INVALID, "build.command \"%.200s\" was ended by %s", command,
                       strsignal(signal));
    if (status)
        return err_set(err, ERR_INVALID, "build.command \"%.200s\" failed with status %d", command,
                       status);
    if (!config->main || path_is_file(config->main))
        return 0;
    shown = config_file_shown(config->main);
    r = err_set(err, ERR_INVALID,
                "build.command ran, but \"main\" does not exist: there is no file %s", shown);
    free(shown);
    return r;
}

static int run(const struct config *config, struct err *err)
{
    bool grouped = !isatty(STDIN_FILENO);
    pid_t pid;
    int status, r = start(config, grouped, &pid);

    if (r)
        return not_started(config, strerror(r), err);
    running = grouped ? -pid : pid;
    if (ended_by)
        kill(running, ended_by);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_set(err, ERR_INVALID, "waitpid: %s", strerror(errno));
    return judge(config, WIFEXITED(status) ? WEXITSTATUS(status) : 0,
                 WIFSIGNALED(status) ? WTERMSIG(status) : 0, err);
}

int custom_build_run(const struct config *config, struct err *err)
{
    struct sigaction before[COUNT_OF(signals)];
    int r;

    if (!config->build_command)
        return 0;
    watch(before);
    r = run(config, err);
    unwatch(before);
    return r;
}

/* ---- on a loop ---- */

struct custom_build {
    uv_process_t process;
    uv_timer_t failing;             /* when it could not be started: tells so, later */
    const struct config *config;
    void (*on_done)(void *context, const char *failure);    /* NULL once it is cancelled */
    void *context;
    struct err err;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void tell(struct custom_build *build, int r)
{
    if (build->on_done)
        build->on_done(build->context, r < 0 ? build->err.text : NULL);
}

static void on_ended(uv_process_t *process, int64_t status, int signal)
{
    struct custom_build *build = process->data;

    if (build->on_done)
        tell(build, judge(build->config, (int)status, signal, &build->err));
    uv_close((uv_handle_t *)process, on_closed);
}

static void on_failing(uv_timer_t *timer)
{
    struct custom_build *build = timer->data;

    tell(build, -1);
    uv_close((uv_handle_t *)timer, on_closed);
}

struct custom_build *custom_build_start(uv_loop_t *loop, const struct config *config,
                                        void (*on_done)(void *context, const char *failure),
                                        void *context)
{
    struct custom_build *build = mem_new(struct custom_build);
    char *argv[] = {"sh", "-c", config->build_command, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
    };
    uv_process_options_t options = {
        .exit_cb = on_ended,
        .file = "sh",
        .args = argv,
        .cwd = config->build_directory,
        .flags = UV_PROCESS_DETACHED, /* a group of its own, to end it with what it started */
        .stdio_count = COUNT_OF(stdio),
        .stdio = stdio,
    };
    int r;

    build->config = config;
    build->on_done = on_done;
    build->context = context;
    build->process.data = build->failing.data = build;
    if ((r = uv_spawn(loop, &build->process, &options)) < 0) {
        not_started(config, uv_strerror(r), &build->err);
        uv_timer_init(loop, &build->failing);
        uv_timer_start(&build->failing, on_failing, 0, 0);
    }
    return build;
}

void custom_build_cancel(struct custom_build *build)
{
    if (!build)
        return;
    build->on_done = NULL;
    if (build->process.pid > 0)
        kill(-build->process.pid, SIGTERM);
}
