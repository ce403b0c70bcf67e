/* A request's body on its way in: decoded, checked against all that the client said of it, and put
 * into an upload, or collected when there is none.
 *
 *   bytes ── aws-chunked, when it is ── hashes ── upload (written as it fills), or call->body
 *
 * done() comes when all of it is there and every signature, hash and checksum holds: only then may
 * what was uploaded be stored. Else the call is answered with what is wrong.
 * Owns: the state of decoders and hashes. Thread: the loop's.
 * Limits: R2_STORE_SIZE_MAX, or S3_CALL_XML_BYTES_MAX of a body that is collected. */
#ifndef ATOLL_S3_S3_INTAKE_H
#define ATOLL_S3_S3_INTAKE_H

#include "s3/s3_call.h"
#include "s3/s3_checksum.h"

/* Looks at what the head says of the body; false after the call was answered. Before the upload is
 * made: nothing is read yet. */
NODISCARD bool s3_intake_prepare(struct s3_call *call);

/* Reads it. */
void s3_intake_start(struct s3_call *call, void (*done)(struct s3_call *call));

/* More of it is there. */
void s3_intake_on_body(struct s3_call *call);

/* After done(): the kind of the checksum that was given, NULL when none was, and its value. */
const struct s3_checksum_kind *s3_intake_checksum(const struct s3_call *call, str *ret_value);

/* NULL is fine. */
void s3_intake_free(struct s3_intake *intake);

#endif
