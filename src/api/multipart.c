/* multipart/form-data; see multipart.h.
 *
 *   "--" B CRLF, head, CRLF CRLF, contents, CRLF "--" B ... "--" [CRLF]
 *
 * Contents end where CRLF "--" B comes next, whatever follows it: a body in which the boundary
 * stands in the middle of a line could be read in two ways, and is refused. */
#include "api/multipart.h"

#include <stdlib.h>

#include "base/utf8.h"

enum { DELIMITER_BYTES_MAX = MULTIPART_BOUNDARY_BYTES_MAX + 4 };

struct reader {
    struct multipart *out;
    char delimiter[DELIMITER_BYTES_MAX];   /* CRLF "--" boundary */
    size_t delimiter_len;
    str rest;
    size_t capacity;
    size_t names_len;
    struct err *err;
};

/* ---- parameters: ; name=value; name="value" ---- */

static bool is_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_len(str text)
{
    size_t len = 0;

    while (len < text.len && is_token(text.ptr[len]))
        len++;
    return len;
}

/* The next parameter of *text. Returns 1 with it, 0 at the end, ERR_INVALID. */
static int next_param(str *text, str *ret_name, str *ret_value)
{
    str at = str_trim(*text);
    size_t len;

    if (!at.len)
        return 0;
    if (at.ptr[0] != ';')
        return ERR_INVALID;
    at = str_trim(str_skip(at, 1));
    if (!at.len)
        return 0;
    len = token_len(at);
    if (!len || len == at.len || at.ptr[len] != '=')
        return ERR_INVALID;
    *ret_name = str_head(at, len);
    at = str_skip(at, len + 1);
    if (at.len && at.ptr[0] == '"') {
        at = str_skip(at, 1);
        len = str_find(at, '"');
        if (len == at.len)
            return ERR_INVALID;
        *ret_value = str_head(at, len);
        *text = str_skip(at, len + 1);
        return 1;
    }
    len = token_len(at);
    if (!len)
        return ERR_INVALID;
    *ret_value = str_head(at, len);
    *text = str_skip(at, len);
    return 1;
}

/* ---- the boundary ---- */

static const str media_type = {"multipart/form-data", 19};

bool multipart_is(str content_type)
{
    str type = str_trim(str_head(content_type, str_find(content_type, ';')));

    return str_equal_nocase(type, media_type);
}

static bool is_boundary(str text)
{
    if (!text.len || text.len > MULTIPART_BOUNDARY_BYTES_MAX || text.ptr[text.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_token(text.ptr[i]) && !(text.ptr[i] && strchr(" ()/:=?,", text.ptr[i])))
            return false;
    }
    return true;
}

static int read_boundary(struct reader *r, str content_type)
{
    str params = str_skip(content_type, str_find(content_type, ';')), name, value;
    str boundary = STR_NONE;
    int got;

    while ((got = next_param(&params, &name, &value)) == 1) {
        if (!str_equal_nocase(name, STR("boundary")))
            continue;
        if (boundary.len)
            return err_set(r->err, ERR_INVALID, "Content-Type has two boundaries");
        boundary = value;
    }
    if (got < 0 || !boundary.ptr || !is_boundary(boundary))
        return err_set(r->err, ERR_INVALID,
                       "Content-Type must be multipart/form-data with a boundary of 1 to %d "
                       "characters",
                       MULTIPART_BOUNDARY_BYTES_MAX);
    memcpy(r->delimiter, "\r\n--", 4);
    memcpy(r->delimiter + 4, boundary.ptr, boundary.len);
    r->delimiter_len = boundary.len + 4;
    return 0;
}

/* ---- the head of a part ---- */

static int bad(struct reader *r, const char *what)
{
    return err_set(r->err, ERR_INVALID, "part %zu of the form %s", r->out->count + 1, what);
}

static size_t escape_at(str text, char *ret)
{
    static const struct {
        str text;
        char byte;
    } escapes[] = {{{"%22", 3}, '"'}, {{"%0D", 3}, '\r'}, {{"%0A", 3}, '\n'}};

    for (size_t i = 0; i < COUNT_OF(escapes); i++) {
        if (text.len >= 3 && str_equal_nocase(str_head(text, 3), escapes[i].text)) {
            *ret = escapes[i].byte;
            return 3;
        }
    }
    *ret = text.ptr[0];
    return 1;
}

/* The names of all parts are never longer than the body they stand in. */
static str decode(struct reader *r, str text)
{
    str result = {r->out->names + r->names_len, 0};

    while (text.len)
        text = str_skip(text, escape_at(text, &r->out->names[r->names_len + result.len++]));
    r->names_len += result.len;
    return result;
}

static int read_disposition(struct reader *r, str value, struct multipart_part *part)
{
    size_t len = token_len(value);
    str params = str_skip(value, len), name, text;
    int got;

    if (part->name.ptr)
        return bad(r, "has two Content-Dispositions");
    if (!str_equal_nocase(str_head(value, len), STR("form-data")))
        return bad(r, "must have \"Content-Disposition: form-data\"");
    while ((got = next_param(&params, &name, &text)) == 1) {
        bool is_name = str_equal_nocase(name, STR("name"));
        bool is_filename = str_equal_nocase(name, STR("filename"));
        if ((is_name && part->name.ptr) || (is_filename && part->filename.ptr))
            return bad(r, "has two names");
        if (is_name)
            part->name = decode(r, text);
        if (is_filename)
            part->filename = decode(r, text);
    }
    if (got < 0)
        return bad(r, "has a malformed Content-Disposition");
    if (!part->name.ptr || !utf8_is_valid(part->name) || !utf8_is_valid(part->filename))
        return bad(r, "needs a name in UTF-8");
    return 0;
}

static int read_field(struct reader *r, str line, struct multipart_part *part)
{
    size_t len = token_len(line);
    str name = str_head(line, len), value = str_trim(str_skip(line, len + 1));

    if (!len || len == line.len || line.ptr[len] != ':' || str_find(line, '\n') != line.len ||
        str_find(line, '\r') != line.len || str_find(line, '\0') != line.len)
        return bad(r, "has a malformed header");
    if (str_equal_nocase(name, STR("content-disposition")))
        return read_disposition(r, value, part);
    if (str_equal_nocase(name, STR("content-type")))
        part->type = value;
    return 0;
}

/* `head` is lines, each with its CRLF. */
static int read_head(struct reader *r, str head, struct multipart_part *part)
{
    int result = 0;

    *part = (struct multipart_part){.type = STR("")};
    while (head.len && result == 0) {
        size_t len = str_find_text(head, STR("\r\n"));
        result = read_field(r, str_head(head, len), part);
        head = str_skip(head, len + 2);
    }
    if (result == 0 && !part->name.ptr)
        return bad(r, "needs a Content-Disposition");
    return result;
}

/* ---- parts ---- */

static struct multipart_part *add_part(struct reader *r)
{
    if (r->out->count == r->capacity) {
        r->capacity = r->capacity ? r->capacity * 2 : 16;
        r->out->parts = mem_resize(r->out->parts, r->capacity * sizeof *r->out->parts);
    }
    return &r->out->parts[r->out->count];
}

/* A part whose delimiter was read up to its CRLF, and the delimiter after it. */
static int read_part(struct reader *r)
{
    str window = str_head(r->rest, MULTIPART_HEAD_BYTES_MAX);
    size_t head_len = str_find_text(window, STR("\r\n\r\n")) + 2;
    struct multipart_part part;
    int result;

    if (r->out->count == MULTIPART_PARTS_MAX)
        return err_set(r->err, ERR_LIMIT, "the form has more than %d parts", MULTIPART_PARTS_MAX);
    if (head_len > window.len)
        return r->rest.len > window.len ? err_set(r->err, ERR_LIMIT,
                                                  "part %zu of the form has a head longer than %d "
                                                  "bytes",
                                                  r->out->count + 1, MULTIPART_HEAD_BYTES_MAX)
                                        : bad(r, "has no end of its head");
    result = read_head(r, str_head(window, head_len), &part);
    if (result < 0)
        return result;
    r->rest = str_skip(r->rest, head_len + 2);
    part.bytes = str_head(r->rest, str_find_text(r->rest, (str){r->delimiter, r->delimiter_len}));
    if (part.bytes.len == r->rest.len)
        return bad(r, "has no end: the boundary does not follow");
    r->rest = str_skip(r->rest, part.bytes.len + r->delimiter_len);
    *add_part(r) = part;
    r->out->count++;
    return 0;
}

static int read_parts(struct reader *r)
{
    str first = {r->delimiter + 2, r->delimiter_len - 2};
    int result;

    if (!str_starts(r->rest, first))
        return err_set(r->err, ERR_INVALID, "the form does not begin with its boundary");
    r->rest = str_skip(r->rest, first.len);
    while (str_starts(r->rest, STR("\r\n"))) {
        r->rest = str_skip(r->rest, 2);
        result = read_part(r);
        if (result < 0)
            return result;
    }
    if (!str_equal(r->rest, STR("--")) && !str_equal(r->rest, STR("--\r\n")))
        return err_set(r->err, ERR_INVALID,
                       "after part %zu of the form stands neither a part nor its end",
                       r->out->count);
    return 0;
}

int multipart_parse(str content_type, str body, struct multipart *ret, struct err *err)
{
    struct reader r = {.out = ret, .rest = body, .err = err};
    int result;

    *ret = (struct multipart){0};
    if (!multipart_is(content_type))
        return err_set(err, ERR_INVALID, "Content-Type must be multipart/form-data");
    result = read_boundary(&r, content_type);
    if (result < 0)
        return result;
    ret->names = mem_alloc(body.len < MULTIPART_PARTS_MAX * MULTIPART_HEAD_BYTES_MAX
                               ? body.len + 1
                               : MULTIPART_PARTS_MAX * MULTIPART_HEAD_BYTES_MAX);
    result = read_parts(&r);
    if (result < 0)
        multipart_done(ret);
    return result;
}

void multipart_done(struct multipart *multipart)
{
    if (!multipart)
        return;
    free(multipart->parts);
    free(multipart->names);
    *multipart = (struct multipart){0};
}

const struct multipart_part *multipart_find(const struct multipart *multipart, str name)
{
    for (size_t i = 0; i < multipart->count; i++) {
        if (str_equal(multipart->parts[i].name, name))
            return &multipart->parts[i];
    }
    return NULL;
}
