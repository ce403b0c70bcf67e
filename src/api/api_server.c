/* /healthz and /metrics: the server as its watchers see it.
 *
 * A watcher on the same machine needs no token for the metrics. */
#include "api/admit.h"
#include "api/tables.h"

enum { METRICS_BYTES_MAX = 64 << 20, REASON_BYTES_MAX = 64 << 10 };

#define TEXT_HEAD "cache-control: no-store\r\ncontent-type: text/plain; charset=utf-8"

static void healthz(struct call *call)
{
    const struct platform *platform = call_platform(call);
    struct buf reason;
    bool healthy;

    buf_init(&reason, REASON_BYTES_MAX);
    healthy = platform->healthy(platform->context, &reason);
    if (healthy)
        call_bytes(call, 200, STR(TEXT_HEAD "\r\n"), STR("ok\n"));
    else
        call_bytes(call, 503, STR(TEXT_HEAD "\r\n"), buf_str(&reason));
    buf_done(&reason);
}

static void metrics(struct call *call)
{
    const struct platform *platform = call_platform(call);
    struct buf text;

    if (!admit_is_local(call) && !admit_call(call, "server:read"))
        return;
    buf_init(&text, METRICS_BYTES_MAX);
    platform->metrics(platform->context, &text);
    call_bytes(call, 200, STR(TEXT_HEAD "; version=0.0.4\r\n"), buf_str(&text));
    buf_done(&text);
}

const struct call_route api_server_routes[] = {
    {"GET", "/healthz", "", healthz, NULL},
    {"GET", "/metrics", "", metrics, NULL},
    {0},
};
