/* Calls of the server for counters of rate limits; see ratelimit_call.h. */
#include "bindings/ratelimit/ratelimit_call.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "bindings/bindings.h"
#include "os/file.h"
#include "os/path.h"

static json_int_t size_of(const char *directory)
{
    char *path = path_join(str_from(directory), STR("counters"));
    struct stat about;
    json_int_t size = stat(path, &about) == 0 ? about.st_size : 0;

    free(path);
    return size;
}

void ratelimit_call_run(struct storage_call *call)
{
    char *directory = bindings_store_path(call->store);

    if (!directory)
        err_set(&call->err, ERR_UNSUPPORTED, "there is no place for what bindings store");
    else if (strcmp(call->call, "usage") == 0)
        call->result = json_pack("{s:I}", "bytes", size_of(directory));
    else if (strcmp(call->call, "remove") == 0)
        file_remove_tree(directory);
    else if (strcmp(call->call, "copy") != 0)
        err_set(&call->err, ERR_UNSUPPORTED, "rate limits have no call %.100s", call->call);
    free(directory);
    storage_call_end(call);
}
