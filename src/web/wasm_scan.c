/* Finds shared memories; see wasm_scan.h.
 *
 *   module = magic version section*        section = id size bytes
 *   import section (2) = count (name name kind type)*
 *   memory section (5) = count limits*     limits = flags min [max]
 *
 * (1) A reader that has failed stays failed and reads zeros, so that every loop ends. */
#include "web/wasm_scan.h"

#include <stdint.h>

enum { SECTION_IMPORT = 2, SECTION_MEMORY = 5, HEAD_BYTES = 8, LEB_BYTES_MAX = 10 };
enum { KIND_FUNCTION, KIND_TABLE, KIND_MEMORY, KIND_GLOBAL, KIND_TAG };
enum { LIMITS_HAS_MAX = 1, LIMITS_SHARED = 2 };
enum { TYPE_REF_NULL = 0x63, TYPE_REF = 0x64 }; /* followed by a heap type */

struct reader {
    str rest;
    bool failed;
    bool shared;
};

static unsigned char byte(struct reader *in)
{
    unsigned char c;

    if (in->failed || !in->rest.len) {
        in->failed = true;
        return 0;
    }
    c = (unsigned char)in->rest.ptr[0];
    in->rest = str_skip(in->rest, 1);
    return c;
}

/* A number as LEB128, signed ones as what their bits say. */
static uint64_t number(struct reader *in)
{
    uint64_t value = 0;

    for (int i = 0; i < LEB_BYTES_MAX; i++) {
        unsigned char c = byte(in);
        value |= i * 7 < 64 ? (uint64_t)(c & 0x7F) << i * 7 : 0;
        if (!(c & 0x80))
            return value;
    }
    in->failed = true;
    return 0;
}

static void skip(struct reader *in, uint64_t len)
{
    if (in->failed || len > in->rest.len)
        in->failed = true;
    else
        in->rest = str_skip(in->rest, (size_t)len);
}

static void limits(struct reader *in, bool memory)
{
    uint64_t flags = number(in);

    if (memory && flags & LIMITS_SHARED)
        in->shared = true;
    number(in);
    if (flags & LIMITS_HAS_MAX)
        number(in);
}

static void value_type(struct reader *in)
{
    unsigned char type = byte(in);

    if (type == TYPE_REF_NULL || type == TYPE_REF)
        number(in);
}

static void import(struct reader *in)
{
    skip(in, number(in));
    skip(in, number(in));
    switch (byte(in)) {
    case KIND_FUNCTION:
        number(in);
        break;
    case KIND_TABLE:
        value_type(in);
        limits(in, false);
        break;
    case KIND_MEMORY:
        limits(in, true);
        break;
    case KIND_GLOBAL:
        value_type(in);
        byte(in);
        break;
    case KIND_TAG:
        byte(in);
        number(in);
        break;
    default:
        in->failed = true;
        break;
    }
}

static void section(struct reader *in, int id)
{
    uint64_t count = number(in);

    for (uint64_t i = 0; i < count && !in->failed; i++) {
        if (id == SECTION_IMPORT)
            import(in);
        else
            limits(in, true);
    }
}

bool wasm_scan_is_harmless(str module)
{
    struct reader in = {.rest = module};

    skip(&in, HEAD_BYTES);
    while (in.rest.len && !in.failed && !in.shared) {
        int id = byte(&in);
        uint64_t len = number(&in);
        struct reader inside = {.rest = str_head(in.rest, (size_t)len)};

        skip(&in, len);
        if (in.failed || (id != SECTION_IMPORT && id != SECTION_MEMORY))
            continue;
        section(&inside, id);
        in.failed = inside.failed;
        in.shared = inside.shared;
    }
    return !in.failed && !in.shared;
}
