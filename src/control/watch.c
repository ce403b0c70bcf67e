/* Watches files by their directories; see watch.h.
 *
 * (1) `directories` and `files` are the list that counts; `next` is the one being made.
 * (2) A directory that was removed and made again is another inode: watch_end() compares and
 *     watches the new one. */
#include "control/watch.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/list.h"
#include "os/path.h"

struct directory {
    struct list link;        /* in watch->directories */
    struct watch *watch;     /* NULL once the watch is closed */
    uv_fs_event_t event;
    char *path;
    dev_t device;
    ino_t inode;
    bool wanted;             /* by the list being made */
};

struct files {
    char **paths;
    size_t count;
};

struct watch {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct list directories;
    size_t directory_count;
    struct files files;
    struct files next;
    bool any_file;
    uint64_t first_event_ms;    /* loop time; 0: nothing happened since the last on_change */
    void (*on_change)(void *context);
    void *context;
};

static void files_done(struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
    *files = (struct files){0};
}

static void on_calm(uv_timer_t *timer)
{
    struct watch *w = timer->data;

    w->first_event_ms = 0;
    w->on_change(w->context);
}

static void note_change(struct watch *w)
{
    uint64_t now_ms = uv_now(w->loop), latest_ms, delay_ms = WATCH_CALM_MS;

    if (!w->first_event_ms)
        w->first_event_ms = now_ms;
    latest_ms = w->first_event_ms + WATCH_DELAY_MS_MAX;
    if (now_ms + delay_ms > latest_ms)
        delay_ms = latest_ms > now_ms ? latest_ms - now_ms : 0;
    uv_timer_start(&w->timer, on_calm, delay_ms, 0);
}

/* True when `name` in `directory` is a file of the list. */
static bool is_listed(const struct watch *w, const char *directory, const char *name)
{
    char *path = path_join(str_from(directory), str_from(name));
    bool listed = false;

    for (size_t i = 0; i < w->files.count && !listed; i++)
        listed = strcmp(w->files.paths[i], path) == 0;
    free(path);
    return listed;
}

/* A missing name means that events were lost: take it for a change. */
static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct directory *d = event->data;

    (void)events;
    if (!d->watch || status < 0)
        return;
    if (!name || is_listed(d->watch, d->path, name) || (d->watch->any_file && *name != '.'))
        note_change(d->watch);
}

static void on_directory_closed(uv_handle_t *handle)
{
    struct directory *d = handle->data;

    free(d->path);
    free(d);
}

static void directory_close(struct directory *d)
{
    d->watch->directory_count--;
    d->watch = NULL;
    list_remove(&d->link);
    uv_close((uv_handle_t *)&d->event, on_directory_closed);
}

static struct directory *directory_open(struct watch *w, const char *path)
{
    struct directory *d;
    struct stat st;

    if (w->directory_count == WATCH_DIRECTORIES_MAX || stat(path, &st) < 0)
        return NULL;
    d = mem_new(struct directory);
    d->watch = w;
    d->path = str_dup(str_from(path));
    d->device = st.st_dev;
    d->inode = st.st_ino;
    uv_fs_event_init(w->loop, &d->event);
    d->event.data = d;
    list_push(&w->directories, &d->link);
    w->directory_count++;
    if (uv_fs_event_start(&d->event, on_event, path, 0) == 0)
        return d;
    directory_close(d);
    return NULL;
}

/* The watched directory of this path, if it is still the same one; closes one that is not. */
static struct directory *directory_find(struct watch *w, const char *path)
{
    struct stat st;

    LIST_EACH_SAFE(&w->directories, it) {
        struct directory *d = CONTAINER_OF(it, struct directory, link);

        if (strcmp(d->path, path) != 0)
            continue;
        if (stat(path, &st) == 0 && st.st_ino == d->inode && st.st_dev == d->device)
            return d;
        directory_close(d);
        return NULL;
    }
    return NULL;
}

struct watch *watch_new(uv_loop_t *loop, void (*on_change)(void *), void *context)
{
    struct watch *w = mem_new(struct watch);

    w->loop = loop;
    w->on_change = on_change;
    w->context = context;
    list_init(&w->directories);
    uv_timer_init(loop, &w->timer);
    w->timer.data = w;
    return w;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct watch *w = handle->data;

    files_done(&w->files);
    files_done(&w->next);
    free(w);
}

void watch_close(struct watch *w)
{
    if (!w)
        return;
    LIST_EACH_SAFE(&w->directories, it)
        directory_close(CONTAINER_OF(it, struct directory, link));
    uv_close((uv_handle_t *)&w->timer, on_timer_closed);
}

void watch_begin(struct watch *w)
{
    files_done(&w->next);
}

void watch_add(struct watch *w, const char *file)
{
    if (w->next.count == WATCH_FILES_MAX)
        return;
    w->next.paths = mem_resize(w->next.paths, (w->next.count + 1) * sizeof *w->next.paths);
    w->next.paths[w->next.count++] = str_dup(str_from(file));
}

/* The times of files come from a clock that ticks every few milliseconds: they may lie that much
 * before the moment they stand for. */
enum { FILE_TIME_TICK_NS = 10 * 1000 * 1000 };

static bool is_newer(const char *file, uint64_t since_ns)
{
    struct stat st;

    if (stat(file, &st) < 0)
        return false;
    return (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec +
               FILE_TIME_TICK_NS >
           since_ns;
}

/* Watches the directory of one file; true when it was changed before it could be seen. */
static bool want(struct watch *w, const char *file, uint64_t since_ns)
{
    char *path = path_directory(str_from(file));
    struct directory *d = directory_find(w, path);
    bool missed = false;

    if (!d && (d = directory_open(w, path)))
        missed = is_newer(file, since_ns);
    if (d)
        d->wanted = true;
    free(path);
    return missed;
}

void watch_end(struct watch *w, bool any_file, uint64_t since_ns)
{
    bool missed = false;

    LIST_EACH(&w->directories, it)
        CONTAINER_OF(it, struct directory, link)->wanted = false;
    files_done(&w->files);
    w->files = w->next;
    w->next = (struct files){0};
    w->any_file = any_file;
    for (size_t i = 0; i < w->files.count; i++)
        missed |= want(w, w->files.paths[i], since_ns);
    LIST_EACH_SAFE(&w->directories, it) {
        struct directory *d = CONTAINER_OF(it, struct directory, link);

        if (!d->wanted)
            directory_close(d);
    }
    if (missed)
        note_change(w);
}
