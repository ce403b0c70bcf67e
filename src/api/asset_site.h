/* The site of an uploaded version: made of what its metadata says and what was uploaded before.
 *
 * Owns: nothing. Thread: the loop's; small files are written and synced. Limits: those of site.h.
 * */
#ifndef ATOLL_API_ASSET_SITE_H
#define ATOLL_API_ASSET_SITE_H

#include "api/metadata.h"
#include "registry/registry.h"

/* All is borrowed. */
struct asset_site_request {
    struct registry *registry;
    const char *account, *script;
    const struct metadata *metadata;
    const json_t *latest;    /* the row of the script's latest version; NULL: there is none */
};

/* Gives what `assets` of the version's row is to be (returned owned; NULL: it has none).
 * ERR_INVALID, ERR_LIMIT or ERR_NOT_FOUND with a text for the client, and the API's code, or
 * ERR_IO. */
NODISCARD int asset_site_make(const struct asset_site_request *request, json_t **ret,
                              int *ret_code, struct err *err);

#endif
