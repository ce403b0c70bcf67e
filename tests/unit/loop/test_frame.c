/* loop/frame over real socket pairs: order, descriptors, a full socket, rubbish, and what is left
 * behind when a link dies. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/frame.h"

enum { TURNS_MAX = 20000, FRAMES = 400 };

static uv_loop_t loop;

/* What one side has heard. */
struct ear {
    struct frame_link *link;
    int frames, fds, wrong, ends;
    size_t blob_bytes;
    bool leaves_fds;   /* does not take them */
    bool closes;       /* the link, in the first hook */
};

/* A descriptor that can be told from others: a pipe's reading end with one number in it. */
static int numbered_fd(int number)
{
    int ends[2];

    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_eq(write(ends[1], &number, sizeof number), (ssize_t)sizeof number);
    close(ends[1]);
    return ends[0];
}

/* Frame n has `n`; when it brought a descriptor `fd` is true and the pipe says n, too. */
static void on_frame(void *context, json_t *object, str blob)
{
    struct ear *ear = context;
    int n = (int)json_integer_value(json_object_get(object, "n")), number = -1, fd = -1;

    ear->wrong += n != ear->frames++;
    ear->blob_bytes += blob.len;
    for (size_t i = 0; i < blob.len; i++)
        ear->wrong += blob.ptr[i] != (char)n;
    if (!ear->leaves_fds)
        fd = frame_link_take_fd(ear->link);
    if (fd >= 0) {
        ear->fds++;
        ear->wrong += read(fd, &number, sizeof number) != sizeof number || number != n;
        close(fd);
        ear->wrong += frame_link_take_fd(ear->link) != -1;
    }
    ear->wrong += !ear->leaves_fds && json_is_true(json_object_get(object, "fd")) != (fd >= 0);
    if (ear->closes)
        frame_link_close(ear->link);
}

static void on_end(void *context)
{
    struct ear *ear = context;

    ear->ends++;
}

static const struct frame_link_hooks hooks = {on_frame, on_end};

static int count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static int fds_before;

static void start(void)
{
    cr_assert_eq(uv_loop_init(&loop), 0);
    uv_run(&loop, UV_RUN_NOWAIT);
    fds_before = count_fds();
}

static void pair(int ends[2])
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

static void listen_at(struct ear *ear, int fd)
{
    ear->link = frame_link_new(&loop, fd, &hooks, ear);
}

static void turn(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
}

#define TURN_UNTIL(condition)                                                                     \
    do {                                                                                           \
        for (int turns = 0; !(condition); turns++) {                                               \
            cr_assert(turns < TURNS_MAX, "waited for " #condition);                                \
            turn();                                                                                \
        }                                                                                          \
    } while (0)

/* All handles are gone, and so is every descriptor but those of before. */
static void expect_nothing_left(void)
{
    for (int turns = 0; uv_run(&loop, UV_RUN_NOWAIT); turns++)
        cr_assert(turns < TURNS_MAX);
    cr_expect_eq(count_fds(), fds_before);
}

TestSuite(frame, .init = start, .timeout = 20);

static void send_frame(struct frame_link *link, int n, size_t blob_len, bool with_fd)
{
    char *blob = malloc(blob_len + 1);
    json_t *object = json_pack("{s:i, s:b}", "n", n, "fd", with_fd);

    memset(blob, n, blob_len + 1);
    if (with_fd)
        frame_link_send_fd(link, object, (str){blob, blob_len}, numbered_fd(n));
    else
        frame_link_send(link, object, (str){blob, blob_len});
    free(blob);
}

static bool has_fd(int n)
{
    return n % 3 == 1 || n % 50 > 40;
}

static void send_many(struct frame_link *link)
{
    for (int n = 0; n < FRAMES; n++)
        send_frame(link, n, n % 7 == 0 ? 5000 : n % 3 ? 0 : 17, has_fd(n));
}

static void expect_many(const struct ear *ear)
{
    int fds = 0;

    for (int n = 0; n < FRAMES; n++)
        fds += has_fd(n);
    cr_expect_eq(ear->wrong, 0, "%d", ear->wrong);
    cr_expect_eq(ear->frames, FRAMES);
    cr_expect_eq(ear->fds, fds);
}

Test(frame, brings_each_descriptor_with_its_frame)
{
    struct ear a = {0}, b = {0};
    int ends[2];

    pair(ends);
    listen_at(&a, ends[0]);
    listen_at(&b, ends[1]);
    send_many(a.link);
    TURN_UNTIL(b.frames == FRAMES);
    expect_many(&b);
    cr_expect_eq(frame_link_queued_bytes(a.link), 0);
    frame_link_close(a.link);
    TURN_UNTIL(b.ends);
    frame_link_close(b.link);
    expect_nothing_left();
}

Test(frame, holds_and_flushes_in_order)
{
    struct ear a = {0}, b = {0};
    int ends[2];

    pair(ends);
    listen_at(&a, ends[0]);
    listen_at(&b, ends[1]);
    frame_link_hold(a.link);
    send_many(a.link);
    for (int i = 0; i < 10; i++)
        turn();
    cr_expect_eq(b.frames, 0, "nothing leaves before the flush");
    cr_expect_gt(frame_link_queued_bytes(a.link), 0);
    frame_link_flush(a.link);
    TURN_UNTIL(b.frames == FRAMES);
    expect_many(&b);
    frame_link_close(a.link);
    frame_link_close(b.link);
    expect_nothing_left();
}

Test(frame, waits_for_room_in_a_small_socket)
{
    struct ear a = {0}, b = {0};
    int ends[2], small = 4096;

    pair(ends);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    listen_at(&a, ends[0]);
    send_many(a.link);
    send_frame(a.link, FRAMES, 3 << 20, true);
    cr_expect_gt(frame_link_queued_bytes(a.link), 3 << 20, "it is full");
    listen_at(&b, ends[1]);
    TURN_UNTIL(b.frames == FRAMES + 1);
    cr_expect_eq(b.wrong, 0);
    cr_expect_eq(frame_link_queued_bytes(a.link), 0);
    frame_link_close(a.link);
    frame_link_close(b.link);
    expect_nothing_left();
}

/* As it leaves a socket with room for a few bytes at a time, read byte by byte. */
Test(frame, needs_no_whole_reads)
{
    struct ear a = {0}, b = {0};
    int ends[2], broken[2];
    char bytes[4096];
    ssize_t len;

    pair(ends);
    pair(broken);
    listen_at(&a, ends[0]);
    listen_at(&b, broken[1]);
    for (int n = 0; n < 5; n++)
        send_frame(a.link, n, (size_t)n * 10, false);
    len = recv(ends[1], bytes, sizeof bytes, 0);
    cr_assert_gt(len, 5 * 8);
    for (ssize_t i = 0; i < len; i++) {
        cr_assert_eq(send(broken[0], bytes + i, 1, 0), 1);
        turn();
    }
    TURN_UNTIL(b.frames == 5);
    cr_expect_eq(b.wrong, 0);
    cr_expect_eq(b.blob_bytes, 100);
    frame_link_close(a.link);
    frame_link_close(b.link);
    close(ends[1]);
    close(broken[0]);
    expect_nothing_left();
}

Test(frame, closes_descriptors_that_nobody_takes)
{
    struct ear a = {0}, b = {.leaves_fds = true};
    int ends[2];

    pair(ends);
    listen_at(&a, ends[0]);
    listen_at(&b, ends[1]);
    send_many(a.link);
    TURN_UNTIL(b.frames == FRAMES);
    cr_expect_eq(count_fds(), fds_before + 2);
    frame_link_close(a.link);
    frame_link_close(b.link);
    expect_nothing_left();
}

Test(frame, leaves_nothing_when_the_other_side_dies)
{
    struct ear a = {0};
    int ends[2];

    pair(ends);
    listen_at(&a, ends[0]);
    for (int n = 0; n < FRAMES; n++)
        send_frame(a.link, n, 5000, true);
    cr_expect_gt(frame_link_queued_bytes(a.link), 0);
    close(ends[1]);
    TURN_UNTIL(a.ends == 1);
    send_frame(a.link, 0, 10, true);
    cr_expect_eq(frame_link_queued_bytes(a.link), 0, "what comes after the end is dropped");
    frame_link_close(a.link);
    frame_link_close(a.link);
    expect_nothing_left();
}

Test(frame, leaves_nothing_when_closed_with_frames_under_way)
{
    struct ear a = {0}, b = {0};
    int ends[2];

    pair(ends);
    listen_at(&a, ends[0]);
    for (int n = 0; n < FRAMES; n++)
        send_frame(a.link, n, 5000, true);
    frame_link_close(a.link);
    listen_at(&b, ends[1]);
    TURN_UNTIL(b.ends == 1);
    cr_expect_eq(b.wrong, 0);
    cr_expect_lt(b.frames, FRAMES);
    cr_expect_eq(b.fds, b.frames);
    frame_link_close(b.link);
    expect_nothing_left();
}

Test(frame, may_be_closed_in_a_hook)
{
    struct ear a = {0}, b = {.closes = true};
    int ends[2];

    pair(ends);
    listen_at(&a, ends[0]);
    frame_link_hold(a.link);
    send_many(a.link);
    frame_link_flush(a.link);
    listen_at(&b, ends[1]);
    TURN_UNTIL(a.ends == 1);
    cr_expect_eq(b.frames, 1);
    cr_expect_eq(b.ends, 0);
    frame_link_close(a.link);
    expect_nothing_left();
}

Test(frame, tells_all_that_came_before_the_end)
{
    struct ear a = {0}, b = {0};
    int ends[2];

    pair(ends);
    listen_at(&a, ends[0]);
    for (int n = 0; n < 20; n++)
        send_frame(a.link, n, 1000, n == 19);
    send(ends[1], "x", 1, 0); /* unread by us: the other side sees a reset */
    frame_link_close(a.link);
    listen_at(&b, ends[1]);
    TURN_UNTIL(b.ends == 1);
    cr_expect_eq(b.frames, 20);
    cr_expect_eq(b.fds, 1);
    cr_expect_eq(b.wrong, 0);
    frame_link_close(b.link);
    expect_nothing_left();
}

/* ---- rubbish ---- */

static void send_fds(int to, const char *bytes, size_t len, int count)
{
    char control[CMSG_SPACE(8 * sizeof(int))] = "";
    struct iovec iov = {(char *)bytes, len};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    int fds[8];

    for (int i = 0; i < count; i++)
        fds[i] = numbered_fd(i);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
    memcpy(CMSG_DATA(c), fds, (size_t)count * sizeof(int));
    cr_assert_eq(sendmsg(to, &message, 0), (ssize_t)len);
    for (int i = 0; i < count; i++)
        close(fds[i]);
}

static const struct {
    const char *what;
    const char *bytes;
    size_t len;
    int fds, frames;
} rubbish[] = {
    {"json too long", "\x01\x00\x10\x00\0\0\0\0", 8, 0, 0},
    {"blob too long", "\0\0\0\0\x01\0\0\x04", 8, 0, 0},
    {"no json", "\x02\0\0\0\0\0\0\0xx", 10, 0, 0},
    {"no object", "\x02\0\0\0\0\0\0\0[]", 10, 0, 0},
    {"empty json", "\0\0\0\0\0\0\0\0", 8, 0, 0},
    {"a good one first", "\x07\0\0\0\0\0\0\0{\"n\":0}\x02\0\0\0\0\0\0\0[]", 25, 0, 1},
    {"two descriptors", "\x07\0\0\0\0\0\0\0{\"n\":0}", 15, 2, 0},
    {"more than there is room for", "\x07\0\0\0\0\0\0\0{\"n\":0}", 15, 8, 0},
    {"a descriptor and rubbish", "\x02\0\0\0\0\0\0\0[]", 10, 1, 0},
};

Test(frame, ends_the_link_on_rubbish)
{
    for (size_t i = 0; i < COUNT_OF(rubbish); i++) {
        struct ear b = {0};
        int ends[2];

        pair(ends);
        listen_at(&b, ends[1]);
        if (rubbish[i].fds)
            send_fds(ends[0], rubbish[i].bytes, rubbish[i].len, rubbish[i].fds);
        else
            cr_assert_eq(send(ends[0], rubbish[i].bytes, rubbish[i].len, 0),
                         (ssize_t)rubbish[i].len);
        TURN_UNTIL(b.ends == 1);
        cr_expect_eq(b.frames, rubbish[i].frames, "%s", rubbish[i].what);
        frame_link_close(b.link);
        close(ends[0]);
        expect_nothing_left();
    }
}

/* One descriptor with each half of a frame: one more than it may have. */
Test(frame, ends_the_link_when_a_second_descriptor_follows)
{
    struct ear b = {0};
    int ends[2];

    pair(ends);
    listen_at(&b, ends[1]);
    send_fds(ends[0], "\x07\0\0\0\0\0\0\0{\"n", 11, 1);
    send_fds(ends[0], "\":0}", 4, 1);
    TURN_UNTIL(b.ends == 1);
    cr_expect_eq(b.frames, 0);
    frame_link_close(b.link);
    close(ends[0]);
    expect_nothing_left();
}

Test(frame, ends_in_the_middle_of_one)
{
    struct ear b = {0};
    int ends[2];

    pair(ends);
    listen_at(&b, ends[1]);
    send_fds(ends[0], "\x07\0\0\0\0\0\0\0{\"n", 11, 1);
    close(ends[0]);
    TURN_UNTIL(b.ends == 1);
    cr_expect_eq(b.frames, 0);
    frame_link_close(b.link);
    expect_nothing_left();
}

/* The frame comes, the descriptor cannot. */
Test(frame, goes_on_without_room_for_descriptors)
{
    struct ear a = {0}, b = {.leaves_fds = true};
    struct rlimit limit, none;
    int ends[2];

    pair(ends);
    listen_at(&a, ends[0]);
    listen_at(&b, ends[1]);
    turn();
    send_frame(a.link, 0, 0, true);
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    TURN_UNTIL(b.frames == 1);
    setrlimit(RLIMIT_NOFILE, &limit);
    send_frame(a.link, 1, 0, true);
    TURN_UNTIL(b.frames == 2);
    cr_expect_eq(b.wrong, 0);
    cr_expect_eq(b.ends, 0);
    frame_link_close(a.link);
    frame_link_close(b.link);
    expect_nothing_left();
}
