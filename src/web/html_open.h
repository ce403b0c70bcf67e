/* The elements that are open while a document streams by, and which selectors match a new one.
 *
 * Elements open at their start tag and close at their end tag or at one of an element around them;
 * end tags that the standard lets an author leave out are not made up. Of tree construction only
 * namespaces are followed (WHATWG HTML 13.2.6.5): they decide what text is.
 * Owns: its stacks; not html_open_node.data. Thread: the loop's.
 * Limits: HTML_OPEN_DEPTH_MAX elements, HTML_OPEN_BITS_MAX for selectors, HTML_OPEN_RULES_MAX
 * matches of open elements, HTML_OPEN_TYPES_MAX different tags that are counted for
 * :nth-of-type(). */
#ifndef ATOLL_WEB_HTML_OPEN_H
#define ATOLL_WEB_HTML_OPEN_H

#include "base/buf.h"
#include "web/html_match.h"

enum {
    HTML_OPEN_DEPTH_MAX = 32768,
    HTML_OPEN_BITS_MAX = 16 << 23, /* 16 MiB */
    HTML_OPEN_TYPES_MAX = 16384,
    HTML_OPEN_RULES_MAX = 4 << 20,
};

enum html_namespace { HTML_NAMESPACE_HTML, HTML_NAMESPACE_SVG, HTML_NAMESPACE_MATH };

struct html_open_node {
    void *data;                 /* the user's */
    uint32_t name, name_len;    /* in names: only a key with HTML_NAME_HASHED has its name there */
    uint32_t children;          /* that have begun */
    uint32_t type_end, rule_end; /* how long these stacks are without its children */
    uint8_t namespace;          /* enum html_namespace */
    bool holds_html;            /* its content is HTML although it is not */
    bool holds_math_text;       /* the same with exceptions */
    bool holds_svg;             /* annotation-xml */
};

struct html_open_type {
    uint64_t key;
    uint32_t count;
};

struct html_open {
    struct html_selectors *selectors; /* shared */
    struct html_open_node *nodes;     /* [0] is the document */
    uint64_t *keys;                   /* of the nodes' names */
    uint64_t *bits;                   /* per node two sets of compounds: see html_open.c */
    uint64_t *first_bits;
    size_t words;
    uint32_t depth, cap, depth_max;
    struct html_open_type *types;     /* counts of children by tag, for :nth-of-type() */
    uint32_t type_count, type_cap;
    int *rules;                       /* those that open elements match */
    uint32_t rule_count, rule_cap;
    uint64_t work;                    /* that matching took so far: html_element.work */
    const char *why;                  /* after ERR_LIMIT of html_open_match(): as in html_rewrite */
    struct buf names;
};

void html_open_init(struct html_open *open, struct html_selectors *selectors);
void html_open_done(struct html_open *open);

/* The innermost open element; the document when there is none. */
static inline struct html_open_node *html_open_top(struct html_open *open)
{
    return &open->nodes[open->depth];
}

/* The namespace that a start tag gets here. *ret_leaves: it ends foreign content, so elements must
 * be closed while html_open_is_foreign() says so. */
enum html_namespace html_open_namespace(struct html_open *open, const struct html_element *element,
                                        unsigned flags, bool *ret_leaves);

/* True when the content of the innermost element follows the rules of SVG or MathML. */
bool html_open_is_foreign(struct html_open *open);

/* Counts the start tag as a child of the innermost element, which sets its nth_child and
 * nth_of_type, and finds the rules whose selectors match it: *ret_rules is their list, without
 * duplicates and in order, borrowed until the next call. Returns their number, or ERR_LIMIT. */
NODISCARD int html_open_match(struct html_open *open, struct html_element *element,
                              const int **ret_rules);

/* Opens the element that was matched last. Returns 0 or ERR_LIMIT. */
NODISCARD int html_open_push(struct html_open *open, const struct html_element *element,
                             enum html_namespace namespace, unsigned flags);

/* The number of the innermost open element of that name; 0 when there is none. */
uint32_t html_open_find(const struct html_open *open, uint64_t key, str name);

/* Closes the innermost element. */
void html_open_pop(struct html_open *open);

#endif
