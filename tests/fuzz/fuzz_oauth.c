/* api/oauth: any bytes as the query of an authorization request. What is read leads to this
 * machine, can stand in a header, and fits its fields. */
#include <stdlib.h>

#include "api/oauth.h"
#include "api/oauth_scope.h"
#include "api/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_url(const json_t *request)
{
    json_t *params = json_pack("{s:s}", "code", "x");
    char *url = oauth_redirect_to(request, params);
    str origin = oauth_redirect_origin(str_from(url));

    ASSERT(str_starts(origin, STR("http://localhost")) ||
           str_starts(origin, STR("http://127.0.0.1")) || str_starts(origin, STR("http://[::1]")));
    for (const char *at = url; *at; at++)
        ASSERT(*at > ' ' && *at < 127 && *at != '"' && *at != ';' && *at != '#');
    free(url);
    json_decref(params);
}

static void check_scope(str words)
{
    json_t *wanted = oauth_scope_wanted(words);
    json_t *token = json_pack("{s:n, s:[s, s]}", "account", "scopes", "worker:write", "*:read");
    json_t *granted = oauth_scope_granted(wanted, token, NULL);

    free(oauth_scope_told(words, granted));
    json_decref(oauth_scope_sentences(wanted));
    json_decref(granted);
    json_decref(token);
    json_decref(wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *query = router_query((str){(const char *)data, size});
    struct oauth_error error;
    json_t *request = oauth_request_read(query, &error);

    ASSERT(request || error.name);
    if (request)
        check_url(request);
    if (request && !error.name)
        check_scope(str_from(json_string_value(json_object_get(request, "scope"))));
    json_decref(request);
    json_decref(query);
    return 0;
}
