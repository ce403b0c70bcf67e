/* TOML to JSON; see toml.h. The script is toml.js, bundled into the binary by the build. */
#include "control/toml.h"

#include "base/buf.h"
#include "base/member.h"
#include "engine/oneshot.h"

enum { TOML_JSON_MAX = 8 * TOML_BYTES_MAX };

extern const char control_toml_js[];
extern const size_t control_toml_js_len;

/* Takes the answer of toml.js apart; `answer` is taken. */
static json_t *unwrap(json_t *answer, const char *path, struct err *err)
{
    json_t *value = json_incref(json_object_get(answer, "value"));

    if (!value)
        err_set(err, ERR_INVALID, "%s:%lld:%lld: %s", path, (long long)member_int(answer, "line"),
                (long long)member_int(answer, "column"), member_text(answer, "message"));
    json_decref(answer);
    return value;
}

json_t *toml_parse(str text, const char *path, struct err *err)
{
    struct buf out;
    struct err inner;
    json_t *answer;

    if (text.len > TOML_BYTES_MAX) {
        err_set(err, ERR_LIMIT, "%s: larger than %d bytes", path, TOML_BYTES_MAX);
        return NULL;
    }
    buf_init(&out, TOML_JSON_MAX);
    if (oneshot_call((str){control_toml_js, control_toml_js_len}, text, &out, &inner) < 0) {
        err_set(err, inner.code, "%s: %.3000s", path, inner.text);
        buf_done(&out);
        return NULL;
    }
    answer = json_loadb(out.ptr, out.len, 0, NULL);
    buf_done(&out);
    ASSERT(json_is_object(answer));
    return unwrap(answer, path, err);
}
