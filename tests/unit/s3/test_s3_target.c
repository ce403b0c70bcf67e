/* s3/s3_target, s3_xml, s3_checksum: what stands alone. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "s3/s3_checksum.h"
#include "s3/s3_error.h"
#include "s3/s3_target.h"
#include "s3/s3_xml.h"

Test(s3_target, finds_bucket_and_key)
{
    static const struct {
        str host, raw, bucket, key;
    } rows[] = {
        {STR("h"), STR("/"), STR(""), STR("")},
        {STR("h"), STR("/b"), STR("b"), STR("")},
        {STR("h"), STR("/b/"), STR("b"), STR("")},
        {STR("h"), STR("/b/k?x=y"), STR("b"), STR("k")},
        {STR("h"), STR("/b//k/../%2e%2E/"), STR("b"), STR("/k/../../")},
        {STR("h"), STR("/b/%C3%A4+%2B%25"), STR("b"), STR("\xc3\xa4++%")},
        {STR("B.s3.example.com:80"), STR("/k/l"), STR("b"), STR("k/l")},
        {STR("b.c.S3.example.com"), STR("/"), STR("b.c"), STR("")},
        {STR("s3.example.com"), STR("/b/k"), STR("b"), STR("k")},
        {STR("xs3.example.com"), STR("/b/k"), STR("b"), STR("k")},
        {STR(".s3.example.com"), STR("/b/k"), STR("b"), STR("k")},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct s3_target target;

        cr_assert_eq(s3_target_parse(&target, rows[i].host, rows[i].raw, STR("s3.example.com")), 0,
                     "row %zu", i);
        cr_expect(str_equal(target.bucket, rows[i].bucket), "row %zu", i);
        cr_expect(str_equal(target.key, rows[i].key), "row %zu: %.*s", i, STR_ARGS(target.key));
        s3_target_done(&target);
    }
}

Test(s3_target, reads_parameters)
{
    struct s3_target target;

    cr_assert_eq(s3_target_parse(&target, STR("h"), STR("/b?a=1+2%2B&&acl&c=%26&d=e=f"), STR_NONE),
                 0);
    cr_expect_eq(target.param_count, 4u);
    cr_expect(str_equal(s3_target_param(&target, "a"), STR("1 2+")));
    cr_expect(s3_target_has(&target, "acl"));
    cr_expect_eq(s3_target_param(&target, "acl").len, 0u);
    cr_expect(str_equal(s3_target_param(&target, "c"), STR("&")));
    cr_expect(str_equal(s3_target_param(&target, "d"), STR("e=f")));
    cr_expect_not(s3_target_has(&target, "x"));
    s3_target_done(&target);
}

Test(s3_target, refuses_what_is_none)
{
    static const str rows[] = {STR(""), STR("*"), STR("b"), STR("/%"), STR("/%4"), STR("/%zz"),
                               STR("/%ff"), STR("/a%00b"), STR("/?%"), STR("/?a=%ff")};
    char many[2 * S3_TARGET_PARAMS_MAX + 4];
    struct s3_target target;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        cr_expect_eq(s3_target_parse(&target, STR("h"), rows[i], STR_NONE), ERR_INVALID, "row %zu",
                     i);
        s3_target_done(&target);
    }
    memset(many, 'a', sizeof many);
    memcpy(many, "/?", 2);
    for (size_t i = 3; i < sizeof many; i += 2)
        many[i] = '&';
    cr_expect_eq(s3_target_parse(&target, STR("h"), (str){many, sizeof many}, STR_NONE),
                 ERR_INVALID);
    s3_target_done(&target);
}

/* ---- s3_xml ---- */

static int collect(void *context, str path, str text)
{
    struct buf *out = context;

    return buf_printf(out, "%.*s=%.*s;", STR_ARGS(path), STR_ARGS(text));
}

Test(s3_xml, reads_elements)
{
    static const struct {
        str text, wanted;
    } rows[] = {
        {STR("<a/>"), STR("a=;")},
        {STR("<?xml version=\"1.0\"?><a x=\"y\"><b>1</b><!-- c --><b><![CDATA[<2>]]></b></a>"),
         STR("a/b=1;a/b=<2>;a=;")},
        {STR("<a><b>&lt;&#228;&amp;</b></a>"), STR("a/b=<\xc3\xa4&;a=;")},
        {STR("<a xmlns=\"u:r:n\"><b>x</b></a>"), STR("a/b=x;a=;")},
    };
    struct buf out;
    const struct s3_xml_reader reader = {collect, &out};

    buf_init(&out, 4096);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&out);
        cr_expect_eq(s3_xml_read(rows[i].text, &reader), 0, "row %zu", i);
        cr_expect(str_equal(buf_str(&out), rows[i].wanted), "row %zu: %.*s", i,
                  STR_ARGS(buf_str(&out)));
    }
    buf_done(&out);
}

Test(s3_xml, refuses_the_rest)
{
    static const str rows[] = {
        STR(""), STR("x"), STR("<a>"), STR("<a></b>"), STR("<a/><b/>"), STR("<a>&b;</a>"),
        STR("<!DOCTYPE a><a/>"), STR("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"),
        STR("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"), STR("<a>\xff</a>"),
        STR("<a>&#0;</a>"),
        STR("<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>"), {"<a\0/>", 5},
    };
    struct buf out, large;
    const struct s3_xml_reader reader = {collect, &out};

    buf_init(&out, 4096);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&out);
        cr_expect_eq(s3_xml_read(rows[i], &reader), ERR_INVALID, "row %zu", i);
    }
    buf_init(&large, 1 << 20);
    cr_assert_eq(buf_append(&large, STR("<a>")), 0);
    for (size_t i = 0; i <= S3_XML_TEXT_BYTES_MAX; i++)
        cr_assert_eq(buf_append_char(&large, 'x'), 0);
    cr_assert_eq(buf_append(&large, STR("</a>")), 0);
    cr_expect_eq(s3_xml_read(buf_str(&large), &reader), ERR_INVALID);
    buf_done(&large);
    buf_done(&out);
}

Test(s3_xml, writes_what_is_special)
{
    struct buf out;

    buf_init(&out, 4096);
    cr_assert_eq(s3_xml_element(&out, "K", STR("<a&b>\"\x01\n\xc3\xa4")), 0);
    cr_assert_eq(s3_xml_number(&out, "N", UINT64_MAX), 0);
    cr_expect(str_equal(buf_str(&out), STR("<K>&lt;a&amp;b&gt;&quot;&#x1;&#xa;\xc3\xa4</K>"
                                           "<N>18446744073709551615</N>")),
              "%.*s", STR_ARGS(buf_str(&out)));
    buf_done(&out);
}

/* ---- s3_checksum ---- */

Test(s3_checksum, knows_the_check_values)
{
    static const struct {
        const char *name;
        str text;
        const char *wanted;
    } rows[] = {
        {"crc32", STR("123456789"), "y/Q5Jg=="},
        {"crc32c", STR("123456789"), "4waSgw=="},
        {"crc64nvme", STR("123456789"), "rosUhgp5mIg="},
        {"SHA1", STR("abc"), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="},
        {"sha256", STR("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
        {"crc32", STR(""), "AAAAAA=="},
        {"crc32c", STR(""), "AAAAAA=="},
        {"crc64nvme", STR(""), "AAAAAAAAAAA="},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t cut = 0; cut <= rows[i].text.len; cut++) {
            struct s3_checksum sum;
            char text[S3_CHECKSUM_TEXT_BYTES];

            s3_checksum_init(&sum, s3_checksum_find(str_from(rows[i].name)));
            s3_checksum_add(&sum, str_head(rows[i].text, cut));
            s3_checksum_add(&sum, str_skip(rows[i].text, cut));
            s3_checksum_end(&sum, text);
            cr_expect_str_eq(text, rows[i].wanted, "row %zu", i);
            s3_checksum_done(&sum);
        }
    cr_expect_null(s3_checksum_find(STR("crc16")));
    cr_expect_null(s3_checksum_find(STR("md5")));
}

/* ---- s3_error ---- */

Test(s3_error, fits_what_the_store_says)
{
    static const struct {
        int code;
        const char *text, *wanted;
    } rows[] = {
        {ERR_NOT_FOUND, "The specified key does not exist. (10007)", "NoSuchKey"},
        {ERR_NOT_FOUND, "The specified multipart upload does not exist. (10024)", "NoSuchUpload"},
        {ERR_INVALID, "too small (10011)", "EntityTooSmall"},
        {ERR_INVALID, "range (10039)", "InvalidRange"},
        {ERR_LIMIT, "size. (100100)", "EntityTooLarge"},
        {ERR_LIMIT, "the disk is full", "ServiceUnavailable"},
        {ERR_TIMEOUT, "busy", "SlowDown"},
        {ERR_IO, "", "InternalError"},
        {ERR_INVALID, "the bucket's index is damaged", "InternalError"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err;

        err_set(&err, rows[i].code, "%s", rows[i].text);
        cr_expect_str_eq(s3_error_row(s3_error_of(&err))->code, rows[i].wanted, "row %zu", i);
    }
    for (int i = 0; i < S3_ERRORS; i++) {
        cr_expect_not_null(s3_error_row((enum s3_error)i)->code);
        cr_expect_geq(s3_error_row((enum s3_error)i)->status, 400);
    }
}
