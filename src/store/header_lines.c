/* Header fields as text; see header_lines.h. */
#include "store/header_lines.h"

bool header_lines_next(str *rest, str *ret_name, str *ret_value)
{
    size_t end = str_find(*rest, '\n');
    str line = str_head(*rest, end);
    size_t colon = str_find(line, ':');

    if (!colon || colon == line.len)
        return false;
    *ret_name = str_head(line, colon);
    *ret_value = str_trim(str_skip(line, colon + 1));
    *rest = str_skip(*rest, end + 1);
    return true;
}

bool header_lines_get(str lines, str name, str *ret_value)
{
    str found;

    while (header_lines_next(&lines, &found, ret_value))
        if (str_equal(found, name))
            return true;
    *ret_value = STR_NONE;
    return false;
}

/* Index of the comma that ends the first member; the length when nothing does. */
static size_t member_end(str list)
{
    bool quoted = false;

    for (size_t i = 0; i < list.len; i++) {
        char c = list.ptr[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (c == ',' && !quoted)
            return i;
    }
    return list.len;
}

bool header_lines_member(str *rest, str *ret_member)
{
    while (rest->len) {
        size_t end = member_end(*rest);

        *ret_member = str_trim(str_head(*rest, end));
        *rest = str_skip(*rest, end + 1);
        if (ret_member->len)
            return true;
    }
    return false;
}

bool header_lines_lists(str lines, str name, str member)
{
    str found, value, one;

    while (header_lines_next(&lines, &found, &value))
        while (str_equal(found, name) && header_lines_member(&value, &one))
            if (str_equal_nocase(one, member))
                return true;
    return false;
}
