/* runtime/sourcemap: the input is mappings, or a whole map, a NUL, then a stack to map with it. */
#include <stdlib.h>

#include "runtime/sourcemap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_BYTES_MAX = 4096 };

/* A whole map around mappings that need no escape in JSON; else the input as it is. */
static void make_json(str input, struct buf *out)
{
    int r = 0;

    if (input.len && input.ptr[0] == '{') {
        ASSERT(buf_append(out, input) == 0);
        return;
    }
    r |= buf_append(out, STR("{\"version\":3,\"sources\":[\"../a.ts\",null,\"./b\"],"
                             "\"names\":[\"x\",1],"
                             "\"sourcesContent\":[\"1\\n2\\r\\n3\"],\"mappings\":\""));
    r |= buf_append(out, input);
    r |= buf_append(out, STR("\"}"));
    ASSERT(r == 0);
}

static void check_finds(const struct sourcemap *map)
{
    for (unsigned line = 0; line < 4; line++) {
        for (unsigned column = 0; column < 200; column += 1 + column / 8) {
            struct sourcemap_position at;
            if (sourcemap_find(map, line, column, &at))
                ASSERT(at.source.len && at.line && at.column);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str input = {(const char *)data, size};
    str stack = str_skip(input, str_find(input, '\0') + 1);
    struct sourcemap *map = NULL;
    struct buf json, out;

    buf_init(&json, size + 512);
    buf_init(&out, OUT_BYTES_MAX);
    make_json(str_head(input, str_find(input, '\0')), &json);
    if (sourcemap_parse(buf_str(&json), &map) == 0)
        check_finds(map);
    if (sourcemap_map_stack(map, STR("app.js"), stack, &out) < 0)
        ASSERT(out.len <= OUT_BYTES_MAX);
    sourcemap_free(map);
    buf_done(&json);
    buf_done(&out);
    return 0;
}
