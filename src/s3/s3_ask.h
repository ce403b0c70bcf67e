/* What this process asks its supervisor: whose an access key is, where a bucket is. Frames "ask"
 * and "told" of docs/internals/link.md.
 *
 *   key {key}                 {account, name, secret, read, write, expires_ms}
 *   bucket {account, name}    {store, created_ms, cors?}
 *   cors {name, key?}         rules of CORS, of the key's account or of all with such a bucket
 *   buckets {account}         [{name, created_ms} ...]
 *   create, delete, set_cors {name, key, address, rules?}
 *
 * The answers to the first three are kept for S3_ASK_KEPT_MS, also that there is none, and
 * forgotten when the pulse (os/pulse.h) says that something changed: looked at with each question.
 * Owns: what is kept. Thread: the loop's.
 * Limits: S3_ASK_WAITING_MAX questions at once; S3_ASK_MS_MAX for an answer; S3_ASK_KEPT_MAX
 * answers, S3_ASK_KEPT_BYTES_MAX of JSON together: the oldest go. */
#ifndef ATOLL_S3_S3_ASK_H
#define ATOLL_S3_S3_ASK_H

#include <jansson.h>
#include <uv.h>

#include "base/err.h"
#include "base/list.h"

enum {
    S3_ASK_KEPT_MS = 30 * 1000,
    S3_ASK_KEPT_MAX = 4096,
    S3_ASK_KEPT_BYTES_MAX = 8 << 20,
    S3_ASK_WAITING_MAX = 4096,
    S3_ASK_MS_MAX = 10 * 1000,
};

/* Embed it and fill in `done`; zero the rest. */
struct s3_ask {
    void (*done)(struct s3_ask *ask);   /* once, also at once */
    json_t *result;                     /* borrowed in done(); NULL with an error */
    struct err err;                     /* ERR_CLOSED: no answer came */
    /* s3_ask.c's */
    struct list link;
    char *key;
    json_int_t id;
    uint64_t since_ms;
};

/* Where questions go: `send` takes the frame. `changes` of the pulse. */
void s3_ask_init(uv_loop_t *loop, void (*send)(json_t *frame), const _Atomic uint64_t *changes);

/* Asks; `args` is taken. */
void s3_ask_start(struct s3_ask *ask, const char *what, json_t *args);

/* The supervisor answers. */
void s3_ask_on_told(const json_t *frame, str blob);

/* Every second: gives up what waits for too long. */
void s3_ask_tick(void);

#endif
