/* `atoll deploy`: a project made live, at once or for a part of the requests.
 *
 * One PUT makes the version and its deployment and answers when it is live; a gradual rollout takes
 * an upload and a deployment of two versions. Migrations are the only thing that the server has to
 * be asked about before. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/delivery.h"
#include "cli/progress.h"
#include "cli/quantity.h"
#include "cli/terminal.h"

enum { CODE_NO_WORKER = 10007, WHOLE = 100 };

struct deploy {
    struct delivery delivery;
    long share;           /* percent for the new version; WHOLE: all requests */
    json_t *live;         /* the version that keeps the rest: {version_id, percentage}; or NULL */
    json_t *uploaded;     /* the server's answer */
};

static const char *version_id(const struct deploy *d)
{
    const char *id = member_text(d->uploaded, "deployment_id");

    return id ? id : member_text(d->uploaded, "id");
}

static char *script_path(const struct deploy *d, const char *rest)
{
    struct remote *remote = d->delivery.session.remote;
    char *start = remote_path(remote, "workers/scripts/%s", d->delivery.session.worker), *path;

    if (asprintf(&path, "%s%s", start, rest) < 0)
        path = NULL;
    ASSERT(path);
    free(start);
    return path;
}

/* ---- what has to be known before ---- */

static json_t *most_live(const json_t *deployments)
{
    const json_t *versions =
        json_object_get(json_array_get(json_object_get(deployments, "deployments"), 0), "versions");
    json_t *best = NULL, *version;
    size_t i;

    json_array_foreach(versions, i, version)
        if (!best || json_number_value(json_object_get(version, "percentage")) >
                         json_number_value(json_object_get(best, "percentage")))
            best = version;
    return best;
}

static int find_live(struct deploy *d)
{
    struct session *session = &d->delivery.session;
    json_t *deployments = NULL;
    struct err err = {0};
    int r;

    if (d->share == WHOLE)
        return EXIT_DONE;
    r = remote_get(session->remote, script_path(d, "/deployments"), &deployments, &err);
    d->live = json_incref(most_live(deployments));
    json_decref(deployments);
    if (r < 0 && remote_code(session->remote) != CODE_NO_WORKER)
        return session_fail(session, &err);
    if (d->live)
        return EXIT_DONE;
    err_set(&err, ERR_NOT_FOUND,
            "\"%s\" has no live version that could keep the other %ld %%\n"
            "deploy it without --gradual first",
            session->worker, WHOLE - d->share);
    return session_fail(session, &err);
}

/* Has the steps added that the server does not have yet. */
static int migrate(struct deploy *d)
{
    struct session *session = &d->delivery.session;
    json_t *service = NULL;
    struct err err;
    const json_t *script;

    if (!d->delivery.package->migrations)
        return EXIT_DONE;
    if (remote_get(session->remote,
                   remote_path(session->remote, "workers/services/%s", session->worker), &service,
                   &err) < 0 &&
        err.code != ERR_NOT_FOUND)
        return session_fail(session, &err);
    script = json_object_get(json_object_get(service, "default_environment"), "script");
    package_metadata_migrate(d->delivery.package, member_text(script, "migration_tag"));
    json_decref(service);
    return EXIT_DONE;
}

/* ---- going live ---- */

static json_t *rollout_of(const struct deploy *d)
{
    const char *message = cli_value(d->delivery.args, "message");
    json_t *body = json_pack("{s:s, s:[{s:s, s:I}, {s:O, s:I}]}", "strategy", "percentage",
                             "versions", "version_id", version_id(d), "percentage",
                             (json_int_t)d->share, "version_id",
                             json_object_get(d->live, "version_id"), "percentage",
                             (json_int_t)(WHOLE - d->share));

    if (message)
        json_object_set_new(body, "annotations", json_pack("{s:s}", "workers/message", message));
    return body;
}

static int roll_out(struct deploy *d)
{
    struct session *session = &d->delivery.session;
    struct err err, text;

    if (remote_call(session->remote, "POST", script_path(d, "/deployments"), rollout_of(d), NULL,
                    &err) == 0)
        return EXIT_DONE;
    err_set(&text, err.code, "version %s is uploaded, but not live: %.3000s", version_id(d),
            err.text);
    return session_fail(session, &text);
}

/* An upload that is live at once brings the worker's settings with it; a version does not. */
static void set_settings(const struct deploy *d)
{
    static const char *const keys[] = {"observability", "logpush", "tail_consumers", "placement"};
    json_t *settings = json_object(), *value;
    struct err err;

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if ((value = json_object_get(d->delivery.package->metadata, keys[i])))
            json_object_set(settings, keys[i], value);
    if (!json_object_size(settings))
        json_decref(settings);
    else if (remote_call(d->delivery.session.remote, "PATCH", script_path(d, "/script-settings"),
                         settings, NULL, &err) < 0)
        terminal_warning(err.text);
}

static int upload(struct deploy *d)
{
    if (d->share == WHOLE)
        return delivery_upload(&d->delivery, "PUT", script_path(d, ""), &d->uploaded);
    return delivery_upload(&d->delivery, "POST", script_path(d, "/versions"), &d->uploaded);
}

/* ---- what a person reads ---- */

static void print_version(const struct deploy *d)
{
    const char *other = member_text(d->live, "version_id");

    printf("Deployed version ");
    terminal_print(stdout, BOLD, "%.*s", DELIVERY_ID_SHOWN, version_id(d));
    if (other)
        printf(" for %ld %% of the requests, %.*s for %ld %%,", d->share, DELIVERY_ID_SHOWN, other,
               WHOLE - d->share);
    printf(" in %s\n", quantity_duration(delivery_ms(&d->delivery)));
}

static void print_lines(const json_t *list, enum colour colour, const char *before,
                        const char *after)
{
    const json_t *it;
    size_t i;

    json_array_foreach(list, i, it) {
        printf("  %s", before);
        terminal_print_text(stdout, colour, json_string_value(it), false, 0);
        printf("%s\n", after);
    }
}

static void print_result(const struct deploy *d, const json_t *urls)
{
    const struct package_triggers *triggers = &d->delivery.package->triggers;

    print_version(d);
    print_lines(urls, CYAN, "", "");
    print_lines(triggers->crons, PLAIN, "cron \"", "\"");
    if (!json_array_size(urls) && !json_array_size(triggers->crons))
        terminal_print(stdout, DIM, "  no address: workers_dev is off, and there are no routes\n");
}

static void print_json(const struct deploy *d, const json_t *urls)
{
    const struct package *package = d->delivery.package;
    json_t *value = json_pack("{s:s, s:s, s:I, s:O, s:I, s:O?, s:f}", "name",
                              d->delivery.session.worker, "version_id", version_id(d), "percentage",
                              (json_int_t)d->share, "urls", urls, "bytes",
                              (json_int_t)package_size(package), "crons", package->triggers.crons,
                              "startup_time_ms",
                              json_number_value(json_object_get(d->uploaded, "startup_time_ms")));

    session_prints_json(&d->delivery.session, value);
    json_decref(value);
}

/* ---- the command ---- */

static int finish(struct deploy *d)
{
    json_t *urls = NULL;
    int status = d->share == WHOLE ? EXIT_DONE : roll_out(d);

    if (status != EXIT_DONE)
        return status;
    progress_begin("setting triggers");
    if (d->live)
        set_settings(d);
    status = delivery_trigger_set(&d->delivery, d->uploaded, &urls);
    progress_end();
    if (cli_has(d->delivery.args, "json"))
        print_json(d, urls);
    else
        print_result(d, urls);
    json_decref(urls);
    return status;
}

static int deliver(struct deploy *d)
{
    int status;

    if ((status = delivery_log_in(&d->delivery)) != EXIT_DONE ||
        (status = find_live(d)) != EXIT_DONE ||
        (status = delivery_pack(&d->delivery)) != EXIT_DONE ||
        (status = delivery_provision(&d->delivery)) != EXIT_DONE ||
        (status = migrate(d)) != EXIT_DONE || (status = upload(d)) != EXIT_DONE)
        return status;
    return finish(d);
}

static int run(const struct cli_args *args)
{
    struct deploy d = {0};
    int status = cli_number(args, "gradual", 1, WHOLE, WHOLE, &d.share);

    if (status != EXIT_DONE)
        return status;
    status = delivery_open(&d.delivery, args);
    if (status == EXIT_DONE && !cli_has(args, "dry-run"))
        status = deliver(&d);
    else if (status == EXIT_DONE && (status = delivery_pack(&d.delivery)) == EXIT_DONE)
        delivery_show(&d.delivery);
    json_decref(d.live);
    json_decref(d.uploaded);
    delivery_close(&d.delivery);
    return status;
}

static const struct cli_option options[] = {
    {"gradual", "PERCENT", "give the new version this share; the live one keeps the rest"},
    DELIVERY_OPTIONS,
    {0},
};

static const struct cli_example examples[] = {
    {"atoll deploy", "the project in this directory"},
    {"atoll deploy --env staging", "the environment \"staging\" of it, as NAME-staging"},
    {"atoll deploy --gradual 10 -m \"new parser\"", "for one request in ten"},
    {"atoll deploy src/index.js --name hello", "a script without a configuration"},
    {"atoll deploy --dry-run --outdir dist", "look at what would be sent"},
    {0},
};

const struct cli_command cmd_deploy = {
    .name = "deploy",
    .usage = "[PATH] [OPTIONS]",
    .summary = "put a project live",
    .details = "PATH is a directory with wrangler.jsonc, wrangler.json or wrangler.toml, such a\n"
               "file, or a single script; without one it is this directory. The command ends when\n"
               "the version answers requests.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON | CLI_YES,
};
