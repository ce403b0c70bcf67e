/* A backup on request.
 *
 * The copy is made on a thread of libuv's pool: the registry allows it, and everything goes on
 * meanwhile. The call waits for it, whether its client does or not, and so does the end of the
 * server. */
#include <stdlib.h>

#include "api/call_private.h"
#include "api/row.h"
#include "api/tables.h"

struct backup {
    uv_work_t work;
    struct call *call;
    struct registry *registry;
    char *directory;
    int code;
    struct err err;
};

static void copy(uv_work_t *work)
{
    struct backup *backup = CONTAINER_OF(work, struct backup, work);

    backup->code = registry_backup(backup->registry, backup->directory, &backup->err);
}

static void on_copied(uv_work_t *work, int status)
{
    struct backup *backup = CONTAINER_OF(work, struct backup, work);

    (void)status;
    if (backup->code < 0)
        call_fail_err(backup->call, 0, &backup->err);
    else
        call_ok(backup->call, json_pack("{s:s}", "directory", backup->directory));
    free(backup->directory);
    free(backup);
}

/* {directory} */
static void start(struct call *call)
{
    const json_t *body = call_json(call);
    const char *directory = body ? json_string_value(json_object_get(body, "directory")) : NULL;
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
    ASSERT(uv_queue_work(call->api->loop, &backup->work, copy, on_copied) == 0);
}

const struct call_route api_backup_routes[] = {
    {"POST", "/server/backup", "server:write", start, "server.backup"},
    {0},
};
