/* Answers of whatever server: envelopes, and what is none. */
#include "remote/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 204, 302, 400, 401, 404, 409, 429, 500, 502};
    struct envelope envelope;
    struct err err = {0};
    size_t headers;
    int r;

    if (size < 2)
        return 0;
    headers = data[1] < size - 2 ? data[1] : size - 2;
    r = envelope_read(
        &(struct envelope_answer){
            .url = "http://127.0.0.1:8790/client/v4/accounts",
            .status = statuses[data[0] % COUNT_OF(statuses)],
            .headers = {(const char *)data + 2, headers},
            .body = {(const char *)data + 2 + headers, size - 2 - headers},
        },
        &envelope, &err);
    ASSERT(r == 0 ? envelope.result != NULL : r == err.code && err.text[0]);
    envelope_done(&envelope);
    return 0;
}
