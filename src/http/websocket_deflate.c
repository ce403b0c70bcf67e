/* permessage-deflate over zlib; see websocket_deflate.h. */
#include "http/websocket_deflate.h"

#include <zlib.h>

enum { WINDOW_BITS = 15, MEMORY_LEVEL = 8, STEP_BYTES = 16 << 10 };

/* The end of a flush, which is not sent (RFC 7692 7.2.1). */
static const char tail[4] = {0x00, 0x00, (char)0xFF, (char)0xFF};

/* Takes what is before the next `separator` off *rest, trimmed. */
static str next_part(str *rest, char separator)
{
    size_t end = str_find(*rest, separator);
    str part = str_trim(str_head(*rest, end));

    *rest = str_skip(*rest, end + 1);
    return part;
}

/* A smaller window for us is what we do not do; all else is the client's to do or a hint. */
static bool offer_is_fine(str offer)
{
    static const char *const names[] = {"server_no_context_takeover", "client_no_context_takeover",
                                        "client_max_window_bits"};
    bool seen[COUNT_OF(names)] = {false};

    if (!str_equal(next_part(&offer, ';'), STR("permessage-deflate")))
        return false;
    while (offer.len) {
        str value = next_part(&offer, ';'), name = next_part(&value, '=');
        size_t i = 0;

        while (i < COUNT_OF(names) && !str_equal(name, str_from(names[i])))
            i++;
        if (i == COUNT_OF(names) || seen[i] || (value.len && i < 2))
            return false;
        seen[i] = true;
    }
    return true;
}

bool websocket_deflate_accepts(str offers)
{
    while (offers.len)
        if (offer_is_fine(next_part(&offers, ',')))
            return true;
    return false;
}

static z_stream *packer(void)
{
    static z_stream stream;
    static bool made;

    if (!made)
        ASSERT(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, -WINDOW_BITS, MEMORY_LEVEL,
                            Z_DEFAULT_STRATEGY) == Z_OK);
    made = true;
    ASSERT(deflateReset(&stream) == Z_OK);
    return &stream;
}

static z_stream *unpacker(void)
{
    static z_stream stream;
    static bool made;

    if (!made)
        ASSERT(inflateInit2(&stream, -WINDOW_BITS) == Z_OK);
    made = true;
    ASSERT(inflateReset(&stream) == Z_OK);
    return &stream;
}

static void give(z_stream *stream, str bytes)
{
    stream->next_in = (Bytef *)bytes.ptr;
    stream->avail_in = (uInt)bytes.len;
}

/* Room for a step of output. ERR_LIMIT: there is none. */
static int make_room(z_stream *stream, struct buf *out)
{
    size_t left = out->max - out->len, room = left < STEP_BYTES ? left : STEP_BYTES;

    if (!room || buf_reserve(out, room) < 0)
        return ERR_LIMIT;
    stream->next_out = (Bytef *)out->ptr + out->len;
    stream->avail_out = (uInt)room;
    return 0;
}

int websocket_deflate_pack(str bytes, struct buf *out)
{
    z_stream *stream = packer();

    give(stream, bytes);
    do {
        if (make_room(stream, out) < 0)
            return ERR_LIMIT;
        deflate(stream, Z_SYNC_FLUSH);
        out->len = (size_t)((char *)stream->next_out - out->ptr);
    } while (!stream->avail_out);
    ASSERT(!stream->avail_in && str_ends(buf_str(out), (str){tail, sizeof tail}));
    out->len -= sizeof tail;
    return 0;
}

/* Decompresses all of `bytes`. Returns 1 at the end of the last block, 0 when more may come. */
static int unpack_some(z_stream *stream, str bytes, struct buf *out)
{
    static char beyond; /* the stream keeps its address; nobody reads it */
    int r;

    give(stream, bytes);
    do {
        if (make_room(stream, out) < 0) {
            stream->next_out = (Bytef *)&beyond; /* full: is there anything else? */
            stream->avail_out = 1;
            r = inflate(stream, Z_SYNC_FLUSH);
            if (!stream->avail_out)
                return ERR_LIMIT;
        } else {
            r = inflate(stream, Z_SYNC_FLUSH);
            out->len = (size_t)((char *)stream->next_out - out->ptr);
        }
        if (r == Z_STREAM_END)
            return 1;
        if (r != Z_OK && r != Z_BUF_ERROR)
            return ERR_INVALID;
    } while (stream->avail_in || !stream->avail_out);
    return 0;
}

int websocket_deflate_unpack(str payload, struct buf *out)
{
    z_stream *stream = unpacker();
    int r = unpack_some(stream, payload, out);

    if (r == 0)
        r = unpack_some(stream, (str){tail, sizeof tail}, out);
    return r > 0 ? 0 : r;
}
