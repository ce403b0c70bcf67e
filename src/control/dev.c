/* The supervisor of `atoll dev`; see dev.h.
 *
 * The order at the start is for the clock: the socket first, so that connections queue; then the
 * runtime process, which takes longest; while it comes up the configuration is read and esbuild
 * runs.
 *
 * (1) With one path its worker is pushed as soon as it is built, and answers at every host. With
 *     several, small ones are offered as they are built and the others sent when the runtime asks
 *     for their host; `asked` says that it did or has loaded one, and from then on new versions are
 *     pushed.
 * (2) What is sent to a runtime process is forgotten with it: on_restart starts again.
 * (3) A build that fails sends nothing while an older version is good. */
#include "control/dev.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "base/member.h"
#include "control/child.h"
#include "control/project.h"
#include "os/listen.h"
#include "os/path.h"

struct worker {
    struct project *project;
    struct dev *dev;
    struct config_request request;
    bool asked;       /* the runtime process wants its versions */
    bool pushed;      /* a version was sent and neither `live` nor `refused` came back */
    bool updating;    /* it was sent because a file changed */
};

struct dev {
    uv_loop_t loop;
    const struct dev_options *options;
    const struct dev_hooks *hooks;
    void *context;
    struct child *child;
    struct worker workers[DEV_PROJECTS_MAX];
    size_t worker_count;
    uv_signal_t signals[2];
    int listen_fd;
    int port;
    char *cache, *storage;      /* directories */
    bool child_ready;
    bool announced;
    bool failed;      /* it could not start: what the child still says is not heard */
};

static bool is_alone(const struct dev *dev)
{
    return dev->options->path_count == 1;
}

/* The name to show with what a worker says. */
static const char *shown_name(const struct dev *dev, const char *name)
{
    return is_alone(dev) ? NULL : name;
}

static void note(const struct dev *dev, enum dev_level level, const struct worker *worker,
                 const char *text)
{
    dev->hooks->on_note(dev->context, level,
                        worker ? shown_name(dev, project_name(worker->project)) : NULL, text);
}

/* ---- what the runtime is told ---- */

static unsigned number_of(const struct worker *worker)
{
    return (unsigned)(worker - worker->dev->workers) + 1;
}

static void tell_role(struct dev *dev)
{
    child_send(dev->child,
               json_pack("{s:s, s:s, s:b}", "type", "role", "lane", "fast", "accept", true),
               STR_NONE);
}

/* Says that the worker answers at this host, with whatever path. */
static void tell_host(struct dev *dev, const struct worker *worker, const char *host)
{
    child_send(dev->child,
               json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "type", "hosts", "host", host, "rules",
                         "path", "*", "worker", project_name(worker->project)),
               STR_NONE);
}

/* Sends the worker's good version, or why there is none; nothing while its first build runs. */
static void push(struct dev *dev, struct worker *worker)
{
    str blob = STR_NONE;

    if (project_has_version(worker->project)) {
        json_t *frame = project_worker_frame(worker->project, number_of(worker), true, &blob);

        worker->pushed = true;
        child_send(dev->child, frame, blob);
    } else if (project_failure(worker->project)) {
        child_send(dev->child, project_failed_frame(worker->project), STR_NONE);
    }
}

/* Sends a version ahead of the first request, which then does not wait for us to answer: small
 * ones only, the runtime keeps them in memory. */
static void offer(struct dev *dev, struct worker *worker)
{
    char host[DEV_HOST_BYTES_MAX];
    str blob;
    json_t *frame = project_worker_frame(worker->project, number_of(worker), false, &blob);

    if (blob.len > DEV_AHEAD_BYTES_MAX) {
        json_decref(frame);
        return;
    }
    snprintf(host, sizeof host, "%s.localhost", project_name(worker->project));
    child_send(dev->child, frame, blob);
    tell_host(dev, worker, host);
}

/* The worker that answers at `host`, "name.localhost" with or without a port; else the first. */
static struct worker *worker_for(struct dev *dev, str host)
{
    host = str_head(host, str_find(host, ':'));
    for (size_t i = 0; i < dev->worker_count; i++) {
        str name = str_from(project_name(dev->workers[i].project));

        if (host.len > name.len && str_equal_nocase(str_head(host, name.len), name) &&
            str_equal_nocase(str_skip(host, name.len), STR(".localhost")))
            return &dev->workers[i];
    }
    return &dev->workers[0];
}

/* ---- what the runtime tells ---- */

/* Requests are answered once the process accepts them and, with one worker, that one is there. */
static void announce(struct dev *dev)
{
    const char *names[DEV_PROJECTS_MAX];
    const struct worker *first = &dev->workers[0];

    if (dev->announced || !dev->child_ready || !first->project)
        return;
    if (is_alone(dev) && (first->pushed || (!project_has_version(first->project) &&
                                            !project_failure(first->project))))
        return;
    dev->announced = true;
    for (size_t i = 0; i < dev->worker_count; i++)
        names[i] = project_name(dev->workers[i].project);
    dev->hooks->on_ready(dev->context, dev->options->ip, dev->port, names,
                         is_alone(dev) ? 0 : dev->worker_count);
}

static struct worker *worker_named(struct dev *dev, const json_t *object)
{
    const char *name = member_text(object, "worker");

    for (size_t i = 0; name && i < dev->worker_count; i++)
        if (strcmp(project_name(dev->workers[i].project), name) == 0)
            return &dev->workers[i];
    return NULL;
}

/* A service binding leads to a worker that is not among those that run here. */
static void tell_missing(struct dev *dev, const char *name)
{
    json_t *frame = json_pack("{s:s, s:s, s:s, s:s+}", "type", "failed", "worker", name, "title",
                              "This worker is not there", "detail",
                              "no worker of this name runs in this `atoll dev`. Start it together "
                              "with the other one: atoll dev ./first ./",
                              name);

    if (frame)
        child_send(dev->child, frame, STR_NONE);
}

/* The runtime asks who answers at a host, or for a worker it has let go of. */
static void on_want(struct dev *dev, const json_t *object)
{
    const char *host = member_text(object, "host");
    struct worker *worker = host ? worker_for(dev, str_from(host)) : worker_named(dev, object);
    const char *name = member_text(object, "worker");

    if (!worker && name)
        tell_missing(dev, name);
    if (!worker)
        return;
    worker->asked = true;
    push(dev, worker);
    if (host)
        tell_host(dev, worker, host);
}

static void on_live(struct dev *dev, const json_t *object)
{
    struct worker *worker = worker_named(dev, object);
    char text[128];

    if (!worker || json_is_true(json_object_get(object, "kept")))
        return;
    worker->pushed = false;
    worker->asked = true;
    announce(dev);
    if (!worker->updating)
        return;
    worker->updating = false;
    snprintf(text, sizeof text, "updated in %lld ms",
             (long long)project_changed_ms_ago(worker->project));
    note(dev, DEV_INFO, worker, text);
}

static void on_refused(struct dev *dev, const json_t *object)
{
    const char *error = member_text(object, "error");
    struct worker *worker = worker_named(dev, object);
    struct buf text;
    char *whole;

    if (!worker)
        return;
    worker->pushed = false;
    buf_init(&text, 1 << 20);
    if (buf_printf(&text, "the new version was refused: %s", error ? error : "") < 0)
        buf_clear(&text);
    whole = buf_take(&text, NULL);
    note(dev, DEV_ERROR, worker, whole);
    free(whole);
    announce(dev);
}

static void on_ready(struct dev *dev, const json_t *object)
{
    (void)object;
    dev->child_ready = true;
    announce(dev);
}

static void on_request(struct dev *dev, const json_t *object)
{
    if (dev->options->quiet)
        return;
    dev->hooks->on_request(dev->context, shown_name(dev, member_text_or(object, "worker", "")),
                           member_text_or(object, "method", ""), member_text_or(object, "path", ""),
                           (int)member_int(object, "status"),
                           json_number_value(json_object_get(object, "ms")));
}

static void on_log(struct dev *dev, const json_t *object)
{
    dev->hooks->on_log(dev->context, shown_name(dev, member_text_or(object, "worker", "")),
                       member_text_or(object, "level", ""), member_text_or(object, "text", ""));
}

static void on_frame(void *context, json_t *object, str blob)
{
    static const struct {
        const char *type;
        void (*on)(struct dev *dev, const json_t *object);
    } types[] = {{"ready", on_ready},     {"want", on_want},       {"live", on_live},
                 {"refused", on_refused}, {"request", on_request}, {"log", on_log}};
    const char *type = member_text_or(object, "type", "");
    struct dev *dev = context;

    (void)blob;
    for (size_t i = 0; i < COUNT_OF(types) && !dev->failed; i++)
        if (strcmp(types[i].type, type) == 0)
            types[i].on(dev, object);
}

static void on_death(void *context, const char *how, int delay_ms)
{
    char text[256];

    snprintf(text, sizeof text, "the runtime process %s; the next one starts in %d ms", how,
             delay_ms);
    note(context, DEV_ERROR, NULL, text);
}

static void on_restart(void *context)
{
    struct dev *dev = context;

    tell_role(dev);
    if (is_alone(dev) && dev->worker_count)
        tell_host(dev, &dev->workers[0], "*");
    for (size_t i = 0; i < dev->worker_count; i++) {
        dev->workers[i].asked = is_alone(dev);
        dev->workers[i].pushed = false;
        if (dev->workers[i].asked)
            push(dev, &dev->workers[i]);
        else if (dev->workers[i].project && project_has_version(dev->workers[i].project))
            offer(dev, &dev->workers[i]);
    }
}

/* ---- what the projects tell ---- */

static void on_version(void *context, struct project *project)
{
    struct worker *worker = context;

    (void)project;
    worker->updating = worker->asked && worker->dev->announced;
    if (worker->asked)
        push(worker->dev, worker);
    else
        offer(worker->dev, worker);
}

static void on_failed(void *context, struct project *project, const char *text)
{
    struct worker *worker = context;

    note(worker->dev, DEV_ERROR, worker, text);
    if (project_has_version(project))
        note(worker->dev, DEV_INFO, worker, "the version before goes on");
    else if (worker->asked)
        push(worker->dev, worker);
    announce(worker->dev);
}

static void on_note(void *context, struct project *project, bool warning, const char *text)
{
    struct worker *worker = context;

    (void)project;
    if (worker->project)
        note(worker->dev, warning ? DEV_WARNING : DEV_INFO, worker, text);
    else
        worker->dev->hooks->on_note(worker->dev->context, DEV_WARNING, NULL, text);
}

/* ---- life ---- */

static void close_signals(struct dev *dev)
{
    for (size_t i = 0; i < COUNT_OF(dev->signals); i++)
        if (!uv_is_closing((uv_handle_t *)&dev->signals[i]))
            uv_close((uv_handle_t *)&dev->signals[i], NULL);
}

/* The child is gone and so is everything else: the loop runs dry. */
static void on_stopped(void *context)
{
    struct dev *dev = context;

    for (size_t i = 0; i < dev->worker_count; i++)
        project_close(dev->workers[i].project);
    close_signals(dev);
    child_free(dev->child);
}

static void stop_listening(struct dev *dev)
{
    if (dev->listen_fd >= 0)
        close(dev->listen_fd);
    dev->listen_fd = -1;
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct dev *dev = signal->data;

    (void)number;
    stop_listening(dev); /* or connections would queue up here until the runtime has finished */
    child_stop(dev->child);
}

static void catch_signals(struct dev *dev)
{
    static const int numbers[] = {SIGINT, SIGTERM};

    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        uv_signal_init(&dev->loop, &dev->signals[i]);
        dev->signals[i].data = dev;
        uv_signal_start(&dev->signals[i], on_signal, numbers[i]);
    }
}

static const struct child_hooks child_hooks = {on_frame, on_death, on_restart, on_stopped};
static const struct project_hooks project_hooks = {on_version, on_failed, on_note};

static int open_worker(struct dev *dev, struct worker *worker, const char *path, struct err *err)
{
    *worker = (struct worker){.dev = dev, .asked = is_alone(dev)};
    worker->request = (struct config_request){
        .path = path,
        .environment = dev->options->environment,
        .vars = dev->options->vars,
        .dev_vars = true,
    };
    return project_open(&dev->loop, &worker->request, &project_hooks, worker, &worker->project,
                        err);
}

static int check_names(const struct dev *dev, struct err *err)
{
    for (size_t i = 0; i < dev->worker_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(project_name(dev->workers[i].project),
                       project_name(dev->workers[j].project)) == 0)
                return err_set(err, ERR_EXISTS,
                               "%s and %s are both named \"%s\": give each worker its own name",
                               dev->options->paths[j], dev->options->paths[i],
                               project_name(dev->workers[i].project));
    return 0;
}

static int open_workers(struct dev *dev, struct err *err)
{
    for (size_t i = 0; i < dev->options->path_count; i++) {
        struct worker *worker = &dev->workers[i];
        int r = open_worker(dev, worker, dev->options->paths[i], err);

        if (r < 0)
            return r;
        dev->worker_count = i + 1;
    }
    if (is_alone(dev))
        tell_host(dev, &dev->workers[0], "*");
    return check_names(dev, err);
}

/* A directory in that of what outlives a run, returned owned. */
static char *directory_of(const struct dev_options *options, const char *name)
{
    const char *first = options->paths[0];
    char *place = path_is_directory(first) ? str_dup(str_from(first))
                                           : path_directory(str_from(first));
    char *beside = path_join(str_from(place), STR(".atoll"));
    char *directory = path_join(str_from(options->state ? options->state : beside), str_from(name));

    free(place);
    free(beside);
    return directory;
}

/* Returns 0 once everything runs; otherwise what runs is being stopped. */
static int start(struct dev *dev, struct err *err)
{
    const struct dev_options *options = dev->options;
    struct child_options child_options = {.quiet = options->quiet,
                                          .dev = true,
                                          .cache = dev->cache,
                                          .cache_bytes = options->cache_bytes,
                                          .storage = dev->storage,
                                          .outbound = options->outbound};
    int r = listen_open(options->ip, options->port, &dev->listen_fd, &dev->port, err);

    if (r < 0)
        return r;
    child_options.listen_fd = dev->listen_fd;
    r = child_start(&dev->loop, &child_options, &child_hooks, dev, &dev->child, err);
    if (r < 0)
        return r;
    tell_role(dev);
    catch_signals(dev);
    r = open_workers(dev, err);
    if (r < 0) {
        dev->failed = true;
        child_stop(dev->child);
        child_stop(dev->child);
    }
    return r;
}

int dev_run(const struct dev_options *options, const struct dev_hooks *hooks, void *context,
            struct err *err)
{
    struct dev *dev = mem_new(struct dev);
    int r;

    ASSERT(options->path_count >= 1 && options->path_count <= DEV_PROJECTS_MAX);
    uv_loop_init(&dev->loop);
    dev->options = options;
    dev->hooks = hooks;
    dev->context = context;
    dev->listen_fd = -1;
    dev->cache = directory_of(options, "cache");
    dev->storage = directory_of(options, "storage");
    r = start(dev, err);
    uv_run(&dev->loop, UV_RUN_DEFAULT);
    ASSERT(uv_loop_close(&dev->loop) == 0);
    stop_listening(dev);
    free(dev->cache);
    free(dev->storage);
    free(dev);
    return r;
}
