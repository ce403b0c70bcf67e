/* Watches files by their directories; see watch.h.
 *
 * (1) `directories`, `files` and `trees` are the list that counts; `next` is the one being made.
 * (2) A directory that was removed and made again is another inode: watch_end() compares and
 *     watches the new one. */
#include "control/watch.h"

#include <dirent.h>
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
    bool whole;              /* of a tree: each change in it counts */
};

struct paths {
    char **paths;
    size_t count;
};

struct watch {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct list directories;
    size_t directory_count;
    struct paths files, trees;
    struct paths next, next_trees;
    bool any_file;
    uint64_t first_event_ms;    /* loop time; 0: nothing happened since the last on_change */
    void (*on_change)(void *context);
    void *context;
};

static void paths_done(struct paths *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    free(list->paths);
    *list = (struct paths){0};
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

/* In a tree. */
static bool counts(const char *name)
{
    return *name != '.' && strcmp(name, "node_modules") != 0;
}

/* A missing name means that events were lost: take it for a change. */
static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct directory *d = event->data;

    (void)events;
    if (!d->watch || status < 0)
        return;
    if (!name || is_listed(d->watch, d->path, name) || (d->watch->any_file && *name != '.') ||
        (d->whole && counts(name)))
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

    paths_done(&w->files);
    paths_done(&w->trees);
    paths_done(&w->next);
    paths_done(&w->next_trees);
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
    paths_done(&w->next);
    paths_done(&w->next_trees);
}

/* Takes the path; false when the list is full. */
static bool paths_add(struct paths *list, char *path, size_t max)
{
    if (list->count == max) {
        free(path);
        return false;
    }
    list->paths = mem_resize(list->paths, (list->count + 1) * sizeof *list->paths);
    list->paths[list->count++] = path;
    return true;
}

void watch_add(struct watch *w, const char *file)
{
    paths_add(&w->next, str_dup(str_from(file)), WATCH_FILES_MAX);
}

/* Calls `each` with the path of everything in a directory that counts. */
static void each_entry(struct watch *w, const char *directory,
                       void (*each)(struct watch *w, const char *path))
{
    DIR *entries = opendir(directory);
    const struct dirent *entry;

    while (entries && (entry = readdir(entries))) {
        char *path = path_join(str_from(directory), str_from(entry->d_name));

        if (counts(entry->d_name))
            each(w, path);
        free(path);
    }
    if (entries)
        closedir(entries);
}

static void add_below(struct watch *w, const char *path)
{
    struct stat st;

    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
        paths_add(&w->next_trees, str_dup(str_from(path)), WATCH_DIRECTORIES_MAX))
        each_entry(w, path, add_below);
}

void watch_add_tree(struct watch *w, const char *directory)
{
    add_below(w, directory);
}

static bool is_newer(const char *file, uint64_t since_ns)
{
    struct stat st;

    if (stat(file, &st) < 0)
        return false;
    return (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec +
               WATCH_TICK_NS >
           since_ns;
}

/* The directory, watched; `*ret_new`: only now. NULL when it cannot be. */
static struct directory *want(struct watch *w, const char *path, bool *ret_new)
{
    struct directory *d = directory_find(w, path);

    *ret_new = !d;
    if (!d)
        d = directory_open(w, path);
    if (d)
        d->wanted = true;
    return d;
}

/* Watches the directory of one file; true when it was changed before it could be seen. */
static bool want_file(struct watch *w, const char *file, uint64_t since_ns)
{
    char *path = path_directory(str_from(file));
    bool is_new;
    const struct directory *d = want(w, path, &is_new);

    free(path);
    return d && is_new && is_newer(file, since_ns);
}

/* The same for a directory of a tree: it is newer itself when names in it came or went. */
static bool want_tree(struct watch *w, const char *path, uint64_t since_ns)
{
    bool is_new;
    struct directory *d = want(w, path, &is_new);

    if (d)
        d->whole = true;
    return d && is_new && is_newer(path, since_ns);
}

void watch_end(struct watch *w, bool any_file, uint64_t since_ns)
{
    bool missed = false;

    LIST_EACH(&w->directories, it) {
        struct directory *d = CONTAINER_OF(it, struct directory, link);

        d->wanted = d->whole = false;
    }
    paths_done(&w->files);
    paths_done(&w->trees);
    w->files = w->next;
    w->trees = w->next_trees;
    w->next = w->next_trees = (struct paths){0};
    w->any_file = any_file;
    for (size_t i = 0; i < w->files.count; i++)
        missed |= want_file(w, w->files.paths[i], since_ns);
    for (size_t i = 0; i < w->trees.count; i++)
        missed |= want_tree(w, w->trees.paths[i], since_ns);
    LIST_EACH_SAFE(&w->directories, it) {
        struct directory *d = CONTAINER_OF(it, struct directory, link);

        if (!d->wanted)
            directory_close(d);
    }
    if (missed)
        note_change(w);
}
