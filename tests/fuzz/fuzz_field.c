/* http/field: header lines of any bytes are looked at and not changed; what decodes a body twice
 * named decodes it once named. */
#include <stdlib.h>

#include "base/buf.h"
#include "http/field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str lines = {(const char *)data, size};
    str name = str_head(lines, str_find(lines, ':'));
    bool decoded = field_body_is_decoded(lines);
    struct buf twice;

    buf_init(&twice, 2 * size + 1);
    ASSERT(buf_append(&twice, lines) == 0 && buf_append_char(&twice, '\n') == 0 &&
           buf_append(&twice, lines) == 0);
    ASSERT(field_body_is_decoded(buf_str(&twice)) == decoded);
    ASSERT(!field_is_of_connection(name) || field_is_token(name));
    field_logs_connection_in(name, str_skip(lines, name.len));
    buf_done(&twice);
    return 0;
}
