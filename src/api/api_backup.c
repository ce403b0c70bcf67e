/* A backup on request.
 *
 * First it is seen that there is room; then what tenants store is copied, by runtimes; then the
 * registry, on a thread of libuv's pool, which also moves those copies to the backup. Everything
 * goes on meanwhile. The call waits for it, whether its client does or not, and so does the end of
 * the server. */
#include <stdlib.h>

#include "api/call_private.h"
#include "api/tables.h"
#include "base/member.h"
#include "os/file.h"

struct backup {
    uv_work_t work;
    struct call *call;
    struct registry *registry;
    char *directory;
    char *storage;      /* copies of what is stored */
    int code;
    struct err err;
};

static void on_stores_copied(void *arg, int code, const char *text_or_path);

static void look_for_room(uv_work_t *work)
{
    struct backup *backup = CONTAINER_OF(work, struct backup, work);

    backup->code = registry_backup_fits(backup->registry, backup->directory, &backup->err);
}

static void copy(uv_work_t *work)
{
    struct backup *backup = CONTAINER_OF(work, struct backup, work);

    backup->code = registry_backup(backup->registry, backup->directory, backup->storage,
                                   &backup->err);
    if (backup->code < 0)
        file_remove_tree(backup->storage);
}

/* 507: Insufficient Storage, RFC 4918 11.5. */
static void fail(struct backup *backup)
{
    if (backup->code == ERR_LIMIT)
        call_fail(backup->call, 507, 10001, "%s", backup->err.text);
    else
        call_fail_err(backup->call, 0, &backup->err);
}

static void finish(struct backup *backup)
{
    if (backup->code < 0)
        fail(backup);
    else
        call_ok(backup->call, json_pack("{s:s}", "directory", backup->directory));
    free(backup->directory);
    free(backup->storage);
    free(backup);
}

static void on_copied(uv_work_t *work, int status)
{
    (void)status;
    finish(CONTAINER_OF(work, struct backup, work));
}

static void on_room_known(uv_work_t *work, int status)
{
    struct backup *backup = CONTAINER_OF(work, struct backup, work);
    const struct platform *platform = call_platform(backup->call);

    (void)status;
    if (backup->code < 0)
        finish(backup);
    else
        platform->storage_copy(platform->context, on_stores_copied, backup);
}

static void on_stores_copied(void *arg, int code, const char *text_or_path)
{
    struct backup *backup = arg;

    if (code) {
        backup->code = err_set(&backup->err, ERR_IO, "%s", text_or_path);
        finish(backup);
        return;
    }
    backup->storage = str_dup(str_from(text_or_path));
    ASSERT(uv_queue_work(backup->call->api->loop, &backup->work, copy, on_copied) == 0);
}

/* {directory} */
static void start(struct call *call)
{
    const json_t *body = call_json(call);
    const char *directory = body ? member_text(body, "directory") : NULL;
    struct backup *backup;

    if (!body)
        return;
    if (!directory || directory[0] != '/') {
        call_fail(call, 400, 10001,
                  "\"directory\" must be the absolute path, on the server, of a directory that is "
                  "not there yet");
        return;
    }
    backup = mem_new(struct backup);
    backup->call = call;
    backup->registry = call_registry(call);
    backup->directory = str_dup(str_from(directory));
    call_audit(call, directory, NULL);
    ASSERT(uv_queue_work(call->api->loop, &backup->work, look_for_room, on_room_known) == 0);
}

const struct call_route api_backup_routes[] = {
    {"POST", "/server/backup", "server:write", start, "server.backup"},
    {0},
};
