/* s3/s3_ask: which answers of the supervisor are kept, and for how long. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "s3/s3_ask.h"

static _Atomic uint64_t changes;
static json_int_t asked;        /* the number of the last question; 0: none went out */
static unsigned answers;

static void send_frame(json_t *frame)
{
    asked = json_integer_value(json_object_get(frame, "id"));
    json_decref(frame);
}

static void on_answer(struct s3_ask *ask)
{
    answers++;
    cr_expect(ask->result || ask->err.code);
}

static void start(void)
{
    s3_ask_init(uv_default_loop(), send_frame, &changes);
}

TestSuite(s3_ask, .init = start);

static void answer(const char *text, size_t len)
{
    json_t *frame = json_pack("{s:s, s:I}", "type", "told", "id", asked);

    s3_ask_on_told(frame, (str){text, len});
    json_decref(frame);
}

/* True when the supervisor had to be asked; it is then answered with `text`. */
static bool asks(const char *what, const char *name, const char *text)
{
    struct s3_ask ask = {.done = on_answer};

    asked = 0;
    s3_ask_start(&ask, what, json_pack("{s:s}", "name", name));
    if (!asked)
        return false;
    answer(text, strlen(text));
    return true;
}

/* A text of JSON of this length, returned owned. */
static char *long_text(size_t len)
{
    char *text = malloc(len + 1);

    memset(text, 'a', len);
    text[0] = text[len - 1] = '"';
    text[len] = '\0';
    return text;
}

Test(s3_ask, keeps_answers_until_something_changes)
{
    static const char *const kept[] = {"key", "bucket", "cors"};

    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        cr_expect(asks(kept[i], "a", "[]"));
        cr_expect_not(asks(kept[i], "a", "[]"));
        cr_expect(asks(kept[i], "b", "[]"));
    }
    cr_expect(asks("buckets", "a", "[]"));
    cr_expect(asks("buckets", "a", "[]"), "a list is never kept");
    changes++;
    cr_expect(asks("key", "a", "[]"));
    cr_expect_eq(answers, 12);
}

Test(s3_ask, keeps_nothing_that_was_asked_before_a_change)
{
    struct s3_ask ask = {.done = on_answer};

    s3_ask_start(&ask, "key", json_pack("{s:s}", "name", "a"));
    changes++;
    answer("[]", 2);
    cr_expect(asks("key", "a", "[]"));
}

Test(s3_ask, keeps_so_many_bytes)
{
    char *half = long_text(S3_ASK_KEPT_BYTES_MAX / 2), *more = long_text(S3_ASK_KEPT_BYTES_MAX + 1);

    cr_expect(asks("cors", "a", half));
    cr_expect(asks("cors", "b", half));
    cr_expect_not(asks("cors", "a", half));
    cr_expect_not(asks("cors", "b", half));
    cr_expect(asks("cors", "c", "[]"));
    cr_expect(asks("cors", "a", "[]"), "the oldest went");
    cr_expect_not(asks("cors", "b", half));
    cr_expect(asks("cors", "d", more));
    cr_expect(asks("cors", "d", more), "what is too large is not kept");
    cr_expect_not(asks("cors", "b", half), "nor does it take the place of others");
    free(half);
    free(more);
}

Test(s3_ask, keeps_so_many)
{
    char name[24];

    for (int i = 0; i <= S3_ASK_KEPT_MAX; i++) {
        snprintf(name, sizeof name, "%d", i);
        cr_expect(asks("key", name, "[]"));
    }
    cr_expect_not(asks("key", "1", "[]"));
    cr_expect(asks("key", "0", "[]"));
}
