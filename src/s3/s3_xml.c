/* XML; see s3_xml.h. */
#include "s3/s3_xml.h"

#include <expat.h>

struct reading {
    XML_Parser parser;
    const struct s3_xml_reader *reader;
    struct buf path, text;
    unsigned depth;
    int result;
};

static void stop(struct reading *reading, int result)
{
    if (reading->result == 0)
        reading->result = result;
    XML_StopParser(reading->parser, XML_FALSE);
}

static void XMLCALL on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *reading = context;

    (void)attributes;
    buf_clear(&reading->text);
    if (++reading->depth > S3_XML_DEPTH_MAX ||
        (reading->path.len && buf_append_char(&reading->path, '/') < 0) ||
        buf_append(&reading->path, str_from(name)) < 0)
        stop(reading, ERR_INVALID);
}

static void XMLCALL on_end(void *context, const XML_Char *name)
{
    struct reading *reading = context;
    size_t len = strlen(name);
    int r;

    if (reading->result)
        return;
    r = reading->reader->on_element(reading->reader->context, buf_str(&reading->path),
                                    buf_str(&reading->text));
    if (r < 0)
        stop(reading, r);
    reading->path.len -= reading->depth > 1 ? len + 1 : len;
    reading->depth--;
    buf_clear(&reading->text);
}

static void XMLCALL on_text(void *context, const XML_Char *text, int len)
{
    struct reading *reading = context;

    if (buf_append(&reading->text, (str){text, (size_t)len}) < 0)
        stop(reading, ERR_INVALID);
}

static void XMLCALL on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)has_subset;
    stop(context, ERR_INVALID);
}

int s3_xml_read(str text, const struct s3_xml_reader *reader)
{
    struct reading reading = {.reader = reader};

    if (text.len > INT32_MAX || !(reading.parser = XML_ParserCreate("UTF-8")))
        return ERR_INVALID;
    buf_init(&reading.path, S3_XML_PATH_BYTES_MAX);
    buf_init(&reading.text, S3_XML_TEXT_BYTES_MAX);
    XML_SetUserData(reading.parser, &reading);
    XML_SetElementHandler(reading.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reading.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reading.parser, on_doctype);
    if (XML_Parse(reading.parser, text.ptr ? text.ptr : "", (int)text.len, XML_TRUE) !=
            XML_STATUS_OK &&
        reading.result == 0)
        reading.result = ERR_INVALID;
    XML_ParserFree(reading.parser);
    buf_done(&reading.path);
    buf_done(&reading.text);
    return reading.result;
}

/* ---- writing ---- */

static const char *escape_of(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

int s3_xml_text(struct buf *out, str text)
{
    int r = 0;

    for (size_t i = 0; i < text.len && r == 0; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        const char *escape = escape_of(c);

        if (escape)
            r = buf_append(out, str_from(escape));
        else if (c < ' ')
            r = buf_printf(out, "&#x%x;", c);
        else
            r = buf_append_char(out, (char)c);
    }
    return r;
}

int s3_xml_element(struct buf *out, const char *name, str text)
{
    int r = buf_printf(out, "<%s>", name);

    if (r == 0)
        r = s3_xml_text(out, text);
    return r < 0 ? r : buf_printf(out, "</%s>", name);
}

int s3_xml_number(struct buf *out, const char *name, uint64_t value)
{
    return buf_printf(out, "<%s>%llu</%s>", name, (unsigned long long)value, name);
}
