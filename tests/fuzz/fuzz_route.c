/* registry/route: any bytes are a pattern or refused; a pattern's parts are within the text, it is
 * the same pattern again when they are put together, and it matches what it names. */
#include <stdlib.h>

#include "base/buf.h"
#include "registry/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(str part, str text)
{
    return part.ptr >= text.ptr && part.ptr + part.len <= text.ptr + text.len;
}

static void put_together(const struct route_pattern *pattern, struct buf *out)
{
    ASSERT(buf_printf(out, "%s%.*s%.*s",
                      !pattern->any_label ? ""
                      : pattern->apex_too ? "*"
                                          : "*.",
                      STR_ARGS(pattern->host), STR_ARGS(pattern->path)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    struct route_pattern pattern, again;
    struct buf out, below;
    struct err err;

    if (route_pattern_parse(text, &pattern, &err) < 0) {
        ASSERT(err.code == ERR_INVALID && err.text[0]);
        return 0;
    }
    ASSERT(is_within(pattern.host, text) && pattern.host.len && pattern.path.len);
    ASSERT(pattern.path.ptr[0] == '/' && (pattern.any_label || !pattern.apex_too));
    buf_init(&out, 2 * ROUTE_PATTERN_MAX);
    buf_init(&below, 2 * ROUTE_PATTERN_MAX);
    put_together(&pattern, &out);
    if (out.len <= ROUTE_PATTERN_MAX) {
        ASSERT(route_pattern_parse(buf_str(&out), &again, &err) == 0);
        ASSERT(route_pattern_compare(&pattern, &again) == 0);
    }
    ASSERT(buf_append(&below, STR("x.")) == 0 && buf_append(&below, pattern.host) == 0);
    ASSERT(route_pattern_matches_host(&pattern, pattern.host) ==
           (!pattern.any_label || pattern.apex_too));
    if (below.len <= 253)
        ASSERT(route_pattern_matches_host(&pattern, buf_str(&below)) == pattern.any_label);
    buf_done(&out);
    buf_done(&below);
    return 0;
}
