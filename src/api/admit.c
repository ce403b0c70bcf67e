/* Token, account, scope, in this order; see admit.h.
 *
 * Wrong tokens count against an address, and too many end its attempts for a while, right ones
 * among them: an answer would tell a guesser. A token that is not for an account is told the same
 * whether there is such an account or not. */
#include "api/admit.h"

#include "api/call_private.h"
#include "base/member.h"
#include "os/clock.h"
#include "registry/account.h"
#include "registry/token.h"

enum { CODE_AUTHENTICATION = 10000, CODE_NO_TOKEN = 1000, CODE_SCOPE = 9109, CODE_THROTTLED = 971 };

static bool starts_nocase(str text, str prefix)
{
    return text.len >= prefix.len && str_equal_nocase(str_head(text, prefix.len), prefix);
}

static str token_of(const struct call *call)
{
    str text = call_header(call, "authorization");

    if (starts_nocase(text, STR("Bearer ")))
        return str_trim(str_skip(text, 7));
    return call_header(call, "x-auth-key");
}

static bool is_verification(const struct call *call)
{
    return strcmp(call_path(call), "/user/tokens/verify") == 0;
}

static void refuse_token(struct call *call, bool given)
{
    if (is_verification(call))
        call_fail(call, 401, CODE_NO_TOKEN, "Invalid API Token");
    else if (given)
        call_fail(call, 401, CODE_AUTHENTICATION,
                  "Authentication error: this token is wrong, was "
                  "deleted or has expired.");
    else
        call_fail(call, 401, CODE_AUTHENTICATION,
                  "Authentication error: send a token as "
                  "\"Authorization: Bearer TOKEN\".");
}

unsigned admit_wait_s(const struct call *call)
{
    return throttle_wait_s(call->api->throttle, call->client, clock_monotonic_ms());
}

void admit_failed(const struct call *call)
{
    throttle_failed(call->api->throttle, call->client, clock_monotonic_ms());
}

int admit_secret(struct call *call, str secret, struct err *err)
{
    int r = secret.len && secret.len <= TOKEN_BYTES_MAX
                ? token_find(call->api->registry, secret, &call->token, err)
                : err_set(err, ERR_NOT_FOUND, "the token is not valid");

    if (r < 0 && r != ERR_IO)
        admit_failed(call);
    return r;
}

static bool find_token(struct call *call)
{
    unsigned wait_s = admit_wait_s(call);
    str token = token_of(call);
    struct err err = {0};

    if (wait_s) {
        call_fail(call, 429, CODE_THROTTLED,
                  "Too many wrong tokens came from %s: try again in %u "
                  "s.",
                  call->client, wait_s);
        return false;
    }
    if (token.len && admit_secret(call, token, &err) == 0)
        return true;
    if (err.code == ERR_IO) {
        call_fail_err(call, 0, &err);
        return false;
    }
    refuse_token(call, token.len > 0);
    return false;
}

static const char *account_asked(const struct call *call)
{
    const char *account = call_param(call, "account");

    if (!account)
        account = call_query(call, "account.id");
    if (!account)
        account = member_text(call->token, "account");
    return account ? account : ACCOUNT_DEFAULT;
}

static bool is_below_account(const struct call *call)
{
    return call_param(call, "account") || str_equal(str_from(call_path(call)), STR("/zones")) ||
           str_starts(str_from(call_path(call)), STR("/zones/"));
}

static bool allowed(struct call *call, const char *scope)
{
    const char *own = member_text(call->token, "account");

    if (is_below_account(call)) {
        if (scope ? token_allows(call->token, call->account, scope)
                  : !own || strcmp(own, call->account) == 0)
            return true;
        call_fail(call, 403, CODE_SCOPE,
                  "This token may not do this: it takes the scope \"%s\" for the account \"%s\".",
                  scope ? scope : "any", call->account);
        return false;
    }
    if (!scope || token_allows(call->token, NULL, scope))
        return true;
    call_fail(call, 403, CODE_SCOPE,
              "This token may not do this: it takes the scope \"%s\" of a token for all accounts.",
              scope);
    return false;
}

static bool account_exists(struct call *call)
{
    struct err err = {0};
    json_t *row;

    if (!is_below_account(call))
        return true;
    if (account_get(call->api->registry, call->account, &row, &err) == 0) {
        json_decref(row);
        return true;
    }
    if (err.code == ERR_IO)
        call_fail_err(call, 0, &err);
    else
        call_fail(call, 404, 7003,
                  "There is no account \"%s\". CLOUDFLARE_ACCOUNT_ID, or "
                  "account_id in the configuration, names it.",
                  call->account);
    return false;
}

bool admit_call(struct call *call, const char *scope)
{
    if (!find_token(call))
        return false;
    call->account = str_dup(str_from(account_asked(call)));
    return allowed(call, scope) && account_exists(call);
}

static str without_port(str host)
{
    size_t len = host.len;

    if (host.len && host.ptr[0] == '[')
        return str_head(host, str_find(host, ']') + 1);
    while (len && host.ptr[len - 1] >= '0' && host.ptr[len - 1] <= '9')
        len--;
    return len && host.ptr[len - 1] == ':' ? str_head(host, len - 1) : host;
}

bool admit_is_local(const struct call *call)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
    str host = without_port(call_header(call, "host"));
    bool own_name = false;

    for (size_t i = 0; i < COUNT_OF(hosts); i++)
        own_name = own_name || str_equal_nocase(host, str_from(hosts[i]));
    return own_name && !call_header(call, "x-forwarded-for").len &&
           !call_header(call, "forwarded").len &&
           (str_starts(str_from(call->client), STR("127.")) || strcmp(call->client, "::1") == 0);
}
