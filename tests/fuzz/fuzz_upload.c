/* What is read of an upload: modules' names, and esbuild's messages about them. */
#include "control/bundle_log.h"
#include "control/upload_files.h"
#include "control/upload_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_part(str path, str part)
{
    while (path.len) {
        size_t slash = str_find(path, '/');

        if (str_equal(str_head(path, slash), part))
            return true;
        path = str_skip(path, slash + 1);
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    struct buf out, log;

    buf_init(&out, 1 << 16);
    buf_init(&log, 1 << 16);
    if (upload_files_name(text, &out) == 0) {
        ASSERT(out.len && out.len <= UPLOAD_FILES_NAME_MAX && out.ptr[0] != '/');
        ASSERT(!has_part(buf_str(&out), STR("..")) && !has_part(buf_str(&out), STR(".")) &&
               !has_part(buf_str(&out), STR("")) && !memchr(out.ptr, 0, out.len));
    }
    buf_clear(&out);
    upload_log_errors(text, &out);
    upload_log_warnings(text, &out);
    buf_clear(&out);
    bundle_log_format(text, &log, NULL, NULL);
    upload_log_errors(buf_str(&log), &out);
    upload_log_warnings(buf_str(&log), &out);
    buf_done(&log);
    buf_done(&out);
    return 0;
}
