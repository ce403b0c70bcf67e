/* Usage by worker and minute; see usage.h.
 *
 * A row of `usage` is a worker's minute; what is older than USAGE_DAYS is added to the row of its
 * day's first minute. That is done for some workers at each usage_add(), from the first one on
 * again when a day has passed, so that no call takes long. Outcomes are rows of their own.
 * What cannot be a counter (a text, a negative number) counts as 0, and more than COUNT_MAX at once
 * as that: the numbers come from processes that tenants' code runs in. */
#include "registry/usage.h"

#include "base/member.h"
#include "registry/registry_private.h"

#define COUNT_MAX INT64_C(1000000000000)
#define MINUTE_MS INT64_C(60000)
#define DAY_MS INT64_C(86400000)

enum { KEY_BYTES_MAX = 160, OUTCOME_BYTES_MAX = 64, OUTCOMES_MAX = 32, ROLLUP_WORKERS = 16 };

static const char first[] =
    "CREATE TABLE worker ("
    " id INTEGER PRIMARY KEY,"
    " account TEXT NOT NULL,"
    " script TEXT NOT NULL,"
    " UNIQUE (account, script));"
    "CREATE TABLE usage ("
    " worker INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL,"
    " requests INTEGER NOT NULL,"
    " errors INTEGER NOT NULL,"
    " subrequests INTEGER NOT NULL,"
    " cpu_us INTEGER NOT NULL,"
    " wall_us INTEGER NOT NULL,"
    " memory_mb_ms INTEGER NOT NULL,"
    " bytes_in INTEGER NOT NULL,"
    " bytes_out INTEGER NOT NULL,"
    " cold_starts INTEGER NOT NULL,"
    " PRIMARY KEY (worker, at_ms)) WITHOUT ROWID;"
    "CREATE TABLE outcome ("
    " worker INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL,"
    " outcome TEXT NOT NULL,"
    " count INTEGER NOT NULL,"
    " PRIMARY KEY (worker, at_ms, outcome)) WITHOUT ROWID;";

static const char classes[] =
    "ALTER TABLE usage ADD COLUMN class_a INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE usage ADD COLUMN class_b INTEGER NOT NULL DEFAULT 0;";

const char *const usage_schema_steps[] = {first, classes, NULL};

#define ADD_USAGE                                                                                  \
    " ON CONFLICT (worker, at_ms) DO UPDATE SET requests = requests + excluded.requests, "         \
    "errors = errors + excluded.errors, subrequests = subrequests + excluded.subrequests, "        \
    "cpu_us = cpu_us + excluded.cpu_us, wall_us = wall_us + excluded.wall_us, "                    \
    "memory_mb_ms = memory_mb_ms + excluded.memory_mb_ms, "                                        \
    "bytes_in = bytes_in + excluded.bytes_in, bytes_out = bytes_out + excluded.bytes_out, "        \
    "cold_starts = cold_starts + excluded.cold_starts, class_a = class_a + excluded.class_a, "     \
    "class_b = class_b + excluded.class_b"

#define ADD_OUTCOME                                                                                \
    " ON CONFLICT (worker, at_ms, outcome) DO UPDATE SET count = count + excluded.count"

#define SUM(column) "ifnull(sum(" #column "), 0) AS " #column

#define SUMS                                                                                       \
    SUM(requests) ", " SUM(errors) ", " SUM(subrequests) ", " SUM(cpu_us) ", " SUM(wall_us) ", "   \
    SUM(memory_mb_ms) ", " SUM(bytes_in) ", " SUM(bytes_out) ", " SUM(cold_starts) ", "            \
    SUM(class_a) ", " SUM(class_b)

/* ---- adding ---- */

static int64_t count_of(const json_t *row, const char *key)
{
    json_int_t value = member_int(row, key);

    return value < 0 ? 0 : value < COUNT_MAX ? value : COUNT_MAX;
}

/* The worker's number, new when it is. */
static int find_worker(struct registry *registry, str key, int64_t *ret, struct err *err)
{
    char account[KEY_BYTES_MAX + 1];
    size_t slash = str_find(key, '/');
    const char *script;
    int r;

    memcpy(account, key.ptr, key.len);
    account[key.len] = 0;
    account[slash] = 0;
    script = account + slash + 1;
    r = query_integer(registry->usage_db,
                      query_make(registry->usage_db,
                                 "SELECT id FROM worker WHERE account = ? AND script = ?", "tt",
                                 account, script),
                      ret, err);
    if (r != 0)
        return r < 0 ? r : 0;
    r = query_run(registry->usage_db,
                  query_make(registry->usage_db,
                             "INSERT INTO worker (account, script) VALUES (?, ?)", "tt", account,
                             script),
                  err);
    *ret = sqlite3_last_insert_rowid(db_connection(registry->usage_db));
    return r;
}

static int add_outcomes(struct registry *registry, int64_t worker, int64_t at_ms,
                        const json_t *outcomes, struct err *err)
{
    const char *outcome;
    json_t *count;
    size_t left = OUTCOMES_MAX;
    int r = 0;

    json_object_foreach((json_t *)outcomes, outcome, count)
        if (r == 0 && left && strlen(outcome) <= OUTCOME_BYTES_MAX) {
            left--;
            r = query_run(registry->usage_db,
                          query_make(registry->usage_db,
                                     "INSERT INTO outcome (worker, at_ms, outcome, count) "
                                     "VALUES (?, ?, ?, ?)" ADD_OUTCOME,
                                     "iiti", worker, at_ms, outcome, count_of(outcomes, outcome)),
                          err);
        }
    return r;
}

static int add_row(struct registry *registry, int64_t at_ms, const char *key, const json_t *row,
                   struct err *err)
{
    int64_t worker = 0;
    int r = find_worker(registry, str_from(key), &worker, err);

    if (r < 0)
        return r;
    r = query_run(registry->usage_db,
                  query_make(registry->usage_db,
                             "INSERT INTO usage (worker, at_ms, requests, errors, subrequests, "
                             "cpu_us, wall_us, memory_mb_ms, bytes_in, bytes_out, cold_starts, "
                             "class_a, class_b) "
                             "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" ADD_USAGE,
                             "iiiiiiiiiiiii", worker, at_ms, count_of(row, "requests"),
                             count_of(row, "errors"), count_of(row, "subrequests"),
                             count_of(row, "cpu_us"), count_of(row, "wall_us"),
                             count_of(row, "memory_mb_ms"), count_of(row, "bytes_in"),
                             count_of(row, "bytes_out"), count_of(row, "cold_starts"),
                             count_of(row, "class_a"), count_of(row, "class_b")),
                  err);
    return r < 0 ? r : add_outcomes(registry, worker, at_ms, json_object_get(row, "outcomes"), err);
}

static bool is_key(const char *key)
{
    const char *slash = strchr(key, '/');

    return slash && slash > key && slash[1] && !strchr(slash + 1, '/') &&
           strlen(key) <= KEY_BYTES_MAX;
}

static int add_all(struct registry *registry, int64_t at_ms, const json_t *counters,
                   struct err *err)
{
    const char *key;
    json_t *row;
    int r = 0;

    json_object_foreach((json_t *)counters, key, row)
        if (r == 0 && is_key(key))
            r = add_row(registry, at_ms, key, row, err);
    return r;
}

/* ---- old minutes become days ---- */

static int rollup_worker(struct registry *registry, int64_t worker, int64_t before_ms,
                         struct err *err)
{
    static const char *const steps[] = {
        "INSERT INTO usage SELECT worker, at_ms - at_ms % 86400000 AS day, " SUMS
        " FROM usage WHERE worker = ?1 AND at_ms < ?2 AND at_ms % 86400000 <> 0 "
        "GROUP BY day" ADD_USAGE,
        "DELETE FROM usage WHERE worker = ?1 AND at_ms < ?2 AND at_ms % 86400000 <> 0",
        "INSERT INTO outcome SELECT worker, at_ms - at_ms % 86400000 AS day, outcome, sum(count)"
        " FROM outcome WHERE worker = ?1 AND at_ms < ?2 AND at_ms % 86400000 <> 0 "
        "GROUP BY day, outcome" ADD_OUTCOME,
        "DELETE FROM outcome WHERE worker = ?1 AND at_ms < ?2 AND at_ms % 86400000 <> 0",
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(steps); i++)
        r = query_run(registry->usage_db,
                      query_make(registry->usage_db, steps[i], "ii", worker, before_ms), err);
    return r;
}

/* Some workers further, or from the first one on again on another day. */
static int rollup(struct registry *registry, int64_t at_ms, struct err *err)
{
    int64_t today = at_ms - at_ms % DAY_MS;
    json_t *workers, *row;
    size_t i;
    int r;

    if (registry->rollup_day != today) {
        registry->rollup_day = today;
        registry->rollup_worker = 0;
    }
    if (registry->rollup_worker < 0)
        return 0;
    r = query_rows(registry->usage_db,
                   query_make(registry->usage_db,
                              "SELECT id FROM worker WHERE id > ? ORDER BY id LIMIT ?", "ii",
                              registry->rollup_worker, (int64_t)ROLLUP_WORKERS),
                   &workers, err);
    if (r < 0)
        return r;
    json_array_foreach(workers, i, row) {
        registry->rollup_worker = member_int(row, "id");
        if (r == 0)
            r = rollup_worker(registry, registry->rollup_worker, today - USAGE_DAYS * DAY_MS, err);
    }
    if (json_array_size(workers) < ROLLUP_WORKERS)
        registry->rollup_worker = -1; /* all were looked at */
    json_decref(workers);
    return r;
}

int usage_add(struct registry *registry, int64_t at_ms, const json_t *counters, struct err *err)
{
    int r = at_ms < 0 ? ERR_INVALID : db_begin(registry->usage_db);

    if (r < 0)
        return at_ms < 0 ? err_set(err, r, "usage has a time before 1970")
                         : query_fail(registry->usage_db, r, err);
    if ((r = add_all(registry, at_ms - at_ms % MINUTE_MS, counters, err)) == 0 &&
        (r = rollup(registry, at_ms, err)) == 0 && (r = db_end(registry->usage_db, 0)) < 0)
        return query_fail(registry->usage_db, r, err);
    return r < 0 ? db_end(registry->usage_db, r) : 0;
}

/* ---- reading ---- */

/* How rows are put together: what stands in GROUP BY. */
enum grouping { GROUP_STEP, GROUP_SCRIPT, GROUP_ALL };

static int check_query(const struct usage_query *query, struct err *err)
{
    if (query->step_ms != 0 && query->step_ms != MINUTE_MS && query->step_ms != 60 * MINUTE_MS &&
        query->step_ms != DAY_MS)
        return err_set(err, ERR_INVALID,
                       "usage is told by the minute, the hour, the day, or at once");
    if (query->from_ms < 0 || query->to_ms < query->from_ms)
        return err_set(err, ERR_INVALID, "usage is told from a time to a later one");
    if (query->step_ms && (query->to_ms - query->from_ms) / query->step_ms > USAGE_ROWS_MAX)
        return err_set(err, ERR_LIMIT,
                       "usage is told in at most %d rows: ask for a larger step or "
                       "a shorter time",
                       USAGE_ROWS_MAX);
    return 0;
}

static int read_counters(struct registry *registry, const struct usage_query *query,
                         enum grouping grouping, json_t **ret, struct err *err)
{
#define FROM                                                                                       \
    " FROM worker JOIN usage ON usage.worker = worker.id WHERE account = ?1 AND "                  \
    "(?2 IS NULL OR script = ?2) AND at_ms >= ?3 AND at_ms < ?4"
    static const char *const texts[] = {
        [GROUP_STEP] = "SELECT at_ms - at_ms % ?5 AS from_ms, " SUMS FROM " GROUP BY 1 ORDER BY 1",
        [GROUP_SCRIPT] =
            "SELECT script, ?3 + ?5 AS from_ms, " SUMS FROM " GROUP BY script ORDER BY script",
        [GROUP_ALL] = "SELECT ?3 + ?5 AS from_ms, " SUMS FROM,
    };
#undef FROM

    return query_rows(registry->usage_db,
                      query_make(registry->usage_db, texts[grouping], "ttiii", query->account,
                                 query->script, query->from_ms, query->to_ms, query->step_ms),
                      ret, err);
}

static int read_outcomes(struct registry *registry, const struct usage_query *query,
                         enum grouping grouping, json_t **ret, struct err *err)
{
#define FROM                                                                                       \
    ", outcome, sum(count) AS count FROM worker JOIN outcome ON outcome.worker = worker.id "       \
    "WHERE account = ?1 AND (?2 IS NULL OR script = ?2) AND at_ms >= ?3 AND at_ms < ?4"
    static const char *const texts[] = {
        [GROUP_STEP] =
            "SELECT at_ms - at_ms % ?5 AS place" FROM " GROUP BY 1, outcome ORDER BY 1, outcome",
        [GROUP_SCRIPT] =
            "SELECT script AS place" FROM " GROUP BY script, outcome ORDER BY script, outcome",
        [GROUP_ALL] = "SELECT ?5 AS place" FROM " GROUP BY outcome ORDER BY outcome",
    };
#undef FROM

    return query_rows(registry->usage_db,
                      query_make(registry->usage_db, texts[grouping], "ttiii", query->account,
                                 query->script, query->from_ms, query->to_ms, query->step_ms),
                      ret, err);
}

/* Both arrays are in the order of their places: each outcome joins the row of its place. */
static void join_outcomes(json_t *rows, const json_t *outcomes, enum grouping grouping)
{
    const char *key = grouping == GROUP_STEP ? "from_ms" : "script";
    size_t next = 0, i;
    json_t *row;

    json_array_foreach(rows, i, row) {
        json_t *of_row = json_object(), *outcome;

        for (; (outcome = json_array_get(outcomes, next)); next++) {
            if (grouping != GROUP_ALL &&
                !json_equal(json_object_get(outcome, "place"), json_object_get(row, key)))
                break;
            json_object_set(of_row, member_text(outcome, "outcome"),
                            json_object_get(outcome, "count"));
        }
        json_object_set_new(row, "outcomes", of_row);
    }
}

int usage_read(struct registry *registry, const struct usage_query *query, json_t **ret,
               struct err *err)
{
    enum grouping grouping = query->step_ms ? GROUP_STEP : query->script ? GROUP_ALL : GROUP_SCRIPT;
    json_t *rows, *outcomes;
    int r = check_query(query, err);

    if (r < 0 || (r = read_counters(registry, query, grouping, &rows, err)) < 0)
        return r;
    if ((r = read_outcomes(registry, query, grouping, &outcomes, err)) < 0) {
        json_decref(rows);
        return r;
    }
    join_outcomes(rows, outcomes, grouping);
    json_decref(outcomes);
    *ret = rows;
    return 0;
}
