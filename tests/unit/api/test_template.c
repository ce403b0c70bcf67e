/* api/template: templates filled with JSON. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "api/template.h"

static char *render(const char *template, const char *data)
{
    char *copy = str_dup(str_from(data));
    json_t *json;
    struct buf out;

    for (char *at = copy; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    json = json_loads(copy, 0, NULL);
    cr_assert(json, "%s", data);
    buf_init(&out, 1024);
    cr_assert_eq(template_render(str_from(template), json, &out), 0);
    json_decref(json);
    free(copy);
    return buf_take(&out, NULL);
}

Test(template, rows)
{
    static const struct {
        const char *template, *data, *page;
    } rows[] = {
        {"", "{}", ""},
        {"plain { } text", "{}", "plain { } text"},
        {"a {{b}} c", "{'b': 'x'}", "a x c"},
        {"{{b}}", "{}", ""},
        {"{{b}}", "{'b': '<b c=\\\"d\\\">&amp;'}", "&lt;b c=&quot;d&quot;&gt;&amp;amp;"},
        {"{{#b}}yes{{/b}}", "{'b': true}", "yes"},
        {"{{#b}}yes{{/b}}", "{'b': 'x'}", "yes"},
        {"{{#b}}yes{{/b}}", "{'b': ''}", ""},
        {"{{#b}}yes{{/b}}", "{'b': false}", ""},
        {"{{#b}}yes{{/b}}", "{'b': null}", ""},
        {"{{#b}}yes{{/b}}", "{'b': []}", ""},
        {"{{^b}}no{{/b}}", "{'b': []}", "no"},
        {"{{^b}}no{{/b}}", "{}", "no"},
        {"{{^b}}no{{/b}}", "{'b': 'x'}", ""},
        {"{{#b}}[{{.}}]{{/b}}", "{'b': ['x', 'y<']}", "[x][y&lt;]"},
        {"{{#b}}{{c}}{{d}};{{/b}}", "{'b': [{'c': '1'}, {'c': '2', 'd': 'in'}], 'd': 'out'}",
         "1out;2in;"},
        {"{{#a}}{{#b}}{{c}}{{/b}}{{/a}}{{c}}", "{'a': {'b': {'c': 'in'}}, 'c': 'out'}", "inout"},
        {"<\n{{#b}}\nline\n{{/b}}\n>\n", "{'b': [1, 2]}", "<\nline\nline\n>\n"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *page = render(rows[i].template, rows[i].data);

        cr_expect_str_eq(page, rows[i].page, "row %zu", i);
        free(page);
    }
}

Test(template, has_a_maximum)
{
    json_t *data = json_pack("{s:s}", "a", "<<<<");
    struct buf out;

    buf_init(&out, 15);
    cr_expect_eq(template_render(STR("{{a}}"), data, &out), ERR_LIMIT);
    buf_done(&out);
    buf_init(&out, 16);
    cr_expect_eq(template_render(STR("{{a}}"), data, &out), 0);
    buf_done(&out);
    json_decref(data);
}

Test(template, text_is_escaped)
{
    struct buf out;

    buf_init(&out, 100);
    cr_expect_eq(template_escape(STR("a&b<c>d\"e'f"), &out), 0);
    cr_expect(str_equal(buf_str(&out), STR("a&amp;b&lt;c&gt;d&quot;e&#39;f")));
    buf_done(&out);
}

Test(template, a_section_without_an_end_is_our_bug, .signal = SIGABRT)
{
    free(render("{{#a}}x", "{'a': 'b'}"));
}
