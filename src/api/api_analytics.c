/* Queries of data points: SQL in the body, or in ?query=; the answer as the query's FORMAT says,
 * without the envelope of other calls, as on Cloudflare.
 *
 * The supervisor neither reads the SQL nor opens the data: a runtime does both. */
#include <stdio.h>

#include "api/binding.h"
#include "api/call.h"
#include "api/stored.h"
#include "api/tables.h"
#include "base/member.h"

enum { CODE_QUERY = 10400, HEAD_MAX = 256 };

static const struct stored_kind kind = {.kind = "analytics",
                                        .type = "analytics_engine",
                                        .noun = "analytics engine",
                                        .code_none = CODE_QUERY};

static void on_answer(void *arg, const struct platform_stored *stored)
{
    struct call *call = arg;
    json_t *result;
    const char *type;
    char head[HEAD_MAX];

    if (stored->code == ERR_INVALID || stored->code == ERR_LIMIT) {
        call_fail(call, stored->code == ERR_LIMIT ? 422 : 400, CODE_QUERY, "%s", stored->error);
        return;
    }
    if (stored_failed(call, stored, CODE_QUERY))
        return;
    result = json_loadb(stored->result.ptr, stored->result.len, 0, NULL);
    type = member_text(result, "type");
    snprintf(head, sizeof head,
             "content-type: %s\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n",
             type ? type : "application/json");
    call_bytes(call, 200, str_from(head), stored->bytes);
    json_decref(result);
}

static void ask(struct call *call, str sql)
{
    json_t *row = json_pack("{s:s, s:s, s:s}", "account", call_account(call), "kind", kind.kind,
                            "id", BINDING_SHARED_ID);

    stored_ask(call, &kind, row, &(struct stored_words){"query", NULL, sql}, on_answer);
    json_decref(row);
}

static void query(struct call *call)
{
    ask(call, call_body(call));
}

static void query_get(struct call *call)
{
    ask(call, str_from(call_query(call, "query")));
}

#define SQL "/accounts/:account/analytics_engine/sql"

const struct call_route api_analytics_routes[] = {
    {"POST", SQL, "storage:read", query,     NULL},
    {"GET",  SQL, "storage:read", query_get, NULL},
    {0},
};
