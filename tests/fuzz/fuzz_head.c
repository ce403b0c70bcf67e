/* http/head: any bytes, whole and as a growing prefix. What is taken must be safe to act on. */
#include <stdlib.h>

#include "http/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(str view, const char *bytes, size_t len)
{
    ASSERT(!view.len || (view.ptr >= bytes && view.ptr + view.len <= bytes + len));
    for (size_t i = 0; i < view.len; i++)
        ASSERT(view.ptr[i] != '\r' && view.ptr[i] != '\n' && view.ptr[i] != '\0');
}

static void check_head(const struct http_head *head, const char *bytes)
{
    ASSERT(head->bytes <= HTTP_HEAD_BYTES_MAX && head->header_count <= HTTP_HEADERS_MAX);
    ASSERT(head->bytes >= 4 && memcmp(bytes + head->bytes - 4, "\r\n\r\n", 4) == 0);
    ASSERT(head->method.len && head->method_id != HTTP_CONNECT);
    ASSERT(head->target.len && (head->target.ptr[0] == '/' || str_equal(head->target, STR("*"))));
    ASSERT(head->host.len || head->minor_version == 0);
    ASSERT(head->content_length <= HTTP_BODY_BYTES_MAX);
    check_view(head->method, bytes, head->bytes);
    check_view(head->target, bytes, head->bytes);
    check_view(head->host, bytes, head->bytes);
    for (size_t i = 0; i < head->header_count; i++) {
        ASSERT(head->headers[i].name.len);
        check_view(head->headers[i].name, bytes, head->bytes);
        check_view(head->headers[i].value, bytes, head->bytes);
        for (size_t k = 0; k < head->headers[i].name.len; k++)
            ASSERT(http_token_lower(head->headers[i].name.ptr[k]) == head->headers[i].name.ptr[k]);
    }
}

/* Feeds the bytes in two parts, as a connection would: the first must not change the answer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head head;
    char *bytes = str_dup((str){(const char *)data, size});
    char *part = mem_alloc(size / 2);
    int whole, half;

    if (size / 2)
        memcpy(part, data, size / 2);
    half = http_head_parse(part, size / 2, &head);
    if (half == 1)
        check_head(&head, part);
    whole = http_head_parse(bytes, size, &head);
    if (whole == 1)
        check_head(&head, bytes);
    ASSERT(half == 0 || half == whole);
    free(part);
    free(bytes);
    return 0;
}
