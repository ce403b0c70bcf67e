/* What a site answers a request: a file, a redirect, an error, or nothing, as the script is to.
 *
 *   site_answer_find ── a file? ── its bytes, coded or not ── site_answer_finish ── head and part
 *
 * Owns: what site_answer_done() frees. Thread: the site's. Limits: those of site.h and site_rule.h.
 * */
#ifndef ATOLL_BINDINGS_SITE_ANSWER_H
#define ATOLL_BINDINGS_SITE_ANSWER_H

#include "bindings/assets/site.h"

/* How contents are coded, the preferred ones first. */
enum site_coding { SITE_BROTLI, SITE_ZSTD, SITE_GZIP, SITE_IDENTITY, SITE_CODINGS };

/* All borrowed. */
struct site_request {
    str method;
    str host;            /* "name" or "name:port" */
    str path;            /* encoded, without the query; begins with "/" */
    str query;           /* "?a=b" or "" */
    str headers;         /* lines "name: value\n", names in small letters */
    bool is_binding;     /* of the script's: it gets an answer, and no codings */
};

enum site_outcome {
    SITE_TO_SCRIPT,      /* nothing here answers it */
    SITE_TO_FILE,        /* `file`, with site_answer_finish() */
    SITE_TO_HEAD,        /* `status` with `head` and no body */
};

struct site_answer {
    enum site_outcome outcome;
    int status;
    struct site_file file;
    struct buf head;             /* lines "name: value\r\n" */
    uint64_t from, length;       /* of the contents, after site_answer_finish() */
};

/* site_answer_done() afterwards, whatever it is. */
void site_answer_find(struct site *site, const struct site_request *request,
                      struct site_answer *ret);

/* The coding that the client likes best for this file; SITE_IDENTITY for one that is not to be
 * coded, or of which a part is asked for. */
enum site_coding site_answer_coding(const struct site_request *request,
                                    const struct site_file *file);

/* Fills in status, head and part for contents in this coding, of `bytes` bytes. */
void site_answer_finish(struct site *site, const struct site_request *request,
                        enum site_coding coding, uint64_t bytes, struct site_answer *answer);

void site_answer_done(struct site_answer *answer);

#endif
