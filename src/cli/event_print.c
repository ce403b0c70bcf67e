/* Events for people; see event_print.h. */
#include "cli/event_print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/member.h"
#include "cli/quantity.h"
#include "cli/terminal.h"
#include "cli/when.h"

enum { INDENT = 2, CONTINUED = 6, FACTS_BYTES_MAX = 256 };

static const struct word {
    const char *outcome, *shown;
    enum colour colour;
} words[] = {
    {"ok", "Ok", GREEN},
    {"canceled", "Canceled", YELLOW},
    {"responseStreamDisconnected", "Client Disconnected", YELLOW},
    {"exception", "Exception Thrown", RED},
    {"exceededCpu", "Exceeded CPU Limit", RED},
    {"exceededMemory", "Exceeded Memory Limit", RED},
    {"exceededWallTime", "Exceeded Time Limit", RED},
    {"exceededConcurrency", "Too Many At Once", RED},
    {"requestTooLarge", "Request Too Large", RED},
    {"responseTooLarge", "Response Too Large", RED},
    {"scriptNotFound", "Cannot Run", RED},
    {"loadShed", "Overloaded", RED},
    {"quarantined", "In Quarantine", RED},
    {"internalError", "Internal Error", RED},
};

static const struct level {
    const char *level;
    enum colour colour;
} levels[] = {{"debug", DIM}, {"info", CYAN}, {"warn", YELLOW}, {"error", RED}};

static void print_safe(FILE *stream, enum colour colour, const char *text)
{
    terminal_print_text(stream, colour, text ? text : "?", false, CONTINUED);
}

/* ---- the first line ---- */

static void print_number(FILE *stream, const json_t *value, const char *what)
{
    if (json_is_number(value))
        fprintf(stream, " (%.0f %s)", json_number_value(value), what);
}

/* What called the worker, by the members that the event has. */
static void print_subject(FILE *stream, const json_t *event)
{
    const json_t *request = json_object_get(event, "request");

    if (json_is_object(request)) {
        print_safe(stream, BOLD, member_text(request, "method"));
        fputc(' ', stream);
        print_safe(stream, PLAIN, member_text(request, "url"));
    } else if (member_text(event, "cron")) {
        fputc('"', stream);
        print_safe(stream, BOLD, member_text(event, "cron"));
        fputc('"', stream);
    } else if (member_text(event, "queue")) {
        fputs("Queue ", stream);
        print_safe(stream, BOLD, member_text(event, "queue"));
        print_number(stream, json_object_get(event, "batchSize"), "messages");
    } else if (member_text(event, "mailFrom")) {
        fputs("Email from ", stream);
        print_safe(stream, BOLD, member_text(event, "mailFrom"));
        fputs(" to ", stream);
        print_safe(stream, BOLD, member_text(event, "rcptTo"));
        print_number(stream, json_object_get(event, "rawSize"), "bytes");
    } else if (member_text(event, "rpcMethod")) {
        fputs("Call of ", stream);
        print_safe(stream, BOLD, member_text(event, "rpcMethod"));
    } else if (member_text(event, "message")) {
        print_safe(stream, PLAIN, member_text(event, "message"));
    } else if (json_object_get(event, "scheduledTime")) {
        fputs("Alarm", stream);
    } else {
        fputs("Outside of a request", stream);
    }
}

static void print_outcome(FILE *stream, const char *outcome)
{
    for (size_t i = 0; outcome && i < COUNT_OF(words); i++) {
        if (strcmp(words[i].outcome, outcome) == 0) {
            terminal_print(stream, words[i].colour, "%s", words[i].shown);
            return;
        }
    }
    print_safe(stream, YELLOW, outcome ? outcome : "Unknown");
}

static void print_time(FILE *stream, const json_t *ms)
{
    double value = json_number_value(ms);

    if (json_is_number(ms))
        terminal_print(stream, DIM, " @ %s", when_local(fabs(value) < 1e15 ? (int64_t)value : -1));
}

/* " (200, 3 ms, CPU 1 ms)" of what is known. */
static void print_facts(FILE *stream, const json_t *item)
{
    const json_t *status = json_object_get(json_object_get(json_object_get(item, "event"),
                                                           "response"),
                                           "status");
    const json_t *wall = json_object_get(item, "wallTime");
    const json_t *cpu = json_object_get(item, "cpuTime");
    struct buf text;

    buf_init(&text, FACTS_BYTES_MAX);
    if (json_is_integer(status))
        (void)!buf_printf(&text, ", %d", (int)json_integer_value(status));
    if (json_is_number(wall))
        (void)!buf_printf(&text, ", %s", quantity_duration(json_number_value(wall)));
    if (json_is_number(cpu))
        (void)!buf_printf(&text, ", CPU %s", quantity_duration(json_number_value(cpu)));
    if (text.len)
        terminal_print(stream, DIM, " (%.*s)", STR_ARGS(str_skip(buf_str(&text), 2)));
    buf_done(&text);
}

/* ---- the lines below it ---- */

static void print_value(FILE *stream, enum colour colour, const json_t *value)
{
    char *text = NULL;

    if (!json_is_string(value))
        text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    print_safe(stream, colour, text ? text : json_string_value(value));
    free(text);
}

static void print_log(FILE *stream, const json_t *log)
{
    const json_t *message = json_object_get(log, "message"), *part;
    const char *level = member_text(log, "level");
    enum colour colour = PLAIN;
    char *shown;
    size_t i;

    for (i = 0; level && i < COUNT_OF(levels); i++)
        if (strcmp(levels[i].level, level) == 0)
            colour = levels[i].colour;
    fprintf(stream, "%*s", INDENT, "");
    shown = terminal_harmless(level ? level : "log");
    terminal_print(stream, colour == PLAIN ? DIM : colour, "(%s)", shown);
    free(shown);
    if (!json_is_array(message) && message) {
        fputc(' ', stream);
        print_value(stream, colour, message);
    }
    json_array_foreach(message, i, part) {
        fputc(' ', stream);
        print_value(stream, colour, part);
    }
    fputc('\n', stream);
}

/* A stack mostly begins with "Name: message". */
static void print_exception(FILE *stream, const json_t *exception)
{
    const char *name = member_text(exception, "name"), *message = member_text(exception, "message");
    const char *stack = member_text(exception, "stack");

    fprintf(stream, "%*s", INDENT, "");
    if (!stack || !name || strncmp(stack, name, strlen(name)) != 0) {
        print_safe(stream, RED, name ? name : "Error");
        fputs(": ", stream);
        print_safe(stream, RED, message);
        if (stack)
            fprintf(stream, "\n%*s", INDENT, "");
    }
    if (stack)
        terminal_print_text(stream, RED, stack, false, INDENT);
    fputc('\n', stream);
}

void event_print(FILE *stream, const json_t *item)
{
    const json_t *it;
    size_t i;

    print_subject(stream, json_object_get(item, "event"));
    fputs(" - ", stream);
    print_outcome(stream, member_text(item, "outcome"));
    print_time(stream, json_object_get(item, "eventTimestamp"));
    print_facts(stream, item);
    fputc('\n', stream);
    json_array_foreach(json_object_get(item, "logs"), i, it)
        print_log(stream, it);
    json_array_foreach(json_object_get(item, "exceptions"), i, it)
        print_exception(stream, it);
    if (json_is_true(json_object_get(item, "truncated")))
        terminal_print(stream, DIM, "%*smore was said than is kept\n", INDENT, "");
}

void event_print_as(const json_t *event, bool json)
{
    char *line = json ? json_dumps(event, JSON_COMPACT) : NULL;

    if (line)
        puts(line);
    else if (!json)
        event_print(stdout, event);
    free(line);
}

void event_print_note(void *context, const char *text)
{
    (void)context;
    terminal_print_text(stderr, DIM, text, false, 0);
    fputc('\n', stderr);
}
