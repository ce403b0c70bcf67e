/* http/field.h: tables of fields and what is said of them. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "http/field.h"

Test(field, tokens)
{
    static const struct {
        str text;
        bool is_token;
    } rows[] = {
        {STR("GET"), true},
        {STR("x-a!#$%&'*+.^_`|~9"), true},
        {STR(""), false},
        {STR("a b"), false},
        {STR("a:b"), false},
        {STR("caf\xc3\xa9"), false},
        {STR("a\0b"), false},
        {STR("a\n"), false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect_eq(field_is_token(rows[i].text), rows[i].is_token, "%.*s",
                     STR_ARGS(rows[i].text));
}

Test(field, what_is_of_the_connection)
{
    cr_expect(field_is_of_connection(STR("Transfer-Encoding")));
    cr_expect(field_is_of_connection(STR("host")));
    cr_expect_not(field_is_of_connection(STR("x-host")));
    cr_expect_not(field_is_of_connection(STR("")));
    cr_expect(field_logs_connection_in(STR("Authorization"), STR("NTLM abc")));
    cr_expect(field_logs_connection_in(STR("authorization"), STR("negotiate")));
    cr_expect_not(field_logs_connection_in(STR("authorization"), STR("Basic ntlm")));
    cr_expect_not(field_logs_connection_in(STR("x-authorization"), STR("NTLM abc")));
}

Test(field, which_bodies_are_decoded)
{
    static const struct {
        str lines;
        bool decoded;
    } rows[] = {
        {STR(""), false},
        {STR("content-type: gzip\n"), false},
        {STR("content-encoding: gzip\n"), true},
        {STR("a: b\ncontent-encoding: BR\nc: d\n"), true},
        {STR("content-encoding: gzip, , zstd\n"), true},
        {STR("content-encoding: gzip, odd\n"), false},
        {STR("content-encoding: gzip\ncontent-encoding: odd\n"), false},
        {STR("content-encoding:\n"), true},
        {STR("content-encoding: gzip"), true},
        {STR("x-content-encoding: gzip\n"), false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect_eq(field_body_is_decoded(rows[i].lines), rows[i].decoded, "%.*s",
                     STR_ARGS(rows[i].lines));
}
