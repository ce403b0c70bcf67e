/* Ops under js/url.js.
 *
 * JavaScript keeps a URL as its string and its offsets. An op that makes a URL returns the string
 * and leaves the offsets in one array per process, seen from every isolate as a Uint32Array: the
 * caller reads them before anything else can run, so nothing is allocated for them.
 *
 * (1) The scratch URLs and the text buffer are shared by all calls; no op calls JavaScript between
 *     its first use of them and its last, but for ToString, which js/url.js has done already. */
#include "base/err.h"
#include "engine/op.h"
#include "engine/value.h"
#include "web/percent.h"
#include "web/url.h"
#include "web/web.h"

enum {
    OFFSET_COUNT = 8,
    UTF8_BYTES_MAX = 3 * URL_INPUT_MAX + 1, /* what value_to_buf() may reserve for one input */
    SCRATCH_KEEP_BYTES = 64 << 10,          /* a buffer that grew beyond this is released */
};

static struct {
    struct url url;
    struct url base;
    struct buf text;
    uint32_t offsets[OFFSET_COUNT];
    bool ready;
} scratch;

static void scratch_begin(void)
{
    if (!scratch.ready) {
        url_init(&scratch.url);
        url_init(&scratch.base);
        buf_init(&scratch.text, UTF8_BYTES_MAX);
        scratch.ready = true;
    }
    buf_clear(&scratch.text);
}

static void scratch_end(void)
{
    struct buf *bufs[] = {&scratch.url.href, &scratch.base.href, &scratch.text};

    for (size_t i = 0; i < COUNT_OF(bufs); i++)
        if (bufs[i]->cap > SCRATCH_KEEP_BYTES)
            buf_done(bufs[i]);
}

static void publish_offsets(const struct url *url)
{
    const uint32_t offsets[OFFSET_COUNT] = {
        url->protocol_end, url->username_end, url->password_end, url->host_start,
        url->host_end,     url->path_start,   url->query_start,  url->fragment_start,
    };

    memcpy(scratch.offsets, offsets, sizeof offsets);
}

/* The string of scratch.url. A value that was in serialized form already, as most are, is
 * returned itself. */
static JSValueRef publish(JSContextRef ctx, JSValueRef given, str given_text)
{
    str href = url_get(&scratch.url, URL_HREF);

    publish_offsets(&scratch.url);
    return str_equal(href, given_text) ? given : value_latin1(ctx, href);
}

/* ToUSVString of an argument into scratch.text. */
static int read_text(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    buf_clear(&scratch.text);
    return value_to_buf(ctx, value, &scratch.text, exception);
}

/* Parses a base into scratch.base; one that is there already, from the call before, is kept. */
static int parse_base(JSContextRef ctx, JSValueRef base, JSValueRef *exception)
{
    int r = read_text(ctx, base, exception);

    if (r < 0)
        return r;
    if (scratch.text.len && str_equal(buf_str(&scratch.text), buf_str(&scratch.base.href)))
        return 0;
    r = url_parse(buf_str(&scratch.text), NULL, &scratch.base);
    if (r < 0)
        buf_clear(&scratch.base.href);
    return r;
}

/* Parses (input, base or undefined) into scratch.url. */
static int parse_arguments(JSContextRef ctx, JSValueRef input, JSValueRef base,
                           JSValueRef *exception)
{
    bool has_base = !JSValueIsUndefined(ctx, base);
    int r;

    if (has_base && (r = parse_base(ctx, base, exception)) < 0)
        return r;
    if ((r = read_text(ctx, input, exception)) < 0)
        return r;
    return url_parse(buf_str(&scratch.text), has_base ? &scratch.base : NULL, &scratch.url);
}

/* (input, base?) -> href, with offsets; undefined when that is no URL. */
OP(op_url_parse)
{
    JSValueRef result = JSValueMakeUndefined(ctx);

    value_lock(ctx);
    scratch_begin();
    if (parse_arguments(ctx, OP_ARG(0), OP_ARG(1), exception) == 0)
        result = publish(ctx, OP_ARG(0), buf_str(&scratch.text));
    scratch_end();
    value_unlock(ctx);
    return result;
}

/* (input, base?) -> whether that is a URL. */
OP(op_url_can_parse)
{
    int r;

    value_lock(ctx);
    scratch_begin();
    r = parse_arguments(ctx, OP_ARG(0), OP_ARG(1), exception);
    scratch_end();
    value_unlock(ctx);
    return JSValueMakeBoolean(ctx, r == 0);
}

/* (href, part, value) -> the new href, with offsets; undefined when `value` is too long. */
OP(op_url_set)
{
    double part = value_to_number(ctx, OP_ARG(1), URL_PART_COUNT);
    JSValueRef result = JSValueMakeUndefined(ctx);

    if (!(part > URL_HREF && part < URL_PART_COUNT))
        return value_throw(ctx, ERR_INVALID, "no such part of a URL", exception);
    value_lock(ctx);
    scratch_begin();
    if (parse_arguments(ctx, OP_ARG(0), result, exception) == 0 &&
        read_text(ctx, OP_ARG(2), exception) == 0 &&
        url_set(&scratch.url, (enum url_part)part, buf_str(&scratch.text)) == 0)
        result = publish(ctx, result, STR_NONE);
    scratch_end();
    value_unlock(ctx);
    return result;
}

/* (href) -> the serialized origin. */
OP(op_url_origin)
{
    JSValueRef result = JSValueMakeUndefined(ctx);

    value_lock(ctx);
    scratch_begin();
    if (parse_arguments(ctx, OP_ARG(0), result, exception) == 0) {
        buf_clear(&scratch.text);
        if (url_origin(&scratch.url, &scratch.text) == 0)
            result = value_latin1(ctx, buf_str(&scratch.text));
    }
    scratch_end();
    value_unlock(ctx);
    return result;
}

/* (text) -> text with its escapes decoded as UTF-8, malformed or not. */
OP(op_url_percent_decode)
{
    JSValueRef result = JSValueMakeUndefined(ctx);
    struct buf text, decoded;

    buf_init(&text, SIZE_MAX / 4);
    buf_init(&decoded, SIZE_MAX / 4);
    value_lock(ctx);
    if (value_to_buf(ctx, OP_ARG(0), &text, exception) == 0 &&
        percent_decode(buf_str(&text), &decoded) == 0)
        result = value_string(ctx, buf_str(&decoded));
    value_unlock(ctx);
    buf_done(&text);
    buf_done(&decoded);
    return result;
}

static void keep_offsets(void *bytes, void *context)
{
    (void)bytes, (void)context;
}

/* () -> the Uint32Array in which the other ops leave offsets. */
OP(op_url_offsets)
{
    return JSObjectMakeTypedArrayWithBytesNoCopy(ctx, kJSTypedArrayTypeUint32Array, scratch.offsets,
                                                 sizeof scratch.offsets, keep_offsets, NULL,
                                                 exception);
}

const struct op op_url_table[] = {
    {"op_url_parse", op_url_parse},
    {"op_url_can_parse", op_url_can_parse},
    {"op_url_set", op_url_set},
    {"op_url_origin", op_url_origin},
    {"op_url_percent_decode", op_url_percent_decode},
    {"op_url_offsets", op_url_offsets},
    {0},
};
