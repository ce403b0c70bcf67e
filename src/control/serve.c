/* `atoll serve`; see serve.h.
 *
 *   start: configuration, registry, sockets, token, fleet, collector, API, cron
 *   end:   cron; API and fleet (what runs is finished); the rest
 *
 * (1) The parts are started in an order in which each finds what it needs, and end in the other
 *     one: what a runtime says last still reaches collector and registry.
 * (2) Runtimes are started after the secrets have left the environment. */
#include "control/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/member.h"
#include "control/serve_private.h"
#include "os/file.h"
#include "os/listen.h"
#include "os/notify.h"
#include "os/path.h"
#include "os/proc.h"
#include "os/sandbox.h"
#include "registry/holder.h"
#include "registry/log_store.h"

enum { TICK_MS = 1000, TICKS_PER_SWEEP = 60, MIB = 1 << 20 };

#define TOKEN_VARIABLE "ATOLL_ADMIN_TOKEN"

/* ---- hooks of the fleet ---- */

static void on_usage(void *context, int process, const json_t *frame)
{
    struct serve *serve = context;

    if (serve->collector)
        collector_add(serve->collector, process, frame);
}

static void on_tail(void *context, const json_t *frame)
{
    struct serve *serve = context;
    const char *key = member_text(frame, "worker");
    const json_t *event = json_object_get(frame, "event");

    if (!key || !event)
        return;
    log_store_add(serve->registry, key, event);
    if (serve->api)
        api_on_tail(serve->api, key, event);
}

static void on_log(void *context, int process, const json_t *frame)
{
    struct serve *serve = context;
    json_t *line = json_copy((json_t *)frame);

    json_object_del(line, "type");
    json_object_set_new(line, "event", json_string("runtime.log"));
    json_object_set_new(line, "process", json_integer(process));
    journal_write(serve->journal, line);
}

static void on_refused(void *context, const json_t *frame)
{
    struct serve *serve = context;
    json_t *line = json_copy((json_t *)frame);

    json_object_del(line, "type");
    json_object_set_new(line, "event", json_string("worker.refused"));
    json_object_set_new(line, "level", json_string("error"));
    journal_write(serve->journal, line);
}

static void on_gone(void *context, int process)
{
    struct serve *serve = context;

    if (serve->collector)
        collector_forget(serve->collector, process);
}

static void on_notice(void *context, json_t *notice)
{
    struct serve *serve = context;

    journal_write(serve->journal, notice);
}

static void on_ready(void *context)
{
    struct serve *serve = context;
    char url[512], admin[128];
    const struct serve_start start = {.url = url,
                                      .listen = serve->listen.shown,
                                      .admin = admin,
                                      .data = serve->config->data,
                                      .runtimes = fleet_accepting(serve->fleet),
                                      .again = serve->inherited};
    const char *scheme = strstr(serve->public_url, "://");

    snprintf(url, sizeof url, "%.*s://NAME.%s", (int)(scheme - serve->public_url),
             serve->public_url, scheme + 3);
    snprintf(admin, sizeof admin, "http://%s", serve->admin.shown);
    journal_say(serve->journal, JOURNAL_INFO, "server.ready", "s:s, s:s, s:s*, s:s, s:s, s:s, s:i",
                "listen", serve->listen.shown, "admin", serve->admin.shown, "s3",
                serve->s3_socket.fd >= 0 ? serve->s3_socket.shown : NULL, "domain",
                serve->config->domain, "data", serve->config->data, "version", ATOLL_VERSION, "pid",
                (int)getpid());
    serve->hooks->on_ready(serve->context, &start);
    notify_send("READY=1\nSTATUS=Workers are served.");
}

/* ---- the end ---- */

static void close_handle(uv_handle_t *handle)
{
    if (handle->type != UV_UNKNOWN_HANDLE && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_rest(struct serve *serve)
{
    struct err err;

    if (serve->collector)
        collector_stop(serve->collector);
    serve->collector = NULL;
    if (serve->registry && log_store_flush(serve->registry, &err) < 0)
        journal_say(serve->journal, JOURNAL_ERROR, "logs.unwritten", "s:s", "error", err.text);
    for (size_t i = 0; i < COUNT_OF(serve->signals); i++)
        close_handle((uv_handle_t *)&serve->signals[i]);
    close_handle((uv_handle_t *)&serve->tick);
    serve_quota_free(serve->quota);
    serve->quota = NULL;
    journal_say(serve->journal, JOURNAL_INFO, "server.stopped", "");
    journal_stop(serve->journal);
    serve->journal = NULL;
}

/* Calls of the API go on while the fleet ends, and after: they are answered. */
void serve_end_if_last(struct serve *serve)
{
    if (!serve->fleet_stopped || serve->api || serve->s3)
        return;
    fleet_free(serve->fleet);
    serve->fleet = NULL;
    close_rest(serve);
}

static void on_api_stopped(void *context)
{
    struct serve *serve = context;

    serve->api = NULL;
    serve_end_if_last(serve);
}

static void on_fleet_stopped(void *context)
{
    struct serve *serve = context;

    serve->fleet_stopped = true;
    serve_end_if_last(serve);
}

static void close_listen(struct serve *serve)
{
    if (serve->listen.fd >= 0)
        close(serve->listen.fd);
    if (serve->s3_socket.fd >= 0)
        close(serve->s3_socket.fd);
    serve->listen.fd = serve->s3_socket.fd = -1;
}

void serve_drain(struct serve *serve)
{
    if (serve->state == SERVE_RUNNING) {
        serve->state = SERVE_DRAINING;
        if (!serve->replacing)
            close_listen(serve); /* or connections would queue up until the runtimes have ended */
        notify_send(serve->replacing ? "STATUS=The next binary is started."
                                     : "STOPPING=1\nSTATUS=Requests that run are finished.");
        scheduler_stop(serve->scheduler);
        serve->scheduler = NULL;
        if (serve->api)
            api_stop(serve->api, on_api_stopped, serve);
    }
    serve_s3_stop(serve);
    if (serve->fleet && !serve->fleet_stopped)
        fleet_stop(serve->fleet);
}

/* ---- signals ---- */

static struct fleet_options fleet_options_of(const struct serve *serve)
{
    const struct serve_config *config = serve->config;
    unsigned cores = (unsigned)uv_available_parallelism();

    return (struct fleet_options){
        .listen_fd = serve->listen.fd,
        .fast = config->runtimes ? (unsigned)config->runtimes : cores,
        .slow_max = config->slow_lane ? (unsigned)config->slow_lane : 2 * cores,
        .cache = serve->cache,
        .cache_bytes = config->cache_mib * MIB,
        .storage = serve->storage,
        .outbound = config->outbound,
        .memory_mib = config->memory_mib,
        .idle_ms = config->idle_seconds * 1000,
        .sandbox_user = config->sandbox_user,
        .cgroup = config->cgroup,
    };
}

/* Tells what of a new configuration waits for a restart. */
static void tell_ignored(struct serve *serve, const struct serve_config *next)
{
    const struct serve_config *now = serve->config;
    const struct {
        const char *key, *old, *new;
    } texts[] = {{"data", now->data, next->data},
                 {"domain", now->domain, next->domain},
                 {"public_url", now->public_url, next->public_url},
                 {"listen", now->listen.ip, next->listen.ip},
                 {"admin", now->admin.ip, next->admin.ip},
                 {"s3", now->s3.ip, next->s3.ip},
                 {"s3_url", now->s3_url, next->s3_url},
                 {"outbound", now->outbound, next->outbound},
                 {"sandbox", next->sandbox_given ? now->sandbox_user : NULL,
                  next->sandbox_given ? next->sandbox_user : NULL},
                 {"cgroup", now->cgroup, next->cgroup}};

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (strcmp(texts[i].old ? texts[i].old : "", texts[i].new ? texts[i].new : "") != 0)
            journal_say(serve->journal, JOURNAL_WARN, "config.needs_restart", "s:s", "key",
                        texts[i].key);
    if (now->listen.port != next->listen.port || now->admin.port != next->admin.port ||
        now->s3.port != next->s3.port)
        journal_say(serve->journal, JOURNAL_WARN, "config.needs_restart", "s:s", "key", "port");
    if (now->cache_mib != next->cache_mib)
        journal_say(serve->journal, JOURNAL_WARN, "config.needs_restart", "s:s", "key",
                    "cache_mib");
}

static void tell_warnings(struct serve *serve, const struct serve_config *config)
{
    json_t *text;
    size_t i;

    json_array_foreach(config->warnings, i, text)
        journal_say(serve->journal, JOURNAL_WARN, "config.warning", "s:s", "text",
                    json_string_value(text));
}

/* Takes over what can change while the server runs; the rest keeps its old value. */
static void take_changes(struct serve *serve, struct serve_config *next)
{
    struct serve_config *now = serve->config;
    bool limits = memcmp(&now->limits, &next->limits, sizeof now->limits) != 0 ||
                  memcmp(now->limits_given, next->limits_given, sizeof now->limits_given) != 0;
    struct fleet_options options;
    json_t *prices = now->prices;

    now->limits = next->limits;
    memcpy(now->limits_given, next->limits_given, sizeof now->limits_given);
    now->prices = next->prices;
    next->prices = prices;
    now->runtimes = next->runtimes;
    now->slow_lane = next->slow_lane;
    now->memory_mib = next->memory_mib;
    now->idle_seconds = next->idle_seconds;
    now->log_mib = next->log_mib;
    log_store_set_bytes(serve->registry, now->log_mib * MIB);
    options = fleet_options_of(serve);
    fleet_set(serve->fleet, &options);
    if (limits)
        fleet_refresh(serve->fleet);
}

static void reload(struct serve *serve)
{
    struct serve_config *next;
    struct err err;

    if (serve->state != SERVE_RUNNING)
        return;
    notify_send("RELOADING=1");
    if (serve_config_read(serve->options->config, serve->options->settings, &next, &err) < 0) {
        journal_say(serve->journal, JOURNAL_ERROR, "config.refused", "s:s", "error", err.text);
    } else {
        tell_warnings(serve, next);
        tell_ignored(serve, next);
        take_changes(serve, next);
        serve_config_free(next);
        journal_say(serve->journal, JOURNAL_INFO, "config.reloaded", "");
    }
    notify_send("READY=1");
}

static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

    return fd >= 0 && close(fd) == 0;
}

static const char *name_of(int number)
{
    return number == SIGINT ? "SIGINT" : number == SIGHUP ? "SIGHUP" : "SIGTERM";
}

/* SIGHUP is also what a terminal says that is closed: who began there ends with it. */
static void on_signal(uv_signal_t *signal, int number)
{
    struct serve *serve = signal->data;

    if (number == SIGHUP && !(serve->at_terminal && !has_terminal())) {
        reload(serve);
    } else if (number == SIGUSR2) {
        serve_replace_start(serve);
    } else {
        serve->replacing = false; /* whatever was under way: it ends */
        journal_say(serve->journal, JOURNAL_INFO, "server.stopping", "s:s", "signal",
                    name_of(number));
        close_listen(serve);
        serve_drain(serve);
    }
}

static void catch_signals(struct serve *serve)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR2};

    struct sigaction hangup;

    sigaction(SIGHUP, NULL, &hangup); /* ignored by nohup */
    serve->at_terminal = hangup.sa_handler != SIG_IGN && has_terminal();
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        uv_signal_init(&serve->loop, &serve->signals[i]);
        serve->signals[i].data = serve;
        uv_signal_start(&serve->signals[i], on_signal, numbers[i]);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct serve *serve = timer->data;
    struct err err;

    if (log_store_flush(serve->registry, &err) < 0)
        journal_say(serve->journal, JOURNAL_ERROR, "logs.unwritten", "s:s", "error", err.text);
    serve_quota_on_tick(serve->quota);
    if (++serve->ticks % TICKS_PER_SWEEP != 0)
        return;
    serve_storage_sweep(serve);
    serve_site_sweep(serve);
    if (registry_sweep(serve->registry, &err) < 0)
        journal_say(serve->journal, JOURNAL_ERROR, "registry.unswept", "s:s", "error", err.text);
}

/* ---- the start ---- */

static const struct fleet_hooks fleet_hooks = {
    .worker_frame = serve_frame_worker,
    .host_rules = serve_frame_hosts,
    .on_usage = on_usage,
    .on_tail = on_tail,
    .on_log = on_log,
    .on_refused = on_refused,
    .on_gone = on_gone,
    .on_notice = on_notice,
    .on_ready = on_ready,
    .on_stopped = on_fleet_stopped,
};

static void on_cron_trouble(void *context, const char *text)
{
    struct serve *serve = context;

    journal_say(serve->journal, JOURNAL_ERROR, "cron.trouble", "s:s", "error", text);
}

static void on_usage_trouble(void *context, const char *text)
{
    struct serve *serve = context;

    journal_say(serve->journal, JOURNAL_ERROR, "usage.trouble", "s:s", "error", text);
}

static const struct scheduler_hooks scheduler_hooks = {.run = serve_platform_run_cron,
                                                       .on_trouble = on_cron_trouble};

static char *make_public_url(const struct serve *serve)
{
    char text[300];

    if (serve->config->public_url)
        return str_dup(str_from(serve->config->public_url));
    snprintf(text, sizeof text, serve->listen.port == 80 ? "http://%s" : "http://%s:%d",
             serve->config->domain, serve->listen.port);
    return str_dup(str_from(text));
}

/* Who the runtimes are to be, when the configuration does not say: with root's rights somebody who
 * has none, else whoever started us. */
static void choose_sandbox(struct serve *serve)
{
    struct serve_config *config = serve->config;

    if (config->sandbox_given)
        return;
    free(config->sandbox_user);
    if (geteuid() != 0)
        config->sandbox_user = str_dup(STR(""));
    else
        config->sandbox_user = str_dup(getpwnam("atoll") ? STR("atoll") : STR("nobody"));
}

/* May this user write in a directory? Told by a process that becomes the user and asks. */
static bool may_write(const char *directory, const struct passwd *user)
{
    int status = 1;
    pid_t child = fork();

    if (child == 0)
        _exit(setgroups(0, NULL) < 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
              setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0 ||
              access(directory, W_OK | X_OK) < 0);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* The first directory on the way to `path` that others may not pass, returned owned; NULL: all are
 * open. */
static char *closed_parent(const char *path)
{
    struct stat about;

    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *parent = str_dup((str){path, (size_t)(slash - path)});

        if (stat(parent, &about) == 0 && !(about.st_mode & S_IXOTH))
            return parent;
        free(parent);
    }
    return NULL;
}

static int check_reach(const char *directory, const struct passwd *user, struct err *err)
{
    char *closed;

    if (may_write(directory, user))
        return 0;
    closed = closed_parent(directory);
    err_set(err, ERR_IO,
            "the sandbox's user %s cannot reach %s: %s is closed to it\n"
            "keep the data where others may pass, such as /var/lib/atoll, or chmod o+x %s",
            user->pw_name, directory, closed ? closed : "a directory above",
            closed ? closed : "it");
    free(closed);
    return err->code;
}

/* The user of the sandbox, when runtimes are to become somebody else; NULL in *ret: they do not. */
static int find_user(const struct serve *serve, const struct passwd **ret, struct err *err)
{
    const char *user = serve->config->sandbox_user;

    *ret = NULL;
    if (geteuid() != 0 || !user || !*user)
        return 0;
    if (!(*ret = getpwnam(user)))
        return err_set(err, ERR_NOT_FOUND,
                       "there is no user \"%.100s\" for the sandbox\n"
                       "make one (adduser --system --group %.100s), or name another with "
                       "\"sandbox\" in the configuration",
                       user, user);
    return 0;
}

/* A directory in the data directory that runtimes write in, which their user has to reach.
 * Returned owned, in *ret. */
static int make_directory(struct serve *serve, const char *name, char **ret, struct err *err)
{
    const struct passwd *user;
    char *directory = *ret = path_join(str_from(serve->config->data), str_from(name));
    int r;

    if ((r = file_make_directories(directory, err)) < 0 ||
        (r = file_sync_names(directory, 1, err)) < 0 || (r = find_user(serve, &user, err)) < 0 ||
        !user)
        return r;
    if (chmod(serve->config->data, 0711) < 0)
        return err_set(err, ERR_IO, "%s cannot be opened to %s: %s", serve->config->data,
                       user->pw_name, strerror(errno));
    if ((r = file_give_tree(directory, user->pw_uid, user->pw_gid, err)) < 0)
        return r;
    return check_reach(directory, user, err);
}

static int open_store(struct serve *serve, struct err *err)
{
    const char *given = getenv(TOKEN_VARIABLE);
    char *token = given ? str_dup(str_from(given)) : NULL;
    int r;

    unsetenv(TOKEN_VARIABLE);
    if ((r = registry_open(serve->config->data, &serve->registry, err)) == 0 &&
        (r = serve_token_ensure(serve, token, err)) == 0) {
        choose_sandbox(serve);
        if ((r = make_directory(serve, "cache", &serve->cache, err)) == 0)
            r = make_directory(serve, "storage", &serve->storage, err);
        if (r == 0)
            serve_storage_remove_copies(serve);
    }
    free(token);
    if (r < 0)
        return r;
    log_store_set_bytes(serve->registry, serve->config->log_mib * MIB);
    holder_set_domain(serve->registry, serve->config->domain);
    return 0;
}

/* Starts what runs. When it fails, what was started is being stopped. */
static int start_parts(struct serve *serve, struct err *err)
{
    struct fleet_options options = fleet_options_of(serve);
    int r, admin_fd;

    serve->journal = journal_start(&serve->loop, STDOUT_FILENO, JOURNAL_INFO);
    tell_warnings(serve, serve->config);
    journal_say(serve->journal, JOURNAL_INFO, "server.starting", "s:s, s:i, s:s*", "version",
                ATOLL_VERSION, "pid", (int)getpid(), "sandbox_user",
                serve->config->sandbox_user && *serve->config->sandbox_user
                    ? serve->config->sandbox_user
                    : NULL);
    if (serve->config->sandbox_user && !sandbox_support().landlock)
        journal_say(serve->journal, JOURNAL_WARN, "sandbox.partial", "s:s", "text",
                    "this kernel has no Landlock: runtimes are not kept from reading files");
    catch_signals(serve);
    uv_timer_init(&serve->loop, &serve->tick);
    serve->tick.data = serve;
    if ((r = fleet_start(&serve->loop, &options, &fleet_hooks, serve, &serve->fleet, err)) < 0) {
        close_rest(serve);
        return r;
    }
    serve_replace_adopt(serve);
    serve_storage_sweep(serve);
    serve->collector = collector_start(&serve->loop, serve->registry, on_usage_trouble, serve);
    serve->quota = serve_quota_new(serve);
    serve_platform_init(serve);
    admin_fd = dup(serve->admin.fd); /* ours stays open for the next binary */
    r = admin_fd < 0 ? err_set(err, ERR_IO, "the admin socket cannot be copied")
                     : api_start(&serve->loop, admin_fd, serve->registry, &serve->platform,
                                 &serve->api, err);
    if (r == 0)
        r = serve_s3_start(serve, err);
    if (r < 0) {
        serve_drain(serve);
        serve_drain(serve);
        return r;
    }
    serve->scheduler = scheduler_start(&serve->loop, serve->registry, &scheduler_hooks, serve);
    serve_platform_keep_all(serve);
    uv_timer_start(&serve->tick, on_tick, TICK_MS, TICK_MS);
    return 0;
}

static int start(struct serve *serve, struct err *err)
{
    json_t *text;
    size_t i;
    int r;

    if ((r = serve_config_read(serve->options->config, serve->options->settings, &serve->config,
                               err)) < 0)
        return r;
    json_array_foreach(serve->config->warnings, i, text)
        serve->hooks->on_warning(serve->context, json_string_value(text));
    if ((r = serve_socket_open_all(serve, err)) < 0 || (r = open_store(serve, err)) < 0)
        return r;
    serve->public_url = make_public_url(serve);
    return start_parts(serve, err);
}

/* Where this binary lies, also when another one is put there later. */
static char *find_binary(void)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);

    return len > 0 ? str_dup((str){path, (size_t)len}) : str_dup(STR("/proc/self/exe"));
}

static void release(struct serve *serve)
{
    registry_close(serve->registry);
    free(serve->public_url);
    free(serve->cache);
    free(serve->storage);
    free(serve->binary);
    buf_done(&serve->left);
    serve_config_free(serve->config);
    if (serve->admin.fd >= 0)
        close(serve->admin.fd);
    close_listen(serve);
    free(serve);
}

/* Timers of the process, which nobody ends: those of an HTTP server and of WebSockets. */
static void close_left(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

int serve_run(const struct serve_options *options, const struct serve_hooks *hooks, void *context,
              struct err *err)
{
    struct serve *serve = mem_new(struct serve);
    int r;

    serve->options = options;
    serve->hooks = hooks;
    serve->context = context;
    serve->listen.fd = serve->admin.fd = serve->s3_socket.fd = -1;
    serve->binary = find_binary();
    proc_raise_descriptors();
    uv_loop_init(&serve->loop);
    r = start(serve, err);
    uv_run(&serve->loop, UV_RUN_DEFAULT);
    uv_walk(&serve->loop, close_left, NULL);
    uv_run(&serve->loop, UV_RUN_DEFAULT);
    ASSERT(uv_loop_close(&serve->loop) == 0);
    if (r == 0 && serve->replacing) {
        registry_close(serve->registry);
        serve->registry = NULL;
        r = serve_replace_exec(serve, err);
    }
    release(serve);
    return r;
}
