/* Bytes on their way out; see r2_source.h. */
#include "bindings/r2/r2_source.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { AHEAD_BYTES = 1 << 20 };

static atomic_int early;

void r2_source_init(struct r2_source *source)
{
    *source = (struct r2_source){.fd = -1};
}

void r2_source_open(struct r2_source *source, const char *directory, struct r2_store_object *object,
                    uint64_t offset, uint64_t length)
{
    source->directory = directory;
    source->pieces = object->pieces;
    source->piece_count = object->piece_count;
    object->pieces = NULL;
    object->piece_count = 0;
    source->offset = offset;
    source->left = length;
    while (source->at < source->piece_count && source->offset >= source->pieces[source->at].length)
        source->offset -= source->pieces[source->at++].length;
}

/* Somebody reads from it, or it is closed. */
static void forget_early(struct r2_source *source)
{
    if (source->is_early)
        atomic_fetch_sub(&early, 1);
    source->is_early = false;
}

static void close_piece(struct r2_source *source)
{
    forget_early(source);
    if (source->fd >= 0)
        close(source->fd);
    source->fd = -1;
}

void r2_source_done(struct r2_source *source)
{
    close_piece(source);
    free(source->pieces);
    r2_source_init(source);
}

static int open_piece(struct r2_source *source, struct err *err)
{
    const struct r2_store_piece *piece = &source->pieces[source->at];

    source->fd = cache_body_open(source->directory, piece->file, piece->length);
    if (source->fd >= 0)
        return 0;
    if (source->fd == ERR_NOT_FOUND)
        return err_set(err, ERR_NOT_FOUND,
                       "the object was replaced or deleted before it was read, or its file is "
                       "damaged");
    return err_set(err, ERR_IO, "the object cannot be read");
}

/* Up to `max` bytes of the piece it is at. */
static int read_piece(struct r2_source *source, size_t max, struct buf *out, struct err *err)
{
    uint64_t here = source->pieces[source->at].length - source->offset;
    int64_t got;
    int r;

    forget_early(source);
    if (source->fd < 0 && (r = open_piece(source, err)) < 0)
        return r;
    if (max > here)
        max = here;
    if ((r = buf_reserve(out, max)) < 0)
        return err_set(err, r, "the object is too large for this");
    got = cache_body_read(source->fd, source->offset, out->ptr + out->len, max);
    if (got <= 0)
        return err_set(err, ERR_IO, "the object cannot be read");
    out->len += (size_t)got;
    source->offset += (uint64_t)got;
    source->left -= (uint64_t)got;
    return 0;
}

int r2_source_read(struct r2_source *source, size_t max, struct buf *out, struct err *err)
{
    size_t end = out->len + max;
    int r = 0;

    while (r == 0 && source->left && out->len < end) {
        if (source->at == source->piece_count)
            return err_set(err, ERR_INVALID, "the bucket's index is damaged");
        if (source->offset == source->pieces[source->at].length) {
            close_piece(source);
            source->at++;
            source->offset = 0;
            continue;
        }
        r = read_piece(source, end - out->len < source->left ? end - out->len : source->left, out,
                       err);
    }
    if (!source->left)
        close_piece(source);
    return r;
}

bool r2_source_is_one_file(const struct r2_source *source)
{
    return source->left && source->at < source->piece_count &&
           source->pieces[source->at].length - source->offset >= source->left;
}

int r2_source_open_file(struct r2_source *source, struct err *err)
{
    int r = source->fd < 0 ? open_piece(source, err) : 0;

    if (r == 0)
        posix_fadvise(source->fd, (off_t)source->offset,
                      source->left < AHEAD_BYTES ? (off_t)source->left : AHEAD_BYTES,
                      POSIX_FADV_WILLNEED);
    return r;
}

bool r2_source_open_early(struct r2_source *source)
{
    struct err err;

    source->is_early = atomic_fetch_add(&early, 1) < R2_SOURCE_EARLY_MAX;
    if (!source->is_early)
        atomic_fetch_sub(&early, 1);
    else if (r2_source_open_file(source, &err) < 0)
        forget_early(source); /* who reads it hears why */
    return source->fd >= 0;
}

int r2_source_copy_file(const struct r2_source *source, uint64_t *ret_from, uint64_t *ret_length)
{
    if (source->fd < 0 || !r2_source_is_one_file(source))
        return -1;
    *ret_from = source->offset;
    *ret_length = source->left;
    return fcntl(source->fd, F_DUPFD_CLOEXEC, 0);
}
