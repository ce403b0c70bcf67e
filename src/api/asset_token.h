/* Tokens of an upload of assets: what a client shows while it uploads, and what it shows then to
 * say that all is there. They look like JSON web tokens (RFC 7519), as clients read their times.
 *
 * Owns: nothing. Thread: the loop's. Limits: as long as an upload may take (registry/asset.h). */
#ifndef ATOLL_API_ASSET_TOKEN_H
#define ATOLL_API_ASSET_TOKEN_H

#include "registry/asset.h"

struct asset_token {
    char session[ASSET_ID_BYTES];
    bool is_complete;
    bool is_single;      /* files are to be sent one by one */
};

/* Returned owned. */
char *asset_token_make(const struct registry *registry, const struct asset_token *token);

/* False for what this server did not make, or a while ago. */
bool asset_token_read(const struct registry *registry, str text, struct asset_token *ret);

/* "Bearer ..." of a header likewise. */
bool asset_token_read_header(const struct registry *registry, str header, struct asset_token *ret);

#endif
