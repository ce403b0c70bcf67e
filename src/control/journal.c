/* Lines of JSON on standard output; see journal.h.
 *
 * (1) A write is tried at once; what the descriptor does not take stays in the queue, and the timer
 *     tries again: no descriptor is polled through the loop, which would make it non-blocking for
 *     everybody who shares it.
 * (2) A pipe that poll() calls writable takes PIPE_BUF bytes without blocking, a terminal fewer; a
 *     socket is asked with MSG_DONTWAIT.
 * (3) Lines stay whole: one is queued entirely or not at all. */
#include "control/journal.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/member.h"
#include "base/moment.h"
#include "os/clock.h"

enum { RETRY_MS = 20, TERMINAL_CHUNK = 256, HEAD_MAX = 512, FORMAT_MAX = 512 };

struct journal {
    uv_timer_t timer;
    int fd;
    bool socket;
    bool broken;           /* the reader is gone: everything is dropped */
    enum journal_level least;
    size_t chunk;
    struct buf queue;
    uint64_t dropped;
    uint64_t untold;       /* dropped since the last line that said so */
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static enum journal_level level_of(const char *name)
{
    for (size_t i = 0; name && i < COUNT_OF(level_names); i++)
        if (strcmp(name, level_names[i]) == 0)
            return (enum journal_level)i;
    return JOURNAL_INFO;
}

static json_t *head_of(enum journal_level level, const char *event)
{
    char now[MOMENT_BYTES];

    moment_write(clock_wall_ms(), now);
    return json_pack("{s:s, s:s, s:s}", "ts", now, "level", level_names[level], "event",
                     event ? event : "unnamed");
}

/* Writes a little. Returns how much, 0 when it would block, -1 when nobody will ever read it. */
static ssize_t write_some(const struct journal *journal, int wait_ms)
{
    size_t len = journal->queue.len < journal->chunk ? journal->queue.len : journal->chunk;
    struct pollfd ready = {.fd = journal->fd, .events = POLLOUT};
    ssize_t n;

    if (poll(&ready, 1, wait_ms) <= 0)
        return 0;
    if (journal->socket)
        n = send(journal->fd, journal->queue.ptr, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    else
        n = ready.revents & POLLOUT ? write(journal->fd, journal->queue.ptr, len) : -1;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return n;
}

/* Writes what the descriptor takes, waiting for it up to `wait_ms` each time. */
static void flush(struct journal *journal, int wait_ms)
{
    size_t done = 0;
    struct buf rest = journal->queue;
    ssize_t n = 1;

    while (journal->queue.len && (n = write_some(journal, wait_ms)) > 0) {
        done += (size_t)n;
        journal->queue.ptr += n;
        journal->queue.len -= (size_t)n;
    }
    journal->queue = rest;
    buf_consume(&journal->queue, done);
    if (n < 0) {
        journal->broken = true;
        buf_clear(&journal->queue);
    }
}

static void on_retry(uv_timer_t *timer);

static void wait_for_room(struct journal *journal)
{
    if (!journal->queue.len)
        uv_timer_stop(&journal->timer);
    else if (!uv_is_active((uv_handle_t *)&journal->timer))
        uv_timer_start(&journal->timer, on_retry, RETRY_MS, RETRY_MS);
}

/* Queues one line of at most JOURNAL_LINE_MAX; false when there is no room. */
static bool queue_line(struct journal *journal, json_t *line)
{
    size_t before = journal->queue.len;
    char *text = json_dumps(line, JSON_COMPACT);
    bool fits = false;

    if (text && strlen(text) < JOURNAL_LINE_MAX && !journal->broken) {
        fits = buf_append(&journal->queue, str_from(text)) == 0 &&
               buf_append_char(&journal->queue, '\n') == 0;
        if (!fits)
            journal->queue.len = before;
    }
    free(text);
    return fits;
}

static void tell_dropped(struct journal *journal)
{
    json_t *line;

    if (!journal->untold)
        return;
    line = head_of(JOURNAL_WARN, "journal.dropped");
    json_object_set_new(line, "lines", json_integer((json_int_t)journal->untold));
    if (queue_line(journal, line))
        journal->untold = 0;
    json_decref(line);
}

static void on_retry(uv_timer_t *timer)
{
    struct journal *journal = timer->data;

    flush(journal, 0);
    if (journal->queue.len < JOURNAL_QUEUE_MAX / 2)
        tell_dropped(journal);
    wait_for_room(journal);
}

struct journal *journal_start(uv_loop_t *loop, int fd, enum journal_level least)
{
    struct journal *journal = mem_new(struct journal);
    int type;
    socklen_t len = sizeof type;

    journal->fd = fd;
    journal->least = least;
    journal->socket = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
    journal->chunk = isatty(fd) ? TERMINAL_CHUNK : PIPE_BUF;
    buf_init(&journal->queue, JOURNAL_QUEUE_MAX);
    uv_timer_init(loop, &journal->timer);
    journal->timer.data = journal;
    uv_unref((uv_handle_t *)&journal->timer);
    return journal;
}

/* The line of an object: what every line has, in front of what it has of its own. */
static json_t *line_of(enum journal_level level, json_t *object)
{
    const char *event = member_text(object, "event");
    json_t *line = head_of(level, event), *value;
    const char *key;

    json_object_foreach(object, key, value)
        if (!json_object_get(line, key))
            json_object_set(line, key, value);
    return line;
}

void journal_write(struct journal *journal, json_t *object)
{
    enum journal_level level = level_of(member_text(object, "level"));
    json_t *line;

    if (journal && object && level >= journal->least) {
        line = line_of(level, object);
        if (json_dumpb(line, NULL, 0, JSON_COMPACT) >= JOURNAL_LINE_MAX) {
            json_decref(line);
            line = head_of(level, member_text(object, "event"));
            json_object_set_new(line, "cut", json_true());
        }
        if (!queue_line(journal, line)) {
            journal->dropped++;
            journal->untold++;
        }
        json_decref(line);
        flush(journal, 0);
        wait_for_room(journal);
    }
    json_decref(object);
}

void journal_say(struct journal *journal, enum journal_level level, const char *event,
                 const char *format, ...)
{
    char braced[FORMAT_MAX];
    json_t *object;
    va_list args;

    snprintf(braced, sizeof braced, "{%s}", format);
    va_start(args, format);
    object = json_vpack_ex(NULL, 0, braced, args);
    va_end(args);
    if (!object)
        object = json_object();
    json_object_set_new(object, "level", json_string(level_names[level]));
    json_object_set_new(object, "event", json_string(event));
    journal_write(journal, object);
}

uint64_t journal_dropped(const struct journal *journal)
{
    return journal->dropped;
}

static void on_closed(uv_handle_t *handle)
{
    struct journal *journal = handle->data;

    buf_done(&journal->queue);
    free(journal);
}

void journal_stop(struct journal *journal)
{
    if (!journal)
        return;
    for (int waited = 0; journal->queue.len && waited < JOURNAL_STOP_MS; waited += RETRY_MS) {
        flush(journal, RETRY_MS);
        tell_dropped(journal);
    }
    uv_close((uv_handle_t *)&journal->timer, on_closed);
}
