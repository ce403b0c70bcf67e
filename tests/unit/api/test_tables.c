/* api/tables: what holds for every row. */
#include <criterion/criterion.h>
#include <string.h>

#include "api/tables.h"
#include "registry/token.h"

static bool is_scope(const char *scope)
{
    size_t len = strcspn(scope, ":");

    if (strcmp(scope + len, ":read") != 0 && strcmp(scope + len, ":write") != 0)
        return false;
    for (const char *const *noun = token_nouns; *noun; noun++) {
        if (strlen(*noun) == len && memcmp(*noun, scope, len) == 0)
            return true;
    }
    return false;
}

static void check_row(const struct call_route *row)
{
    bool reads = strcmp(row->method, "GET") == 0;

    cr_expect_eq(row->path[0], '/');
    cr_expect_neq(row->path[strlen(row->path) - 1], '/');
    cr_expect(!row->scope || !*row->scope || is_scope(row->scope) ||
                  strcmp(row->scope, CALL_SCOPE_PARCEL) == 0 ||
                  strcmp(row->scope, CALL_SCOPE_ASSETS) == 0,
              "%s", row->path);
    cr_expect(row->handle);
    if (row->action) {
        cr_expect(!reads, "%s changes something by GET", row->path);
        cr_expect(row->scope && strstr(row->scope, ":write"), "%s changes by reading", row->path);
    }
    if (row->scope && strstr(row->scope, ":write"))
        cr_expect(row->action, "%s %s is not in the audit log", row->method, row->path);
    cr_expect(row->scope != NULL || reads, "any token may %s %s", row->method, row->path);
}

Test(tables, every_row)
{
    for (const struct call_route *const *table = tables_all; *table; table++)
        for (const struct call_route *row = *table; row->method; row++)
            check_row(row);
}

static int count(const char *method, const char *path)
{
    int found = 0;

    for (const struct call_route *const *table = tables_all; *table; table++)
        for (const struct call_route *row = *table; row->method; row++)
            found += strcmp(row->method, method) == 0 && strcmp(row->path, path) == 0;
    return found;
}

Test(tables, no_row_is_there_twice)
{
    for (const struct call_route *const *table = tables_all; *table; table++)
        for (const struct call_route *row = *table; row->method; row++)
            cr_expect_eq(count(row->method, row->path), 1, "%s %s", row->method, row->path);
}
