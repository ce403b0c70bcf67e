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

static int run(const struct config *config, struct err *err)
{
    const char *command = config->build_command;
    bool grouped = !isatty(STDIN_FILENO);
    pid_t pid;
    int status, r = start(config, grouped, &pid);

    if (r)
        return err_set(err, ERR_INVALID, "build.command \"%.200s\" cannot be run in %s: %s",
                       command, config->build_directory, strerror(r));
    running = grouped ? -pid : pid;
    if (ended_by)
        kill(running, ended_by);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_set(err, ERR_INVALID, "waitpid: %s", strerror(errno));
    if (WIFSIGNALED(status))
        return err_set(err, ERR_INVALID, "build.command \"%.200s\" was ended by %s", command,
                       strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status))
        return err_set(err, ERR_INVALID, "build.command \"%.200s\" failed with status %d", command,
                       WEXITSTATUS(status));
    return 0;
}

int custom_build_run(const struct config *config, struct err *err)
{
    struct sigaction before[COUNT_OF(signals)];
    char *shown;
    int r;

    if (!config->build_command)
        return 0;
    watch(before);
    r = run(config, err);
    unwatch(before);
    if (r < 0 || !config->main || path_is_file(config->main))
        return r;
    shown = config_file_shown(config->main);
    r = err_set(err, ERR_INVALID,
                "build.command ran, but \"main\" does not exist: there is no file %s", shown);
    free(shown);
    return r;
}
