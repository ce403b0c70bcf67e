/* What is read of esbuild's output: its messages and its module. */
#include "control/bundle_log.h"
#include "control/bundle_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    struct buf out;
    size_t lines = 0, module_lines = 1;
    bool head;

    buf_init(&out, 1 << 16);
    bundle_log_format(text, &out, NULL, NULL);
    buf_clear(&out);
    if (bundle_script_wrap(text, &out) == 0) {
        for (size_t i = 0; i < out.len; i++)
            lines += out.ptr[i] == '\n';
        for (size_t i = 0; i < size; i++)
            module_lines += data[i] == '\n';
        ASSERT(lines == module_lines + 1);
    }
    buf_clear(&out);
    if (bundle_script_classic(text, &out, &head) == 0)
        ASSERT(head || out.len <= size);
    buf_clear(&out);
    if (bundle_script_map(text, true, "/t", "/w", &out) == 0)
        ASSERT(out.len > 0);
    buf_done(&out);
    return 0;
}
