/* Answers of a site; see site_answer.h.
 *
 * (1) A redirect of the file _redirects comes first, then what the path stands for, then (for a
 *     worker with a script) the script, unless patterns say otherwise.
 * (2) A file is answered at the one address that is its own: others redirect there (307). */
#include "bindings/assets/site_answer.h"

#include <stdlib.h>

#include "bindings/assets/site_path.h"
#include "bindings/assets/site_rule.h"
#include "http/media_type.h"
#include "store/header_lines.h"

enum { HEAD_MAX = 64 << 10, PATH_MAX_BYTES = 16 << 10, ETAG_DIGITS = 32, QUALITY_MAX = 1000 };

static const char cache_control[] = "cache-control: public, max-age=0, must-revalidate\r\n";

static const char *coding_name(enum site_coding coding)
{
    static const char *const names[] = {[SITE_BROTLI] = "br", [SITE_ZSTD] = "zstd",
                                        [SITE_GZIP] = "gzip", [SITE_IDENTITY] = ""};

    return names[coding];
}

static bool has(const struct site_request *request, str name)
{
    str value;

    return header_lines_get(request->headers, name, &value);
}

static str header(const struct site_request *request, str name)
{
    str value;

    return header_lines_get(request->headers, name, &value) ? value : STR_NONE;
}

static void put(struct buf *head, str text)
{
    if (buf_append(head, text) < 0)
        return; /* it has room for all of ours; what a rule makes too long is left out */
}

static void put_line(struct buf *head, str name, str value)
{
    put(head, name);
    put(head, STR(": "));
    put(head, value);
    put(head, STR("\r\n"));
}

static void apply_rules(struct site *site, const struct site_request *request,
                        struct site_answer *answer)
{
    struct site_rules *rules = site_rules(site);

    if (site_rule_have_headers(rules))
        site_rule_apply(rules, request->host, request->path, &answer->head);
}

/* ---- what it is ---- */

static void answer_head(struct site *site, const struct site_request *request, int status,
                        struct site_answer *answer)
{
    answer->outcome = SITE_TO_HEAD;
    answer->status = status;
    apply_rules(site, request, answer);
}

static str scheme_and_host(str url)
{
    size_t colon = str_find(url, ':');
    str rest = str_skip(url, colon + 3);

    return str_head(url, colon + 3 + str_find(rest, '/'));
}

/* The request's query goes along unless the rule has one of its own, and before a fragment. */
static void put_location(const struct site_request *request, str to, struct buf *out)
{
    size_t hash = str_find(to, '#');
    str fragment = str_skip(to, hash), rest = str_head(to, hash);
    str origin = str_starts(rest, STR("/")) ? STR_NONE : scheme_and_host(rest);

    put(out, rest);
    if (origin.len && origin.len == rest.len)
        put(out, STR("/"));
    if (str_find(rest, '?') == rest.len)
        put(out, request->query);
    put(out, fragment);
}

static bool is_plain_location(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7f)
            return false;
    return true;
}

static void redirect(struct site *site, const struct site_request *request, int status, str to,
                     struct site_answer *answer)
{
    struct buf location;

    buf_init(&location, PATH_MAX_BYTES * 2);
    put_location(request, to, &location);
    if (is_plain_location(buf_str(&location)))
        put_line(&answer->head, STR("location"), buf_str(&location));
    buf_done(&location);
    answer_head(site, request, status, answer);
}

static void redirect_to_path(struct site *site, const struct site_request *request, str encoded,
                             struct site_answer *answer)
{
    redirect(site, request, 307, encoded, answer);
}

static bool is_read(const struct site_request *request)
{
    return str_equal(request->method, STR("GET")) || str_equal(request->method, STR("HEAD"));
}

/* What is there: a file at its address, or elsewhere. `path` is where it was looked for, encoded.
 * */
static void answer_intent(struct site *site, const struct site_request *request,
                          const struct site_intent *intent, str path, str decoded,
                          struct site_answer *answer)
{
    struct buf encoded;

    buf_init(&encoded, 3 * PATH_MAX_BYTES);
    if (!is_read(request)) {
        put(&answer->head, STR("allow: GET, HEAD\r\n"));
        answer_head(site, request, 405, answer);
    } else if (site_path_encode(intent->is_redirect ? buf_str(&intent->path) : decoded, &encoded) <
               0) {
        answer_head(site, request, 414, answer);
    } else if (intent->is_redirect ||
               (intent->status == 200 && !str_equal(buf_str(&encoded), path))) {
        redirect_to_path(site, request, buf_str(&encoded), answer);
    } else {
        answer->outcome = SITE_TO_FILE;
        answer->status = intent->status;
        answer->file = intent->file;
    }
    buf_done(&encoded);
}

/* What stands for a file that is missing: with a script, only a few requests get that. */
static enum site_missing missing_for(const struct site *site, const struct site_request *request,
                                     enum site_rule_who who)
{
    const struct site_settings *s = site_settings(site);
    bool all = !s->has_script || request->is_binding || who == SITE_RULE_FILES ||
               (s->first.len && !site_rule_is_always_first(s->first)) ||
               (s->navigates && str_equal(header(request, STR("sec-fetch-mode")), STR("navigate")));

    return all ? s->missing : SITE_MISSING_NONE;
}

static void find_file(struct site *site, const struct site_request *request, str path, bool proxied,
                      enum site_rule_who who, struct site_answer *answer)
{
    struct site_intent intent;
    struct buf decoded;

    buf_init(&decoded, PATH_MAX_BYTES * 2);
    if (site_path_decode(path, &decoded) < 0)
        buf_clear(&decoded);
    site_path_find(site, buf_str(&decoded), missing_for(site, request, who), &intent);
    if (intent.is_redirect || intent.status)
        answer_intent(site, request, &intent, path, buf_str(&decoded), answer);
    else if (!site_settings(site)->has_script || request->is_binding || proxied ||
             who == SITE_RULE_FILES)
        answer_head(site, request, 404, answer);
    site_path_intent_done(&intent);
    buf_done(&decoded);
}

void site_answer_find(struct site *site, const struct site_request *request,
                      struct site_answer *ret)
{
    const struct site_settings *s = site_settings(site);
    enum site_rule_who who = SITE_RULE_EITHER;
    struct buf to;
    int status;

    *ret = (struct site_answer){.outcome = SITE_TO_SCRIPT};
    buf_init(&ret->head, HEAD_MAX);
    if (!request->is_binding && s->has_script && s->first.len) {
        if (site_rule_is_always_first(s->first) ||
            (who = site_rule_who(s->first, request->path)) == SITE_RULE_SCRIPT)
            return;
    }
    buf_init(&to, PATH_MAX_BYTES);
    status = site_rule_redirect(site_rules(site), request->host, request->path, &to);
    if (status && status != 200)
        redirect(site, request, status, buf_str(&to), ret);
    else
        find_file(site, request,
                  status ? str_head(buf_str(&to), str_find(buf_str(&to), '?')) : request->path,
                  status == 200, who, ret);
    buf_done(&to);
}

void site_answer_done(struct site_answer *answer)
{
    buf_done(&answer->head);
}

/* ---- codings ---- */

/* A weight (RFC 9110 12.4.2) in thousandths; what is none is 1. */
static unsigned quality_of(str parameters)
{
    str value = str_trim(str_skip(parameters, 1));
    unsigned quality, step = 100;

    if (value.len < 3 || (value.ptr[0] | 32) != 'q' || value.ptr[1] != '=')
        return QUALITY_MAX;
    if (value.ptr[2] != '0')
        return QUALITY_MAX;
    quality = 0;
    for (size_t i = 4; i < value.len && step && value.ptr[i] >= '0' && value.ptr[i] <= '9'; i++) {
        quality += (unsigned)(value.ptr[i] - '0') * step;
        step /= 10;
    }
    return quality;
}

static bool is_coding(str name, enum site_coding coding)
{
    return str_equal_nocase(name, str_from(coding_name(coding))) ||
           (coding == SITE_GZIP && str_equal_nocase(name, STR("x-gzip")));
}

/* "*" stands for those that are not named. */
static void weigh(str accepted, unsigned weights[SITE_CODINGS])
{
    bool named[SITE_CODINGS] = {false};
    unsigned others = 0;
    str member;

    while (header_lines_member(&accepted, &member)) {
        size_t semicolon = str_find(member, ';');
        str name = str_trim(str_head(member, semicolon));
        unsigned quality = quality_of(str_skip(member, semicolon));

        if (str_equal(name, STR("*")))
            others = quality;
        for (enum site_coding c = 0; c < SITE_IDENTITY; c++)
            if (is_coding(name, c)) {
                weights[c] = quality;
                named[c] = true;
            }
    }
    for (enum site_coding c = 0; c < SITE_IDENTITY; c++)
        if (!named[c])
            weights[c] = others;
}

enum site_coding site_answer_coding(const struct site_request *request,
                                    const struct site_file *file)
{
    unsigned weights[SITE_CODINGS] = {0};
    enum site_coding best = SITE_IDENTITY;
    str accepted;

    if (request->is_binding || !media_type_shrinks(file->type) ||
        !header_lines_get(request->headers, STR("accept-encoding"), &accepted) ||
        has(request, STR("range")))
        return SITE_IDENTITY;
    weigh(accepted, weights);
    for (enum site_coding c = SITE_IDENTITY; c-- > 0;)
        if (weights[c] && (best == SITE_IDENTITY || weights[c] >= weights[best]))
            best = c;
    return best;
}

/* ---- the head of a file's answer ---- */

/* Of the contents and their coding: a coded file is another one. */
static void put_etag(const struct site_file *file, enum site_coding coding, struct buf *out)
{
    put(out, STR("\""));
    put(out, str_head(file->hash, ETAG_DIGITS));
    if (coding != SITE_IDENTITY) {
        put(out, STR("-"));
        put(out, str_from(coding_name(coding)));
    }
    put(out, STR("\""));
}

static bool is_named(str list, str etag)
{
    str member;

    while (header_lines_member(&list, &member)) {
        if (str_starts(member, STR("W/")))
            member = str_skip(member, 2);
        if (str_equal(member, etag) || str_equal(member, STR("*")))
            return true;
    }
    return false;
}

/* "bytes=0-99", "bytes=100-", "bytes=-100". Returns 1 with a part, 0 for what is no single range,
 * -1 for one that lies behind the end. */
static int read_range(str text, uint64_t bytes, uint64_t *ret_from, uint64_t *ret_length)
{
    str spec = str_trim(str_skip(text, 6)), first, last;
    uint64_t from = 0, to = 0;
    size_t dash = str_find(spec, '-');

    if (!str_equal_nocase(str_head(text, 6), STR("bytes=")) || dash == spec.len)
        return 0;
    first = str_trim(str_head(spec, dash));
    last = str_trim(str_skip(spec, dash + 1));
    if ((!first.len && !last.len) || (first.len && !str_to_u64(first, UINT64_MAX / 2, &from)) ||
        (last.len && !str_to_u64(last, UINT64_MAX / 2, &to)) ||
        (first.len && last.len && to < from))
        return 0;
    if (!first.len) {
        from = to < bytes ? bytes - to : 0;
        to = to ? UINT64_MAX / 2 : 0;
        if (!to)
            return -1;
    } else if (!last.len) {
        to = UINT64_MAX / 2;
    }
    if (from >= bytes)
        return -1;
    *ret_from = from;
    *ret_length = (to >= bytes ? bytes - 1 : to) - from + 1;
    return 1;
}

static void cut(const struct site_request *request, str etag, uint64_t bytes,
                struct site_answer *answer)
{
    str range = header(request, STR("range")), condition;
    int r;

    if (!range.len || !str_equal(request->method, STR("GET")))
        return;
    if (header_lines_get(request->headers, STR("if-range"), &condition) &&
        !str_equal(condition, etag))
        return;
    if (!(r = read_range(range, bytes, &answer->from, &answer->length)))
        return;
    answer->status = r > 0 ? 206 : 416;
    if (r < 0) {
        answer->outcome = SITE_TO_HEAD;
        if (buf_printf(&answer->head, "content-range: bytes */%llu\r\n",
                       (unsigned long long)bytes) < 0)
            return;
    } else if (buf_printf(&answer->head, "content-range: bytes %llu-%llu/%llu\r\n",
                          (unsigned long long)answer->from,
                          (unsigned long long)(answer->from + answer->length - 1),
                          (unsigned long long)bytes) < 0) {
        return;
    }
}

void site_answer_finish(struct site *site, const struct site_request *request,
                        enum site_coding coding, uint64_t bytes, struct site_answer *answer)
{
    const struct site_file *file = &answer->file;
    struct buf etag;
    str condition;

    buf_init(&etag, SITE_HASH_BYTES + 16);
    put_etag(file, coding, &etag);
    answer->from = 0;
    answer->length = bytes;
    if (file->type.len)
        put_line(&answer->head, STR("content-type"), file->type);
    put_line(&answer->head, STR("etag"), buf_str(&etag));
    if (!has(request, STR("authorization")) && !has(request, STR("range")))
        put(&answer->head, str_from(cache_control));
    if (media_type_shrinks(file->type) && !request->is_binding)
        put(&answer->head, STR("vary: Accept-Encoding\r\n"));
    if (coding != SITE_IDENTITY)
        put_line(&answer->head, STR("content-encoding"), str_from(coding_name(coding)));
    else
        put(&answer->head, STR("accept-ranges: bytes\r\n"));
    if (answer->status == 200 &&
        header_lines_get(request->headers, STR("if-none-match"), &condition) &&
        is_named(condition, buf_str(&etag))) {
        answer->status = 304;
        answer->outcome = SITE_TO_HEAD;
    } else if (answer->status == 200 && coding == SITE_IDENTITY) {
        cut(request, buf_str(&etag), bytes, answer);
    }
    buf_done(&etag);
    apply_rules(site, request, answer);
}
