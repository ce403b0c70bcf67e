/* Ops under js/encoding.js: text to bytes and back.
 *
 * State between the chunks of a stream
 * is kept in JavaScript as the bytes that were left over; only the multi-byte legacy encodings
 * have a converter here, held by a handle. */
#include <stdlib.h>

#include "base/err.h"
#include "engine/handle.h"
#include "engine/op.h"
#include "engine/value.h"
#include "web/base64.h"
#include "web/charset.h"
#include "base/utf8.h"
#include "web/web.h"

enum { NAME_BYTES_MAX = 1024, DECODE_FATAL = 1, DECODE_STRIP_BOM = 2 };

static const char *const charset_kind = "charset";

struct converter {
    struct handle handle;
    struct charset *charset;
};

static uint32_t into_result[2]; /* read, written: what op_encoding_encode_into leaves */

/* UTF-8 of `string` from malloc, returned owned. Asking the engine for UTF-8 is five times slower
 * and loses what follows a lone surrogate. */
static char *utf8_of(JSStringRef string, size_t *ret_len)
{
    const JSChar *units = JSStringGetCharactersPtr(string);
    size_t count = JSStringGetLength(string), len = utf8_len_of_units(units, count);
    char *bytes = mem_alloc(len);

    utf8_from_units(units, count, bytes);
    *ret_len = len;
    return bytes;
}

/* (string) -> Uint8Array of its UTF-8. */
OP(op_encoding_encode)
{
    JSValueRef result = JSValueMakeUndefined(ctx);
    JSStringRef string;
    size_t len;
    char *bytes;

    value_lock(ctx);
    string = JSValueToStringCopy(ctx, OP_ARG(0), exception);
    if (string) {
        bytes = utf8_of(string, &len);
        JSStringRelease(string);
        result = value_bytes_take(ctx, bytes, len);
    }
    value_unlock(ctx);
    return result;
}

/* (string, Uint8Array): writes as much UTF-8 as fits; [read, written] are in the result array. */
OP(op_encoding_encode_into)
{
    JSStringRef string;
    const void *target;
    size_t room, len, units, fit;
    char *bytes;

    value_lock(ctx);
    string = JSValueToStringCopy(ctx, OP_ARG(0), exception);
    if (!string) {
        value_unlock(ctx);
        return JSValueMakeUndefined(ctx);
    }
    bytes = utf8_of(string, &len);
    JSStringRelease(string);
    if (!value_view(ctx, OP_ARG(1), &target, &room))
        room = 0;
    value_unlock(ctx);
    fit = utf8_fit((str){bytes, len}, room, &units);
    if (fit)
        memcpy((void *)target, bytes, fit);
    free(bytes);
    into_result[0] = (uint32_t)units;
    into_result[1] = (uint32_t)fit;
    return JSValueMakeUndefined(ctx);
}

static void keep_result(void *bytes, void *context)
{
    (void)bytes, (void)context;
}

/* () -> Uint32Array in which op_encoding_encode_into leaves read and written. */
OP(op_encoding_result)
{
    return JSObjectMakeTypedArrayWithBytesNoCopy(ctx, kJSTypedArrayTypeUint32Array, into_result,
                                                 sizeof into_result, keep_result, NULL, exception);
}

static bool view(JSContextRef ctx, JSValueRef value, str *ret_bytes)
{
    const void *bytes;

    if (!value_view(ctx, value, &bytes, &ret_bytes->len))
        return false;
    ret_bytes->ptr = bytes ? bytes : "";
    return true;
}

static int flags_of(JSContextRef ctx, JSValueRef value)
{
    return (int)value_to_number(ctx, value, 0);
}

/* (bytes, flags) -> string; undefined when DECODE_FATAL and malformed. */
OP(op_encoding_decode_utf8)
{
    int flags = flags_of(ctx, OP_ARG(1));
    JSValueRef result = JSValueMakeUndefined(ctx);
    str bytes;

    value_lock(ctx);
    if (!view(ctx, OP_ARG(0), &bytes)) {
        value_throw(ctx, ERR_INVALID, "not an ArrayBuffer or a view of one", exception);
    } else if (!(flags & DECODE_FATAL) || utf8_is_valid(bytes)) {
        if (flags & DECODE_STRIP_BOM && str_starts(bytes, STR("\xEF\xBB\xBF")))
            bytes = str_skip(bytes, 3);
        result = value_string(ctx, bytes);
    }
    value_unlock(ctx);
    return result;
}

/* (bytes) -> how many bytes at the end wait for more. */
OP(op_encoding_tail_utf8)
{
    str bytes;

    if (!view(ctx, OP_ARG(0), &bytes))
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    return JSValueMakeNumber(ctx, (double)utf8_open_tail(bytes));
}

static JSValueRef string_take(JSContextRef ctx, uint16_t *units, size_t len)
{
    JSStringRef string = JSStringCreateWithCharacters(units, len);
    JSValueRef value = JSValueMakeString(ctx, string);

    JSStringRelease(string);
    free(units);
    return value;
}

/* Lone surrogates become U+FFFD. Returns false when there was one. */
static bool repair_surrogates(uint16_t *units, size_t len)
{
    bool whole = true;

    for (size_t i = 0; i < len; i++) {
        bool pair = (units[i] & 0xFC00) == 0xD800 && i + 1 < len &&
                    (units[i + 1] & 0xFC00) == 0xDC00;
        if (pair)
            i++;
        else if ((units[i] & 0xF800) == 0xD800) {
            units[i] = CHARSET_REPLACEMENT;
            whole = false;
        }
    }
    return whole;
}

static uint16_t unit_at(str bytes, size_t i, bool big_endian)
{
    unsigned first = (unsigned char)bytes.ptr[2 * i], second = (unsigned char)bytes.ptr[2 * i + 1];

    return (uint16_t)(big_endian ? first << 8 | second : second << 8 | first);
}

/* (bytes, big endian, flags) -> string; undefined when DECODE_FATAL and malformed. */
OP(op_encoding_decode_utf16)
{
    bool big_endian = JSValueToBoolean(ctx, OP_ARG(1)), open_pair, whole;
    int flags = flags_of(ctx, OP_ARG(2));
    uint16_t *units;
    size_t len, skip;
    str bytes;

    if (!view(ctx, OP_ARG(0), &bytes))
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    len = bytes.len / 2;
    skip = flags & DECODE_STRIP_BOM && len && unit_at(bytes, 0, big_endian) == 0xFEFF;
    units = mem_alloc((len + 1) * sizeof *units);
    for (size_t i = skip; i < len; i++)
        units[i - skip] = unit_at(bytes, i, big_endian);
    len -= skip;
    open_pair = len && (units[len - 1] & 0xFC00) == 0xD800;
    whole = repair_surrogates(units, len) && !(bytes.len % 2);
    if (bytes.len % 2 && !open_pair) /* half a pair and an odd byte are one error together */
        units[len++] = CHARSET_REPLACEMENT;
    if (flags & DECODE_FATAL && !whole) {
        free(units);
        return JSValueMakeUndefined(ctx);
    }
    return string_take(ctx, units, len);
}

/* (single-byte encoding, bytes, flags) -> string; undefined when DECODE_FATAL and malformed. */
OP(op_encoding_decode_single)
{
    int single = (int)value_to_number(ctx, OP_ARG(0), CHARSET_NONE);
    uint16_t *units;
    str bytes;

    if (single < 0 || !view(ctx, OP_ARG(1), &bytes))
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    units = mem_alloc(bytes.len * sizeof *units);
    if (!charset_single_decode(single, bytes, units) && flags_of(ctx, OP_ARG(2)) & DECODE_FATAL) {
        free(units);
        return JSValueMakeUndefined(ctx);
    }
    return string_take(ctx, units, bytes.len);
}

static void converter_free(struct handle *handle)
{
    struct converter *converter = CONTAINER_OF(handle, struct converter, handle);

    charset_free(converter->charset);
    free(converter);
}

static JSValueRef open_multi(JSContextRef ctx, str name, bool is_fatal)
{
    struct charset *charset = charset_new(name, is_fatal);
    struct converter *converter;

    if (!charset)
        return JSValueMakeUndefined(ctx);
    converter = mem_new(struct converter);
    converter->charset = charset;
    converter->handle.kind = charset_kind;
    converter->handle.free = converter_free;
    return handle_object(ctx, &converter->handle);
}

/* (standard name in lower case, fatal) -> number of a single-byte encoding, converter of a
 * multi-byte one, or undefined. */
OP(op_encoding_open)
{
    bool is_fatal = JSValueToBoolean(ctx, OP_ARG(1));
    JSValueRef result = JSValueMakeUndefined(ctx);
    struct buf name;
    int single;

    buf_init(&name, NAME_BYTES_MAX);
    value_lock(ctx);
    if (value_to_buf(ctx, OP_ARG(0), &name, exception) == 0) {
        single = charset_single(buf_str(&name));
        result = single != CHARSET_NONE ? JSValueMakeNumber(ctx, single)
                                        : open_multi(ctx, buf_str(&name), is_fatal);
    }
    value_unlock(ctx);
    buf_done(&name);
    return result;
}

/* (converter, bytes, is last) -> string; undefined when the converter is fatal and the bytes are
 * malformed. */
OP(op_encoding_decode_multi)
{
    struct handle *handle = handle_of(ctx, OP_ARG(0), charset_kind);
    uint16_t *units;
    int64_t len;
    str bytes;

    if (!handle || !view(ctx, OP_ARG(1), &bytes))
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    units = mem_alloc((bytes.len + CHARSET_SPARE_UNITS) * sizeof *units);
    len = charset_decode(CONTAINER_OF(handle, struct converter, handle)->charset, bytes,
                         JSValueToBoolean(ctx, OP_ARG(2)), units);
    if (len < 0) {
        free(units);
        return JSValueMakeUndefined(ctx);
    }
    return string_take(ctx, units, (size_t)len);
}

/* UTF-8 to one byte a character, in place. False when a character is beyond U+00FF. */
static bool utf8_to_latin1(char *bytes, size_t *len)
{
    size_t out = 0;

    for (size_t i = 0; i < *len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x80) {
            if (c > 0xC3)
                return false;
            c = (unsigned char)(c << 6 | (bytes[++i] & 0x3F));
        }
        bytes[out++] = (char)c;
    }
    *len = out;
    return true;
}

/* (string) -> base64 of its code units as bytes; undefined when one is beyond U+00FF. */
OP(op_encoding_btoa)
{
    JSValueRef result = JSValueMakeUndefined(ctx);
    JSStringRef string;
    char *bytes, *text;
    size_t len;

    value_lock(ctx);
    string = JSValueToStringCopy(ctx, OP_ARG(0), exception);
    if (string) {
        bytes = utf8_of(string, &len);
        JSStringRelease(string);
        if (utf8_to_latin1(bytes, &len)) {
            text = mem_alloc(base64_encoded_len(len));
            base64_encode((str){bytes, len}, text);
            result = value_latin1(ctx, (str){text, base64_encoded_len(len)});
            free(text);
        }
        free(bytes);
    }
    value_unlock(ctx);
    return result;
}

/* (base64) -> string whose code units are the bytes; undefined when malformed. */
OP(op_encoding_atob)
{
    JSValueRef result = JSValueMakeUndefined(ctx);
    JSStringRef string;
    char *text, *bytes;
    int64_t decoded;
    size_t len;

    value_lock(ctx);
    string = JSValueToStringCopy(ctx, OP_ARG(0), exception);
    if (string) {
        text = utf8_of(string, &len);
        JSStringRelease(string);
        bytes = mem_alloc(len / 4 * 3 + 2);
        decoded = base64_decode((str){text, len}, bytes);
        if (decoded >= 0)
            result = value_latin1(ctx, (str){bytes, (size_t)decoded});
        free(bytes);
        free(text);
    }
    value_unlock(ctx);
    return result;
}

const struct op op_encoding_table[] = {
    {"op_encoding_btoa", op_encoding_btoa},
    {"op_encoding_atob", op_encoding_atob},
    {"op_encoding_encode", op_encoding_encode},
    {"op_encoding_encode_into", op_encoding_encode_into},
    {"op_encoding_result", op_encoding_result},
    {"op_encoding_decode_utf8", op_encoding_decode_utf8},
    {"op_encoding_tail_utf8", op_encoding_tail_utf8},
    {"op_encoding_decode_utf16", op_encoding_decode_utf16},
    {"op_encoding_decode_single", op_encoding_decode_single},
    {"op_encoding_open", op_encoding_open},
    {"op_encoding_decode_multi", op_encoding_decode_multi},
    {0},
};
