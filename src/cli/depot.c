/* The namespace or database that a command is about; see depot.h.
 *
 * A local call is answered in this process, as a runtime would: stores are made for several
 * processes at once. */
#include "cli/depot.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/member.h"
#include "bindings/bindings.h"
#include "cli/terminal.h"
#include "control/upload.h"
#include "os/file.h"
#include "os/path.h"
#include "web/base64.h"

enum { BYTES_MAX = 64 << 20, READ_STEP = 64 << 10 };

/* ---- which one ---- */

int depot_read_config(struct depot *depot, const struct cli_args *args)
{
    const char *path = cli_value(args, "config");
    struct config_request request = {.path = path ? path : ".",
                                     .environment = cli_value(args, "env")};
    struct err err;
    int r = config_read(&request, &depot->config, &err);

    if (r == 0 || (r == ERR_NOT_FOUND && !path))
        return EXIT_DONE;
    terminal_error(err.text);
    return EXIT_FAILED;
}

static const json_t *find_binding(const struct depot *depot, const char *name)
{
    const json_t *binding;
    size_t i;

    if (!depot->config)
        return NULL;
    json_array_foreach(depot->config->bindings, i, binding)
        if (member_is(binding, "type", depot->kind->type) && member_is(binding, "name", name))
            return binding;
    return NULL;
}

/* ---- a local one ---- */

static char *place_of(const struct depot *depot, const char *given)
{
    char *beside = path_join(str_from(depot->config ? depot->config->root : "."), STR(".atoll"));
    char *place = path_join(str_from(given ? given : beside), STR("storage"));

    free(beside);
    return place;
}

void depot_place(struct depot *depot, const char *state, const char *name)
{
    const json_t *binding = find_binding(depot, name);
    json_t *made = binding ? json_incref((json_t *)binding)
                           : json_pack("{s:s, s:s}", "name", name, "type", depot->kind->type);
    json_t *stored = upload_store(made, "dev");

    depot->place = place_of(depot, state);
    depot->store = str_dup(str_from(member_text(stored, "store")));
    json_decref(stored);
    json_decref(made);
}

static int open_local(struct depot *depot, const struct cli_args *args, const char *name)
{
    depot->is_local = true;
    depot_place(depot, cli_value(args, "persist-to"), name);
    return EXIT_DONE;
}

struct running {
    struct storage_call call;
    bool over;
};

static void on_end(struct storage_call *call)
{
    CONTAINER_OF(call, struct running, call)->over = true;
}

static uv_loop_t *local_loop(const struct depot *depot)
{
    static uv_loop_t loop;
    static bool started;

    if (!started) {
        ASSERT(uv_loop_init(&loop) == 0);
        bindings_start(&loop, depot->place);
        started = true;
    }
    return &loop;
}

int depot_call(struct depot *depot, const struct depot_words *words, json_t **ret_result,
               struct buf *out, struct err *err)
{
    const struct binding_kind *kind = bindings_find(depot->kind->type);
    json_t *given = words->args ? words->args : json_object();
    struct running running = {.call = {.store = depot->store,
                                       .call = words->call,
                                       .args = given,
                                       .bytes = words->bytes,
                                       .on_end = on_end}};
    uv_loop_t *loop = local_loop(depot);
    int r;

    buf_init(&running.call.out, BYTES_MAX);
    kind->call(&running.call);
    while (!running.over)
        uv_run(loop, UV_RUN_ONCE);
    r = running.call.err.code;
    if (r)
        *err = running.call.err;
    else if (out && buf_append(out, buf_str(&running.call.out)) < 0)
        r = err_set(err, ERR_LIMIT, "it is too long");
    if (r == 0 && ret_result)
        *ret_result = json_incref(running.call.result);
    json_decref(running.call.result);
    buf_done(&running.call.out);
    json_decref(given);
    return r;
}

/* ---- one on a server ---- */

int depot_find_deployed(struct depot *depot, const char *name, struct err *err)
{
    struct session *session = &depot->session;
    json_t *settings = NULL;
    const json_t *binding;
    size_t i;
    int r = remote_get(session->remote,
                       remote_path(session->remote, "workers/scripts/%s/settings", session->worker),
                       &settings, err);

    if (r < 0)
        return r;
    json_array_foreach(json_object_get(settings, "bindings"), i, binding) {
        const char *id = member_text(binding, depot->kind->field);

        if (!depot->id && id && member_is(binding, "name", name))
            depot->id = str_dup(str_from(id));
    }
    json_decref(settings);
    return depot->id
               ? 0
               : err_set(err, ERR_NOT_FOUND,
                         "the binding \"%.100s\" has no id here, and the worker \"%.100s\" on "
                         "the server has no such binding: deploy it first",
                         name, session->worker);
}

static int open_remote(struct depot *depot, const struct cli_args *args, const char *name)
{
    const json_t *binding = find_binding(depot, name);
    const char *id = member_text(binding, depot->kind->field);
    bool asks = binding && !id;
    struct err err;
    int status = asks ? session_open_worker(&depot->session, args)
                      : session_open(&depot->session, args);

    if (status != EXIT_DONE)
        return status;
    if (!asks)
        depot->id = str_dup(str_from(id ? id : name));
    else if (depot_find_deployed(depot, name, &err) < 0)
        return depot_fail(depot, &err);
    return EXIT_DONE;
}

static int begin(struct depot *depot, const struct cli_args *args, const struct binding_store *kind)
{
    int status;

    *depot = (struct depot){.kind = kind, .session.args = args};
    status = depot_read_config(depot, args);
    if (status == EXIT_DONE && cli_has(args, "local") && cli_has(args, "remote"))
        return cli_usage_error(args, "--local and --remote contradict each other");
    return status;
}

int depot_open(struct depot *depot, const struct cli_args *args, const char *type, const char *name)
{
    int status = begin(depot, args, binding_store_of(type));

    if (status != EXIT_DONE)
        return status;
    return cli_has(args, "local") ? open_local(depot, args, name) : open_remote(depot, args, name);
}

int depot_open_shared(struct depot *depot, const struct cli_args *args,
                      const struct binding_store *kind)
{
    int status = begin(depot, args, kind);

    if (status != EXIT_DONE)
        return status;
    if (!cli_has(args, "local"))
        return session_open(&depot->session, args);
    depot->is_local = true;
    depot->place = place_of(depot, cli_value(args, "persist-to"));
    depot->store = binding_shared_store(kind->type, "dev");
    return EXIT_DONE;
}

void depot_close(struct depot *depot)
{
    session_close(&depot->session);
    config_unref(depot->config);
    free(depot->place);
    free(depot->store);
    free(depot->id);
}

int depot_fail(struct depot *depot, const struct err *err)
{
    if (!depot->is_local)
        return session_fail(&depot->session, err);
    terminal_error(err->text);
    return session_exit(err->code);
}

int depot_read(const char *path, struct buf *out, struct err *err)
{
    ssize_t got = 1;

    if (strcmp(path, "-") != 0)
        return file_read(path, out, err);
    while (got > 0) {
        if (buf_reserve(out, READ_STEP) < 0)
            return err_set(err, ERR_LIMIT, "standard input is too long");
        if ((got = read(STDIN_FILENO, out->ptr + out->len, READ_STEP)) < 0)
            return err_set(err, ERR_IO, "standard input cannot be read");
        out->len += (size_t)got;
    }
    return 0;
}

json_t *depot_base64(str bytes)
{
    size_t len = base64_encoded_len(bytes.len);
    char *text = mem_alloc(len);
    json_t *json;

    base64_encode(bytes, text);
    json = json_stringn(text, len);
    free(text);
    return json;
}
