/* Conditions; see r2_condition.h. */
#include "bindings/r2/r2_condition.h"

enum { SECOND_MS = 1000 };

static bool has(const json_t *etags, str etag)
{
    const json_t *it;
    size_t i;

    json_array_foreach(etags, i, it) {
        str one = {json_string_value(it), json_string_length(it)};
        if (str_equal(one, STR("*")) || str_equal(one, etag))
            return true;
    }
    return false;
}

static int64_t rounded(const json_t *condition, int64_t ms)
{
    return json_is_true(json_object_get(condition, "secondsGranularity")) ? ms / SECOND_MS : ms;
}

bool r2_condition_holds(const json_t *condition, str etag, int64_t uploaded)
{
    const json_t *matches = json_object_get(condition, "etagMatches"),
                 *differs = json_object_get(condition, "etagDoesNotMatch"),
                 *before = json_object_get(condition, "uploadedBefore"),
                 *after = json_object_get(condition, "uploadedAfter");
    int64_t time = rounded(condition, uploaded);

    if (!etag.len)
        return !matches && !after;
    if (matches && !has(matches, etag))
        return false;
    if (differs && has(differs, etag))
        return false;
    if (after && !differs && time <= rounded(condition, (int64_t)json_number_value(after)))
        return false;
    return !before || matches || time < rounded(condition, (int64_t)json_number_value(before));
}
