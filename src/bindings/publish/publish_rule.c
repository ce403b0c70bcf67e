/* Rules of a published host; see publish_rule.h.
 *
 * (1) A purge is a record with a number, not a deletion: an entry notes the number of the last
 *     purge that was known when its object began to be read, and is good while no later record
 *     hits it. So an old object that is put into a cache after a purge is not found either.
 * (2) What a purge of a file hits is what that path may have been answered with: the object, the
 *     document of the directory, and what stands for objects that are not there. */
#include "bindings/publish/publish_rule.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "http/field.h"
#include "store/header_lines.h"
#include "web/percent.h"

enum { KEY_BYTES_MAX = 1024 };

static const char *const missing_words[] = {"none", "404-page", "single-page-application"};
static const char *const purge_words[] = {"all", "file", "prefix"};

/* ---- settings ---- */

static int wrong(struct err *err, const char *key, const char *what)
{
    return err_set(err, ERR_INVALID, "\"%s\" is to be %s.", key, what);
}

/* A part of a key: UTF-8 that does not begin with "/". */
static int read_text(const json_t *settings, const char *key, const char *otherwise, char **ret,
                     struct err *err)
{
    const json_t *value = json_object_get(settings, key);
    str text = {json_string_value(value), json_string_length(value)};

    *ret = str_dup(str_from(otherwise));
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_string(value) || text.len > PUBLISH_RULE_TEXT_MAX ||
        str_find(text, '\0') < text.len || str_starts(text, STR("/")))
        return wrong(err, key, "a text of at most 512 bytes that does not begin with \"/\"");
    free(*ret);
    *ret = str_dup(text);
    return 0;
}

/* A prefix is a directory: it ends with "/". */
static int read_prefix(const json_t *settings, struct publish_rule *rule, struct err *err)
{
    int r = read_text(settings, "prefix", "", &rule->prefix, err);
    size_t len = r == 0 ? strlen(rule->prefix) : 0;

    if (!len || rule->prefix[len - 1] == '/')
        return r;
    rule->prefix = mem_resize(rule->prefix, len + 2);
    memcpy(rule->prefix + len, "/", 2);
    return 0;
}

static int read_missing(const json_t *settings, struct publish_rule *rule, struct err *err)
{
    const json_t *value = json_object_get(settings, "not_found_handling");
    const char *word = json_string_value(value);

    if (!value || json_is_null(value))
        return 0;
    for (size_t i = 0; word && i < COUNT_OF(missing_words); i++)
        if (strcmp(word, missing_words[i]) == 0) {
            rule->missing = (enum publish_missing)i;
            return 0;
        }
    return wrong(err, "not_found_handling",
                 "\"none\", \"404-page\" or \"single-page-application\"");
}

static bool is_value(str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (((unsigned char)value.ptr[i] < ' ' && value.ptr[i] != '\t') || value.ptr[i] == 127)
            return false;
    return true;
}

static int add_header(struct buf *lines, str name, const json_t *value)
{
    str text = {json_string_value(value), json_string_length(value)};

    if (!json_is_string(value) || !field_is_token(name) || field_is_of_connection(name) ||
        !is_value(text))
        return ERR_INVALID;
    return buf_printf(lines, "%.*s: %.*s\r\n", STR_ARGS(name), STR_ARGS(text));
}

static int read_headers(const json_t *settings, struct publish_rule *rule, struct err *err)
{
    const json_t *headers = json_object_get(settings, "headers"), *value;
    const char *name;
    struct buf lines;
    size_t len;
    int r = 0;

    buf_init(&lines, PUBLISH_RULE_HEADER_BYTES_MAX);
    if (headers && !json_is_null(headers) && !json_is_object(headers))
        r = ERR_INVALID;
    if (json_object_size(headers) > PUBLISH_RULE_HEADERS_MAX)
        r = ERR_INVALID;
    json_object_keylen_foreach((json_t *)headers, name, len, value) if (r == 0)
        r = add_header(&lines, (str){name, len}, value);
    rule->headers = str_dup(r == 0 ? buf_str(&lines) : STR(""));
    buf_done(&lines);
    return r == 0 ? 0
                  : wrong(err, "headers",
                          "an object of at most 32 header fields, 8 KiB together, each a text, "
                          "and none of the connection's own");
}

static int read_ttl(const json_t *cache, const char *key, int64_t *ret, struct err *err)
{
    const json_t *value = json_object_get(cache, key);

    if (!value || json_is_null(value))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > PUBLISH_RULE_TTL_MAX)
        return wrong(err, key, "a number of seconds, a year at most");
    *ret = json_integer_value(value);
    return 0;
}

static int read_cache(const json_t *settings, struct publish_rule *rule, struct err *err)
{
    const json_t *cache = json_object_get(settings, "cache");
    int r;

    rule->default_ttl = PUBLISH_RULE_TTL_DEFAULT;
    rule->max_ttl = PUBLISH_RULE_TTL_MAX;
    if (cache && !json_is_null(cache) && !json_is_object(cache))
        return wrong(err, "cache", "an object: {default_ttl, min_ttl, max_ttl}");
    if ((r = read_ttl(cache, "default_ttl", &rule->default_ttl, err)) < 0 ||
        (r = read_ttl(cache, "min_ttl", &rule->min_ttl, err)) < 0 ||
        (r = read_ttl(cache, "max_ttl", &rule->max_ttl, err)) < 0)
        return r;
    return rule->min_ttl <= rule->max_ttl ? 0 : wrong(err, "min_ttl", "at most \"max_ttl\"");
}

/* What is said twice or leads nowhere is said so. */
static int check(const struct publish_rule *rule, struct err *err)
{
    if (rule->missing == PUBLISH_MISSING_APP && !*rule->index)
        return wrong(err, "index_document",
                     "set for \"single-page-application\", as it is what stands for pages");
    return 0;
}

int publish_rule_read(const json_t *settings, struct publish_rule *ret, struct err *err)
{
    int r;

    *ret = (struct publish_rule){0};
    if ((r = read_prefix(settings, ret, err)) < 0 ||
        (r = read_text(settings, "index_document", "", &ret->index, err)) < 0 ||
        (r = read_text(settings, "error_document", "404.html", &ret->error, err)) < 0 ||
        (r = read_missing(settings, ret, err)) < 0 || (r = read_headers(settings, ret, err)) < 0 ||
        (r = read_cache(settings, ret, err)) < 0)
        return r;
    return check(ret, err);
}

void publish_rule_done(struct publish_rule *rule)
{
    for (size_t i = 0; i < rule->purge_count; i++)
        free(rule->purges[i].text);
    free(rule->prefix);
    free(rule->index);
    free(rule->error);
    free(rule->headers);
    *rule = (struct publish_rule){0};
}

/* ---- keys ---- */

int publish_rule_path(str path, struct buf *out)
{
    size_t before = out->len;
    str decoded;

    if (percent_decode(str_skip(path, str_starts(path, STR("/"))), out) < 0)
        return ERR_LIMIT;
    decoded = str_skip(buf_str(out), before);
    return utf8_is_valid(decoded) && str_find(decoded, '\0') == decoded.len ? 0 : ERR_INVALID;
}

bool publish_rule_key(const struct publish_rule *rule, str path, struct buf *out)
{
    return buf_append(out, str_from(rule->prefix)) == 0 && publish_rule_path(path, out) == 0 &&
           out->len <= KEY_BYTES_MAX;
}

bool publish_rule_add_index(const struct publish_rule *rule, struct buf *key)
{
    if (!*rule->index || (key->len && key->ptr[key->len - 1] != '/'))
        return false;
    return buf_append(key, str_from(rule->index)) == 0;
}

bool publish_rule_fallback(const struct publish_rule *rule, struct buf *key)
{
    if (rule->missing == PUBLISH_MISSING_NONE)
        return false;
    buf_clear(key);
    return buf_append(key, str_from(rule->prefix)) == 0 &&
           buf_append(key, str_from(rule->missing == PUBLISH_MISSING_APP ? rule->index
                                                                         : rule->error)) == 0;
}

/* ---- how long ---- */

/* What is no number is stale (RFC 9111 4.2.1). */
static int64_t seconds_of(str value)
{
    uint64_t seconds;

    if (value.len > 1 && *value.ptr == '"')
        value = str_head(str_skip(value, 1), value.len - 2);
    return str_to_u64(value, PUBLISH_RULE_TTL_MAX, &seconds) ? (int64_t)seconds
           : value.len > 8                                   ? PUBLISH_RULE_TTL_MAX
                                                             : 0;
}

static bool is_for_nobody_else(str name)
{
    return str_equal_nocase(name, STR("no-store")) || str_equal_nocase(name, STR("no-cache")) ||
           str_equal_nocase(name, STR("private"));
}

int64_t publish_rule_ttl(const struct publish_rule *rule, str cache_control, int64_t expires,
                         int64_t now)
{
    int64_t shared = -1, any = -1, ttl;
    str directive;

    if (!rule->caches)
        return 0;
    while (header_lines_member(&cache_control, &directive)) {
        size_t equals = str_find(directive, '=');
        str name = str_trim(str_head(directive, equals));
        str value = str_trim(str_skip(directive, equals + 1));

        if (is_for_nobody_else(name))
            return 0;
        if (shared < 0 && str_equal_nocase(name, STR("s-maxage")))
            shared = seconds_of(value);
        else if (any < 0 && str_equal_nocase(name, STR("max-age")))
            any = seconds_of(value);
    }
    ttl = shared >= 0 ? shared : any >= 0 ? any : expires >= 0 ? expires - now : rule->default_ttl;
    if (ttl < rule->min_ttl)
        ttl = rule->min_ttl;
    return ttl < rule->max_ttl ? ttl : rule->max_ttl;
}

/* ---- purges ---- */

int publish_rule_purge_kind(const char *word)
{
    for (size_t i = 0; word && i < COUNT_OF(purge_words); i++)
        if (strcmp(word, purge_words[i]) == 0)
            return (int)i;
    return -1;
}

static void forget_purges(struct publish_rule *rule, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(rule->purges[i].text);
    rule->purge_count -= count;
    memmove(rule->purges, rule->purges + count, rule->purge_count * sizeof *rule->purges);
}

static bool knows(const struct publish_rule *rule, uint64_t seq)
{
    for (size_t i = 0; i < rule->purge_count; i++)
        if (rule->purges[i].seq == seq)
            return true;
    return seq <= rule->purged_before;
}

void publish_rule_add_purge(struct publish_rule *rule, uint64_t seq, enum publish_purge_kind kind,
                            str text)
{
    if (knows(rule, seq))
        return;
    if (kind == PUBLISH_PURGE_ALL) {
        rule->purged_before = seq;
        forget_purges(rule, rule->purge_count);
        return;
    }
    if (rule->purge_count == PUBLISH_RULE_PURGES_MAX) {
        rule->purged_before = rule->purges[0].seq;
        forget_purges(rule, 1);
    }
    rule->purges[rule->purge_count++] = (struct publish_purge){seq, kind, str_dup(text)};
}

static bool is_joined(str whole, str first, str second)
{
    return whole.len == first.len + second.len && str_starts(whole, first) &&
           str_ends(whole, second);
}

/* (2): `path` is the entry's, decoded. */
static bool hits(const struct publish_rule *rule, const struct publish_purge *purge, str path)
{
    str text = str_from(purge->text), index = str_from(rule->index);

    switch (purge->kind) {
    case PUBLISH_PURGE_PREFIX:
        return str_starts(path, text);
    default:
        return str_equal(path, text) || (index.len && is_joined(path, text, index)) ||
               (rule->missing == PUBLISH_MISSING_APP && str_equal(path, index)) ||
               (rule->missing == PUBLISH_MISSING_PAGE && str_equal(path, str_from(rule->error)));
    }
}

bool publish_rule_is_purged(const struct publish_rule *rule, str key, uint64_t seq)
{
    str path = str_skip(key, strlen(rule->prefix));

    if (seq < rule->purged_before)
        return true;
    for (size_t i = rule->purge_count; i > 0 && rule->purges[i - 1].seq > seq; i--)
        if (hits(rule, &rule->purges[i - 1], path))
            return true;
    return false;
}
