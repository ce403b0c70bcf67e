/* api/multipart: forms as clients write them, and forms that could be read in two ways. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/multipart.h"
#include "base/buf.h"

#define TYPE "multipart/form-data; boundary=B"
#define PART(head, bytes) "--B\r\n" head "\r\n\r\n" bytes "\r\n"
#define NAMED(name, bytes) PART("Content-Disposition: form-data; name=" name, bytes)

static struct multipart form;
static struct err err;

static int parse(const char *type, str body)
{
    return multipart_parse(str_from(type), body, &form, &err);
}

static void expect_part(size_t at, const char *name, const char *type, const char *bytes)
{
    cr_assert_lt(at, form.count);
    cr_expect(str_equal(form.parts[at].name, str_from(name)), "%.*s",
              STR_ARGS(form.parts[at].name));
    cr_expect(str_equal(form.parts[at].type, str_from(type)), "%.*s",
              STR_ARGS(form.parts[at].type));
    cr_expect(str_equal(form.parts[at].bytes, str_from(bytes)), "%.*s",
              STR_ARGS(form.parts[at].bytes));
}

Test(multipart, as_undici_writes_it)
{
    str body = STR("------formdata-undici-01\r\nContent-Disposition: form-data; name=\"metadata\""
                   "\r\n\r\n{\"a\":\r\n1}\r\n------formdata-undici-01\r\nContent-Disposition: "
                   "form-data; name=\"./a-%22x%22.wasm\"; filename=\"./a-%22x%22.wasm\"\r\n"
                   "Content-Type: application/wasm\r\n\r\n\0asm\r\n--\r\n"
                   "------formdata-undici-01--\r\n");

    cr_assert_eq(parse("multipart/form-data; boundary=----formdata-undici-01", body), 0, "%s",
                 err.text);
    cr_expect_eq(form.count, 2);
    expect_part(0, "metadata", "", "{\"a\":\r\n1}");
    cr_expect_not(form.parts[0].filename.ptr);
    cr_expect(str_equal(form.parts[1].name, STR("./a-\"x\".wasm")));
    cr_expect(str_equal(form.parts[1].filename, form.parts[1].name));
    cr_expect(str_equal(form.parts[1].bytes, STR("\0asm\r\n--")));
    cr_expect_eq(multipart_find(&form, STR("metadata")), &form.parts[0]);
    cr_expect_null(multipart_find(&form, STR("none")));
    multipart_done(&form);
}

Test(multipart, what_is_taken)
{
    static const struct {
        const char *type, *body, *name, *bytes;
    } cases[] = {
        {TYPE, NAMED("\"a\"", "") "--B--\r\n", "a", ""},
        {TYPE, NAMED("\"a\"", "x") "--B--", "a", "x"},
        {TYPE, NAMED("a", "x") "--B--", "a", "x"},
        {TYPE, NAMED("\"a b;c=d\"", "x") "--B--", "a b;c=d", "x"},
        {TYPE, NAMED("\"a\\\\b\"", "x") "--B--", "a\\\\b", "x"},
        {TYPE, NAMED("\"%0d%0A%41%\"", "x") "--B--", "\r\n%41%", "x"},
        {TYPE, NAMED("\"\"", "x") "--B--", "", "x"},
        {TYPE, NAMED("\"\xc3\xa4\"", "\r\n") "--B--", "\xc3\xa4", "\r\n"},
        {TYPE, NAMED("\"a\"", "\r\n--A\r\n") "--B--", "a", "\r\n--A\r\n"},
        {TYPE, PART("content-disposition:form-data;NAME=a", "x") "--B--", "a", "x"},
        {TYPE, PART("X-Other: y\r\nContent-Disposition: FORM-DATA; name=a; other=\"z\"", "x")
         "--B--", "a", "x"},
        {"MULTIPART/Form-Data ; charset=utf-8; Boundary=\"B\"", NAMED("a", "x") "--B--", "a", "x"},
        {"multipart/form-data; boundary=\"a b'()+_,-./:=?c\"",
         "--a b'()+_,-./:=?c\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"
         "--a b'()+_,-./:=?c--", "a", "x"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_assert_eq(parse(cases[i].type, str_from(cases[i].body)), 0, "%zu: %s", i, err.text);
        cr_expect_eq(form.count, 1);
        cr_expect(str_equal(form.parts[0].name, str_from(cases[i].name)), "%zu", i);
        cr_expect(str_equal(form.parts[0].bytes, str_from(cases[i].bytes)), "%zu", i);
        multipart_done(&form);
    }
}

Test(multipart, what_is_refused)
{
    static const struct {
        const char *type, *body, *words;
    } cases[] = {
        {"text/plain", "", "multipart/form-data"},
        {"multipart/form-data", "", "boundary"},
        {"multipart/form-data; boundary=", "", "boundary"},
        {"multipart/form-data; boundary=\"\"", "", "boundary"},
        {"multipart/form-data; boundary=\"a", "", "boundary"},
        {"multipart/form-data; boundary=\"a \"", "", "boundary"},
        {"multipart/form-data; boundary=a; boundary=b", "", "two boundaries"},
        {"multipart/form-data; boundary=" "0123456789012345678901234567890123456789"
         "0123456789012345678901234567890", "", "boundary"},
        {TYPE, "", "begin"},
        {TYPE, "\r\n--B--", "begin"},
        {TYPE, "preamble\r\n" NAMED("a", "x") "--B--", "begin"},
        {TYPE, "--B", "neither"},
        {TYPE, "--B--x", "neither"},
        {TYPE, NAMED("a", "x") "--B--\r\nepilogue", "neither"},
        {TYPE, NAMED("a", "x") "--Bx", "neither"},
        {TYPE, "--B \r\n", "neither"},
        {TYPE, "--B\r\n", "end of its head"},
        {TYPE, "--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx", "boundary"},
        {TYPE, "--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx\n--B--", "boundary"},
        {TYPE, "--B\r\n\r\n\r\n--B--", "malformed header"},
        {TYPE, PART("X: y", "x") "--B--", "needs a Content-Disposition"},
        {TYPE, PART("Content-Disposition: form-data", "x") "--B--", "name"},
        {TYPE, PART("Content-Disposition: form-data; filename=a", "x") "--B--", "name"},
        {TYPE, PART("Content-Disposition: attachment; name=a", "x") "--B--", "form-data"},
        {TYPE, PART("Content-Disposition: form-data; name=\"a", "x") "--B--", "malformed"},
        {TYPE, PART("Content-Disposition: form-data; name=a b", "x") "--B--", "malformed"},
        {TYPE, PART("Content-Disposition: form-data; name=a; name=b", "x") "--B--", "two names"},
        {TYPE, PART("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; "
                    "name=b", "x") "--B--", "two Content-Dispositions"},
        {TYPE, PART("Content-Disposition : form-data; name=a", "x") "--B--", "malformed header"},
        {TYPE, PART("nothing", "x") "--B--", "malformed header"},
        {TYPE, PART("Content-Disposition: form-data; name=a\nX: y", "x") "--B--", "malformed"},
        {TYPE, NAMED("\"\xff\"", "x") "--B--", "UTF-8"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_expect_eq(parse(cases[i].type, str_from(cases[i].body)), ERR_INVALID, "%zu", i);
        cr_expect(strstr(err.text, cases[i].words), "%zu: %s", i, err.text);
        cr_expect(!form.parts && !form.names);
    }
}

static void fill(struct buf *body, size_t parts)
{
    buf_init(body, 1 << 20);
    for (size_t i = 0; i < parts; i++)
        cr_assert_eq(buf_append(body, STR(NAMED("a", "x"))), 0);
    cr_assert_eq(buf_append(body, STR("--B--")), 0);
}

Test(multipart, maxima)
{
    struct buf body;

    fill(&body, MULTIPART_PARTS_MAX);
    cr_assert_eq(parse(TYPE, buf_str(&body)), 0);
    cr_expect_eq(form.count, MULTIPART_PARTS_MAX);
    multipart_done(&form);
    buf_done(&body);
    fill(&body, MULTIPART_PARTS_MAX + 1);
    cr_expect_eq(parse(TYPE, buf_str(&body)), ERR_LIMIT);
    buf_clear(&body);
    cr_assert_eq(buf_append(&body, STR("--B\r\nX: ")), 0);
    for (int i = 0; i < MULTIPART_HEAD_BYTES_MAX; i++)
        cr_assert_eq(buf_append_char(&body, 'x'), 0);
    cr_assert_eq(buf_append(&body, STR("\r\n\r\nx\r\n--B--")), 0);
    cr_expect_eq(parse(TYPE, buf_str(&body)), ERR_LIMIT);
    buf_done(&body);
}
