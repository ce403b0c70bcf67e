/* base/err: every row of the table, and text that is too long. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>

#include "base/err.h"

Test(err, has_a_whole_row_for_every_code)
{
    static const struct {
        int code, status;
        const char *js_class, *text;
    } rows[] = {
#define ROW(name, value, http, js, text) {name, http, js, text},
        ERR_MAP(ROW)
#undef ROW
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        cr_expect_eq(rows[i].code, -(int)i - 1, "codes are dense");
        cr_expect_eq(err_http_status(rows[i].code), rows[i].status);
        cr_expect(rows[i].status >= 400 && rows[i].status < 600);
        cr_expect_str_eq(err_js_class(rows[i].code), rows[i].js_class);
        cr_expect(str_ends(str_from(rows[i].js_class), STR("Error")));
        cr_expect_str_eq(err_text(rows[i].code), rows[i].text);
        cr_expect_gt(strlen(rows[i].text), 0);
    }
}

Test(err, holds_text_for_a_person)
{
    struct err err = {0};

    cr_expect_eq(err_set(&err, ERR_IO, "%s: %d", "file", 7), ERR_IO);
    cr_expect_eq(err.code, ERR_IO);
    cr_expect_str_eq(err.text, "file: 7");
    cr_expect_eq(err_set(&err, ERR_LIMIT, "%s", ""), ERR_LIMIT);
    cr_expect_str_eq(err.text, "");
    errno = ENOENT;
    cr_expect_eq(err_set_io(&err, "a/b"), ERR_IO);
    cr_expect_str_eq(err.text, "a/b: No such file or directory");
}

Test(err, cuts_long_text)
{
    static const int lengths[] = {ERR_TEXT_MAX - 1, ERR_TEXT_MAX, ERR_TEXT_MAX * 3};

    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        struct err err;

        err_set(&err, ERR_INVALID, "%0*d", lengths[i], 1);
        cr_expect_eq(strlen(err.text), ERR_TEXT_MAX - 1);
        cr_expect_eq(err.text[ERR_TEXT_MAX - 2], i ? '0' : '1');
    }
}

Test(err, knows_no_code_of_zero, .signal = SIGABRT)
{
    err_text(0);
}

Test(err, knows_no_code_beyond_the_table, .signal = SIGABRT)
{
    err_http_status(-10000);
}
