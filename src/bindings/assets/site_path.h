/* Paths of requests and the files they stand for: Cloudflare's html_handling and
 * not_found_handling.
 *
 * Owns: nothing. Thread: the site's. Limits: SITE_PATH_MAX bytes of a path; a longer one finds
 * nothing. */
#ifndef ATOLL_BINDINGS_SITE_PATH_H
#define ATOLL_BINDINGS_SITE_PATH_H

#include "base/buf.h"
#include "bindings/assets/site.h"

struct site_intent {
    bool is_redirect;        /* to `path` */
    int status;              /* 0: nothing is there; 200 or 404 with `file` */
    struct site_file file;
    struct buf path;         /* decoded */
};

/* Appends a path's segments decoded (what is no UTF-8 stays as it is), several slashes as one.
 * Returns 0 or ERR_LIMIT. */
NODISCARD int site_path_decode(str path, struct buf *out);

/* Appends it encoded, as encodeURIComponent() does with each segment. Returns 0 or ERR_LIMIT. */
NODISCARD int site_path_encode(str path, struct buf *out);

/* What a decoded path stands for, `missing` for what is not there. `ret->path` is empty but for
 * redirects; site_path_intent_done() afterwards. */
void site_path_find(struct site *site, str path, enum site_missing missing,
                    struct site_intent *ret);

void site_path_intent_done(struct site_intent *intent);

#endif
