/* What a process may say: it runs tenants' code, and one that was taken over says what it likes.
 *
 * (1) Its frames tell only about workers that it serves or has lately served: of others it can
 *     neither write into the usage nor into the log, nor bring them into quarantine.
 * (2) What it asks for is answered at a measured pace, and not while it does not read what was sent
 *     before: neither time nor memory of everybody is spent on it.
 * (3) What the supervisor keeps because of a process has a maximum; beyond it the process ends. */
#include <netinet/in.h>
#include <sys/socket.h>

#include "control/fleet_private.h"
#include "control/fleet_worker.h"

enum {
    KEY_BYTES_MAX = 160,
    HOST_BYTES_MAX = 255,
    PATH_BYTES_MAX = 64 << 10,
    WANTS_PER_BEAT = 128,
    WANTS_BYTES_MAX = 16 << 20,    /* that wait, */
    WANT_BYTES = 256,              /* each of which takes this besides its texts */
    LINES_PER_SECOND = 100,
    BEATS_PER_SECOND = 50,
    BEATS_PER_AGE = 500,           /* a worker is lately served for one to two of these */
    SERVED_MAX = 8192,
};

static const char *short_text(const json_t *object, const char *key, size_t bytes_max)
{
    const json_t *value = json_object_get(object, key);

    return json_string_length(value) <= bytes_max ? json_string_value(value) : NULL;
}

void fleet_guard_init(struct fleet_process *p)
{
    p->guard.served[0] = json_object();
    p->guard.served[1] = json_object();
    p->guard.wants = json_array();
    p->guard.wants_left = WANTS_PER_BEAT;
    p->guard.lines_left = LINES_PER_SECOND;
}

void fleet_guard_done(struct fleet_process *p)
{
    json_decref(p->guard.served[0]);
    json_decref(p->guard.served[1]);
    json_decref(p->guard.wants);
}

/* ---- about whom ---- */

void fleet_guard_left(struct fleet_process *p, const char *key)
{
    if (json_object_size(p->guard.served[0]) < SERVED_MAX)
        json_object_set_new(p->guard.served[0], key, json_true());
}

bool fleet_guard_served(const struct fleet_process *p, const char *key)
{
    const struct fleet_worker *worker = fleet_worker_find(p->fleet, key);
    const struct fleet_told *told = worker ? fleet_worker_told(worker, p) : NULL;

    return p->adopted || (told && told->served) || json_object_get(p->guard.served[0], key) ||
           json_object_get(p->guard.served[1], key);
}

struct fleet_worker *fleet_guard_culprit(const struct fleet_process *p, uint64_t number)
{
    struct fleet_worker *worker = fleet_worker_numbered(p->fleet, number);

    return worker && fleet_guard_served(p, worker->key) ? worker : NULL;
}

const char *fleet_guard_key(const struct fleet_process *p, const json_t *frame)
{
    const char *key = short_text(frame, "worker", KEY_BYTES_MAX);

    return key && fleet_guard_served(p, key) ? key : NULL;
}

void fleet_guard_filter_usage(const struct fleet_process *p, json_t *frame)
{
    json_t *workers = json_object_get(frame, "workers"), *row, *kept = json_object();
    const char *key;

    json_object_foreach(workers, key, row)
        if (fleet_guard_served(p, key))
            json_object_set(kept, key, row);
    json_object_set_new(frame, "workers", kept);
}

bool fleet_guard_takes_line(struct fleet_process *p)
{
    if (!p->guard.lines_left)
        return false;
    p->guard.lines_left--;
    return true;
}

/* ---- what it asks for ---- */

/* A want with nothing in it but what it needs. Returned owned; NULL when it is none. */
static json_t *want_of(const json_t *frame)
{
    const char *key = short_text(frame, "worker", KEY_BYTES_MAX);
    const char *host = short_text(frame, "host", HOST_BYTES_MAX);
    const char *path = short_text(frame, "path", PATH_BYTES_MAX);

    if (!key && !host)
        return NULL;
    return json_pack("{s:s*, s:s*, s:s*, s:b}", "worker", key, "host", key ? NULL : host, "path",
                     key ? NULL : path, "lend",
                     key && json_is_true(json_object_get(frame, "lend")));
}

static size_t bytes_of(const json_t *want)
{
    return WANT_BYTES + json_string_length(json_object_get(want, "path"));
}

static bool may_ask(const struct fleet_process *p)
{
    return p->guard.wants_left && process_queued_bytes(p->process) <= FLEET_QUEUED_BYTES_MAX;
}

void fleet_guard_want(struct fleet_process *p, const json_t *frame)
{
    struct fleet_guard *guard = &p->guard;
    json_t *want = want_of(frame);

    if (!want)
        return;
    guard->wants_bytes += bytes_of(want);
    json_array_append_new(guard->wants, want);
    if (guard->wants_bytes > WANTS_BYTES_MAX || p->told_count > FLEET_TOLD_MAX)
        fleet_process_kill(p, "it asked for more workers than it can run");
    fleet_guard_answer(p);
}

void fleet_guard_answer(struct fleet_process *p)
{
    struct fleet_guard *guard = &p->guard;

    while (!p->killed_for && guard->answered < json_array_size(guard->wants) && may_ask(p)) {
        const json_t *want = json_array_get(guard->wants, guard->answered++);

        guard->wants_left--;
        guard->wants_bytes -= bytes_of(want);
        fleet_process_answer(p, want);
    }
    if (guard->answered < json_array_size(guard->wants))
        return;
    json_array_clear(guard->wants);
    guard->answered = 0;
}

void fleet_guard_on_beat(struct fleet_process *p, unsigned beats)
{
    struct fleet_guard *guard = &p->guard;

    guard->wants_left = WANTS_PER_BEAT;
    if (json_array_size(guard->wants))
        fleet_guard_answer(p);
    if (beats % BEATS_PER_SECOND == 0)
        guard->lines_left = LINES_PER_SECOND;
    if (beats % BEATS_PER_AGE == 0) {
        json_t *old = guard->served[1];

        guard->served[1] = guard->served[0];
        guard->served[0] = old;
        json_object_clear(old);
    }
    if (process_queued_bytes(p->process) > FLEET_BEHIND_BYTES_MAX)
        fleet_process_kill(p, "it does not read what it is told");
}

/* ---- connections ---- */

static int option(int fd, int name)
{
    int value = -1;
    socklen_t len = sizeof value;

    return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

bool fleet_guard_is_connection(int fd)
{
    return option(fd, SO_PROTOCOL) == IPPROTO_TCP && option(fd, SO_ACCEPTCONN) == 0;
}

bool fleet_guard_may_hand(const struct fleet_process *p, const char *key)
{
    const struct fleet_worker *worker = fleet_worker_find(p->fleet, key);

    return worker && fleet_worker_told(worker, p);
}
