#include "cli/table.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "base/mem.h"

static const char *const headings[] = {"NAME", ">SIZE", "TEXT", NULL};

Test(table, columns_are_as_wide_as_their_cells, .init = cr_redirect_stdout)
{
    struct table *table = table_new(headings);

    table_add(table, (const char *const[]){"a", "1", "x"});
    table_add(table, (const char *const[]){"caf\u00e9", "12345", NULL});
    table_add(table, (const char *const[]){NULL, NULL, "\033[2J"});
    table_colour(table, 2, RED);
    table_print(table);
    fflush(stdout);
    cr_expect_stdout_eq_str("NAME   SIZE  TEXT\n"
                            "a         1  x\n"
                            "caf\u00e9  12345\n"
                            "             \\x1b[2J\n");
}

Test(table, without_rows_there_are_headings, .init = cr_redirect_stdout)
{
    table_print(table_new(headings));
    fflush(stdout);
    cr_expect_stdout_eq_str("NAME  SIZE  TEXT\n");
}

Test(table, many_rows, .init = cr_redirect_stdout)
{
    struct table *table = table_new((const char *const[]){"N", NULL});
    char wanted[8 + 100 * 4] = "N\n", number[12];

    for (int i = 0; i < 100; i++) {
        snprintf(number, sizeof number, "%d", i);
        table_add(table, (const char *const[]){number});
        strcat(strcat(wanted, number), "\n");
    }
    table_print(table);
    fflush(stdout);
    cr_expect_stdout_eq_str(wanted);
}
