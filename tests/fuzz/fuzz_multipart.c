/* api/multipart: any bytes as a form; the first byte chooses the boundary. Views must lie in the
 * input, contents hold no delimiter, and what was accepted is accepted again when written anew. */
#include <stdlib.h>

#include "api/multipart.h"
#include "base/buf.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const types[] = {
    "multipart/form-data; boundary=B",
    "multipart/form-data; boundary=\"----formdata-undici-012345678901\"",
    "Multipart/Form-Data;charset=utf-8;boundary=b-b",
};

static void check(const struct multipart *form, str body)
{
    ASSERT(form->count <= MULTIPART_PARTS_MAX);
    for (size_t i = 0; i < form->count; i++) {
        const struct multipart_part *part = &form->parts[i];
        ASSERT(part->name.ptr && utf8_is_valid(part->name) && utf8_is_valid(part->filename));
        ASSERT(part->bytes.ptr >= body.ptr &&
               part->bytes.ptr + part->bytes.len <= body.ptr + body.len);
        ASSERT(!part->type.len || (part->type.ptr >= body.ptr &&
                                   part->type.ptr + part->type.len <= body.ptr + body.len));
        ASSERT(multipart_find(form, part->name));
    }
}

/* The first part alone, in a form of our own. */
static void write_again(str bytes)
{
    struct multipart again;
    struct err err;
    struct buf body;

    if (memmem(bytes.ptr, bytes.len, "\r\n--another", 11))
        return;
    buf_init(&body, bytes.len + 256);
    ASSERT(buf_append(&body, STR("--another\r\ncontent-disposition: form-data; name=x\r\n\r\n")) ==
               0 &&
           buf_append(&body, bytes) == 0 && buf_append(&body, STR("\r\n--another--\r\n")) == 0);
    ASSERT(multipart_parse(STR("multipart/form-data; boundary=another"), buf_str(&body), &again,
                           &err) == 0);
    ASSERT(again.count == 1 && str_equal(again.parts[0].bytes, bytes));
    multipart_done(&again);
    buf_done(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct multipart form;
    struct err err = {0};
    char *copy;
    str body;

    if (!size)
        return 0;
    copy = mem_alloc(size);
    memcpy(copy, data + 1, size - 1);
    body = (str){copy, size - 1};
    if (multipart_parse(str_from(types[data[0] % COUNT_OF(types)]), body, &form, &err) == 0) {
        check(&form, body);
        if (form.count)
            write_again(form.parts[0].bytes);
        multipart_done(&form);
    } else {
        ASSERT(err.code == ERR_INVALID || err.code == ERR_LIMIT);
        ASSERT(!form.parts && !form.names);
    }
    free(copy);
    return 0;
}
