/* Events of a tail: whatever a server sends, what is printed steers no terminal. */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/event_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *event = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
    char *out = NULL;
    size_t len;
    FILE *stream;

    if (json_is_object(event)) {
        stream = open_memstream(&out, &len);
        event_print(stream, event);
        fclose(stream);
        for (size_t i = 0; i < len; i++) {
            unsigned char c = (unsigned char)out[i];
            ASSERT((c >= ' ' && c != 0x7f) || c == '\n' || c == '\t');
            ASSERT(c != 0xc2 || i + 1 == len || (unsigned char)out[i + 1] >= 0xa0);
        }
        free(out);
    }
    json_decref(event);
    return 0;
}
