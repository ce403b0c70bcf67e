/* Lines of a worker's log; see line.h. */
#include "runtime/line.h"

#include <stdio.h>

#include "base/utf8.h"
#include "runtime/exchange.h"
#include "runtime/runtime.h"

enum {
    LINE_COST_BYTES = 64,    /* of a line, besides its text */
    MS_PER_SECOND = 1000,
};

static struct trace **trace_of(int32_t id)
{
    struct exchange *x = exchange_find(id);

    return x ? &x->trace : NULL;
}

/* What `add` made of a trace that is no request's is told at once. */
static void tell_loose(struct version *v, struct trace *trace)
{
    if (trace)
        trace_tell(trace, &(struct trace_subject){.key = version_worker_name(v),
                                                  .script = version_script_name(v),
                                                  .version_id = version_id(v)});
}

static void add_line(struct version *v, int32_t id, const char *level, str message)
{
    struct trace *loose = NULL, **trace = trace_of(id);

    trace_log(trace ? trace : &loose, level, message);
    tell_loose(v, loose);
}

/* What is spent comes back as time passes. */
static struct line_allowance *allowance_of(struct version *v)
{
    struct line_allowance *lines = version_lines(v);
    uint64_t now_ms = uv_now(isolate_loop());
    uint64_t back = (now_ms - lines->seen_ms) * LINE_RATE_BYTES / MS_PER_SECOND;

    if (back) {
        lines->spent = lines->spent > back ? lines->spent - back : 0;
        lines->seen_ms = now_ms;
    }
    return lines;
}

static void say(struct isolate *iso, struct version *v, const char *format, uint64_t bytes)
{
    char note[128];

    snprintf(note, sizeof note, format, (unsigned long long)bytes);
    add_line(v, isolate_cells(iso)[CELL_CURRENT], "warn", str_from(note));
}

/* True when the line may be told; when it is the first that may not, says so in its place. */
static bool pay(struct isolate *iso, struct version *v, str text)
{
    struct isolate_spent *spent = isolate_spent(iso);
    struct line_allowance *lines = allowance_of(v);
    uint64_t max = version_limits(v)->log_bytes;

    if (spent->log_bytes > max || lines->spent > LINE_BURST_BYTES)
        return false;
    spent->log_bytes += text.len + LINE_COST_BYTES;
    lines->spent += text.len + LINE_COST_BYTES;
    if (spent->log_bytes > max) {
        spent->log_bytes = max + 1;
        say(iso, v, "This request's log lines beyond %llu bytes are left out (limits.log_bytes).",
            max);
        return false;
    }
    if (lines->spent > LINE_BURST_BYTES)
        say(iso, v, "This worker's log lines beyond %llu bytes a second are left out.",
            LINE_RATE_BYTES);
    return true;
}

enum isolate_console line_wanted(struct isolate *iso)
{
    struct version *v = version_of_isolate(iso);

    if (runtime_options()->dev)
        return ISOLATE_CONSOLE_TEXT;
    if (!v || isolate_spent(iso)->log_bytes > version_limits(v)->log_bytes ||
        allowance_of(v)->spent > LINE_BURST_BYTES)
        return ISOLATE_CONSOLE_OFF;
    return ISOLATE_CONSOLE_JSON;
}

static str cut(str text)
{
    size_t units;

    return text.len > LINE_BYTES_MAX ? str_head(text, utf8_fit(text, LINE_BYTES_MAX, &units))
                                     : text;
}

void line_on_console(struct isolate *iso, int level, str text)
{
    static const char *const levels[] = {"debug", "log", "info", "warn", "error"};
    struct version *v = version_of_isolate(iso);

    ASSERT(level >= 0 && (size_t)level < COUNT_OF(levels));
    if (runtime_options()->dev)
        runtime_log(v ? version_worker_name(v) : "", levels[level], cut(text));
    else if (v && pay(iso, v, text))
        add_line(v, isolate_cells(iso)[CELL_CURRENT], levels[level], text);
}

void line_error(struct version *v, int32_t id, str text)
{
    struct trace *loose = NULL, **trace;

    if (runtime_options()->dev) {
        runtime_log(version_worker_name(v), "error", cut(text));
        return;
    }
    trace = trace_of(id);
    trace_exception(trace ? trace : &loose, text);
    tell_loose(v, loose);
}
