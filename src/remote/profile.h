/* The servers somebody is logged in to: names, addresses, tokens.
 *
 *   $XDG_CONFIG_HOME/atoll/credentials.json (else ~/.config/atoll/...), mode 0600, directory 0700:
 *   {current, profiles: {NAME: {url, account, token, refresh_token?, expires_ms?, client_id?,
 *                               token_endpoint?, revocation_endpoint?}}}
 *   url has no path: "http://127.0.0.1:8790".
 *
 * Written to a new file that then takes the old one's place, under a lock beside it: two commands
 * at once lose nothing but the older of two writes to the same profile, and one that reads needs no
 * lock.
 * Owns: its JSON. Thread: one; reads and writes small files. Limits: PROFILE_*_MAX. */
#ifndef ATOLL_REMOTE_PROFILE_H
#define ATOLL_REMOTE_PROFILE_H

#include <jansson.h>

#include "base/err.h"

enum { PROFILE_FILE_BYTES_MAX = 1 << 20, PROFILE_NAME_MAX = 64, PROFILE_TEXT_BYTES_MAX = 8192 };

/* The whole file as JSON, returned owned; an empty one when there is none. ERR_INVALID when it is
 * not what we write, ERR_IO. */
NODISCARD int profile_load(json_t **ret, struct err *err);

/* The path of the file, returned owned. */
char *profile_file(void);

/* Takes the rights of others away from the file and its directory; true when they had some. */
bool profile_make_private(void);

/* Borrowed from `file`: the profile of a name (NULL: the current one); NULL when it is not
 * there. */
json_t *profile_find(json_t *file, const char *name);

/* The name of the current profile; NULL: none. Borrowed. */
const char *profile_current(const json_t *file);

/* Changes the file under its lock: sets a profile (taken) and makes it the current one when
 * `current`; removes one, another becomes current. ERR_NOT_FOUND when `name` is not there. */
NODISCARD int profile_set(const char *name, json_t *profile, bool current, struct err *err);
NODISCARD int profile_remove(const char *name, struct err *err);
NODISCARD int profile_use(const char *name, struct err *err);

/* For changes that take a while: waits for the lock; then the file is loaded, changed, and saved
 * with profile_save() (borrowed). ERR_IO. */
NODISCARD int profile_lock(int *ret_lock, struct err *err);
NODISCARD int profile_save(const json_t *file, struct err *err);
void profile_unlock(int lock);

/* A name made from a server's URL: its host, and its port when it has one. Returned owned. */
char *profile_name_of(const char *url);

/* True for 1 to PROFILE_NAME_MAX letters, digits, ".", ":", "-" and "_". */
bool profile_is_name(str name);

#endif
