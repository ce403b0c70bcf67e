/* Conditions of selectors against the attributes of a tag; see html_match.h. */
#include "web/html_match.h"

#include <stdlib.h>

#include "web/html_name.h"

static bool equal(str a, str b, bool ignores_case)
{
    return ignores_case ? str_equal_nocase(a, b) : str_equal(a, b);
}

const struct html_attr *html_match_attr(const struct html_element *element, str name)
{
    for (uint32_t i = 0; i < element->attr_count; i++) {
        const struct html_attr *attr = &element->attrs[i];
        if (attr->name_len == name.len &&
            str_equal_nocase((str){element->tag + attr->name, attr->name_len}, name))
            return attr;
    }
    return NULL;
}

static bool has_word(str text, str word, bool ignores_case)
{
    size_t at = 0;

    while (at < text.len && word.len) {
        size_t from = at;
        while (at < text.len && !html_name_is_space(text.ptr[at]))
            at++;
        if (equal((str){text.ptr + from, at - from}, word, ignores_case))
            return true;
        at++;
    }
    return false;
}

static void lower(char *out, str text)
{
    for (size_t i = 0; i < text.len; i++)
        out[i] = (char)(text.ptr[i] | (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? 0x20 : 0));
}

/* memmem() is linear in the text, whatever is looked for; comparing at each place is not. */
static bool contains(str text, str part, bool ignores_case)
{
    char *copy;
    bool found;

    if (!part.len || part.len > text.len)
        return false;
    if (!ignores_case)
        return memmem(text.ptr, text.len, part.ptr, part.len);
    copy = mem_alloc(text.len + part.len);
    lower(copy, text);
    lower(copy + text.len, part);
    found = memmem(copy, text.len, copy + text.len, part.len);
    free(copy);
    return found;
}

static bool starts_with(str text, str part, bool ignores_case)
{
    return text.len >= part.len && equal(str_head(text, part.len), part, ignores_case);
}

static bool matches_value(const struct html_condition *condition, str value)
{
    str want = condition->value;
    bool ignores_case = condition->ignores_case;

    switch (condition->kind) {
    case HTML_CONDITION_EXISTS:
        return true;
    case HTML_CONDITION_EQUALS:
        return equal(value, want, ignores_case);
    case HTML_CONDITION_WORD:
        return has_word(value, want, ignores_case);
    case HTML_CONDITION_DASH:
        return starts_with(value, want, ignores_case) &&
               (value.len == want.len || value.ptr[want.len] == '-');
    case HTML_CONDITION_STARTS:
        return want.len && starts_with(value, want, ignores_case);
    case HTML_CONDITION_ENDS:
        return want.len && value.len >= want.len &&
               equal(str_skip(value, value.len - want.len), want, ignores_case);
    default:
        return contains(value, want, ignores_case);
    }
}

/* Is `index` one of a*n + b for an n from 0 up? */
static bool is_nth(const struct html_condition *condition, uint32_t index)
{
    int64_t over = (int64_t)index - condition->b;

    if (!condition->a)
        return over == 0;
    return over % condition->a == 0 && over / condition->a >= 0;
}

static bool matches_none(const struct html_selectors *set, int compound,
                         struct html_element *element)
{
    for (; compound != HTML_NONE; compound = set->compounds[compound].next_of_not)
        if (html_match_compound(set, compound, element))
            return false;
    return true;
}

static bool matches(const struct html_selectors *set, const struct html_condition *condition,
                    struct html_element *element)
{
    const struct html_attr *attr;

    element->work++;
    switch (condition->kind) {
    case HTML_CONDITION_NTH_CHILD:
        return is_nth(condition, element->nth_child);
    case HTML_CONDITION_NTH_TYPE:
        return is_nth(condition, element->nth_of_type);
    case HTML_CONDITION_NOT:
        return matches_none(set, condition->first, element);
    default:
        attr = html_match_attr(element, condition->name);
        element->work += element->attr_count + (attr ? attr->value_len : 0);
        return attr && matches_value(condition, (str){element->tag + attr->value, attr->value_len});
    }
}

bool html_match_compound(const struct html_selectors *set, int compound,
                         struct html_element *element)
{
    const struct html_compound *want = &set->compounds[compound];

    element->work++;
    if (want->type.len && !html_name_equal(want->key, want->type, element->key, element->name))
        return false;
    for (int i = want->condition; i != HTML_NONE; i = set->conditions[i].next)
        if (element->work > HTML_MATCH_WORK_MAX || !matches(set, &set->conditions[i], element))
            return false;
    return true;
}
