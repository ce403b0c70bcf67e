/* Shapes of answers; see shape.h. Clients count on fields being there: what a row does not have is
 * null, an empty array or an empty object. */
#include "api/shape.h"

#include "api/call.h"
#include "base/member.h"

#define SOURCE "wrangler"   /* wrangler warns about scripts that something else deployed */

static json_t *or_else(const json_t *row, const char *key, json_t *otherwise)
{
    json_t *value = json_object_get(row, key);

    if (!value || json_is_null(value))
        return otherwise;
    json_decref(otherwise);
    return json_incref(value);
}

static json_t *version_metadata(const json_t *row)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "created_on",
                     call_time(member_int(row, "created_ms")), "modified_on",
                     call_time(member_int(row, "created_ms")), "source",
                     or_else(row, "source", json_string(SOURCE)), "author_id",
                     or_else(row, "author_id", json_string("")), "author_email",
                     or_else(row, "author_email", json_string("")), "has_preview", 0);
}

static json_t *version_resources(const json_t *row)
{
    json_t *script = json_pack("{s:o, s:o, s:s}", "etag", or_else(row, "etag", json_string("")),
                               "handlers", or_else(row, "handlers", json_array()),
                               "last_deployed_from", SOURCE);
    json_t *runtime = json_pack("{s:o, s:o, s:s, s:o}", "compatibility_date",
                                or_else(row, "compatibility_date", json_null()),
                                "compatibility_flags",
                                or_else(row, "compatibility_flags", json_array()), "usage_model",
                                "standard", "limits", or_else(row, "limits", json_object()));

    return json_pack("{s:o, s:o, s:o}", "script", script, "script_runtime", runtime, "bindings",
                     or_else(row, "bindings", json_array()));
}

json_t *shape_version(const json_t *row)
{
    return json_pack("{s:O, s:o, s:o, s:o, s:o, s:o}", "id", json_object_get(row, "id"), "number",
                     or_else(row, "number", json_integer(0)), "metadata", version_metadata(row),
                     "annotations", or_else(row, "annotations", json_object()), "resources",
                     version_resources(row), "startup_time_ms",
                     or_else(row, "startup_ms", json_real(0)));
}

json_t *shape_deployment(const json_t *row)
{
    return json_pack("{s:O, s:o, s:s, s:o, s:o, s:o, s:o}", "id", json_object_get(row, "id"),
                     "source", or_else(row, "source", json_string(SOURCE)), "strategy",
                     "percentage", "author_email", or_else(row, "author_email", json_string("")),
                     "created_on", call_time(member_int(row, "created_ms")), "annotations",
                     or_else(row, "annotations", json_object()), "versions",
                     or_else(row, "versions", json_array()));
}

json_t *shape_script(const json_t *row, const json_t *version)
{
    const json_t *settings = json_object_get(row, "settings");
    json_t *script = json_pack("{s:O, s:O, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "id",
                               json_object_get(row, "name"), "tag", json_object_get(row, "tag"),
                               "tags", or_else(settings, "tags", json_array()), "created_on",
                               call_time(member_int(row, "created_ms")), "modified_on",
                               call_time(member_int(row, "modified_ms")), "migration_tag",
                               or_else(row, "migration_tag", json_null()), "usage_model",
                               "standard", "last_deployed_from", SOURCE, "logpush",
                               or_else(settings, "logpush", json_false()), "observability",
                               or_else(settings, "observability", json_null()), "placement",
                               or_else(settings, "placement", json_object()), "tail_consumers",
                               or_else(settings, "tail_consumers", json_null()));

    if (!version)
        return script;
    json_object_set_new(script, "etag", or_else(version, "etag", json_string("")));
    json_object_set_new(script, "handlers", or_else(version, "handlers", json_array()));
    json_object_set_new(script, "compatibility_date",
                        or_else(version, "compatibility_date", json_null()));
    json_object_set_new(script, "compatibility_flags",
                        or_else(version, "compatibility_flags", json_array()));
    return script;
}

json_t *shape_page(size_t offset, size_t limit, size_t count)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "page", (json_int_t)offset / (json_int_t)limit + 1,
                     "per_page", (json_int_t)limit, "count", (json_int_t)count, "total_count",
                     (json_int_t)offset + (json_int_t)count + (count == limit));
}
