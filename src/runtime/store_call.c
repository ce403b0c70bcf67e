/* Calls for what is in a store; see store_call.h.
 *
 * The blob of an answer is the result's JSON, whose length the frame says, then the bytes: neither
 * is bound to what the JSON of a frame may have. */
#include "runtime/store_call.h"

#include <stdlib.h>

#include "base/member.h"
#include "bindings/bindings.h"
#include "loop/frame.h"
#include "runtime/runtime.h"

struct running {
    struct storage_call call;
    json_t *frame;     /* what its words are in */
    char *bytes;
};

static unsigned count;

bool store_call_any_busy(void)
{
    return count > 0;
}

static json_t *answer_to(const json_t *frame, bool ok)
{
    return json_pack("{s:s, s:O*, s:b}", "type", "stored", "id", json_object_get(frame, "id"), "ok",
                     (int)ok);
}

static void refuse(const json_t *frame, int code, str text)
{
    json_t *answer = answer_to(frame, false);

    json_object_set_new(answer, "code", json_integer(code));
    json_object_set_new(answer, "error", runtime_text(text));
    runtime_tell(answer);
}

/* Appends the result's JSON, and says how long it is. */
static int append_result(const struct storage_call *call, struct buf *blob, size_t *ret_len)
{
    char *text = call->result ? json_dumps(call->result,
                                           JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17))
                              : NULL;
    int r = text ? buf_append(blob, str_from(text)) : 0;

    *ret_len = blob->len;
    free(text);
    return r;
}

static void tell(struct running *running)
{
    const struct storage_call *call = &running->call;
    size_t result = 0;
    struct buf blob;

    buf_init(&blob, FRAME_BLOB_MAX);
    if (append_result(call, &blob, &result) < 0 || buf_append(&blob, buf_str(&call->out)) < 0) {
        refuse(running->frame, ERR_LIMIT, STR("The answer is larger than 64 MiB: ask for less."));
    } else {
        json_t *answer = answer_to(running->frame, true);

        json_object_set_new(answer, "result", json_integer((json_int_t)result));
        runtime_tell_blob(answer, buf_str(&blob));
    }
    buf_done(&blob);
}

static void on_end(struct storage_call *call)
{
    struct running *running = CONTAINER_OF(call, struct running, call);

    if (call->err.code)
        refuse(running->frame, call->err.code, str_from(call->err.text));
    else
        tell(running);
    json_decref(call->result);
    buf_done(&call->out);
    json_decref(running->frame);
    free(running->bytes);
    free(running);
    count--;
}

static void start(const struct binding_kind *kind, json_t *frame, str blob)
{
    struct running *running = mem_new(struct running);

    running->frame = json_incref(frame);
    running->bytes = str_dup(blob);
    running->call = (struct storage_call){.store = json_string_value(
                                              json_object_get(frame, "store")),
                                          .call = member_text(frame, "call"),
                                          .args = json_object_get(frame, "args"),
                                          .bytes = {running->bytes, blob.len},
                                          .on_end = on_end};
    buf_init(&running->call.out, FRAME_BLOB_MAX);
    count++;
    kind->call(&running->call);
}

void store_call_on_frame(json_t *frame, str blob)
{
    const char *type = member_text(frame, "kind");
    const struct binding_kind *kind = type ? bindings_find(type) : NULL;

    if (!kind || !kind->call || !json_is_string(json_object_get(frame, "store")) ||
        !json_is_string(json_object_get(frame, "call")) ||
        !json_is_object(json_object_get(frame, "args")))
        refuse(frame, ERR_UNSUPPORTED, STR("There is no such call."));
    else if (count >= STORE_CALLS_MAX)
        refuse(frame, ERR_LIMIT, STR("Too many calls at once: try again in a moment."));
    else
        start(kind, frame, blob);
}
