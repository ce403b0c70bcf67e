/* A project on its way; see delivery.h.
 *
 * (1) The bundler has a loop of its own: esbuild is started before anything is sent, and what it
 *     left is collected when the server was asked what is needed. */
#include "cli/delivery.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/quantity.h"
#include "cli/terminal.h"
#include "control/custom_build.h"
#include "control/dotenv.h"
#include "control/jsonc.h"
#include "os/clock.h"
#include "os/file.h"
#include "remote/site_upload.h"
#include "web/codec.h"

enum { GZIP_CHUNK = 64 << 10, INHERIT_FAILED = 10057 };

static int fail(const struct err *err)
{
    progress_end();
    terminal_error(err->text);
    return err->code == ERR_NOT_FOUND ? EXIT_ABSENT : EXIT_FAILED;
}

double delivery_ms(const struct delivery *delivery)
{
    return (double)(clock_monotonic_ns() - delivery->started_ns) / 1e6;
}

/* ---- options ---- */

/* NAME:VALUE as wrangler has it, or NAME=VALUE as atoll dev. */
static int read_vars(struct delivery *d)
{
    const char *pair;

    for (size_t nth = 0; (pair = cli_value_at(d->args, "var", nth)); nth++) {
        size_t len = strcspn(pair, ":=");

        if (!len || !pair[len] ||
            json_object_setn_new(d->vars, pair, len, json_string(pair + len + 1)) < 0)
            return cli_usage_error(d->args, "--var takes NAME:VALUE in UTF-8, not \"%.100s\"",
                                   pair);
    }
    return EXIT_DONE;
}

static int check_secrets(const json_t *secrets, const char *path, struct err *err)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)secrets, name, value)
        if (!json_is_string(value))
            return err_set(err, ERR_INVALID, "%s: the secret \"%.100s\" must be a string", path,
                           name);
    return 0;
}

static int read_secrets(struct delivery *d)
{
    const char *path = cli_value(d->args, "secrets-file");
    struct buf text;
    struct err err = {0};
    int r;

    if (!path)
        return EXIT_DONE;
    buf_init(&text, DELIVERY_SECRETS_BYTES_MAX);
    r = file_read(path, &text, &err);
    if (r == 0 && str_starts(str_trim(buf_str(&text)), STR("{"))) {
        json_decref(d->secrets);
        d->secrets = jsonc_parse(buf_str(&text), path, &err);
        r = d->secrets ? check_secrets(d->secrets, path, &err) : err.code;
    } else if (r == 0) {
        r = dotenv_parse(buf_str(&text), path, d->secrets, &err);
    }
    buf_done(&text);
    return r < 0 ? fail(&err) : EXIT_DONE;
}

/* ---- the configuration ---- */

static int take_name(struct delivery *d)
{
    const char *name = cli_value(d->args, "name");

    if (!name)
        return EXIT_DONE;
    if (!config_is_name(str_from(name)))
        return cli_usage_error(d->args,
                               "--name takes small letters, digits, - and _, at most %d of them, "
                               "not \"%.100s\"",
                               CONFIG_NAME_MAX, name);
    free(d->config->name);
    d->config->name = str_dup(str_from(name));
    return EXIT_DONE;
}

static int read_config(struct delivery *d)
{
    const char *given = cli_value(d->args, "config");
    struct config_request request = {
        .path = given ? given : ".",
        .environment = cli_value(d->args, "env"),
    };
    struct err err;
    json_t *text;
    size_t i;

    if (cli_operand_count(d->args) && given)
        return cli_usage_error(d->args, "a PATH and --config exclude each other");
    if (cli_operand_count(d->args))
        request.path = cli_operands(d->args)[0];
    if (config_read(&request, &d->config, &err) < 0)
        return fail(&err);
    json_array_foreach(d->config->warnings, i, text)
        terminal_warning(json_string_value(text));
    return take_name(d);
}

static int run_build(const struct delivery *d)
{
    struct err err;

    if (!d->config->build_command)
        return EXIT_DONE;
    terminal_print(stderr, DIM, "build.command: ");
    terminal_print_text(stderr, DIM, d->config->build_command, false, 0);
    fputc('\n', stderr);
    return custom_build_run(d->config, &err) < 0 ? fail(&err) : EXIT_DONE;
}

int delivery_open(struct delivery *d, const struct cli_args *args)
{
    struct package_request request;
    int status;

    *d = (struct delivery){.args = args, .started_ns = clock_monotonic_ns()};
    d->vars = json_object();
    d->secrets = json_object();
    ASSERT(uv_loop_init(&d->loop) == 0);
    if ((status = cli_check_operands(args, 0, 1, "")) != EXIT_DONE ||
        (status = read_vars(d)) != EXIT_DONE || (status = read_secrets(d)) != EXIT_DONE ||
        (status = read_config(d)) != EXIT_DONE || (status = run_build(d)) != EXIT_DONE)
        return status;
    request = (struct package_request){
        .config = d->config,
        .message = cli_value(args, "message"),
        .tag = cli_value(args, "tag"),
        .vars = d->vars,
        .secrets = d->secrets,
        .keep_vars = cli_has(args, "keep-vars"),
        .minify = cli_has(args, "minify"),
    };
    d->job = package_begin(&d->loop, &request);
    return EXIT_DONE;
}

int delivery_log_in(struct delivery *d)
{
    int status = session_open_project(&d->session, d->args, d->config);

    d->session.config = config_ref(d->config);
    d->session.worker = str_dup(str_from(d->config->name));
    return status;
}

/* ---- the package ---- */

static void on_frame(uv_timer_t *timer)
{
    (void)timer;
    progress_draw(0, 0);
}

static int wait_for_package(struct delivery *d, struct err *err)
{
    struct package_job *job = d->job;
    uv_timer_t timer;
    int r;

    d->job = NULL;
    progress_begin("bundling");
    uv_timer_init(&d->loop, &timer);
    uv_timer_start(&timer, on_frame, PROGRESS_FRAME_MS, PROGRESS_FRAME_MS);
    r = package_wait(job, &d->package, err);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    progress_end();
    return r;
}

int delivery_pack(struct delivery *d)
{
    const char *outdir = cli_value(d->args, "outdir");
    struct err err;

    if (wait_for_package(d, &err) < 0)
        return fail(&err);
    terminal_print_text(stderr, YELLOW, d->package->log, false, 0);
    if (outdir && package_form_write(d->package, outdir, &err) < 0)
        return fail(&err);
    return EXIT_DONE;
}

/* Bytes of the modules as gzip makes them. */
static size_t gzip_size(const struct package *package)
{
    struct codec *codec = codec_new(CODEC_GZIP, false);
    unsigned char *out = mem_alloc(GZIP_CHUNK);
    struct codec_io io = {.in = (const unsigned char *)package->blob.ptr,
                          .in_len = package_size(package)};
    size_t size = 0;
    int r = 0;

    while (r == 0 && !codec_ended(codec)) {
        io.out = out;
        io.out_len = GZIP_CHUNK;
        r = codec_run(codec, &io, true);
        size += GZIP_CHUNK - io.out_len;
    }
    free(out);
    codec_free(codec);
    return size;
}

/* ---- the upload ---- */

/* A bar while bytes leave; then the server bundles, checks and starts the version. */
static void on_wait(void *context, uint64_t sent, uint64_t total)
{
    bool *starting = context;

    if (total && sent >= total && !*starting) {
        *starting = true;
        progress_begin("starting");
    }
    progress_draw(*starting ? 0 : sent, *starting ? 0 : total);
}

static void print_uploaded(const struct delivery *d, double ms)
{
    printf("Uploaded ");
    terminal_print(stdout, BOLD, "%s", d->config->name);
    printf(" (%s, gzip %s) in %s\n", quantity_bytes((int64_t)package_size(d->package)),
           quantity_bytes((int64_t)gzip_size(d->package)), quantity_duration(ms));
}

/* Whoever interrupts an upload should not believe that nothing happened. */
static void on_interrupt(int number)
{
    static const char text[] =
        "\ninterrupted: the server may have got all of it; atoll deployments shows what is live\n";

    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    raise(number);
}

static int send_form(struct delivery *d, const char *method, char *path,
                     const struct remote_body *body, json_t **ret, struct err *err)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND}, before;
    int r;

    sigaction(SIGINT, NULL, &before);
    if (before.sa_handler != SIG_IGN)
        sigaction(SIGINT, &action, NULL);
    r = remote_send(d->session.remote, method, path, body, ret, err);
    sigaction(SIGINT, &before, NULL);
    return r;
}

static int fail_upload(struct delivery *d, struct err *err)
{
    size_t len = strlen(err->text);

    if (remote_code(d->session.remote) == INHERIT_FAILED)
        snprintf(err->text + len, sizeof err->text - len,
                 "\na secret of \"secrets.required\" is not set: give it with --secrets-file");
    return session_fail(&d->session, err);
}

static void on_asset_progress(uint64_t sent, uint64_t total)
{
    progress_draw(sent, total);
}

static void print_assets(const struct delivery *d, const struct site_upload *assets, double ms)
{
    if (cli_has(d->args, "json"))
        return;
    if (!assets->sent)
        printf("Assets: all %zu files are there already\n", assets->files);
    else
        printf("Assets: %zu of %zu files (%s) in %s\n", assets->sent, assets->files,
               quantity_bytes((int64_t)assets->sent_bytes), quantity_duration(ms));
}

/* Files go first: the version names them. */
static int send_assets(struct delivery *d)
{
    uint64_t start = clock_monotonic_ns();
    struct site_upload assets;
    struct err err;
    int r;

    if (!site_upload_is_due(d->config))
        return EXIT_DONE;
    progress_begin("uploading assets");
    r = site_upload_run(d->session.remote, d->session.worker, d->config, on_asset_progress, &assets,
                        &err);
    progress_end();
    if (r < 0)
        return session_fail(&d->session, &err);
    json_object_set_new(d->package->metadata, "assets", assets.assets);
    print_assets(d, &assets, (double)(clock_monotonic_ns() - start) / 1e6);
    return EXIT_DONE;
}

int delivery_upload(struct delivery *d, const char *method, char *path, json_t **ret)
{
    uint64_t start = clock_monotonic_ns();
    bool starting = false;
    const struct remote_hooks before = remote_get_hooks(d->session.remote),
                              hooks = {.on_wait = on_wait, .context = &starting};
    char *content_type = NULL;
    struct buf body;
    struct err err;
    int r = send_assets(d);

    if (r != EXIT_DONE) {
        free(path);
        return r;
    }
    progress_begin("uploading");
    remote_set_hooks(d->session.remote, &hooks);
    if ((r = package_form(d->package, &body, &content_type, &err)) < 0)
        free(path);
    else
        r = send_form(d, method, path,
                      &(struct remote_body){.content_type = content_type, .bytes = buf_str(&body)},
                      ret, &err);
    remote_set_hooks(d->session.remote, &before);
    buf_done(&body);
    free(content_type);
    progress_end();
    if (r < 0)
        return fail_upload(d, &err);
    if (!cli_has(d->args, "json") && json_array_size(d->package->modules))
        print_uploaded(d, (double)(clock_monotonic_ns() - start) / 1e6);
    return EXIT_DONE;
}

void delivery_close(struct delivery *d)
{
    package_cancel(d->job);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    uv_loop_close(&d->loop);
    session_close(&d->session);
    package_free(d->package);
    config_unref(d->config);
    json_decref(d->secrets);
    json_decref(d->vars);
}
