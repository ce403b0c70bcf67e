/* The administrator's token: there is one from the first start on.
 *
 * It is the token named "admin", for all accounts. One that is given in the environment and is not
 * the stored one replaces it: whoever may start the server may administer it. */
#include <stdlib.h>

#include "base/member.h"
#include "control/serve_private.h"
#include "registry/token.h"

#define NAME "admin"

/* The id of the stored one, returned owned; NULL when there is none. */
static int find(struct registry *registry, char **ret_id, struct err *err)
{
    json_t *rows, *row;
    size_t i;
    int r = token_list(registry, NULL, &rows, err);

    if (r < 0)
        return r;
    *ret_id = NULL;
    json_array_foreach(rows, i, row)
        if (!*ret_id && member_is(row, "name", NAME) &&
            json_is_null(json_object_get(row, "account")))
            *ret_id = str_dup(str_from(member_text(row, "id")));
    json_decref(rows);
    return 0;
}

static bool is_known(struct registry *registry, const char *secret)
{
    struct err err;
    json_t *row;

    if (token_find(registry, str_from(secret), &row, &err) < 0)
        return false;
    json_decref(row);
    return true;
}

static int add(struct serve *serve, const char *given, struct err *err)
{
    json_t *asked = json_pack("{s:s, s:[s]}", "name", NAME, "scopes", "*:write"), *row = NULL;
    char *secret = NULL;
    int r = token_add(serve->registry, asked, given, &secret, &row, err);

    json_decref(asked);
    if (r < 0)
        return r;
    if (!given)
        serve->hooks->on_token(serve->context, secret);
    json_decref(row);
    free(secret);
    return 0;
}

int serve_token_ensure(struct serve *serve, const char *given, struct err *err)
{
    char *id;
    int r;

    if (given && !*given)
        given = NULL;
    if (given && is_known(serve->registry, given))
        return 0;
    if ((r = find(serve->registry, &id, err)) < 0)
        return r;
    if (id && !given) {
        free(id);
        return 0;
    }
    if ((r = registry_begin(serve->registry, err)) == 0) {
        r = id ? token_delete(serve->registry, id, err) : 0;
        r = r < 0 ? r : add(serve, given, err);
        r = registry_end(serve->registry, r, err);
    }
    free(id);
    return r;
}
