/* What is set beside a version: where the worker answers and when it runs.
 *
 * Only what the configuration says: without "routes" the routes stay as they are, and so do cron
 * triggers without "triggers.crons". workers_dev is wrangler's: on, unless it is switched off or
 * there are routes.
 * Each step is tried, whatever became of the one before: the version is live already. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/ask.h"
#include "cli/delivery.h"
#include "cli/progress.h"
#include "cli/terminal.h"

enum { CODE_CONFLICT = 100116 };

struct steps {
    struct delivery *delivery;
    struct remote *remote;
    bool changed;      /* addresses may be others now */
    int status;
};

/* Says what was not set and why. */
static void note_failure(struct steps *s, const char *what, const struct err *err)
{
    struct err text;

    err_set(&text, err->code, "the version is live, but %s not set: %.3000s", what, err->text);
    s->status = session_fail(&s->delivery->session, &text);
}

static void call(struct steps *s, const char *what, const char *method, char *path, json_t *body)
{
    struct err err;

    s->changed = true;
    if (remote_call(s->remote, method, path, body, NULL, &err) < 0)
        note_failure(s, what, &err);
}

static void set_subdomain(struct steps *s, const json_t *now)
{
    const struct package_triggers *wanted = &s->delivery->package->triggers;
    bool previews = json_is_true(json_object_get(now, "previews_enabled"));
    json_t *body;

    if (now && json_is_true(json_object_get(now, "enabled")) == wanted->workers_dev &&
        (wanted->previews < 0 || previews == (wanted->previews == 1)))
        return;
    body = json_pack("{s:b}", "enabled", (int)wanted->workers_dev);
    if (wanted->previews >= 0)
        json_object_set_new(body, "previews_enabled", json_boolean(wanted->previews));
    call(s, "workers_dev was", "POST",
         remote_path(s->remote, "workers/scripts/%s/subdomain", s->delivery->session.worker), body);
}

static int put_domains(struct steps *s, bool take, struct err *err)
{
    const json_t *domains = s->delivery->package->triggers.domains;

    return remote_call(s->remote, "PUT",
                       remote_path(s->remote, "workers/scripts/%s/domains/records",
                                   s->delivery->session.worker),
                       json_pack("{s:b, s:b, s:b, s:O}", "override_scope", 1,
                                 "override_existing_origin", (int)take,
                                 "override_existing_dns_record", (int)take, "origins", domains),
                       NULL, err);
}

/* A domain that another worker of the account has is taken from it only when somebody says so. */
static void set_domains(struct steps *s)
{
    struct err err;
    bool sure = cli_has(s->delivery->args, "yes");
    int r = put_domains(s, sure, &err);

    s->changed = true;
    if (r < 0 && !sure && remote_code(s->remote) == CODE_CONFLICT && ask_is_possible()) {
        progress_end();
        terminal_print_text(stderr, PLAIN, err.text, false, 0);
        fputc('\n', stderr);
        if (ask_yes("move it here?"))
            r = put_domains(s, true, &err);
    }
    if (r < 0)
        note_failure(s, "custom domains were", &err);
}

static void set_schedules(struct steps *s)
{
    json_t *body = json_array(), *cron;
    size_t i;

    json_array_foreach(s->delivery->package->triggers.crons, i, cron)
        json_array_append_new(body, json_pack("{s:O}", "cron", cron));
    call(s, "cron triggers were", "PUT",
         remote_path(s->remote, "workers/scripts/%s/schedules", s->delivery->session.worker), body);
}

static json_t *addresses(struct steps *s, const json_t *uploaded)
{
    json_t *worker = NULL, *urls;
    struct err err;

    if (!s->changed && json_object_get(uploaded, "urls"))
        return json_incref(json_object_get(uploaded, "urls"));
    if (remote_get(s->remote,
                   remote_path(s->remote, "workers/workers/%s", s->delivery->session.worker),
                   &worker, &err) < 0)
        return json_array();
    urls = json_incref(json_object_get(worker, "urls"));
    json_decref(worker);
    return urls ? urls : json_array();
}

int delivery_trigger_set(struct delivery *delivery, const json_t *uploaded, json_t **ret_urls)
{
    struct steps s = {.delivery = delivery, .remote = delivery->session.remote};
    const struct package_triggers *wanted = &delivery->package->triggers;

    set_subdomain(&s, json_object_get(uploaded, "subdomain"));
    if (wanted->routes)
        call(&s, "routes were", "PUT",
             remote_path(s.remote, "workers/scripts/%s/routes", delivery->session.worker),
             json_incref(wanted->routes));
    if (wanted->domains)
        set_domains(&s);
    if (wanted->crons)
        set_schedules(&s);
    *ret_urls = addresses(&s, uploaded);
    return s.status;
}
