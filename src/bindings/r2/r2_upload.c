/* Bytes on their way in, from the loop's side; see r2_upload.h.
 *
 * (1) What writes has a reference, so that the upload stays while a thread has it. The last one to
 * go
 *     posts a last job, which takes back what was not adopted.
 * (2) One job at a time: who writes or ends waits for it. */
#include "bindings/r2/r2_upload.h"

#include <stdlib.h>

struct r2_upload {
    int refs;
    struct r2_bucket *bucket;
    struct storage_job_queue *queue;
    struct storage_job job;
    struct r2_body body;
    struct buf kept;
    struct err failed;
    bool ends;
    struct r2_upload_wait *wait;
    struct r2_request *request;
};

enum { KEPT_MAX = 1 << 30 };

struct r2_upload *r2_upload_new(struct r2_bucket *bucket, const struct r2_request_word *word,
                                const json_t *args)
{
    struct r2_upload *upload = mem_new(struct r2_upload);

    upload->refs = 1;
    upload->bucket = r2_bucket_ref(bucket);
    upload->queue = storage_job_queue_new();
    r2_body_init(&upload->body, r2_bucket_bodies(bucket), r2_request_checksum(args));
    upload->body.is_part = r2_request_is_part(word);
    buf_init(&upload->kept, KEPT_MAX);
    return upload;
}

struct r2_upload *r2_upload_ref(struct r2_upload *upload)
{
    upload->refs++;
    return upload;
}

static void run_last(struct storage_job *job)
{
    r2_body_done(&CONTAINER_OF(job, struct r2_upload, job)->body);
}

static void on_last_done(struct storage_job *job)
{
    struct r2_upload *upload = CONTAINER_OF(job, struct r2_upload, job);

    storage_job_queue_free(upload->queue);
    r2_bucket_unref(upload->bucket);
    buf_done(&upload->kept);
    free(upload);
}

static void post(struct r2_upload *upload, void (*run)(struct storage_job *job),
                 void (*done)(struct storage_job *job))
{
    upload->job.run = run;
    upload->job.done = done;
    ASSERT(storage_job_post(upload->queue, &upload->job) == 0); /* (2) */
}

void r2_upload_unref(struct r2_upload *upload)
{
    if (upload && --upload->refs == 0)
        post(upload, run_last, on_last_done);
}

bool r2_upload_is_busy(const struct r2_upload *upload)
{
    return upload->wait || upload->request;
}

bool r2_upload_keep(struct r2_upload *upload, str bytes)
{
    ASSERT(!upload->wait && !upload->request);
    if (buf_append(&upload->kept, bytes) < 0)
        err_set(&upload->failed, ERR_LIMIT, "one piece is larger than 1 GiB");
    return upload->kept.len < R2_UPLOAD_KEPT_BYTES;
}

static void run_write(struct storage_job *job)
{
    struct r2_upload *upload = CONTAINER_OF(job, struct r2_upload, job);
    struct err *err = &upload->failed;
    int r = err->code;

    if (r == 0 && upload->kept.len)
        r = r2_body_write(&upload->body, buf_str(&upload->kept), err);
    if (upload->kept.cap > 2 * R2_UPLOAD_KEPT_BYTES)
        buf_done(&upload->kept);
    buf_clear(&upload->kept);
    if (r == 0 && upload->body.length > R2_STORE_SIZE_MAX)
        r = err_set(err, ERR_LIMIT,
                    "Your proposed upload exceeds the maximum allowed object "
                    "size. (100100)");
    if (r == 0 && upload->ends)
        (void)!r2_body_end(&upload->body, err);
}

static void on_written(struct storage_job *job)
{
    struct r2_upload *upload = CONTAINER_OF(job, struct r2_upload, job);
    struct r2_upload_wait *wait = upload->wait;

    upload->wait = NULL;
    if (upload->failed.code)
        *wait->err = upload->failed;
    wait->done(wait);
    r2_upload_unref(upload);
}

void r2_upload_write(struct r2_upload *upload, struct r2_upload_wait *wait)
{
    ASSERT(!upload->wait && !upload->request);
    upload->wait = wait;
    post(r2_upload_ref(upload), run_write, on_written);
}

static void on_ended(struct storage_job *job)
{
    struct r2_upload *upload = CONTAINER_OF(job, struct r2_upload, job);
    struct r2_request *request = upload->request;

    if (upload->failed.code) {
        *request->err = upload->failed;
        request->done(request);
    } else {
        request->body = &upload->body;
        r2_request_start(request, upload->bucket);
    }
    r2_upload_unref(upload);
}

void r2_upload_end(struct r2_upload *upload, struct r2_request *request)
{
    ASSERT(!upload->wait && !upload->request);
    upload->request = request;
    upload->ends = true;
    post(r2_upload_ref(upload), run_write, on_ended);
}
