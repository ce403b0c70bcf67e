/* Grants and their tokens; see grant.h.
 *
 *   refresh token:  atoll_refresh_ <family> . <turn>
 *
 * 1. The family is random and stays; its hash finds the grant, whatever the turn is. So a refresh
 *    token that was replaced long ago is known as one, though only two turns are stored.
 * 2. A turn follows from the token before it and the server's key: used twice within the grace, a
 *    token gives the same successor twice, and neither of two clients is left with a dead one. Who
 *    knows a token but not the key cannot tell the next.
 * 3. The database has hashes only. */
#include "registry/grant.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "os/clock.h"
#include "registry/account.h"
#include "registry/opaque.h"
#include "registry/registry_private.h"
#include "registry/token.h"

#define REFRESH_PREFIX "atoll_refresh_"
#define COLUMNS                                                                                    \
    "id, account, client, name, token, scopes AS \"scopes:json\", scope, created_ms, expires_ms, " \
    "max(rotated_ms, coalesce((SELECT max(used_ms) FROM token WHERE grant_id = oauth_grant.id), "  \
    "0)) AS used_ms"

_Static_assert((int)OPAQUE_KEY_BYTES == (int)SECRET_KEY_BYTES, "the key derives refresh tokens");

void grant_secrets_done(struct grant_secrets *secrets)
{
    char *texts[] = {secrets->access, secrets->refresh};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (texts[i])
            secret_text_clear(texts[i], strlen(texts[i]));
        free(texts[i]);
    }
    *secrets = (struct grant_secrets){0};
}

/* ---- refresh tokens ---- */

struct refresh {
    str family;     /* with the prefix and the dot */
    unsigned char family_hash[OPAQUE_HASH_BYTES];
    unsigned char hash[OPAQUE_HASH_BYTES];
};

static bool parse_refresh(str secret, struct refresh *ret)
{
    size_t dot = str_find(secret, '.');

    if (!str_starts(secret, STR(REFRESH_PREFIX)) ||
        secret.len != sizeof REFRESH_PREFIX + 2 * OPAQUE_RANDOM_CHARS ||
        dot != sizeof REFRESH_PREFIX - 1 + OPAQUE_RANDOM_CHARS)
        return false;
    ret->family = str_head(secret, dot + 1);
    opaque_hash(ret->family, ret->family_hash);
    opaque_hash(secret, ret->hash);
    return true;
}

static str bytes_of(const unsigned char hash[OPAQUE_HASH_BYTES])
{
    return (str){(const char *)hash, OPAQUE_HASH_BYTES};
}

/* The first of a new family, returned owned. */
static char *first_refresh(void)
{
    char prefix[sizeof REFRESH_PREFIX + OPAQUE_RANDOM_CHARS + 1];
    char *family = opaque_new(REFRESH_PREFIX);

    snprintf(prefix, sizeof prefix, "%s.", family);
    free(family);
    return opaque_new(prefix);
}

/* The one after `secret`, returned owned. */
static char *next_refresh(const struct registry *registry, const struct refresh *refresh,
                          str secret)
{
    char *prefix = str_dup(refresh->family);
    char *result = opaque_derive(prefix, registry->key, secret);

    free(prefix);
    return result;
}

/* ---- access tokens ---- */

static int64_t sooner(int64_t ms, int64_t limit_ms)
{
    return limit_ms && limit_ms < ms ? limit_ms : ms;
}

static int drop_old_tokens(struct registry *registry, const char *grant, int64_t now,
                           struct err *err)
{
    static const char expired[] =
        "DELETE FROM token WHERE grant_id IS NOT NULL AND expires_ms <= ?";
    static const char surplus[] =
        "DELETE FROM token WHERE grant_id = ?1 AND seq NOT IN "
        "(SELECT seq FROM token WHERE grant_id = ?1 ORDER BY seq DESC LIMIT ?2)";
    int r = query_run(registry->db, query_make(registry->db, expired, "i", now), err);

    return r < 0 ? r
                 : query_run(registry->db,
                             query_make(registry->db, surplus, "ti", grant,
                                        (int64_t)GRANT_ACCESS_MAX - 1),
                             err);
}

/* An access token of the grant, valid until the API token behind it ends at the latest. */
static int add_access(struct registry *registry, const json_t *grant, int64_t until_ms,
                      struct grant_secrets *ret, struct err *err)
{
    const char *id = member_text(grant, "id");
    int64_t now = clock_wall_ms(), expires = sooner(now + GRANT_ACCESS_MS, until_ms);
    json_t *wanted, *row;
    int r = drop_old_tokens(registry, id, now, err);

    if (r < 0)
        return r;
    wanted = json_pack("{s:O?, s:O, s:O, s:I}", "account", json_object_get(grant, "account"),
                       "name", json_object_get(grant, "name"), "scopes",
                       json_object_get(grant, "scopes"), "expires_ms", (json_int_t)expires);
    r = token_add(registry, wanted, NULL, &ret->access, &row, err);
    json_decref(wanted);
    if (r < 0)
        return r;
    ret->access_ms = expires - now;
    r = query_run(registry->db,
                  query_make(registry->db, "UPDATE token SET grant_id = ? WHERE id = ?", "tv", id,
                             json_object_get(row, "id")),
                  err);
    json_decref(row);
    return r;
}

/* When the API token behind a grant ends (0: never). ERR_NOT_FOUND when it has. */
static int proof_until(struct registry *registry, const json_t *token, int64_t *ret,
                       struct err *err)
{
    int r = query_integer(registry->db,
                          query_make(registry->db,
                                     "SELECT expires_ms FROM token "
                                     "WHERE id = ? AND grant_id IS NULL",
                                     "v", token),
                          ret, err);

    if (r < 0)
        return r;
    if (r == 0 || (*ret && *ret <= clock_wall_ms()))
        return err_set(err, ERR_NOT_FOUND,
                       "the API token of this login was deleted or has expired");
    return 0;
}

/* ---- grants ---- */

static int get(struct registry *registry, const char *id, json_t **ret, struct err *err)
{
    int r = query_row(registry->db,
                      query_make(registry->db, "SELECT " COLUMNS " FROM oauth_grant WHERE id = ?",
                                 "t", id),
                      ret, err);

    return r == 0 ? err_set(err, ERR_NOT_FOUND, "there is no grant %.100s", id) : r < 0 ? r : 0;
}

/* Makes room for one more grant of an API token. */
static int drop_old_grants(struct registry *registry, const json_t *token, struct err *err)
{
    static const char expired[] = "DELETE FROM oauth_grant WHERE expires_ms <= ?";
    static const char surplus[] = "DELETE FROM oauth_grant WHERE token = ?1 AND seq NOT IN "
                                  "(SELECT seq FROM oauth_grant WHERE token = ?1 ORDER BY "
                                  "rotated_ms DESC, seq DESC LIMIT ?2)";
    int r = query_run(registry->db, query_make(registry->db, expired, "i", clock_wall_ms()), err);

    return r < 0 ? r
                 : query_run(registry->db,
                             query_make(registry->db, surplus, "vi", token,
                                        (int64_t)GRANT_COUNT_MAX - 1),
                             err);
}

static int insert(struct registry *registry, const char *id, const json_t *row, const char *secret,
                  int64_t until_ms, struct err *err)
{
    int64_t now = clock_wall_ms();
    struct refresh refresh;

    ASSERT(parse_refresh(str_from(secret), &refresh));
    return query_run(
        registry->db,
        query_make(registry->db,
                   "INSERT INTO oauth_grant (id, token, account, client, name, scopes, scope, "
                   "family, refresh, rotated_ms, created_ms, expires_ms) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   "tvvvvjvbbiii", id, json_object_get(row, "token"),
                   json_object_get(row, "account"), json_object_get(row, "client"),
                   json_object_get(row, "name"), json_object_get(row, "scopes"),
                   json_object_get(row, "scope"), bytes_of(refresh.family_hash),
                   bytes_of(refresh.hash), now, now, sooner(now + GRANT_REFRESH_MS, until_ms)),
        err);
}

static int check_row(struct registry *registry, const json_t *row, struct err *err)
{
    const char *account = member_text(row, "account");
    size_t client = json_string_length(json_object_get(row, "client"));
    json_t *owner;
    int r;

    if (!client || client > GRANT_CLIENT_BYTES_MAX)
        return err_set(err, ERR_INVALID, "a client id is a text of 1 to %d bytes",
                       GRANT_CLIENT_BYTES_MAX);
    if (!json_is_string(json_object_get(row, "scope")) ||
        json_string_length(json_object_get(row, "scope")) > GRANT_SCOPE_BYTES_MAX)
        return err_set(err, ERR_INVALID, "the scope of a grant is a text of at most %d bytes",
                       GRANT_SCOPE_BYTES_MAX);
    if (account && (r = account_get(registry, account, &owner, err)) < 0)
        return r;
    if (account)
        json_decref(owner);
    return 0;
}

static int add(struct registry *registry, const json_t *row, struct grant_secrets *secrets,
               json_t **ret, struct err *err)
{
    const json_t *token = json_object_get(row, "token");
    int64_t until_ms;
    char id[37];
    json_t *grant;
    int r;

    registry_new_id(id);
    if ((r = check_row(registry, row, err)) < 0 ||
        (r = proof_until(registry, token, &until_ms, err)) < 0 ||
        (r = drop_old_grants(registry, token, err)) < 0 ||
        (r = insert(registry, id, row, secrets->refresh, until_ms, err)) < 0 ||
        (r = get(registry, id, &grant, err)) < 0)
        return r;
    r = add_access(registry, grant, until_ms, secrets, err);
    if (r < 0)
        json_decref(grant);
    else
        *ret = grant;
    return r;
}

int grant_add(struct registry *registry, const json_t *row, struct grant_secrets *ret_secrets,
              json_t **ret, struct err *err)
{
    struct grant_secrets secrets = {.refresh = first_refresh()};
    json_t *grant = NULL;
    int r = registry_change_begin(registry, err);

    if (r == 0)
        r = registry_change_end(registry, add(registry, row, &secrets, &grant, err), err);
    if (r < 0) {
        json_decref(grant);
        grant_secrets_done(&secrets);
        return r;
    }
    *ret_secrets = secrets;
    *ret = grant;
    return 0;
}

static int find_by_refresh(struct registry *registry, const struct refresh *refresh, json_t **ret,
                           struct err *err)
{
    return query_row(registry->db,
                     query_make(registry->db,
                                "SELECT " COLUMNS " FROM oauth_grant "
                                "WHERE family = ? AND expires_ms > ?",
                                "bi", bytes_of(refresh->family_hash), clock_wall_ms()),
                     ret, err);
}

int grant_find(struct registry *registry, str secret, json_t **ret, struct err *err)
{
    struct refresh refresh;
    json_t *token;
    const char *id;
    int r;

    if (parse_refresh(secret, &refresh)) {
        r = find_by_refresh(registry, &refresh, ret, err);
        return r == 0  ? err_set(err, ERR_NOT_FOUND, "the refresh token is not valid")
               : r < 0 ? r
                       : 0;
    }
    if ((r = token_find(registry, secret, &token, err)) < 0)
        return r;
    id = member_text(token, "grant");
    r = id ? get(registry, id, ret, err)
           : err_set(err, ERR_NOT_FOUND, "the token is not one of a login");
    json_decref(token);
    return r;
}

/* ---- taking the next turn ---- */

enum turn { TURN_CURRENT, TURN_PREVIOUS, TURN_REUSED };

/* Which turn a token is: an enum turn, or an error. */
static int turn_of(struct registry *registry, const char *id, const struct refresh *refresh,
                   struct err *err)
{
    sqlite3_stmt *row = query_make(registry->db,
                                   "SELECT refresh, coalesce(previous, zeroblob(32)), rotated_ms "
                                   "FROM oauth_grant WHERE id = ?",
                                   "t", id);
    int r = db_step(row), turn = TURN_REUSED;
    const unsigned char *current, *previous;

    if (r < 0)
        return query_fail(registry->db, r, err);
    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no grant %.100s", id);
    current = (const unsigned char *)db_column(row, 0).ptr;
    previous = (const unsigned char *)db_column(row, 1).ptr;
    if (opaque_equal(current, refresh->hash))
        turn = TURN_CURRENT;
    else if (opaque_equal(previous, refresh->hash) &&
             clock_wall_ms() - sqlite3_column_int64(row, 2) <= GRANT_GRACE_MS)
        turn = TURN_PREVIOUS;
    sqlite3_reset(row);
    return turn;
}

static int rotate(struct registry *registry, const char *id, const struct refresh *used,
                  const char *next, int64_t until_ms, struct err *err)
{
    int64_t now = clock_wall_ms();
    struct refresh refresh;

    ASSERT(parse_refresh(str_from(next), &refresh));
    return query_run(registry->db,
                     query_make(registry->db,
                                "UPDATE oauth_grant SET refresh = ?, previous = ?, "
                                "rotated_ms = ?, expires_ms = ? WHERE id = ?",
                                "bbiit", bytes_of(refresh.hash), bytes_of(used->hash), now,
                                sooner(now + GRANT_REFRESH_MS, until_ms), id),
                     err);
}

static int take_turn(struct registry *registry, const json_t *grant, const struct refresh *used,
                     struct grant_secrets *secrets, struct err *err)
{
    const char *id = member_text(grant, "id");
    int turn = turn_of(registry, id, used, err), r;
    int64_t until_ms;

    if (turn < 0)
        return turn;
    if (turn == TURN_REUSED)
        return err_set(err, ERR_DENIED,
                       "this refresh token was replaced by another one before: somebody may have "
                       "copied it, so the login has ended");
    if ((r = proof_until(registry, json_object_get(grant, "token"), &until_ms, err)) < 0)
        return r;
    if (turn == TURN_CURRENT &&
        (r = rotate(registry, id, used, secrets->refresh, until_ms, err)) < 0)
        return r;
    return add_access(registry, grant, until_ms, secrets, err);
}

int grant_refresh(struct registry *registry, const json_t *row, str secret,
                  struct grant_secrets *ret_secrets, struct err *err)
{
    struct grant_secrets secrets = {0};
    struct refresh refresh;
    struct err failed;
    int r;

    if (!parse_refresh(secret, &refresh))
        return err_set(err, ERR_NOT_FOUND, "the refresh token is not valid");
    if ((r = registry_change_begin(registry, err)) < 0)
        return r;
    secrets.refresh = next_refresh(registry, &refresh, secret);
    r = registry_change_end(registry, take_turn(registry, row, &refresh, &secrets, err), err);
    if (r == 0) {
        *ret_secrets = secrets;
        return 0;
    }
    grant_secrets_done(&secrets);
    if (r == ERR_DENIED && grant_delete(registry, member_text(row, "id"), &failed) == ERR_IO)
        return err_set(err, ERR_IO, "%s", failed.text);
    return r;
}

int grant_list(struct registry *registry, const char *account, json_t **ret, struct err *err)
{
    static const char all[] = "SELECT " COLUMNS " FROM oauth_grant "
                              "WHERE expires_ms > ? ORDER BY seq";
    static const char some[] = "SELECT " COLUMNS " FROM oauth_grant "
                               "WHERE expires_ms > ? AND account = ? ORDER BY seq";
    int64_t now = clock_wall_ms();

    return query_rows(registry->db,
                      account ? query_make(registry->db, some, "it", now, account)
                              : query_make(registry->db, all, "i", now),
                      ret, err);
}

int grant_delete(struct registry *registry, const char *id, struct err *err)
{
    int r = query_run(registry->db,
                      query_make(registry->db, "DELETE FROM oauth_grant WHERE id = ?", "t", id),
                      err);

    return r == 0 && query_changes(registry->db) == 0
               ? err_set(err, ERR_NOT_FOUND, "there is no grant %.100s", id)
               : r;
}
