/* What a request gets of a stored response; see cache_answer.h. Sections are those of RFC 9110. */
#include "store/cache_answer.h"

#include <inttypes.h>

#include "store/header_lines.h"
#include "store/http_date.h"

enum range { RANGE_NONE, RANGE_PART, RANGE_WRONG };

/* ---- conditions (13) ---- */

static str opaque_tag(str tag)
{
    return str_starts(tag, STR("W/")) ? str_skip(tag, 2) : tag;
}

/* 13.1.2: weak comparison; "*" fits what is there. */
static bool lists_tag(str lines, str tag)
{
    str name, value, member;

    while (header_lines_next(&lines, &name, &value))
        while (str_equal(name, STR("if-none-match")) && header_lines_member(&value, &member))
            if (str_equal(member, STR("*")) ||
                (tag.len && str_equal(opaque_tag(member), opaque_tag(tag))))
                return true;
    return false;
}

/* 13.1.3 */
static bool is_unchanged_since(const struct cache_answer_input *input, str since)
{
    str text;
    int64_t modified, asked;

    return header_lines_get(input->response, STR("last-modified"), &text) &&
           http_date_parse(text, input->now, &modified) &&
           http_date_parse(since, input->now, &asked) && modified <= asked;
}

/* 13.2.2: If-None-Match decides alone when it is there. */
static bool is_not_modified(const struct cache_answer_input *input)
{
    str value, tag;

    if (input->status != 200)
        return false;
    header_lines_get(input->response, STR("etag"), &tag);
    if (header_lines_get(input->request, STR("if-none-match"), &value))
        return lists_tag(input->request, tag);
    return header_lines_get(input->request, STR("if-modified-since"), &value) &&
           is_unchanged_since(input, value);
}

/* 13.1.5: a strong tag, or the date of a response, exactly. */
static bool range_applies(const struct cache_answer_input *input)
{
    str condition, stored;

    if (!header_lines_get(input->request, STR("if-range"), &condition))
        return true;
    if (condition.len && (*condition.ptr == '"' || str_starts(condition, STR("W/"))))
        return !str_starts(condition, STR("W/")) &&
               header_lines_get(input->response, STR("etag"), &stored) &&
               str_equal(condition, stored);
    return header_lines_get(input->response, STR("last-modified"), &stored) &&
           str_equal(condition, stored);
}

/* ---- ranges (14) ---- */

/* A number of any size: one that is too large for us counts as the largest. */
static bool take_position(str digits, uint64_t *ret)
{
    for (size_t i = 0; i < digits.len; i++)
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
    if (digits.len && !str_to_u64(digits, INT64_MAX, ret))
        *ret = INT64_MAX;
    return digits.len > 0;
}

/* "-5": the last bytes. */
static enum range suffix_range(str digits, uint64_t length, struct cache_answer *ret)
{
    uint64_t count;

    if (!take_position(digits, &count) || !count || !length)
        return RANGE_WRONG;
    ret->length = count < length ? count : length;
    ret->from = length - ret->length;
    return RANGE_PART;
}

/* "5-" or "5-9" */
static enum range byte_range(str first, str last, uint64_t length, struct cache_answer *ret)
{
    uint64_t from, to = length;

    if (!take_position(first, &from) || (last.len && !take_position(last, &to)) || to < from ||
        from >= length)
        return RANGE_WRONG;
    ret->from = from;
    ret->length = (to < length ? to + 1 : length) - from;
    return RANGE_PART;
}

static enum range range_of(const struct cache_answer_input *input, struct cache_answer *ret)
{
    str value, spec;
    size_t equals, dash;

    if (input->status != 200 || !input->has_body ||
        !header_lines_get(input->request, STR("range"), &value) || !range_applies(input))
        return RANGE_NONE;
    equals = str_find(value, '=');
    if (!str_equal_nocase(str_trim(str_head(value, equals)), STR("bytes")))
        return RANGE_NONE; /* 14.2: a unit nobody knows */
    spec = str_trim(str_skip(value, equals + 1));
    if (str_find(spec, ',') < spec.len)
        return RANGE_NONE;
    dash = str_find(spec, '-');
    if (dash == spec.len)
        return RANGE_WRONG;
    if (dash == 0)
        return suffix_range(str_skip(spec, 1), input->length, ret);
    return byte_range(str_head(spec, dash), str_skip(spec, dash + 1), input->length, ret);
}

/* ---- the answer ---- */

/* 15.4.5: what a 304 carries. */
static bool stays_in_304(str name)
{
    static const char *const names[] = {"cache-control", "cache-tag",     "content-location",
                                        "date",          "etag",          "expires",
                                        "vary",          "last-modified", "set-cookie"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_equal(name, str_from(names[i])))
            return true;
    return false;
}

static int append_stored(struct buf *head, str lines, int status)
{
    str name, value;
    int r = 0;

    if (status == 416)
        return 0;
    while (r == 0 && header_lines_next(&lines, &name, &value))
        if (status != 304 || stays_in_304(name))
            r = buf_printf(head, "%.*s: %.*s\n", STR_ARGS(name), STR_ARGS(value));
    return r;
}

static int append_own(struct buf *head, const struct cache_answer_input *input,
                      const struct cache_answer *answer)
{
    int r = 0;

    if (answer->has_body || answer->status == 416)
        r = buf_printf(head, "content-length: %" PRIu64 "\n", answer->length);
    if (r == 0 && answer->status == 206)
        r = buf_printf(head, "content-range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\n",
                       answer->from, answer->from + answer->length - 1, input->length);
    if (r == 0 && answer->status == 416)
        r = buf_printf(head, "content-range: bytes */%" PRIu64 "\n", input->length);
    return r < 0 ? r
                 : buf_printf(head, "age: %" PRId64 "\ncf-cache-status: HIT\n",
                              input->age > 0 ? input->age : 0);
}

void cache_answer_decide(const struct cache_answer_input *input, struct cache_answer *ret)
{
    enum range range = RANGE_NONE;

    *ret = (struct cache_answer){input->status, input->has_body, 0, input->length};
    if (is_not_modified(input))
        *ret = (struct cache_answer){.status = 304};
    else
        range = range_of(input, ret);
    if (range == RANGE_PART)
        ret->status = 206;
    if (range == RANGE_WRONG)
        *ret = (struct cache_answer){.status = 416};
}

int cache_answer_make(const struct cache_answer_input *input, struct cache_answer *ret,
                      struct buf *head)
{
    int r;

    cache_answer_decide(input, ret);
    r = append_stored(head, input->response, ret->status);
    return r < 0 ? r : append_own(head, input, ret);
}
