/* SQL run on the database of a depot, on a server or here; rows for a person.
 *
 * Owns: nothing. Thread: one. */
#ifndef ATOLL_CLI_D1_RUN_H
#define ATOLL_CLI_D1_RUN_H

#include "cli/depot.h"

/* All statements of `sql` in one transaction: an array of {results, success, meta}, returned
 * owned. */
NODISCARD int d1_run_query(struct depot *depot, const char *sql, json_t **ret, struct err *err);

/* A file of statements: {num_queries ...}, returned owned. */
NODISCARD int d1_run_file(struct depot *depot, str sql, json_t **ret, struct err *err);

/* The database as SQL; `options` ({no_schema, no_data, tables}) is taken. */
NODISCARD int d1_run_export(struct depot *depot, json_t *options, struct buf *out, struct err *err);

/* Prints an array of objects as a table. */
void d1_run_print_rows(const json_t *rows);

#endif
