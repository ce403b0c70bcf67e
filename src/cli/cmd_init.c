/* `atoll init`: a new project from a template.
 *
 * A template is a directory of text files in which {{name}} and {{date}} are filled in; a file
 * called "gitignore" arrives as ".gitignore". */
#include <errno.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "control/config.h"
#include "control/suggest.h"
#include "os/file.h"
#include "os/path.h"

enum { TEMPLATE_FILE_MAX = 1 << 20, NOT_FOUND_STATUS = 127 };

static const char *const template_places[] = {"templates", "lib/atoll/templates", NULL};

static const struct template {
    const char *name, *what;
} templates[] = {
    {"hello",     "JavaScript, one file, no packages"},
    {"hello-ts",  "TypeScript with types, checked by tsc"},
    {"hono",      "TypeScript with the Hono router"},
    {"api",       "TypeScript, a REST API with a D1 database"},
    {"site",      "a static site: pages, style sheet, icon"},
    {"cron",      "runs by the clock"},
    {"websocket", "answers messages, with a page to try it"},
};

struct project_copy {
    const char *from;         /* the template's directory */
    const char *to;           /* the project's directory */
    str name;
    char date[sizeof "2026-01-31"];
};

/* Appends `text` with the blanks filled in. Returns 0 or ERR_LIMIT. */
static int fill(const struct project_copy *copy, str text, struct buf *out)
{
    const struct {
        str blank, value;
    } blanks[] = {{STR("{{name}}"), copy->name}, {STR("{{date}}"), str_from(copy->date)}};
    int r = 0;

    while (text.len && r == 0) {
        size_t i = 0;

        while (i < COUNT_OF(blanks) && !str_starts(text, blanks[i].blank))
            i++;
        r = buf_append(out, i < COUNT_OF(blanks) ? blanks[i].value : str_head(text, 1));
        text = str_skip(text, i < COUNT_OF(blanks) ? blanks[i].blank.len : 1);
    }
    return r;
}

/* Where the template's file goes. Returned owned. */
static char *target_of(const struct project_copy *copy, const char *relative)
{
    if (strcmp(relative, "gitignore") == 0)
        relative = ".gitignore";
    return path_join(str_from(copy->to), str_from(relative));
}

static int copy_file(void *context, const char *relative, struct err *err)
{
    const struct project_copy *copy = context;
    char *source = path_join(str_from(copy->from), str_from(relative));
    char *target = target_of(copy, relative);
    char *directory = path_directory(str_from(target));
    struct buf text, filled;
    int r;

    buf_init(&text, TEMPLATE_FILE_MAX);
    buf_init(&filled, 2 * TEMPLATE_FILE_MAX);
    if ((r = file_read(source, &text, err)) == 0 &&
        (r = fill(copy, buf_str(&text), &filled)) == 0 &&
        (r = file_make_directories(directory, err)) == 0)
        r = file_write(target, buf_str(&filled), err);
    buf_done(&filled);
    buf_done(&text);
    free(directory);
    free(target);
    free(source);
    return r;
}

/* True when `path` is not there or an empty directory. */
static bool is_free(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    size_t count = 0;

    if (!directory)
        return errno == ENOENT;
    while ((entry = readdir(directory)))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return count == 0;
}

static bool is_template(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(templates); i++)
        if (strcmp(templates[i].name, name) == 0)
            return true;
    return false;
}

/* Runs `npm install` in the project. Returns its exit status, NOT_FOUND_STATUS without npm. */
static int run_npm(const char *directory)
{
    int status = 0;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        if (chdir(directory) == 0)
            execlp("npm", "npm", "install", "--no-audit", "--no-fund", (char *)NULL);
        _exit(NOT_FOUND_STATUS);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Installs what the template needs; true when nothing is left to install. */
static bool install(const char *directory, bool wanted)
{
    char *package = path_join(str_from(directory), STR("package.json"));
    bool needed = path_is_file(package);
    int status;

    free(package);
    if (!needed || !wanted)
        return !needed;
    printf("installing packages with npm ...\n");
    status = run_npm(directory);
    if (status == NOT_FOUND_STATUS)
        fprintf(stderr, "npm was not found: install Node.js, then run npm install\n");
    else if (status != 0)
        fprintf(stderr, "npm install failed with status %d: see above, then run it again\n",
                status);
    return status == 0;
}

static int create(const char *template, const char *directory, str name, struct err *err)
{
    struct project_copy copy = {.to = directory, .name = name};
    char *from = path_beside_binary(template_places, template);
    time_t now = time(NULL);
    struct tm today;
    int r;

    if (!from)
        return err_set(err, ERR_NOT_FOUND,
                       "the templates are missing: they belong beside the binary, in "
                       "../lib/atoll/templates");
    copy.from = from;
    ASSERT(strftime(copy.date, sizeof copy.date, "%Y-%m-%d", gmtime_r(&now, &today)) > 0);
    if ((r = file_make_directories(directory, err)) == 0)
        r = file_walk(from, copy_file, &copy, err);
    free(from);
    return r;
}

static void print_next_steps(const char *directory, bool installed)
{
    printf("\nnext:\n  cd %s\n%s  atoll dev\n", directory, installed ? "" : "  npm install\n");
}

static int check(const struct cli_args *args, const char *template, str name)
{
    const char *names[COUNT_OF(templates) + 1] = {NULL}, *near;

    if (!config_is_name(name))
        return cli_usage_error(args,
                               "\"%.*s\" cannot be a worker's name: it takes small letters, "
                               "digits, - and _, at most %d of them",
                               (int)str_head(name, 80).len, name.ptr, CONFIG_NAME_MAX);
    if (is_template(template))
        return EXIT_DONE;
    for (size_t i = 0; i < COUNT_OF(templates); i++)
        names[i] = templates[i].name;
    near = suggest_word(template, names);
    return cli_usage_error(args, "there is no template \"%.80s\"%s%s%s (atoll init --list)",
                           template, near ? "; did you mean " : "", near ? near : "",
                           near ? "?" : "");
}

static int list(const struct cli_args *args)
{
    static const char *const headings[] = {"TEMPLATE", "WHAT", NULL};
    struct table *table;

    if (cli_operand_count(args))
        return cli_usage_error(args, "--list takes no name");
    table = table_new(headings);
    for (size_t i = 0; i < COUNT_OF(templates); i++)
        table_add(table, (const char *const[]){templates[i].name, templates[i].what});
    table_print(table);
    return EXIT_DONE;
}

static int run(const struct cli_args *args)
{
    const char *template = cli_has(args, "template") ? cli_value(args, "template") : "hello";
    const char *directory;
    struct err err;
    char *absolute;
    int status;

    if (cli_has(args, "list"))
        return list(args);
    if (cli_operand_count(args) != 1)
        return cli_usage_error(args, "init takes one name, such as: atoll init my-worker");
    directory = cli_operands(args)[0];
    absolute = path_absolute(str_from(directory));
    status = check(args, template, path_file_name(str_from(absolute ? absolute : directory)));
    if (status == EXIT_DONE && !is_free(directory)) {
        err_set(&err, ERR_EXISTS, "%s exists already and is not empty", directory);
        terminal_error(err.text);
        status = EXIT_FAILED;
    } else if (status == EXIT_DONE &&
               create(template, directory, path_file_name(str_from(absolute)), &err) < 0) {
        terminal_error(err.text);
        status = EXIT_FAILED;
    } else if (status == EXIT_DONE) {
        printf("created %s from the template %s\n", directory, template);
        print_next_steps(directory, install(directory, !cli_has(args, "no-install")));
    }
    free(absolute);
    return status;
}

static const struct cli_option options[] = {
    {"template", "TEMPLATE", "what to begin with: see --list (hello)"},
    {"list", NULL, "list the templates"},
    {"no-install", NULL, "do not run npm install"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll init my-worker", NULL},
    {"atoll init shop --template hono --no-install", NULL},
    {0},
};

const struct cli_command cmd_init = {
    .name = "init",
    .usage = "NAME [OPTIONS]",
    .summary = "make a new project",
    .details = "NAME is the directory to make and the worker's name.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_PROJECT,
};
