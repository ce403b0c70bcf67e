/* Rows in columns, for a person: widths by content, a dim heading, nothing cut on a pipe.
 *
 * On a terminal the last column is cut where the line would break. Control characters in cells are
 * made harmless (terminal.h). Nothing is printed before table_print().
 * Owns: copies of all cells. Thread: one. Limits: TABLE_COLUMNS_MAX. */
#ifndef ATOLL_CLI_TABLE_H
#define ATOLL_CLI_TABLE_H

#include "cli/terminal.h"

enum { TABLE_COLUMNS_MAX = 12 };

struct table;

/* `headings` ends with NULL; one that begins with '>' is of a column of numbers, set to the right.
 * Returned owned. */
struct table *table_new(const char *const *headings);

/* Adds a row: one cell for each column; NULL is empty. */
void table_add(struct table *table, const char *const *cells);

/* The colour of a cell of the last row. */
void table_colour(struct table *table, size_t column, enum colour colour);

/* Prints to standard output and frees. */
void table_print(struct table *table);

#endif
