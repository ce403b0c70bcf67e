/* Who holds a host; see holder.h.
 *
 * Looked at when a route or a domain is made, by index: the host itself, and each name above it.
 * A wildcard above a host that somebody holds is no harm: route_rules() gives a host to one
 * account. */
#include "registry/holder.h"

#include <stdlib.h>

#include "base/member.h"
#include "registry/account.h"
#include "registry/registry_private.h"

enum { LABEL_BYTES_MAX = 63 };

void holder_set_domain(struct registry *registry, const char *domain)
{
    free(registry->domain);
    registry->domain = str_dup(str_from(domain));
}

bool holder_is_below(str host, str parent)
{
    return host.len > parent.len + 1 && host.ptr[host.len - parent.len - 1] == '.' &&
           str_equal_nocase(str_skip(host, host.len - parent.len), parent);
}

static int refuse(const char *host, struct err *err)
{
    return err_set(err, ERR_EXISTS, "the host %s is another account's", host);
}

/* ---- the server's own names ---- */

/* The account whose subdomain this label is, or "default". */
static int account_of_label(struct registry *registry, str label, json_t **ret, struct err *err)
{
    char text[LABEL_BYTES_MAX + 1] = "";
    int r;

    if (label.len <= LABEL_BYTES_MAX)
        memcpy(text, label.ptr, label.len);
    r = query_row(registry->db,
                  query_make(registry->db, "SELECT id FROM account WHERE subdomain = ?", "t", text),
                  ret, err);
    if (r == 0)
        *ret = json_pack("{s:s}", "id", ACCOUNT_DEFAULT);
    return r < 0 ? r : 0;
}

/* The label of a name below the domain that stands before the domain, if it is a subdomain there:
 * alone it is the name of a worker of "default". */
static str subdomain_of(str host, str domain, enum holder_reach reach)
{
    str labels = str_head(host, host.len - domain.len - 1);
    size_t at = labels.len;

    while (at && labels.ptr[at - 1] != '.')
        at--;
    return at || reach == HOLDER_BELOW ? str_skip(labels, at) : STR("");
}

int holder_of_name(struct registry *registry, const char *domain, const char *host,
                   enum holder_reach reach, char **ret, struct err *err)
{
    str name = str_from(host), own = str_from(domain);
    str label = STR("");
    json_t *row;
    int r;

    if (!own.len)
        return 0;
    if (holder_is_below(name, own))
        label = subdomain_of(name, own, reach);
    else if (!str_equal_nocase(name, own) && (reach == HOLDER_HOST || !holder_is_below(own, name)))
        return 0;
    if ((r = account_of_label(registry, label, &row, err)) < 0)
        return r;
    *ret = str_dup(str_from(member_text(row, "id")));
    json_decref(row);
    return 1;
}

static int check_own(struct registry *registry, const char *account, const char *host,
                     enum holder_reach reach, struct err *err)
{
    char *owner;
    int r = holder_of_name(registry, registry->domain, host, reach, &owner, err);

    if (r <= 0)
        return r;
    r = strcmp(owner, account) == 0 ? 0 : refuse(host, err);
    free(owner);
    return r;
}

/* ---- everybody's names ---- */

/* Returns 1 when a statement finds another account's row, 0, or an error. */
static int finds(struct registry *registry, const char *sql, const char *host, const char *account,
                 struct err *err)
{
    int64_t one;

    return query_integer(registry->db, query_make(registry->db, sql, "tt", host, account), &one,
                         err);
}

static int check_others(struct registry *registry, const char *account, const char *host,
                        struct err *err)
{
    static const char *const here[] = {
        "SELECT 1 FROM route WHERE host = ? AND account <> ? LIMIT 1",
        "SELECT 1 FROM domain WHERE hostname = ? AND account <> ? LIMIT 1",
        "SELECT 1 FROM distribution WHERE host = ? AND account <> ? LIMIT 1",
    };
    static const char above[] =
        "SELECT 1 FROM route WHERE host = ? AND account <> ? AND wild > 0 LIMIT 1";
    const char *name = host;
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(here); i++)
        r = finds(registry, here[i], host, account, err);
    while (r == 0 && (name = strchr(name, '.')))
        r = finds(registry, above, ++name, account, err);
    return r > 0 ? refuse(host, err) : r;
}

int holder_check(struct registry *registry, const char *account, const char *host,
                 enum holder_reach reach, struct err *err)
{
    int r;

    if (reach != HOLDER_HOST && !strchr(host, '.') && strcmp(account, ACCOUNT_DEFAULT) != 0)
        return err_set(err, ERR_INVALID, "*.%s is more than one account may have", host);
    if ((r = check_own(registry, account, host, reach, err)) < 0)
        return r;
    return check_others(registry, account, host, err);
}
