/* s3/sigv4 and s3/s3_target: any head is refused or has a canonical form, and a signature that was
 * made up never matches. Lines: method, target, then headers. */
#include "s3/sigv4.h"

enum { HEADERS_MAX = 16, NOW = 1369353600 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static str line(str *input)
{
    size_t end = str_find(*input, '\n');
    str one = str_head(*input, end);

    *input = str_skip(*input, end + 1);
    return one;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str input = {(const char *)data, size}, method = line(&input), raw = line(&input);
    struct http_header headers[HEADERS_MAX];
    unsigned char key[S3_HASH_BYTES];
    struct sigv4_request request = {.method = method, .headers = headers};
    struct s3_target target;
    struct sigv4 sig;

    while (input.len && request.header_count < HEADERS_MAX) {
        str one = line(&input);
        size_t colon = str_find(one, ':');

        headers[request.header_count++] = (struct http_header){str_head(one, colon),
                                                               str_trim(str_skip(one, colon + 1))};
    }
    if (size < 16384 &&
        s3_target_parse(&target, STR("b.s3.localhost"), raw, STR("s3.localhost")) == 0) {
        ASSERT(target.path.len && target.path.ptr[0] == '/');
        request.path = target.path;
        request.params = target.params;
        request.param_count = target.param_count;
        if (sigv4_read(&request, NOW, &sig) == SIGV4_FINE) {
            ASSERT(sig.key_id.len && sig.scope.len < SIGV4_SCOPE_BYTES);
            sigv4_key(&sig, STR("a secret that the input does not know"), key);
            ASSERT(sigv4_check(&request, &sig, key) != SIGV4_FINE);
        }
    }
    if (size < 16384)
        s3_target_done(&target);
    return 0;
}
