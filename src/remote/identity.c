/* Asks who a token speaks for; see identity.h.
 *
 * /user/tokens/verify knows the token itself. A server may answer that it knows no such token there
 * though it takes it elsewhere (code 1000: Cloudflare's tokens of an account): /accounts
 * decides. */
#include "remote/identity.h"

#include "base/member.h"

enum { CODE_NOT_OF_USER = 1000 };

/* The code of the first failure, which is the better text of the two. */
static int list_accounts(struct remote *remote, json_t **ret, struct err *err)
{
    struct err ignored;
    int r = remote_list(remote, remote_path(remote, "/accounts"), NULL, ret,
                        err->code ? &ignored : err);

    return r < 0 ? err->code : 0;
}

static void take_token(json_t *identity, json_t *verified)
{
    static const char *const keys[] = {"id", "name", "account", "scopes", "expires_on"};
    json_t *token = json_object();

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (json_object_get(verified, keys[i]))
            json_object_set(token, keys[i], json_object_get(verified, keys[i]));
    json_object_set_new(identity, "token", token);
    if (json_object_get(verified, "server"))
        json_object_set(identity, "server", json_object_get(verified, "server"));
}

int identity_read(struct remote *remote, json_t **ret, struct err *err)
{
    json_t *verified = NULL, *accounts;
    int r;

    err->code = 0;
    r = remote_get(remote, remote_path(remote, "/user/tokens/verify"), &verified, err);
    if (r < 0 && remote_code(remote) != CODE_NOT_OF_USER)
        return r;
    if ((r = list_accounts(remote, &accounts, err)) < 0) {
        json_decref(verified);
        return r;
    }
    *ret = json_object();
    take_token(*ret, verified);
    json_object_set_new(*ret, "accounts", accounts);
    json_decref(verified);
    return 0;
}

const char *identity_account(const json_t *identity, const char *wanted)
{
    const char *found = NULL;
    const json_t *account;
    size_t i;

    json_array_foreach(json_object_get(identity, "accounts"), i, account) {
        const char *id = member_text(account, "id");

        if (id && strcmp(id, wanted) == 0)
            return id;
        if (id && member_is(account, "name", wanted)) {
            if (found)
                return NULL;
            found = id;
        }
    }
    return found;
}
