#include "remote/envelope.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    int status;
    const char *body;
    int want;             /* 0 or the code */
    int code;             /* of the API */
    const char *text;     /* the result as JSON, or what the error's text begins with */
} cases[] = {
    {200, "{\"success\":true,\"result\":[1],\"errors\":[],\"messages\":[]}", 0, 0, "[1]"},
    {200, "{\"success\":true}", 0, 0, "null"},
    {204, "", 0, 0, "null"},
    {205, "", 0, 0, "null"},
    {500, "{\"success\":true,\"result\":7}", 0, 0, "7"},
    {200, "{\"success\":false,\"errors\":[{\"code\":10007,\"message\":\"no worker\"}]}",
     ERR_NOT_FOUND, 10007, "no worker [code: 10007]"},
    {404, "{\"success\":false,\"errors\":[{\"code\":10007,\"message\":\"no worker\"}]}",
     ERR_NOT_FOUND, 10007, "no worker [code: 10007]"},
    {401, "{\"success\":false,\"errors\":[{\"code\":1000,\"message\":\"no\"}]}", ERR_DENIED, 1000,
     "no [code: 1000]"},
    {403, "{\"success\":false,\"errors\":[{\"code\":9109,\"message\":\"no\"}]}", ERR_DENIED, 9109,
     "no [code: 9109]"},
    {409, "{\"success\":false,\"errors\":[{\"message\":\"there\"}]}", ERR_EXISTS, 0, "there"},
    {413, "{\"success\":false,\"errors\":[]}", ERR_LIMIT, 0, "http://h/p failed with status 413"},
    {400,
     "{\"success\":false,\"errors\":[{\"code\":1,\"message\":\"a\\nb\"},{\"code\":2,\"message\":"
     "\"c\",\"error_chain\":[{\"code\":3,\"message\":\"d\"}]}],\"messages\":[\"e\",{\"message\":"
     "\"f\"}]}",
     ERR_INVALID, 1, "a\nb [code: 1]\nc [code: 2]\nbecause: d [code: 3]\ne\nf"},
    {400, "{\"success\":false,\"errors\":[{\"code\":5}]}", ERR_INVALID, 5,
     "an error without a message [code: 5]"},
    {400, "{\"success\":false,\"errors\":[7,null]}", ERR_INVALID, 0, "http://h/p failed"},
    {400, "{\"error\":\"text\",\"code\":42}", ERR_INVALID, 42, "text"},
    {200, "", ERR_INVALID, 0, "http://h/p does not speak the API (status 200): an empty answer"},
    {200, "<html>\n<b>hi</b>", ERR_INVALID, 0,
     "http://h/p does not speak the API (status 200): <html> <b>hi</b>\n"},
    {404, "not found", ERR_NOT_FOUND, 0, "http://h/p does not speak the API (status 404)"},
    {403, "go away", ERR_DENIED, 0, "http://h/p does not speak the API (status 403)"},
    {502, "<html>", ERR_NETWORK, 0, "what stands before the server at http://h/p"},
    {302, "", ERR_INVALID, 0, "http://h/p sends elsewhere, to https://h/"},
    {200, "{}", ERR_INVALID, 0, "http://h/p does not speak the API"},
    {200, "[true]", ERR_INVALID, 0, "http://h/p does not speak the API"},
    {200, "{\"success\":\"true\"}", ERR_INVALID, 0, "http://h/p does not speak the API"},
};

static struct envelope_answer answer_of(int status, const char *body)
{
    return (struct envelope_answer){
        .url = "http://h/p",
        .status = status,
        .headers = STR("content-type: text/html\nlocation: https://h/\n"),
        .body = str_from(body),
    };
}

Test(envelope, success_decides)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct envelope_answer answer = answer_of(cases[i].status, cases[i].body);
        struct envelope envelope;
        struct err err = {0};
        int r = envelope_read(&answer, &envelope, &err);
        char *text = json_dumps(envelope.result, JSON_COMPACT | JSON_ENCODE_ANY);

        cr_expect_eq(r, cases[i].want, "%s: %d", cases[i].body, r);
        cr_expect_eq(envelope.code, cases[i].code, "%s: %d", cases[i].body, envelope.code);
        cr_expect(str_starts(str_from(r ? err.text : text), str_from(cases[i].text)), "%s: %s",
                  cases[i].body, r ? err.text : text);
        free(text);
        envelope_done(&envelope);
    }
}

Test(envelope, a_long_error_is_cut)
{
    char body[2 * ERR_TEXT_MAX] = "";
    struct envelope_answer answer = answer_of(400, body);
    struct envelope envelope;
    struct err err;
    size_t length;

    length = (size_t)snprintf(body, sizeof body, "{\"success\":false,\"errors\":[{\"message\":\"");
    memset(body + length, 'x', ERR_TEXT_MAX);
    snprintf(body + length + ERR_TEXT_MAX, 20, "\",\"code\":3}]}");
    answer.body = str_from(body);
    cr_expect_eq(envelope_read(&answer, &envelope, &err), ERR_INVALID);
    cr_expect_eq(envelope.code, 3);
    cr_expect_eq(strlen(err.text), ERR_TEXT_MAX - 1);
    envelope_done(&envelope);
}

Test(envelope, finds_headers)
{
    str headers = STR("a: 1\nlocation:  x y \na: 2\nempty:\n");

    cr_expect(str_equal(envelope_header(headers, STR("a")), STR("1")));
    cr_expect(str_equal(envelope_header(headers, STR("location")), STR("x y")));
    cr_expect_eq(envelope_header(headers, STR("empty")).len, 0);
    cr_expect_null(envelope_header(headers, STR("b")).ptr);
    cr_expect_null(envelope_header(STR(""), STR("b")).ptr);
}
