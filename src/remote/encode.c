/* Fields of queries and forms; see encode.h. */
#include "remote/encode.h"

#include <stdlib.h>

#include "web/percent.h"

int encode_text(struct buf *out, str text)
{
    return percent_encode(text, PERCENT_FORM, out);
}

int encode_field(struct buf *out, const char *name, str value)
{
    int r = buf_printf(out, "%s%s=", out->len ? "&" : "", name);

    return r < 0 ? r : encode_text(out, value);
}

static char *decode(str value)
{
    char *blanks = str_dup(value), *text;
    struct buf out;
    size_t length;

    for (size_t i = 0; i < value.len; i++)
        if (blanks[i] == '+')
            blanks[i] = ' ';
    buf_init(&out, value.len);
    ASSERT(percent_decode((str){blanks, value.len}, &out) == 0);
    free(blanks);
    text = buf_take(&out, &length);
    if (strlen(text) == length)
        return text;
    free(text);
    return NULL;
}

char *encode_read_field(str fields, const char *name)
{
    while (fields.len) {
        str field = str_head(fields, str_find(fields, '&'));
        size_t equals = str_find(field, '=');

        if (str_equal(str_head(field, equals), str_from(name)))
            return decode(str_skip(field, equals + 1));
        fields = str_skip(fields, field.len + 1);
    }
    return NULL;
}
