/* Static assets: contents that an account has uploaded under the names its clients give them, and
 * the sites of versions made of them.
 *
 * A client's name for contents (it may be any hash) means something within its account only;
 * contents are stored by their own SHA-256 and never shared because of what a client says. A
 * version refers to its site by `assets.manifest` of its row: the hash of the site's text
 * (bindings/assets/site.h).
 * Owns: nothing. Thread: the loop's, but for asset_store(). Limits: the enum below. */
#ifndef ATOLL_REGISTRY_ASSET_H
#define ATOLL_REGISTRY_ASSET_H

#include "base/buf.h"
#include "registry/registry.h"

enum {
    ASSET_KEY_MAX = 64,                     /* characters of a client's name: letters and digits */
    ASSET_SESSION_MS = 60 * 60 * 1000,      /* from its begin to the last upload */
    ASSET_SESSIONS_MAX = 100,               /* of an account: the oldest go */
    ASSET_KEPT_MS = 24 * 60 * 60 * 1000,    /* for what was uploaded and is part of no site */
    ASSET_HASH_BYTES = 65,
    ASSET_ID_BYTES = 37,
};

/* Begins an upload for a script: `files` is an object of path to {hash, size}, checked by the
 * caller. Gives its id. */
NODISCARD int asset_begin(struct registry *registry, const char *account, const char *script,
                          const json_t *files, char ret_id[ASSET_ID_BYTES], struct err *err);

/* {account, script, files}; ERR_NOT_FOUND when it is over. */
NODISCARD int asset_session(struct registry *registry, const char *id, json_t **ret,
                            struct err *err);

/* The files of a session whose contents the account lacks: an object of hash to size. */
NODISCARD int asset_missing(struct registry *registry, const char *account, const json_t *files,
                            json_t **ret, struct err *err);

/* The files as the account has them: an array of {path, hash (SHA-256), bytes, type}, in no order.
 * ERR_NOT_FOUND when one is missing. */
NODISCARD int asset_files(struct registry *registry, const char *account, const json_t *files,
                          json_t **ret, struct err *err);

/* Stores contents, without a row: on any thread, between asset_hold() and asset_release(), during
 * which nothing is swept. Costs a sync. */
NODISCARD int asset_store(const struct registry *registry, str bytes, char ret[ASSET_HASH_BYTES],
                          struct err *err);
void asset_hold(struct registry *registry);
void asset_release(struct registry *registry);

/* The contents `hash` are what the account calls `key` from now on. All is borrowed. */
struct asset_content {
    const char *key;
    const char *hash;    /* SHA-256 */
    int64_t bytes;
    const char *type;    /* Content-Type; "": none */
};

NODISCARD int asset_add(struct registry *registry, const char *account,
                        const struct asset_content *content, struct err *err);

/* Stores the text of a site of these contents (array of SHA-256 hashes). */
NODISCARD int asset_add_site(struct registry *registry, str text, const json_t *hashes,
                             char ret[ASSET_HASH_BYTES], struct err *err);

/* The text of a site, appended. */
NODISCARD int asset_site(struct registry *registry, const char *manifest, struct buf *out,
                         struct err *err);

/* Makes contents also there at `to`, readable by all; fine when they are. */
NODISCARD int asset_link(const struct registry *registry, const char *hash, const char *to,
                         struct err *err);

/* 1 when a version or a site refers to these contents, 0, or an error. */
NODISCARD int asset_is_used(struct registry *registry, const char *hash, struct err *err);

/* Forgets what nobody needs; now and then. */
NODISCARD int asset_sweep(struct registry *registry, struct err *err);

/* A signature of a text (at most 512 bytes) that only this server can make. Returned owned. */
char *asset_sign(const struct registry *registry, str text);

#endif
