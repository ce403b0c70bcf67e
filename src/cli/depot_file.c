/* Objects and files; see depot_file.h.
 *
 * Here, an object of more than a piece is an upload in parts, and what is read is asked for piece
 * by piece, each only if it is the same object still. */
#include "cli/depot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/member.h"
#include "os/file.h"

#define OBJECT "r2/buckets/%s/objects/%s"

struct sink {
    int fd;
    uint64_t bytes;
};

static int write_all(void *context, str bytes, struct err *err)
{
    struct sink *sink = context;

    while (bytes.len) {
        ssize_t put = write(sink->fd, bytes.ptr, bytes.len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return err_set(err, ERR_IO, "the file cannot be written: %s", strerror(errno));
        bytes = str_skip(bytes, (size_t)put);
        sink->bytes += (uint64_t)put;
    }
    return 0;
}

int depot_file_make(struct err *err)
{
    const char *directory = getenv("TMPDIR");
    char path[] = "/var/tmp/atoll-XXXXXX";
    int fd = -1;

    if (directory && *directory)
        fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (fd = mkostemp(path, O_CLOEXEC)) >= 0)
        unlink(path);
    if (fd < 0)
        err_set(err, ERR_IO, "no file can be made in /var/tmp: %s", strerror(errno));
    return fd;
}

int depot_file_copy(int from, uint64_t *ret_bytes, struct err *err)
{
    char piece[64 << 10];
    struct sink sink = {.fd = depot_file_make(err)};
    ssize_t got = 0;
    int r = sink.fd < 0 ? err->code : 0;

    while (r == 0 && (got = read(from, piece, sizeof piece)) > 0)
        r = write_all(&sink, (str){piece, (size_t)got}, err);
    if (r == 0 && got < 0)
        r = err_set(err, ERR_IO, "standard input cannot be read: %s", strerror(errno));
    *ret_bytes = sink.bytes;
    if (r == 0)
        return sink.fd;
    if (sink.fd >= 0)
        close(sink.fd);
    return -1;
}

/* ---- put ---- */

static int read_piece(const struct depot_file *file, uint64_t offset, struct buf *piece,
                      struct err *err)
{
    uint64_t left = file->bytes - offset;
    size_t want = left < DEPOT_FILE_PIECE_BYTES ? left : DEPOT_FILE_PIECE_BYTES;

    buf_clear(piece);
    ASSERT(buf_reserve(piece, want) == 0);
    while (piece->len < want) {
        ssize_t got = pread(file->fd, piece->ptr + piece->len, want - piece->len,
                            (off_t)(offset + piece->len));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(err, ERR_IO, "the file cannot be read: %s",
                           got < 0 ? strerror(errno) : "it became shorter");
        piece->len += (size_t)got;
    }
    return 0;
}

static json_t *said_of(const struct depot_file *file)
{
    json_t *args = file->said ? json_copy((json_t *)file->said) : json_object();

    json_object_set_new(args, "key", json_string(file->key));
    if (file->content_type)
        json_object_set_new(args, "http", json_pack("{s:s}", "contentType", file->content_type));
    return args;
}

static int put_parts(struct depot *depot, const struct depot_file *file, const json_t *upload,
                     struct err *err)
{
    json_t *parts = json_array(), *args;
    struct buf piece;
    int r = 0;

    buf_init(&piece, DEPOT_FILE_PIECE_BYTES);
    for (uint64_t offset = 0; r == 0 && offset < file->bytes; offset += piece.len) {
        json_t *part = NULL;

        if ((r = read_piece(file, offset, &piece, err)) < 0)
            break;
        args = json_copy((json_t *)upload);
        json_object_set_new(args, "partNumber",
                            json_integer((json_int_t)json_array_size(parts) + 1));
        r = depot_call(depot, &(struct depot_words){"part", args, buf_str(&piece)}, &part, NULL,
                       err);
        if (r == 0)
            json_array_append_new(parts, part);
    }
    buf_done(&piece);
    args = json_copy((json_t *)upload);
    json_object_set_new(args, "parts", parts);
    if (r == 0)
        return depot_call(depot, &(struct depot_words){"complete", args, STR_NONE}, NULL, NULL,
                          err);
    json_decref(args);
    return r;
}

static int put_here(struct depot *depot, const struct depot_file *file, struct err *err)
{
    json_t *args = said_of(file), *upload = NULL;
    struct buf whole;
    struct err ignored;
    int r;

    buf_init(&whole, DEPOT_FILE_PIECE_BYTES);
    if (file->bytes <= DEPOT_FILE_PIECE_BYTES) {
        r = read_piece(file, 0, &whole, err);
        if (r == 0)
            r = depot_call(depot, &(struct depot_words){"put", json_incref(args), buf_str(&whole)},
                           NULL, NULL, err);
    } else {
        r = depot_call(depot, &(struct depot_words){"create", json_incref(args), STR_NONE}, &upload,
                       NULL, err);
        if (r == 0 && (r = put_parts(depot, file, upload, err)) < 0)
            (void)!depot_call(depot, &(struct depot_words){"abort", json_incref(upload), STR_NONE},
                              NULL, NULL, &ignored);
    }
    json_decref(upload);
    json_decref(args);
    buf_done(&whole);
    return r;
}

int depot_file_put(struct depot *depot, const struct depot_file *file, struct err *err)
{
    struct remote *remote = depot->session.remote;
    const char *type = file->content_type ? file->content_type : "application/octet-stream";
    const struct remote_file body = {.fd = file->fd, .bytes = file->bytes, .content_type = type};

    if (depot->is_local)
        return put_here(depot, file, err);
    return remote_send_file(remote, "PUT", remote_path(remote, OBJECT, depot->id, file->key), &body,
                            NULL, err);
}

/* ---- get ---- */

/* One piece from `sink->bytes` on. Returns 1 when there is more. */
static int get_piece(struct depot *depot, json_t *args, struct sink *sink, struct err *err)
{
    json_t *found = NULL;
    uint64_t end;
    struct buf bytes;
    int r;

    buf_init(&bytes, DEPOT_FILE_PIECE_BYTES);
    r = depot_call(depot, &(struct depot_words){"get", json_incref(args), STR_NONE}, &found, &bytes,
                   err);
    if (r == 0 && !json_is_true(json_object_get(found, "holds")))
        r = err_set(err, ERR_INVALID, "the object was replaced while it was read");
    end = (uint64_t)member_int(found, "offset") + (uint64_t)member_int(found, "length");
    if (r == 0)
        r = write_all(sink, buf_str(&bytes), err);
    if (r == 0 && sink->bytes < end) {
        json_object_set_new(args, "onlyIf",
                            json_pack("{s:[O]}", "etagMatches",
                                      json_object_get(json_object_get(found, "meta"), "etag")));
        json_object_set_new(args, "range", json_pack("{s:I}", "offset", (json_int_t)sink->bytes));
        r = 1;
    }
    json_decref(found);
    buf_done(&bytes);
    return r;
}

static int get_here(struct depot *depot, const char *key, struct sink *sink, struct err *err)
{
    json_t *args = json_pack("{s:s, s:i}", "key", key, "most", DEPOT_FILE_PIECE_BYTES);
    int r;

    while ((r = get_piece(depot, args, sink, err)) > 0)
        ;
    json_decref(args);
    return r;
}

int depot_file_get(struct depot *depot, const char *key, int fd, uint64_t *ret_bytes,
                   struct err *err)
{
    struct remote *remote = depot->session.remote;
    struct sink sink = {.fd = fd};
    int r = depot->is_local ? get_here(depot, key, &sink, err)
                            : remote_fetch(remote, remote_path(remote, OBJECT, depot->id, key),
                                           write_all, &sink, err);

    *ret_bytes = sink.bytes;
    return r;
}
