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

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* ---- questions ---- */

static const char *account_of(const json_t *token)
{
    const char *account = json_string_value(json_object_get(token, "account"));

    return account ? account : ACCOUNT_DEFAULT;
}

static int tell_key(struct serve *serve, const json_t *args, json_t **ret, struct err *err)
{
    unsigned char hash[OPAQUE_HASH_BYTES];
    char hex[HASH_HEX_BYTES];
    json_t *token;
    int r = token_find_id(serve->registry, text_of(args, "key"), hash, &token, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < OPAQUE_HASH_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
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
    const char *name = text_of(args, "name");
    json_t *row;
    char *store;
    int r = storage_get(serve->registry, text_of(args, "account"), "r2", name, &row, err);

    if (r < 0)
        return r;
    if (strcmp(text_of(row, "name"), name) == 0) { /* not its id */
        store = storage_store(row);
        *ret = json_pack("{s:s, s:O}", "store", store, "created_ms",
                         json_object_get(row, "created_ms"));
        free(store);
    } else {
        r = err_set(err, ERR_NOT_FOUND, "there is no bucket %.100s", name);
    }
    json_decref(row);
    return r;
}

static int tell_buckets(struct serve *serve, const json_t *args, json_t **ret, struct err *err)
{
    struct storage_query query = {.account = text_of(args, "account"),
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

static void note(struct serve *serve, const json_t *args, const json_t *token, const char *action)
{
    json_t *row = json_pack("{s:s, s:{s:O, s:O}, s:s, s:s, s:s, s:{s:s}}", "account",
                            account_of(token), "actor", "id", json_object_get(token, "id"), "name",
                            json_object_get(token, "name"), "address", text_of(args, "address"),
                            "action", action, "target", text_of(args, "name"), "detail", "by",
                            "s3");
    struct err err;

    if (audit_add(serve->registry, row, &err) < 0)
        journal_say(serve->journal, JOURNAL_ERROR, "audit.unwritten", "s:s", "error", err.text);
    json_decref(row);
}

/* create and delete: (2). */
static int change(struct serve *serve, const json_t *args, bool creates, struct err *err)
{
    unsigned char hash[OPAQUE_HASH_BYTES];
    struct bucket_place place = {.registry = serve->registry, .platform = &serve->platform};
    json_t *token, *row = NULL;
    int r = token_find_id(serve->registry, text_of(args, "key"), hash, &token, err);

    if (r < 0)
        return r;
    place.account = account_of(token);
    if (!token_allows(token, place.account, "storage:write"))
        r = err_set(err, ERR_DENIED, "the token has no scope storage:write");
    else
        r = creates ? bucket_create(&place, text_of(args, "name"), &row, err)
                    : bucket_delete(&place, text_of(args, "name"), err);
    if (r == 0)
        note(serve, args, token, creates ? "r2.create" : "r2.delete");
    json_decref(row);
    json_decref(token);
    return r;
}

static int tell_create(struct serve *serve, const json_t *args, json_t **ret, struct err *err)
{
    *ret = json_object();
    return change(serve, args, true, err);
}

static int tell_delete(struct serve *serve, const json_t *args, json_t **ret, struct err *err)
{
    *ret = json_object();
    return change(serve, args, false, err);
}

static const struct {
    const char *what;
    int (*tell)(struct serve *serve, const json_t *args, json_t **ret, struct err *err);
} questions[] = {
    {"key", tell_key},       {"bucket", tell_bucket}, {"buckets", tell_buckets},
    {"create", tell_create}, {"delete", tell_delete},
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

static void answer(struct serve_s3 *s3, const json_t *frame)
{
    const char *what = text_of(frame, "what");
    struct err err = {.code = ERR_INVALID, .text = "there is no such question"};
    json_t *result = NULL, *told;
    char *text = NULL;
    int r = ERR_INVALID;

    for (size_t i = 0; i < COUNT_OF(questions); i++)
        if (strcmp(questions[i].what, what) == 0)
            r = questions[i].tell(s3->serve, json_object_get(frame, "args"), &result, &err);
    if (r == 0)
        text = json_dumps(result, JSON_COMPACT);
    told = json_pack("{s:s, s:O*}", "type", "told", "id", json_object_get(frame, "id"));
    if (r < 0) {
        json_object_set_new(told, "code", json_integer(r));
        json_object_set_new(told, "error", json_string(err.text));
    }
    child_send(s3->child, told, str_from(text));
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

static void on_frame(void *context, json_t *frame, str blob)
{
    struct serve_s3 *s3 = context;
    const char *type = text_of(frame, "type");

    (void)blob;
    if (strcmp(type, "ask") == 0)
        answer(s3, frame);
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
