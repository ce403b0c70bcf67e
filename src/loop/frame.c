/* Frames over a stream socket; see frame.h.
 *
 * (1) `in` holds the bytes of at most one frame that is not whole yet, plus what came with it.
 * (2) After on_end or frame_link_close no hook is called. */
#include "loop/frame.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

enum { FRAME_HEAD_BYTES = 8, FRAME_READ_BYTES = 64 << 10 };

struct frame_link {
    uv_pipe_t pipe;
    const struct frame_link_hooks *hooks;
    void *context;
    struct buf in;
    struct buf held;   /* frames that wait for frame_link_flush() */
    bool holding;
    bool ended;
};

struct frame_write {
    uv_write_t request;
    char *bytes;
};

static uint32_t read_u32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void write_u32(char *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (char)(value >> 8 * i);
}

static void end(struct frame_link *link)
{
    if (link->ended)
        return;
    link->ended = true;
    uv_read_stop((uv_stream_t *)&link->pipe);
    link->hooks->on_end(link->context);
}

/* Hands over the first frame of `in`. Returns its length, 0 when it is not whole, -1 if broken. */
static ssize_t take_frame(struct frame_link *link)
{
    size_t json_len, blob_len;
    json_t *object;

    if (link->in.len < FRAME_HEAD_BYTES)
        return 0;
    json_len = read_u32(link->in.ptr);
    blob_len = read_u32(link->in.ptr + 4);
    if (json_len > FRAME_JSON_MAX || blob_len > FRAME_BLOB_MAX)
        return -1;
    if (link->in.len < FRAME_HEAD_BYTES + json_len + blob_len)
        return 0;

    object = json_loadb(link->in.ptr + FRAME_HEAD_BYTES, json_len, 0, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        return -1;
    }
    link->hooks->on_frame(link->context, object,
                          (str){link->in.ptr + FRAME_HEAD_BYTES + json_len, blob_len});
    json_decref(object);
    return (ssize_t)(FRAME_HEAD_BYTES + json_len + blob_len);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct frame_link *link = handle->data;

    (void)suggested;
    if (buf_reserve(&link->in, FRAME_READ_BYTES) < 0) {
        *ret = uv_buf_init(NULL, 0);
        return;
    }
    *ret = uv_buf_init(link->in.ptr + link->in.len, FRAME_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct frame_link *link = stream->data;
    ssize_t taken = 0;

    (void)buf;
    if (count < 0) {
        end(link);
        return;
    }
    link->in.len += (size_t)count;
    while (!uv_is_closing((uv_handle_t *)stream) && (taken = take_frame(link)) > 0)
        buf_consume(&link->in, (size_t)taken);
    if (taken < 0)
        end(link);
}

struct frame_link *frame_link_new(uv_loop_t *loop, int fd, const struct frame_link_hooks *hooks,
                                  void *context)
{
    struct frame_link *link = mem_new(struct frame_link);

    link->hooks = hooks;
    link->context = context;
    buf_init(&link->in, FRAME_HEAD_BYTES + FRAME_JSON_MAX + FRAME_BLOB_MAX + FRAME_READ_BYTES);
    buf_init(&link->held, SIZE_MAX / 4);
    ASSERT(uv_pipe_init(loop, &link->pipe, 0) == 0);
    ASSERT(uv_pipe_open(&link->pipe, fd) == 0);
    link->pipe.data = link;
    ASSERT(uv_read_start((uv_stream_t *)&link->pipe, on_alloc, on_read) == 0);
    return link;
}

static void on_written(uv_write_t *request, int status)
{
    struct frame_write *write = CONTAINER_OF(request, struct frame_write, request);

    (void)status;
    free(write->bytes);
    free(write);
}

/* `bytes` are taken. */
static void write_bytes(struct frame_link *link, char *bytes, size_t len)
{
    struct frame_write *write = mem_new(struct frame_write);
    uv_buf_t buf = uv_buf_init(bytes, (unsigned)len);

    write->bytes = bytes;
    if (uv_write(&write->request, (uv_stream_t *)&link->pipe, &buf, 1, on_written) < 0)
        on_written(&write->request, -1);
}

void frame_link_send(struct frame_link *link, json_t *object, str blob)
{
    size_t json_len = json_dumpb(object, NULL, 0, JSON_COMPACT);
    size_t len = FRAME_HEAD_BYTES + json_len + blob.len;
    char *at;

    ASSERT(json_len > 0 && json_len <= FRAME_JSON_MAX && blob.len <= FRAME_BLOB_MAX);
    if (link->ended || uv_is_closing((uv_handle_t *)&link->pipe)) {
        json_decref(object);
        return;
    }
    ASSERT(buf_reserve(&link->held, len) == 0);
    at = link->held.ptr + link->held.len;
    write_u32(at, (uint32_t)json_len);
    write_u32(at + 4, (uint32_t)blob.len);
    json_dumpb(object, at + FRAME_HEAD_BYTES, json_len, JSON_COMPACT);
    if (blob.len)
        memcpy(at + FRAME_HEAD_BYTES + json_len, blob.ptr, blob.len);
    link->held.len += len;
    json_decref(object);
    if (!link->holding)
        frame_link_flush(link);
}

void frame_link_hold(struct frame_link *link)
{
    link->holding = true;
}

void frame_link_flush(struct frame_link *link)
{
    size_t len;
    char *bytes;

    if (!link->held.len)
        return;
    bytes = buf_take(&link->held, &len);
    write_bytes(link, bytes, len);
}

size_t frame_link_queued_bytes(const struct frame_link *link)
{
    return link->held.len + uv_stream_get_write_queue_size((const uv_stream_t *)&link->pipe);
}

static void on_closed(uv_handle_t *handle)
{
    struct frame_link *link = handle->data;

    buf_done(&link->in);
    buf_done(&link->held);
    free(link);
}

void frame_link_close(struct frame_link *link)
{
    if (!link || uv_is_closing((uv_handle_t *)&link->pipe))
        return;
    link->ended = true;
    uv_close((uv_handle_t *)&link->pipe, on_closed);
}
