/* CSS selectors, parsed into what can be matched while a document streams by.
 *
 * From Selectors 4: type, *, .class, #id, [attr] with =, ~=, |=, ^=, $=, *= and the flags i and s,
 * :not() of compounds, :nth-child(An+B), :nth-of-type(An+B), :first-child, :first-of-type, the
 * combinators for descendants and children, and lists. What would need the rest of the document
 * (siblings that follow, :last-child, :has()) is refused.
 *
 * A set holds many selectors, each under the number of its rule. Names compare without case;
 * values of the attributes that HTML names do so, too.
 * Owns: copies of the selectors. Shared: html_selector_set_ref(). Thread: the loop's.
 * Limits: below. */
#ifndef ATOLL_WEB_HTML_SELECTOR_H
#define ATOLL_WEB_HTML_SELECTOR_H

#include "base/err.h"

enum {
    HTML_SELECTOR_BYTES_MAX = 16 << 10,
    HTML_SELECTORS_MAX = 1024,      /* rules of a set */
    HTML_COMPOUNDS_MAX = 8192,      /* of a set, those in :not() included */
    HTML_CONDITIONS_MAX = 16384,
    HTML_NOT_DEPTH_MAX = 8,
};

enum html_condition_kind {
    HTML_CONDITION_EXISTS,     /* attribute `name` */
    HTML_CONDITION_EQUALS,     /* = */
    HTML_CONDITION_WORD,       /* ~= and .class */
    HTML_CONDITION_DASH,       /* |= */
    HTML_CONDITION_STARTS,     /* ^= */
    HTML_CONDITION_ENDS,       /* $= */
    HTML_CONDITION_CONTAINS,   /* *= */
    HTML_CONDITION_NTH_CHILD,  /* a, b */
    HTML_CONDITION_NTH_TYPE,
    HTML_CONDITION_NOT,        /* none of the compounds from `first` on, linked by next_of_not */
};

enum { HTML_NONE = -1 };

struct html_condition {
    enum html_condition_kind kind;
    bool ignores_case;
    int next;          /* of the same compound, or HTML_NONE */
    int first;
    int32_t a, b;
    uint64_t key;      /* of name */
    str name, value;
};

struct html_compound {
    uint64_t key;      /* of type */
    str type;          /* empty: any */
    int condition;     /* the first one, or HTML_NONE */
    int next_of_not;   /* the next alternative in a :not() */
    int next;          /* what is to match further down; HTML_NONE: this is the last one */
    int rule;          /* of the last one: which rule then matches */
    bool is_first;     /* a selector begins with it */
    bool next_is_child;/* `next` is for children, else for all descendants */
};

struct html_selectors {
    int refs;
    int rule_count;
    struct html_compound *compounds;
    int compound_count, compound_cap;
    struct html_condition *conditions;
    int condition_count, condition_cap;
    char **texts;      /* what the str above point into, one a rule */
    unsigned char *wants; /* the caller's, one a rule */
    bool counts_types; /* some condition is HTML_CONDITION_NTH_TYPE */
};

/* An empty set, returned owned. */
struct html_selectors *html_selector_set_new(void);
struct html_selectors *html_selector_set_ref(struct html_selectors *set);
void html_selector_set_unref(struct html_selectors *set);

/* Adds a selector as the next rule, with a byte that the caller finds in `wants` again. Returns the
 * rule's number, or ERR_INVALID or ERR_LIMIT with `err` filled; the set is of no use after that. */
NODISCARD int html_selector_set_add(struct html_selectors *set, str selector, unsigned char wants,
                                 struct err *err);

#endif
