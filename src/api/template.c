/* Templates; see template.h. What comes from data is always escaped: there is no other way to
 * print. */
#include "api/template.h"

struct scopes {
    const json_t *at[TEMPLATE_DEPTH_MAX + 1];   /* the outermost first */
    size_t depth;
};

int template_escape(str text, struct buf *out)
{
    int r = 0;

    for (size_t i = 0; i < text.len && r == 0; i++) {
        switch (text.ptr[i]) {
        case '&':
            r = buf_append(out, STR("&amp;"));
            break;
        case '<':
            r = buf_append(out, STR("&lt;"));
            break;
        case '>':
            r = buf_append(out, STR("&gt;"));
            break;
        case '"':
            r = buf_append(out, STR("&quot;"));
            break;
        case '\'':
            r = buf_append(out, STR("&#39;"));
            break;
        default:
            r = buf_append_char(out, text.ptr[i]);
        }
    }
    return r;
}

static const json_t *find(const struct scopes *scopes, str name)
{
    if (str_equal(name, STR(".")))
        return scopes->at[scopes->depth];
    for (size_t i = scopes->depth + 1; i-- > 0;) {
        const json_t *value = json_object_getn(scopes->at[i], name.ptr, name.len);
        if (value)
            return value;
    }
    return NULL;
}

/* A tag at the beginning of `text`, after its braces: "name", "#name" ... */
static str tag_at(str text)
{
    size_t end = str_find_text(text, STR("}}"));

    ASSERT(end < text.len);
    return str_head(text, end);
}

static str skip_line_end(str text)
{
    return str_starts(text, STR("\n")) ? str_skip(text, 1) : text;
}

/* The part of `rest` before {{/name}}; moves `rest` behind that. */
static str section(str *rest, str name)
{
    str all = *rest;
    size_t at = 0;

    for (;;) {
        str tag;
        at += str_find_text(str_skip(all, at), STR("{{/"));
        tag = tag_at(str_skip(all, at + 3));
        if (str_equal(tag, name)) {
            *rest = skip_line_end(str_skip(all, at + 3 + tag.len + 2));
            return skip_line_end(str_head(all, at));
        }
        at += 3;
    }
}

static bool is_empty(const json_t *value)
{
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_string(value) && !json_string_length(value)) ||
           (json_is_array(value) && !json_array_size(value));
}

static int render(str text, struct scopes *scopes, struct buf *out);

static int render_in(str text, struct scopes *scopes, const json_t *entry, struct buf *out)
{
    int r;

    ASSERT(scopes->depth < TEMPLATE_DEPTH_MAX);
    scopes->at[++scopes->depth] = entry;
    r = render(text, scopes, out);
    scopes->depth--;
    return r;
}

static int render_section(str text, struct scopes *scopes, const json_t *value, struct buf *out)
{
    size_t i;
    const json_t *entry;
    int r = 0;

    if (is_empty(value))
        return 0;
    if (!json_is_array(value))
        return render_in(text, scopes, value, out);
    json_array_foreach((json_t *)value, i, entry) {
        if (r == 0)
            r = render_in(text, scopes, entry, out);
    }
    return r;
}

static int render(str text, struct scopes *scopes, struct buf *out)
{
    int r = 0;

    while (text.len && r == 0) {
        str plain = str_head(text, str_find_text(text, STR("{{"))), tag, body;
        const json_t *value;

        r = buf_append(out, plain);
        text = str_skip(text, plain.len + 2);
        if (r < 0 || !text.len)
            break;
        tag = tag_at(text);
        text = str_skip(text, tag.len + 2);
        if (tag.ptr[0] != '#' && tag.ptr[0] != '^') {
            r = template_escape(str_from(json_string_value(find(scopes, tag))), out);
            continue;
        }
        value = find(scopes, str_skip(tag, 1));
        body = section(&text, str_skip(tag, 1));
        if (tag.ptr[0] == '#')
            r = render_section(body, scopes, value, out);
        else if (is_empty(value))
            r = render(body, scopes, out);
    }
    return r;
}

int template_render(str text, const json_t *data, struct buf *out)
{
    struct scopes scopes = {.at = {data}};

    return render(text, &scopes, out);
}
