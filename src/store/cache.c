/* The cache of responses; see cache.h.
 *
 * (1) `mutex` is held around everything that touches `db` and `touched`, which may take long: the
 *     disk, another process. `writing`, which the loop counts in, has a mutex of its own.
 * (2) `db` is NULL until the first call, and after one that found the index damaged or gone.
 * (3) `lock` (flock) is held while the index is opened or thrown away, so that of several processes
 *     one does it and the others find the new one.
 * (4) A body's file is removed after the transaction that removed its row; between the two a crash
 *     leaves a file that the next sweep finds.
 * (5) Uses are noted in `touched` and written with the next change, or when that is full: a hit
 *     costs no write. */
#include "store/cache.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "os/file.h"
#include "os/path.h"
#include "store/cache_rule.h"
#include "store/db.h"

enum {
    TOUCHED_MAX = 64,
    EVICT_AT_ONCE = 16,
    FIND_TRIES = 3,
    REASON_BYTES_MAX = 512,
    DOOMED_BYTES_MAX = 1 << 20,
};

struct cache {
    pthread_mutex_t mutex;
    char *directory;
    char *index;
    char *bodies;
    char *lock;
    uint64_t bytes_max;
    struct db *db;
    pthread_mutex_t writing_mutex;
    uint64_t writing; /* bytes of bodies that are being written */
    int64_t touched[TOUCHED_MAX]; /* ids, the last used one last */
    size_t touched_count;
};

/* Times are seconds. `used` counts uses: the last used entry has the largest, whatever the clocks
 * of several processes say. Rowids are never used twice, so the newest entry has the largest. */
static const char *const steps[] = {
    "CREATE TABLE entry (id INTEGER PRIMARY KEY AUTOINCREMENT, space BLOB NOT NULL,"
    "  url BLOB NOT NULL, variant BLOB NOT NULL, status INTEGER NOT NULL, reason BLOB NOT NULL,"
    "  headers BLOB NOT NULL, stored INTEGER NOT NULL, age INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL, used INTEGER NOT NULL, has_body INTEGER NOT NULL,"
    "  length INTEGER NOT NULL, size INTEGER NOT NULL, file TEXT NOT NULL, body BLOB NOT NULL);"
    "CREATE INDEX entry_url ON entry (url, space);"
    "CREATE INDEX entry_used ON entry (used, id);"
    "CREATE INDEX entry_expires ON entry (expires);"
    "CREATE INDEX entry_file ON entry (file) WHERE file <> '';"
    "CREATE TABLE total (bytes INTEGER NOT NULL);"
    "INSERT INTO total VALUES (0);"
    "CREATE TRIGGER entry_in AFTER INSERT ON entry BEGIN"
    "  UPDATE total SET bytes = bytes + new.size; END;"
    "CREATE TRIGGER entry_out AFTER DELETE ON entry BEGIN"
    "  UPDATE total SET bytes = bytes - old.size; END;",
    NULL,
};

struct cache *cache_new(const char *directory, uint64_t bytes_max)
{
    struct cache *cache = mem_new(struct cache);
    str place = str_from(directory);

    pthread_mutex_init(&cache->mutex, NULL);
    pthread_mutex_init(&cache->writing_mutex, NULL);
    cache->directory = str_dup(place);
    cache->index = path_join(place, STR("index.db"));
    cache->bodies = path_join(place, STR("bodies"));
    cache->lock = path_join(place, STR("lock"));
    cache->bytes_max = bytes_max;
    return cache;
}

static int write_touched(struct cache *cache);

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    if (cache->db && cache->touched_count && db_begin(cache->db) == 0)
        (void)!db_end(cache->db, write_touched(cache));
    db_close(cache->db);
    pthread_mutex_destroy(&cache->mutex);
    pthread_mutex_destroy(&cache->writing_mutex);
    free(cache->directory);
    free(cache->index);
    free(cache->bodies);
    free(cache->lock);
    free(cache);
}

void cache_entry_init(struct cache_entry *entry)
{
    *entry = (struct cache_entry){0};
    buf_init(&entry->reason, REASON_BYTES_MAX);
    buf_init(&entry->headers, CACHE_HEAD_BYTES_MAX);
    buf_init(&entry->variant, CACHE_HEAD_BYTES_MAX);
    buf_init(&entry->body, CACHE_INLINE_BYTES_MAX);
}

void cache_entry_done(struct cache_entry *entry)
{
    buf_done(&entry->reason);
    buf_done(&entry->headers);
    buf_done(&entry->variant);
    buf_done(&entry->body);
}

/* ---- the index: opened, thrown away ---- */

static void remove_index(const struct cache *cache)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    char path[4096];

    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        snprintf(path, sizeof path, "%s%s", cache->index, endings[i]);
        unlink(path);
    }
    file_remove_tree(cache->bodies);
}

/* Opens, and begins anew when what is there is damaged. Called with (3) held. */
static int open_index(struct cache *cache, struct err *err)
{
    int r = db_open(cache->index, steps, &cache->db, err);

    if (r != ERR_INVALID)
        return r;
    remove_index(cache);
    return db_open(cache->index, steps, &cache->db, err);
}

static int lock_directory(const struct cache *cache, struct err *err)
{
    int fd;

    if (file_make_directories(cache->directory, err) < 0)
        return ERR_IO;
    fd = open(cache->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        return fd;
    err_set_io(err, cache->lock);
    if (fd >= 0)
        close(fd);
    return ERR_IO;
}

/* Closes a connection that is no good: one to a file that another process threw away, or one that
 * was found damaged, which then is thrown away here. */
static void drop_index(struct cache *cache, bool is_damaged)
{
    bool is_ours = is_damaged && !db_is_stale(cache->db);

    db_close(cache->db);
    cache->db = NULL;
    cache->touched_count = 0;
    if (is_ours)
        remove_index(cache);
}

static int ensure_open(struct cache *cache, bool is_damaged, struct err *err)
{
    int fd, r;

    if (cache->db && !is_damaged && !db_is_stale(cache->db))
        return 0;
    if ((fd = lock_directory(cache, err)) < 0)
        return fd;
    if (cache->db)
        drop_index(cache, is_damaged);
    r = open_index(cache, err);
    close(fd);
    return r;
}

/* One use of the index: inside of a transaction when it `writes`. A damaged index gives a second
 * try with a new one. */
struct use {
    int (*run)(struct cache *cache, void *context);
    void *context;
    bool writes;
};

static int run_once(struct cache *cache, const struct use *use)
{
    int r;

    if (!use->writes)
        return use->run(cache, use->context);
    if ((r = db_begin(cache->db)) < 0)
        return r;
    return db_end(cache->db, use->run(cache, use->context));
}

static int with_index(struct cache *cache, const struct use *use, struct err *err)
{
    bool is_damaged = false;
    int r = 0;

    pthread_mutex_lock(&cache->mutex);
    for (int tries = 0; tries < 2; tries++) {
        if ((r = ensure_open(cache, is_damaged, err)) < 0)
            break;
        r = run_once(cache, use);
        is_damaged = r == ERR_INVALID;
        if (!is_damaged)
            break;
    }
    if (r < 0 && !err->code)
        err_set(err, r, "%s: %s", cache->index, err_text(r));
    pthread_mutex_unlock(&cache->mutex);
    return r;
}

/* ---- uses ---- */

static int write_touched(struct cache *cache)
{
    static const char sql[] =
        "UPDATE entry SET used = (SELECT max(used) FROM entry) + 1 WHERE id = ?";
    int r = 0;

    for (size_t i = 0; r == 0 && i < cache->touched_count; i++) {
        sqlite3_stmt *set = db_statement(cache->db, sql);

        sqlite3_bind_int64(set, 1, cache->touched[i]);
        r = db_run(set);
    }
    cache->touched_count = 0;
    return r;
}

static int touch(struct cache *cache, int64_t id)
{
    int64_t *at = cache->touched, *end = at + cache->touched_count;
    int r;

    while (at < end && *at != id)
        at++;
    if (at < end) {
        memmove(at, at + 1, (size_t)(end - at - 1) * sizeof *at);
        end[-1] = id;
        return 0;
    }
    *end = id;
    if (++cache->touched_count < TOUCHED_MAX)
        return 0;
    if ((r = db_begin(cache->db)) < 0)
        return r;
    return db_end(cache->db, write_touched(cache));
}

/* ---- removing ---- */

/* Rows that go, and the names of their files, NUL-terminated, for remove_files(). */
struct doomed {
    struct buf files;
    int count;
};

static void doomed_init(struct doomed *doomed)
{
    *doomed = (struct doomed){0};
    buf_init(&doomed->files, DOOMED_BYTES_MAX);
}

/* A file that is not remembered, which takes thousands at once, is left to the next sweep. */
static int remove_row(struct cache *cache, int64_t id, str file, struct doomed *doomed)
{
    sqlite3_stmt *remove = db_statement(cache->db, "DELETE FROM entry WHERE id = ?");
    char name[CACHE_BODY_NAME_BYTES] = {0};

    if (file.len == sizeof name - 1) {
        memcpy(name, file.ptr, file.len);
        (void)!buf_append(&doomed->files, (str){name, sizeof name});
    }
    doomed->count++;
    sqlite3_bind_int64(remove, 1, id);
    return db_run(remove);
}

static void remove_files(const struct cache *cache, struct doomed *doomed)
{
    for (size_t at = 0; at < doomed->files.len; at += CACHE_BODY_NAME_BYTES)
        cache_body_remove(cache->bodies, doomed->files.ptr + at);
    buf_done(&doomed->files);
}

static int total_of(struct cache *cache, uint64_t *ret_bytes)
{
    sqlite3_stmt *total = db_statement(cache->db, "SELECT bytes FROM total");
    int r = db_step(total);

    if (r <= 0)
        return r < 0 ? r : ERR_INVALID;
    *ret_bytes = (uint64_t)sqlite3_column_int64(total, 0);
    sqlite3_reset(total);
    return 0;
}

/* Removes the rows that the statement gives, (id, file) each. */
static int remove_rows(struct cache *cache, sqlite3_stmt *rows, struct doomed *doomed)
{
    struct row {
        int64_t id;
        char file[CACHE_BODY_NAME_BYTES];
    } found[EVICT_AT_ONCE];
    size_t count = 0;
    int r = 0;

    while (count < COUNT_OF(found) && (r = db_step(rows)) > 0) {
        str file = db_column(rows, 1);

        found[count].id = sqlite3_column_int64(rows, 0);
        snprintf(found[count].file, sizeof found->file, "%.*s", STR_ARGS(file));
        count++;
    }
    sqlite3_reset(rows);
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = remove_row(cache, found[i].id, str_from(found[i].file), doomed);
    return r < 0 ? r : (int)count;
}

/* Makes room: expired entries first, then the least recently used. */
static int evict(struct cache *cache, int64_t now, struct doomed *doomed)
{
    bool any_expired = true;
    uint64_t total;
    int r = 0;

    while (r >= 0 && (r = total_of(cache, &total)) == 0 && total > cache->bytes_max) {
        sqlite3_stmt *rows = any_expired
                                 ? db_statement(cache->db, "SELECT id, file FROM entry WHERE "
                                                           "expires <= ? LIMIT 16")
                                 : db_statement(cache->db, "SELECT id, file FROM entry "
                                                           "ORDER BY used, id LIMIT 1");

        if (any_expired)
            sqlite3_bind_int64(rows, 1, now);
        r = remove_rows(cache, rows, doomed);
        if (r == 0 && !any_expired)
            return ERR_INVALID; /* bytes without an entry */
        any_expired = any_expired && r > 0;
    }
    return r < 0 ? r : 0;
}

/* ---- finding ---- */

struct find {
    const struct cache_key *key;
    int64_t now;
    struct cache_entry *entry;
    int fd;
    bool gone; /* a row whose file is not there */
};

static int take_text(struct buf *out, str text)
{
    buf_clear(out);
    return buf_append(out, text) < 0 ? ERR_INVALID : 0;
}

static int take_row(sqlite3_stmt *row, struct cache_entry *entry)
{
    str file = db_column(row, 9);

    entry->status = sqlite3_column_int(row, 1);
    entry->stored = sqlite3_column_int64(row, 4);
    entry->age = sqlite3_column_int64(row, 5);
    entry->expires = sqlite3_column_int64(row, 6);
    entry->has_body = sqlite3_column_int(row, 7);
    entry->length = (uint64_t)sqlite3_column_int64(row, 8);
    if (file.len && file.len != CACHE_BODY_NAME_BYTES - 1)
        return ERR_INVALID;
    snprintf(entry->file, sizeof entry->file, "%.*s", STR_ARGS(file));
    if (take_text(&entry->reason, db_column(row, 2)) < 0 ||
        take_text(&entry->headers, db_column(row, 3)) < 0 ||
        take_text(&entry->body, db_column(row, 10)) < 0)
        return ERR_INVALID;
    return file.len || entry->body.len == entry->length ? 0 : ERR_INVALID;
}

/* True when the request selects this row: the same fields as those it was stored for. */
static bool is_for(sqlite3_stmt *row, const struct cache_key *key, struct buf *variant)
{
    buf_clear(variant);
    return cache_rule_variant(db_column(row, 3), key->headers, variant) == 0 &&
           str_equal(buf_str(variant), db_column(row, 11));
}

static int open_found(struct cache *cache, struct find *find)
{
    int r;

    if (!*find->entry->file)
        return 0;
    r = cache_body_open(cache->bodies, find->entry->file, find->entry->length);
    find->gone = r == ERR_NOT_FOUND;
    find->fd = r < 0 ? -1 : r;
    return r < 0 ? r : 0;
}

static int run_find(struct cache *cache, void *context)
{
    static const char sql[] =
        "SELECT id, status, reason, headers, stored, age, expires, has_body, length, file, body,"
        "  variant FROM entry WHERE url = ? AND space = ? AND expires > ? ORDER BY id DESC";
    struct find *find = context;
    sqlite3_stmt *row = db_statement(cache->db, sql);
    int64_t id;
    int r;

    db_bind(row, 1, find->key->url);
    db_bind(row, 2, find->key->space);
    sqlite3_bind_int64(row, 3, find->now);
    while ((r = db_step(row)) > 0 && !is_for(row, find->key, &find->entry->variant))
        ;
    if (r <= 0)
        return r < 0 ? r : ERR_NOT_FOUND;
    id = sqlite3_column_int64(row, 0);
    r = take_row(row, find->entry);
    sqlite3_reset(row);
    if (r < 0 || (r = open_found(cache, find)) < 0)
        return r;
    (void)!touch(cache, id); /* that it was used is not worth a miss */
    return 0;
}

static int run_forget(struct cache *cache, void *context)
{
    sqlite3_stmt *remove = db_statement(cache->db, "DELETE FROM entry WHERE file = ?");

    sqlite3_bind_text(remove, 1, context, -1, SQLITE_STATIC);
    return db_run(remove);
}

int cache_find(struct cache *cache, const struct cache_key *key, int64_t now,
               struct cache_entry *ret, int *ret_fd)
{
    struct find find = {key, now, ret, -1, false};
    struct use use = {run_find, &find, false}, forget = {run_forget, ret->file, true};
    struct err err = {0};
    int r = ERR_NOT_FOUND;

    for (int tries = 0; tries < FIND_TRIES; tries++) {
        find.gone = false;
        r = with_index(cache, &use, &err);
        if (!find.gone)
            break;
        (void)!with_index(cache, &forget, &err);
        r = ERR_NOT_FOUND;
    }
    *ret_fd = find.fd;
    return r;
}

int cache_open_body(const struct cache *cache, const char *file, uint64_t length)
{
    return cache_body_open(cache->bodies, file, length);
}

/* ---- changing ---- */

struct change {
    const struct cache_key *key;
    const struct cache_entry *entry; /* NULL: only remove */
    int64_t now;
    struct doomed doomed;
    bool any_fresh;
};

/* The URL's rows: all of them, or those of the same variant, and the oldest when there are many. */
static int remove_older(struct cache *cache, struct change *change)
{
    static const char all[] = "SELECT id, file FROM entry WHERE url = ? AND space = ? LIMIT 16";
    static const char same[] = "SELECT id, file FROM entry WHERE url = ?1 AND space = ?2 AND "
                               "(variant = ?3 OR id <= (SELECT id FROM entry WHERE url = ?1 AND "
                               "space = ?2 ORDER BY id DESC LIMIT 1 OFFSET 63)) LIMIT 16";
    int r;

    do {
        sqlite3_stmt *rows = db_statement(cache->db, change->entry ? same : all);

        db_bind(rows, 1, change->key->url);
        db_bind(rows, 2, change->key->space);
        if (change->entry)
            db_bind(rows, 3, buf_str(&change->entry->variant));
        r = remove_rows(cache, rows, &change->doomed);
    } while (r > 0);
    return r;
}

static int insert_row(struct cache *cache, const struct change *change)
{
    static const char sql[] =
        "INSERT INTO entry (space, url, variant, status, reason, headers, stored, age, expires,"
        "  used, has_body, length, size, file, body) VALUES (?,?,?,?,?,?,?,?,?,"
        "  (SELECT ifnull(max(used), 0) + 1 FROM entry),?,?,?,?,?)";
    const struct cache_entry *entry = change->entry;
    sqlite3_stmt *insert = db_statement(cache->db, sql);
    uint64_t size = CACHE_ENTRY_BYTES + change->key->space.len + change->key->url.len +
                    entry->variant.len + entry->headers.len + entry->length;

    db_bind(insert, 1, change->key->space);
    db_bind(insert, 2, change->key->url);
    db_bind(insert, 3, buf_str(&entry->variant));
    sqlite3_bind_int(insert, 4, entry->status);
    db_bind(insert, 5, buf_str(&entry->reason));
    db_bind(insert, 6, buf_str(&entry->headers));
    sqlite3_bind_int64(insert, 7, entry->stored);
    sqlite3_bind_int64(insert, 8, entry->age);
    sqlite3_bind_int64(insert, 9, entry->expires);
    sqlite3_bind_int(insert, 10, entry->has_body);
    sqlite3_bind_int64(insert, 11, (int64_t)entry->length);
    sqlite3_bind_int64(insert, 12, (int64_t)size);
    sqlite3_bind_text(insert, 13, entry->file, -1, SQLITE_STATIC);
    db_bind(insert, 14, buf_str(&entry->body));
    return db_run(insert);
}

static int run_insert(struct cache *cache, void *context)
{
    struct change *change = context;
    int r = write_touched(cache);

    if (r < 0 || (r = remove_older(cache, change)) < 0 || (r = insert_row(cache, change)) < 0)
        return r;
    return evict(cache, change->now, &change->doomed);
}

/* The files go when the change of the index is committed, and stay when it is not. */
static int make_change(struct cache *cache, struct change *change,
                       int (*run)(struct cache *cache, void *context), struct err *err)
{
    struct use use = {run, change, true};
    int r;

    err->code = 0;
    doomed_init(&change->doomed);
    r = with_index(cache, &use, err);
    if (r < 0)
        buf_clear(&change->doomed.files);
    remove_files(cache, &change->doomed);
    return r;
}

int cache_insert(struct cache *cache, const struct cache_key *key, const struct cache_entry *entry,
                 int64_t now, struct err *err)
{
    struct change change = {.key = key, .entry = entry, .now = now};

    return make_change(cache, &change, run_insert, err);
}

static int run_remove(struct cache *cache, void *context)
{
    struct change *change = context;
    sqlite3_stmt *fresh = db_statement(
        cache->db, "SELECT 1 FROM entry WHERE url = ? AND space = ? AND expires > ? LIMIT 1");
    int r;

    db_bind(fresh, 1, change->key->url);
    db_bind(fresh, 2, change->key->space);
    sqlite3_bind_int64(fresh, 3, change->now);
    if ((r = db_step(fresh)) < 0)
        return r;
    change->any_fresh = r > 0;
    sqlite3_reset(fresh);
    return remove_older(cache, change);
}

int cache_remove(struct cache *cache, const struct cache_key *key, int64_t now, struct err *err)
{
    struct change change = {.key = key, .now = now};
    int r = make_change(cache, &change, run_remove, err);

    if (r < 0)
        return r;
    return change.any_fresh ? 0 : ERR_NOT_FOUND;
}

/* ---- bodies ---- */

static int run_is_known(struct cache *cache, void *context)
{
    sqlite3_stmt *find = db_statement(cache->db,
                                      "SELECT 1 FROM entry WHERE file = ? AND file <> ''");
    int r;

    sqlite3_bind_text(find, 1, context, -1, SQLITE_STATIC);
    r = db_step(find);
    sqlite3_reset(find);
    return r < 0 ? r : r > 0 ? 0 : ERR_NOT_FOUND;
}

/* In doubt it is. */
static bool is_known(void *context, const char *name)
{
    struct cache *cache = context;
    struct use use = {run_is_known, (void *)name, false};
    struct err err = {0};

    return with_index(cache, &use, &err) != ERR_NOT_FOUND;
}

void cache_sweep(struct cache *cache)
{
    cache_body_sweep(cache->bodies, is_known, cache);
}

int cache_reserve(struct cache *cache, uint64_t before, uint64_t more)
{
    uint64_t one_max = cache->bytes_max / 2;
    int r = 0;

    if (one_max > CACHE_BODY_BYTES_MAX)
        one_max = CACHE_BODY_BYTES_MAX;
    pthread_mutex_lock(&cache->writing_mutex);
    if (before + more > one_max || cache->writing + more > cache->bytes_max)
        r = ERR_LIMIT;
    else
        cache->writing += more;
    pthread_mutex_unlock(&cache->writing_mutex);
    return r;
}

void cache_release(struct cache *cache, uint64_t bytes)
{
    pthread_mutex_lock(&cache->writing_mutex);
    cache->writing -= bytes;
    pthread_mutex_unlock(&cache->writing_mutex);
}

const char *cache_bodies(const struct cache *cache)
{
    return cache->bodies;
}
