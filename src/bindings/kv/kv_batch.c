/* Many small writes as one; see kv_batch.h.
 *
 *   text:  key value metadata | key value metadata | key (a delete) | ...
 *
 * A put alone costs a job, a place in two lists and a completion, more than SQLite takes for its
 * row: what a task puts at once shares all of these. */
#include "bindings/kv/kv_batch.h"

#include <stdlib.h>

#include "os/clock.h"

static void on_written(struct kv_space_write *write)
{
    struct kv_batch *batch = CONTAINER_OF(write, struct kv_batch, write);
    struct kv_space *space = batch->space;

    if (!write->code)
        batch->err->code = 0; /* of a row: it is among the faults */
    batch->done(batch);
    kv_space_unref(space);
}

static void on_failed(struct kv_space_write *write)
{
    struct kv_batch *batch = CONTAINER_OF(write, struct kv_batch, write);

    if (!batch->faults)
        batch->faults = mem_zeroed(batch->count * sizeof *batch->faults);
    batch->faults[write->part] = (struct kv_batch_fault){
        .code = batch->err->code,
        .text = str_dup(str_from(batch->err->text)),
    };
}

static str next_piece(const char **at, size_t len)
{
    str piece = {*at, len};

    *at += len;
    return piece;
}

static int run(struct kv_space_write *write, struct kv_store *store, struct kv_shared *shared)
{
    struct kv_batch *batch = CONTAINER_OF(write, struct kv_batch, write);
    const struct kv_batch_row *row = &batch->rows[write->part];
    const char *at = batch->text.ptr + row->at;
    struct kv_store_put put = {.expires = row->expires};

    put.key = next_piece(&at, row->key);
    put.value = next_piece(&at, row->value);
    put.metadata = next_piece(&at, row->metadata);
    if (!write->part)
        batch->now = clock_wall_s();
    kv_shared_mark(shared, kv_shared_hash(put.key));
    return row->is_delete ? kv_store_delete(store, put.key, batch->now, batch->err)
                          : kv_store_put(store, &put, batch->now, batch->err);
}

struct kv_batch *kv_batch_new(struct kv_space *space, size_t rows_max, struct err *err)
{
    struct kv_batch *batch = mem_alloc(sizeof *batch + rows_max * sizeof batch->rows[0]);

    ASSERT(rows_max <= KV_BATCH_ROWS_MAX);
    *batch = (struct kv_batch){.space = space, .err = err, .max = rows_max};
    batch->write.err = err;
    batch->write.run = run;
    batch->write.failed = on_failed;
    batch->write.done = on_written;
    buf_init(&batch->text, KV_BATCH_BYTES_MAX);
    return batch;
}

void kv_batch_free(struct kv_batch *batch)
{
    if (!batch)
        return;
    for (size_t i = 0; batch->faults && i < batch->count; i++)
        free(batch->faults[i].text);
    free(batch->faults);
    buf_done(&batch->text);
    free(batch);
}

int kv_batch_add(struct kv_batch *batch, const struct kv_batch_row *row)
{
    const struct kv_batch_row *before = batch->count ? &batch->rows[batch->count - 1] : NULL;

    if (batch->count == batch->max || row->key > KV_STORE_KEY_BYTES_MAX ||
        row->value > KV_STORE_PART_BYTES || row->metadata > KV_STORE_METADATA_BYTES_MAX)
        return ERR_LIMIT;
    batch->rows[batch->count] = *row;
    batch->rows[batch->count++].at = before ? before->at + before->key + before->value +
                                                  before->metadata
                                            : 0;
    return 0;
}

void kv_batch_start(struct kv_batch *batch)
{
    ASSERT(batch->count);
    batch->write.parts = batch->count;
    batch->write.bytes = batch->text.len;
    kv_space_write(kv_space_ref(batch->space), &batch->write);
}
