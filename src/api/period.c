/* Spans of time in queries; see period.h. */
#include "api/period.h"

#include "base/moment.h"
#include "os/clock.h"

static int read_one(const struct call *call, const char *name, int64_t normal, int64_t *ret,
                    struct err *err)
{
    const char *text = call_query(call, name);

    *ret = normal;
    return text ? moment_parse(str_from(text), ret, err) : 0;
}

bool period_read(struct call *call, int64_t default_ms, struct period *ret)
{
    int64_t now_ms = clock_wall_ms();
    struct err err = {0};

    if (read_one(call, "to", now_ms + 1, &ret->to_ms, &err) == 0 &&
        read_one(call, "from", ret->to_ms > default_ms ? ret->to_ms - default_ms : 0, &ret->from_ms,
                 &err) == 0) {
        if (ret->from_ms <= ret->to_ms)
            return true;
        err_set(&err, ERR_INVALID, "\"from\" is after \"to\".");
    }
    call_fail_err(call, 0, &err);
    return false;
}
