/* s3/s3_xml: any text is refused or read; what is read can be written and read again. */
#include "s3/s3_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_again(void *context, str path, str text)
{
    ASSERT(str_equal(path, STR("a")) && str_equal(text, *(str *)context));
    return 0;
}

static int on_element(void *context, str path, str text)
{
    const struct s3_xml_reader again = {on_again, &text};
    struct buf out;

    (void)context;
    ASSERT(path.len && path.len <= S3_XML_PATH_BYTES_MAX && text.len <= S3_XML_TEXT_BYTES_MAX);
    buf_init(&out, 8 * S3_XML_TEXT_BYTES_MAX);
    ASSERT(s3_xml_element(&out, "a", text) == 0);
    ASSERT(s3_xml_read(buf_str(&out), &again) == 0);
    buf_done(&out);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct s3_xml_reader reader = {on_element, NULL};

    (void)!s3_xml_read((str){(const char *)data, size}, &reader);
    return 0;
}
