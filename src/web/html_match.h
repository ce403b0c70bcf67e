/* Does an element match a compound selector?
 *
 * Owns: nothing. Thread: the loop's.
 * Limits: those of html_selector.h, and HTML_MATCH_WORK_MAX for all selectors on one tag. */
#ifndef ATOLL_WEB_HTML_MATCH_H
#define ATOLL_WEB_HTML_MATCH_H

#include "web/html_lexer.h"
#include "web/html_selector.h"

enum { HTML_MATCH_WORK_MAX = 1 << 29 };

/* A start tag as selectors see it; everything is borrowed. */
struct html_element {
    str name;
    uint64_t key;                  /* of name */
    const char *tag;               /* its first byte */
    const struct html_attr *attrs;
    uint32_t attr_count;
    uint32_t nth_child;            /* from 1 */
    uint32_t nth_of_type;
    uint64_t work;                 /* attributes, and bytes of their values, that were looked at */
};

/* Adds to element->work; false once that is more than HTML_MATCH_WORK_MAX. */
bool html_match_compound(const struct html_selectors *set, int compound,
                         struct html_element *element);

/* The first attribute of that name, or NULL. */
const struct html_attr *html_match_attr(const struct html_element *element, str name);

#endif
