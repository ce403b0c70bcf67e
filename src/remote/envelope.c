/* Reads the API's answers; see envelope.h. */
#include "remote/envelope.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/member.h"

enum { CHAIN_DEPTH_MAX = 4, SHOWN_BYTES = 100, TEXT_BYTES_MAX = ERR_TEXT_MAX - 1 };

/* Cuts without a word: what is too long for a person is not read anyway. */
static void add(struct buf *out, const char *text)
{
    ASSERT(buf_append(out, str_head(str_from(text), out->max - out->len)) == 0);
}

/* "message [code: 10007]", and what caused it on lines of their own. */
static void add_error(struct buf *out, const json_t *error, int depth)
{
    const char *text = member_text(error, "message");
    const json_t *code = json_object_get(error, "code"), *cause;
    char number[40] = "";
    size_t i;

    if (json_is_string(error))
        text = json_string_value(error);
    if (!text && !code)
        return;
    if (json_is_integer(code))
        snprintf(number, sizeof number, " [code: %lld]", (long long)json_integer_value(code));
    add(out, out->len ? "\n" : "");
    add(out, depth ? "because: " : "");
    add(out, text ? text : "an error without a message");
    add(out, number);
    if (depth < CHAIN_DEPTH_MAX)
        json_array_foreach((json_t *)json_object_get(error, "error_chain"), i, cause)
            add_error(out, cause, depth + 1);
}

static void add_all(struct buf *out, const json_t *errors)
{
    const json_t *error;
    size_t i;

    json_array_foreach((json_t *)errors, i, error)
        add_error(out, error, 0);
}

static int code_of(const json_t *root)
{
    const json_t *first = json_array_get(json_object_get(root, "errors"), 0);
    const json_t *code = json_object_get(first ? first : root, "code");

    return json_is_integer(code) ? (int)json_integer_value(code) : 0;
}

static int kind_of(int status, int code)
{
    switch (status < 400 ? code : status) {
    case 401:
    case 403:
    case 9106:
    case 9109:
    case 10000:
        return ERR_DENIED;
    case 404:
    case 7003:
    case 10007:
    case 10090:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_EXISTS;
    case 413:
    case 429:
        return ERR_LIMIT;
    default:
        return ERR_INVALID;
    }
}

static int fail_with_errors(const struct envelope_answer *answer, const json_t *root,
                            struct envelope *ret, struct err *err)
{
    const char *alone = member_text(root, "error");
    struct buf text;

    ret->code = code_of(root);
    buf_init(&text, TEXT_BYTES_MAX);
    add_all(&text, json_object_get(root, "errors"));
    if (alone && !text.len)
        add(&text, alone);
    add_all(&text, json_object_get(root, "messages"));
    if (!text.len)
        ASSERT(buf_printf(&text, "%.300s failed with status %d and does not say why", answer->url,
                          answer->status) == 0);
    err_set(err, kind_of(answer->status, ret->code), "%.*s", STR_ARGS(buf_str(&text)));
    buf_done(&text);
    return err->code;
}

str envelope_header(str headers, str name)
{
    while (headers.len) {
        str line = str_head(headers, str_find(headers, '\n'));
        size_t colon = str_find(line, ':');

        if (str_equal(str_head(line, colon), name))
            return str_trim(str_skip(line, colon + 1));
        headers = str_skip(headers, line.len + 1);
    }
    return STR_NONE;
}

/* The beginning of a body on one line: what a person needs to see who answered. */
static void show_body(str body, char out[SHOWN_BYTES + 1])
{
    size_t n = 0;

    for (size_t i = 0; i < body.len && n < SHOWN_BYTES; i++) {
        unsigned char c = (unsigned char)body.ptr[i];

        if (c > ' ' && c < 0x7f)
            out[n++] = (char)c;
        else if (n && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    out[n] = '\0';
}

static int fail_without_json(const struct envelope_answer *answer, struct err *err)
{
    str location = envelope_header(answer->headers, STR("location"));
    char shown[SHOWN_BYTES + 1];

    show_body(answer->body, shown);
    if (answer->status >= 300 && answer->status < 400 && location.len)
        return err_set(err, ERR_INVALID,
                       "%.300s sends elsewhere, to %.*s\nIs that the address of the server?",
                       answer->url, STR_ARGS(str_head(location, 300)));
    if (answer->status >= 502 && answer->status <= 504)
        return err_set(err, ERR_NETWORK,
                       "what stands before the server at %.300s cannot reach it (status %d): %s",
                       answer->url, answer->status, shown);
    return err_set(err, kind_of(answer->status, 0),
                   "%.300s does not speak the API (status %d): %s\n"
                   "Is it an atoll server's admin address, 127.0.0.1:8790 by default?",
                   answer->url, answer->status, shown[0] ? shown : "an empty answer");
}

int envelope_read(const struct envelope_answer *answer, struct envelope *ret, struct err *err)
{
    json_t *root, *result;
    int r = 0;

    *ret = (struct envelope){0};
    if (!answer->body.len && (answer->status == 204 || answer->status == 205)) {
        ret->result = json_null();
        return 0;
    }
    root = json_loadb(answer->body.ptr ? answer->body.ptr : "", answer->body.len, 0, NULL);
    result = json_object_get(root, "result");
    if (!json_is_object(root) ||
        (!json_is_boolean(json_object_get(root, "success")) && !json_object_get(root, "error"))) {
        r = fail_without_json(answer, err);
    } else if (json_is_true(json_object_get(root, "success"))) {
        ret->result = result ? json_incref(result) : json_null();
        ret->info = json_incref(json_object_get(root, "result_info"));
    } else {
        r = fail_with_errors(answer, root, ret, err);
    }
    json_decref(root);
    return r;
}

void envelope_done(struct envelope *envelope)
{
    json_decref(envelope->result);
    json_decref(envelope->info);
    *envelope = (struct envelope){0};
}
