/* The S3 API's process: started, asked, told (src/s3, docs/internals/link.md).
 *
 * (1) It keeps what it was told until its pulse says that something was written to the registry,
 *     and the pulse says so before anybody hears that it was written: our handles run before the
 *     API's write its answers, because they were started after them.
 * (2) It is not believed: an account may be touched only in the name of a key that may write to it,
 *     which is looked up for each change. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/bucket.h"
#include "base/hex.h"
#include "base/member.h"
#include "bindings/r2/r2_cors.h"
#include "control/child.h"
#include "control/serve_private.h"
#include "registry/account.h"
#include "registry/audit.h"
#include "registry/storage.h"
#include "registry/token.h"

enum { HASH_HEX_BYTES = 2 * OPAQUE_HASH_BYTES + 1, BUCKETS_MAX = STORAGE_COUNT_MAX };

struct serve_s3 {
    struct serve *serve;
    struct child *child;
    uv_check_t check;
    uv_prepare_t prepare;
    int64_t changes;        /* of the registry, when that was last announced */
    char *domain;
    json_t *quota;          /* the last frame of that type; NULL: everybody may write */
};

/* ---- questions ---- */

static const char *account_of(const json_t *token)
{
    const char *account = member_text(token, "account");

    return account ? account : ACCOUNT_DEFAULT;
}

static int tell_key(struct serve *serve, const json_t *args, json_t **ret, struct err *err)
{
    unsigned char hash[OPAQUE_HASH_BYTES];
    char hex[HASH_HEX_BYTES];
    json_t *token;
    int r = token_find_id(serve->registry, member_text_or(args, "key", ""), hash, &token, err);

    if (r < 0)
        return r;
    hex_encode(hash, sizeof hash, hex);
    *ret = json_pack("{s:s, s:O, s:s, s:b, s:b, s:O}", "account", account_of(token), "name",
                     json_object_get(token, "name"), "secret", hex, "read",
                     token_allows(token, account_of(token), "storage:read"), "write",
                     token_allows(token, account_of(token), "storage:write"), "expires_ms",
                     json_object_get(token, "expires_ms"));
    json_decref(token);
    return 0;
}

static int tell_bucket(struct serve *serve, const json_t *args, json_t **ret, struct err *err)
{
    const char *name = member_text_or(args, "name", "");
    json_t *row;
    char *store;
    int r = storage_get(serve->registry, member_text_or(args, "account", ""), "r2", name, &row,
                        err);

    if (r < 0)
        return r;
    if (member_is(row, "name", name)) { /* not its id */
        store = storage_store(row);
        *ret = json_pack("{s:s, s:O, s:O*}", "store", store, "created_ms",
                         json_object_get(row, "created_ms"), "cors", bucket_cors(row));
        free(store);
    } else {
        r = err_set(err, ERR_NOT_FOUND, "there is no bucket %.100s", name);
    }
    json_decref(row);
    return r;
}

static int tell_buckets(struct serve *serve, const json_t *args, json_t **ret, struct err *err)
{
    struct storage_query query = {.account = member_text_or(args, "account", ""),
                                  .kind = "r2",
                                  .limit = BUCKETS_MAX};
    json_t *rows, *row;
    size_t total, i;
    int r = storage_list(serve->registry, &query, &rows, &total, err);

    if (r < 0)
        return r;
    *ret = json_array();
    json_array_foreach(rows, i, row)
        json_array_append_new(*ret, json_pack("{s:O, s:O}", "name", json_object_get(row, "name"),
                                              "created_ms", json_object_get(row, "created_ms")));
    json_decref(rows);
    return 0;
}

/* The account of an access key; without one, of all accounts. */
static int find_named(struct serve *serve, const json_t *args, json_t **ret, struct err *err)
{
    const char *key = member_text(args, "key"), *name = member_text_or(args, "name", "");
    unsigned char hash[OPAQUE_HASH_BYTES];
    json_t *token, *row = NULL;
    int r;

    if (!key)
        return storage_named(serve->registry, "r2", name, ret, err);
    if ((r = token_find_id(serve->registry, key, hash, &token, err)) < 0)
        return r;
    r = storage_get(serve->registry, account_of(token), "r2", name, &row, err);
    json_decref(token);
    if (r == 0)
        *ret = json_pack("[o]", row);
    return r;
}

/* A browser asks before it sends what would say whose bucket it means. That some rule allows it is
 * no more than that it may send that: the answer has the rules of the right bucket. */
static int tell_cors(struct serve *serve, const json_t *args, json_t **ret, struct err *err)
{
    json_t *rows, *row, *rules;
    size_t i;
    int r = find_named(serve, args, &rows, err);

    if (r < 0)
        return r;
    rules = json_array();
    json_array_foreach(rows, i, row)
        if (strcmp(member_text_or(row, "name", ""), member_text_or(args, "name", "")) == 0)
            json_array_extend(rules, bucket_cors(row));
    json_decref(rows);
    *ret = rules;
    return 0;
}

static void note(struct serve *serve, const json_t *args, const json_t *token, const char *action)
{
    json_t *row = json_pack("{s:s, s:{s:O, s:O}, s:s, s:s, s:s, s:{s:s}}", "account",
                            account_of(token), "actor", "id", json_object_get(token, "id"), "name",
                            json_object_get(token, "name"), "address",
                            member_text_or(args, "address", ""), "action", action, "target",
                            member_text_or(args, "name", ""), "detail", "by", "s3");
    struct err err;

    if (audit_add(serve->registry, row, &err) < 0)
        journal_say(serve->journal, JOURNAL_ERROR, "audit.unwritten", "s:s", "error", err.text);
    json_decref(row);
}

/* ---- changes: (2) ---- */

struct change {
    struct bucket_place place;      /* of the key */
    const json_t *args;
    const char *action;             /* for the audit log */
};

static int create(const struct change *change, struct err *err)
{
    json_t *row = NULL;
    int r = bucket_create(&change->place, member_text_or(change->args, "name", ""), &row, err);

    json_decref(row);
    return r;
}

static int delete (const struct change *change, struct err *err)
{
    return bucket_delete(&change->place, member_text_or(change->args, "name", ""), err);
}

/* `rules`; without them the bucket has none. */
static int set_cors(const struct change *change, struct err *err)
{
    json_t *rules = NULL;
    int r = 0;

    if (json_object_get(change->args, "rules"))
        r = r2_cors_read(change->args, &rules, err);
    if (r == 0)
        r = bucket_set_cors(&change->place, member_text_or(change->args, "name", ""), rules, err);
    json_decref(rules);
    return r;
}

/* *ret: whose bucket it was. */
static int change(struct serve *serve, struct change *change,
                  int (*make)(const struct change *change, struct err *err), json_t **ret,
                  struct err *err)
{
    unsigned char hash[OPAQUE_HASH_BYTES];
    json_t *token;
    int r = token_find_id(serve->registry, member_text_or(change->args, "key", ""), hash, &token,
                          err);

    if (r < 0)
        return r;
    change->place = (struct bucket_place){serve->registry, &serve->platform, account_of(token)};
    if (!token_allows(token, change->place.account, "storage:write"))
        r = err_set(err, ERR_DENIED, "the token has no scope storage:write");
    else
        r = make(change, err);
    if (r == 0) {
        note(serve, change->args, token, change->action);
        *ret = json_pack("{s:s}", "account", account_of(token));
    }
    json_decref(token);
    return r;
}

static int tell_create(struct serve *serve, const json_t *args, json_t **ret, struct err *err)
{
    return change(serve, &(struct change){.args = args, .action = "r2.create"}, create, ret, err);
}

static int tell_delete(struct serve *serve, const json_t *args, json_t **ret, struct err *err)
{
    return change(serve, &(struct change){.args = args, .action = "r2.delete"}, delete, ret, err);
}

static int tell_set_cors(struct serve *serve, const json_t *args, json_t **ret, struct err *err)
{
    const char *action = json_object_get(args, "rules") ? "r2.cors.set" : "r2.cors.delete";

    return change(serve, &(struct change){.args = args, .action = action}, set_cors, ret, err);
}

static const struct question {
    const char *what;
    int (*tell)(struct serve *serve, const json_t *args, json_t **ret, struct err *err);
    bool publishes;     /* what runtimes answer changes: they are told first */
} questions[] = {
    {"key",      tell_key,      false},
    {"bucket",   tell_bucket,   false},
    {"buckets",  tell_buckets,  false},
    {"create",   tell_create,   false},
    {"delete",   tell_delete,   false},
    {"cors",     tell_cors,     false},
    {"set_cors", tell_set_cors, true},
};

/* ---- the process ---- */

static void announce_changes(struct serve_s3 *s3)
{
    int64_t changes = s3->serve->registry ? registry_changes(s3->serve->registry) : s3->changes;

    if (changes == s3->changes)
        return;
    s3->changes = changes;
    child_announce_change(s3->child, (uint64_t)changes);
}

/* An answer that waits for runtimes. */
struct later {
    struct serve *serve;
    pid_t pid;          /* of who asked: the next process has other questions */
    json_t *told;
};

static void on_published(void *arg)
{
    struct later *later = arg;
    struct serve_s3 *s3 = later->serve->s3;

    if (s3 && child_pid(s3->child) == later->pid)
        child_send(s3->child, json_incref(later->told), STR("{}"));
    json_decref(later->told);
    free(later);
}

/* `told` is taken. */
static void tell_later(struct serve_s3 *s3, const char *account, const char *bucket, json_t *told)
{
    const struct platform *platform = &s3->serve->platform;
    struct later *later = mem_new(struct later);

    *later = (struct later){s3->serve, child_pid(s3->child), told};
    platform->published(platform->context, account, bucket, on_published, later);
}

static const struct question *find_question(const char *what)
{
    for (size_t i = 0; i < COUNT_OF(questions); i++)
        if (strcmp(questions[i].what, what) == 0)
            return &questions[i];
    return NULL;
}

static void answer(struct serve_s3 *s3, const json_t *frame)
{
    const struct question *question = find_question(member_text_or(frame, "what", ""));
    const json_t *args = json_object_get(frame, "args");
    struct err err = {.code = ERR_INVALID, .text = "there is no such question"};
    json_t *result = NULL, *told;
    char *text = NULL;
    int r = question ? question->tell(s3->serve, args, &result, &err) : ERR_INVALID;

    told = json_pack("{s:s, s:O*}", "type", "told", "id", json_object_get(frame, "id"));
    if (r < 0) {
        json_object_set_new(told, "code", json_integer(r));
        json_object_set_new(told, "error", json_string(err.text));
    }
    if (r == 0 && question->publishes) {
        tell_later(s3, member_text(result, "account"), member_text(args, "name"), told);
    } else {
        text = r == 0 ? json_dumps(result, JSON_COMPACT) : NULL;
        child_send(s3->child, told, str_from(text));
    }
    free(text);
    json_decref(result);
}

static void on_ready(struct serve_s3 *s3)
{
    if (s3->quota)
        child_send(s3->child, json_incref(s3->quota), STR_NONE);
    journal_say(s3->serve->journal, JOURNAL_INFO, "s3.ready", "s:s, s:i", "listen",
                s3->serve->s3_socket.shown, "pid", (int)child_pid(s3->child));
}

/* Of buckets, and of nothing else: (2). */
static void add_usage(struct serve *serve, const json_t *frame)
{
    json_t *told = json_object_get(frame, "workers"), *row, *buckets = json_object(), *usage;
    const char *key;

    json_object_foreach(told, key, row)
        if (strstr(key, "/r2:"))
            json_object_set(buckets, key, row);
    usage = json_pack("{s:o}", "workers", buckets);
    if (serve->collector)
        collector_add(serve->collector, 0, usage);
    json_decref(usage);
}

static void on_frame(void *context, json_t *frame, str blob)
{
    struct serve_s3 *s3 = context;
    const char *type = member_text_or(frame, "type", "");

    (void)blob;
    if (strcmp(type, "ask") == 0)
        answer(s3, frame);
    else if (strcmp(type, "usage") == 0)
        add_usage(s3->serve, frame);
    else if (strcmp(type, "ready") == 0)
        on_ready(s3);
}

static void on_death(void *context, const char *how, int delay_ms)
{
    struct serve_s3 *s3 = context;

    journal_say(s3->serve->journal, JOURNAL_ERROR, "s3.died", "s:s, s:i", "how", how, "next_in_ms",
                delay_ms);
}

static void on_restart(void *context)
{
    (void)context; /* it knows nothing, and asks */
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct serve_s3 *s3 = handle->data;

    json_decref(s3->quota);
    free(s3->domain);
    free(s3);
}

static void on_stopped(void *context)
{
    struct serve_s3 *s3 = context;
    struct serve *serve = s3->serve;

    child_free(s3->child);
    serve->s3 = NULL;
    uv_close((uv_handle_t *)&s3->check, NULL);
    uv_close((uv_handle_t *)&s3->prepare, on_handle_closed);
    serve_end_if_last(serve);
}

static const struct child_hooks child_hooks = {on_frame, on_death, on_restart, on_stopped};

static void on_check(uv_check_t *check)
{
    announce_changes(check->data);
}

static void on_prepare(uv_prepare_t *prepare)
{
    announce_changes(prepare->data);
}

/* Hosts of buckets: below the host of s3_url, else below "s3.<domain>". */
static char *domain_of(const struct serve_config *config)
{
    const char *scheme = config->s3_url ? strstr(config->s3_url, "://") : NULL;
    char text[SERVE_CONFIG_HOST_BYTES_MAX + 4];

    if (scheme)
        return str_dup(str_head(str_from(scheme + 3), strcspn(scheme + 3, ":/")));
    snprintf(text, sizeof text, "s3.%s", config->domain);
    return str_dup(str_from(text));
}

int serve_s3_start(struct serve *serve, struct err *err)
{
    struct serve_s3 *s3;
    struct child_options options = {.listen_fd = serve->s3_socket.fd,
                                    .storage = serve->storage,
                                    .sandbox_user = serve->config->sandbox_user,
                                    .bare = true};
    int r;

    if (serve->s3_socket.fd < 0)
        return 0;
    s3 = mem_new(struct serve_s3);
    s3->serve = serve;
    s3->domain = domain_of(serve->config);
    options.s3_domain = s3->domain;
    s3->changes = registry_changes(serve->registry);
    if ((r = child_start(&serve->loop, &options, &child_hooks, s3, &s3->child, err)) < 0) {
        free(s3->domain);
        free(s3);
        return r;
    }
    uv_check_init(&serve->loop, &s3->check);
    uv_prepare_init(&serve->loop, &s3->prepare);
    s3->check.data = s3->prepare.data = s3;
    uv_check_start(&s3->check, on_check);
    uv_prepare_start(&s3->prepare, on_prepare);
    uv_unref((uv_handle_t *)&s3->check);
    uv_unref((uv_handle_t *)&s3->prepare);
    serve->s3 = s3;
    return 0;
}

void serve_s3_stop(struct serve *serve)
{
    if (serve->s3)
        child_stop(serve->s3->child);
}

void serve_s3_quota(struct serve *serve, json_t *quota)
{
    if (!serve->s3)
        return;
    json_decref(serve->s3->quota);
    serve->s3->quota = json_incref(quota);
    child_send(serve->s3->child, json_incref(quota), STR_NONE);
}

void serve_s3_leave(struct serve *serve)
{
    pid_t pid;
    int fd = serve->s3 ? child_leave(serve->s3->child, &pid) : -1;

    if (fd >= 0 && buf_printf(&serve->left, "%d:%d ", (int)pid, fd) < 0)
        close(fd);
}

char *serve_s3_endpoint(const struct serve *serve)
{
    char text[SERVE_CONFIG_HOST_BYTES_MAX + 16];

    if (serve->s3_socket.fd < 0)
        return NULL;
    if (serve->config->s3_url)
        return str_dup(str_from(serve->config->s3_url));
    snprintf(text, sizeof text, "http://%s", serve->s3_socket.shown);
    return str_dup(str_from(text));
}
