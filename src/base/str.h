/* A borrowed view of bytes: pointer and length, not NUL-terminated.
 *
 * Owns: nothing. Thread: any. Limits: none.
 * The one typedef of the house: a str is passed by value like an integer. */
#ifndef ATOLL_BASE_STR_H
#define ATOLL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct str {
    const char *ptr;
    size_t len;
} str;

#define STR(literal) ((str){"" literal, sizeof(literal) - 1})
#define STR_NONE ((str){NULL, 0})

/* For printf: printf("%.*s", STR_ARGS(s)). */
#define STR_ARGS(s) (int)(s).len, (s).ptr

/* Views a NUL-terminated string; NULL gives STR_NONE. */
static inline str str_from(const char *z)
{
    return z ? (str){z, strlen(z)} : STR_NONE;
}

static inline bool str_equal(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_starts(str s, str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool str_ends(str s, str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

/* The part of `s` from byte `from` (clamped) to its end. */
static inline str str_skip(str s, size_t from)
{
    if (from > s.len)
        from = s.len;
    return (str){s.ptr + from, s.len - from};
}

/* The first `len` bytes of `s` (clamped). */
static inline str str_head(str s, size_t len)
{
    return (str){s.ptr, len < s.len ? len : s.len};
}

/* Index of the first `c` in `s`, or s.len when there is none. */
static inline size_t str_find(str s, char c)
{
    const char *hit = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : s.len;
}

/* Index of the first `part` in `s`, or s.len when there is none; linear in `s`. */
static inline size_t str_find_text(str s, str part)
{
    const char *hit = s.len ? memmem(s.ptr, s.len, part.ptr, part.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : s.len;
}

static inline bool str_has(str s, str part)
{
    return str_find_text(s, part) < s.len;
}

/* An ASCII letter as a small one. */
static inline char str_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Equal under ASCII case folding. */
bool str_equal_nocase(str a, str b);

/* `s` without spaces and tabs at both ends (OWS, RFC 9110 5.6.3). */
str str_trim(str s);

/* `s` without white space of any kind at both ends. */
str str_strip(str s);

/* Parses all of `s` as a decimal number of at most `max`.
 * Returns false when `s` is empty, has another character, or is larger. */
bool str_to_u64(str s, uint64_t max, uint64_t *ret_value);

/* A NUL-terminated copy, returned owned: free() it. */
char *str_dup(str s);

#endif
