/* api/router: any bytes as a method, a path and a query. What is found must have its parameters. */
#include <stdlib.h>

#include "api/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void handle(struct call *call)
{
    (void)call;
}

static const struct call_route rows[] = {
    {"GET",    "/a",                 NULL, handle, NULL},
    {"GET",    "/a/:one",            NULL, handle, NULL},
    {"PUT",    "/a/:one",            NULL, handle, NULL},
    {"GET",    "/a/:one/b/:two",     NULL, handle, NULL},
    {"DELETE", "/a/b/c/:three/:one", NULL, handle, NULL},
    {0},
};

static void check_path(str path)
{
    static const struct call_route *const tables[] = {rows, NULL};
    static const char *const methods[] = {"GET", "PUT", "DELETE", "GE"};
    struct router_match match;

    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        int found = router_find(tables, str_from(methods[i]), path, &match);
        ASSERT(found == 0 || found == 1 || found == ERR_UNSUPPORTED);
        ASSERT((found == 1) == (match.params != NULL));
        if (found != 1)
            continue;
        ASSERT(strcmp(match.route->method, methods[i]) == 0);
        ASSERT(!strstr(match.route->path, ":one") || json_object_get(match.params, "one"));
        json_decref(match.params);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    size_t at = str_find(text, '?');
    json_t *query = router_query(str_skip(text, at + 1));

    check_path(str_head(text, at));
    ASSERT(json_object_size(query) <= ROUTER_QUERY_PAIRS_MAX);
    json_decref(query);
    return 0;
}
