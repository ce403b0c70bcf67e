/* Values between C and JavaScript; see value.h. */
#include "engine/value.h"

#include <stdlib.h>

#include "base/utf8.h"

#include "engine/jsc_private.h"

void value_lock(JSContextRef ctx)
{
    JSLock(ctx);
}

void value_unlock(JSContextRef ctx)
{
    JSUnlock(ctx);
}

static bool is_ascii(str s)
{
    uint64_t seen = 0, words[4];
    size_t at = 0;

    for (; at + sizeof words <= s.len; at += sizeof words) {
        memcpy(words, s.ptr + at, sizeof words);
        seen |= words[0] | words[1] | words[2] | words[3];
    }
    for (; at < s.len; at++)
        seen |= (unsigned char)s.ptr[at];
    return !(seen & 0x8080808080808080);
}

/* The next code point of malformed-tolerant UTF-8 (WHATWG Encoding, "UTF-8 decoder"). */
static uint32_t next_code_point(const unsigned char **at, const unsigned char *end)
{
    static const unsigned char lower_of[] = {[0xE0] = 0xA0, [0xF0] = 0x90};
    unsigned char lead = *(*at)++, low = 0x80, high = 0xBF;
    int more;
    uint32_t point;

    if (lead < 0x80)
        return lead;
    if (lead >= 0xC2 && lead <= 0xDF)
        more = 1, point = lead & 0x1Fu;
    else if ((lead & 0xF0) == 0xE0)
        more = 2, point = lead & 0x0Fu;
    else if (lead >= 0xF0 && lead <= 0xF4)
        more = 3, point = lead & 0x07u;
    else
        return 0xFFFD;
    if (lead < sizeof lower_of && lower_of[lead])
        low = lower_of[lead];
    if (lead == 0xED)
        high = 0x9F;
    if (lead == 0xF4)
        high = 0x8F;
    for (; more; more--, low = 0x80, high = 0xBF) {
        if (*at == end || **at < low || **at > high)
            return 0xFFFD;
        point = point << 6 | (*(*at)++ & 0x3Fu);
    }
    return point;
}

static JSStringRef string_from_wide(str utf8)
{
    const unsigned char *at = (const unsigned char *)utf8.ptr, *end = at + utf8.len;
    JSChar *wide = mem_alloc(utf8.len * sizeof *wide);
    size_t len = 0;
    JSStringRef string;

    while (at < end) {
        uint32_t point = next_code_point(&at, end);
        if (point >= 0x10000) {
            wide[len++] = (JSChar)(0xD800 + ((point - 0x10000) >> 10));
            wide[len++] = (JSChar)(0xDC00 + ((point - 0x10000) & 0x3FF));
        } else {
            wide[len++] = (JSChar)point;
        }
    }
    string = JSStringCreateWithCharacters(wide, len);
    free(wide);
    return string;
}

static JSStringRef string_from_units(str bytes)
{
    JSChar *wide = mem_alloc(bytes.len * sizeof *wide);
    JSStringRef string;

    for (size_t i = 0; i < bytes.len; i++)
        wide[i] = (unsigned char)bytes.ptr[i];
    string = JSStringCreateWithCharacters(wide, bytes.len);
    free(wide);
    return string;
}

/* Bytes are code units. */
static JSStringRef string_from_latin1(str bytes)
{
    struct jsc_string string;

    if (!jsc_string_init || !jsc_string_take)
        return string_from_units(bytes);
    jsc_string_init(&string, bytes.ptr ? bytes.ptr : "", bytes.len);
    return jsc_string_take(&string).string;
}

static JSValueRef value_of_string(JSContextRef ctx, JSStringRef string)
{
    JSValueRef value = JSValueMakeString(ctx, string);

    JSStringRelease(string);
    return value;
}

JSValueRef value_string(JSContextRef ctx, str utf8)
{
    return value_of_string(ctx, is_ascii(utf8) ? string_from_latin1(utf8) : string_from_wide(utf8));
}

JSValueRef value_latin1(JSContextRef ctx, str bytes)
{
    return value_of_string(ctx, string_from_latin1(bytes));
}

static void free_bytes(void *bytes, void *context)
{
    (void)context;
    free(bytes);
}

JSValueRef value_bytes_take(JSContextRef ctx, void *bytes, size_t len)
{
    JSObjectRef array;

    if (!len) {
        free(bytes);
        return JSObjectMakeTypedArray(ctx, kJSTypedArrayTypeUint8Array, 0, NULL);
    }
    array = JSObjectMakeTypedArrayWithBytesNoCopy(ctx, kJSTypedArrayTypeUint8Array, bytes, len,
                                                  free_bytes, NULL, NULL);
    JSReportExtraMemoryCost(ctx, len);
    return array ? array : JSValueMakeUndefined(ctx);
}

void value_add_weight(JSContextRef ctx, size_t bytes)
{
    JSReportExtraMemoryCost(ctx, bytes);
}

JSValueRef value_bytes(JSContextRef ctx, const void *bytes, size_t len)
{
    void *copy = mem_alloc(len);

    if (len)
        memcpy(copy, bytes, len);
    return value_bytes_take(ctx, copy, len);
}

bool value_view(JSContextRef ctx, JSValueRef value, const void **ret_bytes, size_t *ret_len)
{
    JSTypedArrayType type = JSValueGetTypedArrayType(ctx, value, NULL);
    JSObjectRef object = (JSObjectRef)value;

    /* The C API has no type for a DataView, but it takes one where it takes a typed array. */
    if (type == kJSTypedArrayTypeNone &&
        (!JSValueIsObject(ctx, value) || !JSObjectGetTypedArrayBuffer(ctx, object, NULL)))
        return false;
    if (type == kJSTypedArrayTypeArrayBuffer) {
        *ret_bytes = JSObjectGetArrayBufferBytesPtr(ctx, object, NULL);
        *ret_len = JSObjectGetArrayBufferByteLength(ctx, object, NULL);
        return true;
    }
    *ret_len = JSObjectGetTypedArrayByteLength(ctx, object, NULL);
    *ret_bytes = JSObjectGetTypedArrayBytesPtr(ctx, object, NULL);
    if (*ret_bytes)
        *ret_bytes = (const char *)*ret_bytes + JSObjectGetTypedArrayByteOffset(ctx, object, NULL);
    return true;
}

static size_t units_of(str utf8)
{
    size_t units = 0;

    for (size_t i = 0; i < utf8.len; i++) {
        unsigned char c = (unsigned char)utf8.ptr[i];
        units += ((c & 0xC0) != 0x80) + (c >= 0xF0);
    }
    return units;
}

static bool units_came_out(str utf8, size_t units)
{
    return (utf8.len == units && is_ascii(utf8)) || units_of(utf8) == units;
}

/* JSStringGetUTF8CString stops at a lone surrogate: when less came out than went in, we convert. Of
 * ASCII, which most is, all came out when the lengths agree. */
static size_t string_to_utf8(JSStringRef string, char *out, size_t room)
{
    size_t units = JSStringGetLength(string);
    size_t len = JSStringGetUTF8CString(string, out, room);

    len -= len > 0;
    if (units_came_out((str){out, len}, units))
        return len;
    const JSChar *wide = JSStringGetCharactersPtr(string);
    utf8_from_units(wide, units, out);
    return utf8_len_of_units(wide, units);
}

int value_to_buf(JSContextRef ctx, JSValueRef value, struct buf *out, JSValueRef *exception)
{
    JSValueRef thrown = NULL;
    JSStringRef string = JSValueToStringCopy(ctx, value, &thrown);
    size_t room;
    int r;

    if (!string) {
        *exception = thrown;
        return ERR_SCRIPT;
    }
    room = JSStringGetMaximumUTF8CStringSize(string);
    r = buf_reserve(out, room);
    if (r == 0)
        out->len += string_to_utf8(string, out->ptr + out->len, room);
    JSStringRelease(string);
    return r;
}

static bool are_within(const uint32_t lengths[], size_t count, size_t whole)
{
    size_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += lengths[i];
    return sum <= whole;
}

static int append_units(struct buf *out, const JSChar *units, uint32_t *len)
{
    size_t bytes = utf8_len_of_units(units, *len);
    int r = buf_reserve(out, bytes);

    if (r < 0)
        return r;
    utf8_from_units(units, *len, out->ptr + out->len);
    out->len += bytes;
    *len = (uint32_t)bytes;
    return 0;
}

/* Of ASCII, which most are, the lengths are right as they are. */
static int append_pieces(struct buf *out, JSStringRef string, uint32_t lengths[], size_t count)
{
    size_t units = JSStringGetLength(string), room = JSStringGetMaximumUTF8CStringSize(string);
    int r = are_within(lengths, count, units) ? buf_reserve(out, room) : ERR_INVALID;
    const JSChar *wide;
    size_t len;

    if (r < 0)
        return r;
    len = JSStringGetUTF8CString(string, out->ptr + out->len, room);
    if (len == units + 1 && is_ascii((str){out->ptr + out->len, units})) {
        out->len += units;
        return 0;
    }
    wide = JSStringGetCharactersPtr(string);
    for (size_t i = 0; r == 0 && i < count; i++) {
        const JSChar *piece = wide;
        wide += lengths[i];
        r = append_units(out, piece, &lengths[i]);
    }
    return r;
}

int value_to_pieces(JSContextRef ctx, JSValueRef value, struct buf *out, uint32_t lengths[],
                    size_t count, JSValueRef *exception)
{
    JSStringRef string = JSValueToStringCopy(ctx, value, exception);
    int r;

    if (!string)
        return ERR_SCRIPT;
    r = append_pieces(out, string, lengths, count);
    JSStringRelease(string);
    return r;
}

char *value_to_utf8(JSContextRef ctx, JSValueRef value, size_t *ret_len, JSValueRef *exception)
{
    struct buf out;

    buf_init(&out, SIZE_MAX / 4);
    if (value_to_buf(ctx, value, &out, exception) < 0) {
        buf_done(&out);
        return NULL;
    }
    return buf_take(&out, ret_len);
}

double value_to_number(JSContextRef ctx, JSValueRef value, double fallback)
{
    JSValueRef thrown = NULL;
    double number = JSValueToNumber(ctx, value, &thrown);

    return thrown || number != number ? fallback : number;
}

JSValueRef value_get(JSContextRef ctx, JSObjectRef object, const char *name)
{
    JSStringRef key = JSStringCreateWithUTF8CString(name);
    JSValueRef thrown = NULL;
    JSValueRef value = JSObjectGetProperty(ctx, object, key, &thrown);

    JSStringRelease(key);
    return thrown || !value ? JSValueMakeUndefined(ctx) : value;
}

void value_set(JSContextRef ctx, JSObjectRef object, const char *name, JSValueRef value)
{
    JSStringRef key = JSStringCreateWithUTF8CString(name);

    JSObjectSetProperty(ctx, object, key, value, kJSPropertyAttributeNone, NULL);
    JSStringRelease(key);
}

void value_list_init(struct value_list *list, JSContextRef ctx)
{
    *list = (struct value_list){.ctx = ctx};
}

void value_list_add(struct value_list *list, JSValueRef value)
{
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 16;
        list->values = mem_resize(list->values, list->room * sizeof *list->values);
    }
    JSValueProtect(list->ctx, value);
    list->values[list->count++] = value;
}

JSValueRef value_list_array(struct value_list *list, JSValueRef *exception)
{
    JSObjectRef array = JSObjectMakeArray(list->ctx, list->count, list->values, exception);

    for (size_t i = 0; i < list->count; i++)
        JSValueUnprotect(list->ctx, list->values[i]);
    free(list->values);
    return array ? array : JSValueMakeUndefined(list->ctx);
}

JSValueRef value_error(JSContextRef ctx, int code, const char *text)
{
    JSValueRef message = value_string(ctx, str_from(text ? text : err_text(code)));
    JSObjectRef global = JSContextGetGlobalObject(ctx);
    JSValueRef class = value_get(ctx, global, err_js_class(code));
    JSObjectRef error = NULL;

    if (JSValueIsObject(ctx, class))
        error = JSObjectCallAsConstructor(ctx, (JSObjectRef) class, 1, &message, NULL);
    if (!error)
        error = JSObjectMakeError(ctx, 1, &message, NULL);
    value_set(ctx, error, "code", JSValueMakeNumber(ctx, code));
    return error;
}

JSValueRef value_throw(JSContextRef ctx, int code, const char *text, JSValueRef *exception)
{
    *exception = value_error(ctx, code, text);
    return JSValueMakeUndefined(ctx);
}
