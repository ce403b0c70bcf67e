/* Deployed data copied here; see pull.h.
 *
 *   each binding: its id there, its store here ──> a question ──> each: emptied, filled
 *
 * (1) Nothing is emptied before everything that is meant was found there, and a person said yes.
 * (2) A store is filled by the same calls that the REST API makes: it may be open in atoll dev. */
#include "cli/pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/member.h"
#include "cli/approval.h"
#include "cli/d1_run.h"
#include "cli/depot_file.h"
#include "cli/progress.h"
#include "cli/quantity.h"
#include "cli/terminal.h"

#define KV "storage/kv/namespaces/%s"
#define D1 "d1/database/%s"
#define R2 "r2/buckets/%s"

enum {
    BATCH_BYTES = 8 << 20,      /* of values, before they are written */
    BATCH_KEYS = 1000,
    VALUE_BYTES_MAX = 32 << 20,
    PAGE_BYTES_MAX = 64 << 20,
    SQL_BYTES_MAX = 64 << 20,
    LINE_BYTES_MAX = 400,
};

struct item {
    struct depot depot;
    const char *name;           /* of the binding; borrowed from the configuration */
    json_int_t here;            /* bytes that are replaced */
    size_t count;               /* what came: keys, objects; of a database nothing is counted */
    uint64_t bytes;
};

struct pull {
    const struct cli_args *args;
    const struct pull_request *request;
    struct session session;
    struct item *items;
    size_t count;
};

static void show(const struct item *item)
{
    char line[LINE_BYTES_MAX];

    snprintf(line, sizeof line, "pulling %.100s: %s, %s", item->name,
             quantity_count((int64_t)item->count), quantity_bytes((int64_t)item->bytes));
    progress_begin(line);
}

/* A call of the store that is here. */
static int here(struct item *item, const char *call, json_t *args, str bytes, struct err *err)
{
    return depot_call(&item->depot, &(struct depot_words){call, args, bytes}, NULL, NULL, err);
}

/* ---- lists, page by page ---- */

/* Calls `each` with what is in a list of the API with a cursor. `format` has the id, then the
 * cursor. */
static int each_page(struct item *item, const char *path, const char *rest,
                     int (*each)(struct item *item, const json_t *page, struct err *err),
                     struct err *err)
{
    struct remote *remote = item->depot.session.remote;
    char *cursor = str_dup(STR("")), *base = remote_path(remote, path, item->depot.id), *whole;
    int r;

    do {
        char *tail = remote_path(remote, "/%s", cursor);
        struct buf text;
        json_t *page = NULL;

        ASSERT(asprintf(&whole, "%s%s%s", base, rest, tail + 1) >= 0);
        free(tail);
        buf_init(&text, PAGE_BYTES_MAX);
        r = remote_raw(remote, "GET", whole, NULL, &text, err);
        if (r == 0 && !(page = json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, NULL)))
            r = err_set(err, ERR_INVALID, "the server's list is no JSON");
        buf_done(&text);
        if (r == 0)
            r = each(item, json_object_get(page, "result"), err);
        free(cursor);
        cursor = str_dup(str_from(member_text(json_object_get(page, "result_info"), "cursor")));
        json_decref(page);
    } while (r == 0 && *cursor);
    free(cursor);
    free(base);
    return r;
}

/* ---- KV ---- */

static int write_batch(struct item *item, json_t *batch, struct err *err)
{
    char *text = json_dumps(batch, JSON_COMPACT);
    int r = json_array_size(batch) ? here(item, "bulk_put", NULL, str_from(text), err) : 0;

    free(text);
    json_array_clear(batch);
    return r;
}

/* A value that went meanwhile is none. */
static int add_key(struct item *item, const json_t *key, json_t *batch, struct err *err)
{
    struct remote *remote = item->depot.session.remote;
    const json_t *name = json_object_get(key, "name"),
                 *expires = json_object_get(key, "expiration");
    struct buf value;
    int r;

    if (strlen(json_string_value(name)) != json_string_length(name) ||
        (expires && json_integer_value(expires) < time(NULL) + PULL_EXPIRES_S))
        return 0;
    buf_init(&value, VALUE_BYTES_MAX);
    r = remote_raw(remote, "GET",
                   remote_path(remote, KV "/values/%s", item->depot.id, json_string_value(name)),
                   NULL, &value, err);
    if (r == 0) {
        json_array_append_new(batch,
                              json_pack("{s:O, s:o, s:b, s:O*, s:O*}", "key", name, "value",
                                        depot_base64(buf_str(&value)), "base64", 1, "expiration",
                                        expires, "metadata", json_object_get(key, "metadata")));
        item->count++;
        item->bytes += value.len;
    }
    buf_done(&value);
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int on_keys(struct item *item, const json_t *page, struct err *err)
{
    json_t *batch = json_array();
    uint64_t written = item->bytes;
    const json_t *key;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)page, i, key) {
        if (r == 0)
            r = add_key(item, key, batch, err);
        if (r == 0 &&
            (item->bytes - written >= BATCH_BYTES || json_array_size(batch) == BATCH_KEYS)) {
            r = write_batch(item, batch, err);
            written = item->bytes;
        }
        show(item);
    }
    if (r == 0)
        r = write_batch(item, batch, err);
    json_decref(batch);
    return r;
}

static int pull_kv(struct item *item, struct err *err)
{
    return each_page(item, KV, "/keys?cursor=", on_keys, err);
}

/* ---- D1 ---- */

static int pull_d1(struct item *item, struct err *err)
{
    struct buf sql;
    int r;

    show(item);
    buf_init(&sql, SQL_BYTES_MAX);
    r = d1_run_export(&item->depot,
                      json_pack("{s:b, s:b, s:[]}", "no_schema", 0, "no_data", 0, "tables"), &sql,
                      err);
    if (r == 0 && sql.len)
        r = here(item, "import", NULL, buf_str(&sql), err);
    item->bytes = sql.len;
    buf_done(&sql);
    return r;
}

/* ---- R2 ---- */

/* By way of a file: its bytes are as many as there are. */
static int add_object(struct item *item, const json_t *object, struct err *err)
{
    json_t *said = json_pack("{s:O*, s:O*, s:O*}", "http", json_object_get(object, "http_metadata"),
                             "custom", json_object_get(object, "custom_metadata"), "storageClass",
                             json_object_get(object, "storage_class"));
    struct depot_file file = {.key = member_text(object, "key"),
                              .said = said,
                              .fd = depot_file_make(err)};
    int r = file.fd < 0 ? err->code
                        : depot_file_get(&item->depot, file.key, file.fd, &file.bytes, err);

    if (r == 0) {
        item->depot.is_local = true;
        r = depot_file_put(&item->depot, &file, err);
        item->depot.is_local = false;
        item->count++;
        item->bytes += file.bytes;
    }
    if (file.fd >= 0)
        close(file.fd);
    json_decref(said);
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int on_objects(struct item *item, const json_t *page, struct err *err)
{
    const json_t *object;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)page, i, object) {
        if (r == 0)
            r = add_object(item, object, err);
        show(item);
    }
    return r;
}

static int pull_r2(struct item *item, struct err *err)
{
    return each_page(item, R2, "/objects?cursor=", on_objects, err);
}

/* ---- one binding ---- */

static const struct kind {
    const char *type;
    const char *path;       /* of one of them */
    const char *what;       /* that is counted; NULL: nothing */
    const char *clear;      /* the call that empties it */
    int (*run)(struct item *item, struct err *err);
} kinds[] = {
    {"kv_namespace", KV, "key", "remove", pull_kv},
    {"d1", D1, NULL, "remove", pull_d1},
    {"r2_bucket", R2, "object", "empty", pull_r2},
};

static const struct kind *kind_of(const char *type)
{
    for (size_t i = 0; type && i < COUNT_OF(kinds); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    return NULL;
}

static int fill(struct item *item, struct err *err)
{
    const struct kind *kind = kind_of(item->depot.kind->type);
    int r = here(item, kind->clear, NULL, STR_NONE, err);

    if (r == 0)
        r = kind->run(item, err);
    progress_end();
    if (r < 0)
        return r;
    terminal_print(stderr, GREEN, "pulled");
    fprintf(stderr, " %s: ", item->name);
    if (kind->what)
        fprintf(stderr, "%s, ", quantity_of(item->count, kind->what));
    fprintf(stderr, "%s\n", quantity_bytes((int64_t)item->bytes));
    return 0;
}

/* Where it is there, where it is here, and how much that has. */
static int find(struct pull *pull, struct item *item, const json_t *binding, struct err *err)
{
    struct depot *depot = &item->depot;
    json_t *usage = NULL;
    const char *id;
    int r = 0;

    item->name = member_text(binding, "name");
    depot->kind = binding_store_of(member_text(binding, "type"));
    depot->config = config_ref(pull->request->config);
    depot->session = pull->session;
    if ((id = member_text(binding, depot->kind->field)))
        depot->id = str_dup(str_from(id));
    else
        r = depot_find_deployed(depot, item->name, err);
    depot_place(depot, pull->request->state, item->name);
    if (r == 0)
        r = remote_get(pull->session.remote,
                       remote_path(pull->session.remote, kind_of(depot->kind->type)->path,
                                   depot->id),
                       NULL, err);
    if (r == 0)
        r = depot_call(depot, &(struct depot_words){"usage", NULL, STR_NONE}, &usage, NULL, err);
    item->here = member_int(usage, "bytes");
    json_decref(usage);
    return r;
}

/* ---- all of them ---- */

static bool is_wanted(const struct pull_request *request, const char *name)
{
    for (size_t i = 0; i < request->name_count; i++)
        if (strcmp(request->names[i], name) == 0)
            return true;
    return !request->name_count;
}

static int find_all(struct pull *pull, struct err *err)
{
    const json_t *bindings = pull->request->config->bindings, *binding;
    size_t i;
    int r = 0;

    pull->items = mem_zeroed((json_array_size(bindings) + 1) * sizeof *pull->items);
    json_array_foreach((json_t *)bindings, i, binding)
        if (r == 0 && kind_of(member_text(binding, "type")) &&
            is_wanted(pull->request, member_text(binding, "name")))
            r = find(pull, &pull->items[pull->count++], binding, err);
    return r;
}

static int ask(const struct pull *pull)
{
    json_int_t bytes = 0;
    char question[LINE_BYTES_MAX];

    for (size_t i = 0; i < pull->count; i++)
        bytes += pull->items[i].here;
    if (!bytes)
        return EXIT_DONE;
    snprintf(question, sizeof question, "Replace the local data (%s) of %s?", quantity_bytes(bytes),
             quantity_of(pull->count, "binding"));
    return approval_ask(pull->args, question, true);
}

static int fill_all(struct pull *pull, struct err *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < pull->count; i++)
        r = fill(&pull->items[i], err);
    return r;
}

static void done(struct pull *pull)
{
    for (size_t i = 0; i < pull->count; i++) {
        pull->items[i].depot.session = (struct session){0}; /* it is ours */
        depot_close(&pull->items[i].depot);
    }
    free(pull->items);
    session_close(&pull->session);
}

static int check_names(const struct pull *pull)
{
    if (pull->count >= pull->request->name_count)
        return EXIT_DONE;
    terminal_error("the configuration has no such binding of a KV namespace, a D1 database or an "
                   "R2 bucket");
    return EXIT_USAGE;
}

int pull_run(const struct cli_args *args, const struct pull_request *request)
{
    struct pull pull = {.args = args, .request = request};
    const char *name = cli_value(args, "name");
    int status = session_open_project(&pull.session, args, request->config);
    struct err err;

    pull.session.worker = str_dup(str_from(name ? name : request->config->name));
    if (status == EXIT_DONE && find_all(&pull, &err) < 0)
        status = session_fail(&pull.session, &err);
    if (status == EXIT_DONE)
        status = check_names(&pull);
    if (status == EXIT_DONE && !pull.count)
        fprintf(stderr, "the configuration names nothing that is stored\n");
    if (status == EXIT_DONE)
        status = ask(&pull);
    if (status == EXIT_DONE && fill_all(&pull, &err) < 0)
        status = session_fail(&pull.session, &err);
    done(&pull);
    return status;
}
