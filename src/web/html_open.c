/* The stack of open elements, and matching on it; see html_open.h.
 *
 * A selector such as `a > b c` is matched on the way down: each open element keeps two sets of
 * compounds, those that its children may match (because the element matched what stands before
 * them) and those that all its descendants may. A new element is tried against these and the first
 * compounds of all selectors, so the work does not depend on how deep it stands.
 *
 * (1) bits[2 * words * i] are the sets of nodes[i]: first the one for all descendants, which holds
 *     that of its parent, then the one for children.
 * (2) html_open_match() leaves the sets of its element behind the last node, where
 *     html_open_push() finds them. */
#include "web/html_open.h"

#include <stdlib.h>

#include "web/html_name.h"

enum { WORD_BITS = 64, CAP_FIRST = 32, NAMES_BYTES_MAX = 64 << 20 };

static uint64_t *sets_of(const struct html_open *open, uint32_t node)
{
    return &open->bits[2 * open->words * node];
}

static void set_bit(uint64_t *bits, int at)
{
    bits[at / WORD_BITS] |= UINT64_C(1) << (at % WORD_BITS);
}

/* Room for nodes up to `cap`, the sets behind the last one included. */
static void reserve(struct html_open *open, uint32_t cap)
{
    open->cap = cap;
    open->nodes = mem_resize(open->nodes, cap * sizeof *open->nodes);
    open->keys = mem_resize(open->keys, cap * sizeof *open->keys);
    open->bits = mem_resize(open->bits, (cap + 1) * 2 * open->words * sizeof *open->bits);
}

void html_open_init(struct html_open *open, struct html_selectors *selectors)
{
    size_t words = ((size_t)selectors->compound_count + WORD_BITS - 1) / WORD_BITS;
    size_t depth_max;

    words += !words;
    depth_max = HTML_OPEN_BITS_MAX / (2 * words * WORD_BITS);
    *open = (struct html_open){.selectors = html_selector_set_ref(selectors), .words = words};
    open->depth_max = (uint32_t)(depth_max < HTML_OPEN_DEPTH_MAX ? depth_max : HTML_OPEN_DEPTH_MAX);
    buf_init(&open->names, NAMES_BYTES_MAX);
    reserve(open, CAP_FIRST);
    open->rule_cap = CAP_FIRST;
    open->rules = mem_alloc(CAP_FIRST * sizeof *open->rules);
    open->nodes[0] = (struct html_open_node){0};
    open->keys[0] = 0;
    memset(open->bits, 0, 2 * words * sizeof *open->bits);
    open->first_bits = mem_zeroed(words * sizeof *open->first_bits);
    for (int i = 0; i < selectors->compound_count; i++)
        if (selectors->compounds[i].is_first)
            set_bit(open->first_bits, i);
}

void html_open_done(struct html_open *open)
{
    free(open->nodes);
    free(open->keys);
    free(open->bits);
    free(open->first_bits);
    free(open->types);
    free(open->rules);
    buf_done(&open->names);
    html_selector_set_unref(open->selectors);
    *open = (struct html_open){0};
}

/* ---- namespaces ---- */

static bool takes_html(const struct html_open_node *node, unsigned flags)
{
    return node->namespace == HTML_NAMESPACE_HTML || node->holds_html ||
           (node->holds_math_text && !(flags & HTML_NAME_MATH_ONLY)) ||
           (node->holds_svg && flags & HTML_NAME_SVG);
}

bool html_open_is_foreign(struct html_open *open)
{
    return !takes_html(html_open_top(open), 0);
}

static bool breaks_out(const struct html_element *element, unsigned flags)
{
    if (flags & HTML_NAME_FONT)
        return html_match_attr(element, STR("color")) || html_match_attr(element, STR("face")) ||
               html_match_attr(element, STR("size"));
    return flags & HTML_NAME_BREAKOUT;
}

enum html_namespace html_open_namespace(struct html_open *open, const struct html_element *element,
                                        unsigned flags, bool *ret_leaves)
{
    struct html_open_node *top = html_open_top(open);
    bool is_html = takes_html(top, flags);

    *ret_leaves = !is_html && breaks_out(element, flags);
    if (!is_html && !*ret_leaves)
        return top->namespace;
    return flags & HTML_NAME_SVG    ? HTML_NAMESPACE_SVG
           : flags & HTML_NAME_MATH ? HTML_NAMESPACE_MATH
                                    : HTML_NAMESPACE_HTML;
}

/* Integration points (13.2.6.5). */
static void set_content(struct html_open_node *node, const struct html_element *element,
                        unsigned flags)
{
    const struct html_attr *attr;
    str encoding;

    if (node->namespace == HTML_NAMESPACE_SVG)
        node->holds_html = flags & HTML_NAME_SVG_HTML;
    if (node->namespace != HTML_NAMESPACE_MATH)
        return;
    node->holds_math_text = flags & HTML_NAME_MATH_TEXT;
    node->holds_svg = flags & HTML_NAME_ANNOTATION;
    if (!node->holds_svg || !(attr = html_match_attr(element, STR("encoding"))))
        return;
    encoding = (str){element->tag + attr->value, attr->value_len};
    node->holds_html = str_equal_nocase(encoding, STR("text/html")) ||
                       str_equal_nocase(encoding, STR("application/xhtml+xml"));
}

/* ---- matching ---- */

static int count_type(struct html_open *open, struct html_element *element)
{
    for (uint32_t i = html_open_top(open)->type_end; i < open->type_count; i++) {
        if (open->types[i].key == element->key) {
            element->nth_of_type = ++open->types[i].count;
            return 0;
        }
    }
    if (open->type_count == HTML_OPEN_TYPES_MAX)
        return ERR_LIMIT;
    if (open->type_count == open->type_cap) {
        open->type_cap = open->type_cap ? 2 * open->type_cap : CAP_FIRST;
        open->types = mem_resize(open->types, open->type_cap * sizeof *open->types);
    }
    open->types[open->type_count++] = (struct html_open_type){element->key, 1};
    element->nth_of_type = 1;
    return 0;
}

/* Adds a rule to those behind `from`, in order. */
static void add_rule(struct html_open *open, uint32_t from, int rule)
{
    uint32_t at = open->rule_count;

    while (at > from && open->rules[at - 1] > rule)
        at--;
    if (at > from && open->rules[at - 1] == rule)
        return;
    if (open->rule_count == open->rule_cap) {
        open->rule_cap *= 2;
        open->rules = mem_resize(open->rules, open->rule_cap * sizeof *open->rules);
    }
    memmove(&open->rules[at + 1], &open->rules[at], (open->rule_count - at) * sizeof *open->rules);
    open->rules[at] = rule;
    open->rule_count++;
}

static void try_compound(struct html_open *open, int index, struct html_element *element,
                         uint32_t rules_from)
{
    const struct html_compound *compound = &open->selectors->compounds[index];
    uint64_t *sets = sets_of(open, open->depth + 1);

    if (!html_match_compound(open->selectors, index, element))
        return;
    if (compound->next == HTML_NONE)
        add_rule(open, rules_from, compound->rule);
    else
        set_bit(sets + (compound->next_is_child ? open->words : 0), compound->next);
}

/* Most sets of selectors fit one word. */
static void begin_sets(uint64_t *own, const uint64_t *parent, size_t words)
{
    if (words == 1) {
        own[0] = parent[0];
        own[1] = 0;
        return;
    }
    memcpy(own, parent, words * sizeof *own);
    memset(own + words, 0, words * sizeof *own);
}

static int too_much(struct html_open *open, const char *why)
{
    open->why = why;
    return ERR_LIMIT;
}

int html_open_match(struct html_open *open, struct html_element *element, const int **ret_rules)
{
    const uint64_t *parent = sets_of(open, open->depth);
    uint64_t *own = sets_of(open, open->depth + 1);
    uint32_t from = html_open_top(open)->rule_end;

    open->rule_count = from;
    element->nth_child = ++html_open_top(open)->children;
    if (open->selectors->counts_types && count_type(open, element) < 0)
        return too_much(open, "more different tags are counted for :nth-of-type() than is allowed");
    begin_sets(own, parent, open->words);
    for (size_t i = 0; i < open->words; i++) {
        uint64_t candidates = open->first_bits[i] | parent[i] | parent[open->words + i];
        for (; candidates; candidates &= candidates - 1)
            try_compound(open, (int)(i * WORD_BITS) + __builtin_ctzll(candidates), element, from);
    }
    open->work += element->work;
    if (element->work > HTML_MATCH_WORK_MAX)
        return too_much(open, "the selectors take too long for the attributes of a tag");
    if (open->rule_count > HTML_OPEN_RULES_MAX)
        return too_much(open, "the elements that are open match more selectors than is allowed");
    *ret_rules = open->rules + from;
    return (int)(open->rule_count - from);
}

/* ---- the stack ---- */

int html_open_push(struct html_open *open, const struct html_element *element,
                   enum html_namespace namespace, unsigned flags)
{
    struct html_open_node *node;

    if (open->depth + 1 >= open->depth_max)
        return ERR_LIMIT;
    if (open->depth + 1 == open->cap)
        reserve(open, 2 * open->cap);
    open->keys[++open->depth] = element->key;
    node = html_open_top(open);
    *node = (struct html_open_node){.namespace = (uint8_t) namespace,
                                    .type_end = open->type_count,
                                    .rule_end = open->rule_count};
    if (element->key & HTML_NAME_HASHED) {
        node->name = (uint32_t)open->names.len;
        node->name_len = (uint32_t)element->name.len;
        if (buf_append(&open->names, element->name) < 0)
            return ERR_LIMIT;
    }
    if (namespace != HTML_NAMESPACE_HTML)
        set_content(node, element, flags);
    return 0;
}

uint32_t html_open_find(const struct html_open *open, uint64_t key, str name)
{
    for (uint32_t i = open->depth; i > 0; i--) {
        if (open->keys[i] != key)
            continue;
        const struct html_open_node *node = &open->nodes[i];
        if (!(key & HTML_NAME_HASHED) ||
            str_equal_nocase((str){open->names.ptr + node->name, node->name_len}, name))
            return i;
    }
    return 0;
}

void html_open_pop(struct html_open *open)
{
    struct html_open_node *node = html_open_top(open);

    ASSERT(open->depth > 0);
    open->type_count = node->type_end;
    if (node->name_len)
        open->names.len = node->name;
    open->depth--;
}
