/* Sites of versions; see asset_site.h. */
#include "api/asset_site.h"

#include <stdlib.h>

#include "api/asset_token.h"
#include "base/member.h"
#include "bindings/assets/site.h"
#include "bindings/assets/site_rule.h"
#include "registry/asset.h"

enum { CODE_TOKEN = 10305, CODE_REDIRECTS = 100324, CODE_HEADERS = 100325, CODE_INVALID = 10021 };

struct making {
    const struct asset_site_request *request;
    struct site_settings settings;
    struct buf lines;            /* of settings.first */
    struct site_file *files;
    size_t count;
    json_t *rows;                /* what the files' texts are in, */
    struct site *old;            /* or this */
    int *code;
    struct err *err;
};

/* ---- files ---- */

static int check_session(struct making *m, const json_t *session)
{
    if (strcmp(member_text(session, "account"), m->request->account) == 0 &&
        strcmp(member_text(session, "script"), m->request->script) == 0)
        return 0;
    *m->code = CODE_TOKEN;
    return err_set(m->err, ERR_INVALID, "The token of \"assets.jwt\" is another worker's.");
}

static void take_rows(struct making *m)
{
    const json_t *row;
    size_t i;

    m->count = json_array_size(m->rows);
    m->files = mem_zeroed((m->count + 1) * sizeof *m->files);
    json_array_foreach(m->rows, i, row)
        m->files[i] = (struct site_file){
            .path = member_str(row, "path"),
            .hash = member_str(row, "hash"),
            .type = member_str(row, "type"),
            .bytes = (uint64_t)member_int(row, "bytes"),
        };
    qsort(m->files, m->count, sizeof *m->files, site_compare);
}

static int take_uploaded(struct making *m, const char *jwt)
{
    struct asset_token token;
    json_t *session;
    int r;

    *m->code = CODE_TOKEN;
    if (!asset_token_read(m->request->registry, str_from(jwt), &token) || !token.is_complete)
        return err_set(m->err, ERR_INVALID,
                       "The token of \"assets.jwt\" is wrong, too old, or its files are not all "
                       "uploaded: upload them again.");
    if ((r = asset_session(m->request->registry, token.session, &session, m->err)) < 0)
        return r;
    if ((r = check_session(m, session)) == 0)
        r = asset_files(m->request->registry, m->request->account,
                        json_object_get(session, "files"), &m->rows, m->err);
    json_decref(session);
    if (r == 0)
        take_rows(m);
    return r;
}

static int take_old(struct making *m, const json_t *latest)
{
    const char *manifest = member_text(json_object_get(latest, "assets"), "manifest");
    struct buf text;
    size_t len;
    char *bytes;
    int r;

    if (!manifest)
        return 0;
    buf_init(&text, SITE_BYTES_MAX);
    if ((r = asset_site(m->request->registry, manifest, &text, m->err)) < 0) {
        buf_done(&text);
        return r;
    }
    bytes = buf_take(&text, &len);
    if (site_parse(bytes, len, &m->old, m->err) < 0)
        return m->err->code = ERR_IO;
    m->count = site_count(m->old);
    m->files = mem_zeroed((m->count + 1) * sizeof *m->files);
    for (size_t i = 0; i < m->count; i++)
        m->files[i] = site_at(m->old, i);
    return 0;
}

/* ---- settings ---- */

static int check_rules(struct making *m)
{
    int r = site_rule_check_redirects(m->settings.redirects, m->err);

    *m->code = CODE_REDIRECTS;
    if (r == 0) {
        *m->code = CODE_HEADERS;
        r = site_rule_check_headers(m->settings.headers, m->err);
    }
    return r;
}

/* Settings that are not given with kept files stay what they were. */
static int take_settings(struct making *m)
{
    const json_t *fields = m->request->metadata->fields;
    const json_t *config = json_object_get(m->request->metadata->assets, "config");
    int r = 0;

    *m->code = CODE_INVALID;
    if (config || !m->old) {
        if ((r = site_read_settings(config, &m->settings, &m->lines, m->err)) == 0)
            r = check_rules(m);
    } else {
        m->settings = *site_settings(m->old);
    }
    m->settings.has_script = member_text(fields, "main_module") != NULL;
    m->settings.navigates = site_navigates(member_text(fields, "compatibility_date"),
                                           json_object_get(fields, "compatibility_flags"));
    return r;
}

/* ---- the site ---- */

static json_t *hashes_of(const struct making *m)
{
    json_t *hashes = json_array();

    for (size_t i = 0; i < m->count; i++)
        json_array_append_new(hashes, json_stringn(m->files[i].hash.ptr, m->files[i].hash.len));
    return hashes;
}

static json_t *shown_config(const struct making *m)
{
    const json_t *given = json_object_get(m->request->metadata->assets, "config");
    json_t *config = json_is_object(given) ? json_copy((json_t *)given) : json_object();

    json_object_del(config, "_headers");
    json_object_del(config, "_redirects");
    return config;
}

static int store(struct making *m, json_t **ret)
{
    char manifest[ASSET_HASH_BYTES];
    json_t *hashes = hashes_of(m);
    uint64_t bytes = 0;
    struct buf text;
    int r;

    for (size_t i = 0; i < m->count; i++)
        bytes += m->files[i].bytes;
    buf_init(&text, SITE_BYTES_MAX);
    if ((r = site_write(&m->settings, m->files, m->count, &text)) < 0)
        err_set(m->err, r, "The paths and types of the files are too long together.");
    else
        r = asset_add_site(m->request->registry, buf_str(&text), hashes, manifest, m->err);
    buf_done(&text);
    json_decref(hashes);
    if (r == 0)
        *ret = json_pack("{s:s, s:I, s:I, s:b, s:o}", "manifest", manifest, "files",
                         (json_int_t)m->count, "bytes", (json_int_t)bytes, "script",
                         m->settings.has_script, "config", shown_config(m));
    return r;
}

int asset_site_make(const struct asset_site_request *request, json_t **ret, int *ret_code,
                    struct err *err)
{
    const struct metadata *metadata = request->metadata;
    const char *jwt = member_text(metadata->assets, "jwt");
    struct making m = {.request = request, .code = ret_code, .err = err};
    int r = 0;

    *ret = NULL;
    if (!jwt && !metadata->keep_assets)
        return 0;
    buf_init(&m.lines, SITE_RULES_BYTES_MAX);
    r = jwt ? take_uploaded(&m, jwt) : take_old(&m, request->latest);
    if (r == 0 && (jwt || m.old) && (r = take_settings(&m)) == 0)
        r = store(&m, ret);
    buf_done(&m.lines);
    free(m.files);
    json_decref(m.rows);
    site_free(m.old);
    return r;
}
