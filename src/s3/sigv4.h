/* Signature version 4 of AWS: read, computed, compared.
 *
 *   key   = HMAC(HMAC(HMAC(HMAC("AWS4" secret, date), region), service), "aws4_request")
 *   text  = "AWS4-HMAC-SHA256" \n time \n scope \n SHA-256(canonical request)
 *   signature = HMAC(key, text)
 *
 * Knows no sockets, no clock and no store. What is not covered by a signature and could change what
 * a request does (the host, a header x-amz-*) makes it invalid.
 * Owns: nothing; views point into the request. Thread: any.
 * Limits: SIGV4_TEXT_BYTES_MAX of a canonical request.
 * Source: "Authenticating Requests (AWS Signature Version 4)" of the Amazon S3 API reference. */
#ifndef ATOLL_S3_SIGV4_H
#define ATOLL_S3_SIGV4_H

#include "http/head.h"
#include "s3/s3_hash.h"
#include "s3/s3_target.h"

enum {
    SIGV4_TEXT_BYTES_MAX = 256 << 10,
    SIGV4_SKEW_S = 15 * 60,
    SIGV4_EXPIRES_S_MAX = 7 * 24 * 3600,
    SIGV4_TIME_CHARS = 16,          /* "20130524T000000Z" */
    SIGV4_SCOPE_BYTES = 128,
};

struct sigv4_request {
    str method;
    str path;                       /* decoded */
    const struct s3_param *params;  /* decoded */
    size_t param_count;
    const struct http_header *headers;
    size_t header_count;
};

/* What a request says about its signature. */
struct sigv4 {
    str key_id, region, signature;
    str scope;                      /* "20130524/us-east-1/s3/aws4_request" */
    str signed_headers;             /* "host;x-amz-date" */
    str time;
    str payload;                    /* x-amz-content-sha256, "UNSIGNED-PAYLOAD" when presigned */
    bool is_presigned;
    uint64_t expires_s;             /* of a presigned one */
};

enum sigv4_flaw {
    SIGV4_FINE,
    SIGV4_MISSING,        /* nothing is signed */
    SIGV4_OLD,            /* signature version 2 */
    SIGV4_MALFORMED,      /* the header or a parameter is not as it has to be */
    SIGV4_NO_TIME,        /* x-amz-date is missing or no time */
    SIGV4_NO_PAYLOAD,     /* x-amz-content-sha256 is missing */
    SIGV4_UNSIGNED,       /* a header is not covered that has to be */
    SIGV4_SKEWED,         /* the time is too far from now */
    SIGV4_EXPIRED,        /* a presigned one has */
    SIGV4_TOO_LONG,       /* it would be valid for more than SIGV4_EXPIRES_S_MAX */
    SIGV4_WRONG,          /* the signature does not match */
};

/* Reads what the request says and checks all but the signature; `now`: seconds since 1970. */
enum sigv4_flaw sigv4_read(const struct sigv4_request *request, int64_t now, struct sigv4 *ret);

/* The key that signs, of a secret. */
void sigv4_key(const struct sigv4 *sig, str secret, unsigned char ret[S3_HASH_BYTES]);

/* Sees whether the signature matches: SIGV4_FINE, SIGV4_WRONG, or SIGV4_MALFORMED when the request
 * is too long. */
enum sigv4_flaw sigv4_check(const struct sigv4_request *request, const struct sigv4 *sig,
                            const unsigned char key[S3_HASH_BYTES]);

/* Appends the canonical request. Returns 0 or ERR_LIMIT. */
NODISCARD int sigv4_canonical(const struct sigv4_request *request, const struct sigv4 *sig,
                              struct buf *out);

/* ---- bodies that are signed chunk by chunk ---- */

struct sigv4_chain {
    unsigned char key[S3_HASH_BYTES];
    char time[SIGV4_TIME_CHARS + 1], scope[SIGV4_SCOPE_BYTES];
    char last[S3_HASH_HEX_BYTES];   /* the signature before: that of the request, at first */
};

/* Begins with a request whose signature matches. */
void sigv4_chain_init(struct sigv4_chain *chain, const struct sigv4 *sig,
                      const unsigned char key[S3_HASH_BYTES]);

/* The next chunk's signature, of the SHA-256 of its bytes; false when it does not match. */
bool sigv4_chain_check(struct sigv4_chain *chain, const unsigned char hash[S3_HASH_BYTES],
                       str signature);

/* The signature of the trailer: lines "name:value\n", in their order. */
bool sigv4_chain_check_trailer(struct sigv4_chain *chain, str lines, str signature);

/* Seconds since 1970 of "20130524T000000Z"; false when it is none. */
bool sigv4_time(str text, int64_t *ret);

#endif
