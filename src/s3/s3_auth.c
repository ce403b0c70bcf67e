/* Access keys and signatures; see s3_auth.h. */
#include "s3/s3_auth.h"

#include "base/member.h"
#include "os/clock.h"

enum { KEY_ID_CHARS = 36 };

/* Without what was computed: it would sign what was sent. */
static void fail_flaw(struct s3_call *call, enum sigv4_flaw flaw)
{
    switch (flaw) {
    case SIGV4_OLD:
        s3_call_fail(call, S3_ERROR_VERSION_2);
        return;
    case SIGV4_MALFORMED:
        s3_call_fail(call, call->sig.is_presigned ? S3_ERROR_QUERY : S3_ERROR_CREDENTIALS);
        return;
    case SIGV4_TOO_LONG:
        s3_call_fail(call, S3_ERROR_QUERY);
        return;
    case SIGV4_NO_TIME:
        s3_call_fail_text(call, S3_ERROR_ACCESS_DENIED,
                          "AWS authentication requires a valid x-amz-date, of the day that the "
                          "credential names.");
        return;
    case SIGV4_NO_PAYLOAD:
        s3_call_fail_text(call, S3_ERROR_INVALID_REQUEST,
                          "Missing required header for this request: x-amz-content-sha256");
        return;
    case SIGV4_UNSIGNED:
        s3_call_fail_text(call, S3_ERROR_ACCESS_DENIED,
                          "There were headers present in the request which were not signed: host "
                          "and all x-amz- headers have to be.");
        return;
    case SIGV4_SKEWED:
        s3_call_fail(call, S3_ERROR_SKEWED);
        return;
    case SIGV4_EXPIRED:
        s3_call_fail_text(call, S3_ERROR_ACCESS_DENIED, "Request has expired");
        return;
    case SIGV4_WRONG:
        s3_call_fail(call, S3_ERROR_SIGNATURE);
        return;
    default:
        s3_call_fail(call, S3_ERROR_ACCESS_DENIED);
        return;
    }
}

static bool has_expired(const json_t *key)
{
    json_int_t expires_ms = member_int(key, "expires_ms");

    return expires_ms && expires_ms <= clock_wall_ms();
}

static void take_key(struct s3_call *call, const json_t *key)
{
    call->account = str_dup(member_str(key, "account"));
    call->actor = str_dup(member_str(key, "name"));
    call->may_read = json_is_true(json_object_get(key, "read"));
    call->may_write = json_is_true(json_object_get(key, "write"));
}

static void on_key(struct s3_ask *ask)
{
    struct s3_call *call = CONTAINER_OF(ask, struct s3_call, ask);
    struct sigv4_request request = s3_call_signed(call);
    enum sigv4_flaw flaw;

    if (!s3_call_is_open(call)) {
        s3_call_unref(call);
        return;
    }
    if (!ask->result || has_expired(ask->result)) {
        if (ask->result || ask->err.code == ERR_NOT_FOUND)
            s3_call_fail(call, S3_ERROR_KEY_ID);
        else
            s3_call_fail(call, S3_ERROR_UNAVAILABLE);
    } else {
        sigv4_key(&call->sig, member_str(ask->result, "secret"), call->key);
        flaw = sigv4_check(&request, &call->sig, call->key);
        take_key(call, ask->result);
        if (flaw == SIGV4_FINE)
            call->then(call);
        else
            fail_flaw(call, flaw);
    }
    s3_call_unref(call);
}

void s3_auth_start(struct s3_call *call, void (*then)(struct s3_call *call))
{
    struct sigv4_request request = s3_call_signed(call);
    enum sigv4_flaw flaw = sigv4_read(&request, clock_wall_s(), &call->sig);

    if (flaw != SIGV4_FINE) {
        fail_flaw(call, flaw);
        return;
    }
    if (call->sig.key_id.len != KEY_ID_CHARS) {
        s3_call_fail(call, S3_ERROR_KEY_ID);
        return;
    }
    call->then = then;
    s3_call_ask(call, "key", json_pack("{s:o}", "key", s3_call_json(call->sig.key_id)), on_key);
}
