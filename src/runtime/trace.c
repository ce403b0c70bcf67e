/* Events for those who watch; see trace.h.
 *
 * Console lines arrive as JSON text that the isolate made (web/js/console_message.js). What does
 * not parse, such as text with half a surrogate pair, is shown as the text it is. */
#include "runtime/trace.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "loop/frame.h"
#include "os/clock.h"
#include "runtime/runtime.h"

enum {
    NS_PER_MS = 1000000,
    LINE_BYTES = 64,       /* what a line costs besides its message */
    HEX_ID_MIN = 32,       /* digits from which a part of a URL may be a secret */
    MIXED_ID_MIN = 21,     /* characters, with two of each: capitals, small letters, digits */
    CLASS_BYTES_MAX = 64,  /* of an exception's name */
    DEPTH_MAX = 100,       /* of a message's JSON; what is deeper is shown as text */
    HEADER_BYTES_MAX = 64 << 10,
};

struct trace {
    json_t *logs;
    json_t *exceptions;
    size_t bytes;
    bool truncated;
};

static size_t dropped;

size_t trace_take_dropped(void)
{
    size_t count = dropped;

    dropped = 0;
    return count;
}

/* ---- lines ---- */

static bool has_room(struct trace **trace, size_t bytes)
{
    if (!*trace) {
        *trace = mem_new(struct trace);
        (*trace)->logs = json_array();
        (*trace)->exceptions = json_array();
    }
    bytes += LINE_BYTES;
    if ((*trace)->bytes + bytes > TRACE_BYTES_MAX) {
        (*trace)->truncated = true;
        return false;
    }
    (*trace)->bytes += bytes;
    return true;
}

/* The supervisor's parser has a maximum, too. */
static bool is_deep(const json_t *json, int depth)
{
    const json_t *item;
    const char *key;
    size_t i;

    if (depth > DEPTH_MAX)
        return true;
    json_array_foreach(json, i, item) {
        if (is_deep(item, depth + 1))
            return true;
    }
    json_object_foreach((json_t *)json, key, item) {
        if (is_deep(item, depth + 1))
            return true;
    }
    return false;
}

void trace_log(struct trace **trace, const char *level, str message)
{
    json_t *parsed;

    if (!has_room(trace, message.len))
        return;
    parsed = json_loadb(message.ptr, message.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_array(parsed) || is_deep(parsed, 0)) {
        json_decref(parsed);
        parsed = json_pack("[o]", runtime_text(message));
    }
    json_array_append_new((*trace)->logs,
                          json_pack("{s:o, s:s, s:I}", "message", parsed, "level", level,
                                    "timestamp", (json_int_t)clock_wall_ms()));
}

/* The class in "Name: message"; empty when it does not begin like that. */
static str name_of(str text)
{
    size_t len = 0;

    while (len < text.len && len < CLASS_BYTES_MAX &&
           (isalnum((unsigned char)text.ptr[len]) || text.ptr[len] == '_'))
        len++;
    return len && len < text.len && text.ptr[len] == ':' ? str_head(text, len) : STR_NONE;
}

void trace_exception(struct trace **trace, str text)
{
    str name = name_of(text);
    str message = str_head(text, str_find_text(text, STR("\n    at ")));

    if (!has_room(trace, 2 * text.len))
        return;
    if (name.len)
        message = str_skip(message, name.len + 1);
    if (message.len && message.ptr[0] == ' ')
        message = str_skip(message, 1);
    json_array_append_new((*trace)->exceptions,
                          json_pack("{s:o, s:o, s:o, s:I}", "name",
                                    runtime_text(name.len ? name : STR("Error")), "message",
                                    runtime_text(message), "stack", runtime_text(text), "timestamp",
                                    (json_int_t)clock_wall_ms()));
}

void trace_free(struct trace *trace)
{
    if (!trace)
        return;
    json_decref(trace->logs);
    json_decref(trace->exceptions);
    free(trace);
}

/* ---- requests ---- */

/* Header fields that may hold a secret, by parts of their names. */
static bool is_secret(str name)
{
    static const str parts[] = {STR("auth"),   STR("cookie"), STR("token"),    STR("secret"),
                                STR("key"),    STR("jwt"),    STR("password"), STR("session")};

    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (str_has(name, parts[i]))
            return true;
    return false;
}

/* What a client sent in a field is bytes: those that are no UTF-8 are shown as Latin-1. */
static json_t *value_of(str value)
{
    struct buf text;
    json_t *json;

    if (utf8_is_valid(value))
        return runtime_text(value);
    buf_init(&text, 2 * HEADER_BYTES_MAX);
    for (size_t i = 0; i < value.len && i < HEADER_BYTES_MAX; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        char two[] = {(char)(0xC0 | c >> 6), (char)(0x80 | (c & 0x3F))};
        ASSERT(buf_append(&text, c < 0x80 ? (str){&value.ptr[i], 1} : (str){two, 2}) == 0);
    }
    json = runtime_text(buf_str(&text));
    buf_done(&text);
    return json;
}

static json_t *headers_of(str lines)
{
    json_t *headers = json_object();

    while (lines.len) {
        str line = str_head(lines, str_find(lines, '\n'));
        str name = str_head(line, str_find(line, ':'));
        str value = str_skip(line, name.len + 2);
        json_t *before = json_object_getn(headers, name.ptr, name.len);
        json_t *shown = value_of(is_secret(name) ? STR("REDACTED") : value);

        lines = str_skip(lines, line.len + 1);
        if (before && !is_secret(name)) {
            json_t *joined = json_sprintf("%s, %s", json_string_value(before),
                                          json_string_value(shown));
            json_decref(shown);
            shown = joined;
        }
        json_object_setn_new(headers, name.ptr, name.len, shown);
    }
    return headers;
}

static bool is_id_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '+';
}

static bool is_secret_part(str part)
{
    size_t hex = 0, upper = 0, lower = 0, digits = 0;

    for (size_t i = 0; i < part.len; i++) {
        unsigned char c = (unsigned char)part.ptr[i];
        hex += isxdigit(c) != 0;
        upper += isupper(c) != 0;
        lower += islower(c) != 0;
        digits += isdigit(c) != 0;
    }
    return (part.len >= HEX_ID_MIN && hex == part.len) ||
           (part.len >= MIXED_ID_MIN && upper >= 2 && lower >= 2 && digits >= 2);
}

static json_t *url_of(str url)
{
    struct buf shown;
    json_t *json;

    buf_init(&shown, url.len + MIXED_ID_MIN);
    while (url.len) {
        size_t len = 0;
        while (len < url.len && is_id_char(url.ptr[len]))
            len++;
        ASSERT(buf_append(&shown, is_secret_part(str_head(url, len)) ? STR("REDACTED")
                                                                     : str_head(url, len)) == 0);
        url = str_skip(url, len);
        if (url.len)
            ASSERT(buf_append(&shown, str_head(url, 1)) == 0);
        url = str_skip(url, 1);
    }
    json = runtime_text(buf_str(&shown));
    buf_done(&shown);
    return json;
}

json_t *trace_request_event(str method, str url, str headers, int status)
{
    json_t *event = json_pack("{s:{s:o, s:o, s:o, s:{}}}", "request", "url", url_of(url), "method",
                              runtime_text(method), "headers", headers_of(headers), "cf");

    if (event && status)
        json_object_set_new(event, "response", json_pack("{s:i}", "status", status));
    return event;
}

/* ---- telling ---- */

static json_t *event_of(const struct trace *trace, const struct trace_subject *subject)
{
    json_t *event = json_pack("{s:s, s:s, s:{s:s}, s:I, s:I, s:I, s:b, s:s, s:[], s:O, s:O}",
                              "outcome", outcome_rows[subject->outcome].word, "scriptName",
                              subject->script, "scriptVersion", "id", subject->version_id,
                              "eventTimestamp",
                              clock_wall_ms() - (json_int_t)(subject->wall_ns / NS_PER_MS),
                              "cpuTime", (json_int_t)(subject->cpu_ns / NS_PER_MS), "wallTime",
                              (json_int_t)(subject->wall_ns / NS_PER_MS), "truncated",
                              trace->truncated, "executionModel", "stateless",
                              "diagnosticsChannelEvents", "logs", trace->logs, "exceptions",
                              trace->exceptions);

    json_object_set_new(event, "event", subject->event ? subject->event : json_null());
    return event;
}

void trace_tell(struct trace *trace, const struct trace_subject *subject)
{
    json_t *frame;

    if (runtime_tell_queued() > TRACE_QUEUED_BYTES_MAX) {
        dropped++;
        json_decref(subject->event);
        trace_free(trace);
        return;
    }
    (void)has_room(&trace, 0);
    frame = json_pack("{s:s, s:s, s:o}", "type", "tail", "worker", subject->key, "event",
                      event_of(trace, subject));
    if (json_dumpb(frame, NULL, 0, JSON_COMPACT) > FRAME_JSON_MAX) { /* all of it escapes */
        json_array_clear(trace->logs);
        json_array_clear(trace->exceptions);
        json_object_set_new(json_object_get(frame, "event"), "truncated", json_true());
    }
    runtime_tell(frame);
    trace_free(trace);
}
