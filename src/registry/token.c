/* API tokens; see token.h.
 *
 * A token is found by its hash, so that how long that takes says nothing about the secret of
 * another one; what was found is compared again in constant time. */
#include "registry/token.h"

#include <stdlib.h>

#include "base/member.h"
#include "os/clock.h"
#include "registry/account.h"
#include "registry/opaque.h"
#include "registry/registry_private.h"

enum { USED_STEP_MS = 60000, NAME_BYTES_MAX = 255 };

#define COLUMNS                                                                                    \
    "id, account, name, scopes AS \"scopes:json\", created_ms, expires_ms, used_ms, grant_id AS "  \
    "\"grant\""

#define SECRET_PREFIX "atoll_"

const char *const token_nouns[] = {"account", "worker", "route",  "secret", "tail",
                                   "usage",   "token",  "server", "storage", NULL};

/* ---- secrets ---- */

/* What an HTTP header can carry. */
static int check_secret(str secret, struct err *err)
{
    bool is_good = secret.len >= 1 && secret.len <= TOKEN_BYTES_MAX;

    for (size_t i = 0; i < secret.len && is_good; i++)
        is_good = secret.ptr[i] > ' ' && secret.ptr[i] < 127;
    if (is_good)
        return 0;
    return err_set(err, ERR_INVALID, "a token is 1 to %d visible ASCII characters without spaces",
                   TOKEN_BYTES_MAX);
}

/* ---- scopes ---- */

struct scope {
    str noun;
    bool is_write;
};

static bool parse_scope(str text, struct scope *ret)
{
    size_t colon = str_find(text, ':');
    str verb = str_skip(text, colon + 1);

    *ret = (struct scope){str_head(text, colon), str_equal(verb, STR("write"))};
    if (!ret->is_write && !str_equal(verb, STR("read")))
        return false;
    for (size_t i = 0; token_nouns[i]; i++)
        if (str_equal(ret->noun, str_from(token_nouns[i])))
            return true;
    return str_equal(ret->noun, STR("*"));
}

static int check_scopes(const json_t *scopes, struct err *err)
{
    const json_t *text;
    struct scope scope;
    size_t i;

    if (!json_array_size(scopes) || json_array_size(scopes) > TOKEN_SCOPES_MAX)
        return err_set(err, ERR_INVALID, "a token has an array of 1 to %d scopes",
                       TOKEN_SCOPES_MAX);
    json_array_foreach(scopes, i, text)
        if (!json_is_string(text) || !parse_scope(str_from(json_string_value(text)), &scope))
            return err_set(
                err, ERR_INVALID,
                "scope %zu is not like \"worker:write\": account, worker, route, secret, "
                "tail, usage, token, server, storage or *, with :read or :write",
                i + 1);
    return 0;
}

bool token_allows(const json_t *row, const char *account, const char *need)
{
    const char *owner = member_text(row, "account");
    const json_t *text;
    struct scope wanted, has;
    size_t i;

    if ((owner && (!account || strcmp(owner, account) != 0)) ||
        !parse_scope(str_from(need), &wanted))
        return false;
    json_array_foreach(json_object_get(row, "scopes"), i, text)
        if (parse_scope(str_from(json_string_value(text)), &has) &&
            (has.is_write || !wanted.is_write) &&
            (str_equal(has.noun, STR("*")) || str_equal(has.noun, wanted.noun)))
            return true;
    return false;
}

/* ---- verbs ---- */

static int get(struct registry *registry, const char *id, json_t **ret, struct err *err)
{
    int r = query_row(registry->db,
                      query_make(registry->db, "SELECT " COLUMNS " FROM token WHERE id = ?", "t",
                                 id),
                      ret, err);

    return r == 0 ? err_set(err, ERR_NOT_FOUND, "there is no token %.100s", id) : r < 0 ? r : 0;
}

static int check_row(struct registry *registry, const json_t *row, struct err *err)
{
    const json_t *name = json_object_get(row, "name"),
                 *expires = json_object_get(row, "expires_ms");
    const json_t *account = json_object_get(row, "account");
    json_t *owner;
    int r;

    if (!json_string_length(name) || json_string_length(name) > NAME_BYTES_MAX)
        return err_set(err, ERR_INVALID, "the name of a token is a text of 1 to %d bytes",
                       NAME_BYTES_MAX);
    if (expires && !json_is_null(expires) && !json_is_integer(expires))
        return err_set(err, ERR_INVALID, "expires_ms is a whole number of milliseconds since 1970");
    if (account && !json_is_null(account)) {
        if (!json_is_string(account))
            return err_set(err, ERR_INVALID, "the account of a token is a text or null");
        if ((r = account_get(registry, json_string_value(account), &owner, err)) < 0)
            return r;
        json_decref(owner);
    }
    return check_scopes(json_object_get(row, "scopes"), err);
}

static int insert(struct registry *registry, const char *id, const json_t *row, str secret,
                  struct err *err)
{
    unsigned char hash[OPAQUE_HASH_BYTES];
    int r;

    opaque_hash(secret, hash);
    r = query_run(registry->db,
                  query_make(registry->db,
                             "INSERT INTO token (id, account, name, scopes, hash, created_ms, "
                             "expires_ms, used_ms) VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
                             "tvvjbii", id, json_object_get(row, "account"),
                             json_object_get(row, "name"), json_object_get(row, "scopes"),
                             (str){(char *)hash, sizeof hash}, clock_wall_ms(),
                             (int64_t)member_int(row, "expires_ms")),
                  err);
    return r == ERR_EXISTS ? err_set(err, r, "there is a token with this secret already") : r;
}

int token_add(struct registry *registry, const json_t *row, const char *secret, char **ret_secret,
              json_t **ret, struct err *err)
{
    char *made = secret ? str_dup(str_from(secret)) : opaque_new(SECRET_PREFIX);
    char id[37];
    int r;

    registry_new_id(id);
    if ((r = check_secret(str_from(made), err)) < 0 || (r = check_row(registry, row, err)) < 0 ||
        (r = insert(registry, id, row, str_from(made), err)) < 0 ||
        (r = get(registry, id, ret, err)) < 0) {
        free(made);
        return r;
    }
    if (ret_secret)
        *ret_secret = made;
    else
        free(made);
    return 0;
}

/* The id of the token with this hash. Returns 1, 0 or an error. */
static int find_id(struct registry *registry, const unsigned char hash[OPAQUE_HASH_BYTES],
                   char id[37], struct err *err)
{
    sqlite3_stmt *row = query_make(registry->db, "SELECT hash, id FROM token WHERE hash = ?", "b",
                                   (str){(const char *)hash, OPAQUE_HASH_BYTES});
    int r = db_step(row);
    str found, text;

    if (r < 0)
        return query_fail(registry->db, r, err);
    if (r == 0)
        return 0;
    found = db_column(row, 0);
    text = db_column(row, 1);
    if (found.len != OPAQUE_HASH_BYTES || !opaque_equal((const unsigned char *)found.ptr, hash) ||
        text.len != 36)
        r = 0;
    else
        memcpy(id, text.ptr, text.len);
    id[36] = 0;
    sqlite3_reset(row);
    return r;
}

/* When it was used is told to a minute, and not at all when the disk is full. */
static void note_use(struct registry *registry, const char *id, json_t *row)
{
    int64_t now = clock_wall_ms();
    struct err ignored;

    if (now - member_int(row, "used_ms") < USED_STEP_MS)
        return;
    if (query_run(registry->db,
                  query_make(registry->db, "UPDATE token SET used_ms = ? WHERE id = ?", "it", now,
                             id),
                  &ignored) == 0)
        json_object_set_new(row, "used_ms", json_integer(now));
}

/* The row of an id that was found; it may have expired. */
static int get_valid(struct registry *registry, const char *id, json_t **ret, struct err *err)
{
    json_int_t expires;
    json_t *row;
    int r = get(registry, id, &row, err);

    if (r == ERR_NOT_FOUND)
        return err_set(err, ERR_NOT_FOUND, "the token is not valid");
    if (r < 0)
        return r;
    expires = member_int(row, "expires_ms");
    if (expires && expires <= clock_wall_ms()) {
        json_decref(row);
        return err_set(err, ERR_NOT_FOUND, "the token has expired");
    }
    note_use(registry, id, row);
    *ret = row;
    return 0;
}

int token_find_id(struct registry *registry, const char *id,
                  unsigned char ret_hash[OPAQUE_HASH_BYTES], json_t **ret, struct err *err)
{
    sqlite3_stmt *row = query_make(registry->db, "SELECT hash FROM token WHERE id = ?", "t", id);
    int r = db_step(row);

    if (r < 0)
        return query_fail(registry->db, r, err);
    if (r > 0 && db_column(row, 0).len == OPAQUE_HASH_BYTES)
        memcpy(ret_hash, db_column(row, 0).ptr, OPAQUE_HASH_BYTES);
    else
        r = 0;
    sqlite3_reset(row);
    return r ? get_valid(registry, id, ret, err)
             : err_set(err, ERR_NOT_FOUND, "the token is not valid");
}

int token_find(struct registry *registry, str secret, json_t **ret, struct err *err)
{
    unsigned char hash[OPAQUE_HASH_BYTES];
    char id[37];
    int r;

    if (secret.len < 1 || secret.len > TOKEN_BYTES_MAX)
        return err_set(err, ERR_NOT_FOUND, "the token is not valid");
    opaque_hash(secret, hash);
    if ((r = find_id(registry, hash, id, err)) < 0)
        return r;
    return r ? get_valid(registry, id, ret, err)
             : err_set(err, ERR_NOT_FOUND, "the token is not valid");
}

int token_list(struct registry *registry, const char *account, json_t **ret, struct err *err)
{
    static const char all[] = "SELECT " COLUMNS " FROM token WHERE grant_id IS NULL ORDER BY seq";
    static const char some[] = "SELECT " COLUMNS " FROM token "
                               "WHERE account = ? AND grant_id IS NULL ORDER BY seq";

    return query_rows(registry->db,
                      account ? query_make(registry->db, some, "t", account)
                              : query_make(registry->db, all, ""),
                      ret, err);
}

int token_delete(struct registry *registry, const char *id, struct err *err)
{
    int r = query_run(registry->db,
                      query_make(registry->db, "DELETE FROM token WHERE id = ?", "t", id), err);

    return r == 0 && query_changes(registry->db) == 0
               ? err_set(err, ERR_NOT_FOUND, "there is no token %.100s", id)
               : r;
}
