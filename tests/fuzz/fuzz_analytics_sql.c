/* bindings/analytics_sql: SQL of a client. Whatever it becomes, SQLite understands it or says why
 * not, and nothing but points is read. */
#include <stdlib.h>

#include "bindings/analytics/analytics_store.h"
#include "os/file.h"

enum { NOW = 1750000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *directory;

static void make_store(void)
{
    struct analytics_point point = {.dataset = STR("d"), .time_s = NOW, .blobs = {STR("a")}};
    struct analytics_store *store;
    struct err err;

    ASSERT(file_make_temporary(&directory, &err) == 0);
    ASSERT(analytics_store_open(directory, 1 << 20, &store, &err) == 0);
    ASSERT(analytics_store_begin(store, &err) == 0);
    for (int i = 0; i < 3; i++) {
        point.doubles[0] = i;
        ASSERT(analytics_store_add(store, &point, &err) == 0);
    }
    ASSERT(analytics_store_end(store, 0, NOW, &err) == 0);
    analytics_store_close(store);
}

static void remove_store(void)
{
    file_remove_tree(directory);
    free(directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum analytics_format format;
    struct err err = {0};
    struct buf out;
    int r;

    if (!directory) {
        make_store();
        atexit(remove_store);
    }
    buf_init(&out, 1 << 20);
    r = analytics_store_query(directory, (str){(const char *)data, size}, NOW, &out, &format, &err);
    ASSERT(r == 0 || r == ERR_INVALID || r == ERR_LIMIT);
    ASSERT(r == 0 || *err.text);
    buf_done(&out);
    return 0;
}
