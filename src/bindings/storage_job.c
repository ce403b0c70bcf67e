/* Jobs on threads of our own; see storage_job.h.
 *
 *   post ──> queue.waiting ──(the queue's turn in `ready`)──> a thread ──> over ──> done() on the
 *   loop
 *
 * (1) `mutex` guards `ready`, `over`, the counts beside them, and every queue's list and flags.
 * (2) A queue is in `ready` exactly while it has jobs waiting and none running. A thread takes its
 *     first job, and puts it back at the end of the row: round robin.
 * (3) `posted` of a queue is the loop's own: jobs whose done() was not called. A queue that was
 *     let go is freed when that is 0.
 * (4) The async handle keeps the loop alive while jobs are posted, and not longer. */
#include "bindings/storage_job.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { IDLE_SECONDS = 10 };

struct storage_job_queue {
    struct list link; /* in all.ready */
    struct list waiting;
    bool is_running;
    bool is_let_go;
    size_t posted; /* (3) */
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct list ready; /* (2) */
    struct list over;
    int threads;
    int idle;
    int ready_count;
    uv_async_t async;
    size_t posted; /* the loop's own, of all queues */
} all = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .ready = {&all.ready, &all.ready},
    .over = {&all.over, &all.over},
};

static void make_ready(struct storage_job_queue *queue)
{
    list_push(&all.ready, &queue->link);
    all.ready_count++;
}

/* ---- threads ---- */

/* Waits for a queue that is ready; false when none came for a while. */
static bool wait_for_work(void)
{
    struct timespec until;
    int r = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_SECONDS;
    all.idle++;
    while (list_empty(&all.ready) && r == 0)
        r = pthread_cond_timedwait(&all.wake, &all.mutex, &until);
    all.idle--;
    return !list_empty(&all.ready);
}

static void run_next(void)
{
    struct storage_job_queue *queue = CONTAINER_OF(list_pop(&all.ready), struct storage_job_queue,
                                                   link);
    struct storage_job *job = CONTAINER_OF(list_pop(&queue->waiting), struct storage_job, link);
    bool is_first;

    all.ready_count--;
    queue->is_running = true;
    pthread_mutex_unlock(&all.mutex);
    job->run(job);
    pthread_mutex_lock(&all.mutex);
    queue->is_running = false;
    if (!list_empty(&queue->waiting))
        make_ready(queue);
    is_first = list_empty(&all.over);
    list_push(&all.over, &job->link);
    if (is_first)
        uv_async_send(&all.async);
}

static void *thread_main(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&all.mutex);
    while (wait_for_work())
        run_next();
    all.threads--;
    pthread_mutex_unlock(&all.mutex);
    return NULL;
}

/* Called with the mutex held. Signals are for the loop's thread. */
static void add_thread(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t none, before;

    sigfillset(&none);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &none, &before);
    if (pthread_create(&thread, &attributes, thread_main, NULL) == 0)
        all.threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    ASSERT(all.threads); /* with none at all nothing would ever be done */
}

/* ---- the loop's side ---- */

static void free_if_over(struct storage_job_queue *queue)
{
    if (queue->is_let_go && !queue->posted)
        free(queue);
}

static void end_job(struct storage_job *job)
{
    struct storage_job_queue *queue = job->queue;

    job->done(job);
    queue->posted--;
    all.posted--;
    free_if_over(queue);
}

static void on_over(uv_async_t *async)
{
    struct list over, *link;

    list_init(&over);
    pthread_mutex_lock(&all.mutex);
    list_move_all(&all.over, &over);
    pthread_mutex_unlock(&all.mutex);
    while ((link = list_pop(&over)))
        end_job(CONTAINER_OF(link, struct storage_job, link));
    if (!all.posted)
        uv_unref((uv_handle_t *)async);
}

void storage_job_start(uv_loop_t *loop)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&all.wake, &attributes);
    pthread_condattr_destroy(&attributes);
    ASSERT(uv_async_init(loop, &all.async, on_over) == 0);
    uv_unref((uv_handle_t *)&all.async);
}

uv_loop_t *storage_job_loop(void)
{
    return all.async.loop;
}

struct storage_job_queue *storage_job_queue_new(void)
{
    struct storage_job_queue *queue = mem_new(struct storage_job_queue);

    list_init(&queue->link);
    list_init(&queue->waiting);
    return queue;
}

void storage_job_queue_free(struct storage_job_queue *queue)
{
    if (!queue)
        return;
    queue->is_let_go = true;
    free_if_over(queue);
}

int storage_job_post(struct storage_job_queue *queue, struct storage_job *job)
{
    ASSERT(!queue->is_let_go);
    if (queue->posted >= STORAGE_JOB_WAITING_MAX)
        return ERR_LIMIT;
    queue->posted++;
    job->queue = queue;
    if (!all.posted++)
        uv_ref((uv_handle_t *)&all.async);
    pthread_mutex_lock(&all.mutex);
    list_push(&queue->waiting, &job->link);
    if (!queue->is_running && list_empty(&queue->link)) {
        make_ready(queue);
        if (all.ready_count <= all.idle) /* else those that were woken have work already */
            pthread_cond_signal(&all.wake);
        else if (all.threads < STORAGE_JOB_THREADS_MAX)
            add_thread();
    }
    pthread_mutex_unlock(&all.mutex);
    return 0;
}

bool storage_job_queue_is_busy(const struct storage_job_queue *queue)
{
    return queue->posted > 0;
}
