/* .assetsignore; see site_ignore.h.
 *
 * The last pattern that fits decides, "!" takes back what one before it left out, but nothing in a
 * directory that is left out. A pattern with a slash before its end starts at the top, others fit a
 * name at any depth. fnmatch(3) knows "*", "?" and "[...]"; "**" is taken apart here. */
#include "bindings/assets/site_ignore.h"

#include <fnmatch.h>
#include <stdlib.h>

#include "base/mem.h"

struct pattern {
    char *text;
    bool keeps;          /* "!" */
    bool of_directory;   /* "/" at its end */
    bool from_top;
};

struct site_ignore {
    struct pattern *patterns;
    size_t count;
};

static void add(struct site_ignore *ignore, str line)
{
    struct pattern *p = &ignore->patterns[ignore->count];

    while (line.len && strchr(" \t\r", line.ptr[line.len - 1]))
        line.len--;
    if (!line.len || line.ptr[0] == '#' || ignore->count == SITE_IGNORE_MAX)
        return;
    if ((p->keeps = line.ptr[0] == '!'))
        line = str_skip(line, 1);
    if ((p->of_directory = str_ends(line, STR("/"))))
        line.len--;
    p->from_top = str_find(line, '/') < line.len;
    if (str_starts(line, STR("/")))
        line = str_skip(line, 1);
    if (str_starts(line, STR("**/")) && str_find(str_skip(line, 3), '/') == line.len - 3) {
        line = str_skip(line, 3);
        p->from_top = false;
    }
    p->text = str_dup(line);
    ignore->count++;
}

struct site_ignore *site_ignore_new(str text)
{
    struct site_ignore *ignore = mem_new(struct site_ignore);

    ignore->patterns = mem_zeroed((SITE_IGNORE_MAX + 1) * sizeof *ignore->patterns);
    while (text.len) {
        str line = str_head(text, str_find(text, '\n'));
        add(ignore, line);
        text = str_skip(text, line.len + 1);
    }
    return ignore;
}

void site_ignore_free(struct site_ignore *ignore)
{
    if (!ignore)
        return;
    for (size_t i = 0; i < ignore->count; i++)
        free(ignore->patterns[i].text);
    free(ignore->patterns);
    free(ignore);
}

static bool fits(const struct pattern *p, const char *path, bool is_directory)
{
    const char *name = strrchr(path, '/');
    bool deep = strstr(p->text, "**") != NULL;

    if (p->of_directory && !is_directory)
        return false;
    if (!p->from_top)
        return fnmatch(p->text, name ? name + 1 : path, 0) == 0;
    return fnmatch(p->text, path, deep ? 0 : FNM_PATHNAME) == 0;
}

static bool is_left_out(const struct site_ignore *ignore, const char *path, bool is_directory)
{
    for (size_t i = ignore->count; i-- > 0;)
        if (fits(&ignore->patterns[i], path, is_directory))
            return !ignore->patterns[i].keeps;
    return false;
}

bool site_ignore_has(const struct site_ignore *ignore, str path)
{
    static const char *const own[] = {".assetsignore", "_headers", "_redirects"};
    bool out = false;
    char *text;

    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (str_equal(path, str_from(own[i])))
            return true;
    if (!ignore || !ignore->count)
        return false;
    text = str_dup(path);
    for (char *slash = strchr(text, '/'); slash && !out; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        out = is_left_out(ignore, text, true);
        *slash = '/';
    }
    out = out || is_left_out(ignore, text, false);
    free(text);
    return out;
}
