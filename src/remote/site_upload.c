/* Assets on their way; see site_upload.h.
 *
 * (1) A file's name for the server is half of a SHA-256 of its contents and its extension, which
 *     decides its type: what is equal is sent once.
 * (2) Files are read twice, to be named and to be sent. One that has changed meanwhile must not be
 *     sent: the server would take its new contents for the old ones, also when they come back. */
#include "remote/site_upload.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/member.h"
#include "bindings/assets/site.h"
#include "bindings/assets/site_ignore.h"
#include "bindings/assets/site_rule.h"
#include "http/media_type.h"
#include "os/file.h"
#include "os/path.h"
#include "store/blob.h"
#include "web/base64.h"

enum { NAME_DIGITS = 32, BODY_BYTES_MAX = 64 << 20, TEXT_MAX = 4096, BOUNDARY_DIGITS = 32 };

struct collecting {
    const char *directory;
    struct site_ignore *ignored;
    json_t *manifest;      /* of path to {hash, size} */
    json_t *paths;         /* of hash to the path of a file that has it */
    struct site_upload *upload;
    char boundary[BOUNDARY_DIGITS + 1];    /* of forms: no file can have it */
};

/* ---- collecting ---- */

bool site_upload_is_due(const struct config *config)
{
    return json_is_string(json_object_get(json_object_get(config->deploy, "assets"), "directory"));
}

static char *directory_of(const struct config *config)
{
    const char *directory = json_string_value(
        json_object_get(json_object_get(config->deploy, "assets"), "directory"));
    char *joined = path_join(str_from(config->root), str_from(directory));
    char *plain = path_absolute(str_from(joined));

    if (!plain)
        return joined;
    free(joined);
    return plain;
}

static int read_in(const char *directory, const char *relative, struct buf *out, struct err *err)
{
    char *path = path_join(str_from(directory), str_from(relative));
    int r = file_read(path, out, err);

    if (r == ERR_LIMIT)
        err_set(err, r, "%s: a file of the assets has at most %d MiB", path,
                SITE_FILE_BYTES_MAX >> 20);
    free(path);
    return r;
}

static void name_of(const char *relative, str bytes, char ret[NAME_DIGITS + 1])
{
    char hash[BLOB_NAME_BYTES], text[TEXT_MAX];
    const char *dot = strrchr(relative, '.'), *slash = strrchr(relative, '/');

    blob_name(bytes, hash);
    snprintf(text, sizeof text, "%s%s", hash, dot && (!slash || dot > slash) ? dot : "");
    blob_name(str_from(text), hash);
    snprintf(ret, NAME_DIGITS + 1, "%.*s", NAME_DIGITS, hash);
}

static int add(struct collecting *c, const char *relative, struct err *err)
{
    char path[SITE_PATH_MAX + 2], name[NAME_DIGITS + 1];
    struct buf bytes;
    json_t *file;
    int r;

    if ((size_t)snprintf(path, sizeof path, "/%s", relative) > SITE_PATH_MAX)
        return err_set(err, ERR_LIMIT, "%.200s: its path is longer than %d bytes", relative,
                       SITE_PATH_MAX);
    buf_init(&bytes, SITE_FILE_BYTES_MAX);
    if ((r = read_in(c->directory, relative, &bytes, err)) == 0) {
        name_of(relative, buf_str(&bytes), name);
        file = json_pack("{s:s, s:I}", "hash", name, "size", (json_int_t)bytes.len);
        if (json_object_set_new(c->manifest, path, file) < 0)
            r = err_set(err, ERR_INVALID, "%.200s: its name is not UTF-8", relative);
        else
            json_object_set_new(c->paths, name, json_string(relative));
        c->upload->bytes += bytes.len;
    }
    buf_done(&bytes);
    return r;
}

static int on_file(void *context, const char *relative, struct err *err)
{
    struct collecting *c = context;

    if (site_ignore_has(c->ignored, str_from(relative)))
        return 0;
    if (++c->upload->files > SITE_FILES_MAX)
        return err_set(err, ERR_LIMIT,
                       "%s: there are more than %d files; .assetsignore leaves out "
                       "what is not to be served",
                       c->directory, SITE_FILES_MAX);
    return add(c, relative, err);
}

/* The text of a file that may be missing, returned owned. */
static char *text_of(const char *directory, const char *name)
{
    struct buf text;
    struct err err;

    buf_init(&text, SITE_RULES_BYTES_MAX);
    if (read_in(directory, name, &text, &err) < 0 || !text.len) {
        buf_done(&text);
        return str_dup(STR_NONE);
    }
    return buf_take(&text, NULL);
}

static int collect(struct collecting *c, struct err *err)
{
    char *patterns;
    int r;

    if (!path_is_directory(c->directory))
        return err_set(err, ERR_NOT_FOUND,
                       "%s: there is no directory; \"assets.directory\" names it", c->directory);
    patterns = text_of(c->directory, ".assetsignore");
    c->ignored = site_ignore_new(str_from(patterns));
    free(patterns);
    r = file_walk(c->directory, on_file, c, err);
    site_ignore_free(c->ignored);
    return r;
}

/* ---- the configuration beside them ---- */

static int set_rules(json_t *config, const char *directory, const char *name,
                     int (*check)(str text, struct err *err), struct err *err)
{
    char *text = text_of(directory, name);
    int r = check(str_from(text), err);

    if (r == 0 && *text && json_object_set_new(config, name, json_string(text)) < 0)
        r = err_set(err, ERR_INVALID, "%s: it is not UTF-8", name);
    free(text);
    return r;
}

static int read_config(const struct config *config, const char *directory, json_t **ret,
                       struct err *err)
{
    json_t *assets = json_copy(json_object_get(config->deploy, "assets"));
    int r;

    json_object_del(assets, "directory");
    json_object_del(assets, "binding");
    if ((r = set_rules(assets, directory, "_headers", site_rule_check_headers, err)) == 0)
        r = set_rules(assets, directory, "_redirects", site_rule_check_redirects, err);
    if (r < 0)
        json_decref(assets);
    else
        *ret = assets;
    return r;
}

/* ---- sending ---- */

/* The file as it was when it was named: (2). */
static int read_again(const struct collecting *c, const char *name, const char *relative,
                      struct buf *out, struct err *err)
{
    char now[NAME_DIGITS + 1];
    int r = read_in(c->directory, relative, out, err);

    if (r < 0)
        return r;
    name_of(relative, buf_str(out), now);
    return strcmp(now, name) == 0
               ? 0
               : err_set(err, ERR_INVALID,
                         "%.200s has changed while the files were uploaded: deploy once more",
                         relative);
}

static int put_file(struct buf *body, const struct collecting *c, const char *name,
                    const char *relative, struct err *err)
{
    const char *type = media_type_of(str_from(relative));
    struct site_upload *upload = c->upload;
    struct buf bytes;
    int r;

    buf_init(&bytes, SITE_FILE_BYTES_MAX);
    if ((r = read_again(c, name, relative, &bytes, err)) == 0)
        r = buf_printf(body,
                       "--%s\r\nContent-Disposition: form-data; name=\"%s\"; "
                       "filename=\"%s\"\r\nContent-Type: %s\r\n\r\n",
                       c->boundary, name, name, *type ? type : "application/null");
    if (r == 0 && (r = buf_append(body, buf_str(&bytes))) == 0)
        r = buf_append(body, STR("\r\n"));
    if (r < 0 && !err->code)
        err_set(err, r, "the files of one call are too large together");
    upload->sent++;
    upload->sent_bytes += bytes.len;
    buf_done(&bytes);
    return r;
}

/* Takes the token of the last answer that has one. */
static void take_token(json_t *result, char **jwt)
{
    const char *text = member_text(result, "jwt");

    if (!text)
        return;
    free(*jwt);
    *jwt = str_dup(str_from(text));
}

static int send_bucket(struct remote *remote, const struct collecting *c, const json_t *bucket,
                       const char *session, char **jwt, struct err *err)
{
    char type[TEXT_MAX];
    struct buf body;
    json_t *result = NULL;
    const json_t *name;
    size_t i;
    int r = 0;

    err->code = 0;
    buf_init(&body, BODY_BYTES_MAX);
    json_array_foreach(bucket, i, name) {
        const char *hash = json_string_value(name);
        const char *path = member_text(c->paths, hash ? hash : "");

        if (r == 0 && path)
            r = put_file(&body, c, hash, path, err);
    }
    snprintf(type, sizeof type, "multipart/form-data; boundary=%s", c->boundary);
    if (r == 0 && (r = buf_printf(&body, "--%s--\r\n", c->boundary)) == 0)
        r = remote_send(remote, "POST", remote_path(remote, "workers/assets/upload"),
                        &(struct remote_body){.content_type = type,
                                              .bytes = buf_str(&body),
                                              .token = session},
                        &result, err);
    buf_done(&body);
    if (r == 0)
        take_token(result, jwt);
    json_decref(result);
    return r;
}

static uint64_t missing_bytes(const struct collecting *c, const json_t *buckets)
{
    const json_t *bucket, *name;
    json_t *sizes = json_object(), *file;
    uint64_t total = 0;
    const char *path;
    size_t i, j;

    json_object_foreach(c->manifest, path, file)
        json_object_set(sizes, member_text(file, "hash"), json_object_get(file, "size"));
    json_array_foreach(buckets, i, bucket)
        json_array_foreach(bucket, j, name)
            total += (uint64_t)member_int(sizes, json_string_value(name));
    json_decref(sizes);
    return total;
}

static int send_all(struct remote *remote, const char *worker, const struct collecting *c,
                    void (*on_progress)(uint64_t sent, uint64_t total), char **jwt, struct err *err)
{
    json_t *session = NULL, *buckets, *bucket;
    uint64_t total;
    size_t i;
    int r = remote_call(remote, "POST",
                        remote_path(remote, "workers/scripts/%s/assets-upload-session", worker),
                        json_pack("{s:O}", "manifest", c->manifest), &session, err);

    if (r < 0)
        return r;
    take_token(session, jwt);
    buckets = json_object_get(session, "buckets");
    total = missing_bytes(c, buckets);
    json_array_foreach(buckets, i, bucket) {
        if (r == 0)
            r = send_bucket(remote, c, bucket, member_text(session, "jwt"), jwt, err);
        if (on_progress)
            on_progress(c->upload->sent_bytes, total);
    }
    json_decref(session);
    return r;
}

int site_upload_run(struct remote *remote, const char *worker, const struct config *config,
                    void (*on_progress)(uint64_t sent, uint64_t total), struct site_upload *ret,
                    struct err *err)
{
    char *directory = directory_of(config), *jwt = NULL;
    struct site_upload upload = {0};
    struct collecting c = {.directory = directory,
                           .manifest = json_object(),
                           .paths = json_object(),
                           .upload = &upload};
    json_t *assets = NULL;
    int r;

    hex_random(c.boundary, BOUNDARY_DIGITS);
    if ((r = collect(&c, err)) == 0 && (r = read_config(config, directory, &assets, err)) == 0)
        r = send_all(remote, worker, &c, on_progress, &jwt, err);
    if (r == 0) {
        upload.assets = json_pack("{s:s?, s:O}", "jwt", jwt, "config", assets);
        *ret = upload;
    }
    json_decref(assets);
    json_decref(c.manifest);
    json_decref(c.paths);
    free(directory);
    free(jwt);
    return r;
}
