/* Doctypes; see html_doctype.h. */
#include "web/html_doctype.h"

#include "web/html_name.h"

static str skip_space(str text)
{
    while (text.len && html_name_is_space(*text.ptr))
        text = str_skip(text, 1);
    return text;
}

/* A string in quotes, which the end of the text may cut. */
static bool take_quoted(str *text, str *ret_value)
{
    str rest = skip_space(*text), value;

    if (!rest.len || (*rest.ptr != '"' && *rest.ptr != '\''))
        return false;
    value = str_skip(rest, 1);
    value = str_head(value, str_find(value, *rest.ptr));
    *text = str_skip(rest, value.len + 2);
    *ret_value = value;
    return true;
}

struct html_doctype html_doctype_parse(str text)
{
    struct html_doctype doctype = {STR_NONE, STR_NONE, STR_NONE};
    size_t len = 0;

    text = skip_space(text);
    while (len < text.len && !html_name_is_space(text.ptr[len]))
        len++;
    if (len)
        doctype.name = str_head(text, len);
    text = skip_space(str_skip(text, len));
    if (str_equal_nocase(str_head(text, 6), STR("public"))) {
        text = str_skip(text, 6);
        if (take_quoted(&text, &doctype.public_id))
            take_quoted(&text, &doctype.system_id);
    } else if (str_equal_nocase(str_head(text, 6), STR("system"))) {
        text = str_skip(text, 6);
        take_quoted(&text, &doctype.system_id);
    }
    return doctype;
}
