/* Error pages; see page.h. */
#include "runtime/page.h"

#include <stdio.h>

#include "http/status.h"
#include "runtime/event.h"
#include "runtime/runtime.h"

enum { PAGE_BYTES_MAX = 1 << 20, HEAD_BYTES_MAX = 192 << 10 };

static void add(struct buf *page, str s)
{
    int r = buf_append(page, s);
    (void)r; /* a page that is cut is still a page */
}

static void add_escaped(struct buf *page, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '<':
            add(page, STR("&lt;"));
            break;
        case '>':
            add(page, STR("&gt;"));
            break;
        case '&':
            add(page, STR("&amp;"));
            break;
        case '"':
            add(page, STR("&quot;"));
            break;
        default:
            add(page, (str){&text.ptr[i], 1});
            break;
        }
    }
}

static bool wants_html(const struct exchange *x)
{
    return str_has(exchange_header(x, STR("accept")), STR("text/html"));
}

static void add_html(struct buf *page, int status, str title, str detail)
{
    add(page, STR("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>"));
    add_escaped(page, title);
    add(page, STR("</title><meta name=\"viewport\" content=\"width=device-width\"><style>"
                  "body{font:16px/1.5 system-ui,sans-serif;margin:8vh auto;max-width:60rem;"
                  "padding:0 1.5rem;color:#1b2733;background:#fbfaf7}"
                  "h1{font-size:1.4rem;margin:0 0 .3rem}p{margin:0 0 1.5rem;color:#5b6a76}"
                  "pre{background:#fff;border:1px solid #d9d5cb;border-left:4px solid #c8452f;"
                  "padding:1rem;overflow:auto;font:13px/1.55 ui-monospace,monospace}"
                  "@media(prefers-color-scheme:dark){body{color:#dfe6ec;background:#14191e}"
                  "pre{background:#1c232a;border-color:#39434d;border-left-color:#e0624c}}"
                  "</style><h1>"));
    add_escaped(page, title);
    add(page, STR("</h1><p>"));
    ASSERT(buf_printf(page, "%d %s", status, http_status_reason(status)) == 0);
    add(page, STR("</p>"));
    if (detail.len) {
        add(page, STR("<pre>"));
        add_escaped(page, detail);
        add(page, STR("</pre>"));
    }
    add(page, STR("</html>\n"));
}

static void add_text(struct buf *page, int status, str title, str detail)
{
    ASSERT(buf_printf(page, "%d %s: ", status, http_status_reason(status)) == 0);
    add(page, title);
    add(page, STR("\n"));
    if (detail.len) {
        add(page, STR("\n"));
        add(page, detail);
        add(page, STR("\n"));
    }
}

/* `lines` of the head that are not the content's. */
static void answer(struct exchange *x, int status, const char *title, str detail, str lines)
{
    bool html = wants_html(x);
    struct buf page, head;

    buf_init(&page, PAGE_BYTES_MAX);
    buf_init(&head, HEAD_BYTES_MAX);
    add(&head, html ? STR("content-type: text/html;charset=UTF-8\r\n")
                    : STR("content-type: text/plain;charset=UTF-8\r\n"));
    add(&head, STR("cache-control: no-store\r\n"));
    add(&head, lines);
    if (html)
        add_html(&page, status, str_from(title), detail);
    else
        add_text(&page, status, str_from(title), detail);
    exchange_answer(x, status, buf_str(&head), buf_str(&page));
    buf_done(&page);
    buf_done(&head);
}

/* Nobody sees a page of an event: the supervisor gets what it would have said. */
static void end_event(struct exchange *x, const char *title, str detail)
{
    struct buf text;

    buf_init(&text, PAGE_BYTES_MAX);
    add(&text, detail.len ? detail : str_from(title));
    event_end(x, buf_str(&text));
    buf_done(&text);
}

void page_error_with(struct exchange *x, int status, const char *title, str detail, str lines)
{
    struct buf head;

    if (!exchange_can_answer(x))
        return;
    exchange_set_outcome(x, status == 404 ? OUTCOME_NOT_FOUND : OUTCOME_INTERNAL);
    if (x->event) {
        end_event(x, title, detail);
        return;
    }
    buf_init(&head, HEAD_BYTES_MAX);
    add(&head, STR("atoll-error: "));
    add(&head, str_from(outcome_rows[x->outcome].word));
    add(&head, STR("\r\n"));
    if (status == 429 || x->outcome == OUTCOME_LOAD_SHED)
        add(&head, STR("retry-after: 1\r\n"));
    add(&head, lines);
    answer(x, status, title, runtime_options()->dev ? detail : STR_NONE, buf_str(&head));
    buf_done(&head);
}

void page_error(struct exchange *x, int status, const char *title, str detail)
{
    page_error_with(x, status, title, detail, STR_NONE);
}

void page_outcome(struct exchange *x, enum outcome outcome, const char *title, str detail)
{
    const struct outcome_row *row = &outcome_rows[outcome];

    if (exchange_can_answer(x))
        exchange_set_outcome(x, outcome);
    page_error(x, row->status, title ? title : row->title, detail);
}

void page_later(struct exchange *x, enum outcome outcome, unsigned retry_s)
{
    const struct outcome_row *row = &outcome_rows[outcome];
    char head[96];

    exchange_set_outcome(x, outcome);
    if (x->event) {
        end_event(x, row->title, STR_NONE);
        return;
    }
    snprintf(head, sizeof head, "atoll-error: %s\r\nretry-after: %u\r\n", row->word, retry_s);
    answer(x, row->status, row->title, STR_NONE, str_from(head));
}

void page_nobody(struct exchange *x, str host)
{
    char title[HTTP_HOST_BYTES_MAX + 32];

    snprintf(title, sizeof title, "No worker answers at %.*s", STR_ARGS(host));
    exchange_set_outcome(x, OUTCOME_NOT_FOUND);
    if (x->event) {
        end_event(x, "The worker was deleted", STR_NONE);
        return;
    }
    answer(
        x, 404, title,
        STR("To deploy one: `npx wrangler deploy` in its directory. It then answers at its name\n"
            "before this server's domain. If it is deployed already, look at its routes and\n"
            "custom domains, and at how the host is spelled."),
        STR_NONE);
}

void page_limit(struct exchange *x, int code)
{
    char title[128];

    snprintf(title, sizeof title, "This request was ended: %s", err_text(code));
    page_error(x, err_http_status(code) >= 500 ? err_http_status(code) : 503, title, STR_NONE);
}
