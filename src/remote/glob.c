/* Patterns of file names; see glob.h.
 *
 * Two matchers: of one name, which goes back to its last star only; of a path, name by name, which
 * goes back to its last double star only. Going back further cannot find more. */
#include "remote/glob.h"

static bool name_matches(str pattern, str name)
{
    size_t p = 0, n = 0, star = pattern.len, from = 0;

    while (n < name.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            from = n;
        } else if (p < pattern.len && pattern.ptr[p] == name.ptr[n]) {
            p++;
            n++;
        } else if (star < pattern.len) {
            p = star + 1;
            n = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

/* What follows the first name and its slash. */
static str rest_of(str path)
{
    return str_skip(path, str_find(path, '/') + 1);
}

static str first_of(str path)
{
    return str_head(path, str_find(path, '/'));
}

bool glob_matches(str pattern, str path)
{
    str stars = STR_NONE, from = STR_NONE;

    while (path.len) {
        if (str_equal(first_of(pattern), STR("**"))) {
            pattern = stars = rest_of(pattern);
            from = path;
            if (!pattern.len)
                return true;
        } else if (pattern.len && name_matches(first_of(pattern), first_of(path)) &&
                   (str_find(pattern, '/') == pattern.len) == (str_find(path, '/') == path.len)) {
            pattern = rest_of(pattern);
            path = rest_of(path);
        } else if (stars.len && from.len) {
            pattern = stars;
            path = from = rest_of(from);
        } else {
            return false;
        }
    }
    return !pattern.len || str_equal(pattern, STR("**"));
}
