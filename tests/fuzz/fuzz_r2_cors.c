/* bindings/r2_cors: an origin, a method, headers and a policy, a line each; rules that were read
 * can be read again and stay what they are, and whatever is appended to a head is whole lines. */
#include "bindings/r2/r2_cors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static str take_line(str *rest)
{
    str line = str_head(*rest, str_find(*rest, '\n'));

    *rest = str_skip(*rest, line.len + 1);
    return line;
}

/* A header's value has neither of these: the server does not take it. */
static str clean(str value)
{
    return str_head(str_head(value, str_find(value, '\r')), str_find(value, '\0'));
}

static void expect_lines(str head)
{
    size_t line;

    for (; head.len; head = str_skip(head, line + 2)) {
        line = str_find(head, '\r');
        ASSERT(line + 1 < head.len && head.ptr[line + 1] == '\n');
        ASSERT(str_starts(head, STR("vary: ")) || str_starts(head, STR("access-control-")));
    }
}

static void expect_same(const json_t *rules)
{
    json_t *policy = json_pack("{s:O}", "rules", rules), *again;
    struct err err;

    ASSERT(r2_cors_read(policy, &again, &err) == 0 && json_equal(rules, again));
    json_decref(again);
    json_decref(policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str rest = {(const char *)data, size};
    struct r2_cors_asked asked;
    json_t *policy, *rules;
    struct buf head;
    struct err err;

    asked.origin = clean(take_line(&rest));
    asked.method = clean(take_line(&rest));
    asked.headers = clean(take_line(&rest));
    policy = json_loadb(rest.ptr ? rest.ptr : "", rest.len, JSON_ALLOW_NUL, NULL);
    if (r2_cors_read(policy, &rules, &err) == 0) {
        expect_same(rules);
        buf_init(&head, 256 << 10);
        if (r2_cors_preflight(rules, &asked, &head))
            expect_lines(buf_str(&head));
        buf_clear(&head);
        if (r2_cors_add(rules, asked.origin, asked.method, &head) == 0)
            expect_lines(buf_str(&head));
        buf_done(&head);
        json_decref(rules);
    }
    json_decref(policy);
    return 0;
}
