/* Patterns of file names: the first line is one, the rest a path. */
#include "remote/glob.h"

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    str pattern = str_head(text, str_find(text, '\n'));
    str path = str_skip(text, pattern.len + 1);
    bool plain = str_find(pattern, '*') == pattern.len;

    if (glob_matches(pattern, path) && plain && path.len && path.ptr[path.len - 1] != '/')
        ASSERT(str_equal(pattern, path));
    ASSERT(glob_matches(STR("**"), path));
    return 0;
}
