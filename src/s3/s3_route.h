/* Which operation a request is: a row of a table, found by method, what is meant, and the
 * parameters that name one.
 *
 * Owns: nothing; rows are constants. Thread: the loop's. */
#ifndef ATOLL_S3_S3_ROUTE_H
#define ATOLL_S3_S3_ROUTE_H

#include "s3/s3_call.h"

enum s3_level { S3_SERVICE, S3_BUCKET, S3_OBJECT };

/* As Cloudflare counts operations: A writes and lists, B reads; deleting is free. */
enum s3_class { S3_FREE, S3_CLASS_A, S3_CLASS_B };

struct s3_op {
    const char *name;           /* "PutObject", as in the reference */
    const char *method;         /* HEAD has rows of its own */
    const char *param;          /* the parameter that has to be there; NULL: none */
    const char *header;         /* the header that has to be there; NULL: none */
    void (*run)(struct s3_call *call);     /* NULL: `error` is the answer */
    enum s3_level level;
    enum s3_error error;
    bool writes;
    bool alone;                 /* takes no bucket: it need not be there */
    enum s3_class class;
};

/* The operation; NULL when there is none for the method. */
const struct s3_op *s3_route_find(const struct s3_call *call);

/* Goes from the operation to its run(): may he, is there such a bucket. */
void s3_route_run(struct s3_call *call);

#endif
