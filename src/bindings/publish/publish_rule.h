/* How one host publishes a bucket: which key a path stands for, what stands for what is not there,
 * how long an answer is kept, and what was purged since.
 *
 * Settings, all of them optional:
 *   {"prefix": "site/",               keys begin with it, paths do not
 *    "index_document": "index.html",  of a path that ends with "/"
 *    "not_found_handling": "none" | "404-page" | "single-page-application",
 *    "error_document": "404.html",    for "404-page"
 *    "headers": {"name": "value"},    of every answer
 *    "cache": {"default_ttl", "min_ttl", "max_ttl"}}   seconds; a distribution has them
 * Owns: copies of its texts. Thread: one at a time. Limits: those below. */
#ifndef ATOLL_BINDINGS_PUBLISH_RULE_H
#define ATOLL_BINDINGS_PUBLISH_RULE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    PUBLISH_RULE_TEXT_MAX = 512,             /* a prefix, a document */
    PUBLISH_RULE_HEADERS_MAX = 32,
    PUBLISH_RULE_HEADER_BYTES_MAX = 8192,    /* all of them */
    PUBLISH_RULE_TTL_DEFAULT = 7200,
    PUBLISH_RULE_TTL_MAX = 31536000,
    PUBLISH_RULE_PURGES_MAX = 100,           /* remembered; older ones purge everything */
};

enum publish_missing { PUBLISH_MISSING_NONE, PUBLISH_MISSING_PAGE, PUBLISH_MISSING_APP };

enum publish_purge_kind { PUBLISH_PURGE_ALL, PUBLISH_PURGE_FILE, PUBLISH_PURGE_PREFIX };

struct publish_purge {
    uint64_t seq;                   /* counts up, on the whole server */
    enum publish_purge_kind kind;
    char *text;                     /* a decoded path without its first "/" */
};

struct publish_rule {
    bool caches;
    char *prefix, *index, *error;   /* "" when there is none */
    enum publish_missing missing;
    char *headers;                  /* "name: value\r\n" each */
    int64_t default_ttl, min_ttl, max_ttl;
    uint64_t purged_before;         /* what is older than this purge is purged */
    size_t purge_count;
    struct publish_purge purges[PUBLISH_RULE_PURGES_MAX];
};

/* Reads settings (NULL: none are set). ERR_INVALID with a text that names the key. What was read
 * is freed by publish_rule_done(), also after a failure. */
NODISCARD int publish_rule_read(const json_t *settings, struct publish_rule *ret, struct err *err);
void publish_rule_done(struct publish_rule *rule);

/* ---- keys ---- */

/* Appends the key that a request's path (encoded, with its first "/", without its query) stands
 * for. False when no key can be so. */
NODISCARD bool publish_rule_key(const struct publish_rule *rule, str path, struct buf *out);

/* True when the key is that of a directory: its document is appended. */
bool publish_rule_add_index(const struct publish_rule *rule, struct buf *key);

/* The key of what stands for a key that is not there, in the place of `key`. False: nothing. */
NODISCARD bool publish_rule_fallback(const struct publish_rule *rule, struct buf *key);

/* Appends the path of a file to be purged, or the beginning of such, decoded. ERR_LIMIT, or
 * ERR_INVALID for what is no UTF-8. */
NODISCARD int publish_rule_path(str path, struct buf *out);

/* ---- how long ---- */

/* Seconds that an answer with this Cache-Control is kept; 0: it is not. `expires`: seconds since
 * 1970, or -1. no-store, no-cache and private are not kept; s-maxage counts before max-age, that
 * before Expires, that before default_ttl; min_ttl and max_ttl bound what comes of it. */
int64_t publish_rule_ttl(const struct publish_rule *rule, str cache_control, int64_t expires,
                         int64_t now);

/* ---- purges ---- */

/* Notes a purge; one that is known already changes nothing. */
void publish_rule_add_purge(struct publish_rule *rule, uint64_t seq, enum publish_purge_kind kind,
                            str text);

/* The words for kinds: "all", "file", "prefix". Returns -1 for others. */
int publish_rule_purge_kind(const char *word);

/* True when an entry that was begun when purge `seq` was the last one is to be used no more. */
bool publish_rule_is_purged(const struct publish_rule *rule, str key, uint64_t seq);

#endif
