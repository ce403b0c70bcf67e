/* Bytes on their way in; see r2_body.h.
 *
 * (1) A file is locked from its making until it is adopted, so that a sweep leaves it alone. One
 * that
 *     a sweep took between its making and its lock is made once more.
 * (2) A row may name a file only when its bytes and its name are on the disk: the file, its
 *     directory and the one above are synced first. */
#include "bindings/r2/r2_body.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bindings/quota.h"
#include "os/file.h"

enum { CREATE_TRIES = 8 };

static int fail(struct err *err)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return err_set(err, ERR_LIMIT, "the disk is full");
    return err_set(err, ERR_IO, "the object cannot be written: %s", strerror(errno));
}

void r2_body_init(struct r2_body *body, const char *directory, const char *checksum)
{
    *body = (struct r2_body){.fd = -1};
    body->directory = str_dup(str_from(directory));
    buf_init(&body->small, R2_BODY_SMALL_BYTES);
    r2_digest_init(&body->digest, checksum);
}

void r2_body_done(struct r2_body *body)
{
    if (body->fd >= 0) {
        cache_body_remove(body->directory, body->file);
        close(body->fd);
        body->fd = -1;
    }
    buf_done(&body->small);
    r2_digest_done(&body->digest);
    free(body->directory);
    body->directory = NULL;
}

/* (1) */
static int create(struct r2_body *body, struct err *err)
{
    struct stat st;
    int r = quota_check(body->directory, err);

    if (r < 0)
        return r;
    for (int i = 0; i < CREATE_TRIES; i++) {
        errno = 0;
        body->fd = cache_body_create(body->directory, body->file, err);
        if (body->fd < 0 && errno != EWOULDBLOCK)
            return fail(err);
        if (body->fd >= 0 && fstat(body->fd, &st) == 0 && st.st_nlink)
            return 0;
        if (body->fd >= 0)
            close(body->fd);
        body->fd = -1;
    }
    return err_set(err, ERR_IO, "the object cannot be written");
}

static int write_out(struct r2_body *body, str bytes, struct err *err)
{
    return cache_body_write(body->fd, bytes, err) < 0 ? fail(err) : 0;
}

int r2_body_write(struct r2_body *body, str bytes, struct err *err)
{
    int r = 0;

    r2_digest_add(&body->digest, bytes);
    body->length += bytes.len;
    if (body->fd < 0 && !body->is_part && buf_append(&body->small, bytes) == 0)
        return 0;
    if (body->fd < 0 && (r = create(body, err)) == 0 && body->small.len) {
        r = write_out(body, buf_str(&body->small), err);
        buf_done(&body->small);
    }
    return r < 0 ? r : write_out(body, bytes, err);
}

static int sync_directory(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

    if (fd < 0 || fsync(fd) < 0)
        r = fail(err);
    if (fd >= 0)
        close(fd);
    return r;
}

int r2_body_end(struct r2_body *body, struct err *err)
{
    char place[PATH_MAX];
    int r = 0;

    if (body->is_part && body->fd < 0)
        r = create(body, err);
    r2_digest_end(&body->digest, body->md5, body->other);
    if (r < 0 || body->fd < 0)
        return r;
    if (snprintf(place, sizeof place, "%s/%.2s", body->directory, body->file) >= PATH_MAX)
        return err_set(err, ERR_IO, "the object cannot be written");
    if (fsync(body->fd) < 0)
        return fail(err);
    r = sync_directory(place, err);
    return r < 0 ? r : sync_directory(body->directory, err);
}

void r2_body_adopt(struct r2_body *body)
{
    if (body->fd >= 0)
        close(body->fd);
    body->fd = -1;
}
