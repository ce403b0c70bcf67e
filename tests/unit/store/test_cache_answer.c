/* store/cache_answer: conditions and ranges of RFC 9110. */
#include <criterion/criterion.h>

#include "store/cache_answer.h"
#include "store/header_lines.h"

#define STORED "etag: \"x\"\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\nx-a: b\n"
#define WEAK "etag: W/\"x\"\n"
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

enum { LENGTH = 1000 };

/* from, length: of the part; range: Content-Range. */
static const struct {
    const char *request, *response;
    int status;
    uint64_t from, length;
    const char *range;
} rows[] = {
    {"", STORED, 200, 0, 1000, NULL},
    {"if-none-match: \"x\"\n", STORED, 304, 0, 0, NULL},
    {"if-none-match: W/\"x\"\n", STORED, 304, 0, 0, NULL},
    {"if-none-match: \"x\"\n", WEAK, 304, 0, 0, NULL},
    {"if-none-match: \"a\", \"b,c\", \"x\"\n", STORED, 304, 0, 0, NULL},
    {"if-none-match: *\n", STORED, 304, 0, 0, NULL},
    {"if-none-match: *\n", "", 304, 0, 0, NULL},
    {"if-none-match: \"y\"\n", STORED, 200, 0, 1000, NULL},
    {"if-none-match: \"\"\n", "", 200, 0, 1000, NULL},
    {"if-none-match: \"y\"\nif-modified-since: " DATE "\n", STORED, 200, 0, 1000, NULL},
    {"if-modified-since: Sun, 06 Nov 1994 08:49:37 GMT\n", STORED, 304, 0, 0, NULL},
    {"if-modified-since: Sun, 06 Nov 1994 08:49:38 GMT\n", STORED, 304, 0, 0, NULL},
    {"if-modified-since: Sun, 06 Nov 1994 08:49:36 GMT\n", STORED, 200, 0, 1000, NULL},
    {"if-modified-since: yesterday\n", STORED, 200, 0, 1000, NULL},
    {"if-modified-since: Sun, 06 Nov 1994 08:49:37 GMT\n", "", 200, 0, 1000, NULL},
    {"range: bytes=0-0\n", STORED, 206, 0, 1, "bytes 0-0/1000"},
    {"range: bytes=0-\n", STORED, 206, 0, 1000, "bytes 0-999/1000"},
    {"range: bytes=999-\n", STORED, 206, 999, 1, "bytes 999-999/1000"},
    {"range: bytes=10-19\n", STORED, 206, 10, 10, "bytes 10-19/1000"},
    {"range: bytes=990-2000\n", STORED, 206, 990, 10, "bytes 990-999/1000"},
    {"range: Bytes= 10-19 \n", STORED, 206, 10, 10, "bytes 10-19/1000"},
    {"range: bytes=-1\n", STORED, 206, 999, 1, "bytes 999-999/1000"},
    {"range: bytes=-2000\n", STORED, 206, 0, 1000, "bytes 0-999/1000"},
    {"range: bytes=5-99999999999999999999\n", STORED, 206, 5, 995, "bytes 5-999/1000"},
    {"range: bytes=-99999999999999999999\n", STORED, 206, 0, 1000, "bytes 0-999/1000"},
    {"range: bytes=99999999999999999999-\n", STORED, 416, 0, 0, "bytes */1000"},
    {"range: bytes=1000-\n", STORED, 416, 0, 0, "bytes */1000"},
    {"range: bytes=-0\n", STORED, 416, 0, 0, "bytes */1000"},
    {"range: bytes=5-4\n", STORED, 416, 0, 0, "bytes */1000"},
    {"range: bytes=a-b\n", STORED, 416, 0, 0, "bytes */1000"},
    {"range: bytes=\n", STORED, 416, 0, 0, "bytes */1000"},
    {"range: bytes=-\n", STORED, 416, 0, 0, "bytes */1000"},
    {"range: bytes=5\n", STORED, 416, 0, 0, "bytes */1000"},
    {"range: bytes=1-2,5-6\n", STORED, 200, 0, 1000, NULL},
    {"range: lines=1-2\n", STORED, 200, 0, 1000, NULL},
    {"range: bytes\n", STORED, 416, 0, 0, "bytes */1000"},
    {"range: bytes=0-0\nif-range: \"x\"\n", STORED, 206, 0, 1, "bytes 0-0/1000"},
    {"range: bytes=0-0\nif-range: \"y\"\n", STORED, 200, 0, 1000, NULL},
    {"range: bytes=0-0\nif-range: W/\"x\"\n", WEAK, 200, 0, 1000, NULL},
    {"range: bytes=0-0\nif-range: " DATE "\n", STORED, 206, 0, 1, "bytes 0-0/1000"},
    {"range: bytes=0-0\nif-range: Sun, 06 Nov 1994 08:49:38 GMT\n", STORED, 200, 0, 1000, NULL},
    {"range: bytes=0-0\nif-none-match: \"x\"\n", STORED, 304, 0, 0, NULL},
};

static str field(const struct buf *head, const char *name)
{
    str value;

    return header_lines_get(buf_str(head), str_from(name), &value) ? value : STR_NONE;
}

Test(cache_answer, answers_conditions_and_ranges)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cache_answer_input input = {
            200, str_from(rows[i].request), str_from(rows[i].response), true, LENGTH, 7, 784111777};
        struct cache_answer answer;
        struct buf head;

        buf_init(&head, 10000);
        cr_assert_eq(cache_answer_make(&input, &answer, &head), 0);
        cr_expect_eq(answer.status, rows[i].status, "%s: %d", rows[i].request, answer.status);
        cr_expect_eq(answer.from, rows[i].from, "%s", rows[i].request);
        cr_expect_eq(answer.length, rows[i].length, "%s", rows[i].request);
        cr_expect_eq(answer.has_body, rows[i].status < 300, "%s", rows[i].request);
        cr_expect(str_equal(field(&head, "content-range"), str_from(rows[i].range)), "%s: %.*s",
                  rows[i].request, STR_ARGS(field(&head, "content-range")));
        cr_expect(str_equal(field(&head, "age"), STR("7")));
        cr_expect(str_equal(field(&head, "cf-cache-status"), STR("HIT")));
        cr_expect_eq(field(&head, "x-a").len,
                     str_equal(str_from(rows[i].response), STR(STORED)) && answer.status < 300 ? 1
                                                                                               : 0);
        buf_done(&head);
    }
}

Test(cache_answer, leaves_what_is_not_200_whole)
{
    struct cache_answer_input input = {404,         STR("range: bytes=0-0\nif-none-match: *\n"),
                                       STR(STORED), true,
                                       LENGTH,      -5,
                                       784111777};
    struct cache_answer answer;
    struct buf head;

    buf_init(&head, 10000);
    cr_assert_eq(cache_answer_make(&input, &answer, &head), 0);
    cr_expect_eq(answer.status, 404);
    cr_expect_eq(answer.length, LENGTH);
    cr_expect(str_equal(field(&head, "age"), STR("0")));
    buf_clear(&head);
    input.status = 200;
    input.request = STR("range: bytes=0-0\n");
    input.has_body = false;
    cr_assert_eq(cache_answer_make(&input, &answer, &head), 0);
    cr_expect_eq(answer.status, 200);
    cr_expect_eq(field(&head, "content-length").len, 0);
    buf_done(&head);
}

Test(cache_answer, says_when_the_head_is_too_large)
{
    struct cache_answer_input input = {200, STR(""), STR(STORED), true, LENGTH, 0, 0};
    struct cache_answer answer;
    struct buf head;

    buf_init(&head, 20);
    cr_expect_eq(cache_answer_make(&input, &answer, &head), ERR_LIMIT);
    buf_done(&head);
}
