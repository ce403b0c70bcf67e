/* Names of HTML tags and attributes: a number to compare them by, and what is known of some tags.
 *
 * Owns: one table per process. Thread: the loop's. Limits: none.
 * WHATWG HTML 13.1.2 (kinds of elements) and 13.2.6 (tree construction) say what the flags mean. */
#ifndef ATOLL_WEB_HTML_NAME_H
#define ATOLL_WEB_HTML_NAME_H

#include "base/str.h"

enum html_name_flag {
    HTML_NAME_VOID      = 1 << 0,  /* has no content and no end tag */
    HTML_NAME_RAW       = 1 << 1,  /* its content is text up to its end tag */
    HTML_NAME_SCRIPT    = 1 << 2,  /* the same with the escapes of script data */
    HTML_NAME_PLAINTEXT = 1 << 3,  /* its content is text up to the end of input */
    HTML_NAME_SVG       = 1 << 4,
    HTML_NAME_MATH      = 1 << 5,
    HTML_NAME_BREAKOUT  = 1 << 6,  /* its start tag ends foreign content */
    HTML_NAME_FONT      = 1 << 7,  /* the same when it has color, face or size */
    HTML_NAME_MATH_TEXT = 1 << 8,  /* in MathML: its content is HTML, but for what follows */
    HTML_NAME_MATH_ONLY = 1 << 9,  /* stays MathML there */
    HTML_NAME_SVG_HTML  = 1 << 10, /* in SVG: its content is HTML */
    HTML_NAME_ANNOTATION = 1 << 11, /* in MathML: its content is HTML when `encoding` says so */
};

/* A number for a name, the same for all cases of its letters. When its top bit is clear, no other
 * name has it; else the names must be compared, too. */
uint64_t html_name_key(str name);

#define HTML_NAME_HASHED (UINT64_C(1) << 63)

/* True when both are the same name. The keys are theirs. */
static inline bool html_name_equal(uint64_t key_a, str a, uint64_t key_b, str b)
{
    return key_a == key_b && (!(key_a & HTML_NAME_HASHED) || str_equal_nocase(a, b));
}

/* The flags of a tag; 0 for most. */
unsigned html_name_flags(uint64_t key, str name);

/* White space of HTML: tab, line feed, form feed, carriage return, space. */
static inline bool html_name_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

#endif
