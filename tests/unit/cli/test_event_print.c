#include "cli/event_print.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"

/* What is printed of an event written with ' for "; returned owned. */
static char *printed(const char *json)
{
    char *copy = strdup(json), *out = NULL;
    size_t len;
    FILE *stream = open_memstream(&out, &len);
    json_error_t error;
    json_t *event;

    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    event = json_loads(copy, JSON_ALLOW_NUL, &error);
    cr_assert(event, "%s: %s", json, error.text);
    event_print(stream, event);
    fclose(stream);
    json_decref(event);
    free(copy);
    return out;
}

static void expect(const char *json, const char *wanted)
{
    char *got = printed(json);

    cr_expect_str_eq(got, wanted, "%s\n--- instead of\n%s", got, wanted);
    free(got);
}

static void use_utc(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
}

TestSuite(event_print, .init = use_utc);

Test(event_print, requests)
{
    expect("{'outcome': 'ok', 'eventTimestamp': 1795257870123, 'wallTime': 3, 'cpuTime': 1, "
           "'event': {'request': {'method': 'GET', 'url': 'http://a.localhost/x?y'}, "
           "'response': {'status': 200}}, 'logs': [], 'exceptions': []}",
           "GET http://a.localhost/x?y - Ok @ 2026-11-21 10:44:30 (200, 3 ms, CPU 1 ms)\n");
    expect("{'outcome': 'exceededCpu', 'event': {'request': {'method': 'POST', 'url': 'u'}}}",
           "POST u - Exceeded CPU Limit\n");
    expect("{'outcome': 'newWord', 'event': {'request': {}}}", "? ? - newWord\n");
}

Test(event_print, other_events)
{
    expect("{'outcome': 'ok', 'event': {'cron': '*/5 * * * *', 'scheduledTime': 1}}",
           "\"*/5 * * * *\" - Ok\n");
    expect("{'outcome': 'ok', 'event': {'queue': 'jobs', 'batchSize': 3}}",
           "Queue jobs (3 messages) - Ok\n");
    expect("{'outcome': 'canceled', 'event': {'mailFrom': 'a@b', 'rcptTo': 'c@d', 'rawSize': 9}}",
           "Email from a@b to c@d (9 bytes) - Canceled\n");
    expect("{'outcome': 'ok', 'event': {'scheduledTime': 1}}", "Alarm - Ok\n");
    expect("{'outcome': 'ok', 'event': {'rpcMethod': 'add'}}", "Call of add - Ok\n");
    expect("{'outcome': 'ok', 'event': {'type': 'overload', 'message': 'too much'}}",
           "too much - Ok\n");
    expect("{'outcome': 'ok', 'event': null}", "Outside of a request - Ok\n");
}

Test(event_print, lines_by_level)
{
    expect("{'outcome': 'ok', 'event': null, 'truncated': true, 'logs': ["
           "{'level': 'log', 'message': ['a', 1, {'b': [true, null]}]},"
           "{'level': 'warn', 'message': ['first\\nsecond']},"
           "{'level': 'error', 'message': []}, {'message': 'text'}]}",
           "Outside of a request - Ok\n"
           "  (log) a 1 {\"b\":[true,null]}\n"
           "  (warn) first\n      second\n"
           "  (error)\n"
           "  (log) text\n"
           "  more was said than is kept\n");
}

Test(event_print, exceptions)
{
    expect("{'outcome': 'exception', 'event': null, 'exceptions': ["
           "{'name': 'TypeError', 'message': 'x', 'stack': 'TypeError: x\\n    at f (a.js:1:2)'},"
           "{'name': 'Error', 'message': 'y'},"
           "{'name': 'Error', 'message': 'z', 'stack': '    at g'}]}",
           "Outside of a request - Exception Thrown\n"
           "  TypeError: x\n      at f (a.js:1:2)\n"
           "  Error: y\n"
           "  Error: z\n      at g\n");
}

/* Nothing in an event steers the terminal, whatever member it is in. */
Test(event_print, control_characters_are_harmless)
{
    char *got = printed(
        "{'outcome': '\\u001b[2J', 'event': {'request': {'method': '\\u001b[1m', 'url': "
        "'http://a/\\u0007\\r\\u009b2J'}}, 'logs': [{'level': '\\u001b]0;x\\u0007', 'message': "
        "['\\u001b[31mred', {'k\\u001b': '\\b'}]}], 'exceptions': [{'name': '\\u001b', 'message': "
        "'\\u007f', 'stack': '\\u001bc'}]}");

    for (const char *c = got; *c; c++)
        cr_expect(((unsigned char)*c >= ' ' && *c != 0x7f) || *c == '\n', "%02x in %s", *c, got);
    cr_expect_null(strstr(got, "\xc2\x9b"));
    free(got);
}

Test(event_print, members_of_other_types)
{
    static const char *const events[] = {
        "{}", "{'event': 1, 'logs': 2, 'exceptions': 3, 'outcome': 4}",
        "{'event': {'request': {'method': 1, 'url': []}, 'response': {'status': 'x'}}}",
        "{'logs': [1, null, {'message': 5, 'level': 6}], 'exceptions': [1, {'stack': 2}]}",
        "{'event': {'queue': 'q', 'batchSize': '3'}, 'wallTime': 'long', 'eventTimestamp': '1'}",
        "{'eventTimestamp': 1e300, 'wallTime': 1e300, 'cpuTime': -1e300}",
    };

    for (size_t i = 0; i < COUNT_OF(events); i++)
        free(printed(events[i]));
}
