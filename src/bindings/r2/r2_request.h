/* One request to a bucket: from a worker or from the REST API, in JSON.
 *
 *   word       arguments                                              result
 *   head       {key}                                                  meta
 *   get        {key, onlyIf?, range?: {offset?, length?, suffix?}     meta, and bytes (for the REST
 *              or {part}}                                             API `most` of them)
 *   put        {key, http?, custom?, storageClass?, onlyIf?, checksum?}, bytes    meta or null
 *   delete     {keys}                                                 null
 *   list       {prefix?, startAfter?, cursor?, delimiter?, limit?}    see r2_store_list()
 *   create     {key, http?, custom?, storageClass?}                   {key, uploadId}
 *   part       {key, uploadId, partNumber, checksum?}, bytes          {partNumber, etag}
 *   complete   {key, uploadId, parts}                                 meta
 *   abort      {key, uploadId}                                        null
 *   uploads, parts                                                    see r2_store.h
 *   seal       {}                                                     {objects}: r2_store_seal()
 *
 * A part is one of an upload, by its place from 1 on; an object that is not in parts is its first.
 * `http` and `custom` are objects of strings, kept as they are.
 * Owns: arguments and results. Thread: the loop's. Limits: R2_REQUEST_ARGS_BYTES_MAX of arguments.
 * Errors: those of the store, ERR_NOT_FOUND for what is not there. */
#ifndef ATOLL_BINDINGS_R2_REQUEST_H
#define ATOLL_BINDINGS_R2_REQUEST_H

#include "bindings/r2/r2_bucket.h"
#include "bindings/r2/r2_source.h"

enum { R2_REQUEST_ARGS_BYTES_MAX = 8 << 20, R2_REQUEST_FIRST_BYTES = 256 * 1024 };

struct r2_request_word;

/* Embed it; r2_request_init(). */
struct r2_request {
    struct r2_work work;
    const struct r2_request_word *word;
    json_t *args;
    struct r2_body *body;       /* of a put or a part, ended; borrowed */
    struct buf out;             /* the result's JSON */
    struct err *err;            /* kept */
    void (*done)(struct r2_request *request);

    /* Of a get. */
    size_t bytes_max;           /* read this many at once ... */
    bool leaves_files;          /* or none of what is more and lies in one file ... */
    bool holds;                 /* onlyIf does, or there is none */
    uint64_t offset, length;    /* what the range comes to */
    size_t part_count;          /* files it is in; of an upload in parts one for each */
    struct buf bytes;
    struct r2_source source;    /* ... and the rest comes from here */
};

/* NULL when there is no such word. */
const struct r2_request_word *r2_request_find(str name);

/* True when it comes with bytes. */
bool r2_request_has_body(const struct r2_request_word *word);
bool r2_request_is_part(const struct r2_request_word *word);

/* `args` is taken; `bytes_max`: of what a get reads at once. */
void r2_request_init(struct r2_request *request, const struct r2_request_word *word, json_t *args,
                     size_t bytes_max, struct err *err);
void r2_request_done(struct r2_request *request);

/* done() is called once, also at once. */
void r2_request_start(struct r2_request *request, struct r2_bucket *bucket);

/* The name of the checksum that the arguments give: of r2_digest_names, or NULL. */
const char *r2_request_checksum(const json_t *args);

#endif
