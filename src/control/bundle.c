/* A worker bundled by esbuild; see bundle.h.
 *
 *     start ──spawn──> running ──process ended and both pipes closed──> collect ──> on_done
 *       └─────cannot──────────────> (next turn of the loop) ──────────────^
 *
 * (1) A job ends in one place, finish(), which runs when `open_handles` falls to zero.
 * (2) After bundle_cancel() the handles still close; only on_done is left out. */
#include "control/bundle.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "bindings/assets/site.h"
#include "control/bundle_args.h"
#include "control/bundle_log.h"
#include "control/bundle_script.h"
#include "os/file.h"
#include "os/path.h"
#include "os/sandbox.h"

enum {
    META_BYTES_MAX = 32 << 20,
    RAW_LOG_MAX = 256 * 1024,
    READ_BYTES = 16 * 1024,
    UPLOAD_FILE_BYTES = 256 << 20,
};

#define UPLOAD_ADDRESS_BYTES ((rlim_t)4 << 30)

#ifdef __aarch64__
#define ESBUILD_PACKAGE "node_modules/@esbuild/linux-arm64/bin"
#else
#define ESBUILD_PACKAGE "node_modules/@esbuild/linux-x64/bin"
#endif

enum purpose {
    FOR_HERE,       /* a worker under development */
    FOR_UPLOAD,     /* a worker that is to be uploaded */
    FROM_UPLOAD,    /* modules that may name any file: those in `root` are theirs */
};

struct bundle_job {
    uv_process_t process;
    uv_pipe_t input;       /* the entry goes in here */
    uv_pipe_t output;      /* esbuild's messages come out */
    uv_timer_t timer;
    uv_write_t write;
    int open_handles;
    bool canceled;
    enum purpose purpose;
    bool minify;
    bool stub;             /* there is no main module: the bundle is what nobody calls */
    bool classic;          /* what is to be uploaded has no exports */
    char *script;          /* the name of the main file that esbuild writes */
    int64_t exit_status;   /* -1 until the process has ended well */
    bool crashed;
    char *root;
    char *node_path;       /* of an upload, whose modules name each other with and without "./" */
    char *entry;           /* what is written to `input`; NULL: esbuild reads a file */
    char *directory;       /* private; removed at the end */
    struct buf raw_log;
    struct buf log;        /* of the bundle, begins with warnings about settings */
    char chunk[READ_BYTES];
    void (*on_done)(void *context, struct bundle *bundle);
    void *context;
};

/* Adds a line to the bundle's log; a full log stays as it is. */
static void say(struct bundle_job *job, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct bundle_job *job, const char *format, ...)
{
    char text[ERR_TEXT_MAX + 256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (buf_printf(&job->log, "%s\n", text) < 0)
        return;
}

char *bundle_esbuild(void)
{
    static const char *const places[] = {ESBUILD_PACKAGE, "lib/atoll", NULL};
    const char *given = getenv("ATOLL_ESBUILD");

    if (given && *given)
        return path_absolute(str_from(given));
    return path_beside_binary(places, "esbuild");
}

/* Appends the author's file `relative` to the list of inputs. */
static void add_input(json_t *inputs, const char *root, str relative)
{
    char *joined, *absolute;

    if (str_has(relative, STR("node_modules/")))
        return;
    joined = path_join(str_from(root), str_head(relative, str_find(relative, '?')));
    absolute = path_absolute(str_from(joined));
    json_array_append_new(inputs, json_string(absolute));
    free(joined);
    free(absolute);
}

struct inputs {
    json_t *list;
    const char *root;
};

static void on_log_file(void *context, str file)
{
    struct inputs *inputs = context;

    add_input(inputs->list, inputs->root, file);
}

static void add_part(struct bundle *bundle, const char *name, const char *kind, size_t start)
{
    json_array_append_new(bundle->parts,
                          json_pack("{s:s, s:s, s:I}", "name", name, "kind", kind, "bytes",
                                    (json_int_t)(bundle->blob.len - start)));
}

static int read_output(const struct bundle_job *job, const char *name, struct buf *out,
                       struct err *err)
{
    char *path = path_join(str_from(job->directory), str_from(name));
    int r = file_read(path, out, err);

    free(path);
    return r;
}

/* Text as it is evaluated, or uploaded; `*ret_head` tells whether a line was put before it. */
static int convert_script(const struct bundle_job *job, str text, struct bundle *bundle,
                          bool *ret_head)
{
    if (job->purpose != FOR_UPLOAD) {
        *ret_head = true;
        return bundle_script_wrap(text, &bundle->blob);
    }
    if (job->classic)
        return bundle_script_classic(text, &bundle->blob, ret_head);
    *ret_head = false;
    return buf_append(&bundle->blob, text);
}

static int take_script(const struct bundle_job *job, struct bundle *bundle, bool *ret_head,
                       struct err *err)
{
    struct buf text;
    int r;

    buf_init(&text, BUNDLE_BYTES_MAX);
    if ((r = read_output(job, job->script, &text, err)) == 0 &&
        (r = convert_script(job, buf_str(&text), bundle, ret_head)) < 0)
        err_set(err, r, "the bundled script is larger than %d bytes", BUNDLE_BYTES_MAX);
    if (r == 0)
        add_part(bundle, job->script,
                 job->purpose != FOR_UPLOAD ? "script"
                 : job->classic             ? "classic"
                                            : "module",
                 0);
    buf_done(&text);
    return r;
}

static int take_map(const struct bundle_job *job, bool head, struct bundle *bundle, struct err *err)
{
    size_t start = bundle->blob.len;
    struct buf text, name;
    int r;

    buf_init(&name, BUNDLE_LOG_MAX);
    ASSERT(buf_printf(&name, "%s.map%c", job->script, 0) == 0);
    buf_init(&text, BUNDLE_BYTES_MAX);
    if ((r = read_output(job, name.ptr, &text, err)) == 0 &&
        (r = bundle_script_map(buf_str(&text), head, job->directory, job->root, &bundle->blob)) < 0)
        err_set(err, r, "the source map cannot be used: %s", err_text(r));
    if (r == 0)
        add_part(bundle, name.ptr, "map", start);
    buf_done(&text);
    buf_done(&name);
    return r;
}

static const char *kind_of(const struct bundle_job *job, str name)
{
    static const char *const texts[] = {".txt", ".html", ".sql"};

    for (size_t i = 0; i < COUNT_OF(texts) && job->purpose == FOR_UPLOAD; i++)
        if (str_ends(name, str_from(texts[i])))
            return "text";
    return str_ends(name, STR(".wasm")) ? "wasm" : "data";
}

/* Copied files are all outputs but the script and its map. */
static int take_file(const struct bundle_job *job, struct bundle *bundle, str output,
                     struct err *err)
{
    char *name = str_dup(path_file_name(output));
    size_t start = bundle->blob.len;
    bool own = str_starts(str_from(name), str_from(job->script)) &&
               (strlen(name) == strlen(job->script) ||
                strcmp(name + strlen(job->script), ".map") == 0);
    int r = 0;

    if (!own && (r = read_output(job, name, &bundle->blob, err)) == 0)
        add_part(bundle, name, kind_of(job, output), start);
    free(name);
    return r;
}

/* One file that esbuild read: its path as seen from the job's root, or a name of its own making in
 * brackets. */
static int take_input(const struct bundle_job *job, struct bundle *bundle, const char *path,
                      struct err *err)
{
    if (strchr("<(", *path) || strcmp(path, "atoll-entry.js") == 0)
        return 0;
    if (job->purpose == FROM_UPLOAD && (*path == '/' || str_starts(str_from(path), STR("../"))))
        return err_set(err, ERR_INVALID, "error: Could not resolve \"%s\"", path);
    add_input(bundle->inputs, job->root, str_from(path));
    return 0;
}

/* esbuild's own account of what it read and wrote, returned owned. */
static int read_meta(const struct bundle_job *job, json_t **ret, struct err *err)
{
    struct buf text;
    int r;

    buf_init(&text, META_BYTES_MAX);
    if ((r = read_output(job, "meta.json", &text, err)) == 0)
        *ret = json_loadb(text.ptr, text.len, 0, NULL);
    buf_done(&text);
    return r;
}

static int take_files(const struct bundle_job *job, const json_t *meta, struct bundle *bundle,
                      struct err *err)
{
    const char *path;
    json_t *value;
    int r = 0;

    json_object_foreach(json_object_get(meta, "inputs"), path, value)
        if (r == 0)
            r = take_input(job, bundle, path, err);
    json_object_foreach(json_object_get(meta, "outputs"), path, value)
        if (r == 0)
            r = take_file(job, bundle, str_from(path), err);
    return r;
}

/* A main module without exports is a script in service-worker format. */
static bool is_classic(const json_t *meta)
{
    const char *path;
    json_t *output;

    json_object_foreach(json_object_get(meta, "outputs"), path, output)
        if (json_object_get(output, "entryPoint"))
            return !json_array_size(json_object_get(output, "exports"));
    return false;
}

/* What is to be uploaded then has no modules at all. */
static int take_stub(const struct bundle_job *job, struct bundle *bundle)
{
    str script = STR(SITE_STUB_SCRIPT);

    if (job->purpose != FOR_HERE)
        return 0;
    json_array_append_new(bundle->parts, json_pack("{s:s, s:s, s:I}", "name", "worker.js", "kind",
                                                   "script", "bytes", (json_int_t)script.len));
    return buf_append(&bundle->blob, script);
}

static int take_all(struct bundle_job *job, struct bundle *bundle, struct err *err)
{
    json_t *meta = NULL;
    bool head = false;
    int r;

    if (job->stub)
        return take_stub(job, bundle);
    r = read_meta(job, &meta, err);

    job->classic = is_classic(meta);
    if (r == 0 && (r = take_script(job, bundle, &head, err)) == 0 &&
        (r = take_map(job, head, bundle, err)) == 0)
        r = take_files(job, meta, bundle, err);
    json_decref(meta);
    return r;
}

/* Makes the bundle out of what esbuild left. */
static struct bundle *collect(struct bundle_job *job)
{
    struct bundle *bundle = mem_new(struct bundle);
    struct inputs inputs = {bundle->inputs = json_array(), job->root};
    struct err err;

    bundle->parts = json_array();
    buf_init(&bundle->blob, BUNDLE_BYTES_MAX);
    bundle_log_format(buf_str(&job->raw_log), &job->log, on_log_file, &inputs);
    bundle->ok = job->stub || job->exit_status == 0;
    bundle->crashed = job->crashed;
    if (bundle->ok && take_all(job, bundle, &err) < 0) {
        bundle->ok = false;
        buf_clear(&job->log);
        say(job, "%s", err.text);
    }
    if (!bundle->ok && !job->log.len)
        say(job, "esbuild ended without saying why");
    bundle->log = buf_take(&job->log, NULL);
    return bundle;
}

static void finish(struct bundle_job *job)
{
    if (!job->canceled)
        job->on_done(job->context, collect(job));
    if (job->directory)
        file_remove_tree(job->directory);
    buf_done(&job->raw_log);
    buf_done(&job->log);
    free(job->directory);
    free(job->node_path);
    free(job->entry);
    free(job->script);
    free(job->root);
    free(job);
}

static void on_closed(uv_handle_t *handle)
{
    struct bundle_job *job = handle->data;

    if (--job->open_handles == 0)
        finish(job);
}

static void close_handle(void *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

static void on_exit_of_esbuild(uv_process_t *process, int64_t status, int signal_number)
{
    struct bundle_job *job = process->data;

    job->exit_status = signal_number ? -1 : status;
    job->crashed = signal_number || status > 1;
    close_handle(&job->process);
    close_handle(&job->input);
    close_handle(&job->timer);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct bundle_job *job = handle->data;

    (void)suggested;
    *ret = uv_buf_init(job->chunk, sizeof job->chunk);
}

static void on_message(uv_stream_t *stream, ssize_t got, const uv_buf_t *bytes)
{
    struct bundle_job *job = stream->data;
    str chunk;

    if (got < 0) {
        close_handle(&job->output);
        return;
    }
    chunk = str_head((str){bytes->base, (size_t)got}, job->raw_log.max - job->raw_log.len);
    ASSERT(buf_append(&job->raw_log, chunk) == 0);
}

static void on_written(uv_write_t *write, int status)
{
    struct bundle_job *job = write->data;

    (void)status;
    close_handle(&job->input);
}

static void on_too_long(uv_timer_t *timer)
{
    struct bundle_job *job = timer->data;

    say(job, "esbuild did not end within %d seconds", BUNDLE_MS_MAX / 1000);
    uv_process_kill(&job->process, SIGKILL);
}

/* Ends a job whose esbuild could not be started, in a later turn like every other. */
static void on_not_started(uv_timer_t *timer)
{
    struct bundle_job *job = timer->data;

    if (job->process.type == UV_PROCESS)
        close_handle(&job->process);
    close_handle(&job->input);
    close_handle(&job->output);
    close_handle(&job->timer);
}

static void open_handles(uv_loop_t *loop, struct bundle_job *job)
{
    uv_pipe_init(loop, &job->input, 0);
    uv_pipe_init(loop, &job->output, 0);
    uv_timer_init(loop, &job->timer);
    job->input.data = job->output.data = job->timer.data = job;
    job->process.data = job->write.data = job;
    job->open_handles = 3;
}

/* What uploaded modules can make esbuild take, before they get to it: it starts when it has read
 * its entry. */
static void limit(const struct bundle_job *job)
{
    static const struct rlimit memory = {UPLOAD_ADDRESS_BYTES, UPLOAD_ADDRESS_BYTES},
                               file = {UPLOAD_FILE_BYTES, UPLOAD_FILE_BYTES}, core = {0, 0};

    prlimit(job->process.pid, RLIMIT_AS, &memory, NULL);
    prlimit(job->process.pid, RLIMIT_FSIZE, &file, NULL);
    prlimit(job->process.pid, RLIMIT_CORE, &core, NULL);
}

struct confined {
    uv_loop_t *loop;
    struct bundle_job *job;
    const uv_process_options_t *options;
    int result;
};

/* Runs on a thread of its own, while the loop's waits for its end: what it may not read and write,
 * esbuild may not. */
static void spawn_confined(void *arg)
{
    struct confined *confined = arg;
    struct bundle_job *job = confined->job;
    const struct sandbox sandbox = {
        .read = {job->root},
        .write = {job->directory, "/dev/null"},
        .run = confined->options->file,
        .bare = true,
    };
    struct err err;

    if (sandbox_confine_thread(&sandbox, &err) == 0)
        confined->result = uv_spawn(confined->loop, &job->process, confined->options);
    else
        say(job, "%s", err.text);
}

static int spawn(uv_loop_t *loop, struct bundle_job *job, struct bundle_args *args)
{
    char *env[] = {job->node_path, NULL};
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&job->input},
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&job->output},
    };
    uv_process_options_t options = {
        .file = args->argv[0],
        .args = args->argv,
        .cwd = job->root,
        .env = job->purpose == FROM_UPLOAD ? env : NULL,
        .stdio = stdio,
        .stdio_count = COUNT_OF(stdio),
        .exit_cb = on_exit_of_esbuild,
    };
    struct confined confined = {loop, job, &options, UV_EPERM};
    uv_thread_t thread;

    if (!job->entry)
        stdio[0] = (uv_stdio_container_t){.flags = UV_IGNORE};
    job->open_handles++; /* uv_spawn() makes a handle even when it fails */
    if (job->purpose != FROM_UPLOAD)
        return uv_spawn(loop, &job->process, &options);
    if (uv_thread_create(&thread, spawn_confined, &confined) == 0)
        uv_thread_join(&thread);
    if (confined.result == 0)
        limit(job);
    return confined.result;
}

static void start_pipes(struct bundle_job *job)
{
    uv_buf_t entry = uv_buf_init(job->entry, job->entry ? (unsigned)strlen(job->entry) : 0);

    uv_read_start((uv_stream_t *)&job->output, on_alloc, on_message);
    if (job->entry)
        uv_write(&job->write, (uv_stream_t *)&job->input, &entry, 1, on_written);
    uv_timer_start(&job->timer, on_too_long, BUNDLE_MS_MAX, 0);
}

static void init_args(struct bundle_job *job, const char *esbuild, const struct config *config,
                      struct bundle_args *args)
{
    char *output;

    switch (job->purpose) {
    case FOR_HERE:
        bundle_args_init(args, esbuild, job->directory, config, &job->log);
        break;
    case FROM_UPLOAD:
        bundle_args_init_upload(args, esbuild, job->directory);
        break;
    case FOR_UPLOAD:
        output = path_join(str_from(job->directory), str_from(job->script));
        bundle_args_init_package(args, esbuild, output, config, job->minify, &job->log);
        free(output);
        break;
    }
}

/* Returns 0, or a negative code after it has written to the job's log why not. */
static int start(uv_loop_t *loop, struct bundle_job *job, const struct config *config)
{
    char *esbuild = bundle_esbuild();
    struct bundle_args args;
    struct err err;
    int r;

    if (!esbuild) {
        say(job, "esbuild is missing: it is looked for beside the binary (../lib/atoll/esbuild)\n"
                 "set ATOLL_ESBUILD to the path of esbuild's binary");
        return ERR_NOT_FOUND;
    }
    if ((r = file_make_temporary(&job->directory, &err)) < 0) {
        say(job, "no place for the bundle: %s", err.text);
        free(esbuild);
        return r;
    }
    init_args(job, esbuild, config, &args);
    r = spawn(loop, job, &args);
    if (r < 0)
        say(job, "%s cannot be run: %s (it is to be esbuild's own binary, not a script)", esbuild,
            uv_strerror(r));
    bundle_args_done(&args);
    free(esbuild);
    return r < 0 ? ERR_IO : 0;
}

/* A JSON string is a JavaScript string. Returned owned. */
static char *quoted(const char *text)
{
    json_t *json = json_string(text ? text : "");
    char *result = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;

    json_decref(json);
    return result ? result : str_dup(STR("\"\""));
}

/* Files that a script in service-worker format has as globals, before it runs. Returns how many. */
static size_t put_blobs(const struct config *config, struct buf *out)
{
    static const char *const sections[] = {"text_blobs", "data_blobs", "wasm_modules"};
    size_t count = 0;
    const char *name;
    json_t *file;

    for (size_t i = 0; i < COUNT_OF(sections); i++)
        json_object_foreach(json_object_get(config->deploy, sections[i]), name, file) {
            char *path = path_join(str_from(config->root), str_from(json_string_value(file)));
            char *global = quoted(name), *from = quoted(path);

            if (buf_printf(out, "import g%zu from %s;\nglobalThis[%s] = g%zu;\n", count, from,
                           global, count) == 0)
                count++;
            free(from);
            free(global);
            free(path);
        }
    return count;
}

/* The module that bundling starts at. */
static char *entry_for(const struct config *config)
{
    char *main_path = quoted(config->main);
    struct buf b;

    buf_init(&b, BUNDLE_BYTES_MAX);
    ASSERT(buf_printf(&b,
                      put_blobs(config, &b) ? BUNDLE_SCRIPT_MAIN "(require(%s));\n"
                                            : "import * as worker from %s;\n" BUNDLE_SCRIPT_MAIN
                                              "(worker);\n",
                      main_path) == 0);
    free(main_path);
    return buf_take(&b, NULL);
}

static struct bundle_job *job_new(uv_loop_t *loop, enum purpose purpose, const char *root,
                                  void (*on_done)(void *, struct bundle *), void *context)
{
    struct bundle_job *job = mem_new(struct bundle_job);

    job->purpose = purpose;
    job->exit_status = -1;
    job->on_done = on_done;
    job->context = context;
    job->root = str_dup(str_from(root));
    buf_init(&job->raw_log, RAW_LOG_MAX);
    buf_init(&job->log, BUNDLE_LOG_MAX);
    open_handles(loop, job);
    return job;
}

/* `config` is NULL of an upload. */
/* Without a main module there is nothing for esbuild to do. */
static void run(uv_loop_t *loop, struct bundle_job *job, const struct config *config)
{
    if (config && !config->main) {
        job->stub = true;
        uv_timer_start(&job->timer, on_not_started, 0, 0);
        return;
    }
    if (!job->script)
        job->script = str_dup(STR("worker.js"));
    if (start(loop, job, config) == 0)
        start_pipes(job);
    else
        uv_timer_start(&job->timer, on_not_started, 0, 0);
}

struct bundle_job *bundle_start(uv_loop_t *loop, const struct config *config,
                                void (*on_done)(void *, struct bundle *), void *context)
{
    struct bundle_job *job = job_new(loop, FOR_HERE, config->root, on_done, context);

    job->entry = config->main ? entry_for(config) : NULL;
    run(loop, job, config);
    return job;
}

struct bundle_job *bundle_start_upload(uv_loop_t *loop, const char *directory, const char *entry,
                                       void (*on_done)(void *, struct bundle *), void *context)
{
    struct bundle_job *job = job_new(loop, FROM_UPLOAD, directory, on_done, context);

    job->entry = str_dup(str_from(entry));
    if (asprintf(&job->node_path, "NODE_PATH=%s", directory) < 0)
        job->node_path = NULL;
    run(loop, job, NULL);
    return job;
}

struct bundle_job *bundle_start_package(uv_loop_t *loop, const struct config *config, bool minify,
                                        void (*on_done)(void *, struct bundle *), void *context)
{
    struct bundle_job *job = job_new(loop, FOR_UPLOAD, config->root, on_done, context);
    str stem = path_stem(path_file_name(str_from(config->main ? config->main : "")));

    job->minify = minify;
    if (asprintf(&job->script, "%.*s.js", STR_ARGS(stem)) < 0)
        job->script = NULL;
    run(loop, job, config);
    return job;
}

void bundle_cancel(struct bundle_job *job)
{
    if (!job)
        return;
    job->canceled = true;
    if (uv_is_active((uv_handle_t *)&job->process))
        uv_process_kill(&job->process, SIGKILL);
}

void bundle_free(struct bundle *bundle)
{
    if (!bundle)
        return;
    json_decref(bundle->parts);
    json_decref(bundle->inputs);
    buf_done(&bundle->blob);
    free(bundle->log);
    free(bundle);
}
