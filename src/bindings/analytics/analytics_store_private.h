/* What the files of the store share.
 *
 * Owns: nothing. Thread: any. */
#ifndef ATOLL_BINDINGS_ANALYTICS_STORE_PRIVATE_H
#define ATOLL_BINDINGS_ANALYTICS_STORE_PRIVATE_H

#include <sqlite3.h>

#include "bindings/analytics/analytics_store.h"

/* Adds the functions that queries are made of: an_datetime, an_add, an_start, an_diff, an_part,
 * an_format, an_ends, an_quantile, an_argmin, an_argmax, an_top. Returns SQLite's code. */
int analytics_store_function_add(sqlite3 *connection);

/* "<directory>/data.db", returned owned. */
char *analytics_store_file(const char *directory);

#endif
