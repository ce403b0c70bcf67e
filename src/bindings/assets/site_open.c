/* Sites in use; see site_open.h. */
#include "bindings/assets/site_open.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/member.h"
#include "bindings/bindings.h"
#include "os/file.h"
#include "os/path.h"

enum { KEY_MAX = 1024 };

struct site_open {
    struct map_node node;    /* in `by_key`, unless it is a directory */
    unsigned refs;
    struct site *site;       /* NULL before the first use */
    char *place;             /* of contents and sites; of a directory: it */
    char *manifest;          /* NULL: it is a directory */
    char *key;
};

static struct map by_key;

static bool is_name(const char *text)
{
    return text && strlen(text) == SITE_HASH_BYTES &&
           strspn(text, "0123456789abcdef") == SITE_HASH_BYTES;
}

static struct site_open *open_directory(const json_t *assets)
{
    const char *directory = member_text(assets, "directory");
    struct site_open *open = mem_new(struct site_open);
    struct site_settings settings;
    struct buf lines;
    struct err err;

    buf_init(&lines, SITE_RULES_BYTES_MAX);
    if (site_read_settings(json_object_get(assets, "config"), &settings, &lines, &err) < 0)
        settings = (struct site_settings){0};
    settings.has_script = json_is_true(json_object_get(assets, "script"));
    settings.navigates = json_is_true(json_object_get(assets, "navigates"));
    open->refs = 1;
    open->place = str_dup(str_from(directory));
    open->site = site_of_directory(directory, &settings);
    buf_done(&lines);
    return open;
}

static struct site_open *open_text(const char *store, const char *manifest)
{
    struct site_open *open;
    struct map_node *node;
    char key[KEY_MAX];

    if ((size_t)snprintf(key, sizeof key, "%s/%s", store, manifest) >= sizeof key)
        return NULL;
    if ((node = map_find(&by_key, str_from(key))))
        return site_open_ref(CONTAINER_OF(node, struct site_open, node));
    open = mem_new(struct site_open);
    if (!(open->place = bindings_store_path(store))) {
        free(open);
        return NULL;
    }
    open->refs = 1;
    open->manifest = str_dup(str_from(manifest));
    open->key = str_dup(str_from(key));
    open->node.key = str_from(open->key);
    map_add(&by_key, &open->node);
    return open;
}

struct site_open *site_open_new(const json_t *assets)
{
    const char *store = member_text(assets, "store");
    const char *manifest = member_text(assets, "manifest");

    if (json_is_string(json_object_get(assets, "directory")))
        return open_directory(assets);
    return store && is_name(manifest) ? open_text(store, manifest) : NULL;
}

struct site_open *site_open_ref(struct site_open *open)
{
    open->refs++;
    return open;
}

void site_open_unref(struct site_open *open)
{
    if (!open || --open->refs)
        return;
    if (open->manifest)
        map_remove(&by_key, &open->node);
    site_free(open->site);
    free(open->place);
    free(open->manifest);
    free(open->key);
    free(open);
}

struct site *site_open_site(struct site_open *open, struct err *err)
{
    char path[SITE_OPEN_PATH_MAX];
    struct buf text;
    size_t len;
    char *bytes;

    if (open->site)
        return open->site;
    snprintf(path, sizeof path, "%s/sites/%s", open->place, open->manifest);
    buf_init(&text, SITE_BYTES_MAX);
    if (file_read(path, &text, err) < 0) {
        buf_done(&text);
        return NULL;
    }
    bytes = buf_take(&text, &len);
    return site_parse(bytes, len, &open->site, err) < 0 ? NULL : open->site;
}

/* Appends at `at`; NULL when that, or what was before, is too long: `last` is for the NUL. */
static char *append(char *at, const char *last, str text)
{
    if (!at || text.len > (size_t)(last - at))
        return NULL;
    memcpy(at, text.ptr, text.len);
    at[text.len] = '\0';
    return at + text.len;
}

/* Each request for a file comes by here: no printf. */
bool site_open_path(const struct site_open *open, const struct site_file *file,
                    char ret[SITE_OPEN_PATH_MAX])
{
    const char *last = &ret[SITE_OPEN_PATH_MAX - 1];
    char *at = append(ret, last, str_from(open->place));

    if (open->manifest) {
        at = append(at, last, STR("/files/"));
        at = append(at, last, str_head(file->hash, 2));
        at = append(at, last, STR("/"));
        return append(at, last, file->hash) != NULL;
    }
    return append(at, last, file->path) != NULL;
}

bool site_open_keeps(const struct site_open *open)
{
    return open->manifest != NULL;
}
