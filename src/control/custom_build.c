/* The author's own build; see custom_build.h. */
#include "control/custom_build.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/config_file.h"
#include "os/path.h"

static int start(const struct config *config, pid_t *ret)
{
    char *argv[] = {"sh", "-c", config->build_command, NULL};
    posix_spawn_file_actions_t actions;
    int r;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_addchdir_np(&actions, config->build_directory);
    r = posix_spawnp(ret, "sh", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

static int run(const struct config *config, struct err *err)
{
    const char *command = config->build_command;
    pid_t pid;
    int status, r = start(config, &pid);

    if (r)
        return err_set(err, ERR_INVALID, "build.command \"%.200s\" cannot be run in %s: %s",
                       command, config->build_directory, strerror(r));
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
    char *shown;
    int r;

    if (!config->build_command)
        return 0;
    if ((r = run(config, err)) < 0 || !config->main || path_is_file(config->main))
        return r;
    shown = config_file_shown(config->main);
    r = err_set(err, ERR_INVALID,
                "build.command ran, but \"main\" does not exist: there is no file %s", shown);
    free(shown);
    return r;
}
