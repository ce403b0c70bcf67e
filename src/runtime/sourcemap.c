/* Source maps; see sourcemap.h.
 *
 * The mappings of a bundle are a few hundred thousand segments, each a difference to the one
 * before. They stay the text they are: parsing walks it once, checks every segment and keeps the
 * decoder's state at every MARK_SEGMENTS-th of them; finding searches those marks by halves and
 * decodes on from the nearest.
 *
 * (1) Segments are in the order of their generated position; marks, too.
 * (2) After sourcemap_parse() no segment fails to decode and no index is out of range. */
#include "runtime/sourcemap.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/member.h"

enum { MARK_SEGMENTS = 64, SEGMENT_FIELDS_MAX = 5 };

/* The decoder's state: the segment that ends before `offset`, all counts from 0. */
struct mark {
    size_t offset;
    int32_t generated_line, generated_column;
    int32_t source, line, column, name;
    unsigned fields;  /* of this segment: 1 (no source), 4 or 5 (with a name) */
};

struct sourcemap {
    json_t *root;  /* keeps the strings below alive */
    str mappings;
    json_t *sources, *names, *contents;  /* borrowed from root; contents may be NULL */
    struct mark *marks;
    size_t mark_count, mark_cap;
};

/* Value of a base64 digit plus 1; 0 for any other byte. */
static const unsigned char base64_plus_1[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* Takes one base64 VLQ number: five bits a digit, lowest first, bit 5 says more follow; the lowest
 * bit of all is the sign. */
static bool read_vlq(str text, size_t *offset, int64_t *ret)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift <= 30 && *offset < text.len; shift += 5) {
        unsigned digit = base64_plus_1[(unsigned char)text.ptr[(*offset)++]];
        if (!digit--)
            return false;
        value |= (uint64_t)(digit & 31) << shift;
        if (!(digit & 32)) {
            *ret = value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
            return true;
        }
    }
    return false;
}

static bool add(int32_t *field, int64_t delta)
{
    int64_t sum = *field + delta;

    if (sum < 0 || sum > INT32_MAX)
        return false;
    *field = (int32_t)sum;
    return true;
}

static bool apply(struct mark *m, const int64_t delta[], unsigned fields)
{
    m->fields = fields;
    if ((fields != 1 && fields != 4 && fields != 5) || delta[0] < 0)
        return false;
    if (!add(&m->generated_column, delta[0]))
        return false;
    if (fields == 1)
        return true;
    if (!add(&m->source, delta[1]) || !add(&m->line, delta[2]) || !add(&m->column, delta[3]))
        return false;
    return fields == 4 || add(&m->name, delta[4]);
}

/* Moves `m` to the next segment. Returns 1, 0 at the end, or ERR_INVALID. */
static int next_segment(str text, struct mark *m)
{
    int64_t delta[SEGMENT_FIELDS_MAX];
    unsigned fields = 0;

    for (; m->offset < text.len; m->offset++) {
        if (text.ptr[m->offset] == ';') {
            m->generated_line++;
            m->generated_column = 0;
        } else if (text.ptr[m->offset] != ',') {
            break;
        }
    }
    if (m->offset == text.len)
        return 0;
    while (m->offset < text.len && text.ptr[m->offset] != ',' && text.ptr[m->offset] != ';')
        if (fields == SEGMENT_FIELDS_MAX || !read_vlq(text, &m->offset, &delta[fields++]))
            return ERR_INVALID;
    return apply(m, delta, fields) ? 1 : ERR_INVALID;
}

static void keep_mark(struct sourcemap *map, struct mark m)
{
    if (map->mark_count == map->mark_cap) {
        map->mark_cap = map->mark_cap ? map->mark_cap * 2 : 16;
        map->marks = mem_resize(map->marks, map->mark_cap * sizeof *map->marks);
    }
    map->marks[map->mark_count++] = m;
}

static bool indices_are_valid(const struct sourcemap *map, const struct mark *m)
{
    if (m->fields >= 4 && (size_t)m->source >= json_array_size(map->sources))
        return false;
    return m->fields < 5 || (size_t)m->name < json_array_size(map->names);
}

static int read_mappings(struct sourcemap *map)
{
    struct mark m = {0};
    int r;

    for (size_t count = 0; (r = next_segment(map->mappings, &m)) > 0; count++) {
        if (!indices_are_valid(map, &m))
            return ERR_INVALID;
        if (count % MARK_SEGMENTS == 0)
            keep_mark(map, m);
    }
    return r;
}

static str string_of(const json_t *value)
{
    return json_is_string(value) ? (str){json_string_value(value), json_string_length(value)}
                                 : STR_NONE;
}

static bool is_array_or_absent(const json_t *value)
{
    return !value || json_is_array(value);
}

/* Finds the members that matter; `root` stays the map's. */
static int read_members(struct sourcemap *map)
{
    const json_t *mappings = json_object_get(map->root, "mappings");

    if (member_int(map->root, "version") != 3)
        return ERR_INVALID;
    if (json_object_get(map->root, "sections"))
        return ERR_UNSUPPORTED;
    map->sources = json_object_get(map->root, "sources");
    map->names = json_object_get(map->root, "names");
    map->contents = json_object_get(map->root, "sourcesContent");
    if (json_is_null(map->contents))
        map->contents = NULL;
    if (!json_is_array(map->sources) || !is_array_or_absent(map->names) ||
        !is_array_or_absent(map->contents) || !json_is_string(mappings))
        return ERR_INVALID;
    if (json_array_size(map->sources) > SOURCEMAP_SOURCES_MAX)
        return ERR_LIMIT;
    map->mappings = string_of(mappings);
    return 0;
}

/* True when the JSON has more values than we let jansson make: "[]" is two bytes of text and a
 * hundred in memory. Counts what separates values; strings may have anything. */
static bool has_too_many_values(str json)
{
    size_t count = 0;
    bool in_string = false;

    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i];
        if (c == '"')
            in_string = !in_string;
        else if (in_string)
            i += c == '\\';
        else
            count += c == ',' || c == '[' || c == '{';
    }
    return count > SOURCEMAP_VALUES_MAX;
}

int sourcemap_parse(str json, struct sourcemap **ret)
{
    struct sourcemap *map;
    int r = ERR_INVALID;

    if (json.len > SOURCEMAP_BYTES_MAX || has_too_many_values(json))
        return ERR_LIMIT;
    map = mem_new(struct sourcemap);
    map->root = json.len ? json_loadb(json.ptr, json.len, JSON_ALLOW_NUL, NULL) : NULL;
    if (!map->root)
        goto fail;
    if ((r = read_members(map)) < 0)
        goto fail;
    if ((r = read_mappings(map)) < 0)
        goto fail;
    *ret = map;
    return 0;
fail:
    sourcemap_free(map);
    return r;
}

void sourcemap_free(struct sourcemap *map)
{
    if (!map)
        return;
    json_decref(map->root);
    free(map->marks);
    free(map);
}

static bool is_after(const struct mark *m, int64_t line, int64_t column)
{
    return m->generated_line > line || (m->generated_line == line && m->generated_column > column);
}

/* The last segment that is not after the place (counted from 0); false when there is none. */
static bool find_segment(const struct sourcemap *map, int64_t line, int64_t column,
                         struct mark *ret)
{
    size_t low = 0, high = map->mark_count;
    struct mark next;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (is_after(&map->marks[middle], line, column))
            high = middle;
        else
            low = middle + 1;
    }
    if (!low)
        return false;
    next = map->marks[low - 1];
    do
        *ret = next;
    while (next_segment(map->mappings, &next) > 0 && !is_after(&next, line, column));
    return true;
}

static str clean_path(str path)
{
    for (;;) {
        if (str_starts(path, STR("../")))
            path = str_skip(path, 3);
        else if (str_starts(path, STR("./")))
            path = str_skip(path, 2);
        else
            return path;
    }
}

/* Finds all of a position but its text. */
static bool locate(const struct sourcemap *map, unsigned line, unsigned column,
                   struct sourcemap_position *ret, size_t *ret_source)
{
    struct mark m;
    str source;

    if (!line || !column || !find_segment(map, (int64_t)line - 1, (int64_t)column - 1, &m))
        return false;
    if ((int64_t)m.generated_line != (int64_t)line - 1 || m.fields < 4)
        return false;
    source = clean_path(string_of(json_array_get(map->sources, (size_t)m.source)));
    if (!source.len)
        return false;
    *ret = (struct sourcemap_position){
        .source = source,
        .line = (unsigned)m.line + 1,
        .column = (unsigned)m.column + 1,
        .name = m.fields < 5 ? STR_NONE : string_of(json_array_get(map->names, (size_t)m.name)),
    };
    *ret_source = (size_t)m.source;
    return true;
}

/* The line (from 1) of a text, without its line end. */
static str line_of(str text, unsigned line)
{
    str found;

    while (--line && text.len)
        text = str_skip(text, str_find(text, '\n') + 1);
    found = str_head(text, str_find(text, '\n'));
    if (str_ends(found, STR("\r")))
        found.len--;
    return found;
}

bool sourcemap_find(const struct sourcemap *map, unsigned line, unsigned column,
                    struct sourcemap_position *ret)
{
    size_t source;

    if (!locate(map, line, column, ret, &source))
        return false;
    if (map->contents)
        ret->text = line_of(string_of(json_array_get(map->contents, source)), ret->line);
    return true;
}

/* A line of a JSC stack, "function@url:line:column". */
struct frame {
    str function;
    str url;        /* or "[native code]"; empty when JSC knows none */
    unsigned line;  /* 0 when there is no position */
    unsigned column;
};

/* Takes ":digits" off the end of *s. */
static bool take_number(str *s, unsigned *ret)
{
    size_t at = s->len;
    uint64_t value;

    while (at && s->ptr[at - 1] >= '0' && s->ptr[at - 1] <= '9')
        at--;
    if (!at || s->ptr[at - 1] != ':' || !str_to_u64(str_skip(*s, at), UINT32_MAX, &value))
        return false;
    *ret = (unsigned)value;
    s->len = at - 1;
    return true;
}

/* Index of the '@' between function and place, or text.len. Names and URLs may have one, too, so
 * that before a place we know wins over the first. */
static size_t find_at(str text, str script_url)
{
    for (size_t i = 0; i < text.len; i++) {
        str place = str_skip(text, i + 1);
        if (text.ptr[i] == '@' && (str_starts(place, script_url) || str_starts(place, STR("[")) ||
                                   str_starts(place, STR("atoll:"))))
            return i;
    }
    return str_find(text, '@');
}

/* False when `text` is not a frame. */
static bool read_frame(str text, str script_url, struct frame *ret)
{
    size_t at = str_starts(text, script_url) ? text.len : find_at(text, script_url);
    str place = at < text.len ? str_skip(text, at + 1) : text;
    str url = place;

    *ret = (struct frame){.function = at < text.len ? str_head(text, at) : STR_NONE, .url = place};
    if (str_equal(ret->function, STR("module code")) ||
        str_equal(ret->function, STR("global code")))
        ret->function = STR_NONE;
    if (take_number(&url, &ret->column) && take_number(&url, &ret->line)) {
        ret->url = url;
        return true;
    }
    ret->line = 0;
    return place.len ? place.ptr[0] == '[' : at < text.len;
}

/* Appends "    at fn (place)" or "    at place". */
static int append_frame(struct buf *out, str function, str url, unsigned line, unsigned column)
{
    const char *open = function.len ? " (" : "";
    const char *close = function.len ? ")" : "";

    if (!line)
        return buf_printf(out, "    at %.*s%s<anonymous>%s", STR_ARGS(function), open, close);
    return buf_printf(out, "    at %.*s%s%.*s:%u:%u%s", STR_ARGS(function), open, STR_ARGS(url),
                      line, column, close);
}

static str without_end(str text, str end)
{
    return str_trim(str_ends(text, end) ? str_head(text, text.len - end.len) : text);
}

/* True for a place in an async function's head: "async function f(", "async f(" up to there. */
static bool is_async_head(const struct sourcemap_position *at, str function)
{
    str head = str_head(at->text, at->column - 1);

    if (str_starts(str_skip(at->text, at->column - 1), function))
        head = (str){head.ptr, head.len + function.len};
    head = without_end(without_end(str_trim(head), STR("(")), function);
    head = without_end(without_end(head, STR("*")), STR("function"));
    return str_ends(head, STR("async"));
}

/* Appends a frame of the bundle, unless it is left out. JSC shows an async function twice, where it
 * runs and where it begins: the second, behind a frame of the same `previous` function, is
 * dropped. */
static int append_script_frame(const struct sourcemap *map, struct frame frame, str previous,
                               struct buf *out)
{
    struct sourcemap_position at;
    bool found = map && sourcemap_find(map, frame.line, frame.column, &at);

    if (found && str_starts(at.source, STR("atoll:")))
        return 0;
    if (found && frame.function.len && str_equal(frame.function, previous) &&
        is_async_head(&at, frame.function))
        return 0;
    if (found)
        return append_frame(out, frame.function, at.source, at.line, at.column);
    if (str_starts(frame.function, STR("__")))
        return 0;
    return append_frame(out, frame.function, frame.url, frame.line, frame.column);
}

int sourcemap_map_stack(const struct sourcemap *map, str script_url, str stack, struct buf *out)
{
    size_t start = out->len;
    str previous = STR_NONE;

    ASSERT(script_url.len);
    for (size_t len; stack.len; stack = str_skip(stack, len + 1)) {
        str text = str_head(stack, len = str_find(stack, '\n'));
        size_t before = out->len, content;
        struct frame frame;
        int r = out->len > start ? buf_append_char(out, '\n') : 0;

        content = out->len;
        if (r < 0)
            return r;
        frame.function = STR_NONE;
        if (str_starts(str_trim(text), STR("at ")) || !read_frame(text, script_url, &frame))
            r = buf_append(out, text);
        else if (frame.line && str_equal(frame.url, script_url))
            r = append_script_frame(map, frame, previous, out);
        else if (!str_starts(frame.url, STR("atoll:")))
            r = append_frame(out, frame.function, frame.url, frame.line, frame.column);
        previous = frame.function;
        if (r < 0 || out->len == content)
            out->len = before;
        if (r < 0)
            return r;
    }
    return 0;
}
