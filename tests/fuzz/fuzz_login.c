/* What a browser comes back with, and answers of a token endpoint. */
#include "remote/login.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct login_attempt attempt = {.state = "s"};
    str bytes = {(const char *)data, size};
    json_t *profile = json_object();
    struct err err = {0};
    char *code = NULL;
    int r = login_read_callback(&attempt, bytes, &code, &err);

    ASSERT(r == 0 ? code != NULL && *code : r == err.code);
    free(code);
    r = login_read_tokens(200, bytes, profile, &err);
    ASSERT(r < 0 || json_string_length(json_object_get(profile, "token")) > 0);
    json_decref(profile);
    return 0;
}
