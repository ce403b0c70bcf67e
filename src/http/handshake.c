/* The opening handshake; see handshake.h. */
#include "http/handshake.h"

#include <openssl/evp.h>
#include <sys/random.h>

enum { NONCE_BYTES = 16, SHA1_BYTES = 20 };

/* Appended to the key (RFC 6455 1.3). */
static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/* Takes the next line off *lines, without its end. */
static str next_line(str *lines)
{
    size_t end = str_find(*lines, '\n');
    str line = str_head(*lines, end);

    *lines = str_skip(*lines, end + 1);
    return str_ends(line, STR("\r")) ? str_head(line, line.len - 1) : line;
}

static bool split(str line, str *ret_name, str *ret_value)
{
    size_t colon = str_find(line, ':');

    *ret_name = str_head(line, colon);
    *ret_value = str_trim(str_skip(line, colon + 1));
    return colon < line.len;
}

str handshake_header(str lines, str name)
{
    str found, value;

    while (lines.len)
        if (split(next_line(&lines), &found, &value) && str_equal_nocase(found, name))
            return value.ptr ? value : STR("");
    return STR_NONE;
}

static bool has(str list, str token, bool (*equal)(str a, str b))
{
    while (list.len) {
        size_t comma = str_find(list, ',');
        if (equal(str_trim(str_head(list, comma)), token))
            return true;
        list = str_skip(list, comma + 1);
    }
    return false;
}

bool handshake_has_token(str list, str token)
{
    return has(list, token, str_equal_nocase);
}

bool handshake_has_exactly(str list, str token)
{
    return has(list, token, str_equal);
}

static bool is_key(str key)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    if (key.len != HANDSHAKE_KEY_BYTES || !str_ends(key, STR("==")))
        return false;
    for (size_t i = 0; i < key.len - 2; i++)
        if (!key.ptr[i] || !strchr(alphabet, key.ptr[i]))
            return false;
    return true;
}

void handshake_read(str lines, struct handshake *ret)
{
    bool upgrade = false, connection = false;
    int keys = 0, versions = 0;
    str name, value;

    *ret = (struct handshake){.wrong_version = true, .wrong_key = true};
    while (lines.len) {
        if (!split(next_line(&lines), &name, &value))
            continue;
        if (str_equal(name, STR("upgrade"))) {
            upgrade |= handshake_has_token(value, STR("websocket"));
        } else if (str_equal(name, STR("connection"))) {
            connection |= handshake_has_token(value, STR("upgrade"));
        } else if (str_equal(name, STR("sec-websocket-version"))) {
            ret->wrong_version = versions++ || !str_equal(value, STR("13"));
        } else if (str_equal(name, STR("sec-websocket-key"))) {
            ret->wrong_key = keys++ || !is_key(value);
            ret->key = value;
        } else if (str_equal(name, STR("sec-websocket-extensions")) && !ret->extensions.len) {
            ret->extensions = value;
        }
    }
    ret->upgrade = upgrade && connection;
}

void handshake_accept(str key, char *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE], text[HANDSHAKE_ACCEPT_BYTES + 1];
    struct buf input;

    buf_init(&input, HANDSHAKE_KEY_BYTES + sizeof guid);
    ASSERT(buf_append(&input, str_head(key, HANDSHAKE_KEY_BYTES)) == 0 &&
           buf_append(&input, str_from(guid)) == 0);
    ASSERT(EVP_Digest(input.ptr, input.len, digest, NULL, EVP_sha1(), NULL) == 1);
    EVP_EncodeBlock(text, digest, SHA1_BYTES);
    memcpy(out, text, HANDSHAKE_ACCEPT_BYTES);
    buf_done(&input);
}

void handshake_make_key(char *out)
{
    unsigned char nonce[NONCE_BYTES], text[HANDSHAKE_KEY_BYTES + 1];

    ASSERT(getrandom(nonce, sizeof nonce, 0) == (ssize_t)sizeof nonce);
    EVP_EncodeBlock(text, nonce, NONCE_BYTES);
    memcpy(out, text, HANDSHAKE_KEY_BYTES);
}
