/* Members of JSON objects: frames, configurations, rows of the registry, bodies of clients.
 *
 * What is not there, or is of another kind, reads as none. What is returned is borrowed from the
 * object, which may be NULL.
 * Owns: nothing. Thread: any. */
#ifndef ATOLL_BASE_MEMBER_H
#define ATOLL_BASE_MEMBER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

/* NULL when it is no text. */
static inline const char *member_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* `otherwise` when it is no text. */
static inline const char *member_text_or(const json_t *object, const char *key,
                                         const char *otherwise)
{
    const char *text = member_text(object, key);

    return text ? text : otherwise;
}

/* With its length, for texts that may hold a NUL; empty when it is none. */
static inline str member_str(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return (str){json_string_value(value), json_string_length(value)};
}

/* True when it is this text, which may be NULL: then it is not. */
static inline bool member_is(const json_t *object, const char *key, const char *text)
{
    const char *is = member_text(object, key);

    return is && text && strcmp(is, text) == 0;
}

/* The first object of an array whose member `key` is this text; NULL when there is none. */
static inline json_t *member_find(const json_t *array, const char *key, const char *text)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (member_is(json_array_get(array, i), key, text))
            return json_array_get(array, i);
    return NULL;
}

/* 0 when it is no integer. */
static inline int64_t member_int(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

#endif
