/* web/wasm_scan: any bytes. What is harmless stays so with a section more that cannot tell, and not
 * with a shared memory. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "web/wasm_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char custom[] = {0, 2, 1, 'x'}, shared[] = {5, 4, 1, 3, 1, 1};
    char *longer = malloc(size + sizeof shared + sizeof custom);
    bool harmless = wasm_scan_is_harmless((str){(const char *)data, size});

    if (size)
        memcpy(longer, data, size);
    memcpy(longer + size, custom, sizeof custom);
    if (harmless)
        ASSERT(wasm_scan_is_harmless((str){longer, size + sizeof custom}));
    memcpy(longer + size, shared, sizeof shared);
    if (harmless)
        ASSERT(!wasm_scan_is_harmless((str){longer, size + sizeof shared}));
    free(longer);
    return 0;
}
