/* The readers of configuration files: JSON with comments, .dev.vars, and the search for places. */
#include <stdlib.h>

#include "control/dotenv.h"
#include "control/jsonc.h"
#include "control/locate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"a", "b", NULL};
    str text = {(const char *)data, size};
    struct err err;
    char *copy = str_dup(text);
    json_t *value = jsonc_parse(text, "f", &err), *into = json_object();

    jsonc_blank(copy, size);
    for (size_t i = 0; i < size; i++)
        ASSERT(copy[i] == text.ptr[i] || copy[i] == ' ');
    locate_jsonc(text, keys);
    locate_toml(text, keys);
    if (dotenv_parse(text, "f", into, &err) < 0)
        ASSERT(err.code == ERR_INVALID);
    json_decref(into);
    json_decref(value);
    free(copy);
    return 0;
}
