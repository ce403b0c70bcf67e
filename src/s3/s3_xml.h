/* XML of requests, read by expat; XML of answers, written.
 *
 * Owns: nothing. Thread: any.
 * Limits: S3_XML_DEPTH_MAX, S3_XML_TEXT_BYTES_MAX of one element. A document type is refused, and
 * with it entities of its own. */
#ifndef ATOLL_S3_S3_XML_H
#define ATOLL_S3_S3_XML_H

#include "base/buf.h"

enum { S3_XML_DEPTH_MAX = 8, S3_XML_PATH_BYTES_MAX = 256, S3_XML_TEXT_BYTES_MAX = 8192 };

/* An element has ended: "Delete/Object/Key" and the text in it. Returns 0, or a negative code that
 * ends the reading. */
struct s3_xml_reader {
    int (*on_element)(void *context, str path, str text);
    void *context;
};

/* Returns 0, ERR_INVALID when it is no such XML, or what on_element returned. */
NODISCARD int s3_xml_read(str text, const struct s3_xml_reader *reader);

/* ---- writing; each returns 0 or ERR_LIMIT ---- */

/* Appends text with what is special in XML escaped, control characters by their numbers. */
NODISCARD int s3_xml_text(struct buf *out, str text);

/* Appends <name>text</name>. */
NODISCARD int s3_xml_element(struct buf *out, const char *name, str text);
NODISCARD int s3_xml_number(struct buf *out, const char *name, uint64_t value);

#endif
