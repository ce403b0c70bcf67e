/* Cursors of lists: any text is one that comes out as it went in, or is refused. */
#include "bindings/r2/r2_cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    struct buf key, again;
    bool is_prefix;

    buf_init(&key, 1024);
    buf_init(&again, R2_CURSOR_BYTES_MAX);
    if (r2_cursor_read(text, &key, &is_prefix) == 0) {
        ASSERT(r2_cursor_write(buf_str(&key), is_prefix, &again) == 0);
        ASSERT(str_equal(buf_str(&again), text));
    }
    buf_done(&key);
    buf_done(&again);
    return 0;
}
