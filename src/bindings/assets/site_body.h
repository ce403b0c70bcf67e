/* Contents of small files in memory, as they are or coded: read and coded on a thread at first use.
 *
 * A coded one is kept beside its file ("<file>.br"), so that each is made once; an empty one says
 * that coding makes it no smaller.
 * Owns: the cache. Thread: the loop's.
 * Limits: SITE_BODY_BYTES_MAX for a file, SITE_BODY_CACHE_BYTES_MAX for all that nobody uses now;
 * those not used for longest go first. */
#ifndef ATOLL_BINDINGS_SITE_BODY_H
#define ATOLL_BINDINGS_SITE_BODY_H

#include "base/list.h"
#include "bindings/assets/site_answer.h"

enum { SITE_BODY_BYTES_MAX = 8 << 20, SITE_BODY_CACHE_BYTES_MAX = 64 << 20, SITE_BODY_LEAST = 256 };

struct site_body;

/* All borrowed for the call. */
struct site_body_request {
    const char *path;
    const struct site_file *file;
    enum site_coding coding;    /* that is wanted; what it makes no smaller comes as it is */
    bool keeps;                 /* coded contents stay beside the file */
};

/* Who waits; embed it. */
struct site_body_wait {
    struct list link;
    /* Exactly once, unless site_body_forget() came first; body as site_body_find(), or NULL: the
     * file cannot be read. */
    void (*on_body)(struct site_body_wait *wait, struct site_body *body);
};

/* What is in memory (shared: site_body_unref()), or NULL. */
struct site_body *site_body_find(const struct site_body_request *request);

/* Loads what is not in memory. */
void site_body_load(const struct site_body_request *request, struct site_body_wait *wait);
void site_body_forget(struct site_body_wait *wait);

struct site_body *site_body_ref(struct site_body *body);
void site_body_unref(struct site_body *body);   /* NULL is fine */

str site_body_bytes(const struct site_body *body);
enum site_coding site_body_coding(const struct site_body *body);

#endif
