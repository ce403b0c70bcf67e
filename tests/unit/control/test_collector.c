#include "control/collector.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/file.h"
#include "registry/usage.h"

enum { METRICS_MAX = 1 << 20 };

static struct {
    uv_loop_t loop;
    char *directory;
    struct registry *registry;
    struct collector *collector;
    unsigned troubles, recoveries;
} t;

static void on_trouble(void *context, const char *text)
{
    cr_assert_eq(context, &t);
    if (text)
        t.troubles++;
    else
        t.recoveries++;
}

static void start(void)
{
    struct err err;

    uv_loop_init(&t.loop);
    cr_assert_eq(file_make_temporary(&t.directory, &err), 0);
    cr_assert_eq(registry_open(t.directory, &t.registry, &err), 0, "%s", err.text);
    t.collector = collector_start(&t.loop, t.registry, on_trouble, &t);
}

static void stop_collector(void)
{
    collector_stop(t.collector);
    t.collector = NULL;
    uv_run(&t.loop, UV_RUN_DEFAULT);
}

static void stop(void)
{
    stop_collector();
    registry_close(t.registry);
    file_remove_tree(t.directory);
    free(t.directory);
    cr_expect_eq(uv_loop_close(&t.loop), 0);
}

TestSuite(collector, .init = start, .fini = stop);

static void add(int process, const char *text)
{
    json_t *frame = json_loads(text, 0, NULL);

    cr_assert_not_null(frame, "%s", text);
    collector_add(t.collector, process, frame);
    json_decref(frame);
}

static char *metrics(void)
{
    json_t *status = json_loads("{\"lanes\":{\"fast\":2,\"spare\":1},\"quarantined\":[{}],"
                                "\"deaths\":3,\"handed\":4}",
                                0, NULL);
    struct buf out;

    buf_init(&out, METRICS_MAX);
    collector_metrics(t.collector, status, &out);
    json_decref(status);
    return buf_take(&out, NULL);
}

static void expect_line(const char *text, const char *line)
{
    const char *found = strstr(text, line);

    cr_expect(found && (found == text || found[-1] == '\n') && found[strlen(line)] == '\n',
              "%s is missing in\n%s", line, text);
}

#define FRAME                                                                                      \
    "{\"type\":\"usage\",\"workers\":{\"default/hello\":{\"requests\":12,\"errors\":1,"            \
    "\"subrequests\":4,\"cpu_us\":1500,\"wall_us\":9120,\"memory_mb_ms\":2000,\"bytes_in\":7,"     \
    "\"bytes_out\":156,\"cold_starts\":1,\"outcomes\":{\"ok\":11,\"exception\":1}}},"              \
    "\"process\":{\"isolates\":3,\"blanks\":4,\"connections\":2,\"rss_bytes\":61000000,"           \
    "\"unrouted\":5,\"tails_dropped\":6,\"latency\":{\"counts\":[11,0,1],\"sum_us\":9120},"        \
    "\"cold\":{\"counts\":[0,0,1],\"sum_us\":900}}}"

static const char *const lines[] = {
    "atoll_requests_total{worker=\"default/hello\",outcome=\"ok\"} 22",
    "atoll_requests_total{worker=\"default/hello\",outcome=\"exception\"} 2",
    "atoll_errors_total{cause=\"exception\"} 2",
    "atoll_errors_total{cause=\"exceededCpu\"} 0",
    "atoll_subrequests_total{worker=\"default/hello\"} 8",
    "atoll_cpu_seconds_total{worker=\"default/hello\"} 0.003",
    "atoll_memory_byte_seconds_total{worker=\"default/hello\"} 4194304",
    "atoll_cold_starts_total{worker=\"default/hello\"} 2",
    "atoll_request_duration_seconds_bucket{le=\"0.00025\"} 22",
    "atoll_request_duration_seconds_bucket{le=\"0.001\"} 24",
    "atoll_request_duration_seconds_bucket{le=\"10\"} 24",
    "atoll_request_duration_seconds_bucket{le=\"+Inf\"} 24",
    "atoll_request_duration_seconds_sum 0.01824",
    "atoll_request_duration_seconds_count 24",
    "atoll_cold_start_duration_seconds_count 2",
    "atoll_isolates 6",
    "atoll_connections 4",
    "atoll_runtime_resident_memory_bytes{process=\"1\"} 61000000",
    "atoll_unrouted_requests_total 10",
    "atoll_processes{lane=\"fast\"} 2",
    "atoll_processes{lane=\"spare\"} 1",
    "atoll_quarantined 1",
    "atoll_process_deaths_total 3",
};

Test(collector, counts_what_processes_tell)
{
    char *text;

    add(1, FRAME);
    add(2, FRAME);
    text = metrics();
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        expect_line(text, lines[i]);
    free(text);
}

Test(collector, gauges_go_with_their_process)
{
    char *text;

    add(1, FRAME);
    add(2, FRAME);
    add(2, "{\"process\":{\"isolates\":5}}");
    collector_forget(t.collector, 1);
    collector_forget(t.collector, 1);
    text = metrics();
    expect_line(text, "atoll_isolates 5");
    expect_line(text, "atoll_requests_total{worker=\"default/hello\",outcome=\"ok\"} 22");
    cr_expect_null(strstr(text, "process=\"1\""));
    free(text);
}

/* Usage of the last ten minutes. */
static json_t *usage(void)
{
    int64_t now = (int64_t)time(NULL) * 1000;
    struct usage_query query = {"default", "hello", now - 600000, now + 600000, 0};
    json_t *rows, *row;
    struct err err;

    cr_assert_eq(usage_read(t.registry, &query, &rows, &err), 0, "%s", err.text);
    row = json_incref(json_array_get(rows, 0));
    json_decref(rows);
    return row;
}

static json_int_t number(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

Test(collector, commits_each_count_once)
{
    json_t *row;

    add(1, FRAME);
    add(1, FRAME);
    stop_collector();
    row = usage();
    cr_expect_eq(number(row, "requests"), 24);
    cr_expect_eq(number(row, "cpu_us"), 3000);
    cr_expect_eq(number(json_object_get(row, "outcomes"), "ok"), 22);
    json_decref(row);
    t.collector = collector_start(&t.loop, t.registry, on_trouble, &t);
    add(1, FRAME);
    stop_collector();
    row = usage();
    cr_expect_eq(number(row, "requests"), 36);
    json_decref(row);
    cr_expect_eq(t.troubles + t.recoveries, 0);
}

static void on_enough(uv_timer_t *timer)
{
    json_t *row = usage();

    if (number(row, "requests") == 12)
        uv_close((uv_handle_t *)timer, NULL);
    json_decref(row);
}

/* The timer commits by itself: the loop runs until it has. */
Test(collector, commits_by_itself, .timeout = 30)
{
    uv_timer_t poll;

    add(1, FRAME);
    uv_timer_init(&t.loop, &poll);
    uv_timer_start(&poll, on_enough, 20, 20);
    uv_run(&t.loop, UV_RUN_DEFAULT);
}

Test(collector, takes_nonsense)
{
    static const char *const frames[] = {
        "{}", "[]", "{\"workers\":[]}", "{\"workers\":{\"a/b\":null}}", "{\"process\":7}",
        "{\"workers\":{\"a/b\":{\"requests\":-5,\"outcomes\":{\"ok\":-1,\"odd\":{}}}}}",
        "{\"workers\":{\"a/b\":{\"requests\":\"x\",\"outcomes\":[1],\"cpu_us\":{\"a\":{}}}}}",
        "{\"process\":{\"isolates\":-1,\"latency\":{\"counts\":[-1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
        "1,1,1,1]}}}",
        "{\"process\":{\"latency\":{\"counts\":{}}}}",
    };
    char *text;

    for (size_t i = 0; i < COUNT_OF(frames); i++)
        add((int)i, frames[i]);
    text = metrics();
    expect_line(text, "atoll_isolates 0");
    expect_line(text, "atoll_request_duration_seconds_count 15");
    free(text);
}

Test(collector, series_have_a_maximum)
{
    char *text, frame[128], last[128];
    size_t samples = 0;

    for (int i = 0; i < COLLECTOR_SERIES_MAX + 50; i++) {
        sprintf(frame, "{\"workers\":{\"default/w%d\":{\"cold_starts\":1}}}", i);
        add(1, frame);
    }
    text = metrics();
    for (const char *at = text; (at = strstr(at, "\natoll_cold_starts_total{")); at++)
        samples++;
    cr_expect_eq(samples, COLLECTOR_SERIES_MAX + 1);
    sprintf(last, "atoll_cold_starts_total{worker=\"" COLLECTOR_REST "\"} %d", 50);
    expect_line(text, last);
    free(text);
}

Test(collector, escapes_labels)
{
    char *text;

    add(1, "{\"workers\":{\"a\\\"\\\\\\nb\":{\"cold_starts\":1}}}");
    text = metrics();
    expect_line(text, "atoll_cold_starts_total{worker=\"a\\\"\\\\\\nb\"} 1");
    free(text);
}

Test(collector, leaves_out_what_does_not_fit)
{
    add(1, FRAME);
    for (size_t max = 0; max < 8192; max += 97) {
        struct buf out;

        buf_init(&out, max);
        collector_metrics(t.collector, NULL, &out);
        cr_expect_leq(out.len, max);
        cr_expect(!out.len || out.ptr[out.len - 1] == '\n');
        cr_expect(!out.len || strncmp(out.ptr, "# HELP ", 7) == 0);
        buf_done(&out);
    }
}

/* ---- the text as Prometheus reads it ---- */

static bool is_name(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || c == '_' || c == ':' || (!first && c >= '0' && c <= '9');
}

static const char *skip_name(const char *at)
{
    const char *start = at;

    while (is_name(*at, at == start))
        at++;
    cr_assert_neq(at, start, "a name is missing: %.40s", start);
    return at;
}

/* {name="value",...} with \\, \" and \n escaped. */
static const char *skip_labels(const char *at)
{
    if (*at != '{')
        return at;
    do {
        at = skip_name(at + 1);
        cr_assert_eq(strncmp(at, "=\"", 2), 0, "%.40s", at);
        for (at += 2; *at != '"'; at++) {
            cr_assert(*at != '\n' && *at != 0, "an open label: %.40s", at);
            if (*at == '\\')
                cr_assert_not_null(strchr("\\\"n", *++at));
        }
        at++;
    } while (*at == ',');
    cr_assert_eq(*at, '}', "%.40s", at);
    return at + 1;
}

/* A sample belongs to the family that was announced last. */
static void check_sample(const char *line, const char *family, const char *type)
{
    const char *end = skip_name(line), *at = skip_labels(end);
    size_t len = strlen(family);
    bool suffixed = (size_t)(end - line) > len;
    char *rest;

    cr_assert_eq(strncmp(line, family, len), 0, "%.60s is not of %s", line, family);
    cr_assert_eq(suffixed, strcmp(type, "histogram") == 0, "%.60s", line);
    cr_assert_eq(*at, ' ');
    cr_assert_geq(strtod(at + 1, &rest), 0);
    cr_assert_eq(*rest, 0, "%s", line);
}

Test(collector, text_is_in_prometheus_format)
{
    char *text, *save = NULL, family[128] = "", type[32] = "", seen[16384] = " ";

    add(1, FRAME);
    add(1, "{\"workers\":{\"b\\\"/\\\\\":{\"requests\":1,\"outcomes\":{\"ok\":1}}}}");
    text = metrics();
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char name[128], once[160];

        if (sscanf(line, "# HELP %127s", name) == 1) {
            sprintf(once, " %s ", name);
            cr_assert_null(strstr(seen, once), "%s comes twice", name);
            strcat(strcat(seen, name), " ");
            strcpy(family, name);
            type[0] = 0;
        } else if (sscanf(line, "# TYPE %127s %31s", name, type) == 2) {
            cr_assert_str_eq(name, family);
            cr_assert(strstr("counter gauge histogram", type));
            cr_assert_eq(strcmp(type, "counter") == 0,
                         strcmp(name + strlen(name) - 6, "_total") == 0, "%s", name);
        } else {
            check_sample(line, family, type);
        }
    }
    cr_expect(strstr(seen, " atoll_requests_total "));
    free(text);
}

Test(collector, keeps_to_counters_that_it_knows)
{
    const struct usage_query query = {"default", "hello", 0, INT64_MAX, 0};
    json_t *rows, *row;
    struct err err;

    for (int i = 0; i < 3; i++)
        add(1, "{\"workers\":{\"default/hello\":{\"requests\":9223372036854775807,\"mine\":1,"
               "\"errors\":-5,\"cpu_us\":\"x\",\"outcomes\":{\"ok\":2,\"mine\":3}}}}");
    stop_collector();
    cr_assert_eq(usage_read(t.registry, &query, &rows, &err), 0, "%s", err.text);
    row = json_array_get(rows, 0);
    cr_expect_eq(json_integer_value(json_object_get(row, "requests")), 1000000000000);
    cr_expect_eq(json_integer_value(json_object_get(row, "errors")), 0);
    cr_expect_eq(json_integer_value(json_object_get(row, "cpu_us")), 0);
    cr_expect_eq(json_object_size(json_object_get(row, "outcomes")), 1);
    json_decref(rows);
}
