/* Versions and deployments of a worker; see history.h. */
#include "cli/history.h"

#include <stdio.h>
#include <string.h>

#include "base/member.h"
#include "base/utf8.h"
#include "cli/quantity.h"

enum { SHORT_RESULTS = 8, LINE_BYTES_MAX = 200, TEXT_BYTES_MAX = 4096 };

/* ---- reading members ---- */

const char *history_annotation(const json_t *object, const char *key)
{
    char name[64];

    snprintf(name, sizeof name, "workers/%s", key);
    return member_text_or(json_object_get(object, "annotations"), name, "");
}

const char *history_short(const char *id)
{
    static char results[SHORT_RESULTS][HISTORY_SHORT + 1];
    static size_t next;
    char *out = results[next++ % SHORT_RESULTS];

    snprintf(out, HISTORY_SHORT + 1, "%s", id);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
            *c = '?';
    return out;
}

char *history_versions_text(const json_t *versions)
{
    size_t count = json_array_size(versions), i;
    const json_t *it;
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    json_array_foreach(versions, i, it) {
        const char *id = history_short(member_text_or(it, "version_id", ""));
        if (count == 1)
            (void)!buf_printf(&text, "%s", id);
        else
            (void)!buf_printf(&text, "%s%s %s", i ? " + " : "", id,
                              quantity_share(json_number_value(json_object_get(it, "percentage"))));
    }
    return buf_take(&text, NULL);
}

char *history_line(const char *text)
{
    str line = str_head(str_from(text), str_find(str_from(text), '\n'));
    struct buf out;
    size_t units, fits;

    if (line.len <= LINE_BYTES_MAX)
        return line.len ? strndup(line.ptr, line.len) : str_dup(STR(""));
    fits = utf8_fit(line, LINE_BYTES_MAX, &units);
    buf_init(&out, LINE_BYTES_MAX + 8);
    (void)!buf_printf(&out, "%.*s ...", (int)fits, line.ptr);
    return buf_take(&out, NULL);
}

/* ---- the lists ---- */

int history_read(struct session *session, struct history *history, struct err *err)
{
    struct remote *remote = session->remote;
    int r = remote_list(remote, remote_path(remote, "workers/scripts/%s/versions", session->worker),
                        "items", &history->versions, err);

    if (r == 0)
        r = remote_list(remote,
                        remote_path(remote, "workers/scripts/%s/deployments", session->worker),
                        "deployments", &history->deployments, err);
    return r;
}

void history_done(struct history *history)
{
    json_decref(history->versions);
    json_decref(history->deployments);
    *history = (struct history){0};
}

const json_t *history_live(const struct history *history)
{
    return json_array_get(history->deployments, 0);
}

void history_shorten(json_t *rows, size_t limit)
{
    while (json_array_size(rows) > limit)
        json_array_remove(rows, json_array_size(rows) - 1);
}

const char *history_first(const json_t *deployment)
{
    return member_text_or(json_array_get(json_object_get(deployment, "versions"), 0), "version_id",
                          "");
}

const json_t *history_before(const struct history *history)
{
    const json_t *live = history_live(history), *it;
    bool alone = json_array_size(json_object_get(live, "versions")) == 1;
    size_t i;

    json_array_foreach(history->deployments, i, it) {
        if (i == 0 || json_array_size(json_object_get(it, "versions")) != 1)
            continue;
        if (!alone || strcmp(history_first(it), history_first(live)) != 0)
            return it;
    }
    return NULL;
}

double history_share(const struct history *history, const char *id)
{
    const json_t *versions = json_object_get(history_live(history), "versions");
    const json_t *version = member_find(versions, "version_id", id);

    return version ? json_number_value(json_object_get(version, "percentage")) : -1;
}

const json_t *history_version(const struct history *history, const char *id)
{
    return member_find(history->versions, "id", id);
}

int history_deploy(struct session *session, json_t *versions, const char *message, struct err *err)
{
    json_t *body = json_pack("{s:s, s:o, s:{}}", "strategy", "percentage", "versions", versions,
                             "annotations");

    if (message)
        json_object_set_new(json_object_get(body, "annotations"), "workers/message",
                            json_string(message));
    return remote_call(session->remote, "POST",
                       remote_path(session->remote, "workers/scripts/%s/deployments",
                                   session->worker),
                       body, NULL, err);
}

/* ---- looking up ---- */

static int find_live(const struct history *history, const json_t **ret, struct err *err)
{
    const json_t *live = history_live(history);

    if (!live)
        return err_set(err, ERR_NOT_FOUND, "nothing of this worker is live");
    if (json_array_size(json_object_get(live, "versions")) != 1)
        return err_set(err, ERR_INVALID,
                       "more than one version is live: name it by its id (atoll versions list)");
    *ret = history_version(history, history_first(live));
    return *ret ? 0 : err_set(err, ERR_NOT_FOUND, "the live version is not listed any more");
}

int history_find(const struct history *history, const char *text, const json_t **ret,
                 struct err *err)
{
    const json_t *it;
    size_t i;

    *ret = NULL;
    if (strcmp(text, "live") == 0)
        return find_live(history, ret, err);
    if (strcmp(text, "latest") == 0)
        *ret = json_array_get(history->versions, 0);
    else if (strlen(text) < HISTORY_PREFIX_MIN)
        return err_set(err, ERR_INVALID,
                       "\"%s\" is too short: a version is named by %d characters "
                       "of its id or more",
                       text, HISTORY_PREFIX_MIN);
    else
        json_array_foreach(history->versions, i, it) {
            if (strncasecmp(member_text_or(it, "id", ""), text, strlen(text)) != 0)
                continue;
            if (*ret)
                return err_set(err, ERR_INVALID,
                               "\"%.64s\" begins the ids of several versions: give more of it",
                               text);
            *ret = it;
        }
    return *ret ? 0
                : err_set(err, ERR_NOT_FOUND,
                          "there is no version \"%.64s\": atoll versions list shows all", text);
}
