/* Tokens of an upload; see asset_token.h. "<header>.<payload>.<signature>", the first two JSON as
 * base64url; the signature is of both as they stand. */
#include "api/asset_token.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/member.h"
#include "os/clock.h"
#include "web/base64.h"

enum { PAYLOAD_MAX = 256, SIGNED_MAX = 512 };

static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

static void put_base64url(str bytes, struct buf *out)
{
    char text[2 * PAYLOAD_MAX];
    size_t len = base64_encoded_len(bytes.len);

    ASSERT(len < sizeof text);
    base64_encode(bytes, text);
    while (len && text[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++)
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    ASSERT(buf_append(out, (str){text, len}) == 0);
}

char *asset_token_make(const struct registry *registry, const struct asset_token *token)
{
    json_t *payload = json_pack("{s:I, s:s, s:b}", "exp",
                                clock_wall_s() + (json_int_t)ASSET_SESSION_MS / 1000, "sid",
                                token->session, "done", token->is_complete);
    char *text, *signature;
    struct buf out;

    if (token->is_single)
        json_object_set_new(payload, "wrangler_single_asset_uploads", json_true());
    text = json_dumps(payload, JSON_COMPACT);
    json_decref(payload);
    buf_init(&out, SIGNED_MAX * 2);
    put_base64url(str_from(header), &out);
    ASSERT(buf_append_char(&out, '.') == 0);
    put_base64url(str_from(text), &out);
    signature = asset_sign(registry, buf_str(&out));
    ASSERT(buf_append_char(&out, '.') == 0 && buf_append(&out, str_from(signature)) == 0);
    free(signature);
    free(text);
    return buf_take(&out, NULL);
}

static bool is_signed(const struct registry *registry, str text, str signature)
{
    unsigned difference = 1;
    char *ours;

    if (text.len > SIGNED_MAX)
        return false;
    ours = asset_sign(registry, text);
    if (strlen(ours) == signature.len) {
        difference = 0;
        for (size_t i = 0; i < signature.len; i++)
            difference |= (unsigned char)(ours[i] ^ signature.ptr[i]);
    }
    free(ours);
    return difference == 0;
}

static json_t *payload_of(str base64url)
{
    char text[SIGNED_MAX + 1], bytes[SIGNED_MAX + 1];
    int64_t len;

    if (base64url.len > SIGNED_MAX)
        return NULL;
    for (size_t i = 0; i < base64url.len; i++)
        text[i] = base64url.ptr[i] == '-' ? '+' : base64url.ptr[i] == '_' ? '/' : base64url.ptr[i];
    len = base64_decode((str){text, base64url.len}, bytes);
    return len < 0 ? NULL : json_loadb(bytes, (size_t)len, 0, NULL);
}

bool asset_token_read(const struct registry *registry, str text, struct asset_token *ret)
{
    size_t first = str_find(text, '.'), second;
    str rest = str_skip(text, first + 1);
    const char *session;
    json_t *payload;
    bool good;

    second = str_find(rest, '.');
    if (second >= rest.len ||
        !is_signed(registry, str_head(text, first + 1 + second), str_skip(rest, second + 1)) ||
        !(payload = payload_of(str_head(rest, second))))
        return false;
    session = member_text(payload, "sid");
    good = session && strlen(session) < sizeof ret->session &&
           member_int(payload, "exp") > clock_wall_s();
    if (good) {
        *ret = (struct asset_token){
            .is_complete = json_is_true(json_object_get(payload, "done")),
            .is_single = json_is_true(json_object_get(payload, "wrangler_single_asset_uploads")),
        };
        memcpy(ret->session, session, strlen(session) + 1);
    }
    json_decref(payload);
    return good;
}

bool asset_token_read_header(const struct registry *registry, str text, struct asset_token *ret)
{
    str scheme = str_head(text, 7);

    return str_equal_nocase(scheme, STR("Bearer ")) &&
           asset_token_read(registry, str_trim(str_skip(text, 7)), ret);
}
