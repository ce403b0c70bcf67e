/* Whatever a document is: what nobody changes comes out byte for byte, and what comes out does not
 * depend on how the input was cut.
 * Input: a byte for what handlers do, one for the size of chunks, then the document. */
#include "web/html_rewrite.h"

enum { OUT_BYTES_MAX = 64 << 20, ACTION_COUNT = 16 };

static const char *const selectors[] = {"*", "a > b", "svg *, math p:not([b])", "p:nth-child(2n)"};

static void act(struct html_rewrite *rw, unsigned action)
{
    str name, value;
    uint32_t cursor = 0;

    while (rw->unit == HTML_EVENT_ELEMENT &&
           html_edit_attr_next(&rw->edit, &rw->lexer, &cursor, &name, &value))
        ASSERT(name.len + value.len <= rw->in.len);
    (void)html_rewrite_text(rw);
    (void)html_rewrite_is_removed(rw);
    if (rw->unit == HTML_EVENT_DOCTYPE || rw->unit == HTML_EVENT_END)
        return;
    switch (action) {
    case 0 ... 5:
        if (rw->unit == HTML_EVENT_ELEMENT || action < 2)
            (void)!html_rewrite_insert(rw, (enum html_place)action, STR("<i>&"), action & 1);
        break;
    case 6:
    case 7:
        html_rewrite_remove(rw, action == 6);
        break;
    case 8:
        if (rw->unit == HTML_EVENT_ELEMENT)
            (void)!html_edit_set_attr(&rw->edit, &rw->lexer, STR("b"), STR("\"x"));
        break;
    case 9:
        if (rw->unit == HTML_EVENT_ELEMENT)
            (void)!html_edit_remove_attr(&rw->edit, &rw->lexer, STR("a"));
        break;
    case 10:
        (void)!html_rewrite_set_text(rw, STR("n"));
        break;
    case 11:
        if (rw->unit == HTML_EVENT_ELEMENT)
            (void)html_rewrite_listen(rw);
    }
}

static void take(struct html_rewrite *rw, struct buf *out)
{
    ASSERT(buf_append(out, buf_str(&rw->out.bytes)) == 0);
    html_content_clear(&rw->out);
}

static int rewrite(str in, size_t step, unsigned wants, unsigned action, struct buf *out)
{
    struct html_selectors *set = html_selector_set_new();
    const unsigned char document = (unsigned char)(wants | HTML_WANT_DOCTYPE | HTML_WANT_END);
    struct html_rewrite rw;
    struct err err;
    size_t fed = 0;
    int event = HTML_EVENT_MORE;

    for (size_t i = 0; i < COUNT_OF(selectors); i++)
        ASSERT(html_selector_set_add(set, str_from(selectors[i]),
                                     (unsigned char)(wants | HTML_WANT_ELEMENT), &err) >= 0);
    html_rewrite_init(&rw, set, &document, 1, true);
    html_selector_set_unref(set);
    for (; event >= 0 && event != HTML_EVENT_DONE; event = html_rewrite_next(&rw)) {
        if (event == HTML_EVENT_MORE) {
            size_t len = fed + step < in.len ? step : in.len - fed;
            ASSERT(html_rewrite_feed(&rw, (str){in.ptr + fed, len}, fed + len == in.len) == 0);
            fed += len;
        }
        take(&rw, out);
        if (event >= HTML_EVENT_ELEMENT)
            act(&rw, action);
    }
    take(&rw, out);
    html_rewrite_done(&rw);
    return event;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, cut;
    str in;
    unsigned action;
    size_t step;

    if (size < 2)
        return 0;
    action = data[0] % ACTION_COUNT;
    step = data[1] % 32 + 1;
    in = (str){(const char *)data + 2, size - 2};
    if (in.len > HTML_REWRITE_CHUNK_BYTES_MAX)
        return 0;
    buf_init(&whole, OUT_BYTES_MAX);
    buf_init(&cut, OUT_BYTES_MAX);
    if (rewrite(in, step, HTML_WANT_TEXT | HTML_WANT_COMMENTS, ACTION_COUNT, &cut) >= 0)
        ASSERT(str_equal(buf_str(&cut), in));
    buf_clear(&cut);
    if (rewrite(in, in.len + 1, HTML_WANT_COMMENTS, action, &whole) >= 0 &&
        rewrite(in, step, HTML_WANT_COMMENTS, action, &cut) >= 0)
        ASSERT(str_equal(buf_str(&whole), buf_str(&cut)));
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
