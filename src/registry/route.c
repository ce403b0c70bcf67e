/* Routes; see route.h for what a pattern means and which one wins.
 *
 * route_rules() does not look at all routes: what can match the host a.b.c stands under the hosts
 * a.b.c, b.c and c, and the index is asked for each of these. */
#include "registry/route.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/member.h"
#include "base/utf8.h"
#include "registry/account.h"
#include "registry/holder.h"
#include "registry/registry_private.h"
#include "registry/script.h"
#include "store/blob.h"

enum { HOST_BYTES_MAX = 253, LABEL_BYTES_MAX = 63, ZONE_ID_BYTES = 33, PATTERNS_MAX = 1000 };

/* ---- patterns ---- */

static bool is_host(str host)
{
    size_t label = 0;

    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] == '.' ? label == 0 : ++label > LABEL_BYTES_MAX)
            return false;
        if (host.ptr[i] == '.')
            label = 0;
        else if (!isalnum((unsigned char)host.ptr[i]) && host.ptr[i] != '-' && host.ptr[i] != '_')
            return false;
    }
    return label > 0 && host.len <= HOST_BYTES_MAX;
}

static str skip_scheme(str text)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        str scheme = str_from(schemes[i]);

        if (str_equal_nocase(str_head(text, scheme.len), scheme))
            return str_skip(text, scheme.len);
    }
    return text;
}

/* Why a path will not do; NULL when it will. */
static const char *refuse_path(str path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] == '?' || path.ptr[i] == '#')
            return "a pattern has no query and no fragment";
        if (path.ptr[i] == '*' && i + 1 < path.len)
            return "a \"*\" in the path stands at its end";
        if ((unsigned char)path.ptr[i] <= ' ' || path.ptr[i] == 127)
            return "a path has no blanks and no control characters";
    }
    return NULL;
}

static const char *refuse_host(str host)
{
    if (!host.len)
        return "it begins with a host, like example.com/*";
    if (str_find(host, '*') < host.len)
        return "a \"*\" in the host stands at its beginning";
    if (str_find(host, ':') < host.len)
        return "a pattern has no port";
    if (str_find(host, '?') < host.len || str_find(host, '#') < host.len)
        return "a pattern has no query and no fragment";
    return is_host(host) ? NULL
                         : "the host is labels of letters, digits, \"-\" and \"_\" (names in other "
                           "scripts as xn--...)";
}

int route_pattern_parse(str text, struct route_pattern *ret, struct err *err)
{
    struct route_pattern pattern = {.path = STR("/*")};
    str rest = skip_scheme(text), all = text;
    size_t slash = str_find(rest, '/');
    const char *why;

    if (text.len > ROUTE_PATTERN_MAX || !utf8_is_valid(text))
        return err_set(err, ERR_INVALID, "a route pattern is UTF-8 of at most %d bytes",
                       ROUTE_PATTERN_MAX);
    pattern.host = str_head(rest, slash);
    if (slash < rest.len)
        pattern.path = str_skip(rest, slash);
    if (str_starts(pattern.host, STR("*"))) {
        pattern.any_label = true;
        pattern.apex_too = !str_starts(pattern.host, STR("*."));
        pattern.host = str_skip(pattern.host, pattern.apex_too ? 1 : 2);
    }
    if (!(why = refuse_host(pattern.host)) && !(why = refuse_path(pattern.path))) {
        *ret = pattern;
        return 0;
    }
    return err_set(err, ERR_INVALID, "\"%.*s\" is no route pattern: %s", STR_ARGS(all), why);
}

bool route_pattern_matches_host(const struct route_pattern *pattern, str host)
{
    if ((!pattern->any_label || pattern->apex_too) && str_equal_nocase(host, pattern->host))
        return true;
    return pattern->any_label && is_host(host) && holder_is_below(host, pattern->host);
}

static enum holder_reach wildness(const struct route_pattern *pattern)
{
    return !pattern->any_label ? HOLDER_HOST : pattern->apex_too ? HOLDER_BOTH : HOLDER_BELOW;
}

static size_t fixed_len(str path)
{
    return path.len - (str_ends(path, STR("*")) ? 1 : 0);
}

int route_pattern_compare(const struct route_pattern *a, const struct route_pattern *b)
{
    if (a->host.len != b->host.len)
        return a->host.len > b->host.len ? -1 : 1;
    if (wildness(a) != wildness(b))
        return wildness(a) < wildness(b) ? -1 : 1;
    if (fixed_len(a->path) != fixed_len(b->path))
        return fixed_len(a->path) > fixed_len(b->path) ? -1 : 1;
    return (int)str_ends(a->path, STR("*")) - (int)str_ends(b->path, STR("*"));
}

/* ---- hosts and zones ---- */

static void lower(str from, char to[HOST_BYTES_MAX + 1])
{
    size_t len = from.len < HOST_BYTES_MAX ? from.len : HOST_BYTES_MAX;

    for (size_t i = 0; i < len; i++)
        to[i] = (char)tolower((unsigned char)from.ptr[i]);
    to[len] = 0;
}

void route_zone_id(const char *zone, char *ret)
{
    char name[HOST_BYTES_MAX + 1], hash[BLOB_NAME_BYTES];

    lower(str_from(zone), name);
    blob_name(str_from(name), hash);
    memcpy(ret, hash, ZONE_ID_BYTES - 1);
    ret[ZONE_ID_BYTES - 1] = 0;
}

static const char *next_parent(const char *host)
{
    const char *dot = strchr(host, '.');

    return dot ? dot + 1 : NULL;
}

/* The name of a zone: as it was given, by the id of the host or a name above it, else the host. */
static int name_zone(const char *zone, const char *host, char ret[HOST_BYTES_MAX + 1],
                     struct err *err)
{
    char id[ZONE_ID_BYTES];

    if (!zone || !*zone) {
        lower(str_from(host), ret);
        return 0;
    }
    for (const char *name = host; name; name = next_parent(name)) {
        route_zone_id(name, id);
        if (strcmp(id, zone) == 0) {
            lower(str_from(name), ret);
            return 0;
        }
    }
    if (!is_host(str_from(zone)))
        return err_set(err, ERR_INVALID, "\"%.300s\" cannot be the name of a zone", zone);
    if (strlen(zone) == ZONE_ID_BYTES - 1 && strspn(zone, "0123456789abcdef") == ZONE_ID_BYTES - 1)
        return err_set(err, ERR_INVALID, "%s is not in the zone with the id %s", host, zone);
    lower(str_from(zone), ret);
    return 0;
}

/* ---- routes ---- */

#define ROUTE_COLUMNS                                                                              \
    "route.id, route.account, script_id, script.name AS script, pattern, zone"
#define ROUTE_TABLES "route LEFT JOIN script ON script.id = route.script_id"

/* What is written of a route. */
struct row {
    const char *account;
    const char *pattern;
    int64_t script_id;      /* 0: none */
    char host[HOST_BYTES_MAX + 1];
    char path[ROUTE_PATTERN_MAX + 1];
    char zone[HOST_BYTES_MAX + 1];
    char zone_id[ZONE_ID_BYTES];
    enum holder_reach wild;
};

static int make_row(struct row *row, const char *account, const char *pattern, const char *zone,
                    struct err *err)
{
    struct route_pattern parsed;
    int r = route_pattern_parse(str_from(pattern), &parsed, err);

    if (r < 0)
        return r;
    row->account = account;
    row->pattern = pattern;
    lower(parsed.host, row->host);
    snprintf(row->path, sizeof row->path, "%.*s", STR_ARGS(parsed.path));
    row->wild = wildness(&parsed);
    if ((r = name_zone(zone, row->host, row->zone, err)) < 0)
        return r;
    route_zone_id(row->zone, row->zone_id);
    return 0;
}

/* The script is the account's. */
static int check_owner(struct registry *registry, const char *account, int64_t script_id,
                       struct err *err)
{
    json_t *row;
    char *owner;
    int r;

    if ((r = account_get(registry, account, &row, err)) < 0)
        return r;
    json_decref(row);
    if (!script_id)
        return 0;
    if ((r = script_account(registry, script_id, &owner, err)) < 0)
        return r;
    if (strcmp(owner, account) != 0)
        r = err_set(err, ERR_NOT_FOUND, "the account %.100s has no such worker", account);
    free(owner);
    return r;
}

/* A JSON integer, or null for 0. Borrowed from `number`. */
static const json_t *or_null(json_t *number)
{
    return json_integer_value(number) ? number : json_null();
}

static int check_room(struct registry *registry, const struct row *row, struct err *err)
{
    int64_t count = 0;
    int r = query_integer(registry->db,
                          query_make(registry->db, "SELECT count(*) FROM route WHERE host = ?", "t",
                                     row->host),
                          &count, err);

    if (r >= 0 && count >= ROUTE_HOST_MAX)
        return err_set(err, ERR_LIMIT, "%s has %d routes already, which is the most", row->host,
                       ROUTE_HOST_MAX);
    return r < 0 ? r : 0;
}

static int insert(struct registry *registry, const struct row *row, char id[33], struct err *err)
{
    json_t *script;
    int r;

    if ((r = holder_check(registry, row->account, row->host, row->wild, err)) < 0 ||
        (r = check_room(registry, row, err)) < 0)
        return r;
    hex_random(id, 32);
    script = json_integer(row->script_id);
    r = query_run(registry->db,
                  query_make(registry->db,
                             "INSERT INTO route (id, account, script_id, pattern, host, wild, "
                             "path, zone, zone_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             "ttvttittt", id, row->account, or_null(script), row->pattern,
                             row->host, (int64_t)row->wild, row->path, row->zone, row->zone_id),
                  err);
    json_decref(script);
    return r == ERR_EXISTS ? err_set(err, r, "there is a route %.1024s already", row->pattern) : r;
}

int route_add(struct registry *registry, const struct route_draft *draft, json_t **ret,
              struct err *err)
{
    struct row row = {.script_id = draft->script_id};
    char id[33];
    int r;

    if ((r = make_row(&row, draft->account, draft->pattern, draft->zone, err)) < 0 ||
        (r = check_owner(registry, draft->account, draft->script_id, err)) < 0 ||
        (r = insert(registry, &row, id, err)) < 0)
        return r;
    return route_get(registry, draft->account, id, ret, err);
}

int route_get(struct registry *registry, const char *account, const char *id, json_t **ret,
              struct err *err)
{
    int r = query_row(registry->db,
                      query_make(registry->db,
                                 "SELECT " ROUTE_COLUMNS " FROM " ROUTE_TABLES
                                 " WHERE route.id = ? AND route.account = ?",
                                 "tt", id, account),
                      ret, err);

    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "the account %.100s has no route %.100s", account, id);
    return r < 0 ? r : 0;
}

/* Writes a row over the one with this id. */
static int write_over(struct registry *registry, const char *id, const struct row *row,
                      struct err *err)
{
    json_t *script = json_integer(row->script_id);
    int r = query_run(registry->db,
                      query_make(registry->db,
                                 "UPDATE route SET script_id = ?, pattern = ?, host = ?, wild = ?, "
                                 "path = ?, zone = ?, zone_id = ? WHERE id = ?",
                                 "vttitttt", or_null(script), row->pattern, row->host,
                                 (int64_t)row->wild, row->path, row->zone, row->zone_id, id),
                      err);

    json_decref(script);
    return r == ERR_EXISTS ? err_set(err, r, "there is a route %.1024s already", row->pattern) : r;
}

int route_update(struct registry *registry, const char *account, const char *id,
                 const json_t *changes, json_t **ret, struct err *err)
{
    const char *pattern = member_text(changes, "pattern");
    const char *zone = member_text(changes, "zone");
    const json_t *script = json_object_get(changes, "script_id");
    struct row row;
    json_t *old;
    int r = route_get(registry, account, id, &old, err);

    if (r < 0)
        return r;
    row.script_id = json_integer_value(script ? script : json_object_get(old, "script_id"));
    r = make_row(&row, account, pattern ? pattern : member_text(old, "pattern"),
                 pattern ? zone : member_text(old, "zone"), err);
    if (r == 0 && (r = check_owner(registry, account, row.script_id, err)) == 0 &&
        (!pattern || ((r = holder_check(registry, account, row.host, row.wild, err)) == 0 &&
                      (r = check_room(registry, &row, err)) == 0)))
        r = write_over(registry, id, &row, err);
    json_decref(old);
    return r < 0 ? r : route_get(registry, account, id, ret, err);
}

int route_delete(struct registry *registry, const char *account, const char *id, struct err *err)
{
    int r = query_run(registry->db,
                      query_make(registry->db, "DELETE FROM route WHERE id = ? AND account = ?",
                                 "tt", id, account),
                      err);

    if (r == 0 && query_changes(registry->db) == 0)
        r = err_set(err, ERR_NOT_FOUND, "the account %.100s has no route %.100s", account, id);
    return r;
}

int route_list(struct registry *registry, const char *account, const char *zone, int64_t script_id,
               json_t **ret, struct err *err)
{
    static const char of_account[] = "SELECT " ROUTE_COLUMNS " FROM " ROUTE_TABLES
                                     " WHERE route.account = ?1 AND "
                                     "(?2 IS NULL OR zone = ?2 OR zone_id = ?2) ORDER BY pattern";
    static const char of_script[] =
        "SELECT " ROUTE_COLUMNS " FROM " ROUTE_TABLES " WHERE route.account = ?1 AND "
        "(?2 IS NULL OR zone = ?2 OR zone_id = ?2) AND script_id = ?3 ORDER BY pattern";
    char name[HOST_BYTES_MAX + 1];

    lower(str_from(zone), name);
    return query_rows(registry->db,
                      script_id
                          ? query_make(registry->db, of_script, "tti", account, zone ? name : NULL,
                                       script_id)
                          : query_make(registry->db, of_account, "tt", account, zone ? name : NULL),
                      ret, err);
}

/* ---- all of a script's ---- */

/* Notes the id of what stays. */
static void keep(json_t *kept, const char *id)
{
    json_array_append_new(kept, json_string(id));
}

/* A pattern that is there already comes to this script, when the account has it. */
static int claim(struct registry *registry, const struct row *row, json_t *kept, struct err *err)
{
    const char *id;
    char made[33];
    json_t *old;
    int r = query_row(registry->db,
                      query_make(registry->db,
                                 "SELECT id, account FROM route WHERE host = ? AND wild = ? AND "
                                 "path = ?",
                                 "tit", row->host, (int64_t)row->wild, row->path),
                      &old, err);

    if (r < 0)
        return r;
    if (r == 0) {
        if ((r = insert(registry, row, made, err)) == 0)
            keep(kept, made);
        return r;
    }
    id = member_text(old, "id");
    if (strcmp(member_text(old, "account"), row->account) != 0)
        r = err_set(err, ERR_EXISTS, "the route %.1024s is another account's", row->pattern);
    else if ((r = write_over(registry, id, row, err)) == 0)
        keep(kept, id);
    json_decref(old);
    return r;
}

static int claim_all(struct registry *registry, const char *account, int64_t script_id,
                     const json_t *patterns, json_t *kept, struct err *err)
{
    struct row row = {.script_id = script_id};
    const json_t *item;
    size_t i;
    int r;

    json_array_foreach(patterns, i, item) {
        const char *pattern = member_text(item, "pattern");

        if (!pattern)
            return err_set(err, ERR_INVALID, "route %zu has no pattern", i + 1);
        if ((r = make_row(&row, account, pattern, member_text(item, "zone"), err)) < 0 ||
            (r = claim(registry, &row, kept, err)) < 0)
            return r;
    }
    return query_run(registry->db,
                     query_make(registry->db,
                                "DELETE FROM route WHERE script_id = ?1 AND "
                                "id NOT IN (SELECT value FROM json_each(?2))",
                                "ij", script_id, kept),
                     err);
}

/* One change in which `claim_them` makes what `items` says all that the script has. */
static int replace(struct registry *registry, int64_t script_id, const json_t *items,
                   int (*claim_them)(struct registry *registry, const char *account,
                                     int64_t script_id, const json_t *items, json_t *kept,
                                     struct err *err),
                   struct err *err)
{
    char *account;
    json_t *kept;
    int r;

    if (!json_is_array(items) || json_array_size(items) > PATTERNS_MAX)
        return err_set(err, ERR_INVALID, "the routes of a worker are an array of at most %d",
                       PATTERNS_MAX);
    if ((r = script_account(registry, script_id, &account, err)) < 0)
        return r;
    kept = json_array();
    if ((r = registry_change_begin(registry, err)) == 0)
        r = registry_change_end(registry,
                                claim_them(registry, account, script_id, items, kept, err), err);
    json_decref(kept);
    free(account);
    return r;
}

int route_replace(struct registry *registry, int64_t script_id, const json_t *patterns,
                  json_t **ret, struct err *err)
{
    int r = replace(registry, script_id, patterns, claim_all, err);

    if (r < 0)
        return r;
    return query_rows(registry->db,
                      query_make(registry->db,
                                 "SELECT " ROUTE_COLUMNS " FROM " ROUTE_TABLES
                                 " WHERE script_id = ? ORDER BY pattern",
                                 "i", script_id),
                      ret, err);
}

/* ---- custom domains ---- */

#define DOMAIN_COLUMNS "domain.id, domain.account, script_id, script.name AS script, hostname, zone"
#define DOMAIN_TABLES "domain JOIN script ON script.id = domain.script_id"

/* A bucket is published there. */
static int check_published(struct registry *registry, const char *host, struct err *err)
{
    int64_t one;
    int r = query_integer(registry->db,
                          query_make(registry->db, "SELECT 1 FROM distribution WHERE host = ?", "t",
                                     host),
                          &one, err);

    return r > 0 ? err_set(err, ERR_EXISTS, "a bucket is published at %s: remove that first", host)
                 : r;
}

static int claim_domain(struct registry *registry, const struct row *row, json_t *kept,
                        struct err *err)
{
    char id[33];
    json_t *old;
    int r = query_row(registry->db,
                      query_make(registry->db, "SELECT id, account FROM domain WHERE hostname = ?",
                                 "t", row->host),
                      &old, err);

    if (r < 0)
        return r;
    if (r == 0) {
        if ((r = holder_check(registry, row->account, row->host, HOLDER_HOST, err)) < 0 ||
            (r = check_published(registry, row->host, err)) < 0)
            return r;
        hex_random(id, 32);
        keep(kept, id);
        return query_run(registry->db,
                         query_make(registry->db,
                                    "INSERT INTO domain (id, account, script_id, hostname, zone) "
                                    "VALUES (?, ?, ?, ?, ?)",
                                    "ttitt", id, row->account, row->script_id, row->host,
                                    row->zone),
                         err);
    }
    if (strcmp(member_text(old, "account"), row->account) != 0)
        r = err_set(err, ERR_EXISTS, "the domain %s is another account's", row->host);
    else
        r = query_run(registry->db,
                      query_make(registry->db,
                                 "UPDATE domain SET script_id = ?, zone = ? WHERE id = ?", "itt",
                                 row->script_id, row->zone, member_text(old, "id")),
                      err);
    keep(kept, member_text(old, "id"));
    json_decref(old);
    return r;
}

static int claim_domains(struct registry *registry, const char *account, int64_t script_id,
                         const json_t *domains, json_t *kept, struct err *err)
{
    struct row row = {.account = account, .script_id = script_id};
    const json_t *item;
    size_t i;
    int r;

    json_array_foreach(domains, i, item) {
        const char *name = member_text(item, "hostname");

        if (!name || !is_host(str_from(name)))
            return err_set(err, ERR_INVALID, "\"%.300s\" cannot be a custom domain",
                           name ? name : "");
        lower(str_from(name), row.host);
        if ((r = name_zone(member_text(item, "zone"), row.host, row.zone, err)) < 0 ||
            (r = claim_domain(registry, &row, kept, err)) < 0)
            return r;
    }
    return query_run(registry->db,
                     query_make(registry->db,
                                "DELETE FROM domain WHERE script_id = ?1 AND "
                                "id NOT IN (SELECT value FROM json_each(?2))",
                                "ij", script_id, kept),
                     err);
}

int route_replace_domains(struct registry *registry, int64_t script_id, const json_t *domains,
                          json_t **ret, struct err *err)
{
    int r = replace(registry, script_id, domains, claim_domains, err);

    if (r < 0)
        return r;
    return query_rows(registry->db,
                      query_make(registry->db,
                                 "SELECT " DOMAIN_COLUMNS " FROM " DOMAIN_TABLES
                                 " WHERE script_id = ? ORDER BY hostname",
                                 "i", script_id),
                      ret, err);
}

int route_list_domains(struct registry *registry, const char *account, int64_t script_id,
                       json_t **ret, struct err *err)
{
    static const char of_account[] = "SELECT " DOMAIN_COLUMNS " FROM " DOMAIN_TABLES
                                     " WHERE domain.account = ?1 ORDER BY hostname";
    static const char of_script[] =
        "SELECT " DOMAIN_COLUMNS " FROM " DOMAIN_TABLES
        " WHERE domain.account = ?1 AND script_id = ?2 ORDER BY hostname";

    return query_rows(registry->db,
                      script_id ? query_make(registry->db, of_script, "ti", account, script_id)
                                : query_make(registry->db, of_account, "t", account),
                      ret, err);
}

/* ---- who answers ---- */

#define RULE_COLUMNS(table)                                                                        \
    "script.id AS script_id, script.account || '/' || script.name AS key, " table                  \
    ".account AS account"

/* Appends the rows to the rules. */
static int append(struct registry *registry, sqlite3_stmt *statement, json_t *rules,
                  struct err *err)
{
    json_t *rows;
    int r = query_rows(registry->db, statement, &rows, err);

    if (r < 0)
        return r;
    json_array_extend(rules, rows);
    json_decref(rows);
    return 0;
}

static int append_domain(struct registry *registry, const char *host, json_t *rules,
                         struct err *err)
{
    return append(
        registry,
        query_make(registry->db,
                   "SELECT '*' AS path, " RULE_COLUMNS(
                       "domain") " FROM domain "
                                 "JOIN script ON script.id = domain.script_id WHERE hostname = ?",
                   "t", host),
        rules, err);
}

/* Where a bucket is published, what routes of the host leave is the bucket's. */
static int append_bucket(struct registry *registry, const char *host, json_t *rules,
                         struct err *err)
{
    static const char sql[] =
        "SELECT '*' AS path, distribution.account || '/r2:' || storage.name AS key, "
        "distribution.account AS account FROM distribution JOIN storage ON "
        "storage.account = distribution.account AND storage.kind = distribution.kind AND "
        "storage.id = distribution.bucket WHERE host = ? AND enabled";

    return append(registry, query_make(registry->db, sql, "t", host), rules, err);
}

/* Of the host itself, or of those below it. The order is that of route_pattern_compare() among
 * patterns of one host. */
static int append_routes(struct registry *registry, const char *host, bool below, json_t *rules,
                         struct err *err)
{
    static const char sql[] = "SELECT route.path AS path, " RULE_COLUMNS(
        "route") " FROM " ROUTE_TABLES " WHERE host = ?1 AND wild BETWEEN ?2 AND 2 AND wild <> ?3 "
                 "ORDER BY wild, length(rtrim(path, '*')) DESC, path";

    return append(registry,
                  query_make(registry->db, sql, "tii", host, (int64_t)(below ? 1 : 0),
                             (int64_t)(below ? 0 : 1)),
                  rules, err);
}

/* <script>.<domain>, and <script>.<subdomain>.<domain>. */
static int append_own(struct registry *registry, const char *domain, const char *host,
                      json_t *rules, struct err *err)
{
    static const char sql[] = "SELECT '*' AS path, " RULE_COLUMNS(
        "script") " FROM account "
                  "JOIN script ON script.account = account.id "
                  "WHERE account.subdomain = ?1 AND script.name = ?2 AND workers_dev";
    static const char own[] = "SELECT '*' AS path, " RULE_COLUMNS(
        "script") " FROM script "
                  "WHERE account = ?1 AND name = ?2 AND workers_dev";
    char labels[HOST_BYTES_MAX + 1], *subdomain;

    if (!holder_is_below(str_from(host), str_from(domain)))
        return 0;
    snprintf(labels, sizeof labels, "%.*s", (int)(strlen(host) - strlen(domain) - 1), host);
    if (!(subdomain = strchr(labels, '.')))
        return append(registry, query_make(registry->db, own, "tt", ACCOUNT_DEFAULT, labels), rules,
                      err);
    *subdomain++ = 0;
    return append(registry, query_make(registry->db, sql, "tt", subdomain, labels), rules, err);
}

/* Moves the rules of one account to the end of `to`. */
static void take_rules(json_t *from, const char *account, json_t *to)
{
    json_t *rule;
    size_t i;

    json_array_foreach(from, i, rule)
        if (member_is(rule, "account", account)) {
            json_array_append(to, rule);
            json_object_del(rule, "account");
        }
}

/* A host is one account's: what stands at the host itself tells whose, then the worker that has the
 * name from the server, then the nearest wildcard. Other accounts' wildcards do not reach it.
 * Returned owned; NULL when there are no rules. */
static char *first_holder(json_t *const kinds[3])
{
    static const size_t order[] = {0, 2, 1};

    for (size_t i = 0; i < COUNT_OF(order); i++)
        if (json_array_size(kinds[order[i]]))
            return str_dup(str_from(member_text(json_array_get(kinds[order[i]], 0), "account")));
    return NULL;
}

static int held_rules(struct registry *registry, const char *domain, const char *host,
                      json_t *const kinds[3], json_t *rules, struct err *err)
{
    char *holder = NULL;
    int r = holder_of_name(registry, domain, host, HOLDER_HOST, &holder, err);

    if (r < 0)
        return r;
    if (!holder)
        holder = first_holder(kinds);
    for (size_t i = 0; holder && i < 3; i++)
        take_rules(kinds[i], holder, rules);
    free(holder);
    return 0;
}

static int read_rules(struct registry *registry, const char *domain, const char *host,
                      json_t *const kinds[3], struct err *err)
{
    int r = append_domain(registry, host, kinds[0], err);

    if (r == 0)
        r = append_routes(registry, host, false, kinds[0], err);
    if (r == 0)
        r = append_bucket(registry, host, kinds[0], err);
    for (const char *name = next_parent(host); r == 0 && name; name = next_parent(name))
        r = append_routes(registry, name, true, kinds[1], err);
    return r < 0 ? r : append_own(registry, domain, host, kinds[2], err);
}

int route_rules(struct registry *registry, const char *domain, const char *host, json_t **ret,
                struct err *err)
{
    json_t *const kinds[] = {json_array(), json_array(), json_array()};
    json_t *rules = json_array();
    str text = str_from(host);
    char name[HOST_BYTES_MAX + 1];
    int r = 0;

    if (str_ends(text, STR(".")))
        text.len--;
    if (is_host(text)) {
        lower(text, name);
        if ((r = read_rules(registry, domain, name, kinds, err)) == 0)
            r = held_rules(registry, domain, name, kinds, rules, err);
    }
    if (r == 0)
        *ret = json_incref(rules);
    json_decref(rules);
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        json_decref(kinds[i]);
    return r;
}
