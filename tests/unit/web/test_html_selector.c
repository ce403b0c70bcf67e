/* web/html_selector, html_match, html_open: what parses, and which elements a selector finds. */
#include "web/html_selector.h"

#include <criterion/criterion.h>

#include "web/html_rewrite.h"

Test(html_selector, parses)
{
    static const char *const rows[] = {
        "a", "*", " a ", "a,b", "a , b>c d", "#x", ".x.y", "a#x.y[z]", "[a]", "[ a ]", "[a=b]",
        "[a='b c' i]", "[a=\"\" S]", "[a~=b][a|=b][a^=b][a$=b][a*=b]", ":not(a)", ":not(a, .b)",
        "a:not([b]):not(:not(c))", ":nth-child(2)", ":nth-child( odd )", ":nth-child(2n+1)",
        ":nth-child(-n + 3)", ":nth-of-type(+3n - 2)", ":first-child:first-of-type",
        ":NTH-CHILD(EVEN)", "\\31 23", "#\\#x", "a\\:b", "-a", "--a", "_a", "\xC3\xA9",
        "[a=\\41 b]", "[a='\\\n']", "a>b",
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct html_selectors *set = html_selector_set_new();
        struct err err = {0};
        cr_expect_eq(html_selector_set_add(set, str_from(rows[i]), 0, &err), 0, "%s", err.text);
        html_selector_set_unref(set);
    }
}

Test(html_selector, refuses_and_says_where)
{
    static const struct {
        const char *selector, *want;
    } rows[] = {
        {"", "at character 1, a selector is expected"},
        {"a,", "at character 3, a selector is expected"},
        {"a + b", "at character 3, combinators for siblings are not supported"},
        {"a~b", "at character 2, combinators for siblings"},
        {"> a", "at character 1, a selector is expected"},
        {"a >", "at character 4, a selector is expected"},
        {"a:hover", "at character 2, this pseudo-class is not supported"},
        {"a::before", "at character 2, this pseudo-class is not supported"},
        {"a:last-child", "at character 2, this pseudo-class is not supported"},
        {"a:first-childx", "this pseudo-class is not known"},
        {":not(a b)", "only simple selectors are supported in :not()"},
        {":not(", "a selector is expected"},
        {":not()", "at character 6, a selector is expected"},
        {":nth-child()", "a number is expected"},
        {":nth-child(2 of a)", "An+B and ) are expected"},
        {":nth-child(n+)", "a number is expected"},
        {"[a", "an operator such as = or ] is expected"},
        {"[a=]", "at character 4, a value is expected"},
        {"[a=b", "] is expected"},
        {"[a='b]", "at character 4, a string has no end"},
        {"[a=b x]", "] is expected"},
        {"[a!=b]", "an operator such as"},
        {"svg|a", "namespaces are not supported"},
        {"*|a", "namespaces are not supported"},
        {"[a|b]", "namespaces are not supported"},
        {"#1", "a name is expected"},
        {"a.", "at character 3, a name is expected"},
        {"a)", "at character 2, this character does not belong here"},
        {"a\\", "a backslash has nothing behind it"},
        {"a!", "this character does not belong here"},
        {":not(:not(:not(:not(:not(:not(:not(:not(:not(a)))))))))", "nested too deeply"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct html_selectors *set = html_selector_set_new();
        struct err err = {0};
        cr_expect_eq(html_selector_set_add(set, str_from(rows[i].selector), 0, &err), ERR_INVALID);
        cr_expect(strstr(err.text, rows[i].want), "%s: %s", rows[i].selector, err.text);
        html_selector_set_unref(set);
    }
}

Test(html_selector, respects_the_limits)
{
    static char text[HTML_SELECTOR_BYTES_MAX + 1];
    struct html_selectors *set = html_selector_set_new();
    struct err err = {0};

    memset(text, 'a', sizeof text);
    cr_expect_eq(html_selector_set_add(set, (str){text, sizeof text - 1}, 0, &err), 0);
    cr_expect_eq(html_selector_set_add(set, (str){text, sizeof text}, 0, &err), ERR_LIMIT);
    for (int i = 1; i < HTML_SELECTORS_MAX; i++)
        cr_assert_eq(html_selector_set_add(set, STR("a"), 0, &err), i);
    cr_expect_eq(html_selector_set_add(set, STR("a"), 0, &err), ERR_LIMIT);
    html_selector_set_unref(set);

    set = html_selector_set_new();
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? ',' : 'a';
    cr_expect_eq(html_selector_set_add(set, (str){text, sizeof text - 2}, 0, &err), 0);
    cr_expect_eq(html_selector_set_add(set, (str){text, sizeof text - 2}, 0, &err), ERR_LIMIT);
    html_selector_set_unref(set);
}

/* The values of the attribute `t` of what matches, in the document's order. */
static void find(const char *selector, str html, struct buf *out)
{
    struct html_selectors *set = html_selector_set_new();
    struct html_rewrite rw;
    struct err err = {0};
    int event = HTML_EVENT_MORE;
    str value;

    cr_assert_eq(html_selector_set_add(set, str_from(selector), HTML_WANT_ELEMENT, &err), 0, "%s",
                 err.text);
    html_rewrite_init(&rw, set, NULL, 0, true);
    html_selector_set_unref(set);
    cr_assert_eq(html_rewrite_feed(&rw, html, true), 0);
    while (event != HTML_EVENT_DONE) {
        event = html_rewrite_next(&rw);
        cr_assert_geq(event, 0);
        if (event == HTML_EVENT_ELEMENT && html_edit_attr(&rw.edit, &rw.lexer, STR("t"), &value))
            cr_assert_eq(buf_append(out, value), 0);
    }
    cr_expect(str_equal(buf_str(&rw.out.bytes), html));
    html_rewrite_done(&rw);
}

Test(html_selector, finds)
{
    static const char html[] =
        "<html><body t=0><div t=1 class='x  y' id=I lang=en-US type=TEXT>"
        "<p t=2 class=z><a t=3 href='http://a/b'>l</a></p><img t=4><p t=5><a t=6><b "
        "t=7></b></a></p>"
        "</div><ul t=8><li t=9></li><li t=a CLASS=x></li><i t=b></i><li t=c></li></ul>"
        "<svg t=d><foreignObject t=e><p t=f></p></foreignObject><g t=g /><g t=h></g></svg></body>";
    static const struct {
        const char *selector, *want;
    } rows[] = {
        {"p", "25f"},             {"P", "25f"},             {"*", "0123456789abcdefgh"},
        {".x", "1a"},             {".X", ""},               {".x.y", "1"},
        {"#I", "1"},              {"#i", ""},               {"div#I.y", "1"},
        {"[href]", "3"},          {"[HREF]", "3"},          {"[href^='http:']", "3"},
        {"[href$=b]", "3"},       {"[href*='/a/']", "3"},   {"[href*='/A/']", ""},
        {"[href*='/A/' i]", "3"}, {"[href*='']", ""},       {"[lang|=en]", "1"},
        {"[lang|='EN']", "1"},    {"[lang|=EN s]", ""},     {"[lang|=e]", ""},
        {"[class~=y]", "1"},      {"[class~='x y']", ""},   {"[type=text]", "1"},
        {"[class=Z]", ""},        {"[class=Z i]", "2"},     {"div p", "25"},
        {"div > p", "25"},        {"body > p", ""},         {"div > p > a", "36"},
        {"body a", "36"},         {"div > a", ""},          {"p > a > b, li", "79ac"},
        {"ul > :not(li)", "b"},   {"li:not(.x)", "9c"},     {":not(*)", ""},
        {"ul :not(i, .x)", "9c"}, {"li:nth-child(2)", "a"}, {"li:nth-child(odd)", "9"},
        {"li:nth-child(3)", ""},  {"li:nth-of-type(3)", "c"}, {"li:nth-child(n+2)", "ac"},
        {"li:nth-child(-n+2)", "9a"}, {"li:first-child", "9"}, {"i:first-of-type", "b"},
        {"p:nth-child(3)", "5"},  {"p:nth-of-type(2n)", "5"}, {"foreignobject p", "f"},
        {"svg > g", "gh"},        {"g > *", ""},            {"div :not(p) b", "7"},
        {"body div p a b", "7"},  {"body > div p > b", ""}, {"html", ""},
        {"p a, p a", "36"},       {"[t=\\33]", "3"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out;
        buf_init(&out, 1024);
        find(rows[i].selector, str_from(html), &out);
        cr_expect(str_equal(buf_str(&out), str_from(rows[i].want)), "%s: %.*s, not %s",
                  rows[i].selector, STR_ARGS(buf_str(&out)), rows[i].want);
        buf_done(&out);
    }
}
