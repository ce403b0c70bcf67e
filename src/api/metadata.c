/* Metadata; see metadata.h. */
#include "api/metadata.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/member.h"

/* ---- dates and flags ---- */

static bool is_date(const char *text)
{
    unsigned month, day;

    for (size_t i = 0; i < 10; i++) {
        if (i == 4 || i == 7 ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return false;
    }
    month = (unsigned)strtoul(text + 5, NULL, 10);
    day = (unsigned)strtoul(text + 8, NULL, 10);
    return !text[10] && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static int read_date(const json_t *object, json_t *fields, struct err *err)
{
    json_t *date = json_object_get(object, "compatibility_date");

    if (!date || json_is_null(date))
        return 0;
    if (!json_is_string(date) || (json_string_length(date) && !is_date(json_string_value(date))))
        return err_set(err, ERR_INVALID,
                       "\"compatibility_date\" must be a date such as \"2026-01-31\".");
    if (json_string_length(date))
        json_object_set(fields, "compatibility_date", date);
    return 0;
}

static int read_flags(const json_t *object, json_t *fields, struct err *err)
{
    json_t *flags = json_object_get(object, "compatibility_flags"), *flag;
    size_t i;

    if (!flags || json_is_null(flags))
        return 0;
    if (!json_is_array(flags) || json_array_size(flags) > METADATA_FLAGS_MAX)
        return err_set(err, ERR_INVALID,
                       "\"compatibility_flags\" must be an array of at most %d texts.",
                       METADATA_FLAGS_MAX);
    json_array_foreach(flags, i, flag) {
        if (!json_is_string(flag) || json_string_length(flag) > METADATA_TEXT_MAX)
            return err_set(err, ERR_INVALID, "Entry %zu of \"compatibility_flags\" is no text.",
                           i + 1);
    }
    json_object_set(fields, "compatibility_flags", flags);
    return 0;
}

/* ---- limits ---- */

static int read_limits(const json_t *object, json_t *fields, struct err *err)
{
    json_t *asked = json_object_get(object, "limits"), *limits;

    if (!asked || json_is_null(asked))
        return 0;
    if (!json_is_object(asked))
        return err_set(err, ERR_INVALID, "\"limits\" must be an object.");
    limits = json_object();
    for (const struct limits_row *row = limits_rows; row->key; row++) {
        json_t *value = json_object_get(asked, row->key);
        if (!value || json_is_null(value))
            continue;
        if (!json_is_integer(value) || json_integer_value(value) < (json_int_t)row->least ||
            (uint64_t)json_integer_value(value) > row->most) {
            json_decref(limits);
            return err_set(err, ERR_INVALID,
                           "\"limits.%s\" (%s) must be an integer from %" PRIu64 " to %" PRIu64 ".",
                           row->key, row->text, row->least, row->most);
        }
        json_object_set(limits, row->key, value);
    }
    json_object_set_new(fields, "limits", limits);
    return 0;
}

static const json_t *override_of(const json_t *limits, const char *key)
{
    const json_t *value = json_object_get(limits, key);

    return json_is_integer(value) && json_integer_value(value) >= 0 ? value : NULL;
}

uint64_t metadata_allowance(const char *key, const json_t *account, const json_t *script)
{
    const json_t *value = override_of(json_object_get(json_object_get(script, "settings"),
                                                      "limits"),
                                      key);
    const struct limits_row *row = limits_find(key);

    ASSERT(row);
    if (!value)
        value = override_of(json_object_get(account, "limits"), key);
    return value ? (uint64_t)json_integer_value(value) : row->normal;
}

int metadata_check_limits(const json_t *limits, const json_t *account, const json_t *script,
                          struct err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)limits, key, value) {
        uint64_t most = metadata_allowance(key, account, script);
        if (strcmp(key, "cpu_ms") != 0 && (uint64_t)json_integer_value(value) > most)
            return err_set(err, ERR_INVALID,
                           "\"limits.%s\" asks for more than the %" PRIu64 " that this account "
                           "has; the operator of the server may raise that.",
                           key, most);
    }
    return 0;
}

/* ---- settings and annotations ---- */

int metadata_read_settings(const json_t *object, json_t **ret, struct err *err)
{
    static const struct {
        const char *key;
        json_type type;
        const char *words;
    } shapes[] = {
        {"observability",  JSON_OBJECT, "an object"},
        {"placement",      JSON_OBJECT, "an object"},
        {"tail_consumers", JSON_ARRAY,  "an array"},
        {"tags",           JSON_ARRAY,  "an array"},
    };
    json_t *settings = json_object(), *value;

    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        value = json_object_get(object, shapes[i].key);
        if (value && !json_is_null(value) && json_typeof(value) != shapes[i].type) {
            json_decref(settings);
            return err_set(err, ERR_INVALID, "\"%s\" must be %s.", shapes[i].key, shapes[i].words);
        }
        if (value)
            json_object_set(settings, shapes[i].key, value);
    }
    value = json_object_get(object, "logpush");
    if (json_is_boolean(value))
        json_object_set(settings, "logpush", value);
    value = json_object_get(object, "min_instances");
    if (!value) /* what wrangler makes of [unsafe.metadata] */
        value = json_object_get(json_object_get(object, "atoll"), "min_instances");
    if (json_is_integer(value))
        json_object_set(settings, "min_instances", value);
    if (json_dumpb(settings, NULL, 0, JSON_COMPACT) > METADATA_SETTINGS_BYTES_MAX) {
        json_decref(settings);
        return err_set(err, ERR_LIMIT, "The settings have more than %d bytes.",
                       METADATA_SETTINGS_BYTES_MAX);
    }
    *ret = settings;
    return 0;
}

int metadata_read_annotations(const json_t *object, json_t **ret, struct err *err)
{
    static const char *const keys[] = {"workers/message", "workers/tag", "workers/alias"};
    const json_t *given = json_object_get(object, "annotations");
    json_t *annotations = json_object(), *value;

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        value = json_object_get(given, keys[i]);
        if (!value || json_is_null(value))
            continue;
        if (!json_is_string(value) || json_string_length(value) > METADATA_TEXT_MAX) {
            json_decref(annotations);
            return err_set(err, ERR_INVALID,
                           "The annotation \"%s\" must be a text of at most %d "
                           "bytes.",
                           keys[i], METADATA_TEXT_MAX);
        }
        json_object_set(annotations, keys[i], value);
    }
    *ret = annotations;
    return 0;
}

/* ---- what does not exist here ---- */

static bool is_there(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return value && !json_is_null(value) && !(json_is_array(value) && !json_array_size(value)) &&
           !(json_is_object(value) && !json_object_size(value));
}

static int refuse_missing(const json_t *object, struct err *err)
{
    static const struct {
        const char *key, *what;
    } missing[] = {
        {"migrations", "Durable Objects (\"migrations\")"},
        {"exports",    "Durable Objects (\"exports\")"},
        {"containers", "Containers"},
    };

    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        if (is_there(object, missing[i].key))
            return err_set(err, ERR_INVALID, "%s do not exist on this server.", missing[i].what);
    }
    return 0;
}

/* ---- all of it ---- */

/* With assets there need not be a script. */
static int read_main(const json_t *object, struct metadata *m, struct err *err)
{
    const char *module = member_text(object, "main_module"),
               *script = member_text(object, "body_part");

    if (!module && !script && (m->assets || m->keep_assets))
        return 0;
    if (!module == !script)
        return err_set(err, ERR_INVALID,
                       "The metadata needs \"main_module\" or \"body_part\": the name of the part "
                       "that is the worker.");
    m->is_script = script != NULL;
    json_object_set_new(m->fields, "main_module", json_string(module ? module : script));
    return 0;
}

static int read_all(const json_t *object, bool partial, struct metadata *m, struct err *err)
{
    int result = refuse_missing(object, err);
    json_t *assets = json_object_get(object, "assets");

    m->assets = json_is_object(assets) ? json_incref(assets) : NULL;
    m->keep_assets = json_is_true(json_object_get(object, "keep_assets"));
    if (result == 0 && !partial)
        result = read_main(object, m, err);
    if (result == 0)
        result = read_date(object, m->fields, err);
    if (result == 0)
        result = read_flags(object, m->fields, err);
    if (result == 0)
        result = read_limits(object, m->fields, err);
    if (result == 0)
        result = metadata_read_settings(object, &m->settings, err);
    if (result == 0) {
        m->own_settings = json_object();
        json_object_set(m->own_settings, "min_instances",
                        json_object_get(m->settings, "min_instances"));
    }
    if (result == 0)
        result = metadata_read_annotations(object, &m->annotations, err);
    m->bindings = json_incref(json_object_get(object, "bindings"));
    m->keep = json_incref(json_object_get(object, "keep_bindings"));
    return result;
}

int metadata_read(const json_t *object, bool partial, struct metadata *ret, struct err *err)
{
    int result;

    *ret = (struct metadata){.fields = json_object()};
    result = read_all(object, partial, ret, err);
    if (result < 0)
        metadata_done(ret);
    return result;
}

void metadata_done(struct metadata *metadata)
{
    json_decref(metadata->fields);
    json_decref(metadata->settings);
    json_decref(metadata->own_settings);
    json_decref(metadata->annotations);
    json_decref(metadata->bindings);
    json_decref(metadata->keep);
    json_decref(metadata->assets);
    *metadata = (struct metadata){0};
}
