/* TLS as a client, over OpenSSL's memory BIOs; see tls.h.
 *
 *             tls_feed: handshake done        tls_read: close_notify
 *   TLS_HANDSHAKE ----------------> TLS_OPEN ----------------------> TLS_ENDED
 *        |                             |
 *        +-------- an error -----------+--> TLS_FAILED
 *
 * (1) OpenSSL keeps errors in a queue per thread: it is emptied before each call that is asked why
 *     it failed.
 * (2) A BIO in memory is never full and, empty, says "later": an end of the wire is for the caller
 *     to see. */
#include "http/tls.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct tls {
    SSL *ssl;
    BIO *in;    /* both belong to `ssl` */
    BIO *out;
    enum tls_state state;
};

/* Certificates of the system are read from its directory as chains need them. */
static SSL_CTX *context(void)
{
    static SSL_CTX *ctx;
    const char *file = getenv("ATOLL_CA_FILE");

    if (ctx)
        return ctx;
    ctx = SSL_CTX_new(TLS_client_method());
    ASSERT(ctx);
    ASSERT(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1);
    SSL_CTX_set_default_verify_paths(ctx);
    if (file)
        SSL_CTX_load_verify_file(ctx, file);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    return ctx;
}

static bool is_address(const char *name)
{
    unsigned char bytes[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* Whose certificate is expected; a name is told to the other side too (SNI, RFC 6066 3). */
static int name_set(SSL *ssl, str name, struct err *err)
{
    char text[TLS_NAME_BYTES_MAX + 1];

    if (name.len > 1 && name.ptr[name.len - 1] == '.')
        name.len--;
    if (!name.len || name.len > TLS_NAME_BYTES_MAX || str_find(name, '\0') < name.len)
        return err_set(err, ERR_INVALID, "TLS needs the name of a host, of at most %d characters",
                       TLS_NAME_BYTES_MAX);
    snprintf(text, sizeof text, "%.*s", STR_ARGS(name));
    if (is_address(text)) {
        ASSERT(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), text) == 1);
        return 0;
    }
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (SSL_set1_host(ssl, text) != 1 || SSL_set_tlsext_host_name(ssl, text) != 1)
        return err_set(err, ERR_INVALID, "\"%s\" is not the name of a host", text);
    return 0;
}

/* Each protocol is sent with its length before it (RFC 7301 3.1). */
static int alpn_set(SSL *ssl, str list, struct err *err)
{
    unsigned char wire[TLS_ALPN_BYTES_MAX + 1];
    unsigned length = 0;

    if (!list.len)
        return 0;
    if (list.len > TLS_ALPN_BYTES_MAX)
        return err_set(err, ERR_INVALID, "the list of protocols is too long");
    for (;;) {
        size_t comma = str_find(list, ',');

        if (comma == 0)
            return err_set(err, ERR_INVALID, "the list of protocols has an empty name");
        wire[length++] = (unsigned char)comma;
        memcpy(wire + length, list.ptr, comma);
        length += (unsigned)comma;
        if (comma == list.len)
            break;
        list = str_skip(list, comma + 1);
    }
    ASSERT(SSL_set_alpn_protos(ssl, wire, length) == 0);
    return 0;
}

/* Puts OpenSSL's verdict into words. */
static int fail(struct tls *tls, struct err *err)
{
    long verdict = SSL_get_verify_result(tls->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    tls->state = TLS_FAILED;
    if (verdict != X509_V_OK)
        return err_set(err, ERR_NETWORK, "the certificate is not accepted: %s",
                       X509_verify_cert_error_string(verdict));
    return err_set(err, ERR_NETWORK, "TLS: %s", reason ? reason : "protocol error");
}

static int handshake(struct tls *tls, struct err *err)
{
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(tls->ssl);
    if (result == 1) {
        tls->state = TLS_OPEN;
        return 0;
    }
    return SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ ? 0 : fail(tls, err);
}

struct tls *tls_new(str name, str alpn, struct err *err)
{
    struct tls *tls = mem_new(struct tls);

    tls->ssl = SSL_new(context());
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    ASSERT(tls->ssl && tls->in && tls->out);
    BIO_set_mem_eof_return(tls->in, -1);
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_connect_state(tls->ssl);
    if (name_set(tls->ssl, name, err) < 0 || alpn_set(tls->ssl, alpn, err) < 0 ||
        handshake(tls, err) < 0) {
        tls_free(tls);
        return NULL;
    }
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    free(tls);
}

int tls_feed(struct tls *tls, str wire, struct err *err)
{
    ASSERT(wire.len <= INT_MAX);
    if (wire.len)
        ASSERT(BIO_write(tls->in, wire.ptr, (int)wire.len) == (int)wire.len);
    return tls->state == TLS_HANDSHAKE ? handshake(tls, err) : 0;
}

enum tls_state tls_state(const struct tls *tls)
{
    return tls->state;
}

int tls_read(struct tls *tls, char *out, size_t size, struct err *err)
{
    int length;

    if (tls->state != TLS_OPEN)
        return 0;
    ERR_clear_error();
    length = SSL_read(tls->ssl, out, size < INT_MAX ? (int)size : INT_MAX);
    if (length > 0)
        return length;
    switch (SSL_get_error(tls->ssl, length)) {
    case SSL_ERROR_WANT_READ:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        tls->state = TLS_ENDED;
        return 0;
    default:
        return fail(tls, err);
    }
}

int tls_write(struct tls *tls, str bytes, struct err *err)
{
    ASSERT(tls->state == TLS_OPEN || tls->state == TLS_ENDED);
    while (bytes.len) {
        int length = bytes.len < INT_MAX ? (int)bytes.len : INT_MAX;
        int written;

        ERR_clear_error();
        written = SSL_write(tls->ssl, bytes.ptr, length);
        if (written <= 0)
            return fail(tls, err);
        bytes = str_skip(bytes, (size_t)written);
    }
    return 0;
}

void tls_end(struct tls *tls)
{
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
}

int tls_take(struct tls *tls, struct buf *out)
{
    char *bytes = NULL;
    long length = BIO_get_mem_data(tls->out, &bytes);
    int r;

    if (length <= 0)
        return 0;
    r = buf_append(out, (str){bytes, (size_t)length});
    if (r == 0)
        (void)BIO_reset(tls->out);
    return r;
}
