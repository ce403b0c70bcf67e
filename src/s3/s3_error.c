/* Errors; see s3_error.h. The store's texts end with Cloudflare's number where they have one. */
#include "s3/s3_error.h"

#include "bindings/quota.h"

static const struct s3_error_row rows[S3_ERRORS] = {
    [S3_ERROR_ACCESS_DENIED] = {"AccessDenied", 403, "Access Denied"},
    [S3_ERROR_ARGUMENT] = {"InvalidArgument", 400, "Invalid Argument"},
    [S3_ERROR_BAD_DIGEST] = {"BadDigest", 400,
     "The Content-MD5 or checksum value that you specified did not match what the server "
     "received."},
    [S3_ERROR_BUCKET_EXISTS] = {"BucketAlreadyOwnedByYou", 409,
     "The bucket that you tried to create already exists, and you own it."},
    [S3_ERROR_BUCKET_NAME] = {"InvalidBucketName", 400,
     "The specified bucket is not valid: 3 to 63 small letters, digits and \"-\", which "
     "neither begins nor ends it."},
    [S3_ERROR_BUCKET_NOT_EMPTY] = {"BucketNotEmpty", 409,
     "The bucket that you tried to delete is not empty."},
    [S3_ERROR_COPY_SELF] = {"InvalidRequest", 400,
     "This copy request is illegal because it is trying to copy an object to itself "
     "without changing the object's metadata."},
    [S3_ERROR_CORS] = {"AccessForbidden", 403,
     "CORSResponse: This CORS request is not allowed: no rule of the bucket fits its origin, "
     "method and headers."},
    [S3_ERROR_CREDENTIALS] = {"AuthorizationHeaderMalformed", 400,
     "The authorization header or query is malformed; AWS4-HMAC-SHA256 with "
     "Credential=ID/DATE/auto/s3/aws4_request, SignedHeaders and Signature is expected."},
    [S3_ERROR_DIGEST] = {"InvalidDigest", 400,
     "The Content-MD5 or checksum value that you specified is not valid."},
    [S3_ERROR_ENTITY_TOO_LARGE] = {"EntityTooLarge", 400,
     "Your proposed upload exceeds the maximum allowed size."},
    [S3_ERROR_ENTITY_TOO_SMALL] = {"EntityTooSmall", 400,
     "Your proposed upload is smaller than the minimum allowed size: each part but the "
     "last one has 5 MiB or more."},
    [S3_ERROR_INCOMPLETE] = {"IncompleteBody", 400,
     "The request body is malformed, or ended before all of it had come."},
    [S3_ERROR_INTERNAL] = {"InternalError", 500, "An internal error occurred. Try again."},
    [S3_ERROR_INVALID_PART] = {"InvalidPart", 400,
     "One or more of the specified parts could not be found, or the entity tag did not "
     "match."},
    [S3_ERROR_INVALID_RANGE] = {"InvalidRange", 416, "The requested range is not satisfiable"},
    [S3_ERROR_INVALID_REQUEST] = {"InvalidRequest", 400, "The request is not valid."},
    [S3_ERROR_INVALID_URI] = {"InvalidURI", 400, "Couldn't parse the specified URI."},
    [S3_ERROR_KEY_ID] = {"InvalidAccessKeyId", 403,
     "The access key ID you provided does not exist: it is wrong, was deleted or has "
     "expired."},
    [S3_ERROR_KEY_TOO_LONG] = {"KeyTooLongError", 400,
     "Your key is too long: it has 1024 bytes at most."},
    [S3_ERROR_MALFORMED_XML] = {"MalformedXML", 400,
     "The XML you provided was not well-formed or did not validate against our published "
     "schema."},
    [S3_ERROR_METADATA_TOO_LARGE] = {"MetadataTooLarge", 400,
     "Your metadata headers exceed the maximum allowed metadata size."},
    [S3_ERROR_METHOD] = {"MethodNotAllowed", 405,
     "The specified method is not allowed against this resource."},
    [S3_ERROR_NO_BUCKET] = {"NoSuchBucket", 404, "The specified bucket does not exist."},
    [S3_ERROR_NO_CORS] = {"NoSuchCORSConfiguration", 404,
     "The CORS configuration does not exist."},
    [S3_ERROR_NO_ENCRYPTION] = {"ServerSideEncryptionConfigurationNotFoundError", 404,
     "The server side encryption configuration was not found."},
    [S3_ERROR_NO_KEY] = {"NoSuchKey", 404, "The specified key does not exist."},
    [S3_ERROR_NO_LIFECYCLE] = {"NoSuchLifecycleConfiguration", 404,
     "The lifecycle configuration does not exist."},
    [S3_ERROR_NO_LOCK] = {"ObjectLockConfigurationNotFoundError", 404,
     "Object Lock configuration does not exist for this bucket."},
    [S3_ERROR_NO_POLICY] = {"NoSuchBucketPolicy", 404, "The bucket policy does not exist."},
    [S3_ERROR_NO_PUBLIC_BLOCK] = {"NoSuchPublicAccessBlockConfiguration", 404,
     "The public access block configuration was not found."},
    [S3_ERROR_NO_TAGS] = {"NoSuchTagSet", 404, "The TagSet does not exist."},
    [S3_ERROR_NO_UPLOAD] = {"NoSuchUpload", 404,
     "The specified multipart upload does not exist. The upload ID might be invalid, or "
     "it was aborted or completed."},
    [S3_ERROR_NO_WEBSITE] = {"NoSuchWebsiteConfiguration", 404,
     "The specified bucket does not have a website configuration."},
    [S3_ERROR_NOT_IMPLEMENTED] = {"NotImplemented", 501, "This is not implemented."},
    [S3_ERROR_PART_NUMBER] = {"InvalidPartNumber", 416,
     "The requested part number is not satisfiable."},
    [S3_ERROR_PART_ORDER] = {"InvalidPartOrder", 400,
     "The list of parts was not in ascending order. The parts list must be specified in "
     "order by part number."},
    [S3_ERROR_PAYLOAD_HASH] = {"XAmzContentSHA256Mismatch", 400,
     "The provided 'x-amz-content-sha256' header does not match what was computed."},
    [S3_ERROR_PRECONDITION] = {"PreconditionFailed", 412,
     "At least one of the preconditions you specified did not hold."},
    [S3_ERROR_PREFLIGHT] = {"BadRequest", 400,
     "A preflight request has the headers Origin and Access-Control-Request-Method."},
    [S3_ERROR_QUERY] = {"AuthorizationQueryParametersError", 400,
     "The X-Amz- parameters of the query are not valid; X-Amz-Expires is 604800 seconds "
     "at most."},
    [S3_ERROR_QUOTA] = {"QuotaExceeded", 403, QUOTA_TEXT},
    [S3_ERROR_SIGNATURE] = {"SignatureDoesNotMatch", 403,
     "The request signature we calculated does not match the signature you provided. "
     "Check your key and signing method."},
    [S3_ERROR_SKEWED] = {"RequestTimeTooSkewed", 403,
     "The difference between the request time and the server's time is too large."},
    [S3_ERROR_SLOW_DOWN] = {"SlowDown", 503, "Reduce your request rate."},
    [S3_ERROR_UNAVAILABLE] = {"ServiceUnavailable", 503,
     "The service cannot answer at the moment. Try again."},
    [S3_ERROR_VERSION_2] = {"InvalidRequest", 400,
     "The authorization mechanism you have provided is not supported. Use "
     "AWS4-HMAC-SHA256 (signature version 4)."},
};

static const struct {
    int number;
    enum s3_error error;
} numbers[] = {
    {10006, S3_ERROR_NO_BUCKET},
    {10007, S3_ERROR_NO_KEY},           {10011, S3_ERROR_ENTITY_TOO_SMALL},
    {10012, S3_ERROR_METADATA_TOO_LARGE}, {10020, S3_ERROR_KEY_TOO_LONG},
    {10022, S3_ERROR_ARGUMENT},         {10024, S3_ERROR_NO_UPLOAD},
    {10025, S3_ERROR_INVALID_PART},     {10029, S3_ERROR_ARGUMENT},
    {10037, S3_ERROR_BAD_DIGEST},       {10039, S3_ERROR_INVALID_RANGE},
    {10048, S3_ERROR_INVALID_PART},     {100100, S3_ERROR_ENTITY_TOO_LARGE},
};

const struct s3_error_row *s3_error_row(enum s3_error error)
{
    return &rows[error];
}

/* "... (10007)" */
static int number_of(str text)
{
    size_t open = text.len;
    int number = 0;

    while (open && text.ptr[open - 1] != '(')
        open--;
    for (size_t i = open;
         open && i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9' && number < 1000000; i++)
        number = number * 10 + text.ptr[i] - '0';
    return text.len && text.ptr[text.len - 1] == ')' ? number : 0;
}

enum s3_error s3_error_of(const struct err *err)
{
    int number = number_of(str_from(err->text));

    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (numbers[i].number == number)
            return numbers[i].error;
    if (strcmp(err->text, QUOTA_TEXT) == 0)
        return S3_ERROR_QUOTA;
    switch (err->code) {
    case ERR_NOT_FOUND:
        return S3_ERROR_NO_KEY;
    case ERR_DENIED:
        return S3_ERROR_ACCESS_DENIED;
    case ERR_TIMEOUT:
        return S3_ERROR_SLOW_DOWN;
    case ERR_LIMIT:
    case ERR_CLOSED:
        return S3_ERROR_UNAVAILABLE;
    default:
        return S3_ERROR_INTERNAL;
    }
}
