/* Targets; see s3_target.h. */
#include "s3/s3_target.h"

#include <stdlib.h>

#include "base/hex.h"
#include "base/utf8.h"

/* Decodes `raw` to `*at`, which has room. Returns false when an escape is none. */
static bool decode(str raw, bool is_query, char **at, str *ret)
{
    char *start = *at, *out = start;

    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];

        if (c == '%') {
            int high = i + 2 < raw.len ? hex_digit(raw.ptr[i + 1]) : -1;
            int low = i + 2 < raw.len ? hex_digit(raw.ptr[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        if (!c)
            return false;
        *out++ = c;
    }
    *at = out;
    *ret = (str){start, (size_t)(out - start)};
    return utf8_is_valid(*ret);
}

static bool parse_param(struct s3_target *target, str raw, char **at)
{
    size_t equal = str_find(raw, '=');
    struct s3_param *param = &target->params[target->param_count];

    if (target->param_count == S3_TARGET_PARAMS_MAX ||
        !decode(str_head(raw, equal), true, at, &param->name) ||
        !decode(str_skip(raw, equal + 1), true, at, &param->value))
        return false;
    target->param_count++;
    return true;
}

static bool parse_query(struct s3_target *target, str raw, char **at)
{
    while (raw.len) {
        str one = str_head(raw, str_find(raw, '&'));

        if (one.len && !parse_param(target, one, at))
            return false;
        raw = str_skip(raw, one.len + 1);
    }
    return true;
}

/* "bucket" of "bucket.<domain>:port". */
static str bucket_of_host(str host, str domain)
{
    size_t colon = str_find(host, ':');

    host = str_head(host, colon);
    if (!domain.len || host.len < domain.len + 2 || host.ptr[host.len - domain.len - 1] != '.' ||
        !str_equal_nocase(str_skip(host, host.len - domain.len), domain))
        return STR_NONE;
    return str_head(host, host.len - domain.len - 1);
}

static void split_path(struct s3_target *target)
{
    str rest = str_skip(target->path, 1);
    size_t slash = str_find(rest, '/');

    target->bucket = str_head(rest, slash);
    target->key = str_skip(rest, slash + 1);
}

int s3_target_parse(struct s3_target *target, str host, str raw, str domain)
{
    size_t query = str_find(raw, '?');
    str bucket = bucket_of_host(host, domain);
    char *at;

    *target = (struct s3_target){.bytes = mem_alloc(raw.len + host.len + 1)};
    at = target->bytes;
    if (!raw.len || raw.ptr[0] != '/' || !decode(str_head(raw, query), false, &at, &target->path) ||
        !parse_query(target, str_skip(raw, query + 1), &at))
        return ERR_INVALID;
    if (!bucket.len) {
        split_path(target);
        return 0;
    }
    target->bucket = (str){at, bucket.len};
    for (size_t i = 0; i < bucket.len; i++)
        *at++ = bucket.ptr[i] >= 'A' && bucket.ptr[i] <= 'Z' ? (char)(bucket.ptr[i] + 32)
                                                             : bucket.ptr[i];
    target->key = str_skip(target->path, 1);
    return 0;
}

void s3_target_done(struct s3_target *target)
{
    free(target->bytes);
    target->bytes = NULL;
}

static const struct s3_param *find(const struct s3_target *target, const char *name)
{
    for (size_t i = 0; i < target->param_count; i++)
        if (str_equal(target->params[i].name, str_from(name)))
            return &target->params[i];
    return NULL;
}

str s3_target_param(const struct s3_target *target, const char *name)
{
    const struct s3_param *param = find(target, name);

    return param ? param->value : STR_NONE;
}

bool s3_target_has(const struct s3_target *target, const char *name)
{
    return find(target, name) != NULL;
}

int s3_target_encode(str text, bool keep_slash, struct buf *out)
{
    int r = 0;

    for (size_t i = 0; i < text.len && r == 0; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool stays = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash);

        r = stays ? buf_append_char(out, (char)c) : buf_printf(out, "%%%02X", c);
    }
    return r;
}
