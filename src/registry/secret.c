/* Secrets at rest; see secret.h. A nonce is random: with 96 bits, 2^32 seals under one key are safe
 * (NIST SP 800-38D 8.3). */
#include "registry/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NONCE_BYTES = 12, TAG_BYTES = 16 };

static int check_file(int fd, const char *path, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_set_io(err, path);
    if (!S_ISREG(st.st_mode) || st.st_size != SECRET_KEY_BYTES)
        return err_set(err, ERR_INVALID,
                       "%s is no key: it must be a file of %d bytes; restore it from a backup",
                       path, SECRET_KEY_BYTES);
    if (st.st_mode & 077)
        return err_set(err, ERR_INVALID,
                       "%s can be read by others (mode %03o): chmod 600 it, and change the secrets "
                       "of workers if somebody may have read it",
                       path, (unsigned)(st.st_mode & 0777));
    return 0;
}

/* Under a name of its own first: a key that is there is whole. */
static int make_file(const char *path, struct err *err)
{
    char fresh[PATH_MAX];
    unsigned char key[SECRET_KEY_BYTES];
    int fd, r = 0;

    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new", path) >= sizeof fresh)
        return err_set(err, ERR_IO, "%s: the path is too long", path);
    unlink(fresh);
    if ((fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0)
        return err_set_io(err, fresh);
    ASSERT(RAND_bytes(key, sizeof key) == 1);
    if (write(fd, key, sizeof key) != (ssize_t)sizeof key || fchmod(fd, 0600) < 0 || fsync(fd) < 0)
        r = err_set_io(err, fresh);
    OPENSSL_cleanse(key, sizeof key);
    close(fd);
    if (r == 0 && rename(fresh, path) < 0)
        r = err_set_io(err, path);
    if (r < 0)
        unlink(fresh);
    return r;
}

int secret_key_read(const char *path, bool may_make, unsigned char key[SECRET_KEY_BYTES],
                    struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), r;

    if (fd < 0 && errno == ENOENT && may_make) {
        if ((r = make_file(path, err)) < 0)
            return r;
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND,
                       "%s is not there, and without it no secret can be read: restore it from a "
                       "backup",
                       path);
    if (fd < 0)
        return err_set_io(err, path);
    if ((r = check_file(fd, path, err)) == 0 && read(fd, key, SECRET_KEY_BYTES) != SECRET_KEY_BYTES)
        r = err_set_io(err, path);
    close(fd);
    return r;
}

void secret_key_clear(unsigned char key[SECRET_KEY_BYTES])
{
    OPENSSL_cleanse(key, SECRET_KEY_BYTES);
}

void secret_text_clear(char *text, size_t len)
{
    OPENSSL_cleanse(text, len);
}

int secret_seal(const unsigned char key[SECRET_KEY_BYTES], str place, str text, struct buf *out,
                struct err *err)
{
    EVP_CIPHER_CTX *cipher = NULL;
    unsigned char *to;
    int len = 0;

    if (text.len > SECRET_TEXT_MAX || buf_reserve(out, text.len + SECRET_SEAL_BYTES) < 0)
        return err_set(err, ERR_LIMIT, "a secret has at most %d bytes", SECRET_TEXT_MAX);
    to = (unsigned char *)out->ptr + out->len;
    cipher = EVP_CIPHER_CTX_new();
    ASSERT(cipher && RAND_bytes(to, NONCE_BYTES) == 1);
    ASSERT(EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, to) == 1);
    ASSERT(EVP_EncryptUpdate(cipher, NULL, &len, (const unsigned char *)place.ptr,
                             (int)place.len) == 1);
    ASSERT(EVP_EncryptUpdate(cipher, to + NONCE_BYTES, &len, (const unsigned char *)text.ptr,
                             (int)text.len) == 1);
    ASSERT(EVP_EncryptFinal_ex(cipher, to + NONCE_BYTES + text.len, &len) == 1);
    ASSERT(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES,
                               to + NONCE_BYTES + text.len) == 1);
    EVP_CIPHER_CTX_free(cipher);
    out->len += text.len + SECRET_SEAL_BYTES;
    return 0;
}

/* True when the tag is right. */
static bool decrypt(const unsigned char *key, str place, str sealed, unsigned char *to)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    const unsigned char *from = (const unsigned char *)sealed.ptr;
    unsigned char tag[TAG_BYTES];
    int text_len = (int)(sealed.len - SECRET_SEAL_BYTES), len = 0;
    bool is_good;

    ASSERT(cipher);
    memcpy(tag, from + NONCE_BYTES + text_len, sizeof tag);
    is_good = EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, from) == 1 &&
              EVP_DecryptUpdate(cipher, NULL, &len, (const unsigned char *)place.ptr,
                                (int)place.len) == 1 &&
              EVP_DecryptUpdate(cipher, to, &len, from + NONCE_BYTES, text_len) == 1 &&
              EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, sizeof tag, tag) == 1 &&
              EVP_DecryptFinal_ex(cipher, to + text_len, &len) == 1;
    EVP_CIPHER_CTX_free(cipher);
    return is_good;
}

int secret_open(const unsigned char key[SECRET_KEY_BYTES], str place, str sealed, struct buf *out,
                struct err *err)
{
    if (sealed.len < SECRET_SEAL_BYTES || sealed.len > SECRET_TEXT_MAX + SECRET_SEAL_BYTES)
        return err_set(err, ERR_INVALID, "a sealed secret is damaged");
    if (buf_reserve(out, sealed.len) < 0)
        return err_set(err, ERR_LIMIT, "a secret is larger than there is room for");
    if (!decrypt(key, place, sealed, (unsigned char *)out->ptr + out->len))
        return err_set(
            err, ERR_INVALID,
            "a secret cannot be opened: it is damaged, or secret.key is another one than "
            "it was sealed with");
    out->len += sealed.len - SECRET_SEAL_BYTES;
    return 0;
}
