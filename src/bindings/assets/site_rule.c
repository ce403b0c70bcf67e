/* Rules for paths; see site_rule.h.
 *
 * (1) A pattern is matched by trying, with a bound on the steps: what a tenant wrote and what a
 *     client sent cannot make it take long together.
 * (2) Redirects without placeholders stand before the others (those behind one with placeholders
 *     count as such), so the first rule that fits is the right one.
 * (3) A header that a rule sets replaces ours; one that a further rule sets, too, gets both values.
 *     */
#include "bindings/assets/site_rule.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/field.h"

enum { STATUS_NORMAL = 302, SEEN_BYTES_MAX = 16 << 10 };

struct redirect {
    str from, to;
    int status;
    bool is_dynamic;
};

struct header {
    str name, value;     /* an empty value with `unset`: it is taken away */
    bool unset;
    size_t rule;
};

struct site_rules {
    str *paths;          /* of _headers */
    size_t path_count;
    struct header *headers;
    size_t header_count;
    struct redirect *redirects;
    size_t redirect_count, static_count, dynamic_count;
};

/* What was read, and what was wrong with it. */
struct reader {
    struct site_rules *rules;
    struct buf *wrong;     /* lines for a person; NULL: nobody asks */
    size_t line;
    bool over;             /* a limit was reached */
};

/* ---- matching ---- */

struct capture {
    str name, value;
};

struct match {
    struct capture captures[SITE_RULE_NAMES_MAX];
    size_t count;
    unsigned steps, all_steps;      /* of this rule, of those before it for the same request */
    bool in_host;
};

static size_t name_length(str text)
{
    size_t len = 0;

    if (!text.len || !isalpha((unsigned char)text.ptr[0]))
        return 0;
    while (len < text.len && (isalnum((unsigned char)text.ptr[len]) || text.ptr[len] == '_'))
        len++;
    return len;
}

static bool match_here(struct match *m, str pattern, str text);

/* Tries the longest value first, as a regular expression would. */
static bool match_variable(struct match *m, str name, str rest, str text, size_t least)
{
    bool is_splat = str_equal(name, STR("splat")) && least == 0;
    size_t most = text.len, at = m->count;

    if (!is_splat)
        for (most = 0;
             most < text.len && text.ptr[most] != '/' && !(m->in_host && text.ptr[most] == '.');)
            most++;
    if (at == SITE_RULE_NAMES_MAX)
        return false;
    for (size_t len = most + 1; len-- > least;) {
        m->count = at + 1;
        m->captures[at] = (struct capture){name, str_head(text, len)};
        if (match_here(m, rest, str_skip(text, len)))
            return true;
        if (m->steps >= SITE_RULE_STEPS_MAX)
            break;
    }
    m->count = at;
    return false;
}

static bool match_here(struct match *m, str pattern, str text)
{
    while (pattern.len) {
        size_t name = pattern.ptr[0] == ':' ? name_length(str_skip(pattern, 1)) : 0;

        if (++m->steps >= SITE_RULE_STEPS_MAX)
            return false;
        if (pattern.ptr[0] == '*')
            return match_variable(m, STR("splat"), str_skip(pattern, 1), text, 0);
        if (name)
            return match_variable(m, (str){pattern.ptr + 1, name}, str_skip(pattern, name + 1),
                                  text, 1);
        if (!text.len || text.ptr[0] != pattern.ptr[0])
            return false;
        pattern = str_skip(pattern, 1);
        text = str_skip(text, 1);
    }
    return !text.len;
}

/* Steps are counted by literal bytes, too: a long pattern costs what it costs. */
static bool match_rule(str pattern, str host, str path, struct match *m)
{
    static const str scheme = STR("https://");
    size_t slash;

    m->count = 0;
    m->all_steps += m->steps;
    m->steps = m->all_steps < SITE_RULE_STEPS_ALL_MAX ? 0 : SITE_RULE_STEPS_MAX;
    m->in_host = false;
    if (!str_starts(pattern, scheme))
        return match_here(m, pattern, path);
    pattern = str_skip(pattern, scheme.len);
    slash = str_find(pattern, '/');
    m->in_host = true;
    if (!match_here(m, str_head(pattern, slash), str_head(host, str_find(host, ':'))))
        return false;
    m->in_host = false;
    return match_here(m, str_skip(pattern, slash), path);
}

/* Appends a text with its placeholders filled in. */
static int fill(str text, const struct match *m, struct buf *out)
{
    while (text.len) {
        size_t plain = str_find(text, ':'), name = name_length(str_skip(text, plain + 1)), i;
        str found = {text.ptr + plain + 1, name};

        if (buf_append(out, str_head(text, plain)) < 0)
            return ERR_LIMIT;
        text = str_skip(text, plain);
        for (i = 0; i < m->count && !(name && str_equal(m->captures[i].name, found)); i++)
            continue;
        if (!text.len)
            return 0;
        if (buf_append(out, i < m->count ? m->captures[i].value : str_head(text, name + 1)) < 0)
            return ERR_LIMIT;
        text = str_skip(text, name + 1);
    }
    return 0;
}

static bool has_variables(str pattern)
{
    for (size_t i = 0; i < pattern.len; i++)
        if (pattern.ptr[i] == '*' ||
            (pattern.ptr[i] == ':' && name_length(str_skip(pattern, i + 1))))
            return true;
    return false;
}

static size_t count_char(str text, char c)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == c;
    return count;
}

/* ---- reading ---- */

static void complain(struct reader *rd, const char *text)
{
    if (rd->wrong && buf_printf(rd->wrong, "line %zu: %s\n", rd->line, text) < 0)
        rd->wrong = NULL;
}

static void each_line(struct reader *rd, str text, void (*take)(struct reader *rd, str line))
{
    for (rd->line = 1; text.len; rd->line++) {
        str whole = str_head(text, str_find(text, '\n')), line = str_trim(whole);

        text = str_skip(text, whole.len + 1);
        while (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (!line.len || line.ptr[0] == '#')
            continue;
        if (whole.len > SITE_RULE_LINE_MAX || memchr(line.ptr, 0, line.len))
            complain(rd, "it is longer than 2000 characters, or no text");
        else
            take(rd, line);
    }
}

static bool is_path(str text)
{
    return str_starts(text, STR("/")) || str_starts(text, STR("https://"));
}

static str next_word(str *rest)
{
    size_t len = 0;
    str word;

    *rest = str_trim(*rest);
    while (len < rest->len && !isspace((unsigned char)rest->ptr[len]))
        len++;
    word = str_head(*rest, len);
    *rest = str_skip(*rest, len);
    return word;
}

static bool is_status(uint64_t status)
{
    return status == 200 || (status >= 301 && status <= 303) || status == 307 || status == 308;
}

/* All paths to /index.html would lead to itself: that file is served at "/". */
static bool leads_to_itself(const struct redirect *r)
{
    return (str_ends(r->from, STR("/*")) || str_ends(r->from, STR("/"))) &&
           (str_ends(r->to, STR("/index")) || str_ends(r->to, STR("/index.html"))) &&
           str_starts(r->to, STR("/"));
}

static bool is_twice(const struct site_rules *rules, str from)
{
    for (size_t i = 0; i < rules->redirect_count; i++)
        if (str_equal(rules->redirects[i].from, from))
            return true;
    return false;
}

static const char *wrong_with(const struct reader *rd, const struct redirect *r, str rest)
{
    if (!r->from.len || !r->to.len || rest.len)
        return "it takes a path, where it leads to, and perhaps a status";
    if (!str_starts(r->from, STR("/")))
        return "it must begin with a path such as /old";
    if (!is_path(r->to) && !str_starts(r->to, STR("http://")))
        return "where it leads to must be a path or a URL";
    if (r->status == 200 && !str_starts(r->to, STR("/")))
        return "with the status 200 it must lead to a path";
    if (!is_status((uint64_t)r->status))
        return "the status must be 200, 301, 302, 303, 307 or 308";
    if (count_char(r->from, '*') > 1)
        return "a path has one * at most";
    if (leads_to_itself(r))
        return "it would lead to itself";
    return is_twice(rd->rules, r->from) ? "there is a rule for this path already" : NULL;
}

static void take_redirect(struct reader *rd, str line)
{
    struct site_rules *rules = rd->rules;
    struct redirect r = {.status = STATUS_NORMAL};
    uint64_t status = STATUS_NORMAL;
    const char *wrong;
    str word;

    r.from = next_word(&line);
    r.to = next_word(&line);
    word = next_word(&line);
    if (word.len && !str_to_u64(word, 999, &status))
        status = 0;
    r.status = (int)status;
    if ((wrong = wrong_with(rd, &r, str_trim(line)))) {
        complain(rd, wrong);
        return;
    }
    r.is_dynamic = has_variables(r.from) || rules->dynamic_count;
    if ((r.is_dynamic ? rules->dynamic_count : rules->static_count) ==
        (r.is_dynamic ? SITE_RULE_DYNAMIC_MAX : SITE_RULE_STATIC_MAX)) {
        rd->over = true;
        return;
    }
    rules->dynamic_count += r.is_dynamic;
    rules->static_count += !r.is_dynamic;
    rules->redirects[rules->redirect_count++] = r;
}

static void take_path(struct reader *rd, str line)
{
    if (count_char(line, '*') > 1 || memchr(line.ptr, ' ', line.len))
        complain(rd, "a path has one * at most, and no blanks");
    else if (rd->rules->path_count == SITE_RULE_HEADERS_MAX)
        rd->over = true;
    else
        rd->rules->paths[rd->rules->path_count++] = line;
}

static bool is_value(str value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < ' ' && value.ptr[i] != '\t')
            return false;
    return value.len > 0;
}

static void add_header(struct reader *rd, struct header header)
{
    struct site_rules *rules = rd->rules;

    if (!rules->path_count) {
        complain(rd, "a path must come before its headers");
        return;
    }
    if (rules->header_count == SITE_RULE_LINES_MAX) {
        rd->over = true;
        return;
    }
    header.rule = rules->path_count - 1;
    rules->headers = mem_resize(rules->headers, (rules->header_count + 1) * sizeof *rules->headers);
    rules->headers[rules->header_count++] = header;
}

static void take_header(struct reader *rd, str line)
{
    size_t colon = str_find(line, ':');
    struct header h = {.name = str_trim(str_head(line, colon)),
                       .value = str_trim(str_skip(line, colon + 1))};

    if (is_path(line)) {
        take_path(rd, line);
        return;
    }
    if (colon == line.len && str_starts(line, STR("!"))) {
        h.name = str_trim(str_skip(line, 1));
        h.unset = true;
    }
    if (!field_is_token(h.name) || (!h.unset && !is_value(h.value)))
        complain(rd, "it is neither a path nor \"Name: value\" nor \"! Name\"");
    else if (field_is_of_connection(h.name) || str_equal_nocase(h.name, STR("content-length")) ||
             str_equal_nocase(h.name, STR("content-encoding")))
        complain(rd, "this header is the server's own");
    else
        add_header(rd, h);
}

static struct site_rules *rules_new(void)
{
    struct site_rules *rules = mem_new(struct site_rules);

    rules->paths = mem_zeroed(SITE_RULE_HEADERS_MAX * sizeof *rules->paths);
    rules->redirects = NULL;
    return rules;
}

/* Room for as many rules as there can be lines. */
static void read_redirects(struct reader *rd, str redirects)
{
    size_t lines = count_char(redirects, '\n') + 1;

    if (lines > SITE_RULE_STATIC_MAX + SITE_RULE_DYNAMIC_MAX)
        lines = SITE_RULE_STATIC_MAX + SITE_RULE_DYNAMIC_MAX;
    rd->rules->redirects = mem_zeroed(lines * sizeof *rd->rules->redirects);
    each_line(rd, redirects, take_redirect);
}

struct site_rules *site_rule_new(str headers, str redirects)
{
    struct reader rd = {.rules = rules_new()};

    each_line(&rd, headers, take_header);
    read_redirects(&rd, redirects);
    return rd.rules;
}

void site_rule_free(struct site_rules *rules)
{
    if (!rules)
        return;
    free(rules->paths);
    free(rules->headers);
    free(rules->redirects);
    free(rules);
}

static int verdict(struct reader *rd, struct buf *wrong, const char *file, const char *limit,
                   struct err *err)
{
    int r = 0;

    while (wrong->len && wrong->ptr[wrong->len - 1] == '\n')
        wrong->len--;
    if (rd->over)
        r = err_set(err, ERR_LIMIT, "%s has more than %s.", file, limit);
    else if (wrong->len)
        r = err_set(err, ERR_INVALID, "%s cannot be used:\n%.*s", file, STR_ARGS(buf_str(wrong)));
    site_rule_free(rd->rules);
    buf_done(wrong);
    return r;
}

int site_rule_check_headers(str headers, struct err *err)
{
    struct buf wrong;
    struct reader rd = {.rules = rules_new(), .wrong = &wrong};

    buf_init(&wrong, ERR_TEXT_MAX / 2);
    each_line(&rd, headers, take_header);
    return verdict(&rd, &wrong, "_headers", "100 rules, or 2000 headers", err);
}

int site_rule_check_redirects(str redirects, struct err *err)
{
    struct buf wrong;
    struct reader rd = {.rules = rules_new(), .wrong = &wrong};

    buf_init(&wrong, ERR_TEXT_MAX / 2);
    read_redirects(&rd, redirects);
    return verdict(&rd, &wrong, "_redirects", "2000 rules, or 100 with placeholders", err);
}

/* ---- redirects ---- */

static void join_slashes(struct buf *to, size_t start)
{
    size_t kept = start;

    for (size_t i = start; i < to->len; i++)
        if (to->ptr[i] != '/' || i == start || to->ptr[i - 1] != '/')
            to->ptr[kept++] = to->ptr[i];
    to->len = kept;
}

int site_rule_redirect(const struct site_rules *rules, str host, str path, struct buf *to)
{
    struct match m = {0};

    for (size_t i = 0; i < rules->redirect_count; i++) {
        const struct redirect *r = &rules->redirects[i];
        size_t start = to->len;

        m.count = 0;
        if (!(r->is_dynamic ? match_rule(r->from, host, path, &m) : str_equal(r->from, path)))
            continue;
        if (fill(r->to, &m, to) < 0) {
            to->len = start;
            continue;
        }
        if (str_starts(r->to, STR("/")))
            join_slashes(to, start);
        return r->status;
    }
    return 0;
}

/* ---- headers ---- */

bool site_rule_have_headers(const struct site_rules *rules)
{
    return rules->header_count > 0;
}

/* Where the line of a header begins; the length when there is none. */
static size_t line_of(const struct buf *head, str name)
{
    for (size_t at = 0; at < head->len;) {
        str line = str_skip(buf_str(head), at);
        size_t end = str_find(line, '\n') + 1;

        if (line.len > name.len && line.ptr[name.len] == ':' &&
            str_equal_nocase(str_head(line, name.len), name))
            return at;
        at += end;
    }
    return head->len;
}

static void take_away(struct buf *head, str name)
{
    size_t at;

    while ((at = line_of(head, name)) < head->len) {
        size_t end = at + str_find(str_skip(buf_str(head), at), '\n') + 1;

        if (end > head->len)
            end = head->len;
        memmove(head->ptr + at, head->ptr + end, head->len - end);
        head->len -= end - at;
    }
}

/* True the second time that a name is given. */
static bool is_seen(struct buf *seen, str name)
{
    bool found = line_of(seen, name) < seen->len;

    if (!found && buf_printf(seen, "%.*s:\n", STR_ARGS(name)) < 0)
        buf_clear(seen);
    return found;
}

static void set(struct buf *head, str name, str value)
{
    size_t start = head->len;
    bool good = true;

    for (size_t i = 0; i < name.len && good; i++)
        good = buf_append_char(head, (char)tolower((unsigned char)name.ptr[i])) == 0;
    if (good && buf_append(head, STR(": ")) == 0 && buf_append(head, value) == 0 &&
        buf_append(head, STR("\r\n")) == 0)
        return;
    head->len = start;
}

static void apply(const struct header *h, const struct match *m, struct buf *head, struct buf *seen)
{
    struct buf value;

    if (h->unset) {
        take_away(head, h->name);
        return;
    }
    buf_init(&value, SITE_RULE_OUT_MAX);
    if (fill(h->value, m, &value) == 0 && is_value(buf_str(&value))) {
        if (!is_seen(seen, h->name))
            take_away(head, h->name);
        set(head, h->name, buf_str(&value));
    }
    buf_done(&value);
}

/* The headers that a rule takes away go before it sets others. */
static void apply_rule(const struct site_rules *rules, size_t rule, const struct match *m,
                       struct buf *head, struct buf *seen, unsigned *left)
{
    for (int unset = 1; unset >= 0; unset--)
        for (size_t i = 0; i < rules->header_count && *left; i++)
            if (rules->headers[i].rule == rule && rules->headers[i].unset == unset) {
                apply(&rules->headers[i], m, head, seen);
                (*left)--;
            }
}

void site_rule_apply(const struct site_rules *rules, str host, str path, struct buf *head)
{
    struct match m = {0};
    struct buf seen;
    unsigned left = SITE_RULE_APPLIED_MAX;

    if (!rules->header_count)
        return;
    buf_init(&seen, SEEN_BYTES_MAX);
    for (size_t i = 0; i < rules->path_count; i++)
        if (match_rule(rules->paths[i], host, path, &m))
            apply_rule(rules, i, &m, head, &seen, &left);
    buf_done(&seen);
}

/* ---- who is first ---- */

/* Any number of "*": what stands between two is looked for once, at its first place, and what
 * follows the last one at the end. */
static bool glob(str pattern, str text)
{
    size_t star = str_find(pattern, '*');

    if (star == pattern.len)
        return str_equal(pattern, text);
    if (!str_starts(text, str_head(pattern, star)))
        return false;
    text = str_skip(text, star);
    for (pattern = str_skip(pattern, star + 1); (star = str_find(pattern, '*')) < pattern.len;
         pattern = str_skip(pattern, star + 1)) {
        const char *hit = star ? memmem(text.ptr, text.len, pattern.ptr, star) : text.ptr;

        if (!hit)
            return false;
        text = str_skip(text, (size_t)(hit - text.ptr) + star);
    }
    return str_ends(text, pattern);
}

bool site_rule_is_always_first(str patterns)
{
    return str_equal(patterns, STR("*\n"));
}

enum site_rule_who site_rule_who(str patterns, str path)
{
    enum site_rule_who who = SITE_RULE_EITHER;

    while (patterns.len) {
        str line = str_head(patterns, str_find(patterns, '\n'));
        bool files = str_starts(line, STR("!"));

        if (glob(files ? str_skip(line, 1) : line, path)) {
            if (files)
                return SITE_RULE_FILES;
            who = SITE_RULE_SCRIPT;
        }
        patterns = str_skip(patterns, line.len + 1);
    }
    return who;
}
