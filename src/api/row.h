/* Reading members of JSON objects: rows of the registry, bodies of clients.
 *
 * Owns: nothing. Thread: any. */
#ifndef ATOLL_API_ROW_H
#define ATOLL_API_ROW_H

#include <jansson.h>

/* The text of a member; NULL when it is none. Borrowed. */
static inline const char *row_text(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

/* The integer of a member; 0 when it is none. */
static inline int64_t row_int(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

#endif
