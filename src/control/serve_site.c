/* Files of versions where runtimes read them: links of what the registry holds, below the storage
 * directory.
 *
 *     <storage>/<account>/assets/sites/<manifest>          the text of a site
 *     (bindings/assets/site.h) /files/<xx>/<sha256>       contents, and coded ones that runtimes
 *     add
 *
 * (1) A site's text is there after all of its files: who finds it needs not look further.
 * (2) All of this is made again from the registry when it is missing. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bindings/assets/site.h"
#include "control/serve_private.h"
#include "os/file.h"
#include "os/path.h"
#include "registry/asset.h"

enum { PLACES = 256, HASH_LEN = ASSET_HASH_BYTES - 1 };

/* Makes a directory that is the owner's of the storage directory, who runs the runtimes. */
static int make(const struct serve *serve, const char *path, struct err *err)
{
    struct stat st;

    if (mkdir(path, 0711) < 0)
        return errno == EEXIST ? 0 : err_set_io(err, path);
    if (stat(serve->storage, &st) == 0 && chown(path, st.st_uid, st.st_gid) < 0 && errno != EPERM)
        return err_set_io(err, path);
    return 0;
}

static int make_places(const struct serve *serve, const char *account, struct err *err)
{
    static const char *const below[] = {"", "/assets", "/assets/sites", "/assets/files"};
    char path[PATH_MAX];
    int r = 0;

    for (size_t i = 0; i < COUNT_OF(below) && r == 0; i++) {
        snprintf(path, sizeof path, "%s/%s%s", serve->storage, account, below[i]);
        r = make(serve, path, err);
    }
    return r;
}

static int link_file(const struct serve *serve, const char *account, const struct site_file *file,
                     struct err *err)
{
    char place[PATH_MAX], path[PATH_MAX + ASSET_HASH_BYTES], hash[ASSET_HASH_BYTES];
    int r;

    snprintf(hash, sizeof hash, "%.*s", STR_ARGS(file->hash));
    snprintf(place, sizeof place, "%s/%s/assets/files/%.2s", serve->storage, account, hash);
    snprintf(path, sizeof path, "%s/%s", place, hash);
    if ((r = asset_link(serve->registry, hash, path, err)) == 0)
        return 0;
    if (access(place, F_OK) == 0 || (r = make(serve, place, err)) < 0)
        return r;
    return asset_link(serve->registry, hash, path, err);
}

static int link_all(const struct serve *serve, const char *account, str text, struct err *err)
{
    struct site *site;
    int r = site_parse(str_dup(text), text.len, &site, err);

    if (r < 0)
        return ERR_IO;
    for (size_t i = 0; i < site_count(site) && r == 0; i++) {
        struct site_file file = site_at(site, i);

        r = link_file(serve, account, &file, err);
    }
    site_free(site);
    return r < 0 ? ERR_IO : 0;
}

static int write_site(const char *path, str text, struct err *err)
{
    char fresh[PATH_MAX + 8];
    int r;

    snprintf(fresh, sizeof fresh, "%s.new", path);
    if ((r = file_write(fresh, text, err)) < 0)
        return r;
    if (chmod(fresh, 0644) < 0 || rename(fresh, path) < 0)
        return err_set_io(err, path);
    return 0;
}

int serve_site_ensure(struct serve *serve, const char *account, const char *manifest,
                      struct err *err)
{
    char path[PATH_MAX];
    struct buf text;
    int r;

    if (!*manifest)
        return 0;
    snprintf(path, sizeof path, "%s/%s/assets/sites/%s", serve->storage, account, manifest);
    if (access(path, F_OK) == 0)
        return 0;
    buf_init(&text, SITE_BYTES_MAX);
    if ((r = make_places(serve, account, err)) == 0 &&
        (r = asset_site(serve->registry, manifest, &text, err)) == 0 &&
        (r = link_all(serve, account, buf_str(&text), err)) == 0)
        r = write_site(path, buf_str(&text), err);
    buf_done(&text);
    return r < 0 ? ERR_IO : 0;
}

/* ---- what is to go ---- */

/* Removes what is named by contents that nobody refers to, coded ones with them. */
static void sweep_directory(struct serve *serve, const char *directory)
{
    DIR *files = opendir(directory);
    char path[PATH_MAX + NAME_MAX + 2], hash[ASSET_HASH_BYTES];
    struct dirent *entry;
    struct err err;

    while (files && (entry = readdir(files))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(hash, sizeof hash, "%.*s", HASH_LEN, entry->d_name);
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (asset_is_used(serve->registry, hash, &err) == 0)
            unlink(path);
    }
    if (files)
        closedir(files);
}

/* Sites go with each round, files with the place whose turn it is: sites first, so that none is
 * left without its files. */
void serve_site_sweep(struct serve *serve)
{
    DIR *accounts = opendir(serve->storage);
    char path[PATH_MAX];
    struct dirent *entry;

    while (accounts && (entry = readdir(accounts))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s/assets/sites", serve->storage, entry->d_name);
        if (access(path, F_OK) < 0)
            continue;
        sweep_directory(serve, path);
        snprintf(path, sizeof path, "%s/%s/assets/files/%02x", serve->storage, entry->d_name,
                 serve->site_place);
        sweep_directory(serve, path);
    }
    if (accounts)
        closedir(accounts);
    serve->site_place = (serve->site_place + 1) % PLACES;
}
