/* The bounded log of each worker; see log_store.h.
 *
 * Events wait in a queue until log_store_flush(). Of one worker no more waits than may be kept of
 * it, and QUEUE_BYTES_MAX in all: what comes beyond that is dropped, so that a worker that floods
 * its log costs its own lines. worker.bytes is the sum of its events, kept with each change. */
#include "registry/log_store.h"

#include <stdlib.h>

#include "base/member.h"
#include "registry/registry_private.h"

enum { KEY_BYTES_MAX = 160, QUEUE_BYTES_MAX = 64 << 20, FORGET_STEP = 64, EVENT_BYTES = 64,
       PAGE_ROWS = 100 };

struct event {
    char *key;
    char *text;         /* JSON */
    char *outcome;
    size_t len;
    int64_t at_ms;
};

struct log_store {
    struct event *events;
    size_t count, cap;
    uint64_t bytes;          /* of all events that wait */
    json_t *waiting;         /* object of key to bytes */
    uint64_t bytes_max;      /* of a worker */
};

static const char first[] =
    "CREATE TABLE worker ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " key TEXT NOT NULL UNIQUE,"
    " bytes INTEGER NOT NULL);"
    "CREATE TABLE event ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " worker INTEGER NOT NULL REFERENCES worker(id) ON DELETE CASCADE,"
    " at_ms INTEGER NOT NULL,"
    " outcome TEXT NOT NULL,"
    " bytes INTEGER NOT NULL,"
    " body TEXT NOT NULL);"
    "CREATE INDEX event_worker ON event(worker, id);";

const char *const log_store_schema_steps[] = {first, NULL};

struct log_store *log_store_new(void)
{
    struct log_store *logs = mem_new(struct log_store);

    logs->waiting = json_object();
    logs->bytes_max = LOG_STORE_BYTES_DEFAULT;
    return logs;
}

static void clear(struct log_store *logs)
{
    for (size_t i = 0; i < logs->count; i++) {
        free(logs->events[i].key);
        free(logs->events[i].text);
        free(logs->events[i].outcome);
    }
    free(logs->events);
    logs->events = NULL;
    logs->count = logs->cap = 0;
    logs->bytes = 0;
    json_object_clear(logs->waiting);
}

void log_store_free(struct log_store *logs)
{
    if (!logs)
        return;
    clear(logs);
    json_decref(logs->waiting);
    free(logs);
}

void log_store_set_bytes(struct registry *registry, uint64_t bytes_per_worker)
{
    registry->logs->bytes_max = bytes_per_worker;
}

/* ---- the queue ---- */

static bool is_kept(const json_t *event)
{
    const char *outcome = member_text(event, "outcome");

    return json_array_size(json_object_get(event, "logs")) ||
           json_array_size(json_object_get(event, "exceptions")) ||
           (outcome && strcmp(outcome, "ok") != 0);
}

/* Counts bytes of a worker's queue; false when it is full. */
static bool take_room(struct log_store *logs, const char *key, size_t len)
{
    uint64_t waiting = (uint64_t)member_int(logs->waiting, key);

    if (logs->bytes + len > QUEUE_BYTES_MAX || waiting + len > logs->bytes_max)
        return false;
    logs->bytes += len;
    json_object_set_new(logs->waiting, key, json_integer((json_int_t)waiting + (json_int_t)len));
    return true;
}

void log_store_add(struct registry *registry, const char *key, const json_t *event)
{
    struct log_store *logs = registry->logs;
    const char *outcome = member_text(event, "outcome");
    char *text;
    size_t len;

    if (!is_kept(event) || strlen(key) > KEY_BYTES_MAX)
        return;
    text = json_dumps(event, JSON_COMPACT);
    len = strlen(text) + EVENT_BYTES;
    if (!take_room(logs, key, len)) {
        free(text);
        return;
    }
    if (logs->count == logs->cap) {
        logs->cap = logs->cap ? 2 * logs->cap : 16;
        logs->events = mem_resize(logs->events, logs->cap * sizeof *logs->events);
    }
    logs->events[logs->count++] = (struct event){
        .key = str_dup(str_from(key)),
        .text = text,
        .outcome = str_dup(str_from(outcome ? outcome : "")),
        .len = len,
        .at_ms = member_int(event, "eventTimestamp"),
    };
}

/* ---- flushing ---- */

static int find_worker(struct db *db, const char *key, int64_t *ret, struct err *err)
{
    int r = query_integer(db, query_make(db, "SELECT id FROM worker WHERE key = ?", "t", key), ret,
                          err);

    if (r != 0)
        return r < 0 ? r : 0;
    r = query_run(db, query_make(db, "INSERT INTO worker (key, bytes) VALUES (?, 0)", "t", key),
                  err);
    *ret = sqlite3_last_insert_rowid(db_connection(db));
    return r;
}

static int write_event(struct db *db, const struct event *event, struct err *err)
{
    int64_t worker = 0;
    int r = find_worker(db, event->key, &worker, err);

    if (r == 0)
        r = query_run(db,
                      query_make(db,
                                 "INSERT INTO event (worker, at_ms, outcome, bytes, body) "
                                 "VALUES (?, ?, ?, ?, ?)",
                                 "iitit", worker, event->at_ms, event->outcome, (int64_t)event->len,
                                 event->text),
                      err);
    if (r == 0)
        r = query_run(db,
                      query_make(db, "UPDATE worker SET bytes = bytes + ? WHERE id = ?", "ii",
                                 (int64_t)event->len, worker),
                      err);
    return r;
}

/* The id up to which a worker's oldest events go, and their bytes, to save `excess`; at most
 * FORGET_STEP of them. */
static int choose_oldest(struct db *db, int64_t worker, int64_t excess, int64_t *ret_id,
                         int64_t *ret_bytes, struct err *err)
{
    sqlite3_stmt *rows = query_make(db,
                                    "SELECT id, bytes FROM event WHERE worker = ? ORDER BY id "
                                    "LIMIT ?",
                                    "ii", worker, (int64_t)FORGET_STEP);
    int r = 1;

    *ret_id = *ret_bytes = 0;
    while (*ret_bytes < excess && (r = db_step(rows)) > 0) {
        *ret_id = sqlite3_column_int64(rows, 0);
        *ret_bytes += sqlite3_column_int64(rows, 1);
    }
    sqlite3_reset(rows);
    return r < 0 ? query_fail(db, r, err) : 0;
}

static int forget_events(struct db *db, int64_t worker, int64_t id, int64_t bytes, struct err *err)
{
    int r = query_run(db,
                      query_make(db, "DELETE FROM event WHERE worker = ? AND id <= ?", "ii", worker,
                                 id),
                      err);

    if (r == 0)
        r = query_run(db,
                      query_make(db, "UPDATE worker SET bytes = bytes - ? WHERE id = ?", "ii",
                                 bytes, worker),
                      err);
    return r;
}

static int forget_oldest(struct db *db, const char *key, uint64_t bytes_max, struct err *err)
{
    for (;;) {
        int64_t worker = 0, bytes = 0, id = 0, freed = 0;
        int r = query_integer(db, query_make(db, "SELECT id FROM worker WHERE key = ?", "t", key),
                              &worker, err);

        if (r > 0)
            r = query_integer(db,
                              query_make(db, "SELECT bytes FROM worker WHERE id = ?", "i", worker),
                              &bytes, err);
        if (r <= 0 || bytes <= (int64_t)bytes_max)
            return r < 0 ? r : 0;
        if ((r = choose_oldest(db, worker, bytes - (int64_t)bytes_max, &id, &freed, err)) < 0 ||
            (r = forget_events(db, worker, id, freed, err)) < 0)
            return r;
        if (!freed)
            return 0;
    }
}

static int write_all(struct registry *registry, struct err *err)
{
    struct log_store *logs = registry->logs;
    const char *key;
    json_t *bytes;
    int r = 0;

    for (size_t i = 0; r == 0 && i < logs->count; i++)
        r = write_event(registry->logs_db, &logs->events[i], err);
    json_object_foreach(logs->waiting, key, bytes)
        if (r == 0)
            r = forget_oldest(registry->logs_db, key, logs->bytes_max, err);
    return r;
}

int log_store_flush(struct registry *registry, struct err *err)
{
    struct db *db = registry->logs_db;
    int r;

    if (!registry->logs->count)
        return 0;
    if ((r = db_begin(db)) < 0)
        return query_fail(db, r, err);
    if ((r = write_all(registry, err)) < 0)
        return db_end(db, r);
    if ((r = db_end(db, 0)) < 0)
        return query_fail(db, r, err);
    clear(registry->logs);
    return 0;
}

int log_store_delete(struct registry *registry, const char *key, struct err *err)
{
    return query_run(registry->logs_db,
                     query_make(registry->logs_db, "DELETE FROM worker WHERE key = ?", "t", key),
                     err);
}

/* ---- reading ---- */

/* Does one of the texts in this value have the words? Case does not count. */
static bool has_words(const json_t *value, const char *words)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_string(value))
        return strcasestr(json_string_value(value), words);
    json_array_foreach(value, i, item)
        if (has_words(item, words))
            return true;
    json_object_foreach((json_t *)value, key, item)
        if (has_words(item, words))
            return true;
    return false;
}

static bool is_found(const json_t *row, const char *words)
{
    const json_t *event = json_object_get(row, "event");
    const json_t *request = json_object_get(event, "request");
    const json_t *exception, *line;
    size_t i;

    if (!words || !*words || has_words(json_object_get(request, "url"), words))
        return true;
    json_array_foreach(json_object_get(row, "logs"), i, line)
        if (has_words(json_object_get(line, "message"), words))
            return true;
    json_array_foreach(json_object_get(row, "exceptions"), i, exception)
        if (has_words(exception, words))
            return true;
    return false;
}

/* Removes what does not have the words, from the first row on, until there are `limit` rows. */
static void filter(json_t *rows, const char *words, json_t *found, size_t limit)
{
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
        if (json_array_size(found) < limit && is_found(row, words))
            json_array_append(found, row);
}

/* The next rows before *before, which becomes the last one's id; 0 at the end. */
static int read_page(struct registry *registry, const struct log_store_query *query,
                     int64_t *before, json_t **ret, struct err *err)
{
    struct db *db = registry->logs_db;
    int r =
        query_rows(db,
                   query_make(db,
                              "SELECT event.id AS id, body AS \"*:json\" FROM worker JOIN event "
                              "ON event.worker = worker.id WHERE key = ?1 AND event.id < ?2 "
                              "AND at_ms >= ?3 AND at_ms < ?4 AND (?5 IS NULL OR "
                              "instr(',' || ?5 || ',', ',' || outcome || ',')) "
                              "ORDER BY event.id DESC LIMIT ?6",
                              "tiiiti", query->key, *before, query->from_ms, query->to_ms,
                              query->outcome, (int64_t)PAGE_ROWS),
                   ret, err);

    if (r < 0)
        return r;
    *before = json_array_size(*ret) < PAGE_ROWS
                  ? 0
                  : json_integer_value(
                        json_object_get(json_array_get(*ret, json_array_size(*ret) - 1), "id"));
    return 0;
}

int log_store_read(struct registry *registry, const struct log_store_query *query, json_t **ret,
                   struct err *err)
{
    int64_t before = query->before > 0 ? query->before : INT64_MAX;
    json_t *found = json_array(), *rows;
    int r;

    while (before && json_array_size(found) < query->limit) {
        if ((r = read_page(registry, query, &before, &rows, err)) < 0) {
            json_decref(found);
            return r;
        }
        filter(rows, query->search, found, query->limit);
        json_decref(rows);
    }
    *ret = found;
    return 0;
}
