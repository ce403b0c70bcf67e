/* store/cache_rule, cache_answer, http_date: any header lines, those of a request before the first
 * NUL and those of a response behind it. What comes out must add up. */
#include <stdlib.h>

#include "store/cache_answer.h"
#include "store/cache_rule.h"
#include "store/header_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(str request, str response, struct buf *out)
{
    struct cache_answer_input input = {200, request, response, true, 1000, 5, 784111777};
    struct cache_answer answer;
    str rest, name, value;

    buf_clear(out);
    if (cache_answer_make(&input, &answer, out) < 0)
        return;
    ASSERT(answer.status == 200 || answer.status == 206 || answer.status == 304 ||
           answer.status == 416);
    ASSERT(answer.from + answer.length <= 1000);
    ASSERT(answer.has_body == (answer.status < 300));
    ASSERT(answer.status != 206 || answer.length > 0);
    for (rest = buf_str(out); header_lines_next(&rest, &name, &value);)
        ASSERT(name.len);
    ASSERT(!rest.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = str_dup((str){(const char *)data, size});
    size_t split = str_find((str){bytes, size}, '\0');
    str request = {bytes, split}, response = str_skip((str){bytes, size}, split + 1);
    struct cache_rule_input input = {200, request, response, 784111777};
    struct cache_rule_life life = {0};
    struct buf out, stored;

    buf_init(&out, 1 << 20);
    buf_init(&stored, 1 << 20);
    if (!cache_rule_refusal(&input, &life))
        ASSERT(life.fresh > 0 && life.age >= 0);
    (void)cache_rule_varies_always(response);
    if (cache_rule_strip(response, &stored) == 0)
        check_answer(request, buf_str(&stored), &out);
    buf_clear(&out);
    if (cache_rule_variant(response, request, &out) == 0 && out.len)
        ASSERT(out.ptr[out.len - 1] == '\n');
    buf_done(&out);
    buf_done(&stored);
    free(bytes);
    return 0;
}
