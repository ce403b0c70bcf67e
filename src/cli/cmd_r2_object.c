/* `atoll r2 object put`, `get`, `delete` and `list`: on a server, and with --local here. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/member.h"
#include "cli/depot_file.h"
#include "cli/progress.h"
#include "cli/quantity.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/terminal.h"

#define R2 "r2/buckets/%s/objects"

enum { BYTES_MAX = 64 << 20 };

/* ---- which one ---- */

/* BUCKET/KEY: opens the bucket; *ret_key is borrowed from the operand. */
static int open_object(struct depot *depot, const struct cli_args *args, const char **ret_key)
{
    int status = cli_check_operands(args, 1, 1, "BUCKET/KEY"), slash;
    const char *operand;
    char *bucket;

    *depot = (struct depot){0};
    if (status != EXIT_DONE)
        return status;
    operand = cli_operands(args)[0];
    slash = (int)str_find(str_from(operand), '/');
    if (!slash || !operand[slash] || !operand[slash + 1])
        return cli_usage_error(args, "an object is meant by BUCKET/KEY, like pictures/cat.png");
    ASSERT(asprintf(&bucket, "%.*s", slash, operand) >= 0);
    status = depot_open(depot, args, "r2_bucket", bucket);
    free(bucket);
    *ret_key = operand + slash + 1;
    return status;
}

static char *object_path(struct depot *depot, const char *key)
{
    return remote_path(depot->session.remote, R2 "/%s", depot->id, key);
}

static void say(const char *verb, const char *what, const char *key)
{
    terminal_print(stdout, GREEN, "%s", verb);
    printf(" %s", what);
    terminal_print_text(stdout, BOLD, key, false, 0);
    printf("\n");
}

/* ---- put ---- */

static int put(struct depot *depot, const struct cli_args *args, struct depot_file *file)
{
    const char *type = cli_value(args, "content-type");
    char what[64];
    struct err err;

    file->content_type = type ? type : "application/octet-stream";
    progress_begin("uploading");
    if (depot_file_put(depot, file, &err) < 0)
        return depot_fail(depot, &err);
    progress_end();
    snprintf(what, sizeof what, "%s as ", quantity_bytes((int64_t)file->bytes));
    say("put", what, file->key);
    return EXIT_DONE;
}

/* What is to be put: standard input is kept in a file first, since its length is not known. */
static int open_source(const char *path, struct depot_file *file, struct err *err)
{
    struct stat st = {0};

    if (strcmp(path, "-") == 0) {
        file->fd = depot_file_copy(STDIN_FILENO, &file->bytes, err);
        return file->fd < 0 ? err->code : 0;
    }
    file->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &st) < 0)
        return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%.300s: %s", path,
                       strerror(errno));
    file->bytes = (uint64_t)st.st_size;
    if (S_ISREG(st.st_mode))
        return 0;
    return err_set(err, ERR_INVALID, "%.300s is no file: a stream comes by --file -", path);
}

static int run_put(const struct cli_args *args)
{
    const char *path = cli_value(args, "file");
    struct depot_file file = {.fd = -1};
    struct depot depot;
    struct err err;
    int status;

    if (!path)
        return cli_usage_error(args, "say what is put: --file FILE (- is standard input)");
    status = open_object(&depot, args, &file.key);
    if (status == EXIT_DONE && open_source(path, &file, &err) < 0) {
        terminal_error(err.text);
        status = EXIT_FAILED;
    }
    if (status == EXIT_DONE)
        status = put(&depot, args, &file);
    if (file.fd >= 0)
        close(file.fd);
    depot_close(&depot);
    return status;
}

/* ---- get, delete ---- */

/* Into a new file beside the one that is meant, which takes its place when it is whole. */
static int get_file(struct depot *depot, const char *key, const char *path, uint64_t *ret_bytes,
                    struct err *err)
{
    mode_t mask = umask(0);
    char *place;
    int fd, r;

    umask(mask);
    ASSERT(asprintf(&place, "%s.XXXXXX", path) >= 0);
    fd = mkostemp(place, O_CLOEXEC);
    if (fd < 0) {
        free(place);
        return err_set(err, ERR_IO, "%.300s cannot be made: %s", path, strerror(errno));
    }
    r = depot_file_get(depot, key, fd, ret_bytes, err);
    if (r == 0 && (fchmod(fd, 0666 & ~mask) < 0 || rename(place, path) < 0))
        r = err_set(err, ERR_IO, "%.300s cannot be written: %s", path, strerror(errno));
    if (r < 0)
        unlink(place);
    close(fd);
    free(place);
    return r;
}

/* To the file, or to standard output. */
static int get(struct depot *depot, const struct cli_args *args, const char *key)
{
    const char *path = cli_value(args, "file");
    bool is_out = !path || strcmp(path, "-") == 0;
    struct stat st;
    uint64_t bytes = 0;
    char what[64];
    struct err err;
    int r;

    if (is_out || (stat(path, &st) == 0 && !S_ISREG(st.st_mode))) {
        int fd = is_out ? STDOUT_FILENO : open(path, O_WRONLY | O_CLOEXEC);

        r = fd < 0 ? err_set(&err, ERR_IO, "%.300s: %s", path, strerror(errno))
                   : depot_file_get(depot, key, fd, &bytes, &err);
        if (!is_out && fd >= 0)
            close(fd);
    } else {
        r = get_file(depot, key, path, &bytes, &err);
    }
    if (r < 0)
        return depot_fail(depot, &err);
    snprintf(what, sizeof what, "%s of ", quantity_bytes((int64_t)bytes));
    if (!is_out)
        say("got", what, key);
    return EXIT_DONE;
}

static int run_get(const struct cli_args *args)
{
    struct depot depot;
    const char *key;
    int status = open_object(&depot, args, &key);

    if (status == EXIT_DONE)
        status = get(&depot, args, key);
    depot_close(&depot);
    return status;
}

static int run_delete(const struct cli_args *args)
{
    struct depot depot;
    struct err err;
    const char *key;
    int status = open_object(&depot, args, &key), r;

    if (status == EXIT_DONE) {
        if (depot.is_local)
            r = depot_call(&depot,
                           &(struct depot_words){"delete", json_pack("{s:[s]}", "keys", key),
                                                 STR_NONE},
                           NULL, NULL, &err);
        else
            r = remote_call(depot.session.remote, "DELETE", object_path(&depot, key), NULL, NULL,
                            &err);
        if (r < 0)
            status = depot_fail(&depot, &err);
        else
            say("deleted", "", key);
    }
    depot_close(&depot);
    return status;
}

/* ---- list ---- */

static int get_page(struct depot *depot, const char *prefix, const char *cursor, json_t **ret_page,
                    struct err *err)
{
    struct buf text;
    int r;

    if (depot->is_local)
        return depot_call(depot,
                          &(struct depot_words){"list",
                                                json_pack("{s:s, s:s}", "prefix", prefix, "cursor",
                                                          cursor),
                                                STR_NONE},
                          ret_page, NULL, err);
    buf_init(&text, BYTES_MAX);
    r = remote_raw(depot->session.remote, "GET",
                   remote_path(depot->session.remote, R2 "?prefix=%s&cursor=%s", depot->id, prefix,
                               cursor),
                   NULL, &text, err);
    if (r == 0)
        *ret_page = json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, NULL);
    buf_done(&text);
    return r;
}

/* Objects as the API tells them, also those from here. */
static void add_objects(const struct depot *depot, const json_t *page, json_t *objects)
{
    const json_t *it;
    size_t i;

    if (!depot->is_local) {
        json_array_extend(objects, json_object_get(page, "result"));
        return;
    }
    json_array_foreach(json_object_get(page, "objects"), i, it)
        json_array_append_new(objects,
                              json_pack("{s:O*, s:O*, s:O*}", "key", json_object_get(it, "key"),
                                        "size", json_object_get(it, "size"), "etag",
                                        json_object_get(it, "etag")));
}

static int get_all(struct depot *depot, const char *prefix, json_t *objects)
{
    char *cursor = str_dup(STR(""));
    struct err err;
    int r;

    do {
        json_t *page = NULL;

        r = get_page(depot, prefix, cursor, &page, &err);
        free(cursor);
        cursor = str_dup(str_from(
            member_text(depot->is_local ? page : json_object_get(page, "result_info"), "cursor")));
        if (r == 0)
            add_objects(depot, page, objects);
        json_decref(page);
    } while (r == 0 && *cursor);
    free(cursor);
    return r < 0 ? depot_fail(depot, &err) : EXIT_DONE;
}

static void print_list(const json_t *objects)
{
    struct table *table;
    const json_t *it;
    size_t i;

    if (!json_array_size(objects)) {
        fprintf(stderr, "there are no such objects\n");
        return;
    }
    table = table_new((const char *const[]){"key", "size", "etag", NULL});
    json_array_foreach(objects, i, it) {
        table_add(table, (const char *const[]){member_text_or(it, "key", ""),
                                               quantity_bytes(member_int(it, "size")),
                                               member_text_or(it, "etag", "")});
        table_colour(table, 0, BOLD);
    }
    table_print(table);
}

static int run_list(const struct cli_args *args)
{
    const char *prefix = cli_value(args, "prefix");
    int status = cli_check_operands(args, 1, 1, "the BUCKET");
    struct depot depot;
    json_t *objects;

    if (status != EXIT_DONE)
        return status;
    objects = json_array();
    status = depot_open(&depot, args, "r2_bucket", cli_operands(args)[0]);
    if (status == EXIT_DONE)
        status = get_all(&depot, prefix ? prefix : "", objects);
    if (status == EXIT_DONE && !session_prints_json(&depot.session, objects))
        print_list(objects);
    json_decref(objects);
    depot_close(&depot);
    return status;
}

/* ---- rows ---- */

static const struct cli_option put_options[] = {
    {"file", "FILE", "what is put (- is standard input)"},
    {"content-type", "TYPE", "its Content-Type (application/octet-stream)"},
    DEPOT_OPTIONS,
    {0},
};

static const struct cli_option get_options[] = {
    {"file", "FILE", "where to put it (else standard output)"},
    DEPOT_OPTIONS,
    {0},
};

static const struct cli_option delete_options[] = {
    DEPOT_OPTIONS,
    {0},
};

static const struct cli_option list_options[] = {
    {"prefix", "TEXT", "only keys that begin so"},
    DEPOT_OPTIONS,
    {0},
};

static const struct cli_example put_examples[] = {
    {"atoll r2 object put pictures/cat.png --file cat.png --content-type image/png", NULL},
    {0},
};

static const struct cli_example get_examples[] = {
    {"atoll r2 object get pictures/cat.png --file cat.png", NULL},
    {0},
};

static const struct cli_example delete_examples[] = {
    {"atoll r2 object delete pictures/cat.png --local", "what atoll dev keeps"},
    {0},
};

static const struct cli_example list_examples[] = {
    {"atoll r2 object list pictures --prefix 2026/ --json", NULL},
    {0},
};

#define DETAILS                                                                                    \
    "BUCKET is a bucket's name, or the name of a binding of the configuration.\n"                  \
    "An object that is put has 5 GiB at most."

const struct cli_command cmd_r2_object_put = {
    .name = "r2 object put",
    .usage = "BUCKET/KEY --file FILE [OPTIONS]",
    .summary = "put a file into an R2 bucket",
    .details = DETAILS,
    .options = put_options,
    .run = run_put,
    .examples = put_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER,
};

const struct cli_command cmd_r2_object_get = {
    .name = "r2 object get",
    .usage = "BUCKET/KEY [OPTIONS]",
    .summary = "get an object of an R2 bucket",
    .details = DETAILS,
    .options = get_options,
    .run = run_get,
    .examples = get_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER,
};

const struct cli_command cmd_r2_object_delete = {
    .name = "r2 object delete",
    .usage = "BUCKET/KEY [OPTIONS]",
    .summary = "delete an object of an R2 bucket",
    .options = delete_options,
    .run = run_delete,
    .examples = delete_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER,
};

const struct cli_command cmd_r2_object_list = {
    .name = "r2 object list",
    .usage = "BUCKET [OPTIONS]",
    .summary = "list the objects of an R2 bucket",
    .options = list_options,
    .run = run_list,
    .examples = list_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};
