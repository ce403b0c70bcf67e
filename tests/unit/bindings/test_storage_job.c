/* bindings/storage_job: order within a queue, queues side by side, their turns, a full one. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "bindings/storage_job.h"

enum { JOBS = 200 };

struct note {
    struct storage_job job;
    char name;
};

static uv_loop_t *loop;
static struct storage_job_queue *queue;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static char order[8 * JOBS];   /* names of the jobs as they ran */
static size_t ran;
static size_t done;
static bool gate_open;
static int inside;

static void setup(void)
{
    loop = uv_default_loop();
    storage_job_start(loop);
    queue = storage_job_queue_new();
}

TestSuite(storage_job, .init = setup);

static void run_note(struct storage_job *job)
{
    struct note *note = CONTAINER_OF(job, struct note, job);

    pthread_mutex_lock(&mutex);
    order[ran++] = note->name;
    pthread_mutex_unlock(&mutex);
}

/* Waits inside of the job until open_gate(). */
static void run_gate(struct storage_job *job)
{
    (void)job;
    pthread_mutex_lock(&mutex);
    inside++;
    pthread_cond_broadcast(&moved);
    while (!gate_open)
        pthread_cond_wait(&moved, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void wait_inside(int count)
{
    pthread_mutex_lock(&mutex);
    while (inside < count)
        pthread_cond_wait(&moved, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void open_gate(void)
{
    pthread_mutex_lock(&mutex);
    gate_open = true;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&mutex);
}

static void on_done(struct storage_job *job)
{
    (void)job;
    done++;
}

static void post(struct storage_job_queue *to, struct note *note, char name)
{
    *note = (struct note){.job = {.run = run_note, .done = on_done}, .name = name};
    cr_assert_eq(storage_job_post(to, &note->job), 0);
}

static void post_gate(struct storage_job_queue *to, struct storage_job *job)
{
    *job = (struct storage_job){.run = run_gate, .done = on_done};
    cr_assert_eq(storage_job_post(to, job), 0);
}

Test(storage_job, of_one_queue_run_in_their_order)
{
    struct note notes[JOBS];

    for (int i = 0; i < JOBS; i++)
        post(queue, &notes[i], (char)('a' + i % 26));
    cr_assert(storage_job_queue_is_busy(queue));
    uv_run(loop, UV_RUN_DEFAULT);
    cr_assert_eq(done, JOBS);
    cr_assert_not(storage_job_queue_is_busy(queue));
    for (int i = 0; i < JOBS; i++)
        cr_assert_eq(order[i], 'a' + i % 26, "job %d", i);
    storage_job_queue_free(queue);
}

Test(storage_job, of_two_queues_run_at_once)
{
    struct storage_job_queue *other = storage_job_queue_new();
    struct storage_job gates[2];

    post_gate(queue, &gates[0]);
    post_gate(other, &gates[1]);
    wait_inside(2);
    cr_assert_eq(done, 0);
    open_gate();
    uv_run(loop, UV_RUN_DEFAULT);
    cr_assert_eq(done, 2);
    storage_job_queue_free(queue);
    storage_job_queue_free(other);
}

/* All threads wait in gates; then a queue of many jobs and one of a single job become ready: the
 * single one does not wait for all of the many. */
Test(storage_job, queues_take_turns)
{
    struct storage_job_queue *blocked[STORAGE_JOB_THREADS_MAX], *many = queue,
                                                                *single = storage_job_queue_new();
    struct storage_job gates[STORAGE_JOB_THREADS_MAX];
    struct note notes[JOBS + 1];
    size_t at = 0;

    for (int i = 0; i < STORAGE_JOB_THREADS_MAX; i++) {
        blocked[i] = storage_job_queue_new();
        post_gate(blocked[i], &gates[i]);
    }
    wait_inside(STORAGE_JOB_THREADS_MAX);
    for (int i = 0; i < JOBS; i++)
        post(many, &notes[i], 'm');
    post(single, &notes[JOBS], 's');
    open_gate();
    uv_run(loop, UV_RUN_DEFAULT);
    cr_assert_eq(done, STORAGE_JOB_THREADS_MAX + JOBS + 1);
    while (order[at] != 's')
        at++;
    cr_assert_lt(at, STORAGE_JOB_THREADS_MAX, "%zu ran before it", at);
}

/* One account has more stores at work than it may: the rest waits, another account's does not. */
Test(storage_job, an_account_has_a_part_of_the_threads)
{
    enum { STORES = 2 * STORAGE_JOB_THREADS_MAX };
    struct storage_job_queue *queues[STORES], *other = storage_job_queue_new_for("/s/other/kv/1");
    struct storage_job gates[STORES];
    struct note notes[STORES], note;
    char directory[64];

    for (int i = 0; i < STORES; i++) {
        snprintf(directory, sizeof directory, "/s/greedy/%s/%d", i % 2 ? "kv" : "d1", i);
        queues[i] = storage_job_queue_new_for(directory);
        post_gate(queues[i], &gates[i]);
        post(queues[i], &notes[i], 'g');
    }
    wait_inside(STORAGE_JOB_ACCOUNT_MAX);
    post(other, &note, 'o');
    while (!done)
        uv_run(loop, UV_RUN_ONCE);
    cr_assert_eq(inside, STORAGE_JOB_ACCOUNT_MAX);
    cr_assert_eq(order[0], 'o');
    open_gate();
    uv_run(loop, UV_RUN_DEFAULT);
    cr_assert_eq(done, 2 * STORES + 1);
    cr_assert_eq(inside, STORES);
    for (int i = 0; i < STORES; i++)
        storage_job_queue_free(queues[i]);
    storage_job_queue_free(other);
    storage_job_queue_free(queue);
}

Test(storage_job, a_full_queue_takes_no_more)
{
    static struct note notes[STORAGE_JOB_WAITING_MAX], more;
    struct storage_job_queue *other = storage_job_queue_new();
    struct storage_job gate;

    post_gate(queue, &gate);
    for (int i = 1; i < STORAGE_JOB_WAITING_MAX; i++) {
        notes[i] = (struct note){.job = {.run = run_gate, .done = on_done}};
        cr_assert_eq(storage_job_post(queue, &notes[i].job), 0);
    }
    more = (struct note){.job = {.run = run_note, .done = on_done}};
    cr_assert_eq(storage_job_post(queue, &more.job), ERR_LIMIT);
    post(other, &notes[0], 'o');
    open_gate();
    uv_run(loop, UV_RUN_DEFAULT);
    cr_assert_eq(done, STORAGE_JOB_WAITING_MAX + 1);
    cr_assert_eq(storage_job_post(queue, &more.job), 0);
    uv_run(loop, UV_RUN_DEFAULT);
    cr_assert_eq(ran, 2);
}

Test(storage_job, a_queue_that_is_let_go_ends_its_jobs_first)
{
    struct note notes[JOBS];

    for (int i = 0; i < JOBS; i++)
        post(queue, &notes[i], 'x');
    storage_job_queue_free(queue);
    storage_job_queue_free(NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    cr_assert_eq(done, JOBS);
}

static void on_done_again(struct storage_job *job)
{
    if (++done < JOBS)
        cr_assert_eq(storage_job_post(job->queue, job), 0);
}

Test(storage_job, may_be_posted_again_when_done)
{
    struct note note = {.job = {.run = run_note, .done = on_done_again}, .name = 'r'};

    cr_assert_eq(storage_job_post(queue, &note.job), 0);
    uv_run(loop, UV_RUN_DEFAULT);
    cr_assert_eq(done, JOBS);
    cr_assert_eq(ran, JOBS);
    storage_job_queue_free(queue);
}
