/* `atoll d1 migrations create`, `list` and `apply`: files in a directory, by their names; which of
 * them ran is in the table d1_migrations, as wrangler keeps it. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/approval.h"
#include "cli/d1_run.h"
#include "cli/quantity.h"
#include "cli/terminal.h"
#include "os/file.h"
#include "os/path.h"

enum { SQL_BYTES_MAX = 16 << 20, NAME_BYTES_MAX = 200 };

#define TABLE                                                                                      \
    "CREATE TABLE IF NOT EXISTS \"d1_migrations\"(id INTEGER PRIMARY KEY AUTOINCREMENT, "          \
    "name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL);"

/* ---- files ---- */

static char *directory_of(const struct depot *depot, const struct cli_args *args)
{
    const char *given = cli_value(args, "dir");

    return given
               ? str_dup(str_from(given))
               : path_join(str_from(depot->config ? depot->config->root : "."), STR("migrations"));
}

static int add_file(void *names, const char *relative, struct err *err)
{
    (void)err;
    if (str_ends(str_from(relative), STR(".sql")) && !strchr(relative, '/'))
        json_array_append_new(names, json_string(relative));
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

/* Names of files, sorted. Returned owned. */
static int list_files(const char *directory, json_t **ret, struct err *err)
{
    json_t *found = json_array(), *sorted = json_array(), **all;
    size_t count;
    int r = path_is_directory(directory) ? file_walk(directory, add_file, found, err) : 0;

    count = json_array_size(found);
    all = mem_alloc((count + 1) * sizeof *all);
    for (size_t i = 0; i < count; i++)
        all[i] = json_array_get(found, i);
    qsort(all, count, sizeof *all, compare);
    for (size_t i = 0; i < count; i++)
        json_array_append(sorted, all[i]);
    free(all);
    json_decref(found);
    if (r < 0)
        json_decref(sorted);
    else
        *ret = sorted;
    return r;
}

/* ---- which are to run ---- */

static int list_due(struct depot *depot, const char *directory, json_t **ret, struct err *err)
{
    json_t *files = NULL, *answer = NULL, *due = json_array(), *name;
    const json_t *rows;
    size_t i;
    int r = list_files(directory, &files, err);

    if (r == 0)
        r = d1_run_query(depot, TABLE "SELECT name FROM d1_migrations ORDER BY id;", &answer, err);
    rows = json_object_get(json_array_get(answer, 1), "results");
    json_array_foreach(files, i, name)
        if (!member_find(rows, "name", json_string_value(name)))
            json_array_append(due, name);
    json_decref(answer);
    json_decref(files);
    if (r < 0)
        json_decref(due);
    else
        *ret = due;
    return r;
}

static void print_due(const json_t *due)
{
    const json_t *name;
    size_t i;

    json_array_foreach(due, i, name) {
        terminal_print_text(stdout, PLAIN, json_string_value(name), false, 0);
        printf("\n");
    }
}

static int open_database(struct depot *depot, const struct cli_args *args, char **ret_directory)
{
    int status = depot_open(depot, args, "d1", cli_operands(args)[0]);

    *ret_directory = directory_of(depot, args);
    return status;
}

static int run_list(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the DATABASE");
    struct depot depot = {0};
    json_t *due = NULL;
    char *directory;
    struct err err;

    if (status != EXIT_DONE)
        return status;
    status = open_database(&depot, args, &directory);
    if (status == EXIT_DONE && list_due(&depot, directory, &due, &err) < 0)
        status = depot_fail(&depot, &err);
    if (status == EXIT_DONE && !session_prints_json(&depot.session, due)) {
        print_due(due);
        fprintf(stderr, "%s to apply\n", quantity_of(json_array_size(due), "migration"));
    }
    json_decref(due);
    free(directory);
    depot_close(&depot);
    return status;
}

/* ---- apply ---- */

/* The file and that it ran are one transaction. */
static int apply_one(struct depot *depot, const char *directory, const char *name, struct err *err)
{
    char *path = path_join(str_from(directory), str_from(name)), *quoted;
    json_t *answer = NULL;
    struct buf sql;
    int r;

    buf_init(&sql, SQL_BYTES_MAX);
    r = file_read(path, &sql, err);
    free(path);
    quoted = mem_alloc(2 * strlen(name) + 1);
    for (size_t i = 0, at = 0; i <= strlen(name); i++) {
        if (name[i] == '\'')
            quoted[at++] = '\'';
        quoted[at++] = name[i];
    }
    if (r == 0 &&
        buf_printf(&sql, "\n\nINSERT INTO \"d1_migrations\" (name) VALUES ('%s');", quoted) < 0)
        r = err_set(err, ERR_LIMIT, "%s is too long", name);
    if (r == 0 && buf_append_char(&sql, 0) < 0)
        r = err_set(err, ERR_LIMIT, "%s is too long", name);
    if (r == 0)
        r = d1_run_query(depot, sql.ptr, &answer, err);
    free(quoted);
    json_decref(answer);
    buf_done(&sql);
    return r;
}

static int apply_all(struct depot *depot, const char *directory, const json_t *due)
{
    const json_t *name;
    struct err err;
    size_t i;

    json_array_foreach(due, i, name) {
        const char *text = json_string_value(name);

        if (apply_one(depot, directory, text, &err) < 0) {
            fprintf(stderr, "%s did not run; those before it did\n", text);
            return depot_fail(depot, &err);
        }
        terminal_print(stdout, GREEN, "applied");
        printf(" ");
        terminal_print_text(stdout, PLAIN, text, false, 0);
        printf("\n");
    }
    if (!json_array_size(due))
        fprintf(stderr, "there are no migrations to apply\n");
    return EXIT_DONE;
}

static int run_apply(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the DATABASE");
    struct depot depot = {0};
    char *directory, question[128];
    json_t *due = NULL;
    struct err err;

    if (status != EXIT_DONE)
        return status;
    status = open_database(&depot, args, &directory);
    if (status == EXIT_DONE && list_due(&depot, directory, &due, &err) < 0)
        status = depot_fail(&depot, &err);
    if (status == EXIT_DONE && json_array_size(due)) {
        snprintf(question, sizeof question, "apply %s to %.60s?",
                 quantity_of(json_array_size(due), "migration"), cli_operands(args)[0]);
        status = approval_ask(args, question, false);
    }
    if (status == EXIT_DONE)
        status = apply_all(&depot, directory, due);
    json_decref(due);
    free(directory);
    depot_close(&depot);
    return status;
}

/* ---- create ---- */

/* One more than the highest number that a file begins with. */
static unsigned next_number(const json_t *files)
{
    unsigned highest = 0;
    const json_t *name;
    size_t i;

    json_array_foreach(files, i, name) {
        unsigned long number = strtoul(json_string_value(name), NULL, 10);

        if (number > highest && number < 1000000)
            highest = (unsigned)number;
    }
    return highest + 1;
}

static int write_new(const char *directory, const char *message, struct err *err)
{
    char file[NAME_BYTES_MAX + 32], *path;
    json_t *files = NULL;
    int at, r = list_files(directory, &files, err);

    if (r < 0 || (r = file_make_directories(directory, err)) < 0) {
        json_decref(files);
        return r;
    }
    at = snprintf(file, sizeof file, "%04u_%.*s.sql", next_number(files), NAME_BYTES_MAX, message);
    for (int i = 0; i < at - 4; i++)
        if (!isalnum((unsigned char)file[i]) && file[i] != '-')
            file[i] = '_';
    path = path_join(str_from(directory), str_from(file));
    r = file_write(path, STR("-- What this migration changes, as SQL.\n"), err);
    if (r == 0)
        printf("%s\n", path);
    free(path);
    json_decref(files);
    return r;
}

static int run_create(const struct cli_args *args)
{
    int status = cli_check_operands(args, 2, 2, "the DATABASE and what the migration does");
    struct depot depot = {0};
    char *directory;
    struct err err;

    if (status != EXIT_DONE)
        return status;
    status = depot_read_config(&depot, args);
    directory = directory_of(&depot, args);
    if (status == EXIT_DONE && write_new(directory, cli_operands(args)[1], &err) < 0) {
        terminal_error(err.text);
        status = EXIT_FAILED;
    }
    free(directory);
    depot_close(&depot);
    return status;
}

/* ---- rows ---- */

static const struct cli_option options[] = {
    {"dir", "DIRECTORY", "where the files are (migrations beside the configuration)"},
    DEPOT_OPTIONS,
    {0},
};

static const struct cli_option create_options[] = {
    {"dir", "DIRECTORY", "where the files are (migrations beside the configuration)"},
    {0},
};

static const struct cli_example create_examples[] = {
    {"atoll d1 migrations create DB \"add goods\"", "makes migrations/0001_add_goods.sql"},
    {0},
};

static const struct cli_example list_examples[] = {
    {"atoll d1 migrations list DB", "those that did not run yet"},
    {0},
};

static const struct cli_example apply_examples[] = {
    {"atoll d1 migrations apply DB --local", "for atoll dev"},
    {"atoll d1 migrations apply DB --yes && atoll deploy", "on the server, without a question"},
    {0},
};

const struct cli_command cmd_d1_migrations_create = {
    .name = "d1 migrations create",
    .usage = "DATABASE MESSAGE [OPTIONS]",
    .summary = "begin a file of SQL that changes a database",
    .options = create_options,
    .run = run_create,
    .examples = create_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_WORKER,
};

const struct cli_command cmd_d1_migrations_list = {
    .name = "d1 migrations list",
    .usage = "DATABASE [OPTIONS]",
    .summary = "list the migrations that did not run yet",
    .options = options,
    .run = run_list,
    .examples = list_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};

const struct cli_command cmd_d1_migrations_apply = {
    .name = "d1 migrations apply",
    .usage = "DATABASE [OPTIONS]",
    .summary = "run the migrations that did not run yet",
    .details = "Each file is a transaction of its own, with the note that it ran.",
    .options = options,
    .run = run_apply,
    .examples = apply_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_WORKER | CLI_YES,
};
