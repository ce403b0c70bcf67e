/* Jobs on threads of our own; see storage_job.h.
 *
 *   post ──> queue.waiting ──(the queue's turn in `ready`)──> a thread ──> over ──> done() on the
 *   loop
 *
 * (1) `mutex` guards `ready`, `over`, the counts beside them, and every queue's list and flags.
 * (2) A queue is in `ready` exactly while it has jobs waiting and none running. A thread takes its
 *     first job, and puts it back at the end of the row: round robin. When its account has as many
 *     in `ready` or running as it may, it is in the account's `held` instead, until one of them is
 *     done: then it is its turn before those.
 * (3) `posted` of a queue is the loop's own: jobs whose done() was not called. A queue that was
 *     let go is freed when that is 0.
 * (4) The async handle keeps the loop alive while jobs are posted, and not longer. */
#include "bindings/storage_job.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/map.h"

enum { IDLE_SECONDS = 10 };

/* Of the queues of one account. */
struct account {
    struct map_node node;
    size_t queues;    /* the loop's own */
    int active;       /* ready or running */
    struct list held; /* (2) */
};

struct storage_job_queue {
    struct list link; /* in all.ready or account->held */
    struct account *account; /* NULL: none */
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
    struct map accounts; /* the loop's own */
} all = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .ready = {&all.ready, &all.ready},
    .over = {&all.over, &all.over},
};

/* Its turn comes now, or (2) when the account has fewer at work; then false. */
static bool make_ready(struct storage_job_queue *queue)
{
    struct account *account = queue->account;

    if (account && account->active == STORAGE_JOB_ACCOUNT_MAX) {
        list_push(&account->held, &queue->link);
        return false;
    }
    if (account)
        account->active++;
    list_push(&all.ready, &queue->link);
    all.ready_count++;
    return true;
}

/* A queue is not at work any more: those that were held go before its next job. */
static void make_next_ready(struct storage_job_queue *queue)
{
    struct account *account = queue->account;

    if (account)
        account->active--;
    if (account && !list_empty(&account->held))
        make_ready(CONTAINER_OF(list_pop(&account->held), struct storage_job_queue, link));
    if (!list_empty(&queue->waiting))
        make_ready(queue);
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
    make_next_ready(queue);
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

static struct account *account_ref(str name)
{
    struct map_node *node = map_find(&all.accounts, name);
    struct account *account = node ? CONTAINER_OF(node, struct account, node) : NULL;

    if (!account) {
        account = mem_new(struct account);
        list_init(&account->held);
        account->node.key = str_from(str_dup(name));
        map_add(&all.accounts, &account->node);
    }
    account->queues++;
    return account;
}

static void account_unref(struct account *account)
{
    if (!account || --account->queues)
        return;
    map_remove(&all.accounts, &account->node);
    free((char *)account->node.key.ptr);
    free(account);
}

static void free_if_over(struct storage_job_queue *queue)
{
    if (!queue->is_let_go || queue->posted)
        return;
    account_unref(queue->account);
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

/* The path without its last segment. */
static str above(str path)
{
    while (path.len && path.ptr[path.len - 1] != '/')
        path.len--;
    return str_head(path, path.len ? path.len - 1 : 0);
}

struct storage_job_queue *storage_job_queue_new_for(const char *directory)
{
    struct storage_job_queue *queue = storage_job_queue_new();

    queue->account = account_ref(above(above(str_from(directory))));
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
        if (!make_ready(queue))
            ;                                 /* who ends one of the account's takes it */
        else if (all.ready_count <= all.idle) /* else those that were woken have work already */
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
