/* The pace of the disk and of SQLite, without a server: `group_commit DIRECTORY SECONDS` puts rows
 * of 100 bytes under random keys, 64 a transaction, each transaction synced, and prints how many a
 * second, and how many a second of CPU time. The table has the columns and the index that a KV
 * namespace needs, with nothing in those for metadata and for the time when a key expires.
 *
 * It is what `64 puts at once` is measured against. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROWS = 64, KEYS = 10000, VALUE_BYTES = 100 };

static double read_clock(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return;
    fprintf(stderr, "group_commit: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static void put(sqlite3_stmt *insert)
{
    static char value[VALUE_BYTES];
    char key[16];
    int len = snprintf(key, sizeof key, "key:%d", rand() % KEYS);

    sqlite3_bind_blob(insert, 1, key, len, SQLITE_STATIC);
    sqlite3_bind_int(insert, 2, sizeof value);
    sqlite3_bind_blob(insert, 3, value, sizeof value, SQLITE_STATIC);
    if (sqlite3_step(insert) != SQLITE_DONE)
        exit(1);
    sqlite3_reset(insert);
}

int main(int argc, char **argv)
{
    sqlite3 *db;
    sqlite3_stmt *insert;
    char path[4096];
    double start, end, cpu;
    long rows = 0;

    if (argc != 3)
        return 2;
    snprintf(path, sizeof path, "%s/group_commit.db", argv[1]);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        return 1;
    run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "PRAGMA cache_size = -4096;"
            "CREATE TABLE entry (id INTEGER PRIMARY KEY, key BLOB UNIQUE, expires INTEGER,"
            "  length INTEGER, metadata BLOB, value BLOB);"
            "CREATE INDEX entry_expires ON entry (expires) WHERE expires IS NOT NULL");
    if (sqlite3_prepare_v2(db,
                           "INSERT INTO entry (key, length, value) VALUES (?, ?, ?) "
                           "ON CONFLICT (key) DO UPDATE SET length = excluded.length, "
                           "metadata = excluded.metadata, value = excluded.value",
                           -1, &insert, NULL) != SQLITE_OK)
        return 1;
    cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    start = read_clock(CLOCK_MONOTONIC);
    end = start + atof(argv[2]);
    while (read_clock(CLOCK_MONOTONIC) < end) {
        run(db, "BEGIN IMMEDIATE");
        for (int i = 0; i < ROWS; i++, rows++)
            put(insert);
        run(db, "COMMIT");
    }
    printf("JSON [%.1f, %.1f]\n", (double)rows / (read_clock(CLOCK_MONOTONIC) - start),
           (double)rows / (read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu));
    return 0;
}
