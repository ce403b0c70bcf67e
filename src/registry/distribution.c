/* Published buckets; see distribution.h.
 *
 * Whatever changes what is answered at a host is a purge as well, so that nothing that was kept
 * under other settings is used. */
#include "registry/distribution.h"

#include <stdlib.h>

#include "base/hex.h"
#include "base/member.h"
#include "os/clock.h"
#include "registry/holder.h"
#include "registry/registry_private.h"
#include "registry/route.h"
#include "registry/storage.h"

enum { ZONE_ID_BYTES = 33 };

#define COLUMNS                                                                                    \
    "host, distribution.account AS account, storage.name AS bucket, managed AS \"managed:bool\", " \
    "enabled AS \"enabled:bool\", zone, zone_id, distribution.settings AS \"settings:json\", "     \
    "distribution.created_ms AS created_ms"

#define TABLES                                                                                     \
    "distribution JOIN storage ON storage.account = distribution.account AND "                     \
    "storage.kind = distribution.kind AND storage.id = distribution.bucket"

/* ---- reading ---- */

int distribution_get(struct registry *registry, const char *account, const char *host, json_t **ret,
                     struct err *err)
{
    int r = query_row(registry->db,
                      query_make(registry->db,
                                 "SELECT " COLUMNS " FROM " TABLES
                                 " WHERE host = ? AND distribution.account = ?",
                                 "tt", host, account),
                      ret, err);

    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "no bucket of the account %.100s is published at %.300s",
                       account, host);
    return r < 0 ? r : 0;
}

int distribution_list(struct registry *registry, const char *account, const char *bucket,
                      json_t **ret, struct err *err)
{
    return query_rows(registry->db,
                      query_make(registry->db,
                                 "SELECT " COLUMNS " FROM " TABLES
                                 " WHERE distribution.account = ?1 AND "
                                 "(?2 IS NULL OR storage.name = ?2) ORDER BY managed DESC, host",
                                 "tt", account, bucket),
                      ret, err);
}

/* ---- who has the host ---- */

void distribution_new_label(char ret[DISTRIBUTION_LABEL_BYTES])
{
    static const char start[] = "pub-";

    memcpy(ret, start, sizeof start);
    hex_random(ret + sizeof start - 1, DISTRIBUTION_LABEL_BYTES - sizeof start);
}

/* Returns 0, or ERR_EXISTS when a statement finds the worker that answers there. */
static int check_worker(struct registry *registry, const char *sql, const char *host,
                        struct err *err)
{
    json_t *row;
    int r = query_row(registry->db, query_make(registry->db, sql, "t", host), &row, err);

    if (r <= 0)
        return r;
    r = err_set(err, ERR_EXISTS, "%s leads to the worker %s already", host,
                member_text(row, "name"));
    json_decref(row);
    return r;
}

static int check_bucket(struct registry *registry, const char *host, struct err *err)
{
    json_t *row;
    int r = query_row(registry->db,
                      query_make(registry->db, "SELECT " COLUMNS " FROM " TABLES " WHERE host = ?",
                                 "t", host),
                      &row, err);

    if (r <= 0)
        return r;
    r = err_set(err, ERR_EXISTS, "the bucket %s is published at %s already",
                member_text(row, "bucket"), host);
    json_decref(row);
    return r;
}

/* The worker that has its name at this host. */
static int check_name(struct registry *registry, const char *host, struct err *err)
{
    json_t *rules, *rule;
    int r = route_rules(registry, registry->domain ? registry->domain : "", host, &rules, err);

    if (r < 0)
        return r;
    if ((rule = member_find(rules, "path", "*")))
        r = err_set(err, ERR_EXISTS, "%s is the address of %s already", host,
                    member_text(rule, "key"));
    json_decref(rules);
    return r;
}

static int check_host(struct registry *registry, const struct distribution_draft *draft,
                      struct err *err)
{
    static const char domain[] = "SELECT script.name AS name FROM domain JOIN script ON "
                                 "script.id = domain.script_id WHERE hostname = ?";
    static const char route[] = "SELECT script.name AS name FROM route JOIN script ON "
                                "script.id = route.script_id WHERE host = ? AND wild IN (0, 2) "
                                "AND path = '/*'";
    int r;

    if ((r = holder_check(registry, draft->account, draft->host, HOLDER_HOST, err)) < 0 ||
        (r = check_bucket(registry, draft->host, err)) < 0 ||
        (r = check_worker(registry, domain, draft->host, err)) < 0 ||
        (r = check_worker(registry, route, draft->host, err)) < 0)
        return r;
    return check_name(registry, draft->host, err);
}

static int check_room(struct registry *registry, const char *account, const char *bucket_id,
                      struct err *err)
{
    int64_t count = 0;
    int r = query_integer(registry->db,
                          query_make(registry->db,
                                     "SELECT count(*) FROM distribution WHERE account = ? AND "
                                     "kind = 'r2' AND bucket = ?",
                                     "tt", account, bucket_id),
                          &count, err);

    if (r >= 0 && count >= DISTRIBUTION_MAX)
        return err_set(err, ERR_LIMIT, "a bucket is published at %d hosts at most",
                       DISTRIBUTION_MAX);
    return r < 0 ? r : 0;
}

/* ---- purges ---- */

static int last_purge(struct registry *registry, int64_t *ret, struct err *err)
{
    int r;

    *ret = 0;
    r = query_integer(registry->db,
                      query_make(registry->db,
                                 "SELECT seq FROM sqlite_sequence WHERE name = 'purge'", ""),
                      ret, err);
    return r < 0 ? r : 0;
}

/* Forgets those that are too many, but for that there were some. */
static int trim(struct registry *registry, const char *host, bool all, struct err *err)
{
    static const char base[] =
        "UPDATE distribution SET base = max(base, ifnull((SELECT seq FROM purge WHERE host = ?1 "
        "ORDER BY seq DESC LIMIT 1 OFFSET ?2), 0)) WHERE host = ?1";
    static const char forget[] =
        "DELETE FROM purge WHERE host = ?1 AND seq <= (SELECT base FROM distribution WHERE "
        "host = ?1)";
    int64_t kept = all ? 0 : DISTRIBUTION_PURGES_MAX;
    int r = query_run(registry->db, query_make(registry->db, base, "ti", host, kept), err);

    return r < 0 ? r : query_run(registry->db, query_make(registry->db, forget, "t", host), err);
}

static int add_purge(struct registry *registry, const char *host, const char *kind,
                     const char *text, struct err *err)
{
    int r = query_run(registry->db,
                      query_make(registry->db,
                                 "INSERT INTO purge (host, kind, text) VALUES (?, ?, ?)", "ttt",
                                 host, kind, text),
                      err);

    return r < 0 ? r : trim(registry, host, strcmp(kind, "all") == 0, err);
}

int distribution_purge(struct registry *registry, const char *host, const char *kind,
                       const char *text, json_t **ret, struct err *err)
{
    int64_t seq = 0;
    int r = registry_change_begin(registry, err);

    if (r == 0)
        r = registry_change_end(registry, add_purge(registry, host, kind, text, err), err);
    if (r < 0 || (r = last_purge(registry, &seq, err)) < 0)
        return r;
    *ret = json_pack("{s:s, s:I, s:s, s:s, s:s}", "type", "purge", "seq", (json_int_t)seq, "host",
                     host, "kind", kind, "text", text);
    return 0;
}

/* ---- writing ---- */

static int insert(struct registry *registry, const struct distribution_draft *draft,
                  const char *bucket_id, struct err *err)
{
    const char *zone = draft->zone ? draft->zone : draft->host;
    json_t *settings = draft->settings ? json_incref((json_t *)draft->settings) : json_object();
    char zone_id[ZONE_ID_BYTES];
    int r;

    route_zone_id(zone, zone_id);
    r = query_run(registry->db,
                  query_make(registry->db,
                             "INSERT INTO distribution (host, account, kind, bucket, managed, "
                             "enabled, zone, zone_id, settings, created_ms, base) VALUES "
                             "(?, ?, 'r2', ?, ?, ?, ?, ?, ?, ?, 0)",
                             "tttiittji", draft->host, draft->account, bucket_id,
                             (int64_t)draft->managed, (int64_t)draft->enabled, zone, zone_id,
                             settings, clock_wall_ms()),
                  err);
    json_decref(settings);
    return r < 0 ? r : add_purge(registry, draft->host, "all", "", err);
}

int distribution_add(struct registry *registry, const struct distribution_draft *draft,
                     json_t **ret, struct err *err)
{
    json_t *bucket;
    const char *id;
    int r = storage_get(registry, draft->account, "r2", draft->bucket, &bucket, err);

    if (r < 0)
        return r;
    id = member_text(bucket, "id");
    if ((r = check_host(registry, draft, err)) == 0 &&
        (r = check_room(registry, draft->account, id, err)) == 0 &&
        (r = registry_change_begin(registry, err)) == 0)
        r = registry_change_end(registry, insert(registry, draft, id, err), err);
    json_decref(bucket);
    return r < 0 ? r : distribution_get(registry, draft->account, draft->host, ret, err);
}

static int update(struct registry *registry, const char *host, bool enabled, const json_t *settings,
                  struct err *err)
{
    int r = query_run(registry->db,
                      query_make(registry->db,
                                 "UPDATE distribution SET enabled = ?, settings = ? WHERE host = ?",
                                 "ijt", (int64_t)enabled, settings, host),
                      err);

    if (r == 0 && query_changes(registry->db) == 0)
        return err_set(err, ERR_NOT_FOUND, "no bucket is published at %.300s", host);
    return r < 0 ? r : add_purge(registry, host, "all", "", err);
}

int distribution_update(struct registry *registry, const char *host, bool enabled,
                        const json_t *settings, struct err *err)
{
    int r = registry_change_begin(registry, err);

    return r < 0
               ? r
               : registry_change_end(registry, update(registry, host, enabled, settings, err), err);
}

static int delete_host(struct registry *registry, const char *account, const char *host,
                       struct err *err)
{
    int r = query_run(registry->db,
                      query_make(registry->db,
                                 "INSERT INTO purge (host, kind, text) SELECT host, 'all', '' FROM "
                                 "distribution WHERE host = ? AND account = ?",
                                 "tt", host, account),
                      err);

    if (r == 0)
        r = query_run(registry->db,
                      query_make(registry->db,
                                 "DELETE FROM distribution WHERE host = ? AND account = ?", "tt",
                                 host, account),
                      err);
    if (r == 0 && query_changes(registry->db) == 0)
        r = err_set(err, ERR_NOT_FOUND, "no bucket of the account %.100s is published at %.300s",
                    account, host);
    return r;
}

/* The number of the last purge grows with this as well. */
int distribution_delete(struct registry *registry, const char *account, const char *host,
                        struct err *err)
{
    int r = registry_change_begin(registry, err);

    return r < 0 ? r
                 : registry_change_end(registry, delete_host(registry, account, host, err), err);
}

/* ---- for runtimes ---- */

/* The oldest ones are too much: of them it is told that there were some. */
static void shorten(json_t *host, json_t *purges)
{
    while (json_dumpb(purges, NULL, 0, JSON_COMPACT) > DISTRIBUTION_PURGES_BYTES_MAX) {
        json_object_set(host, "base", json_object_get(json_array_get(purges, 0), "seq"));
        json_array_remove(purges, 0);
    }
}

static int add_purges(struct registry *registry, json_t *host, struct err *err)
{
    json_t *purges;
    int r = query_rows(registry->db,
                       query_make(registry->db,
                                  "SELECT seq, kind, text FROM purge WHERE host = ? ORDER BY seq",
                                  "t", member_text(host, "host")),
                       &purges, err);

    if (r < 0)
        return r;
    shorten(host, purges);
    json_object_set_new(host, "purges", purges);
    return 0;
}

static int hosts_of(struct registry *registry, const char *account, const char *bucket_id,
                    json_t **ret, struct err *err)
{
    json_t *host;
    size_t i;
    int r = query_rows(registry->db,
                       query_make(registry->db,
                                  "SELECT host, NOT managed AS \"caches:bool\", "
                                  "settings AS \"settings:json\", base FROM distribution WHERE "
                                  "account = ? AND kind = 'r2' AND bucket = ? AND enabled",
                                  "tt", account, bucket_id),
                       ret, err);

    if (r < 0)
        return r;
    json_array_foreach(*ret, i, host)
        if (r == 0)
            r = add_purges(registry, host, err);
    if (r < 0)
        json_decref(*ret);
    return r;
}

int distribution_published(struct registry *registry, const char *account, const char *bucket,
                           json_t **ret, struct err *err)
{
    json_t *row, *hosts = NULL;
    int64_t seq = 0;
    char *store;
    int r = storage_get(registry, account, "r2", bucket, &row, err);

    if (r < 0)
        return r;
    if ((r = last_purge(registry, &seq, err)) == 0)
        r = hosts_of(registry, account, member_text(row, "id"), &hosts, err);
    if (r == 0) {
        store = storage_store(row);
        *ret = json_pack("{s:s, s:I, s:O*, s:o}", "store", store, "seq", (json_int_t)seq, "cors",
                         json_object_get(json_object_get(row, "settings"), "cors"), "hosts", hosts);
        free(store);
    }
    json_decref(row);
    return r;
}
