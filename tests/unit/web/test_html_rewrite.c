/* web/html_rewrite: what comes out, whatever the chunks; removed content, end tags, namespaces. */
#include "web/html_rewrite.h"

#include <criterion/criterion.h>

/* What a handler does: for each event one letter of a program, see act(). */
struct plan {
    const char *selector;
    unsigned char wants, document;
    const char *does; /* pairs of action and place or nothing */
};

static void act(struct html_rewrite *rw, const char *does)
{
    for (; *does; does++) {
        char text[] = {'<', *does, '>', '\0'};
        str value;
        switch (*does) {
        case '0' ... '5':
            if (rw->unit == HTML_EVENT_ELEMENT || *does <= '1' || *does == '5')
                cr_assert_eq(html_rewrite_insert(rw, (enum html_place)(*does - '0'), str_from(text),
                                                 does[1] == 'h'),
                             0);
            does += does[1] == 'h';
            break;
        case 'r':
        case 'k':
            html_rewrite_remove(rw, *does == 'k');
            break;
        case 'l':
            html_rewrite_listen(rw);
            break;
        case 'n':
            cr_assert_eq(html_rewrite_set_text(rw, STR("new")), 0);
            break;
        case 's':
            cr_assert_eq(html_edit_set_attr(&rw->edit, &rw->lexer, STR("x"), STR("\"1&")), 0);
            cr_assert(html_edit_attr(&rw->edit, &rw->lexer, STR("X"), &value));
            cr_assert(str_equal(value, STR("\"1&")));
            break;
        default:
            cr_assert_eq(html_edit_remove_attr(&rw->edit, &rw->lexer, STR("y")), 0);
        }
    }
}

static void take(struct html_rewrite *rw, struct buf *out)
{
    cr_assert_eq(buf_append(out, buf_str(&rw->out.bytes)), 0);
    html_content_clear(&rw->out);
}

static void rewrite(const struct plan *plan, str in, size_t step, struct buf *out)
{
    struct html_selectors *set = html_selector_set_new();
    struct html_rewrite rw;
    struct err err;
    size_t fed = 0;
    int event = HTML_EVENT_MORE;

    if (plan->selector)
        cr_assert_eq(html_selector_set_add(set, str_from(plan->selector), plan->wants, &err), 0);
    html_rewrite_init(&rw, set, &plan->document, plan->document ? 1 : 0, true);
    html_selector_set_unref(set);
    for (; event != HTML_EVENT_DONE; event = html_rewrite_next(&rw)) {
        cr_assert_geq(event, 0);
        if (event == HTML_EVENT_MORE) {
            size_t len = fed + step < in.len ? step : in.len - fed;
            cr_assert_eq(html_rewrite_feed(&rw, (str){in.ptr + fed, len}, fed + len == in.len), 0);
            fed += len;
        }
        take(&rw, out);
        if (event >= HTML_EVENT_ELEMENT && !(rw.unit == HTML_EVENT_TEXT && rw.is_text_end))
            act(&rw, rw.unit == HTML_EVENT_END_TAG ? "0n" : plan->does);
    }
    take(&rw, out);
    html_rewrite_done(&rw);
}

static void check(const struct plan *plan, const char *in, const char *want)
{
    for (size_t step = strlen(in); step > 0; step--) {
        struct buf out;
        buf_init(&out, 1 << 20);
        rewrite(plan, str_from(in), step, &out);
        cr_expect(str_equal(buf_str(&out), str_from(want)), "%s by %zu: %.*s, not %s", in, step,
                  STR_ARGS(buf_str(&out)), want);
        buf_done(&out);
        if (plan->wants & HTML_WANT_TEXT || plan->document & HTML_WANT_TEXT)
            break; /* text comes as it is cut */
    }
}

enum { EL = HTML_WANT_ELEMENT, TX = HTML_WANT_TEXT, CO = HTML_WANT_COMMENTS };

Test(html_rewrite, elements)
{
    static const struct {
        struct plan plan;
        const char *in, *want;
    } rows[] = {
        {{"b", EL, 0, ""}, "<a><b  c = d>e</b >", "<a><b  c = d>e</b >"},
        {{"b", EL, 0, "0"}, "<b>e</b>", "&lt;0&gt;<b>e</b>"},
        {{"b", EL, 0, "0h1h2h3h"}, "<b>e</b>f", "<0><b><2>e<3></b><1>f"},
        {{"b", EL, 0, "1h1"}, "<b></b>f", "<b></b>&lt;1&gt;<1>f"},
        {{"b", EL, 0, "4h"}, "<b>a<i>b</i>c</b>f", "<b><4></b>f"},
        {{"b", EL, 0, "2h4h3h2"}, "<b>a</b>f", "<b>&lt;2&gt;<4><3></b>f"},
        {{"b", EL, 0, "5h"}, "a<b>a<b>c</b></b>f", "a<5>f"},
        {{"b", EL, 0, "0h5h1h"}, "<b>a</b>f", "<0><5><1>f"},
        {{"b", EL, 0, "r"}, "a<b>a</b>f", "af"},
        {{"b", EL, 0, "k"}, "a<b>a<i>x</i></b>f", "aa<i>x</i>f"},
        {{"b", EL, 0, "k2h3h"}, "<b>a</b>f", "<2>a<3>f"},
        {{"b", EL, 0, "r"}, "<i><b>a</i>f", "<i></i>f"},
        {{"b", EL, 0, "r"}, "<i><b>a", "<i>"},
        {{"b", EL, 0, "3h"}, "<i><b>a</i>f", "<i><b>a</i>f"},
        {{"*", EL, 0, "r"}, "<i>a<b>a</b><br></i>f", "f"},
        {{"br", EL, 0, "0h1h2h3h4h"}, "<br>a", "<0><br><1>a"},
        {{"br", EL, 0, "5h"}, "<br/>a", "<5>a"},
        {{"b", EL, 0, "n"}, "<b c>a</b d>", "<new c>a</new>"},
        {{"b", EL, 0, "s"}, "<b>", "<b x=\"&quot;1&\">"},
        {{"b", EL, 0, "s"}, "<b  c  X=2  d='e'/>", "<b c X=\"&quot;1&\" d='e' />"},
        {{"b", EL, 0, "y"}, "<b y  c=\"d\" y=2 Y >", "<b c=\"d\">"},
        {{"b", EL, 0, "y"}, "<b  c=\"d\" >", "<b  c=\"d\" >"},
        {{"b", EL, 0, "l"}, "<b>a</b>c", "<b>a&lt;0&gt;</new>c"},
        {{"b", EL, 0, "lr"}, "<b>a</b>c", "&lt;0&gt;c"},
        {{"b", EL, 0, "l3"}, "<b>a</b>c", "<b>a&lt;3&gt;&lt;0&gt;</new>c"},
        {{"br", EL, 0, "l"}, "<br>a</br>", "<br>a</br>"},
        {{"title", EL, 0, "4"}, "<title><b></title><b>", "<title>&lt;4&gt;</title><b>"},
        {{"b", EL, 0, "r"}, "<title><b></title><xmp><b></xmp><b>",
         "<title><b></title><xmp><b></xmp>"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(&rows[i].plan, rows[i].in, rows[i].want);
}

Test(html_rewrite, text_and_comments)
{
    static const struct {
        struct plan plan;
        const char *in, *want;
    } rows[] = {
        {{"b", TX, 0, "0h1h"}, "a<b>c<i>d</i></b>e", "a<b><0>c<1><i><0>d<1></i></b>e"},
        {{"b", TX, 0, "5"}, "a<b>c</b>e", "a<b>&lt;5&gt;</b>e"},
        {{"b", TX, 0, "r"}, "a<b>c<!--d--></b>e", "a<b><!--d--></b>e"},
        {{"b", TX, 0, "r"}, "<b>a</></b>", "<b></></b>"},
        {{"b", CO, 0, "n"}, "<!--a--><b><!--a--><!b><i><?c></b>",
         "<!--a--><b><!--new--><!--new--><i><!--new--></b>"},
        {{"b", CO, 0, "r0h"}, "<b><!--a--></b>", "<b><0></b>"},
        {{NULL, 0, TX, "5h"}, "a<b>c</b>", "<5><b><5></b>"},
        {{NULL, 0, CO, "1h"}, "<!--a", "<!--a<1>"},
        {{NULL, 0, HTML_WANT_DOCTYPE, ""}, "<!doctype a>b", "<!doctype a>b"},
        {{NULL, 0, HTML_WANT_END, "0h"}, "a<b", "a<b<0>"},
        {{NULL, 0, HTML_WANT_END, "0"}, "a", "a&lt;0&gt;"},
        {{"svg", TX, 0, "0h"}, "<svg><![CDATA[a]]></svg>", "<svg><![CDATA[<0>a]]></svg>"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(&rows[i].plan, rows[i].in, rows[i].want);
}

/* What is `b` and what is text depends on where SVG and MathML begin and end. */
Test(html_rewrite, namespaces)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"<style><b></style>", "<style><b></style>"},
        {"<svg><style><b></b></style>", "<svg><style></style>"},
        {"<svg><title><style><b></b></style>", "<svg><title><style><b></b></style>"},
        {"<svg><title><b></b></title><style><a-b><b>", "<svg><title></title><style><a-b>"},
        {"<svg><desc><script><b></b></script>", "<svg><desc><script><b></b></script>"},
        {"<svg/><style><b></style>", "<svg/><style><b></style>"},
        {"<svg><p><style><b></style>", "<svg><p><style><b></style>"},
        {"<svg></p><style><b></style>", "<svg></p><style><b></style>"},
        {"<svg><g></br><style><b></style>", "<svg><g></br><style><b></style>"},
        {"<svg><font><style><c></style>", "<svg><font><style><c></style>"},
        {"<svg><font size=1><style><b></style>", "<svg><font size=1><style><b></style>"},
        {"<math><mi><style><b></style>", "<math><mi><style><b></style>"},
        {"<math><mi><mglyph><style><a><b>", "<math><mi><mglyph><style><a>"},
        {"<math><annotation-xml><style><a>", "<math><annotation-xml><style><a>"},
        {"<math><annotation-xml encoding=Text/HTML><style><b></style>",
         "<math><annotation-xml encoding=Text/HTML><style><b></style>"},
        {"<math><annotation-xml><svg><style><a>", "<math><annotation-xml><svg><style><a>"},
        {"<svg><![CDATA[<b>]]></svg><![CDATA[<b>]]>", "<svg><![CDATA[<b>]]></svg><![CDATA[<b>]]>"},
        {"<noscript><b></noscript><plaintext><b>", "<noscript><b></noscript><plaintext><b>"},
    };
    static const struct plan plan = {"b", EL, 0, "r"};

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(&plan, rows[i].in, rows[i].want);
}

Test(html_rewrite, a_legacy_document_gets_references)
{
    static const unsigned char none;
    struct html_selectors *set = html_selector_set_new();
    struct html_rewrite rw;
    struct err err;

    cr_assert_eq(html_selector_set_add(set, STR("b"), HTML_WANT_ELEMENT, &err), 0);
    html_rewrite_init(&rw, set, &none, 0, false);
    html_selector_set_unref(set);
    cr_assert_eq(html_rewrite_feed(&rw, STR("<b>\xE9"), true), 0);
    cr_assert_eq(html_rewrite_next(&rw), HTML_EVENT_ELEMENT);
    cr_assert_eq(html_rewrite_insert(&rw, HTML_PLACE_BEFORE, STR("\u20ac\u00e9\U0001F600"), true),
                 0);
    cr_assert_eq(html_edit_set_attr(&rw.edit, &rw.lexer, STR("x"), STR("\u00e9")), 0);
    cr_assert_eq(html_rewrite_next(&rw), HTML_EVENT_DONE);
    cr_expect(str_equal(buf_str(&rw.out.bytes), STR("&#8364;&#233;&#128512;<b x=\"&#233;\">\xE9")));
    html_rewrite_done(&rw);
}

Test(html_rewrite, respects_the_limits)
{
    static const unsigned char none;
    static char chunk[HTML_REWRITE_CHUNK_BYTES_MAX + 1];
    struct html_selectors *set = html_selector_set_new();
    struct html_rewrite rw;
    int event = HTML_EVENT_MORE;

    for (size_t i = 0; i < sizeof chunk; i++)
        chunk[i] = "<b>"[i % 3];
    html_rewrite_init(&rw, set, &none, 0, true);
    html_selector_set_unref(set);
    cr_expect_eq(html_rewrite_feed(&rw, (str){chunk, sizeof chunk}, false), ERR_LIMIT);
    for (int fed = 0; event >= 0; event = html_rewrite_next(&rw)) {
        cr_assert_leq(fed, 3 * HTML_OPEN_DEPTH_MAX);
        html_content_clear(&rw.out);
        if (event != HTML_EVENT_MORE)
            continue;
        cr_assert_eq(html_rewrite_feed(&rw, (str){chunk, 3 << 10}, false), 0);
        fed += 3 << 10;
    }
    cr_expect_eq(event, ERR_LIMIT);
    cr_expect(strstr(rw.why, "open"));
    html_rewrite_done(&rw);
}
