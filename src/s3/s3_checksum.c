/* Checksums; see s3_checksum.h. CRC-32C and CRC-64/NVME go eight bytes at a time over tables that
 * are made at their first use ("slicing by 8"). */
#include "s3/s3_checksum.h"

#include <endian.h>
#include <zlib.h>

#include "web/base64.h"

enum { CRC32, CRC32C, CRC64NVME, SHA1, SHA256, MD5 };

#define CRC32C_POLYNOMIAL UINT64_C(0x82F63B78)          /* reflected */
#define CRC64_POLYNOMIAL UINT64_C(0x9A6C9329AC4BC9B5)   /* reflected */

const struct s3_checksum_kind s3_checksum_kinds[S3_CHECKSUM_KINDS] = {
    [CRC32] = {"crc32", "ChecksumCRC32"},
    [CRC32C] = {"crc32c", "ChecksumCRC32C"},
    [CRC64NVME] = {"crc64nvme", "ChecksumCRC64NVME"},
    [SHA1] = {"sha1", "ChecksumSHA1"},
    [SHA256] = {"sha256", "ChecksumSHA256"},
    [MD5] = {"md5", NULL},
};

const struct s3_checksum_kind *s3_checksum_find(str name)
{
    for (size_t i = 0; i < MD5; i++)
        if (str_equal_nocase(name, str_from(s3_checksum_kinds[i].name)))
            return &s3_checksum_kinds[i];
    return NULL;
}

/* ---- CRCs ---- */

struct crc_table {
    uint64_t at[8][256];
};

static void fill_table(struct crc_table *table, uint64_t polynomial)
{
    for (unsigned i = 0; i < 256; i++) {
        uint64_t crc = i;

        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
        table->at[0][i] = crc;
    }
    for (unsigned i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            table->at[k][i] = table->at[k - 1][i] >> 8 ^ table->at[0][table->at[k - 1][i] & 255];
}

static const struct crc_table *table_of(bool is_64)
{
    static struct crc_table tables[2];

    if (!tables[is_64].at[0][1])
        fill_table(&tables[is_64], is_64 ? CRC64_POLYNOMIAL : CRC32C_POLYNOMIAL);
    return &tables[is_64];
}

static uint64_t crc_add(const struct crc_table *table, uint64_t crc, str bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.ptr;
    size_t left = bytes.len;

    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word;

        memcpy(&word, at, 8);
        word = le64toh(word) ^ crc;
        crc = 0;
        for (int k = 0; k < 8; k++)
            crc ^= table->at[7 - k][word >> 8 * k & 255];
    }
    for (; left; left--, at++)
        crc = crc >> 8 ^ table->at[0][(crc ^ *at) & 255];
    return crc;
}

/* ---- all of them ---- */

static size_t index_of(const struct s3_checksum *sum)
{
    return (size_t)(sum->kind - s3_checksum_kinds);
}

void s3_checksum_init(struct s3_checksum *sum, const struct s3_checksum_kind *kind)
{
    *sum = (struct s3_checksum){.kind = kind};
    if (!kind)
        return;
    switch (index_of(sum)) {
    case CRC32C:
        sum->crc = UINT32_MAX;
        break;
    case CRC64NVME:
        sum->crc = UINT64_MAX;
        break;
    case SHA1:
        sum->hash = s3_hash_new(S3_HASH_SHA1);
        break;
    case SHA256:
        sum->hash = s3_hash_new(S3_HASH_SHA256);
        break;
    case MD5:
        sum->hash = s3_hash_new(S3_HASH_MD5);
        break;
    default:
        break;
    }
}

void s3_checksum_done(struct s3_checksum *sum)
{
    s3_hash_free(sum->hash);
    sum->hash = NULL;
    sum->kind = NULL;
}

void s3_checksum_add(struct s3_checksum *sum, str bytes)
{
    if (!sum->kind || !bytes.len)
        return;
    if (sum->hash)
        s3_hash_add(sum->hash, bytes);
    else if (index_of(sum) == CRC32)
        sum->crc = crc32_z((uLong)sum->crc, (const Bytef *)bytes.ptr, bytes.len);
    else
        sum->crc = crc_add(table_of(index_of(sum) == CRC64NVME), sum->crc, bytes);
}

void s3_checksum_end(struct s3_checksum *sum, char ret[S3_CHECKSUM_TEXT_BYTES])
{
    unsigned char bytes[S3_HASH_BYTES];
    size_t len = 4;

    if (sum->hash) {
        len = s3_hash_end(sum->hash, bytes);
    } else {
        uint64_t crc = index_of(sum) == CRC32 ? sum->crc : ~sum->crc;

        len = index_of(sum) == CRC64NVME ? 8 : 4;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (unsigned char)(crc >> 8 * (len - 1 - i));
    }
    base64_encode((str){(const char *)bytes, len}, ret);
    ret[base64_encoded_len(len)] = '\0';
}
