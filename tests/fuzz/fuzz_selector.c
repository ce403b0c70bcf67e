/* Any text is a selector or is refused with a reason; what parses can be matched.
 * Input: a selector, newline, a document. */
#include "web/html_rewrite.h"

static const unsigned char no_documents;

static void match(struct html_selectors *set, str html)
{
    struct html_rewrite rw;
    int event = HTML_EVENT_MORE;

    html_rewrite_init(&rw, set, &no_documents, 0, true);
    ASSERT(html_rewrite_feed(&rw, str_head(html, HTML_REWRITE_CHUNK_BYTES_MAX), true) == 0);
    while (event >= 0 && event != HTML_EVENT_DONE) {
        event = html_rewrite_next(&rw);
        html_content_clear(&rw.out);
        for (uint32_t i = 0; event == HTML_EVENT_ELEMENT && i < rw.handler_count; i++)
            ASSERT(rw.handlers[i] >= 0 && rw.handlers[i] < set->rule_count);
    }
    html_rewrite_done(&rw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str in = {(const char *)data, size};
    str selector = str_head(in, str_find(in, '\n'));
    struct html_selectors *set = html_selector_set_new();
    struct err err = {0};
    int r = html_selector_set_add(set, selector, HTML_WANT_ELEMENT, &err);

    if (r == 0)
        match(set, str_skip(in, selector.len + 1));
    else
        ASSERT(err.text[0]);
    html_selector_set_unref(set);
    return 0;
}
