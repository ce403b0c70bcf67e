/* Header fields of outbound requests; see field.h. */
#include "http/field.h"

#include <string.h>

#include "base/mem.h"

bool field_is_token(str s)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    if (!s.len)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!alnum && (!c || !strchr(marks, c)))
            return false;
    }
    return true;
}

bool field_is_of_connection(str name)
{
    static const char *const names[] = {
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade",
    };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_equal_nocase(name, str_from(names[i])))
            return true;
    return false;
}

bool field_logs_connection_in(str name, str value)
{
    str scheme = str_head(value, str_find(value, ' '));

    return str_equal_nocase(name, STR("authorization")) &&
           (str_equal_nocase(scheme, STR("ntlm")) || str_equal_nocase(scheme, STR("negotiate")));
}

static bool is_known_coding(str name)
{
    static const char *const names[] = {"gzip", "x-gzip", "deflate", "br", "zstd", "identity"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_equal_nocase(name, str_from(names[i])))
            return true;
    return false;
}

static bool knows_all_codings(str value)
{
    while (value.len) {
        str name = str_head(value, str_find(value, ','));

        value = str_skip(value, name.len + 1);
        name = str_trim(name);
        if (name.len && !is_known_coding(name))
            return false;
    }
    return true;
}

bool field_body_is_decoded(str lines)
{
    const str name = STR("content-encoding:");
    bool coded = false;

    while (lines.len) {
        str line = str_head(lines, str_find(lines, '\n'));

        if (str_starts(line, name)) {
            coded = true;
            if (!knows_all_codings(str_skip(line, name.len)))
                return false;
        }
        lines = str_skip(lines, line.len + 1);
    }
    return coded;
}
