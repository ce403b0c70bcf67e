#include "control/dotenv.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const struct {
    const char *in, *want;    /* want: JSON, or the text of the error */
} cases[] = {
    {"", "{}"},
    {"A=1", "{\"A\":\"1\"}"},
    {"A=1\nA=2\n", "{\"A\":\"2\"}"},
    {"  export A = b c  \r\n", "{\"A\":\"b c\"}"},
    {"export=x", "{\"export\":\"x\"}"},
    {"A=\nB=", "{\"A\":\"\",\"B\":\"\"}"},
    {"# c\n\n  # d\nA=b # c", "{\"A\":\"b\"}"},
    {"A=b#c", "{\"A\":\"b#c\"}"},
    {"A=#c", "{\"A\":\"\"}"},
    {"A='b # c' # d\nB=1", "{\"A\":\"b # c\",\"B\":\"1\"}"},
    {"A=\"x\\ny\"\nB='x\\ny'", "{\"A\":\"x\\ny\",\"B\":\"x\\\\ny\"}"},
    {"A=\"two\nlines\"\nB=1", "{\"A\":\"two\\nlines\",\"B\":\"1\"}"},
    {"A=`back \"quoted\"`", "{\"A\":\"back \\\"quoted\\\"\"}"},
    {"A='open\nB=1", "{\"A\":\"'open\",\"B\":\"1\"}"},
    {"A.b-C_9=x=y", "{\"A.b-C_9\":\"x=y\"}"},
    {"\nnothing\n", "f:2: expected NAME=value"},
    {"=x", "f:1: \"\" is no name for a variable"},
    {"A=1\nb c=x", "f:2: \"b c\" is no name for a variable"},
    {"A=\xff", "f:1: the value is not valid UTF-8"},
    {"A=\"x\ny\"\nA=\"\xff\"", "f:3: the value is not valid UTF-8"},
};

Test(dotenv, reads_lines)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        json_t *into = json_object();
        int r = dotenv_parse(str_from(cases[i].in), "f", into, &err);
        char *text = json_dumps(into, JSON_COMPACT | JSON_SORT_KEYS);

        cr_expect_str_eq(r < 0 ? err.text : text, cases[i].want, "%s", cases[i].in);
        free(text);
        json_decref(into);
    }
}
