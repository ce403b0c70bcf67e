/* What tenants store, from the server's side: calls passed on, data that is to go, copies.
 *
 * (1) The server opens none of it: a runtime does what is to be done, in its sandbox.
 * (2) What is to go is in the registry until it is gone: a crash begins anew. A worker that is told
 *     late may write once more, so each store is removed again until GONE_MS have passed. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/binding.h"
#include "base/member.h"
#include "control/serve_private.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/path.h"
#include "registry/storage.h"

enum { GONE_MS = 120 * 1000, COPY_NAME_BYTES = 64 };

/* The type whose runtime side answers for a store "<account>/<kind>/<id>" of the registry. */
static const char *type_of(const json_t *row)
{
    return binding_store_type(member_text(row, "kind"));
}

void serve_storage_call(void *context, const struct platform_store *request,
                        void (*on_done)(void *arg, const struct platform_stored *stored), void *arg)
{
    struct serve *serve = context;

    fleet_store(serve->fleet, request, on_done, arg);
}

/* ---- what is to go ---- */

struct sweep {
    struct serve *serve;
    json_t *rows;    /* {store, kind, gone_ms} */
    size_t at;
};

static void sweep_next(struct sweep *sweep);

static void end_sweep(struct sweep *sweep)
{
    struct serve *serve = sweep->serve;

    json_decref(sweep->rows);
    free(sweep);
    serve->sweeping = false;
    if (!serve->sweep_again)
        return;
    serve->sweep_again = false;
    serve_storage_sweep(serve);
}

static void on_removed(void *arg, const struct platform_stored *stored)
{
    struct sweep *sweep = arg;
    const json_t *row = json_array_get(sweep->rows, sweep->at++);
    const char *store = member_text(row, "store");
    int64_t gone_ms = member_int(row, "gone_ms");
    int64_t now_ms = clock_wall_ms();
    struct err err;

    if (stored->code)
        journal_say(sweep->serve->journal, JOURNAL_WARN, "storage.unremoved", "s:s, s:s", "store",
                    store, "error", stored->error);
    else if (now_ms - gone_ms >= GONE_MS && storage_forget(sweep->serve->registry, store, &err) < 0)
        journal_say(sweep->serve->journal, JOURNAL_ERROR, "registry.unwritten", "s:s", "error",
                    err.text);
    sweep_next(sweep);
}

static void sweep_next(struct sweep *sweep)
{
    const json_t *row = json_array_get(sweep->rows, sweep->at);

    if (!row || sweep->serve->state != SERVE_RUNNING) {
        end_sweep(sweep);
        return;
    }
    fleet_store(sweep->serve->fleet,
                &(struct platform_store){.kind = type_of(row),
                                         .store = member_text(row, "store"),
                                         .call = "remove"},
                on_removed, sweep);
}

void serve_storage_sweep(void *context)
{
    struct serve *serve = context;
    struct sweep *sweep;
    struct err err;

    if (serve->sweeping || serve->state != SERVE_RUNNING) {
        serve->sweep_again = serve->sweeping;
        return;
    }
    sweep = mem_new(struct sweep);
    sweep->serve = serve;
    if (storage_gone(serve->registry, &sweep->rows, &err) < 0) {
        journal_say(serve->journal, JOURNAL_ERROR, "storage.unreadable", "s:s", "error", err.text);
        free(sweep);
        return;
    }
    serve->sweeping = true;
    sweep_next(sweep);
}

/* ---- copies ---- */

struct copying {
    struct serve *serve;
    char name[COPY_NAME_BYTES];    /* of the directory in the storage directory */
    char *path;                    /* and where it is */
    json_t *rows;
    size_t at;
    void (*on_done)(void *arg, int code, const char *text_or_path);
    void *arg;
};

static void copy_next(struct copying *copying);

static void end_copy(struct copying *copying, int code, const char *text)
{
    if (code)
        file_remove_tree(copying->path);
    copying->on_done(copying->arg, code, code ? text : copying->path);
    json_decref(copying->rows);
    free(copying->path);
    free(copying);
}

static void on_copied(void *arg, const struct platform_stored *stored)
{
    struct copying *copying = arg;
    const json_t *row = json_array_get(copying->rows, copying->at++);
    char text[ERR_TEXT_MAX];

    if (!stored->code) {
        copy_next(copying);
        return;
    }
    snprintf(text, sizeof text, "%s \"%s\" of the account %s cannot be copied: %s",
             member_text(row, "kind"), member_text(row, "name"), member_text(row, "account"),
             stored->error);
    end_copy(copying, stored->code, text);
}

static void copy_next(struct copying *copying)
{
    const json_t *row = json_array_get(copying->rows, copying->at);
    char *store;
    json_t *args;

    if (!row) {
        end_copy(copying, 0, NULL);
        return;
    }
    store = storage_store(row);
    args = json_pack("{s:o}", "to", json_sprintf("%s/%s", copying->name, store));
    fleet_store(copying->serve->fleet,
                &(struct platform_store){
                    .kind = type_of(row), .store = store, .call = "copy", .args = args},
                on_copied, copying);
    json_decref(args);
    free(store);
}

/* A dot is in no account's id. */
void serve_storage_copy(void *context,
                        void (*on_done)(void *arg, int code, const char *text_or_path), void *arg)
{
    struct serve *serve = context;
    struct copying *copying;
    char id[37];
    struct err err;
    json_t *rows;

    if (storage_list_all(serve->registry, NULL, &rows, &err) < 0) {
        on_done(arg, err.code, err.text);
        return;
    }
    copying = mem_new(struct copying);
    copying->serve = serve;
    copying->rows = rows;
    copying->on_done = on_done;
    copying->arg = arg;
    registry_new_id(id);
    snprintf(copying->name, sizeof copying->name, "copy.%s", id);
    copying->path = path_join(str_from(serve->storage), str_from(copying->name));
    copy_next(copying);
}

void serve_storage_remove_copies(const struct serve *serve)
{
    DIR *dir = opendir(serve->storage);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char *path;

        if (strncmp(entry->d_name, "copy.", 5) != 0)
            continue;
        path = path_join(str_from(serve->storage), str_from(entry->d_name));
        file_remove_tree(path);
        free(path);
    }
    if (dir)
        closedir(dir);
}
