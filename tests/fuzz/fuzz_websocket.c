/* http/websocket: any bytes as frames. Cut anywhere, they must tell and answer the same. */
#include <stdlib.h>

#include "http/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TOLD_BYTES_MAX = 64 << 20 };

static void tell(struct buf *told, char what, str data)
{
    ASSERT(buf_append_char(told, what) == 0 && buf_append(told, data) == 0);
}

static void on_message(void *owner, bool is_text, str data)
{
    ASSERT(data.len <= WEBSOCKET_MESSAGE_BYTES_MAX);
    tell(owner, is_text ? 't' : 'b', data);
}

static void on_closed(void *owner, bool clean, int code, str reason)
{
    ASSERT(!clean || code == WEBSOCKET_NO_CODE || websocket_code_is_valid(code));
    ASSERT(!clean || reason.len <= WEBSOCKET_REASON_BYTES_MAX);
    tell(owner, clean ? 'c' : 'f', reason);
}

static const struct websocket_hooks hooks = {on_message, on_closed};

/* A server's output is not random: a client's masks would be. */
static void run(enum websocket_role role, bool deflate, str input, size_t piece, struct buf *told)
{
    struct websocket *ws = websocket_new(role, deflate, &hooks, told);
    size_t given = 0;

    while (input.len) {
        str part = str_head(input, piece);
        char *copy = str_dup(part); /* its end is watched over by the sanitizer */

        websocket_receive(ws, (str){copy, part.len});
        free(copy);
        given += part.len;
        input = str_skip(input, part.len);
    }
    if (role == WEBSOCKET_SERVER) {
        ASSERT(websocket_output(ws)->len <= given + WEBSOCKET_REASON_BYTES_MAX + 4);
        tell(told, '>', buf_str(websocket_output(ws)));
    }
    websocket_close(ws, WEBSOCKET_GOING_AWAY, STR_NONE);
    websocket_free(ws);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t piece = size ? data[0] % 9 + 1 : 1;
    enum websocket_role role = size && data[0] & 0x80 ? WEBSOCKET_CLIENT : WEBSOCKET_SERVER;
    bool deflate = size && data[0] & 0x40;
    str input = str_skip((str){(const char *)data, size}, 1);
    struct buf whole, pieces;

    buf_init(&whole, TOLD_BYTES_MAX);
    buf_init(&pieces, TOLD_BYTES_MAX);
    run(role, deflate, input, input.len, &whole);
    run(role, deflate, input, piece, &pieces);
    ASSERT(str_equal(buf_str(&whole), buf_str(&pieces)));
    buf_done(&whole);
    buf_done(&pieces);
    return 0;
}
