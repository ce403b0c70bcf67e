/* What a project's bindings need on the server, found or made before the upload.
 *
 * (1) An id of the configuration that this server does not know is one of another server's, of
 *     Cloudflare's for a project that was made there: what it stands for is made here, under the
 *     same id, and the configuration stays as it is.
 * (2) A binding without an id is what the worker has under this name already, else what is called
 *     as wrangler would call it, else that is made. */
#include "base/member.h"
#include "cli/delivery.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/terminal.h"

struct kind {
    const char *type;
    const char *field;       /* of the binding: which one it is */
    const char *path;        /* of the API, below the account */
    const char *id, *name;   /* members of what the API answers and takes */
    const char *known_as;    /* of the binding: its name, when the configuration has it */
    const char *words;
};

static const struct kind kinds[] = {
    {"kv_namespace", "namespace_id", "storage/kv/namespaces", "id", "title", "", "KV namespace"},
    {"d1", "id", "d1/database", "uuid", "name", "database_name", "D1 database"},
    {"r2_bucket", "bucket_name", "r2/buckets", "name", "name", "", "R2 bucket"},
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = member_text(object, key);

    return text && *text ? text : NULL;
}

/* "<worker>-<binding>", small and with "-" for "_". Returned owned. */
static char *made_up_name(const struct delivery *d, const json_t *binding)
{
    char *name;

    ASSERT(asprintf(&name, "%s-%s", d->session.worker, text_of(binding, "name")) > 0);
    for (char *c = name; *c; c++)
        *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
    return name;
}

/* True when the worker has a binding of this name and type. `settings` are asked for once. */
static bool has_already(struct delivery *d, json_t **settings, const json_t *binding)
{
    struct remote *remote = d->session.remote;
    const json_t *it;
    struct err err;
    size_t i;

    if (!*settings &&
        remote_get(remote, remote_path(remote, "workers/scripts/%s/settings", d->session.worker),
                   settings, &err) < 0)
        *settings = json_object();
    json_array_foreach(json_object_get(*settings, "bindings"), i, it)
        if (json_equal(json_object_get(it, "name"), json_object_get(binding, "name")) &&
            json_equal(json_object_get(it, "type"), json_object_get(binding, "type")))
            return true;
    return false;
}

/* The row of an id or a name, returned owned in *ret; NULL when there is none. */
static int find(struct delivery *d, const struct kind *kind, const char *which, json_t **ret,
                struct err *err)
{
    struct remote *remote = d->session.remote;
    char *start = remote_path(remote, kind->path), *path;
    char *segment = remote_path(remote, "/%s", which);
    int r;

    ASSERT(asprintf(&path, "%s%s", start, segment) > 0);
    free(segment);
    free(start);
    *ret = NULL;
    r = remote_get(remote, path, ret, err);
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int make(struct delivery *d, const struct kind *kind, const char *name, const char *id,
                json_t **ret, struct err *err)
{
    json_t *body = json_pack("{s:s}", kind->name, name);

    if (id && strcmp(kind->id, kind->name) != 0)
        json_object_set_new(body, kind->id, json_string(id));
    return remote_call(d->session.remote, "POST", remote_path(d->session.remote, kind->path), body,
                       ret, err);
}

static void tell(const struct kind *kind, const char *name, const json_t *binding)
{
    char text[1024];

    snprintf(text, sizeof text, "made the %s \"%s\" for the binding %s", kind->words, name,
             text_of(binding, "name"));
    terminal_note(text);
}

static int provide(struct delivery *d, const struct kind *kind, json_t *binding, struct err *err)
{
    const char *given = text_of(binding, kind->field), *known = text_of(binding, kind->known_as);
    char *made_up = made_up_name(d, binding);
    bool by_name = strcmp(kind->id, kind->name) == 0;
    const char *name = known ? known : given && by_name ? given : made_up;
    json_t *row = NULL;
    int r = find(d, kind, given ? given : name, &row, err);

    if (r == 0 && !row && (r = make(d, kind, name, given, &row, err)) == 0)
        tell(kind, name, binding);
    if (r == 0)
        json_object_set(binding, kind->field, json_object_get(row, kind->id));
    json_decref(row);
    free(made_up);
    return r;
}

static const struct kind *kind_of(const json_t *binding)
{
    const char *type = text_of(binding, "type");

    for (size_t i = 0; type && i < COUNT_OF(kinds); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    return NULL;
}

int delivery_provision(struct delivery *d)
{
    json_t *bindings = json_object_get(d->package->metadata, "bindings"), *binding;
    json_t *settings = NULL;
    struct err err;
    size_t i;
    int r = 0;

    json_array_foreach(bindings, i, binding) {
        const struct kind *kind = kind_of(binding);

        if (!kind || r < 0)
            continue;
        if (!text_of(binding, kind->field) && has_already(d, &settings, binding))
            json_object_set_new(binding, "type", json_string("inherit"));
        else
            r = provide(d, kind, binding, &err);
        if (*kind->known_as)
            json_object_del(binding, kind->known_as);
    }
    json_decref(settings);
    return r < 0 ? session_fail(&d->session, &err) : EXIT_DONE;
}
