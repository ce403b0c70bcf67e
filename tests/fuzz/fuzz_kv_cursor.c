/* bindings/kv_cursor: any text is refused, or is the cursor of its key. */
#include "bindings/kv/kv_cursor.h"
#include "bindings/kv/kv_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf key, cursor, again;

    buf_init(&key, KV_STORE_KEY_BYTES_MAX);
    buf_init(&cursor, KV_CURSOR_BYTES_MAX);
    buf_init(&again, KV_STORE_KEY_BYTES_MAX);
    if (kv_cursor_read((str){(const char *)data, size}, &key) == 0) {
        ASSERT(key.len > 0 && key.len <= KV_STORE_KEY_BYTES_MAX);
        ASSERT(kv_cursor_write(buf_str(&key), &cursor) == 0);
        ASSERT(kv_cursor_read(buf_str(&cursor), &again) == 0);
        ASSERT(str_equal(buf_str(&key), buf_str(&again)));
    }
    buf_done(&key);
    buf_done(&cursor);
    buf_done(&again);
    return 0;
}
