/* Signature version 4; see sigv4.h.
 *
 * The canonical query is the parameters encoded once more and sorted; the canonical path is the
 * decoded one encoded once more: two requests with one canonical form mean the same here, because
 * the decoded form is what is acted on. */
#include "s3/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/hex.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define UNSIGNED "UNSIGNED-PAYLOAD"

enum { SIGNED_HEADERS_MAX = 64, SCOPE_PARTS = 4, DATE_CHARS = 8 };

/* ---- reading ---- */

static str header(const struct sigv4_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (str_equal(request->headers[i].name, str_from(name)))
            return request->headers[i].value;
    return STR_NONE;
}

static str param(const struct sigv4_request *request, const char *name)
{
    for (size_t i = 0; i < request->param_count; i++)
        if (str_equal(request->params[i].name, str_from(name)))
            return request->params[i].value;
    return STR_NONE;
}

static bool has_param(const struct sigv4_request *request, const char *name)
{
    return param(request, name).ptr != NULL;
}

/* The part of `text` in front of `c`; *text goes on behind it. */
static str cut(str *text, char c)
{
    size_t at = str_find(*text, c);
    str head = str_head(*text, at);

    *text = str_skip(*text, at + 1);
    return head;
}

static bool is_number(str text, size_t len)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    return text.len == len;
}

bool sigv4_time(str text, int64_t *ret)
{
    struct tm tm = {0};
    char copy[SIGV4_TIME_CHARS + 1];

    if (text.len != SIGV4_TIME_CHARS || text.ptr[8] != 'T' || text.ptr[15] != 'Z' ||
        !is_number(str_head(text, 8), 8) || !is_number(str_head(str_skip(text, 9), 6), 6))
        return false;
    memcpy(copy, text.ptr, SIGV4_TIME_CHARS);
    copy[SIGV4_TIME_CHARS] = '\0';
    if (sscanf(copy, "%4d%2d%2dT%2d%2d%2dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec) != 6)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ret = timegm(&tm);
    return true;
}

/* "ID/20130524/us-east-1/s3/aws4_request" */
static bool take_credential(str text, struct sigv4 *ret)
{
    str parts[SCOPE_PARTS];

    ret->key_id = cut(&text, '/');
    ret->scope = text;
    for (size_t i = 0; i < SCOPE_PARTS; i++)
        parts[i] = cut(&text, '/');
    ret->region = parts[1];
    return ret->key_id.len && is_number(parts[0], DATE_CHARS) && parts[1].len &&
           str_equal(parts[2], STR("s3")) && str_equal(parts[3], STR("aws4_request")) &&
           !text.len && ret->scope.len < SIGV4_SCOPE_BYTES;
}

static enum sigv4_flaw read_header(const struct sigv4_request *request, struct sigv4 *ret)
{
    str text = header(request, "authorization"), credential = STR_NONE;

    if (str_starts(text, STR("AWS ")))
        return SIGV4_OLD;
    if (!str_starts(text, STR(ALGORITHM " ")))
        return text.len ? SIGV4_MALFORMED : SIGV4_MISSING;
    text = str_skip(text, sizeof ALGORITHM);
    while (text.len) {
        str value = str_trim(cut(&text, ','));
        str name = cut(&value, '=');

        if (str_equal(name, STR("Credential")))
            credential = value;
        else if (str_equal(name, STR("SignedHeaders")))
            ret->signed_headers = value;
        else if (str_equal(name, STR("Signature")))
            ret->signature = value;
    }
    ret->time = header(request, "x-amz-date");
    ret->payload = header(request, "x-amz-content-sha256");
    if (!take_credential(credential, ret))
        return SIGV4_MALFORMED;
    return ret->payload.len ? SIGV4_FINE : SIGV4_NO_PAYLOAD;
}

static enum sigv4_flaw read_query(const struct sigv4_request *request, struct sigv4 *ret)
{
    ret->is_presigned = true;
    ret->time = param(request, "X-Amz-Date");
    ret->signed_headers = param(request, "X-Amz-SignedHeaders");
    ret->signature = param(request, "X-Amz-Signature");
    ret->payload = param(request, "X-Amz-Content-Sha256");
    if (!ret->payload.len)
        ret->payload = header(request, "x-amz-content-sha256");
    if (!ret->payload.len)
        ret->payload = STR(UNSIGNED);
    if (!str_equal(param(request, "X-Amz-Algorithm"), STR(ALGORITHM)) ||
        !take_credential(param(request, "X-Amz-Credential"), ret) ||
        !str_to_u64(param(request, "X-Amz-Expires"), UINT32_MAX, &ret->expires_s))
        return SIGV4_MALFORMED;
    return ret->expires_s > SIGV4_EXPIRES_S_MAX ? SIGV4_TOO_LONG : SIGV4_FINE;
}

/* ---- what has to hold ---- */

static bool is_signed(const struct sigv4 *sig, str name)
{
    str names = sig->signed_headers;

    while (names.len)
        if (str_equal(cut(&names, ';'), name))
            return true;
    return false;
}

static enum sigv4_flaw check_headers(const struct sigv4_request *request, const struct sigv4 *sig)
{
    if (!is_signed(sig, STR("host")))
        return SIGV4_UNSIGNED;
    for (size_t i = 0; i < request->header_count; i++)
        if (str_starts(request->headers[i].name, STR("x-amz-")) &&
            !is_signed(sig, request->headers[i].name))
            return SIGV4_UNSIGNED;
    return SIGV4_FINE;
}

static enum sigv4_flaw check_time(const struct sigv4 *sig, int64_t now)
{
    int64_t at;

    if (!sigv4_time(sig->time, &at) ||
        !str_equal(str_head(sig->time, DATE_CHARS), str_head(sig->scope, DATE_CHARS)))
        return SIGV4_NO_TIME;
    if (at > now + SIGV4_SKEW_S)
        return SIGV4_SKEWED;
    if (sig->is_presigned)
        return now > at + (int64_t)sig->expires_s ? SIGV4_EXPIRED : SIGV4_FINE;
    return at < now - SIGV4_SKEW_S ? SIGV4_SKEWED : SIGV4_FINE;
}

enum sigv4_flaw sigv4_read(const struct sigv4_request *request, int64_t now, struct sigv4 *ret)
{
    enum sigv4_flaw flaw;

    *ret = (struct sigv4){0};
    if (has_param(request, "X-Amz-Algorithm") || has_param(request, "X-Amz-Signature"))
        flaw = read_query(request, ret);
    else if (has_param(request, "AWSAccessKeyId") && has_param(request, "Signature"))
        flaw = SIGV4_OLD;
    else
        flaw = read_header(request, ret);
    if (flaw == SIGV4_FINE && ret->signature.len != 2 * S3_HASH_BYTES)
        flaw = SIGV4_MALFORMED;
    if (flaw == SIGV4_FINE)
        flaw = check_headers(request, ret);
    return flaw == SIGV4_FINE ? check_time(ret, now) : flaw;
}

/* ---- the canonical request ---- */

static int by_name_and_value(const void *a, const void *b)
{
    const struct s3_param *x = a, *y = b;
    size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
    int r = len ? memcmp(x->name.ptr, y->name.ptr, len) : 0;

    if (!r && x->name.len != y->name.len)
        return x->name.len < y->name.len ? -1 : 1;
    if (r)
        return r;
    len = x->value.len < y->value.len ? x->value.len : y->value.len;
    r = len ? memcmp(x->value.ptr, y->value.ptr, len) : 0;
    return r ? r : x->value.len < y->value.len ? -1 : x->value.len > y->value.len;
}

/* Encoded, in `bytes`, and sorted as such. Returns how many, or ERR_LIMIT. */
static int encode_params(const struct sigv4_request *request, struct buf *bytes,
                         struct s3_param *params)
{
    size_t starts[S3_TARGET_PARAMS_MAX][2];
    int count = 0, r = 0;

    for (size_t i = 0; i < request->param_count && r == 0; i++) {
        if (str_equal(request->params[i].name, STR("X-Amz-Signature")))
            continue;
        starts[count][0] = bytes->len;
        r = s3_target_encode(request->params[i].name, false, bytes);
        starts[count][1] = bytes->len;
        if (r == 0)
            r = s3_target_encode(request->params[i].value, false, bytes);
        params[count].name.len = starts[count][1] - starts[count][0];
        params[count].value.len = bytes->len - starts[count][1];
        count++;
    }
    for (int i = 0; i < count; i++) {
        params[i].name.ptr = bytes->ptr + starts[i][0];
        params[i].value.ptr = bytes->ptr + starts[i][1];
    }
    qsort(params, (size_t)count, sizeof *params, by_name_and_value);
    return r < 0 ? r : count;
}

static int append_query(const struct sigv4_request *request, struct buf *out)
{
    struct s3_param params[S3_TARGET_PARAMS_MAX] = {{{0}, {0}}};
    struct buf bytes;
    int count, r = 0;

    buf_init(&bytes, SIGV4_TEXT_BYTES_MAX);
    count = encode_params(request, &bytes, params);
    for (int i = 0; i < count && r == 0; i++)
        r = buf_printf(out, "%s%.*s=%.*s", i ? "&" : "", STR_ARGS(params[i].name),
                       STR_ARGS(params[i].value));
    buf_done(&bytes);
    return count < 0 ? count : r;
}

/* Runs of blanks are one. */
static int append_value(str value, struct buf *out)
{
    int r = 0;

    value = str_trim(value);
    for (size_t i = 0; i < value.len && r == 0; i++)
        if (value.ptr[i] != ' ' || value.ptr[i - 1] != ' ')
            r = buf_append_char(out, value.ptr[i]);
    return r;
}

static int append_header(const struct sigv4_request *request, str name, struct buf *out)
{
    bool any = false;
    int r = buf_printf(out, "%.*s:", STR_ARGS(name));

    for (size_t i = 0; i < request->header_count && r == 0; i++) {
        if (!str_equal(request->headers[i].name, name))
            continue;
        if (any)
            r = buf_append_char(out, ',');
        if (r == 0)
            r = append_value(request->headers[i].value, out);
        any = true;
    }
    return r < 0 ? r : buf_append_char(out, '\n');
}

static int append_headers(const struct sigv4_request *request, const struct sigv4 *sig,
                          struct buf *out)
{
    str names = sig->signed_headers;
    int r = 0, count = 0;

    while (names.len && r == 0)
        r = count++ < SIGNED_HEADERS_MAX ? append_header(request, cut(&names, ';'), out)
                                         : ERR_LIMIT;
    return r < 0 ? r : buf_printf(out, "\n%.*s\n", STR_ARGS(sig->signed_headers));
}

int sigv4_canonical(const struct sigv4_request *request, const struct sigv4 *sig, struct buf *out)
{
    int r = buf_printf(out, "%.*s\n", STR_ARGS(request->method));

    if (r == 0)
        r = s3_target_encode(request->path, true, out);
    if (r == 0)
        r = buf_append_char(out, '\n');
    if (r == 0)
        r = append_query(request, out);
    if (r == 0)
        r = buf_append_char(out, '\n');
    if (r == 0)
        r = append_headers(request, sig, out);
    return r < 0 ? r : buf_append(out, sig->payload);
}

/* ---- signatures ---- */

static str bytes_of(const unsigned char hash[S3_HASH_BYTES])
{
    return (str){(const char *)hash, S3_HASH_BYTES};
}

void sigv4_key(const struct sigv4 *sig, str secret, unsigned char ret[S3_HASH_BYTES])
{
    struct buf first;

    buf_init(&first, SIGV4_TEXT_BYTES_MAX);
    ASSERT(buf_append(&first, STR("AWS4")) == 0 && buf_append(&first, secret) == 0);
    s3_hash_hmac(buf_str(&first), str_head(sig->scope, DATE_CHARS), ret);
    explicit_bzero(first.ptr, first.len);
    buf_done(&first);
    s3_hash_hmac(bytes_of(ret), sig->region, ret);
    s3_hash_hmac(bytes_of(ret), STR("s3"), ret);
    s3_hash_hmac(bytes_of(ret), STR("aws4_request"), ret);
}

/* HMAC of the text's lines, as digits. */
static void sign(const unsigned char key[S3_HASH_BYTES], struct buf *text,
                 char ret[S3_HASH_HEX_BYTES])
{
    unsigned char hash[S3_HASH_BYTES];

    s3_hash_hmac(bytes_of(key), buf_str(text), hash);
    hex_encode(hash, sizeof hash, ret);
    buf_done(text);
}

static void hex_of(str bytes, char ret[S3_HASH_HEX_BYTES])
{
    unsigned char hash[S3_HASH_BYTES];

    s3_hash_sha256(bytes, hash);
    hex_encode(hash, sizeof hash, ret);
}

enum sigv4_flaw sigv4_check(const struct sigv4_request *request, const struct sigv4 *sig,
                            const unsigned char key[S3_HASH_BYTES])
{
    char hex[S3_HASH_HEX_BYTES], wanted[S3_HASH_HEX_BYTES];
    struct buf text;
    int r;

    buf_init(&text, SIGV4_TEXT_BYTES_MAX);
    r = sigv4_canonical(request, sig, &text);
    hex_of(buf_str(&text), hex);
    buf_clear(&text);
    if (r == 0)
        r = buf_printf(&text, ALGORITHM "\n%.*s\n%.*s\n%s", STR_ARGS(sig->time),
                       STR_ARGS(sig->scope), hex);
    sign(key, &text, wanted);
    if (r < 0)
        return SIGV4_MALFORMED;
    return s3_hash_equal(str_from(wanted), sig->signature) ? SIGV4_FINE : SIGV4_WRONG;
}

/* ---- chunks ---- */

void sigv4_chain_init(struct sigv4_chain *chain, const struct sigv4 *sig,
                      const unsigned char key[S3_HASH_BYTES])
{
    memcpy(chain->key, key, S3_HASH_BYTES);
    snprintf(chain->time, sizeof chain->time, "%.*s", STR_ARGS(sig->time));
    snprintf(chain->scope, sizeof chain->scope, "%.*s", STR_ARGS(sig->scope));
    snprintf(chain->last, sizeof chain->last, "%.*s", STR_ARGS(sig->signature));
}

static bool check_next(struct sigv4_chain *chain, struct buf *text, str signature)
{
    sign(chain->key, text, chain->last);
    return s3_hash_equal(str_from(chain->last), signature);
}

bool sigv4_chain_check(struct sigv4_chain *chain, const unsigned char hash[S3_HASH_BYTES],
                       str signature)
{
    char empty[S3_HASH_HEX_BYTES], hex[S3_HASH_HEX_BYTES];
    struct buf text;

    hex_of(STR_NONE, empty);
    hex_encode(hash, S3_HASH_BYTES, hex);
    buf_init(&text, SIGV4_TEXT_BYTES_MAX);
    ASSERT(buf_printf(&text, ALGORITHM "-PAYLOAD\n%s\n%s\n%s\n%s\n%s", chain->time, chain->scope,
                      chain->last, empty, hex) == 0);
    return check_next(chain, &text, signature);
}

bool sigv4_chain_check_trailer(struct sigv4_chain *chain, str lines, str signature)
{
    char hex[S3_HASH_HEX_BYTES];
    struct buf text;

    hex_of(lines, hex);
    buf_init(&text, SIGV4_TEXT_BYTES_MAX);
    ASSERT(buf_printf(&text, ALGORITHM "-TRAILER\n%s\n%s\n%s\n%s", chain->time, chain->scope,
                      chain->last, hex) == 0);
    return check_next(chain, &text, signature);
}
