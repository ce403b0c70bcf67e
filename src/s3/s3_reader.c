/* Bytes on their way out; see s3_reader.h.
 *
 *     answer: piece ──written──> next piece read ──> piece ... end
 *               └──the connection is full──> on_drain ──^
 *
 * (1) One piece is read when the one before has been written: a slow client costs one piece. */
#include "s3/s3_reader.h"

#include <stdlib.h>

static void reader_free(void *state)
{
    struct s3_reader *reader = state;

    r2_source_done(&reader->source);
    storage_job_queue_free(reader->queue);
    buf_done(&reader->bytes);
    free(reader);
}

struct s3_reader *s3_reader_new(struct s3_call *call)
{
    struct s3_reader *reader = mem_new(struct s3_reader);
    size_t len;

    ASSERT(!call->state);
    call->state = reader;
    call->state_free = reader_free;
    reader->call = call;
    reader->queue = storage_job_queue_new();
    reader->source = call->request.source;
    r2_source_init(&call->request.source);
    buf_init(&reader->bytes, call->request.bytes.len + S3_READER_BYTES);
    if (call->request.bytes.len) {
        reader->bytes.len = reader->bytes.cap = call->request.bytes.len;
        reader->bytes.ptr = buf_take(&call->request.bytes, &len);
    }
    return reader;
}

bool s3_reader_is_at_end(const struct s3_reader *reader)
{
    return !reader->source.left;
}

static void run_read(struct storage_job *job)
{
    struct s3_reader *reader = CONTAINER_OF(job, struct s3_reader, job);

    buf_clear(&reader->bytes);
    (void)!r2_source_read(&reader->source, S3_READER_BYTES, &reader->bytes, &reader->err);
}

static void on_read(struct storage_job *job)
{
    struct s3_reader *reader = CONTAINER_OF(job, struct s3_reader, job);
    struct s3_call *call = reader->call;

    if (call->http)
        reader->done(reader);
    s3_call_unref(call);
}

void s3_reader_next(struct s3_reader *reader, void (*done)(struct s3_reader *reader))
{
    reader->done = done;
    reader->job.run = run_read;
    reader->job.done = on_read;
    s3_call_ref(reader->call);
    ASSERT(storage_job_post(reader->queue, &reader->job) == 0); /* one at a time */
}

/* ---- as an answer ---- */

static void write_piece(struct s3_reader *reader);

static void on_piece(struct s3_reader *reader)
{
    if (reader->err.code)
        http_answer_abort(reader->call->http);
    else
        write_piece(reader);
}

static void on_drain(struct s3_call *call)
{
    call->on_drain = NULL;
    s3_reader_next(call->state, on_piece);
}

static void write_piece(struct s3_reader *reader)
{
    struct http_request *http = reader->call->http;
    int r = http_answer_write(http, buf_str(&reader->bytes));

    if (r < 0)
        http_answer_abort(http);
    else if (s3_reader_is_at_end(reader))
        http_answer_end(http);
    else if (r == 0)
        reader->call->on_drain = on_drain;
    else
        s3_reader_next(reader, on_piece);
}

void s3_reader_answer(struct s3_call *call, int status, uint64_t length)
{
    struct s3_reader *reader = s3_reader_new(call);

    if (s3_call_start(call, status, (int64_t)length))
        write_piece(reader);
}
