/* Names of tags; see html_name.h.
 *
 * A name of up to eight bytes is packed into its key, so keys compare without looking at names. A
 * longer one is hashed. What is known of tags lies in an open table of twice its entries, filled
 * at the first question. */
#include "web/html_name.h"

#include "base/mem.h"

enum { PACKED_BYTES = 8, SLOTS = 256 };

static const struct row {
    const char *name;
    unsigned flags;
} rows[] = {
    {"area", HTML_NAME_VOID},
    {"base", HTML_NAME_VOID},
    {"basefont", HTML_NAME_VOID},
    {"bgsound", HTML_NAME_VOID},
    {"br", HTML_NAME_VOID | HTML_NAME_BREAKOUT},
    {"col", HTML_NAME_VOID},
    {"embed", HTML_NAME_VOID | HTML_NAME_BREAKOUT},
    {"frame", HTML_NAME_VOID},
    {"hr", HTML_NAME_VOID | HTML_NAME_BREAKOUT},
    {"img", HTML_NAME_VOID | HTML_NAME_BREAKOUT},
    {"input", HTML_NAME_VOID},
    {"keygen", HTML_NAME_VOID},
    {"link", HTML_NAME_VOID},
    {"meta", HTML_NAME_VOID | HTML_NAME_BREAKOUT},
    {"param", HTML_NAME_VOID},
    {"source", HTML_NAME_VOID},
    {"track", HTML_NAME_VOID},
    {"wbr", HTML_NAME_VOID},
    {"title", HTML_NAME_RAW | HTML_NAME_SVG_HTML},
    {"textarea", HTML_NAME_RAW},
    {"style", HTML_NAME_RAW},
    {"xmp", HTML_NAME_RAW},
    {"iframe", HTML_NAME_RAW},
    {"noembed", HTML_NAME_RAW},
    {"noframes", HTML_NAME_RAW},
    {"noscript", HTML_NAME_RAW},
    {"script", HTML_NAME_SCRIPT},
    {"plaintext", HTML_NAME_PLAINTEXT},
    {"svg", HTML_NAME_SVG},
    {"math", HTML_NAME_MATH},
    {"font", HTML_NAME_FONT},
    {"mi", HTML_NAME_MATH_TEXT},
    {"mo", HTML_NAME_MATH_TEXT},
    {"mn", HTML_NAME_MATH_TEXT},
    {"ms", HTML_NAME_MATH_TEXT},
    {"mtext", HTML_NAME_MATH_TEXT},
    {"mglyph", HTML_NAME_MATH_ONLY},
    {"malignmark", HTML_NAME_MATH_ONLY},
    {"annotation-xml", HTML_NAME_ANNOTATION},
    {"desc", HTML_NAME_SVG_HTML},
    {"foreignobject", HTML_NAME_SVG_HTML},
    {"b", HTML_NAME_BREAKOUT},
    {"big", HTML_NAME_BREAKOUT},
    {"blockquote", HTML_NAME_BREAKOUT},
    {"body", HTML_NAME_BREAKOUT},
    {"center", HTML_NAME_BREAKOUT},
    {"code", HTML_NAME_BREAKOUT},
    {"dd", HTML_NAME_BREAKOUT},
    {"div", HTML_NAME_BREAKOUT},
    {"dl", HTML_NAME_BREAKOUT},
    {"dt", HTML_NAME_BREAKOUT},
    {"em", HTML_NAME_BREAKOUT},
    {"h1", HTML_NAME_BREAKOUT},
    {"h2", HTML_NAME_BREAKOUT},
    {"h3", HTML_NAME_BREAKOUT},
    {"h4", HTML_NAME_BREAKOUT},
    {"h5", HTML_NAME_BREAKOUT},
    {"h6", HTML_NAME_BREAKOUT},
    {"head", HTML_NAME_BREAKOUT},
    {"i", HTML_NAME_BREAKOUT},
    {"li", HTML_NAME_BREAKOUT},
    {"listing", HTML_NAME_BREAKOUT},
    {"menu", HTML_NAME_BREAKOUT},
    {"nobr", HTML_NAME_BREAKOUT},
    {"ol", HTML_NAME_BREAKOUT},
    {"p", HTML_NAME_BREAKOUT},
    {"pre", HTML_NAME_BREAKOUT},
    {"ruby", HTML_NAME_BREAKOUT},
    {"s", HTML_NAME_BREAKOUT},
    {"small", HTML_NAME_BREAKOUT},
    {"span", HTML_NAME_BREAKOUT},
    {"strong", HTML_NAME_BREAKOUT},
    {"strike", HTML_NAME_BREAKOUT},
    {"sub", HTML_NAME_BREAKOUT},
    {"sup", HTML_NAME_BREAKOUT},
    {"table", HTML_NAME_BREAKOUT},
    {"tt", HTML_NAME_BREAKOUT},
    {"u", HTML_NAME_BREAKOUT},
    {"ul", HTML_NAME_BREAKOUT},
    {"var", HTML_NAME_BREAKOUT},
};

static struct {
    uint64_t key;
    const struct row *row;
} slots[SLOTS];

static uint64_t hash(str name)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < name.len; i++)
        h = (h ^ (unsigned char)str_lower(name.ptr[i])) * UINT64_C(1099511628211);
    return h | HTML_NAME_HASHED;
}

uint64_t html_name_key(str name)
{
    uint64_t key = 0;

    if (name.len > PACKED_BYTES)
        return hash(name);
    for (size_t i = 0; i < name.len; i++) {
        if (!name.ptr[i])
            return hash(name);
        key |= (uint64_t)(unsigned char)str_lower(name.ptr[i]) << 8 * i;
    }
    return key & HTML_NAME_HASHED ? hash(name) : key;
}

static size_t slot_of(uint64_t key)
{
    return key * UINT64_C(0x9E3779B97F4A7C15) >> 56;
}

static void fill(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t key = html_name_key(str_from(rows[i].name));
        size_t at = slot_of(key);

        while (slots[at].row)
            at = (at + 1) % SLOTS;
        slots[at].key = key;
        slots[at].row = &rows[i];
    }
}

unsigned html_name_flags(uint64_t key, str name)
{
    static bool is_filled;

    if (!is_filled) {
        fill();
        is_filled = true;
    }
    for (size_t at = slot_of(key); slots[at].row; at = (at + 1) % SLOTS)
        if (slots[at].key == key &&
            (!(key & HTML_NAME_HASHED) || str_equal_nocase(str_from(slots[at].row->name), name)))
            return slots[at].row->flags;
    return 0;
}
