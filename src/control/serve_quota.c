/* How much the stores of an account take, against what it may store (base/limits.h, storage_bytes).
 *
 *   tick ──> the accounts with a limit ──> each one's stores ──> those whose files changed are
 *   asked by a call of their kind ──> who is over is told to all runtimes, when that changed
 *
 * (1) Nothing is looked at while no account has a limit.
 * (2) A store whose files are as they were when it was asked has the size it had then: most are
 *     not asked. One that does not answer keeps its size, and is asked again.
 * (3) A look is one after the other, and some hundred files at a tick: it holds nobody up. What is
 *     written until it is over, and told, is beyond the limit. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "api/binding.h"
#include "base/limits.h"
#include "base/member.h"
#include "control/serve_private.h"
#include "os/path.h"
#include "registry/account.h"
#include "registry/storage.h"

enum { FILES_MAX = 512, ACCOUNTS_AT_ONCE = 500, STAMP_BYTES = 256, TICKS_BETWEEN = 3 };

struct serve_quota {
    struct serve *serve;
    json_t *known;          /* {stamp, bytes} by store, of the stores that there are */
    json_t *before;         /* the same of the look before, until this one is over */
    json_t *accounts;       /* {id, most} of this look; NULL: none is under way */
    size_t account, at;     /* in `accounts`, in `rows` */
    json_t *rows;           /* of the account; NULL: not read yet */
    char stamp[STAMP_BYTES];/* of the store that is asked */
    uint64_t bytes;         /* of the account, so far */
    bool is_asking;
    unsigned ticks;
    json_t *over, *next;    /* arrays of ids: as told, and as found */
};

struct serve_quota *serve_quota_new(struct serve *serve)
{
    struct serve_quota *quota = mem_new(struct serve_quota);

    quota->serve = serve;
    quota->known = json_object();
    quota->over = json_array();
    return quota;
}

static void end_look(struct serve_quota *quota)
{
    json_decref(quota->accounts);
    json_decref(quota->rows);
    json_decref(quota->next);
    json_decref(quota->before);
    quota->accounts = quota->rows = quota->next = quota->before = NULL;
    quota->account = quota->at = 0;
}

void serve_quota_free(struct serve_quota *quota)
{
    if (!quota)
        return;
    end_look(quota);
    json_decref(quota->known);
    json_decref(quota->over);
    free(quota);
}

/* ---- the accounts ---- */

static bool limit_of(const struct serve *serve, const json_t *account, uint64_t *ret)
{
    const struct limits_row *row = limits_find("storage_bytes");
    const json_t *own = json_object_get(json_object_get(account, "limits"), row->key);

    *ret = *limits_value(&serve->config->limits, row);
    if (json_is_integer(own) && json_integer_value(own) >= 0)
        *ret = (uint64_t)json_integer_value(own);
    return *ret < row->most;
}

/* (1) An array of {id, most}, returned owned; NULL when the registry cannot tell. */
static json_t *accounts_of(struct serve *serve)
{
    json_t *limited = json_array(), *rows;
    size_t count = ACCOUNTS_AT_ONCE, i;
    const json_t *row;
    struct err err;
    uint64_t most;

    for (size_t offset = 0; count == ACCOUNTS_AT_ONCE; offset += count) {
        if (account_list(serve->registry, offset, ACCOUNTS_AT_ONCE, &rows, &err) < 0) {
            json_decref(limited);
            return NULL;
        }
        count = json_array_size(rows);
        json_array_foreach(rows, i, row)
            if (limit_of(serve, row, &most))
                json_array_append_new(limited,
                                      json_pack("{s:O, s:I}", "id", json_object_get(row, "id"),
                                                "most", (json_int_t)most));
        json_decref(rows);
    }
    return limited;
}

/* ---- a store ---- */

/* (2) Size and time of each file that a kind's data is in. */
static void stamp_of(const char *directory, char stamp[STAMP_BYTES])
{
    static const char *const names[] = {"data.db", "data.db-wal", "db.sqlite", "db.sqlite-wal",
                                        "index.db", "index.db-wal"};
    struct stat about;
    size_t len = 0;

    stamp[0] = 0;
    for (size_t i = 0; i < COUNT_OF(names) && len < STAMP_BYTES; i++) {
        char *path = path_join(str_from(directory), str_from(names[i]));

        if (stat(path, &about) == 0)
            len += (size_t)snprintf(stamp + len, STAMP_BYTES - len,
                                    "%zu:%" PRIx64 ".%" PRIx64 ".%lx ", i, (uint64_t)about.st_size,
                                    (uint64_t)about.st_mtim.tv_sec,
                                    (unsigned long)about.st_mtim.tv_nsec);
        free(path);
    }
}

static void note(struct serve_quota *quota, const char *store, const char *stamp, json_int_t bytes)
{
    quota->bytes += (uint64_t)bytes;
    json_object_set_new(quota->known, store,
                        json_pack("{s:s, s:I}", "stamp", stamp, "bytes", bytes));
}

static void go_on(struct serve_quota *quota);

static void on_usage(void *arg, const struct platform_stored *stored)
{
    struct serve_quota *quota = arg;
    char *store = storage_store(json_array_get(quota->rows, quota->at));
    const json_t *before = json_object_get(quota->before, store);
    json_t *usage = stored->code ? NULL
                                 : json_loadb(stored->result.ptr, stored->result.len, 0, NULL);
    int64_t bytes = member_int(usage, "bytes");

    if (!usage)
        note(quota, store, "", member_int(before, "bytes"));
    else if (bytes >= 0)
        note(quota, store, quota->stamp, bytes);
    json_decref(usage);
    free(store);
    quota->at++;
    quota->is_asking = false;
    if (quota->serve->state == SERVE_RUNNING)
        go_on(quota);
}

/* Returns true when the store is asked. */
static bool look_at(struct serve_quota *quota, const json_t *row)
{
    char *store = storage_store(row);
    char *path = path_join(str_from(quota->serve->storage), str_from(store));
    const json_t *before = json_object_get(quota->before, store);
    const char *stamp = member_text(before, "stamp");
    const struct platform_store request = {
        .kind = binding_store_type(member_text(row, "kind")),
        .store = store,
        .call = "usage",
    };

    stamp_of(path, quota->stamp);
    free(path);
    if (!quota->stamp[0] || !request.kind) {
        quota->at++; /* nothing is there yet */
    } else if (stamp && strcmp(stamp, quota->stamp) == 0) {
        note(quota, store, stamp, member_int(before, "bytes"));
        quota->at++;
    } else {
        quota->is_asking = true;
        fleet_store(quota->serve->fleet, &request, on_usage, quota);
    }
    free(store);
    return quota->is_asking;
}

/* ---- a look ---- */

static void tell(struct serve_quota *quota)
{
    json_t *frame;

    if (!json_equal(quota->over, quota->next)) {
        journal_say(quota->serve->journal, JOURNAL_WARN, "storage.quota", "s:O", "over",
                    quota->next);
        frame = json_pack("{s:s, s:O}", "type", "quota", "accounts", quota->next);
        serve_s3_quota(quota->serve, frame);
        fleet_quota(quota->serve->fleet, frame);
    }
    json_decref(quota->over);
    quota->over = json_incref(quota->next);
    end_look(quota);
}

static void end_account(struct serve_quota *quota, const json_t *account)
{
    if (quota->bytes >= (uint64_t)member_int(account, "most"))
        json_array_append(quota->next, json_object_get(account, "id"));
    json_decref(quota->rows);
    quota->rows = NULL;
    quota->at = 0;
    quota->bytes = 0;
    quota->account++;
}

/* (3) */
static void go_on(struct serve_quota *quota)
{
    const json_t *account;
    struct err err;

    for (unsigned files = 0; files < FILES_MAX; files++) {
        if (!(account = json_array_get(quota->accounts, quota->account))) {
            tell(quota);
            return;
        }
        if (!quota->rows && storage_list_all(quota->serve->registry, member_text(account, "id"),
                                             &quota->rows, &err) < 0)
            quota->rows = json_array();
        if (quota->at == json_array_size(quota->rows))
            end_account(quota, account);
        else if (look_at(quota, json_array_get(quota->rows, quota->at)))
            return;
    }
}

void serve_quota_on_tick(struct serve_quota *quota)
{
    if (quota->is_asking || quota->serve->state != SERVE_RUNNING)
        return;
    if (!quota->accounts) {
        if (quota->ticks++ % TICKS_BETWEEN || !(quota->accounts = accounts_of(quota->serve)))
            return;
        quota->next = json_array();
        quota->before = quota->known;
        quota->known = json_object();
    }
    go_on(quota);
}
