/* Ops under js/html_rewriter.js.
 *
 * A set of rules and a session, which rewrites one document, are handles. What an op has to tell
 * besides what it returns is left in one array per process: the caller reads it before anything
 * else can run.
 *
 * (1) The scratch buffer is used within one op only.
 * (2) The memory of a session is in no heap that is measured, so the isolate's pool counts it.
 * (3) A worker that replaces what the built-in script waits for brings it here out of turn: what
 *     does not fit the state of the session throws. */
#include <stdlib.h>

#include "engine/handle.h"
#include "engine/op.h"
#include "engine/value.h"
#include "web/charset.h"
#include "web/html_doctype.h"
#include "web/html_rewrite.h"
#include "web/op_pool.h"
#include "web/web.h"

enum {
    TEXT_BYTES_MAX = 3 * HTML_CONTENT_BYTES_MAX,
    SCRATCH_KEEP_BYTES = 64 << 10,
    ASKED_BYTES_MAX = 256,
    POOL_BYTES_MAX = 128 << 20, /* of the sessions of one isolate */
    RESULT_COUNT = 2 + HTML_SELECTORS_MAX + HTML_REWRITE_DOCUMENTS_MAX,
    CHARSET_UTF8 = -2,
    CHARSET_MULTI = -3,
};

static const char *const rules_kind = "html rules";
static const char *const session_kind = "html session";

struct rules {
    struct handle handle;
    struct html_selectors *selectors;
    unsigned char documents[HTML_REWRITE_DOCUMENTS_MAX];
    int document_count;
};

struct session {
    struct handle handle;
    struct pool_share share;
    struct html_rewrite rw;
    int charset;             /* a single-byte encoding, or one of those above */
    char *charset_name;
    bool is_open;
    struct buf asked;        /* the name of the attribute that was asked for last */
    size_t taken;            /* bytes and marks of the output that JavaScript has */
    uint32_t marks_taken;
};

static int32_t result[RESULT_COUNT];
static struct buf scratch;

static int read_text(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    if (!scratch.max)
        buf_init(&scratch, TEXT_BYTES_MAX);
    if (scratch.cap > SCRATCH_KEEP_BYTES)
        buf_done(&scratch);
    buf_clear(&scratch);
    return value_to_buf(ctx, value, &scratch, exception);
}

static JSValueRef throw_limit(JSContextRef ctx, const char *why, JSValueRef *exception)
{
    struct err err;

    err_set(&err, ERR_LIMIT, "HTMLRewriter: %s.", why ? why : "the text is too long");
    return value_throw(ctx, ERR_LIMIT, err.text, exception);
}

/* ---- rules ---- */

static void rules_free(struct handle *handle)
{
    struct rules *rules = CONTAINER_OF(handle, struct rules, handle);

    html_selector_set_unref(rules->selectors);
    free(rules);
}

/* NULL, and throws, when it is none. */
static struct rules *rules_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct handle *handle = handle_need(ctx, value, rules_kind, exception);

    return handle ? CONTAINER_OF(handle, struct rules, handle) : NULL;
}

/* () -> an empty set of rules. */
OP(op_html_rules)
{
    struct rules *rules = mem_new(struct rules);

    rules->selectors = html_selector_set_new();
    rules->handle.kind = rules_kind;
    rules->handle.free = rules_free;
    return handle_object(ctx, &rules->handle);
}

/* (rules, selector, wants): adds a rule; throws for a selector that is not valid. */
OP(op_html_on)
{
    struct rules *rules = rules_of(ctx, OP_ARG(0), exception);
    unsigned char wants = (unsigned char)value_to_number(ctx, OP_ARG(2), 0);
    struct err err;
    int r;

    OP_NEED(rules);
    if (read_text(ctx, OP_ARG(1), exception) < 0)
        return *exception ? JSValueMakeUndefined(ctx) : throw_limit(ctx, NULL, exception);
    r = html_selector_set_add(rules->selectors, buf_str(&scratch), wants, &err);
    return r < 0 ? value_throw(ctx, r, err.text, exception) : JSValueMakeUndefined(ctx);
}

/* (rules, wants): adds handlers for the document. */
OP(op_html_on_document)
{
    struct rules *rules = rules_of(ctx, OP_ARG(0), exception);

    OP_NEED(rules);
    if (rules->document_count == HTML_REWRITE_DOCUMENTS_MAX)
        return throw_limit(ctx, "more than 1024 handlers for the document", exception);
    rules->documents[rules->document_count++] = (unsigned char)value_to_number(ctx, OP_ARG(1), 0);
    return JSValueMakeUndefined(ctx);
}

static void keep_result(void *bytes, void *context)
{
    (void)bytes, (void)context;
}

/* () -> the Int32Array in which the other ops leave what they tell. */
OP(op_html_result)
{
    return JSObjectMakeTypedArrayWithBytesNoCopy(ctx, kJSTypedArrayTypeInt32Array, result,
                                                 sizeof result, keep_result, NULL, exception);
}

/* ---- the pool ---- */

static void count(struct session *session)
{
    op_pool_count(&session->share, session->is_open ? html_rewrite_bytes(&session->rw) : 0);
}

static bool is_too_much(struct session *session)
{
    count(session);
    if (op_pool_bytes(session->share.pool) <= POOL_BYTES_MAX)
        return false;
    session->rw.why = "the documents that are rewritten at the same time take more than 128 MiB";
    return true;
}

/* ---- a session ---- */

static void session_close(struct session *session)
{
    if (session->is_open)
        html_rewrite_done(&session->rw);
    session->is_open = false;
    count(session);
}

static void session_free(struct handle *handle)
{
    struct session *session = CONTAINER_OF(handle, struct session, handle);

    session_close(session);
    buf_done(&session->asked);
    op_pool_leave(&session->share);
    free(session->charset_name);
    free(session);
}

/* NULL, and throws, when it is none that is open. */
static struct session *session_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct handle *handle = handle_need(ctx, value, session_kind, exception);
    struct session *session = handle ? CONTAINER_OF(handle, struct session, handle) : NULL;

    if (!session || session->is_open)
        return session;
    value_throw(ctx, ERR_CLOSED, "the document is not rewritten any more", exception);
    return NULL;
}

/* The same with a unit that handlers may look at and change: (3). */
static struct session *unit_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct session *session = session_of(ctx, value, exception);

    if (!session || session->rw.unit != HTML_EVENT_MORE)
        return session;
    value_throw(ctx, ERR_CLOSED, "the content token is no longer valid", exception);
    return NULL;
}

/* The same with the start tag of an element. */
static struct session *element_of(JSContextRef ctx, JSValueRef value, JSValueRef *exception)
{
    struct session *session = unit_of(ctx, value, exception);

    if (!session || session->rw.unit == HTML_EVENT_ELEMENT)
        return session;
    value_throw(ctx, ERR_CLOSED, "the content token is no longer valid", exception);
    return NULL;
}

/* (pool, rules, standard name of an encoding that has ASCII) -> session. */
OP(op_html_open)
{
    struct pool *pool = op_pool_of(ctx, OP_ARG(0));
    struct rules *rules = rules_of(ctx, OP_ARG(1), exception);
    char *charset_name = pool && rules ? value_to_utf8(ctx, OP_ARG(2), NULL, exception) : NULL;
    struct session *session;
    str name;

    OP_NEED(charset_name);
    name = str_from(charset_name);
    if (op_pool_bytes(pool) > POOL_BYTES_MAX / 2)
        JSGarbageCollect(ctx); /* sessions that were left unfinished may be garbage */
    session = mem_new(struct session);
    op_pool_join(&session->share, pool);
    session->charset_name = charset_name;
    session->charset = str_equal(name, STR("utf-8")) ? CHARSET_UTF8 : charset_single(name);
    if (session->charset == CHARSET_NONE)
        session->charset = CHARSET_MULTI;
    html_rewrite_init(&session->rw, rules->selectors, rules->documents, rules->document_count,
                      session->charset == CHARSET_UTF8);
    buf_init(&session->asked, ASKED_BYTES_MAX);
    session->is_open = true;
    session->handle.kind = session_kind;
    session->handle.free = session_free;
    return handle_object(ctx, &session->handle);
}

/* (session): frees what it holds; no op may be called with it after that. */
OP(op_html_close)
{
    struct session *session = session_of(ctx, OP_ARG(0), exception);

    OP_NEED(session);
    session_close(session);
    return JSValueMakeUndefined(ctx);
}

/* (session, bytes, from, is last): feeds bytes from `from` on, as many as a chunk may have. Returns
 * how many bytes have been fed so far. The last chunk is fed when there are no more. */
OP(op_html_feed)
{
    struct session *session = session_of(ctx, OP_ARG(0), exception);
    double from = value_to_number(ctx, OP_ARG(2), 0);
    bool is_last = JSValueToBoolean(ctx, OP_ARG(3));
    const void *bytes = NULL;
    size_t len = 0, at;
    str chunk;

    OP_NEED(session);
    if (!html_rewrite_is_hungry(&session->rw))
        return value_throw(ctx, ERR_CLOSED, "the last chunk is not used up", exception);
    if (!value_view(ctx, OP_ARG(1), &bytes, &len))
        return value_throw(ctx, ERR_INVALID, "a chunk of the body is not bytes", exception);
    at = from >= 0 && from < (double)len ? (size_t)from : len;
    chunk = str_head((str){(const char *)bytes + at, len - at}, HTML_REWRITE_CHUNK_BYTES_MAX);
    at += chunk.len;
    if (html_rewrite_feed(&session->rw, chunk, is_last && at == len) < 0 || is_too_much(session))
        return throw_limit(ctx, session->rw.why, exception);
    return JSValueMakeNumber(ctx, (double)at);
}

/* All of the output is handed over as it is; what ends at a stream's place is copied, since the
 * places that follow count from the first byte. */
static JSValueRef output_bytes(JSContextRef ctx, struct buf *out, size_t from, size_t to,
                               bool has_mark)
{
    size_t len;
    char *bytes;

    if (from == to)
        return JSValueMakeUndefined(ctx);
    if (from || has_mark || out->len < out->cap / 2)
        return value_bytes(ctx, out->ptr + from, to - from);
    bytes = buf_take(out, &len);
    return value_bytes_take(ctx, bytes, len);
}

/* (session) -> the output up to the next stream's place, or undefined; result: the number of that
 * stream, or -1 when there is none and the output is empty now. */
OP(op_html_output)
{
    struct session *session = session_of(ctx, OP_ARG(0), exception);
    struct html_content *out;
    bool has_mark;
    size_t from, to;

    OP_NEED(session);
    out = &session->rw.out;
    has_mark = session->marks_taken < out->mark_count;
    from = session->taken;
    if (html_rewrite_flush(&session->rw) < 0)
        return throw_limit(ctx, session->rw.why, exception);
    to = has_mark ? out->marks[session->marks_taken].at : out->bytes.len;
    result[0] = has_mark ? out->marks[session->marks_taken++].stream : -1;
    session->taken = to;
    JSValueRef bytes = output_bytes(ctx, &out->bytes, from, to, has_mark);
    if (!has_mark) {
        html_content_clear(out);
        session->taken = session->marks_taken = 0;
    }
    count(session);
    return bytes;
}

/* ---- text of the document to JavaScript ---- */

static JSValueRef string_of_units(JSContextRef ctx, uint16_t *units, size_t len)
{
    JSStringRef string = JSStringCreateWithCharacters(units, len);
    JSValueRef value = JSValueMakeString(ctx, string);

    JSStringRelease(string);
    return value;
}

static JSValueRef text_value(JSContextRef ctx, const struct session *session, str text)
{
    uint16_t *units;
    size_t len = text.len;
    JSValueRef value;

    if (session->charset == CHARSET_UTF8)
        return value_string(ctx, text);
    units = mem_alloc((len + CHARSET_SPARE_UNITS) * sizeof *units);
    if (session->charset != CHARSET_MULTI) {
        charset_single_decode(session->charset, text, units);
    } else {
        struct charset *charset = charset_new(str_from(session->charset_name), false);
        int64_t got = charset ? charset_decode(charset, text, true, units) : 0;
        len = got > 0 ? (size_t)got : 0;
        charset_free(charset);
    }
    value = string_of_units(ctx, units, len);
    free(units);
    return value;
}

static JSValueRef optional_value(JSContextRef ctx, const struct session *session, str text)
{
    return text.ptr ? text_value(ctx, session, text) : JSValueMakeNull(ctx);
}

static JSValueRef lower_value(JSContextRef ctx, const struct session *session, str name)
{
    buf_clear(&scratch);
    if (!scratch.max)
        buf_init(&scratch, TEXT_BYTES_MAX);
    if (buf_append(&scratch, name) < 0)
        return JSValueMakeUndefined(ctx);
    for (size_t i = 0; i < scratch.len; i++)
        if (scratch.ptr[i] >= 'A' && scratch.ptr[i] <= 'Z')
            scratch.ptr[i] |= 0x20;
    return text_value(ctx, session, buf_str(&scratch));
}

static int set_attribute(JSContextRef ctx, struct html_rewrite *rw, JSValueRef name,
                         JSValueRef value, JSValueRef *exception)
{
    int r = read_text(ctx, name, exception);
    size_t name_len = scratch.len;

    if (r == 0)
        r = value_to_buf(ctx, value, &scratch, exception);
    if (r < 0)
        return r;
    return html_edit_set_attr(&rw->edit, &rw->lexer, str_head(buf_str(&scratch), name_len),
                              str_skip(buf_str(&scratch), name_len));
}

/* `how` is twice the enum html_place, and 1 more when the text is HTML. */
static int insert(JSContextRef ctx, struct html_rewrite *rw, JSValueRef how, JSValueRef text,
                  JSValueRef *exception)
{
    int code = (int)value_to_number(ctx, how, 0);
    int r = read_text(ctx, text, exception);

    if (r < 0)
        return r;
    return html_rewrite_insert(rw, (enum html_place)(code / 2), buf_str(&scratch), code & 1);
}

/* What a handler for the event will most likely ask for. */
static JSValueRef guess(JSContextRef ctx, const struct session *session, int event)
{
    const struct html_rewrite *rw = &session->rw;
    str value;

    if (event == HTML_EVENT_TEXT)
        return text_value(ctx, session, html_rewrite_text(rw));
    if (event != HTML_EVENT_ELEMENT || !session->asked.len)
        return JSValueMakeUndefined(ctx);
    return html_edit_attr(&rw->edit, &rw->lexer, buf_str(&session->asked), &value)
               ? text_value(ctx, session, value)
               : JSValueMakeNull(ctx);
}

static void tell(const struct html_rewrite *rw, int event)
{
    result[0] = event;
    if (event < HTML_EVENT_ELEMENT)
        return;
    if (event == HTML_EVENT_END_TAG) {
        result[1] = (int32_t)rw->end_depth;
        return;
    }
    result[1] = (int32_t)rw->handler_count;
    memcpy(&result[2], rw->handlers, rw->handler_count * sizeof *result);
}

/* (session, name or how?, text?): makes a change, as op_html_set_attribute with a name or
 * op_html_insert with a number, which saves an op; then goes on to the next event. Result: enum
 * html_event; how many handlers, which; or the depth of an end tag. Returns the text of a text, and
 * of an element the attribute that op_html_attribute was asked for last. */
OP(op_html_next)
{
    struct session *session;
    JSValueRef value = JSValueMakeUndefined(ctx);
    int event = 0;

    if (!(session = session_of(ctx, OP_ARG(0), exception)) ||
        (argc > 2 && !JSValueIsUndefined(ctx, argv[1]) && !unit_of(ctx, OP_ARG(0), exception)))
        return value;
    value_lock(ctx);
    if (argc > 2 && JSValueIsNumber(ctx, argv[1]))
        event = insert(ctx, &session->rw, argv[1], argv[2], exception);
    else if (argc > 2 && !JSValueIsUndefined(ctx, argv[1]))
        event = set_attribute(ctx, &session->rw, argv[1], argv[2], exception);
    if (event == 0)
        event = html_rewrite_next(&session->rw);
    if (event >= 0 && is_too_much(session))
        event = ERR_LIMIT;
    if (event >= 0) {
        tell(&session->rw, event);
        value = guess(ctx, session, event);
    } else if (!*exception) {
        value = throw_limit(ctx, session->rw.why, exception);
    }
    value_unlock(ctx);
    return value;
}

/* (session) -> the text of the comment. */
OP(op_html_text)
{
    struct session *session = unit_of(ctx, OP_ARG(0), exception);
    JSValueRef value;

    OP_NEED(session);
    value_lock(ctx);
    value = text_value(ctx, session, html_rewrite_text(&session->rw));
    value_unlock(ctx);
    return value;
}

/* (session) -> the name of the tag, in lower case. */
OP(op_html_name)
{
    struct session *session = unit_of(ctx, OP_ARG(0), exception);
    JSValueRef value;

    OP_NEED(session);
    value_lock(ctx);
    value = lower_value(ctx, session, html_rewrite_text(&session->rw));
    value_unlock(ctx);
    return value;
}

/* (session) -> [name, public id, system id] of the doctype, null where there is none. */
OP(op_html_doctype)
{
    struct session *session = unit_of(ctx, OP_ARG(0), exception);
    struct html_doctype doctype;
    JSValueRef parts[3], array;

    OP_NEED(session);
    doctype = html_doctype_parse(html_rewrite_text(&session->rw));
    value_lock(ctx);
    parts[0] = doctype.name.ptr ? lower_value(ctx, session, doctype.name) : JSValueMakeNull(ctx);
    parts[1] = optional_value(ctx, session, doctype.public_id);
    parts[2] = optional_value(ctx, session, doctype.system_id);
    array = JSObjectMakeArray(ctx, COUNT_OF(parts), parts, exception);
    value_unlock(ctx);
    return array;
}

/* (session) -> enum html_namespace of the element. */
OP(op_html_namespace)
{
    const struct session *session = unit_of(ctx, OP_ARG(0), exception);

    OP_NEED(session);
    return JSValueMakeNumber(ctx, session->rw.namespace);
}

/* (session, name) -> the value of the attribute, or null. */
OP(op_html_attribute)
{
    struct session *session = element_of(ctx, OP_ARG(0), exception);
    JSValueRef value = JSValueMakeNull(ctx);
    str text;

    OP_NEED(session);
    value_lock(ctx);
    if (read_text(ctx, OP_ARG(1), exception) == 0) {
        buf_clear(&session->asked);
        (void)!buf_append(&session->asked, buf_str(&scratch));
        if (html_edit_attr(&session->rw.edit, &session->rw.lexer, buf_str(&scratch), &text))
            value = text_value(ctx, session, text);
    }
    value_unlock(ctx);
    return value;
}

/* (session) -> [name, value, name, value, ...] of the element's attributes. They are put into the
 * array when all are there: a worker can have setters that hear of each index. */
OP(op_html_attributes)
{
    struct session *session = element_of(ctx, OP_ARG(0), exception);
    struct value_list list;
    JSValueRef array;
    uint32_t cursor = 0;
    str name, value;

    OP_NEED(session);
    value_lock(ctx);
    value_list_init(&list, ctx);
    while (html_edit_attr_next(&session->rw.edit, &session->rw.lexer, &cursor, &name, &value)) {
        value_list_add(&list, lower_value(ctx, session, name));
        value_list_add(&list, text_value(ctx, session, value));
    }
    array = value_list_array(&list, exception);
    value_unlock(ctx);
    return array;
}

/* ---- changes ---- */

static JSValueRef done(JSContextRef ctx, struct session *session, int r, JSValueRef *exception)
{
    if (r == ERR_LIMIT)
        return throw_limit(ctx, NULL, exception);
    if (r >= 0 && is_too_much(session))
        return throw_limit(ctx, session->rw.why, exception);
    return JSValueMakeUndefined(ctx);
}

/* (session, text): a new name of a tag, a new text of a comment. */
OP(op_html_set_text)
{
    struct session *session = unit_of(ctx, OP_ARG(0), exception);
    int r;

    OP_NEED(session);
    if ((r = read_text(ctx, OP_ARG(1), exception)) == 0)
        r = html_rewrite_set_text(&session->rw, buf_str(&scratch));
    return done(ctx, session, r, exception);
}

/* (session, name, value) */
OP(op_html_set_attribute)
{
    struct session *session = element_of(ctx, OP_ARG(0), exception);
    int r;

    OP_NEED(session);
    value_lock(ctx);
    r = set_attribute(ctx, &session->rw, OP_ARG(1), OP_ARG(2), exception);
    value_unlock(ctx);
    return done(ctx, session, r, exception);
}

/* (session, name) */
OP(op_html_remove_attribute)
{
    struct session *session = element_of(ctx, OP_ARG(0), exception);
    int r;

    OP_NEED(session);
    if ((r = read_text(ctx, OP_ARG(1), exception)) == 0)
        r = html_edit_remove_attr(&session->rw.edit, &session->rw.lexer, buf_str(&scratch));
    return done(ctx, session, r, exception);
}

/* (session, how, text): see insert(). */
OP(op_html_insert)
{
    struct session *session = unit_of(ctx, OP_ARG(0), exception);
    int r;

    OP_NEED(session);
    value_lock(ctx);
    r = insert(ctx, &session->rw, OP_ARG(1), OP_ARG(2), exception);
    value_unlock(ctx);
    return done(ctx, session, r, exception);
}

/* (session, enum html_place, number): a stream's place. */
OP(op_html_insert_stream)
{
    struct session *session = unit_of(ctx, OP_ARG(0), exception);
    enum html_place place = (enum html_place)value_to_number(ctx, OP_ARG(1), 0);
    int32_t stream = (int32_t)value_to_number(ctx, OP_ARG(2), 0);

    OP_NEED(session);
    return done(ctx, session, html_rewrite_insert_stream(&session->rw, place, stream), exception);
}

/* (session, text, is HTML) -> the bytes as they are inserted, for a stream. */
OP(op_html_encode)
{
    struct session *session = session_of(ctx, OP_ARG(0), exception);
    unsigned flags = JSValueToBoolean(ctx, OP_ARG(2)) ? HTML_CONTENT_MARKUP : 0;
    struct html_content content;
    JSValueRef bytes = JSValueMakeUndefined(ctx);
    int r;

    OP_NEED(session);
    if (session->rw.is_ascii)
        flags |= HTML_CONTENT_ASCII;
    html_content_init(&content);
    r = read_text(ctx, OP_ARG(1), exception);
    if (r == 0 && (r = html_content_add(&content, buf_str(&scratch), flags)) == 0)
        bytes = value_bytes(ctx, content.bytes.ptr, content.bytes.len);
    html_content_done(&content);
    return r < 0 ? done(ctx, session, r, exception) : bytes;
}

/* (session, keeps content) */
OP(op_html_remove)
{
    struct session *session = unit_of(ctx, OP_ARG(0), exception);

    OP_NEED(session);
    html_rewrite_remove(&session->rw, JSValueToBoolean(ctx, OP_ARG(1)));
    return JSValueMakeUndefined(ctx);
}

/* (session) -> whether the unit is removed. */
OP(op_html_is_removed)
{
    const struct session *session = unit_of(ctx, OP_ARG(0), exception);

    OP_NEED(session);
    return JSValueMakeBoolean(ctx, html_rewrite_is_removed(&session->rw));
}

/* (session) -> the number under which the element's end tag will be told; 0: it has none. */
OP(op_html_listen)
{
    struct session *session = element_of(ctx, OP_ARG(0), exception);

    OP_NEED(session);
    return JSValueMakeNumber(ctx, html_rewrite_listen(&session->rw));
}

const struct op op_html_table[] = {
    {"op_html_rules", op_html_rules},
    {"op_html_on", op_html_on},
    {"op_html_on_document", op_html_on_document},
    {"op_html_result", op_html_result},
    {"op_html_open", op_html_open},
    {"op_html_close", op_html_close},
    {"op_html_feed", op_html_feed},
    {"op_html_next", op_html_next},
    {"op_html_output", op_html_output},
    {"op_html_text", op_html_text},
    {"op_html_name", op_html_name},
    {"op_html_doctype", op_html_doctype},
    {"op_html_namespace", op_html_namespace},
    {"op_html_attribute", op_html_attribute},
    {"op_html_attributes", op_html_attributes},
    {"op_html_set_text", op_html_set_text},
    {"op_html_set_attribute", op_html_set_attribute},
    {"op_html_remove_attribute", op_html_remove_attribute},
    {"op_html_insert", op_html_insert},
    {"op_html_insert_stream", op_html_insert_stream},
    {"op_html_encode", op_html_encode},
    {"op_html_remove", op_html_remove},
    {"op_html_is_removed", op_html_is_removed},
    {"op_html_listen", op_html_listen},
    {0},
};
