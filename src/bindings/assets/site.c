/* Sites: their text, written and read, and directories; see site.h.
 *
 *     atoll-site 1\n
 *     html N missing N script N navigates N first BYTES headers BYTES redirects BYTES files N\n
 *     <first><headers><redirects>
 *     <hash> <bytes> <length of type> <length of path>\n<type><path>\n      for each file
 *
 * The text is read once; a file is found by halving the rows, which are in the order of paths. */
#include "bindings/assets/site.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/member.h"
#include "bindings/assets/site_ignore.h"
#include "bindings/assets/site_rule.h"
#include "http/media_type.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/path.h"

#define MAGIC "atoll-site 1\n"
#define HEAD_FORMAT                                                                              \
    "html %u missing %u script %u navigates %u first %zu headers %zu redirects %zu files %zu\n"

enum { LINE_BYTES_MAX = 512, LOOK_MS = 500, FOUND_TEXT_MAX = 96, FOUND_KEPT = 2 };

struct found {
    char hash[FOUND_TEXT_MAX];
    char *path;
};

struct site {
    struct site_settings settings;
    char *text;
    struct site_file *files;
    size_t count;
    struct site_rules *rules;    /* NULL before they are asked for */
    char *directory;             /* NULL: it is a text */
    struct found found[FOUND_KEPT];
    unsigned found_next;
    uint64_t looked_ms;          /* at the rules of a directory */
    char *headers, *redirects;   /* their texts then */
    struct site_ignore *ignored;
};

/* ---- settings ---- */

static int read_word(const json_t *config, const char *key, const char *const words[],
                     unsigned *ret, struct err *err)
{
    const json_t *value = json_object_get(config, key);
    const char *word = json_string_value(value);
    struct buf list;

    *ret = 0;
    if (!value || json_is_null(value))
        return 0;
    for (unsigned i = 0; word && words[i]; i++)
        if (strcmp(words[i], word) == 0) {
            *ret = i;
            return 0;
        }
    buf_init(&list, LINE_BYTES_MAX);
    for (unsigned i = 0; words[i]; i++)
        if (buf_printf(&list, "%s\"%s\"", i ? ", " : "", words[i]) < 0)
            break;
    err_set(err, ERR_INVALID, "\"assets.%s\" must be one of %.*s", key, STR_ARGS(buf_str(&list)));
    buf_done(&list);
    return ERR_INVALID;
}

static int add_first(struct buf *lines, const json_t *pattern, struct err *err)
{
    str text = {json_string_value(pattern), json_string_length(pattern)};
    str path = str_starts(text, STR("!")) ? str_skip(text, 1) : text;

    if (!str_starts(path, STR("/")) || str_find(text, '\n') != text.len)
        return err_set(err, ERR_INVALID,
                       "\"assets.run_worker_first\" must have patterns that begin with \"/\" or "
                       "\"!/\"");
    if (path.len > SITE_FIRST_BYTES_MAX)
        return err_set(err, ERR_INVALID,
                       "\"assets.run_worker_first\" must have patterns of at most %d characters",
                       SITE_FIRST_BYTES_MAX);
    if (buf_append(lines, text) < 0 || buf_append_char(lines, '\n') < 0)
        return err_set(err, ERR_LIMIT, "\"assets.run_worker_first\" is too long");
    return 0;
}

static int read_first(const json_t *config, struct buf *lines, struct err *err)
{
    const json_t *value = json_object_get(config, "run_worker_first"), *pattern;
    size_t i;
    int r = 0;

    if (!value || json_is_null(value) || json_is_false(value))
        return 0;
    if (json_is_true(value))
        return buf_append(lines, STR("*\n"));
    if (!json_is_array(value) || json_array_size(value) > SITE_FIRST_MAX)
        return err_set(err, ERR_INVALID,
                       "\"assets.run_worker_first\" must be true, false or a list of at most %d "
                       "patterns",
                       SITE_FIRST_MAX);
    json_array_foreach(value, i, pattern)
        if (r == 0)
            r = add_first(lines, pattern, err);
    return r;
}

int site_read_settings(const json_t *config, struct site_settings *ret, struct buf *lines,
                       struct err *err)
{
    static const char *const html[] = {"auto-trailing-slash", "force-trailing-slash",
                                       "drop-trailing-slash", "none", NULL};
    static const char *const missing[] = {"none", "404-page", "single-page-application", NULL};
    unsigned html_word, missing_word;
    int r;

    *ret = (struct site_settings){0};
    if ((r = read_word(config, "html_handling", html, &html_word, err)) < 0 ||
        (r = read_word(config, "not_found_handling", missing, &missing_word, err)) < 0 ||
        (r = read_first(config, lines, err)) < 0)
        return r;
    ret->html = html_word;
    ret->missing = missing_word;
    ret->first = buf_str(lines);
    ret->headers = member_str(config, "_headers");
    ret->redirects = member_str(config, "_redirects");
    if (ret->headers.len > SITE_RULES_BYTES_MAX || ret->redirects.len > SITE_RULES_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "_headers and _redirects have at most %d MiB each",
                       SITE_RULES_BYTES_MAX >> 20);
    return 0;
}

bool site_navigates(const char *date, const json_t *flags)
{
    static const char since[] = "2025-04-01";
    bool navigates = date && strcmp(date, since) >= 0;
    const json_t *flag;
    size_t i;

    json_array_foreach(flags, i, flag) {
        const char *name = json_string_value(flag);

        if (name && strcmp(name, "assets_navigation_prefers_asset_serving") == 0)
            navigates = true;
        else if (name && strcmp(name, "assets_navigation_has_no_effect") == 0)
            navigates = false;
    }
    return navigates;
}

/* ---- the text, written ---- */

int site_compare(const void *a, const void *b)
{
    const struct site_file *x = a, *y = b;
    size_t shorter = x->path.len < y->path.len ? x->path.len : y->path.len;
    int order = memcmp(x->path.ptr, y->path.ptr, shorter);

    return order ? order : (x->path.len > y->path.len) - (x->path.len < y->path.len);
}

static int write_file(const struct site_file *file, struct buf *out)
{
    if (buf_printf(out, "%.*s %" PRIu64 " %zu %zu\n", STR_ARGS(file->hash), file->bytes,
                   file->type.len, file->path.len) < 0 ||
        buf_append(out, file->type) < 0 || buf_append(out, file->path) < 0)
        return ERR_LIMIT;
    return buf_append_char(out, '\n');
}

int site_write(const struct site_settings *s, const struct site_file *files, size_t count,
               struct buf *out)
{
    int r;

    if ((r = buf_printf(out, MAGIC HEAD_FORMAT, (unsigned)s->html, (unsigned)s->missing,
                        (unsigned)s->has_script, (unsigned)s->navigates, s->first.len,
                        s->headers.len, s->redirects.len, count)) < 0 ||
        (r = buf_append(out, s->first)) < 0 || (r = buf_append(out, s->headers)) < 0 ||
        (r = buf_append(out, s->redirects)) < 0)
        return r;
    for (size_t i = 0; i < count && r == 0; i++)
        r = write_file(&files[i], out);
    return r;
}

/* ---- the text, read ---- */

static bool take_line(str *rest, char line[LINE_BYTES_MAX])
{
    size_t len = str_find(*rest, '\n');

    if (len >= rest->len || len >= LINE_BYTES_MAX - 1)
        return false;
    memcpy(line, rest->ptr, len + 1);
    line[len + 1] = 0;
    *rest = str_skip(*rest, len + 1);
    return memchr(line, 0, len + 1) == NULL;
}

static bool take_bytes(str *rest, size_t len, str *ret)
{
    if (len > rest->len)
        return false;
    *ret = str_head(*rest, len);
    *rest = str_skip(*rest, len);
    return true;
}

static bool parse_head(struct site *site, str *rest)
{
    unsigned html, missing, script, navigates;
    size_t first, headers, redirects;
    struct site_settings *s = &site->settings;
    char line[LINE_BYTES_MAX];
    int end = 0;

    if (!str_starts(*rest, STR(MAGIC)))
        return false;
    *rest = str_skip(*rest, strlen(MAGIC));
    if (!take_line(rest, line) ||
        sscanf(line, HEAD_FORMAT "%n", &html, &missing, &script, &navigates, &first, &headers,
               &redirects, &site->count, &end) != 8)
        return false;
    if (html > SITE_HTML_NONE || missing > SITE_MISSING_APP || site->count > SITE_FILES_MAX)
        return false;
    s->html = html;
    s->missing = missing;
    s->has_script = script == 1;
    s->navigates = navigates == 1;
    return take_bytes(rest, first, &s->first) && take_bytes(rest, headers, &s->headers) &&
           take_bytes(rest, redirects, &s->redirects);
}

static bool is_hash(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!text.ptr[i] || !strchr("0123456789abcdef", text.ptr[i]))
            return false;
    return text.len == SITE_HASH_BYTES;
}

/* Row after row this is most of the work, so numbers are read by hand. */
static bool take_number(str *rest, char end, uint64_t *ret)
{
    size_t len = str_find(*rest, end);

    if (len > 20 || len == rest->len || !str_to_u64(str_head(*rest, len), SITE_BYTES_MAX, ret))
        return false;
    *rest = str_skip(*rest, len + 1);
    return true;
}

static bool parse_file(str *rest, struct site_file *ret)
{
    uint64_t type, path;

    if (rest->len <= SITE_HASH_BYTES || rest->ptr[SITE_HASH_BYTES] != ' ')
        return false;
    ret->hash = str_head(*rest, SITE_HASH_BYTES);
    *rest = str_skip(*rest, SITE_HASH_BYTES + 1);
    if (!is_hash(ret->hash) || !take_number(rest, ' ', &ret->bytes) ||
        !take_number(rest, ' ', &type) || !take_number(rest, '\n', &path) || type > SITE_TYPE_MAX ||
        path > SITE_PATH_MAX || !take_bytes(rest, type, &ret->type) ||
        !take_bytes(rest, path, &ret->path) || !str_starts(*rest, STR("\n")))
        return false;
    *rest = str_skip(*rest, 1);
    return true;
}

static bool parse(struct site *site, str rest)
{
    if (!parse_head(site, &rest))
        return false;
    site->files = mem_zeroed((site->count + 1) * sizeof *site->files);
    for (size_t i = 0; i < site->count; i++)
        if (!parse_file(&rest, &site->files[i]) ||
            (i && site_compare(&site->files[i - 1], &site->files[i]) >= 0))
            return false;
    return rest.len == 0;
}

int site_parse(char *text, size_t len, struct site **ret, struct err *err)
{
    struct site *site = mem_new(struct site);

    site->text = text;
    if (!parse(site, (str){text, len})) {
        site_free(site);
        return err_set(err, ERR_INVALID, "the description of the files is damaged");
    }
    *ret = site;
    return 0;
}

/* ---- life ---- */

static str keep(str text)
{
    return (str){str_dup(text), text.len};
}

struct site *site_of_directory(const char *directory, const struct site_settings *settings)
{
    struct site *site = mem_new(struct site);

    site->directory = str_dup(str_from(directory));
    site->settings = *settings;
    site->settings.first = keep(settings->first);
    site->settings.headers = site->settings.redirects = STR_NONE;
    return site;
}

void site_free(struct site *site)
{
    if (!site)
        return;
    if (site->directory)
        free((char *)site->settings.first.ptr);
    for (size_t i = 0; i < FOUND_KEPT; i++)
        free(site->found[i].path);
    site_rule_free(site->rules);
    site_ignore_free(site->ignored);
    free(site->headers);
    free(site->redirects);
    free(site->directory);
    free(site->files);
    free(site->text);
    free(site);
}

const struct site_settings *site_settings(const struct site *site)
{
    return &site->settings;
}

size_t site_count(const struct site *site)
{
    return site->count;
}

struct site_file site_at(const struct site *site, size_t index)
{
    return site->files[index];
}

/* ---- directories ---- */

/* The text of a file of the directory, returned owned; "" when there is none. */
static char *text_of(const struct site *site, const char *name)
{
    char *path = path_join(str_from(site->directory), str_from(name));
    struct buf text;
    struct err err;

    buf_init(&text, SITE_RULES_BYTES_MAX);
    if (file_read(path, &text, &err) < 0)
        buf_clear(&text);
    free(path);
    if (!text.len) {
        buf_done(&text);
        return str_dup(STR_NONE);
    }
    return buf_take(&text, NULL);
}

/* Reads the rules again, now and then. */
static void look(struct site *site)
{
    uint64_t now_ms = clock_monotonic_ms();
    char *ignored;

    if (site->looked_ms && now_ms - site->looked_ms < LOOK_MS)
        return;
    site->looked_ms = now_ms;
    free(site->headers);
    free(site->redirects);
    site_rule_free(site->rules);
    site_ignore_free(site->ignored);
    site->headers = text_of(site, "_headers");
    site->redirects = text_of(site, "_redirects");
    site->rules = NULL;
    site->settings.headers = str_from(site->headers);
    site->settings.redirects = str_from(site->redirects);
    ignored = text_of(site, ".assetsignore");
    site->ignored = site_ignore_new(str_from(ignored));
    free(ignored);
}

/* A path that leads out of the directory, or to what is not served. */
static bool is_hidden(const struct site *site, str path)
{
    str rest = str_skip(path, 1);

    if (!str_starts(path, STR("/")) || path.len > SITE_PATH_MAX || memchr(path.ptr, 0, path.len))
        return true;
    for (str part; rest.len; rest = str_skip(rest, part.len + 1)) {
        part = str_head(rest, str_find(rest, '/'));
        if (!part.len || str_equal(part, STR("..")) || str_equal(part, STR(".")))
            return true;
    }
    return site_ignore_has(site->ignored, str_skip(path, 1));
}

/* "<number in hex>-"; a request for a file makes four of them. */
static char *put_hex(char *at, uint64_t number)
{
    static const char digits[] = "0123456789abcdef";
    int shift = number ? (63 - __builtin_clzll(number)) / 4 * 4 : 0;

    for (; shift >= 0; shift -= 4)
        *at++ = digits[number >> shift & 15];
    *at++ = '-';
    return at;
}

/* What another version of the file does not have. */
static size_t put_hash(const struct stat *st, char ret[FOUND_TEXT_MAX])
{
    char *at = put_hex(ret, (uint64_t)st->st_size);

    at = put_hex(at, (uint64_t)st->st_mtim.tv_sec);
    at = put_hex(at, (uint64_t)st->st_mtim.tv_nsec);
    at = put_hex(at, (uint64_t)st->st_ino);
    at[-1] = '\0';
    return (size_t)(at - ret) - 1;
}

static bool find_in_directory(struct site *site, str path, struct site_file *ret)
{
    struct found *found = &site->found[site->found_next++ % FOUND_KEPT];
    char *full, *place;
    struct stat st;
    size_t hash_len;
    bool is_file;

    look(site);
    if (is_hidden(site, path))
        return false;
    full = str_dup(path);
    place = path_join(str_from(site->directory), str_from(full + 1));
    is_file = stat(place, &st) == 0 && S_ISREG(st.st_mode);
    free(place);
    if (!is_file) {
        free(full);
        return false;
    }
    free(found->path);
    found->path = full;
    hash_len = put_hash(&st, found->hash);
    *ret = (struct site_file){.path = {full, path.len},
                              .hash = {found->hash, hash_len},
                              .type = str_from(media_type_of(path)),
                              .bytes = (uint64_t)st.st_size};
    return true;
}

bool site_find(struct site *site, str path, struct site_file *ret)
{
    struct site_file wanted = {.path = path};
    const struct site_file *found;

    if (site->directory)
        return find_in_directory(site, path, ret);
    found = bsearch(&wanted, site->files, site->count, sizeof *site->files, site_compare);
    if (found)
        *ret = *found;
    return found != NULL;
}

struct site_rules *site_rules(struct site *site)
{
    if (site->directory)
        look(site);
    if (!site->rules)
        site->rules = site_rule_new(site->settings.headers, site->settings.redirects);
    return site->rules;
}
