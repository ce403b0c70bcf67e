/* Ops under js/crypto.js: random bytes, UUIDs, digests.
 *
 * Small requests for random bytes are served from a pool that one system call fills; what was
 * given out is wiped from it at once.
 *
 * A digest of a few kilobytes is made on the spot. A larger one must not hold up the loop:
 *
 *   op_crypto_digest_later:  copy ── uv_queue_work ── on_digest_work (a pool's thread)
 *                                                       │
 *   on_digest_run (in a turn) ── isolate_post ── on_digest_done (the loop)
 *
 * (1) A job's isolate may go while the job runs: on_isolate_gone() then clears `iso`, and the job
 *     is freed when its work is done. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/err.h"
#include "engine/hook.h"
#include "engine/op.h"
#include "engine/value.h"
#include "web/web.h"

enum {
    POOL_BYTES = 4096,
    POOL_REQUEST_MAX = 512, /* larger requests go to the kernel directly */
    UUID_BYTES = 16,
    UUID_CHARS = 36,
};

static void random_from_kernel(char *out, size_t len)
{
    while (len) {
        ssize_t got = getrandom(out, len, 0);
        ASSERT(got > 0 || errno == EINTR);
        if (got > 0) {
            out += got;
            len -= (size_t)got;
        }
    }
}

static void random_bytes(char *out, size_t len)
{
    static char pool[POOL_BYTES];
    static size_t used = POOL_BYTES;

    if (len > POOL_REQUEST_MAX) {
        random_from_kernel(out, len);
        return;
    }
    if (len > POOL_BYTES - used) {
        random_from_kernel(pool, sizeof pool);
        used = 0;
    }
    memcpy(out, pool + used, len);
    explicit_bzero(pool + used, len);
    used += len;
}

/* (Uint8Array): fills it. */
OP(op_crypto_random)
{
    const void *bytes;
    size_t len;

    if (!value_view(ctx, OP_ARG(0), &bytes, &len))
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    if (len)
        random_bytes((char *)bytes, len);
    return JSValueMakeUndefined(ctx);
}

/* () -> a random UUID (RFC 9562, version 4). */
OP(op_crypto_uuid)
{
    char bytes[UUID_BYTES], text[UUID_CHARS], *at = text;

    random_bytes(bytes, sizeof bytes);
    bytes[6] = (char)((bytes[6] & 0x0F) | 0x40);
    bytes[8] = (char)((bytes[8] & 0x3F) | 0x80);
    for (int i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = "0123456789abcdef"[(unsigned char)bytes[i] >> 4];
        *at++ = "0123456789abcdef"[bytes[i] & 15];
    }
    return value_latin1(ctx, (str){text, sizeof text});
}

/* The digest by its number in js/crypto.js, or NULL. */
static const EVP_MD *digest_of(JSContextRef ctx, JSValueRef number)
{
    switch ((int)value_to_number(ctx, number, -1)) {
    case 0:
        return EVP_sha1();
    case 1:
        return EVP_sha256();
    case 2:
        return EVP_sha384();
    case 3:
        return EVP_sha512();
    default:
        return NULL;
    }
}

/* (digest number, bytes) -> Uint8Array */
OP(op_crypto_digest)
{
    const EVP_MD *md = digest_of(ctx, OP_ARG(0));
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned out_len = 0;
    const void *bytes;
    size_t len;

    if (!md || !value_view(ctx, OP_ARG(1), &bytes, &len))
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    ASSERT(EVP_Digest(len ? bytes : "", len, out, &out_len, md, NULL) == 1);
    return value_bytes(ctx, out, out_len);
}

struct digest_job {
    uv_work_t work;
    struct task task;
    struct resource resource;
    struct isolate *iso; /* NULL once the isolate is gone */
    int32_t id;
    const EVP_MD *md;
    char *bytes;
    size_t len;
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned out_len;
};

static void job_free(struct digest_job *job)
{
    free(job->bytes);
    free(job);
}

static void on_isolate_gone(struct resource *resource)
{
    CONTAINER_OF(resource, struct digest_job, resource)->iso = NULL;
}

static void on_digest_work(uv_work_t *work)
{
    struct digest_job *job = work->data;

    ASSERT(EVP_Digest(job->bytes, job->len, job->out, &job->out_len, job->md, NULL) == 1);
}

static void on_digest_run(struct isolate *iso, struct task *task)
{
    struct digest_job *job = CONTAINER_OF(task, struct digest_job, task);

    hook_complete(iso, job->id, NULL, value_bytes(isolate_context(iso), job->out, job->out_len));
    job_free(job);
}

static void on_digest_drop(struct task *task)
{
    job_free(CONTAINER_OF(task, struct digest_job, task));
}

static void on_digest_done(uv_work_t *work, int status)
{
    struct digest_job *job = work->data;

    ASSERT(status == 0);
    if (!job->iso) {
        job_free(job);
        return;
    }
    isolate_remove_resource(&job->resource);
    isolate_post(job->iso, &job->task);
}

/* (completion id, digest number, bytes): completes with a Uint8Array. */
OP(op_crypto_digest_later)
{
    const EVP_MD *md = digest_of(ctx, OP_ARG(1));
    struct digest_job *job;
    const void *bytes;
    size_t len;

    if (!md || !value_view(ctx, OP_ARG(2), &bytes, &len))
        return value_throw(ctx, ERR_INVALID, NULL, exception);
    job = mem_new(struct digest_job);
    job->bytes = mem_alloc(len);
    if (len)
        memcpy(job->bytes, bytes, len);
    job->len = len;
    job->md = md;
    job->id = (int32_t)value_to_number(ctx, OP_ARG(0), 0);
    job->iso = isolate_current();
    job->work.data = job;
    job->task.run = on_digest_run;
    job->task.drop = on_digest_drop;
    job->resource.close = on_isolate_gone;
    isolate_add_resource(job->iso, &job->resource);
    ASSERT(uv_queue_work(isolate_loop(), &job->work, on_digest_work, on_digest_done) == 0);
    return JSValueMakeUndefined(ctx);
}

const struct op op_crypto_table[] = {
    {"op_crypto_random", op_crypto_random},
    {"op_crypto_uuid", op_crypto_uuid},
    {"op_crypto_digest", op_crypto_digest},
    {"op_crypto_digest_later", op_crypto_digest_later},
    {0},
};
