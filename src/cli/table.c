/* Rows in columns; see table.h. */
#include "cli/table.h"

#include <stdlib.h>

#include "base/mem.h"

enum { GAP = 2, ROWS_FIRST = 16 };

struct cell {
    char *text;
    enum colour colour;
};

struct table {
    size_t columns;
    bool right[TABLE_COLUMNS_MAX];   /* set to the right */
    size_t width[TABLE_COLUMNS_MAX];
    struct cell *cells;              /* the heading's, then each row's */
    size_t rows, room;               /* counted with the heading */
};

static struct cell *row_at(const struct table *table, size_t row)
{
    return table->cells + row * table->columns;
}

static void add(struct table *table, const char *const *texts)
{
    struct cell *row;

    if (table->rows == table->room) {
        table->room = table->room ? 2 * table->room : ROWS_FIRST;
        table->cells = mem_resize(table->cells,
                                  table->room * table->columns * sizeof *table->cells);
    }
    row = row_at(table, table->rows++);
    for (size_t i = 0; i < table->columns; i++) {
        size_t columns;

        row[i] = (struct cell){terminal_harmless(texts[i] ? texts[i] : ""), PLAIN};
        columns = terminal_columns(row[i].text);
        if (columns > table->width[i])
            table->width[i] = columns;
    }
}

struct table *table_new(const char *const *headings)
{
    struct table *table = mem_new(struct table);
    const char *texts[TABLE_COLUMNS_MAX];

    while (headings[table->columns]) {
        const char *heading = headings[table->columns];

        ASSERT(table->columns < TABLE_COLUMNS_MAX);
        table->right[table->columns] = *heading == '>';
        texts[table->columns++] = heading + (*heading == '>');
    }
    add(table, texts);
    return table;
}

void table_add(struct table *table, const char *const *cells)
{
    add(table, cells);
}

void table_colour(struct table *table, size_t column, enum colour colour)
{
    ASSERT(table->rows > 1 && column < table->columns);
    row_at(table, table->rows - 1)[column].colour = colour;
}

/* Prints a last cell, cut to what is left of a line of `room` columns; SIZE_MAX: all of it. */
static void print_last(const struct cell *cell, enum colour colour, size_t room)
{
    const char *mark = terminal_is_utf8() ? "\u2026" : "...";
    size_t mark_columns = terminal_columns(mark), bytes;

    if (terminal_columns(cell->text) <= room || room <= mark_columns) {
        terminal_print(stdout, colour, "%s", cell->text);
        return;
    }
    bytes = terminal_fitting(cell->text, room - mark_columns);
    terminal_print(stdout, colour, "%.*s%s", (int)bytes, cell->text, mark);
}

static void print_row(const struct table *table, size_t row, size_t width)
{
    const struct cell *cells = row_at(table, row);
    size_t used = 0, last = table->columns;

    while (last > 1 && !*cells[last - 1].text)
        last--;
    for (size_t i = 0; i < last; i++) {
        enum colour colour = row ? cells[i].colour : DIM;
        size_t blanks = table->width[i] - terminal_columns(cells[i].text);

        if (table->right[i])
            printf("%*s", (int)blanks, "");
        if (i + 1 == table->columns && !table->right[i])
            print_last(&cells[i], colour, !width ? SIZE_MAX : width > used ? width - used : 0);
        else
            terminal_print(stdout, colour, "%s", cells[i].text);
        if (i + 1 < last)
            printf("%*s", (int)((table->right[i] ? 0 : blanks) + GAP), "");
        used += table->width[i] + GAP;
    }
    putchar('\n');
}

void table_print(struct table *table)
{
    size_t width = terminal_width(stdout);

    for (size_t row = 0; row < table->rows; row++)
        print_row(table, row, width);
    for (size_t i = 0; i < table->rows * table->columns; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table);
}
