/* Bodies; see s3_intake.h.
 *
 *     READING <──> WRITING ──> DONE
 *         └── what is wrong ──> DONE
 *
 * (1) While the upload writes, nothing is taken from the connection's buffer, and when that is full
 *     the client has to wait. */
#include "s3/s3_intake.h"

#include <stdlib.h>

#include "base/hex.h"
#include "s3/aws_chunked.h"
#include "web/base64.h"

#define CHECKSUM_PREFIX "x-amz-checksum-"

enum { TRAILER_BYTES_MAX = 4096 };

enum payload { PAYLOAD_PLAIN, PAYLOAD_HASHED, PAYLOAD_CHUNKED, PAYLOAD_CHUNKED_SIGNED };
enum state { INTAKE_READING, INTAKE_WRITING, INTAKE_DONE };

struct s3_intake {
    enum state state;
    enum payload payload;
    struct s3_call *call;
    void (*done)(struct s3_call *call);
    struct aws_chunked chunked;
    struct sigv4_chain chain;
    bool is_aws_chunked, has_trailer, trailer_signed;
    struct s3_hash *hash;               /* of the payload, or of a chunk */
    struct s3_checksum sum, md5;
    char wanted[S3_CHECKSUM_TEXT_BYTES];        /* "": it comes in the trailer, or never */
    char wanted_md5[S3_CHECKSUM_TEXT_BYTES];
    struct buf trailer;                 /* its lines, for their signature */
    uint64_t decoded, promised;         /* bytes; promised: UINT64_MAX when nothing is */
    uint64_t max;
    struct r2_upload_wait wait;
};

void s3_intake_free(struct s3_intake *intake)
{
    if (!intake)
        return;
    s3_hash_free(intake->hash);
    s3_checksum_done(&intake->sum);
    s3_checksum_done(&intake->md5);
    buf_done(&intake->trailer);
    free(intake);
}

/* ---- what the head says ---- */

static bool take_payload(struct s3_intake *intake, str payload)
{
    static const struct {
        str name;
        enum payload payload;
        bool has_trailer;
    } kinds[] = {
        {STR("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), PAYLOAD_CHUNKED_SIGNED, false},
        {STR("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"), PAYLOAD_CHUNKED_SIGNED, true},
        {STR("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), PAYLOAD_CHUNKED, true},
        {STR("UNSIGNED-PAYLOAD"), PAYLOAD_PLAIN, false},
    };

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (str_equal(payload, kinds[i].name)) {
            intake->payload = kinds[i].payload;
            intake->has_trailer = kinds[i].has_trailer;
            intake->is_aws_chunked = kinds[i].payload != PAYLOAD_PLAIN;
            return true;
        }
    intake->payload = PAYLOAD_HASHED;
    return payload.len == 2 * S3_HASH_BYTES;
}

/* A checksum's value in base64, of `bytes` bytes. */
static bool take_value(str value, char ret[S3_CHECKSUM_TEXT_BYTES])
{
    char bytes[S3_CHECKSUM_TEXT_BYTES];

    if (!value.len || value.len >= S3_CHECKSUM_TEXT_BYTES || base64_decode(value, bytes) < 4)
        return false;
    memcpy(ret, value.ptr, value.len);
    ret[value.len] = '\0';
    return true;
}

/* x-amz-checksum-crc32: ..., or x-amz-trailer: x-amz-checksum-crc32 */
static bool take_checksum(struct s3_intake *intake, const struct s3_call *call)
{
    str trailer = s3_call_header(call, "x-amz-trailer"), md5 = s3_call_header(call, "content-md5");
    const struct s3_checksum_kind *kind = NULL;

    for (size_t i = 0; i < call->header_count && !kind; i++) {
        const struct http_header *header = &call->headers[i];

        if (!str_starts(header->name, STR(CHECKSUM_PREFIX)))
            continue;
        kind = s3_checksum_find(str_skip(header->name, sizeof CHECKSUM_PREFIX - 1));
        if (kind && !take_value(header->value, intake->wanted))
            return false;
    }
    if (!kind && str_starts(trailer, STR(CHECKSUM_PREFIX)))
        kind = s3_checksum_find(str_skip(trailer, sizeof CHECKSUM_PREFIX - 1));
    s3_checksum_init(&intake->sum, kind);
    s3_checksum_init(&intake->md5, md5.len ? &s3_checksum_kinds[S3_CHECKSUM_KINDS - 1] : NULL);
    return !md5.len || (md5.len == 24 && take_value(md5, intake->wanted_md5));
}

static bool take_length(struct s3_intake *intake, const struct s3_call *call)
{
    str decoded = s3_call_header(call, "x-amz-decoded-content-length");

    intake->promised = UINT64_MAX;
    if (intake->is_aws_chunked)
        return !decoded.len || str_to_u64(decoded, INT64_MAX, &intake->promised);
    if (call->has_length)
        intake->promised = call->content_length;
    return true;
}

bool s3_intake_prepare(struct s3_call *call)
{
    struct s3_intake *intake = call->intake = mem_new(struct s3_intake);

    intake->call = call;
    buf_init(&intake->trailer, TRAILER_BYTES_MAX);
    aws_chunked_init(&intake->chunked);
    intake->max = R2_STORE_SIZE_MAX;
    if (!take_payload(intake, call->sig.payload)) {
        s3_call_fail_text(call, S3_ERROR_ARGUMENT,
                          "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a form of STREAMING-..., "
                          "or a valid sha256 value.");
        return false;
    }
    if (!take_checksum(intake, call)) {
        s3_call_fail(call, S3_ERROR_DIGEST);
        return false;
    }
    if (!take_length(intake, call)) {
        s3_call_fail(call, S3_ERROR_ARGUMENT);
        return false;
    }
    if (intake->promised != UINT64_MAX && intake->promised > intake->max) {
        s3_call_fail(call, S3_ERROR_ENTITY_TOO_LARGE);
        return false;
    }
    if (intake->payload == PAYLOAD_HASHED || intake->payload == PAYLOAD_CHUNKED_SIGNED)
        intake->hash = s3_hash_new(S3_HASH_SHA256);
    if (intake->payload == PAYLOAD_CHUNKED_SIGNED)
        sigv4_chain_init(&intake->chain, &call->sig, call->key);
    return true;
}

/* ---- the end ---- */

static void refuse(struct s3_intake *intake, enum s3_error error)
{
    intake->state = INTAKE_DONE;
    if (s3_call_is_open(intake->call))
        s3_call_fail(intake->call, error);
}

/* Whether everything is as the client said. */
static bool check(struct s3_intake *intake, enum s3_error *ret)
{
    char text[S3_CHECKSUM_TEXT_BYTES], hex[S3_HASH_HEX_BYTES];
    unsigned char hash[S3_HASH_BYTES];

    *ret = S3_ERROR_INCOMPLETE;
    if ((intake->is_aws_chunked && !aws_chunked_is_whole(&intake->chunked)) ||
        (intake->promised != UINT64_MAX && intake->decoded != intake->promised))
        return false;
    *ret = S3_ERROR_SIGNATURE;
    if (intake->payload == PAYLOAD_CHUNKED_SIGNED && intake->has_trailer && !intake->trailer_signed)
        return false;
    *ret = S3_ERROR_PAYLOAD_HASH;
    if (intake->payload == PAYLOAD_HASHED) {
        s3_hash_end(intake->hash, hash);
        hex_encode(hash, sizeof hash, hex);
        if (!s3_hash_equal(str_from(hex), intake->call->sig.payload))
            return false;
    }
    *ret = S3_ERROR_BAD_DIGEST;
    if (intake->md5.kind) {
        s3_checksum_end(&intake->md5, text);
        if (strcmp(text, intake->wanted_md5) != 0)
            return false;
    }
    if (!intake->sum.kind)
        return true;
    s3_checksum_end(&intake->sum, text);
    return strcmp(text, intake->wanted) == 0;
}

static void finish(struct s3_intake *intake)
{
    enum s3_error error;

    if (!check(intake, &error)) {
        refuse(intake, error);
        return;
    }
    intake->state = INTAKE_DONE;
    intake->done(intake->call);
}

const struct s3_checksum_kind *s3_intake_checksum(const struct s3_call *call, str *ret_value)
{
    *ret_value = str_from(call->intake->wanted);
    return call->intake->sum.kind;
}

/* ---- reading ---- */

/* Data of the object. Returns 1 to go on, 0 when the upload has to write first, or a negative
 * code. */
static int take_data(struct s3_intake *intake, str data)
{
    struct s3_call *call = intake->call;

    intake->decoded += data.len;
    if (intake->decoded > intake->max)
        return ERR_LIMIT;
    if (intake->hash)
        s3_hash_add(intake->hash, data);
    s3_checksum_add(&intake->sum, data);
    s3_checksum_add(&intake->md5, data);
    if (call->upload)
        return r2_upload_keep(call->upload, data);
    return buf_append(&call->body, data) < 0 ? ERR_LIMIT : 1;
}

static bool check_chunk(struct s3_intake *intake, str signature)
{
    unsigned char hash[S3_HASH_BYTES];

    if (intake->payload != PAYLOAD_CHUNKED_SIGNED)
        return true;
    s3_hash_end(intake->hash, hash);
    return sigv4_chain_check(&intake->chain, hash, signature);
}

/* A line of the trailer: the checksum, or the signature of what came before it. */
static int take_trailer(struct s3_intake *intake, const struct aws_chunked_piece *piece)
{
    str name = piece->name;

    if (str_equal_nocase(name, STR("x-amz-trailer-signature"))) {
        intake->trailer_signed = sigv4_chain_check_trailer(&intake->chain,
                                                           buf_str(&intake->trailer), piece->value);
        return intake->trailer_signed ? 1 : ERR_DENIED;
    }
    if (buf_printf(&intake->trailer, "%.*s:%.*s\n", STR_ARGS(name), STR_ARGS(piece->value)) < 0)
        return ERR_INVALID;
    if (name.len <= sizeof CHECKSUM_PREFIX - 1 ||
        !str_equal_nocase(str_head(name, sizeof CHECKSUM_PREFIX - 1), STR(CHECKSUM_PREFIX)) ||
        s3_checksum_find(str_skip(name, sizeof CHECKSUM_PREFIX - 1)) != intake->sum.kind)
        return 1;
    return take_value(piece->value, intake->wanted) ? 1 : ERR_INVALID;
}

/* As take_data(), for all of `input`. */
static int take_chunked(struct s3_intake *intake, str input)
{
    struct aws_chunked_piece piece;
    int r = 1, room = 1;

    while (input.len && r >= 0) {
        switch (aws_chunked_next(&intake->chunked, &input, &piece)) {
        case AWS_CHUNKED_DATA:
            r = take_data(intake, piece.data);
            room = room && r;
            break;
        case AWS_CHUNKED_CHUNK:
            r = check_chunk(intake, piece.signature) ? 1 : ERR_DENIED;
            break;
        case AWS_CHUNKED_TRAILER:
            r = take_trailer(intake, &piece);
            break;
        case AWS_CHUNKED_MALFORMED:
            return ERR_INVALID;
        default:
            break;
        }
    }
    return r < 0 ? r : room;
}

static void read_on(struct s3_intake *intake);

static void on_written(struct r2_upload_wait *wait)
{
    struct s3_intake *intake = CONTAINER_OF(wait, struct s3_intake, wait);
    struct s3_call *call = intake->call;

    intake->state = INTAKE_READING;
    if (!s3_call_is_open(call)) {
        intake->state = INTAKE_DONE;
    } else if (call->err.code) {
        intake->state = INTAKE_DONE;
        s3_call_fail_err(call);
    } else {
        read_on(intake);
    }
    s3_call_unref(call);
}

static void write_out(struct s3_intake *intake)
{
    intake->state = INTAKE_WRITING;
    intake->wait = (struct r2_upload_wait){.done = on_written, .err = &intake->call->err};
    s3_call_ref(intake->call);
    r2_upload_write(intake->call->upload, &intake->wait);
}

static void refuse_code(struct s3_intake *intake, int code)
{
    refuse(intake, code == ERR_DENIED  ? S3_ERROR_SIGNATURE
                   : code == ERR_LIMIT ? S3_ERROR_ENTITY_TOO_LARGE
                                       : S3_ERROR_INCOMPLETE);
}

static void read_on(struct s3_intake *intake)
{
    struct http_request *http = intake->call->http;
    struct buf *buffer = http_body_buffer(http);
    int r = intake->is_aws_chunked ? take_chunked(intake, buf_str(buffer))
            : buffer->len          ? take_data(intake, buf_str(buffer))
                                   : 1;

    buf_clear(buffer);
    if (r < 0) {
        refuse_code(intake, r);
        return;
    }
    if (r == 0) {
        http_body_want(http); /* what comes meanwhile waits in its buffer */
        write_out(intake);
        return;
    }
    switch (http_body_state(http)) {
    case HTTP_BODY_MORE:
        http_body_want(http);
        break;
    case HTTP_BODY_ENDED:
        finish(intake);
        break;
    case HTTP_BODY_FAILED:
        refuse(intake, S3_ERROR_INCOMPLETE);
        break;
    }
}

void s3_intake_start(struct s3_call *call, void (*done)(struct s3_call *call))
{
    call->intake->done = done;
    if (!call->upload)
        call->intake->max = S3_CALL_XML_BYTES_MAX;
    read_on(call->intake);
}

void s3_intake_on_body(struct s3_call *call)
{
    if (call->intake && call->intake->done && call->intake->state == INTAKE_READING &&
        s3_call_is_open(call))
        read_on(call->intake);
}
