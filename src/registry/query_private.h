/* One statement of SQL, from its arguments to rows as JSON.
 *
 * A column's name says what becomes of it: "name" a text, an integer, a number or null; "name:json"
 * what its text says; "name:bool" true or false; "*:json" an object whose keys all join the row.
 * Owns: nothing; statements are the db's. Thread: the db's.
 * Errors: ERR_EXISTS (a row that may be there once), else ERR_IO, with the database's own text. */
#ifndef ATOLL_REGISTRY_QUERY_PRIVATE_H
#define ATOLL_REGISTRY_QUERY_PRIVATE_H

#include <jansson.h>

#include "store/db.h"

/* The statement of a literal with its arguments, a letter each: t text (const char *, NULL for
 * null), i int64_t, d double, b bytes (str), j JSON as text (const json_t *), v a JSON string,
 * integer or null as itself. Texts and bytes are kept by the caller until the statement ran. */
sqlite3_stmt *query_make(struct db *db, const char *sql, const char *types, ...);

/* Runs to the end. Returns 0 or an error. */
NODISCARD int query_run(struct db *db, sqlite3_stmt *statement, struct err *err);

/* The first row. Returns 1 with it, returned owned; 0 when there is none; an error. */
NODISCARD int query_row(struct db *db, sqlite3_stmt *statement, json_t **ret, struct err *err);

/* All rows, an array, returned owned. Returns 0 or an error. */
NODISCARD int query_rows(struct db *db, sqlite3_stmt *statement, json_t **ret, struct err *err);

/* The integer that the first row begins with. Returns 1 with it, 0 when there is none, an error. */
NODISCARD int query_integer(struct db *db, sqlite3_stmt *statement, int64_t *ret, struct err *err);

/* How many rows the last statement changed. */
int query_changes(struct db *db);

/* Fills `err` with what the database said. Returns ERR_EXISTS or ERR_IO. */
int query_fail(struct db *db, int code, struct err *err);

#endif
