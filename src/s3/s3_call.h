/* One request of a client, from its head to its answer.
 *
 *   s3_call_new ── s3_cors ── s3_auth: whose ── s3_route: what, may he ── an operation ── an answer
 *
 * It outlives the connection's request while something is under way for it; what it answers then
 * goes nowhere. Answers are given once, by the functions below.
 * Owns: copies of the head, what operations hang on it. Thread: the loop's.
 * Limits: S3_CALL_XML_BYTES_MAX of a body that is read whole. */
#ifndef ATOLL_S3_S3_CALL_H
#define ATOLL_S3_S3_CALL_H

#include <jansson.h>

#include "bindings/r2/r2_request.h"
#include "bindings/r2/r2_upload.h"
#include "http/server.h"
#include "s3/s3_ask.h"
#include "s3/s3_error.h"
#include "s3/sigv4.h"

enum {
    S3_CALL_ID_CHARS = 16,
    S3_CALL_XML_BYTES_MAX = 4 << 20,
    S3_CALL_ANSWER_BYTES_MAX = 64 << 20,
    S3_CALL_HEAD_BYTES_MAX = 64 << 10,
};

struct s3_op;
struct s3_intake;

struct s3_call {
    struct http_request *http;          /* NULL: the client's request is over */
    unsigned refs;
    bool is_head, has_length, target_is_bad;
    bool may_read, may_write;           /* the key's scopes */
    bool has_request;                   /* `request` is in use */
    bool is_counted;                    /* it may do what it wants, and there is such a bucket */
    char id[S3_CALL_ID_CHARS + 1];
    char *client;                       /* its address */
    uint64_t start_ns;                  /* by the monotonic clock */
    str method;
    char *bytes;                        /* method, host and headers point into it */
    size_t header_count;
    struct http_header *headers;
    struct s3_target target;
    uint64_t content_length;

    struct s3_ask ask;
    struct sigv4 sig;
    unsigned char key[S3_HASH_BYTES];   /* that signs */
    char *account, *actor;

    const struct s3_op *op;
    struct r2_bucket *bucket;
    struct r2_bucket *source;           /* of a copy */
    int64_t bucket_created_ms;
    json_t *cors;                       /* the bucket's rules of CORS; NULL: none are known */
    struct r2_request request;          /* at most one at a time */
    struct err err;                     /* of it, and of an upload */
    json_t *meta;                       /* its result, read */
    void (*then)(struct s3_call *call);
    struct s3_intake *intake;           /* the body on its way in */
    struct r2_upload *upload;           /* where it goes; NULL: it is collected */
    struct buf body;                    /* collected */
    struct buf head;                    /* lines of the answer */
    void (*on_drain)(struct s3_call *call);
    void *state;                        /* an operation's own */
    void (*state_free)(void *state);
};

/* Returned with a reference, which goes at the end of the request. */
struct s3_call *s3_call_new(struct http_request *http, const struct http_head *head, str domain);
struct s3_call *s3_call_ref(struct s3_call *call);
void s3_call_unref(struct s3_call *call);

/* How many there are. */
unsigned s3_call_count(void);

/* The client's request is over. */
void s3_call_over(struct s3_call *call);

/* False once it is answered, or nobody waits for an answer. */
bool s3_call_is_open(const struct s3_call *call);

/* A header, by its lower-case name; STR_NONE when there is none. */
str s3_call_header(const struct s3_call *call, const char *name);

/* A parameter of the query. */
str s3_call_param(const struct s3_call *call, const char *name);

/* What is signed. */
struct sigv4_request s3_call_signed(const struct s3_call *call);

/* ---- answers ---- */

/* Adds a line to the answer's head; a value that no line can have is left out. */
void s3_call_put(struct s3_call *call, const char *name, str value);
void s3_call_put_number(struct s3_call *call, const char *name, uint64_t value);

/* An entity tag, with quotes around it. */
void s3_call_put_etag(struct s3_call *call, str etag);

/* A time in milliseconds since 1970, as HTTP has it. */
void s3_call_put_time(struct s3_call *call, const char *name, int64_t ms);

/* Begins an answer: as http_answer_start(). */
bool s3_call_start(struct s3_call *call, int status, int64_t length);

/* An answer without a body. */
void s3_call_answer(struct s3_call *call, int status);

/* XML (its buffer is taken; `r`: of the writing), under the usual declaration. */
void s3_call_answer_xml(struct s3_call *call, int status, struct buf *xml, int r);

/* An error, with its own text or (NULL) the usual one. */
void s3_call_fail(struct s3_call *call, enum s3_error error);
void s3_call_fail_text(struct s3_call *call, enum s3_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What call->err says. */
void s3_call_fail_err(struct s3_call *call);

/* ---- the bucket ---- */

/* Has the bucket do one of r2_request.h's words; `args` is taken. then() is called with call->err,
 * or the result in call->meta; not when nobody waits for it any more. */
void s3_call_run(struct s3_call *call, const char *word, json_t *args,
                 void (*then)(struct s3_call *call));

/* The same for the bytes of call->upload, which end here. */
void s3_call_run_upload(struct s3_call *call, const char *word, json_t *args,
                        void (*then)(struct s3_call *call));

/* ---- the supervisor ---- */

/* Asks it, `args` is taken; done() is called with call->ask, and drops a reference. */
void s3_call_ask(struct s3_call *call, const char *what, json_t *args,
                 void (*done)(struct s3_ask *ask));

/* {account, name, key, address} with more to come: the bucket, and in whose name it is changed.
 * Returned owned. */
json_t *s3_call_subject(const struct s3_call *call);

/* True when the answer is a failure: then the call was answered. */
bool s3_call_ask_failed(struct s3_call *call);

/* ---- JSON ---- */

/* {key} with more to come. Returned owned. */
json_t *s3_call_args(const struct s3_call *call);

/* Text as JSON; "" for STR_NONE. Returned owned. */
json_t *s3_call_json(str text);

/* "2026-11-21T15:00:00.000Z" of milliseconds since 1970; static memory. */
str s3_call_iso(int64_t ms);

#endif
