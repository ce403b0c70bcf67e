/* Error pages; see page.h. */
#include "runtime/page.h"

#include <stdio.h>

#include "http/status.h"
#include "runtime/runtime.h"

enum { PAGE_BYTES_MAX = 1 << 20 };

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
    str headers = str_skip(buf_str(&x->text), x->method_len + x->url_len);

    while (headers.len) {
        str line = str_head(headers, str_find(headers, '\n'));
        if (str_starts(line, STR("accept: ")))
            return memmem(line.ptr, line.len, "text/html", strlen("text/html")) != NULL;
        headers = str_skip(headers, line.len + 1);
    }
    return false;
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

void page_error(struct exchange *x, int status, const char *title, str detail)
{
    bool html = wants_html(x);
    struct buf page;

    buf_init(&page, PAGE_BYTES_MAX);
    if (!runtime_options()->dev)
        detail = STR_NONE;
    if (html)
        add_html(&page, status, str_from(title), detail);
    else
        add_text(&page, status, str_from(title), detail);
    exchange_answer(x, status,
                    html ? STR("content-type: text/html;charset=UTF-8\r\n"
                               "cache-control: no-store\r\n")
                         : STR("content-type: text/plain;charset=UTF-8\r\n"
                               "cache-control: no-store\r\n"),
                    buf_str(&page));
    buf_done(&page);
}

void page_limit(struct exchange *x, int code)
{
    char title[128];

    snprintf(title, sizeof title, "This request was ended: %s", err_text(code));
    page_error(x, err_http_status(code) >= 500 ? err_http_status(code) : 503, title, STR_NONE);
}
