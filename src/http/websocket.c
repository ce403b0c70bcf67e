/* Frames to messages and back, over wslay's reader and writer of frames; see websocket.h.
 *
 * wslay's frame layer reads headers, checks their lengths and takes the mask off. Its event layer
 * is not used: it refuses the codes 1012 to 1014, and misreads a Close that comes in pieces.
 *
 * (1) wslay hands out a frame in pieces of at most 4 KiB; `left` is what is missing of it.
 * (2) `message` is the message that is being received, over frames; `control` the payload of one
 *     control frame, which may come between two of its frames.
 * (3) Of a text message the first `checked` bytes are known to be UTF-8, so one that is none is
 *     refused at its first wrong byte, wherever frames end. */
#include "http/websocket.h"

#include <stdlib.h>
#include <sys/random.h>
#include <wslay/wslay.h>

#include "base/utf8.h"
#include "http/websocket_deflate.h"

enum {
    CONTROL_BYTES_MAX = 125,
    NO_OPCODE = 0xFF,
    MESSAGE_KEPT_BYTES_MAX = 16 << 10,
    REST_BYTES_MAX = 8 << 20,   /* who holds stops reading: never reached */
};

struct websocket {
    enum websocket_role role;
    bool deflate;
    enum websocket_state state;
    const struct websocket_hooks *hooks;
    void *owner;
    wslay_frame_context_ptr frames;
    str input;               /* what wslay may read now */
    bool held;
    struct buf rest;         /* received while it was held */
    bool in_frame;
    uint64_t left;           /* of the frame that is being read */
    uint8_t opcode;          /* of the message that is being received; NO_OPCODE: none */
    bool packed;             /* the message is compressed: RSV1 of its first frame */
    struct buf message;
    size_t checked;
    struct buf control;
    struct buf out;
};

/* ---- wslay's side ---- */

static ssize_t on_read(uint8_t *bytes, size_t len, int flags, void *user)
{
    struct websocket *ws = user;
    str taken = str_head(ws->input, len);

    (void)flags;
    if (!taken.len)
        return -1;
    memcpy(bytes, taken.ptr, taken.len);
    ws->input = str_skip(ws->input, taken.len);
    return (ssize_t)taken.len;
}

static ssize_t on_write(const uint8_t *bytes, size_t len, int flags, void *user)
{
    struct websocket *ws = user;

    (void)flags;
    ASSERT(buf_append(&ws->out, (str){(const char *)bytes, len}) == 0); /* there was room */
    return (ssize_t)len;
}

static int on_mask(uint8_t *bytes, size_t len, void *user)
{
    (void)user;
    return getrandom(bytes, len, 0) == (ssize_t)len ? 0 : -1;
}

/* ---- sending ---- */

static void send_frame(struct websocket *ws, uint8_t opcode, uint8_t rsv, str payload)
{
    struct wslay_frame_iocb frame = {
        .fin = 1,
        .rsv = rsv,
        .opcode = opcode,
        .payload_length = payload.len,
        .mask = ws->role == WEBSOCKET_CLIENT,
        .data = (const uint8_t *)payload.ptr,
        .data_length = payload.len,
    };

    ASSERT(wslay_frame_send(ws->frames, &frame) == (ssize_t)payload.len);
}

static void send_close(struct websocket *ws, int code, str reason)
{
    char payload[CONTROL_BYTES_MAX] = {(char)(code >> 8), (char)code};

    ASSERT(reason.len <= WEBSOCKET_REASON_BYTES_MAX);
    if (reason.len)
        memcpy(payload + 2, reason.ptr, reason.len);
    send_frame(ws, WSLAY_CONNECTION_CLOSE, WSLAY_RSV_NONE,
               (str){payload, code ? 2 + reason.len : 0});
}

void websocket_send(struct websocket *ws, bool is_text, str data)
{
    uint8_t opcode = is_text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME;
    struct buf packed;

    if (ws->state != WEBSOCKET_OPEN)
        return;
    buf_init(&packed, data.len); /* what does not get shorter is sent as it is */
    if (ws->deflate && data.len >= WEBSOCKET_DEFLATE_BYTES_MIN &&
        websocket_deflate_pack(data, &packed) == 0)
        send_frame(ws, opcode, WSLAY_RSV1_BIT, buf_str(&packed));
    else
        send_frame(ws, opcode, WSLAY_RSV_NONE, data);
    buf_done(&packed);
}

void websocket_close(struct websocket *ws, int code, str reason)
{
    if (ws->state != WEBSOCKET_OPEN)
        return;
    ws->state = WEBSOCKET_CLOSING;
    send_close(ws, code, reason);
}

void websocket_ping(struct websocket *ws)
{
    if (ws->state == WEBSOCKET_OPEN)
        send_frame(ws, WSLAY_PING, WSLAY_RSV_NONE, STR_NONE);
}

/* ---- the end ---- */

bool websocket_code_is_valid(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static void close_with(struct websocket *ws, bool clean, int code, str reason)
{
    ws->state = WEBSOCKET_CLOSED;
    ws->hooks->on_closed(ws->owner, clean, code, reason);
}

/* "Fail the WebSocket Connection" (RFC 6455 7.1.7). Returns false, for the callers' sake. */
static bool fail(struct websocket *ws, int code, const char *why)
{
    if (ws->state == WEBSOCKET_OPEN)
        send_close(ws, code, STR_NONE);
    close_with(ws, false, code, str_from(why));
    return false;
}

static bool take_close(struct websocket *ws, str payload)
{
    str reason = str_skip(payload, 2);
    int code = WEBSOCKET_NO_CODE;

    if (payload.len == 1)
        return fail(ws, WEBSOCKET_PROTOCOL_ERROR, "a Close with half a code");
    if (payload.len)
        code = (unsigned char)payload.ptr[0] << 8 | (unsigned char)payload.ptr[1];
    if (payload.len && !websocket_code_is_valid(code))
        return fail(ws, WEBSOCKET_PROTOCOL_ERROR, "a Close with a code that may not be sent");
    if (!utf8_is_valid(reason))
        return fail(ws, WEBSOCKET_NOT_UTF8, "a Close whose reason is not UTF-8");
    if (ws->state == WEBSOCKET_OPEN)
        send_close(ws, payload.len ? code : 0, reason);
    close_with(ws, true, code, reason);
    return false;
}

/* ---- receiving: false means that nothing more is read ---- */

static bool end_control(struct websocket *ws, uint8_t opcode)
{
    str payload = buf_str(&ws->control);

    if (opcode == WSLAY_CONNECTION_CLOSE)
        return take_close(ws, payload);
    if (opcode == WSLAY_PING && ws->state == WEBSOCKET_OPEN)
        send_frame(ws, WSLAY_PONG, WSLAY_RSV_NONE, payload);
    return true;
}

/* Puts what a compressed message says in its place. */
static bool unpack(struct websocket *ws)
{
    struct buf whole;
    int r;

    buf_init(&whole, WEBSOCKET_MESSAGE_BYTES_MAX);
    r = websocket_deflate_unpack(buf_str(&ws->message), &whole);
    buf_done(&ws->message);
    ws->message = whole;
    if (r == ERR_LIMIT)
        return fail(ws, WEBSOCKET_TOO_BIG, "a compressed message longer than 1 MiB");
    if (r < 0)
        return fail(ws, WEBSOCKET_PROTOCOL_ERROR, "a message that is wrongly compressed");
    ws->checked = utf8_is_valid(buf_str(&ws->message)) ? ws->message.len : 0;
    return true;
}

static bool end_message(struct websocket *ws)
{
    bool is_text = ws->opcode == WSLAY_TEXT_FRAME;

    ws->opcode = NO_OPCODE;
    if (ws->state == WEBSOCKET_OPEN && ws->packed && !unpack(ws))
        return false;
    if (ws->state == WEBSOCKET_OPEN && is_text && ws->checked < ws->message.len)
        return fail(ws, WEBSOCKET_NOT_UTF8, "a text message that is not UTF-8 to its end");
    if (ws->state == WEBSOCKET_OPEN)
        ws->hooks->on_message(ws->owner, is_text, buf_str(&ws->message));
    ws->checked = 0;
    if (ws->message.cap > MESSAGE_KEPT_BYTES_MAX)
        buf_done(&ws->message);
    else
        buf_clear(&ws->message);
    return true;
}

static bool begin_frame(struct websocket *ws, const struct wslay_frame_iocb *frame)
{
    bool control = wslay_is_ctrl_frame(frame->opcode);
    bool goes_on = frame->opcode == WSLAY_CONTINUATION_FRAME;

    if (frame->rsv && !(ws->deflate && frame->rsv == WSLAY_RSV1_BIT && !control && !goes_on))
        return fail(ws, WEBSOCKET_PROTOCOL_ERROR, "a frame with reserved bits");
    if (ws->role != WEBSOCKET_SERVER_LENIENT && frame->mask != (ws->role == WEBSOCKET_SERVER))
        return fail(ws, WEBSOCKET_PROTOCOL_ERROR,
                    frame->mask ? "a masked frame from a server"
                                : "a frame from a client without a mask");
    if (frame->opcode > WSLAY_PONG || (frame->opcode > WSLAY_BINARY_FRAME && !control))
        return fail(ws, WEBSOCKET_PROTOCOL_ERROR, "a frame with an unknown opcode");
    ws->left = frame->payload_length;
    ws->in_frame = true;
    if (control) {
        buf_clear(&ws->control);
        return true;
    }
    if (goes_on != (ws->opcode != NO_OPCODE))
        return fail(ws, WEBSOCKET_PROTOCOL_ERROR,
                    goes_on ? "a continuation of no message"
                            : "a new message before the end of the last one");
    if (!goes_on)
        ws->opcode = frame->opcode;
    if (!goes_on)
        ws->packed = frame->rsv;
    if (frame->payload_length > WEBSOCKET_MESSAGE_BYTES_MAX - ws->message.len)
        return fail(ws, WEBSOCKET_TOO_BIG, "a message longer than 1 MiB");
    return true;
}

/* Takes a piece of a message's payload; a character may still be open at its end. */
static bool take_data(struct websocket *ws, str data)
{
    str fresh;

    if (ws->state != WEBSOCKET_OPEN)
        return true;                             /* nobody is to see it: we have said Close */
    ASSERT(buf_append(&ws->message, data) == 0); /* begin_frame() has looked at its length */
    if (ws->opcode != WSLAY_TEXT_FRAME || ws->packed)
        return true;
    fresh = str_skip(buf_str(&ws->message), ws->checked);
    fresh.len -= utf8_open_tail(fresh);
    if (!utf8_is_valid(fresh))
        return fail(ws, WEBSOCKET_NOT_UTF8, "a text message that is not UTF-8");
    ws->checked += fresh.len;
    return true;
}

static bool take_piece(struct websocket *ws, const struct wslay_frame_iocb *frame)
{
    str data = {(const char *)frame->data, frame->data_length};
    bool control = wslay_is_ctrl_frame(frame->opcode);

    if (!ws->in_frame && !begin_frame(ws, frame))
        return false;
    if (control)
        ASSERT(buf_append(&ws->control, data) == 0); /* wslay has looked at its length */
    else if (!take_data(ws, data))
        return false;
    ws->left -= data.len;
    if (ws->left)
        return true;
    ws->in_frame = false;
    if (control)
        return end_control(ws, frame->opcode);
    return !frame->fin || end_message(ws);
}

static void keep(struct websocket *ws, str bytes)
{
    ASSERT(buf_append(&ws->rest, bytes) == 0);
}

void websocket_receive(struct websocket *ws, str bytes)
{
    struct wslay_frame_iocb frame = {0};
    bool more = ws->state != WEBSOCKET_CLOSED;
    ssize_t got;

    ws->input = bytes;
    while (more && !ws->held) {
        got = wslay_frame_recv(ws->frames, &frame);
        if (got == WSLAY_ERR_WANT_READ)
            more = ws->input.len > 0; /* it reads once a call, and may need the next bytes too */
        else if (got < 0)
            more = fail(ws, WEBSOCKET_PROTOCOL_ERROR, "a frame with a malformed head");
        else
            more = take_piece(ws, &frame);
    }
    if (more)
        keep(ws, ws->input);
    ws->input = STR_NONE;
}

void websocket_hold(struct websocket *ws, bool held)
{
    bool let_go = ws->held && !held;
    size_t len;
    char *rest;

    ws->held = held;
    if (!let_go)
        return;
    rest = buf_take(&ws->rest, &len);
    websocket_receive(ws, (str){rest, len});
    free(rest);
}

/* ---- life ---- */

struct websocket *websocket_new(enum websocket_role role, bool deflate,
                                const struct websocket_hooks *hooks, void *owner)
{
    static const struct wslay_frame_callbacks callbacks = {on_write, on_read, on_mask};
    struct websocket *ws = mem_new(struct websocket);

    ws->role = role;
    ws->deflate = deflate;
    ws->hooks = hooks;
    ws->owner = owner;
    ws->opcode = NO_OPCODE;
    ASSERT(wslay_frame_context_init(&ws->frames, &callbacks, ws) == 0);
    buf_init(&ws->message, WEBSOCKET_MESSAGE_BYTES_MAX);
    buf_init(&ws->control, CONTROL_BYTES_MAX);
    buf_init(&ws->out, SIZE_MAX / 4);
    buf_init(&ws->rest, REST_BYTES_MAX);
    return ws;
}

void websocket_free(struct websocket *ws)
{
    if (!ws)
        return;
    wslay_frame_context_free(ws->frames);
    buf_done(&ws->message);
    buf_done(&ws->control);
    buf_done(&ws->out);
    buf_done(&ws->rest);
    free(ws);
}

enum websocket_state websocket_state(const struct websocket *ws)
{
    return ws->state;
}

struct buf *websocket_output(struct websocket *ws)
{
    return &ws->out;
}
