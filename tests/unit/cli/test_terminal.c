#include "cli/terminal.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/mem.h"

static const struct {
    const char *text, *line;    /* `line`: terminal_harmless() of it */
} texts[] = {
    {"", ""},
    {"plain", "plain"},
    {"a\tb\nc", "a b c"},
    {"\033[31mred\033[0m", "\\x1b[31mred\\x1b[0m"},
    {"\007\x7f", "\\x07\\x7f"},
    {"caf\u00e9 \u65e5\u672c", "caf\u00e9 \u65e5\u672c"},
    {"\xc2\x9b" "31m", "\\x9b31m"},
    {"\xc2\x80\xc2\x9f\u00a0", "\\x80\\x9f\u00a0"},
    {"ends \xc2", "ends \xc2"},
    {"\r\n", "\\x0d "},
};

Test(terminal, text_of_others_is_harmless)
{
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char *line = terminal_harmless(texts[i].text);

        cr_expect_str_eq(line, texts[i].line, "%zu: %s", i, line);
        free(line);
    }
}

Test(terminal, text_keeps_its_lines)
{
    char *out = NULL;
    size_t len;
    FILE *stream = open_memstream(&out, &len);

    terminal_print_text(stream, RED, "one\n\033two\n", true, 2);
    fclose(stream);
    cr_expect_str_eq(out, "one\n  \\x1btwo\n");
    free(out);
}

static const struct {
    const char *text;
    size_t columns, fitting;    /* bytes of it in 4 columns */
} widths[] = {
    {"", 0, 0},
    {"four", 4, 4},
    {"fives", 5, 4},
    {"\u00e9\u00e9\u00e9\u00e9\u00e9", 5, 8},
    {"\u65e5\u672c\u8a9e", 6, 6},
    {"a\u65e5\u672c", 5, 4},
    {"e\u0301e\u0301", 2, 6},
    {"\U0001f600\U0001f600!", 5, 8},
    {"\xff\xc2x", 3, 3},
    {"\xe6\x97", 1, 2},
};

Test(terminal, columns_of_text)
{
    for (size_t i = 0; i < COUNT_OF(widths); i++) {
        cr_expect_eq(terminal_columns(widths[i].text), widths[i].columns, "%zu: %zu", i,
                     terminal_columns(widths[i].text));
        cr_expect_eq(terminal_fitting(widths[i].text, 4), widths[i].fitting, "%zu: %zu", i,
                     terminal_fitting(widths[i].text, 4));
    }
}

Test(terminal, a_file_is_no_terminal)
{
    FILE *file = tmpfile();

    cr_expect_eq(terminal_width(file), 0);
    cr_expect_not(terminal_redraws(file));
    fclose(file);
}
