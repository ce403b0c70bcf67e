/* Answers that make a request's connection a WebSocket, under js/websocket.js. */
#include "runtime/op_upgrade.h"

#include <stdlib.h>

#include "engine/value.h"
#include "http/handshake.h"
#include "http/websocket.h"
#include "http/websocket_deflate.h"
#include "runtime/exchange.h"
#include "runtime/version.h"
#include "web/op_websocket.h"

enum { HEAD_BYTES_MAX = 256 << 10 };

/* The answer to a request that cannot become a WebSocket, which is the client's fault or that of
 * the worker, which did not look at its Upgrade header. */
static void refuse(struct exchange *x, const struct handshake *asked)
{
    str head = STR("content-type: text/plain;charset=UTF-8\r\nupgrade: websocket\r\n"
                   "sec-websocket-version: 13\r\n");

    if (!asked->upgrade)
        exchange_answer(x, 426, head,
                        STR("426 This address answers with a WebSocket, but the request does not "
                            "ask for one (Upgrade: websocket).\n"));
    else if (asked->wrong_version)
        exchange_answer(x, 426, head,
                        STR("426 Only version 13 of the WebSocket protocol is spoken here "
                            "(Sec-WebSocket-Version: 13).\n"));
    else
        exchange_answer(x, 400, head,
                        STR("400 This is no WebSocket handshake: it takes GET, HTTP/1.1, no body "
                            "and a Sec-WebSocket-Key of 16 bytes as base64.\n"));
}

static JSValueRef upgrade(JSContextRef ctx, struct exchange *x, const struct handshake *asked,
                          JSValueRef head_arg, JSValueRef *exception)
{
    bool deflate = websocket_deflate_accepts(asked->extensions);
    JSValueRef socket = JSValueMakeUndefined(ctx);
    char accept[HANDSHAKE_ACCEPT_BYTES];
    struct buf head;
    size_t len;
    char *text = value_to_utf8(ctx, head_arg, &len, exception);

    if (!text)
        return socket;
    handshake_accept(asked->key, accept);
    buf_init(&head, HEAD_BYTES_MAX);
    if (buf_append(&head, STR("connection: upgrade\r\nupgrade: websocket\r\n"
                              "sec-websocket-accept: ")) == 0 &&
        buf_append(&head, (str){accept, sizeof accept}) == 0 &&
        buf_append(&head, STR("\r\n")) == 0 &&
        (!deflate || buf_append(&head, STR("sec-websocket-extensions: " WEBSOCKET_DEFLATE_ANSWER
                                           "\r\n")) == 0) &&
        buf_append(&head, op_websocket_narrow(text, len)) == 0)
        socket = op_websocket_accept(ctx, x->http, buf_str(&head), deflate, exception);
    buf_done(&head);
    free(text);
    return socket;
}

/* op_upgrade(request, head): the native WebSocket, or undefined when the request is over or was
 * refused. `head` is lines of the worker's headers. */
OP(op_upgrade)
{
    struct exchange *x = exchange_find((int32_t)value_to_number(ctx, OP_ARG(0), 0));
    JSValueRef socket = JSValueMakeUndefined(ctx);
    struct handshake asked;

    if (!x || !exchange_can_answer(x))
        return socket;
    handshake_read(str_skip(buf_str(&x->text), x->method_len + x->url_len), &asked);
    if (asked.upgrade && !asked.wrong_version && !asked.wrong_key && x->method_id == HTTP_GET)
        socket = upgrade(ctx, x, &asked, OP_ARG(1), exception);
    if (!JSValueIsUndefined(ctx, socket) && version_is_draining(x->version))
        op_websocket_leave(version_isolate(x->version), WEBSOCKET_RESTART);
    if (exchange_can_answer(x) && JSValueIsUndefined(ctx, socket) && !*exception)
        refuse(x, &asked);
    return socket;
}

const struct op op_upgrade_table[] = {{"op_upgrade", op_upgrade}, {0}};
