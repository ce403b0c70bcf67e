/* Paths and files; see site_path.h.
 *
 * The three modes are tables of what is tried for a path of a certain end, in order: a step either
 * serves the file "<stem><suffix>", or redirects to "<stem><to>" when that file is what is served
 * there and no other file has exactly that path. `stem` is the path without its end. */
#include "bindings/assets/site_path.h"

#include <stdio.h>

#include "base/utf8.h"
#include "web/percent.h"

enum { OUT_MAX = 3 * SITE_PATH_MAX, STEPS_MAX = 4 };

enum act { END, EXACT, SERVE, REDIRECT };

struct step {
    enum act act;
    const char *suffix;    /* of the file, behind the stem */
    const char *to;        /* of the address, behind the stem */
};

/* One row for each end of a path, the first that fits counts; "" fits all. What is left after its
 * steps goes to `rest`, which is tried for all paths. */
struct ending {
    const char *end;
    bool alone;            /* the path is nothing else: "/", "/index" */
    struct step steps[STEPS_MAX];
};

struct mode {
    const struct ending *endings;
    struct step rest[STEPS_MAX];
};

static const struct ending auto_endings[] = {
    {"/index", false, {{EXACT, "", ""}, {REDIRECT, "/index.html", "/"}, {REDIRECT, ".html", ""}}},
    {"/index.html", false, {{REDIRECT, "/index.html", "/"}, {REDIRECT, ".html", ""}}},
    {"/", false, {{SERVE, "/index.html", ""}, {REDIRECT, ".html", ""}}},
    {".html", false, {{REDIRECT, ".html", ""}, {REDIRECT, "/index.html", "/"}}},
    {0},
};

static const struct ending force_endings[] = {
    {"/index", false, {{EXACT, "", ""}, {REDIRECT, "/index.html", "/"}, {REDIRECT, ".html", "/"}}},
    {"/index.html", false, {{REDIRECT, "/index.html", "/"}, {REDIRECT, ".html", "/"}}},
    {"/", false, {{SERVE, "/index.html", ""}, {SERVE, ".html", ""}}},
    {".html", false,
     {{REDIRECT, ".html", "/"}, {EXACT, "", ""}, {REDIRECT, "/index.html", "/"}}},
    {0},
};

static const struct ending drop_endings[] = {
    {"/index", true, {{EXACT, "", ""}, {REDIRECT, "/index.html", "/"}}},
    {"/index", false, {{EXACT, "", ""}, {REDIRECT, ".html", ""}, {REDIRECT, "/index.html", ""}}},
    {"/index.html", true, {{REDIRECT, "/index.html", "/"}}},
    {"/index.html", false,
     {{REDIRECT, "/index.html", ""}, {EXACT, "", ""}, {REDIRECT, ".html", ""}}},
    {"/", true, {{SERVE, "/index.html", ""}}},
    {"/", false, {{REDIRECT, ".html", ""}, {REDIRECT, "/index.html", ""}}},
    {".html", false, {{REDIRECT, ".html", ""}, {REDIRECT, "/index.html", ""}}},
    {0},
};

static const struct ending no_endings[] = {{0}};

static const struct mode modes[] = {
    [SITE_HTML_AUTO] = {auto_endings,
                        {{EXACT, "", ""}, {SERVE, ".html", ""}, {REDIRECT, "/index.html", "/"}}},
    [SITE_HTML_FORCE] =
        {force_endings,
         {{EXACT, "", ""}, {REDIRECT, ".html", "/"}, {REDIRECT, "/index.html", "/"}}},
    [SITE_HTML_DROP] = {drop_endings,
                        {{EXACT, "", ""}, {SERVE, ".html", ""}, {SERVE, "/index.html", ""}}},
    [SITE_HTML_NONE] = {no_endings, {{EXACT, "", ""}}},
};

/* ---- texts ---- */

int site_path_decode(str path, struct buf *out)
{
    int r = 0;

    while (r == 0 && path.len) {
        size_t slash = str_find(path, '/'), before = out->len;
        str segment = str_head(path, slash);

        if (memchr(segment.ptr, '%', segment.len)) {
            r = percent_decode(segment, out);
            if (r == 0 && !utf8_is_valid(str_skip(buf_str(out), before))) {
                out->len = before;
                r = buf_append(out, segment);
            }
        } else {
            r = buf_append(out, segment);
        }
        if (r == 0 && slash < path.len && (!out->len || out->ptr[out->len - 1] != '/'))
            r = buf_append_char(out, '/');
        path = str_skip(path, slash + 1);
    }
    return r;
}

int site_path_encode(str path, struct buf *out)
{
    static const char kept[] = "/-_.!~*'()";
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr(kept, c));
        char escape[] = {'%', digits[c >> 4], digits[c & 15]};

        if (plain ? buf_append_char(out, (char)c) < 0
                  : buf_append(out, (str){escape, sizeof escape}) < 0)
            return ERR_LIMIT;
    }
    return 0;
}

/* ---- files ---- */

static bool find_joined(struct site *site, str stem, const char *suffix, struct site_file *ret)
{
    char path[SITE_PATH_MAX + 16];
    str end = str_from(suffix);

    if (stem.len + end.len > SITE_PATH_MAX)
        return false;
    if (stem.len)
        memcpy(path, stem.ptr, stem.len);
    memcpy(path + stem.len, end.ptr, end.len);
    return site_find(site, (str){path, stem.len + end.len}, ret);
}

static bool find_intent(struct site *site, str path, bool redirects, struct site_intent *ret);

/* Whether the address "<stem><to>" gives this very file. */
static bool leads_back(struct site *site, str stem, const char *to, const struct site_file *file,
                       struct site_intent *ret)
{
    struct site_intent there = {.status = 0};
    struct site_file other;
    str hash;
    char kept[128];

    if (buf_append(&ret->path, stem) < 0 || buf_append(&ret->path, str_from(to)) < 0)
        return false;
    if (!ret->path.len && buf_append_char(&ret->path, '/') < 0)
        return false;
    snprintf(kept, sizeof kept, "%.*s", STR_ARGS(file->hash));
    hash = str_from(kept);
    if (site_find(site, buf_str(&ret->path), &other))
        return false;
    return find_intent(site, buf_str(&ret->path), false, &there) &&
           str_equal(there.file.hash, hash);
}

static bool take_step(struct site *site, const struct step *step, str path, str stem,
                      bool redirects, struct site_intent *ret)
{
    struct site_file file;

    if (step->act == REDIRECT && !redirects)
        return false;
    if (!(step->act == EXACT ? site_find(site, path, &file)
                             : find_joined(site, stem, step->suffix, &file)))
        return false;
    if (step->act == REDIRECT) {
        buf_clear(&ret->path);
        ret->is_redirect = leads_back(site, stem, step->to, &file, ret);
        return ret->is_redirect;
    }
    ret->status = 200;
    ret->file = file;
    return true;
}

static bool take_steps(struct site *site, const struct step *steps, str path, str stem,
                       bool redirects, struct site_intent *ret)
{
    for (size_t i = 0; i < STEPS_MAX && steps[i].act != END; i++)
        if (take_step(site, &steps[i], path, stem, redirects, ret))
            return true;
    return false;
}

/* `redirects`: whether one may be the answer. */
static bool find_intent(struct site *site, str path, bool redirects, struct site_intent *ret)
{
    const struct mode *mode = &modes[site_settings(site)->html];

    for (const struct ending *e = mode->endings; e->end; e++) {
        str end = str_from(e->end);

        if (!str_ends(path, end) || (e->alone && path.len != end.len))
            continue;
        if (take_steps(site, e->steps, path, str_head(path, path.len - end.len), redirects, ret))
            return true;
        break;
    }
    return take_steps(site, mode->rest, path, path, redirects, ret);
}

/* The 404.html of the directory, or of the one above it. */
static void find_page(struct site *site, str path, struct site_intent *ret)
{
    while (path.len) {
        size_t slash = path.len;

        while (slash && path.ptr[slash - 1] != '/')
            slash--;
        path = str_head(path, slash ? slash - 1 : 0);
        if (find_joined(site, path, "/404.html", &ret->file)) {
            ret->status = 404;
            return;
        }
    }
}

void site_path_find(struct site *site, str path, enum site_missing missing, struct site_intent *ret)
{
    *ret = (struct site_intent){0};
    buf_init(&ret->path, OUT_MAX);
    if (find_intent(site, path, true, ret))
        return;
    if (missing == SITE_MISSING_PAGE)
        find_page(site, path, ret);
    else if (missing == SITE_MISSING_APP && site_find(site, STR("/index.html"), &ret->file))
        ret->status = 200;
}

void site_path_intent_done(struct site_intent *intent)
{
    buf_done(&intent->path);
}
