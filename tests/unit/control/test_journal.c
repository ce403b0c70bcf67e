#include "control/journal.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

enum { TEXT_MAX = 4 << 20 };

static struct {
    uv_loop_t loop;
    int read, write;
    struct journal *journal;
    struct buf text;
} t;

static void start_on(int kind)
{
    int fds[2];

    uv_loop_init(&t.loop);
    if (kind)
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    else
        cr_assert_eq(pipe(fds), 0);
    t.read = fds[0];
    t.write = fds[1];
    fcntl(t.read, F_SETFL, O_NONBLOCK);
    buf_init(&t.text, TEXT_MAX);
    t.journal = journal_start(&t.loop, t.write, JOURNAL_INFO);
}

static void start(void)
{
    start_on(0);
}

static void stop(void)
{
    journal_stop(t.journal);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(&t.loop), 0);
    buf_done(&t.text);
    close(t.write);
    if (t.read >= 0)
        close(t.read);
}

TestSuite(journal, .init = start, .fini = stop);

/* Reads what is there. */
static void read_all(void)
{
    char chunk[16384];
    ssize_t n;

    while ((n = read(t.read, chunk, sizeof chunk)) > 0)
        cr_assert_eq(buf_append(&t.text, (str){chunk, (size_t)n}), 0);
}

/* Line `i` of what was read, parsed; NULL when it is not there. */
static json_t *line(size_t i)
{
    str rest = buf_str(&t.text);
    json_t *object;

    while (i-- && rest.len)
        rest = str_skip(rest, str_find(rest, '\n') + 1);
    if (str_find(rest, '\n') == rest.len)
        return NULL;
    object = json_loadb(rest.ptr, str_find(rest, '\n'), 0, NULL);
    cr_assert_not_null(object, "line is no JSON: %.*s", 200, rest.ptr);
    return object;
}

static size_t lines(void)
{
    size_t count = 0;

    for (size_t i = 0; i < t.text.len; i++)
        count += t.text.ptr[i] == '\n';
    return count;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

Test(journal, writes_lines_of_json)
{
    json_t *object;

    journal_say(t.journal, JOURNAL_WARN, "runtime.died", "s:i, s:s", "process", 3, "why", "a\nb");
    journal_write(t.journal, json_pack("{s:i, s:s}", "n", 1, "event", "x"));
    read_all();
    cr_expect_eq(lines(), 2);
    cr_expect_eq(memcmp(t.text.ptr, "{\"ts\":\"20", 9), 0);
    cr_expect_not_null(
        memmem(t.text.ptr, t.text.len, "Z\",\"level\":\"warn\",\"event\":\"runtime.d", 36));
    object = line(0);
    cr_expect_str_eq(text_of(object, "why"), "a\nb");
    cr_expect_eq(json_integer_value(json_object_get(object, "process")), 3);
    json_decref(object);
    object = line(1);
    cr_expect_str_eq(text_of(object, "level"), "info");
    json_decref(object);
}

Test(journal, leaves_out_lower_levels)
{
    journal_say(t.journal, JOURNAL_DEBUG, "quiet", "");
    journal_write(t.journal, json_pack("{s:s, s:s}", "event", "x", "level", "debug"));
    journal_write(t.journal, NULL);
    journal_write(NULL, json_object());
    read_all();
    cr_expect_eq(lines(), 0);
}

Test(journal, cuts_what_is_too_long)
{
    char *text = malloc(JOURNAL_LINE_MAX);
    json_t *object;

    memset(text, 'x', JOURNAL_LINE_MAX - 1);
    text[JOURNAL_LINE_MAX - 1] = 0;
    journal_say(t.journal, JOURNAL_ERROR, "long", "s:s", "text", text);
    read_all();
    cr_expect_eq(lines(), 1);
    object = line(0);
    cr_expect(json_is_true(json_object_get(object, "cut")));
    cr_expect_str_eq(text_of(object, "event"), "long");
    cr_expect_null(text_of(object, "text"));
    json_decref(object);
    free(text);
}

/* Nobody reads: the pipe fills up, then the queue. Writing goes on without waiting. */
static void fill(void)
{
    char text[1001];

    memset(text, 'x', 1000);
    text[1000] = 0;
    for (int i = 0; i < 2000; i++)
        journal_say(t.journal, JOURNAL_INFO, "many", "s:i, s:s", "i", i, "text", text);
}

static void read_on(uv_timer_t *timer)
{
    read_all();
    if (t.text.len && memmem(t.text.ptr, t.text.len, "journal.dropped", 15))
        uv_close((uv_handle_t *)timer, NULL);
}

static void expect_whole(void)
{
    uint64_t dropped = journal_dropped(t.journal), told = 0;
    size_t count = lines();

    for (size_t i = 0; i < count; i++) {
        json_t *object = line(i);

        if (strcmp(text_of(object, "event"), "journal.dropped") == 0)
            told += (uint64_t)json_integer_value(json_object_get(object, "lines"));
        else
            cr_assert_eq(json_integer_value(json_object_get(object, "i")), (json_int_t)i);
        json_decref(object);
    }
    cr_expect_gt(dropped, 0);
    cr_expect_eq(told, dropped);
    cr_expect_eq(count, 2000 - dropped + 1);
}

Test(journal, drops_and_says_so_when_nobody_reads, .timeout = 60)
{
    uv_timer_t reader;

    fill();
    uv_timer_init(&t.loop, &reader);
    uv_timer_start(&reader, read_on, 5, 5);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    expect_whole();
    cr_expect_eq(fcntl(t.write, F_GETFL) & O_NONBLOCK, 0);
}

Test(journal, does_the_same_on_a_socket, .timeout = 60)
{
    uv_timer_t reader;

    stop();
    start_on(1);
    fill();
    uv_timer_init(&t.loop, &reader);
    uv_timer_start(&reader, read_on, 5, 5);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    expect_whole();
}

Test(journal, stops_with_a_reader_that_sleeps, .timeout = 30)
{
    fill();
}

Test(journal, goes_on_without_a_reader)
{
    signal(SIGPIPE, SIG_IGN);
    close(t.read);
    t.read = -1;
    journal_say(t.journal, JOURNAL_INFO, "one", "");
    journal_say(t.journal, JOURNAL_INFO, "two", "");
    cr_expect_geq(journal_dropped(t.journal), 1);
}

Test(journal, writes_to_a_file)
{
    char path[] = "/tmp/atoll-journal-XXXXXX";
    int fd = mkstemp(path);
    struct journal *journal = journal_start(&t.loop, fd, JOURNAL_DEBUG);

    for (int i = 0; i < 1000; i++)
        journal_say(journal, JOURNAL_DEBUG, "line", "s:i", "i", i);
    journal_stop(journal);
    lseek(fd, 0, SEEK_SET);
    close(t.read);
    t.read = fd;
    read_all();
    cr_expect_eq(lines(), 1000);
    unlink(path);
}
