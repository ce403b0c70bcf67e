/* web/html_lexer: each kind of token, odd forms of them, cut anywhere. */
#include "web/html_lexer.h"

#include <criterion/criterion.h>

#include "base/buf.h"
#include "web/html_name.h"

static void show(struct buf *out, const char *kind, str text)
{
    ASSERT(buf_printf(out, "%s[%.*s]", kind, STR_ARGS(text)) == 0);
}

static void show_tag(struct buf *out, const struct html_lexer *lx)
{
    ASSERT(buf_printf(out, "<%.*s", STR_ARGS(html_lexer_text(lx))) == 0);
    for (uint32_t i = 0; i < lx->token.attr_count; i++) {
        const struct html_attr *attr = &lx->attrs[i];
        str name = html_lexer_part(lx, attr->name, attr->name_len);
        str value = html_lexer_part(lx, attr->value, attr->value_len);
        ASSERT(buf_printf(out, " %.*s=(%.*s)", STR_ARGS(name), STR_ARGS(value)) == 0);
    }
    ASSERT(buf_printf(out, "%s>", lx->token.self_closing ? "/" : "") == 0);
}

/* Text in pieces is shown as one. */
static void show_text(struct buf *out, str text)
{
    if (out->len && out->ptr[out->len - 1] == '}')
        out->len--;
    else
        ASSERT(buf_append(out, STR("{")) == 0);
    ASSERT(buf_append(out, text) == 0 && buf_append(out, STR("}")) == 0);
}

static void set_mode(struct html_lexer *lx)
{
    str name = html_lexer_text(lx);
    unsigned flags = html_name_flags(html_name_key(name), name);

    if (flags & HTML_NAME_SVG)
        lx->allows_cdata = true;
    if (flags & HTML_NAME_RAW)
        html_lexer_set_mode(lx, HTML_TEXT_RAW, name);
    if (flags & HTML_NAME_SCRIPT)
        html_lexer_set_mode(lx, HTML_TEXT_SCRIPT, STR_NONE);
    if (flags & HTML_NAME_PLAINTEXT)
        html_lexer_set_mode(lx, HTML_TEXT_PLAINTEXT, STR_NONE);
}

static void show_token(struct html_lexer *lx, struct buf *out)
{
    str all = {lx->in + lx->token.start, lx->token.end - lx->token.start};

    switch (lx->token.kind) {
    case HTML_TOKEN_TEXT:
        show_text(out, all);
        break;
    case HTML_TOKEN_START_TAG:
        show_tag(out, lx);
        set_mode(lx);
        break;
    case HTML_TOKEN_END_TAG:
        show(out, "/", html_lexer_text(lx));
        break;
    case HTML_TOKEN_COMMENT:
        show(out, "!", html_lexer_text(lx));
        break;
    case HTML_TOKEN_DOCTYPE:
        show(out, "D", html_lexer_text(lx));
        break;
    default:
        show(out, "?", all);
    }
}

/* Lexes `input` in chunks of `step` bytes; what is consumed must be all of it, in order. */
static void lex(str input, size_t step, struct buf *out)
{
    struct html_lexer lx;
    size_t fed = 0, base = 0, end = 0;
    int kind = HTML_TOKEN_MORE;

    html_lexer_init(&lx);
    lx.keeps_characters = true;
    while (kind != HTML_TOKEN_END) {
        if (kind == HTML_TOKEN_MORE) {
            base += lx.start;
            end -= lx.start;
            fed = fed + step < input.len ? fed + step : input.len;
            html_lexer_input(&lx, (str){input.ptr + base, fed - base}, fed == input.len);
        }
        kind = html_lexer_next(&lx);
        cr_assert_geq(kind, 0);
        if (kind == HTML_TOKEN_MORE || kind == HTML_TOKEN_END)
            continue;
        cr_assert_eq(lx.token.start, end);
        end = lx.token.end;
        show_token(&lx, out);
    }
    cr_assert_eq(base + end, input.len);
    html_lexer_done(&lx);
}

static void check(str input, const char *want)
{
    for (size_t step = 1; step <= input.len + 1; step++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        lex(input, step, &out);
        cr_expect(str_equal(buf_str(&out), str_from(want)), "%.*s by %zu: %.*s, not %s",
                  STR_ARGS(input), step, STR_ARGS(buf_str(&out)), want);
        buf_done(&out);
    }
}

Test(html_lexer, tags)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"a<b>c</b>d", "{a}<b>{c}/[b]{d}"},
        {"<a href=x>", "<a href=(x)>"},
        {"<a href = \"x y\"b='>'c>", "<a href=(x y) b=(>) c=()>"},
        {"<a b=c/>", "<a b=(c/)>"},
        {"<a b />", "<a b=()/>"},
        {"<a/b/c>", "<a b=() c=()>"},
        {"<a / >", "<a>"},
        {"<a//>", "<a/>"},
        {"<a =b=c>", "<a =b=(c)>"},
        {"<a b= >", "<a b=()>"},
        {"<a b==c>", "<a b=(=c)>"},
        {"<a b=\"\" B='1'>", "<a b=() B=(1)>"},
        {"<a\n\t\f\rb\n=\nc\n>", "<a b=(c)>"},
        {"<a b='\"' c=\"'\">", "<a b=(\") c=(')>"},
        {"<a b=c\"d'e<f=`>", "<a b=(c\"d'e<f=`)>"},
        {"<A-b:c.d>", "<A-b:c.d>"},
        {"</a b=c d>e", "/[a]{e}"},
        {"<a", "?[<a]"},
        {"<a b=\"c>", "?[<a b=\"c>]"},
        {"</a", "?[</a]"},
        {"x</>y", "{x}?[</>]{y}"},
        {"a < b <3 <", "{a < b <3 <}"},
        {"a</", "{a</}"},
        {"", ""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(str_from(rows[i].in), rows[i].want);
}

Test(html_lexer, comments)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"<!--a-->b", "![a]{b}"},
        {"<!---->", "![]"},
        {"<!-->a", "![]{a}"},
        {"<!--->a", "![]{a}"},
        {"<!--a--!>b", "![a]{b}"},
        {"<!--!>-->", "![!>]"},
        {"<!---!>-->", "![-!>]"},
        {"<!----!>a", "![]{a}"},
        {"<!--a--b->-->", "![a--b->]"},
        {"<!--a--->", "![a-]"},
        {"<!--<!-->b", "![<!]{b}"},
        {"<!--<!--a-->b-->", "![<!--a]{b-->}"},
        {"<!--a", "![a]"},
        {"<!--a-", "![a]"},
        {"<!--a--", "![a]"},
        {"<!--a--!", "![a]"},
        {"<!--", "![]"},
        {"<!-", "![-]"},
        {"<!", "![]"},
        {"<!>a", "![]{a}"},
        {"<!->a", "![-]{a}"},
        {"<!a--b>c", "![a--b]{c}"},
        {"<?xml a?>b", "![?xml a?]{b}"},
        {"</ a>b", "![ a]{b}"},
        {"<![CDATA[a>b]]>", "![[CDATA[a]{b]]>}"},
        {"<!doc>", "![doc]"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(str_from(rows[i].in), rows[i].want);
}

Test(html_lexer, doctypes_and_cdata)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"<!DOCTYPE html>a", "D[ html]{a}"},
        {"<!doctype>", "D[]"},
        {"<!DocType a \"b>c\">", "D[ a \"b]{c\">}"},
        {"<!doctype html", "D[ html]"},
        {"<svg><![CDATA[a<b>]]]>c", "<svg>?[<![CDATA[]{a<b>]}?[]]>]{c}"},
        {"<svg><![CDATA[]]>", "<svg>?[<![CDATA[]?[]]>]"},
        {"<svg><![CDATA[a]", "<svg>?[<![CDATA[]{a]}"},
        {"<svg><![cdata[a>", "<svg>![[cdata[a]"},
        {"<svg><![CDAT", "<svg>![[CDAT]"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(str_from(rows[i].in), rows[i].want);
}

Test(html_lexer, raw_text)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"<title><b>&</b></title>a", "<title>{<b>&</b>}/[title]{a}"},
        {"<TITLE></titlex></TiTle >a", "<TITLE>{</titlex>}/[TiTle]{a}"},
        {"<style></style/>a", "<style>/[style]{a}"},
        {"<style><!--</style>-->", "<style>{<!--}/[style]{-->}"},
        {"<textarea></text</textarea", "<textarea>{</text</textarea}"},
        {"<xmp></xm", "<xmp>{</xm}"},
        {"<plaintext><a></plaintext>", "<plaintext>{<a></plaintext>}"},
        {"<script>a<b</script>c", "<script>{a<b}/[script]{c}"},
        {"<script><!--</script>", "<script>{<!--}/[script]"},
        {"<script><!--<script></script>a</script>b",
         "<script>{<!--<script></script>a}/[script]{b}"},
        {"<script><!--<script>--></script>b", "<script>{<!--<script>-->}/[script]{b}"},
        {"<script><!--<script>- -></script>a", "<script>{<!--<script>- -></script>a}"},
        {"<script><!--<script>----></script>b", "<script>{<!--<script>---->}/[script]{b}"},
        {"<script><!--><script></script>a", "<script>{<!--><script>}/[script]{a}"},
        {"<script><!---><script></script>a", "<script>{<!---><script>}/[script]{a}"},
        {"<script><!-- <scriptx></script>a", "<script>{<!-- <scriptx>}/[script]{a}"},
        {"<script><!--<script/</script/</script>a",
         "<script>{<!--<script/</script/}/[script]{a}"},
        {"<script><!-<script></script>a", "<script>{<!-<script>}/[script]{a}"},
        {"<script><!--<SCRIPT ></SCRIPT >-</script>a",
         "<script>{<!--<SCRIPT ></SCRIPT >-}/[script]{a}"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(str_from(rows[i].in), rows[i].want);
}

Test(html_lexer, keeps_nul_and_malformed_bytes)
{
    static const char input[] = "a\0\xFF<b\0 c\0=\0>\x80";
    struct html_lexer lx;

    html_lexer_init(&lx);
    html_lexer_input(&lx, (str){input, sizeof input - 1}, true);
    cr_expect_eq(html_lexer_next(&lx), HTML_TOKEN_TEXT);
    cr_expect_eq(html_lexer_next(&lx), HTML_TOKEN_START_TAG);
    cr_expect(str_equal(html_lexer_text(&lx), (str){"b\0", 2}));
    cr_expect_eq(lx.attrs[0].name_len, 2);
    cr_expect_eq(lx.attrs[0].value_len, 1);
    cr_expect_eq(html_lexer_next(&lx), HTML_TOKEN_TEXT);
    cr_expect_eq(html_lexer_next(&lx), HTML_TOKEN_END);
    html_lexer_done(&lx);
}

Test(html_lexer, cuts_no_character)
{
    struct html_lexer lx;
    static const char text[] = "a\xC3";

    html_lexer_init(&lx);
    lx.keeps_characters = true;
    html_lexer_input(&lx, (str){text, 2}, false);
    cr_expect_eq(html_lexer_next(&lx), HTML_TOKEN_TEXT);
    cr_expect_eq(lx.token.end, 1);
    cr_expect_eq(html_lexer_next(&lx), HTML_TOKEN_MORE);
    cr_expect_eq(lx.start, 1);
    html_lexer_input(&lx, (str){text + 1, 1}, true);
    cr_expect_eq(html_lexer_next(&lx), HTML_TOKEN_TEXT);
    cr_expect_eq(html_lexer_next(&lx), HTML_TOKEN_END);
    html_lexer_done(&lx);
}

Test(html_lexer, respects_the_limits)
{
    static char input[HTML_TOKEN_BYTES_MAX + 3];
    struct html_lexer lx;

    memset(input, ' ', sizeof input);
    memcpy(input, "<a", 2);
    html_lexer_init(&lx);
    html_lexer_input(&lx, (str){input, sizeof input - 3}, false);
    cr_expect_eq(html_lexer_next(&lx), HTML_TOKEN_MORE);
    html_lexer_input(&lx, (str){input, sizeof input}, false);
    cr_expect_eq(html_lexer_next(&lx), ERR_LIMIT);
    html_lexer_done(&lx);

    for (size_t i = 2; i + 1 < sizeof input; i += 2)
        input[i + 1] = 'b';
    html_lexer_init(&lx);
    html_lexer_input(&lx, (str){input, 2 + 2 * HTML_ATTRS_MAX + 1}, false);
    cr_expect_eq(html_lexer_next(&lx), HTML_TOKEN_MORE);
    html_lexer_input(&lx, (str){input, 2 + 2 * HTML_ATTRS_MAX + 2}, false);
    cr_expect_eq(html_lexer_next(&lx), ERR_LIMIT);
    html_lexer_done(&lx);
}
