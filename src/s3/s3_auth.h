/* Whose a request is: its access key asked for, its signature checked.
 *
 * An access key is an API token: its id, and as secret the SHA-256 of its value in hexadecimal
 * digits. It speaks for the token's account, and may read and write what the token's scopes for
 * storage allow.
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_S3_S3_AUTH_H
#define ATOLL_S3_S3_AUTH_H

#include "s3/s3_call.h"

/* then() is called for a request whose signature is right; others are answered. */
void s3_auth_start(struct s3_call *call, void (*then)(struct s3_call *call));

#endif
