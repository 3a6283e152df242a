/*
 * test_queue.c: the order and the ends of the queue; and many threads at once.
 */
#include "server/request/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/observe/metrics.h"
#include "tests/lib/unittest.h"

enum { MOST = 4, JOBS = 8 };

static struct rl_queue *queue;
static struct rl_job jobs[JOBS];
static struct rl_error error;
static const struct rl_settings settings = {.max_inflated_bytes = 5000};
static const struct rl_context context = {.settings = &settings};

void test_before_each(void)
{
    ck_assert_int_eq(rl_metrics_init(0, &error), RL_OK);
    ck_assert_int_eq(rl_queue_create(MOST, &queue, &error), RL_OK);
    memset(jobs, 0, sizeof(jobs));
    for (int i = 0; i < JOBS; i++)
        jobs[i].context = &context;
}

void test_after_each(void)
{
    rl_queue_free(queue);
    rl_metrics_release();
}

/* Takes what there is, and expects `want` jobs. */
static void take(size_t bytes, struct rl_job **taken, size_t want)
{
    size_t count = 0;
    ck_assert_int_eq(rl_queue_take(queue, bytes, 1, taken, &count),
                     want > 0 ? RL_TAKE_JOBS : RL_TAKE_QUIET);
    ck_assert_uint_eq(count, want);
}

START_TEST(oldest_first)
{
    struct rl_job *taken[MOST];
    for (int i = 0; i < JOBS; i++)
        rl_queue_put(queue, &jobs[i]);
    for (int pass = 0; pass < JOBS / MOST; pass++) {
        take(1, taken, MOST);
        ck_assert_uint_eq(rl_queue_working(queue), MOST);
        for (int i = 0; i < MOST; i++) {
            ck_assert_ptr_eq(taken[i], &jobs[pass * MOST + i]);
            rl_queue_done(queue, taken[i]);
        }
        ck_assert_uint_eq(rl_queue_working(queue), 0);
    }
    take(1, taken, 0);
}
END_TEST

START_TEST(a_pass_is_bounded_in_bytes_but_never_empty)
{
    struct rl_job *taken[MOST];
    jobs[0].body.length = 100;
    jobs[1].body.length = 10;
    jobs[2].body.length = 10;
    for (int i = 0; i < 3; i++)
        rl_queue_put(queue, &jobs[i]);
    take(20, taken, 1);
    ck_assert_ptr_eq(taken[0], &jobs[0]);
    take(20, taken, 2);
    ck_assert_ptr_eq(taken[1], &jobs[2]);
}
END_TEST

START_TEST(a_coded_body_counts_as_what_it_may_become)
{
    struct rl_job *taken[MOST];
    for (int i = 0; i < 3; i++) {
        jobs[i].body.length = 3;
        jobs[i].body.coding = RL_CODING_GZIP;
        rl_queue_put(queue, &jobs[i]);
    }
    take(2000, taken, 1); /* two would inflate to 6000 bytes, two caps to 10000 */
    take(1000000, taken, 2);
}
END_TEST

static size_t called;

static bool is_first_or_third(const struct rl_job *job)
{
    return job == &jobs[1] || job == &jobs[3];
}

static void call(void *argument, struct rl_job *job)
{
    ck_assert_ptr_eq(argument, &called);
    called++;
    job->next = (struct rl_job *)0x1; /* as if it were in use again */
}

START_TEST(removing_keeps_the_order_of_the_others)
{
    struct rl_job *taken[MOST];
    called = 0;
    rl_queue_put(queue, &jobs[0]);
    take(1, taken, 1);
    for (int i = 1; i <= 3; i++)
        rl_queue_put(queue, &jobs[i]);
    rl_queue_remove(queue, is_first_or_third, call, &called);
    ck_assert_uint_eq(called, 2);
    rl_queue_put(queue, &jobs[4]);
    ck_assert_uint_eq(rl_queue_working(queue), 1);
    rl_queue_done(queue, &jobs[0]);
    take(1, taken, 2);
    ck_assert_ptr_eq(taken[0], &jobs[2]);
    ck_assert_ptr_eq(taken[1], &jobs[4]);
}
END_TEST

static void stop(struct rl_job *job)
{
    rl_job_stop(job, RL_GONE);
    rl_job_stop(job, RL_DRAINING); /* the first status stays */
}

START_TEST(visiting_finds_what_is_taken_and_not_done)
{
    struct rl_job *taken[MOST];
    for (int i = 0; i < 3; i++)
        rl_queue_put(queue, &jobs[i]);
    take(1, taken, 3);
    rl_queue_done(queue, &jobs[1]);
    rl_queue_put(queue, &jobs[3]);
    rl_queue_visit(queue, stop);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(jobs[i].stop, i == 0 || i == 2 ? RL_GONE : RL_OK);
}
END_TEST

START_TEST(the_end_comes_when_it_is_empty)
{
    struct rl_job *taken[MOST];
    size_t count = 0;
    rl_queue_put(queue, &jobs[0]);
    rl_queue_stop(queue);
    take(1, taken, 1);
    ck_assert_int_eq(rl_queue_take(queue, 1, 0, taken, &count), RL_TAKE_END);
}
END_TEST

/* ---- Many threads ---------------------------------------------------------------------------- */

enum { PRODUCERS = 4, ROUNDS = 5000 };

static _Atomic size_t consumed;

static void *consume(void *argument)
{
    struct rl_job *taken[MOST];
    size_t count = 0;
    (void)argument;
    while (rl_queue_take(queue, 1000, 0, taken, &count) == RL_TAKE_JOBS)
        for (size_t i = 0; i < count; i++) {
            struct rl_job *const job = taken[i];
            rl_queue_done(queue, job);
            consumed++;
            free(job);
        }
    return NULL;
}

static void *produce(void *argument)
{
    size_t *const produced = argument;
    for (int round = 0; round < ROUNDS; round++) {
        struct rl_job *const job = calloc(1, sizeof(*job));
        job->context = &context;
        rl_queue_put(queue, job);
        ++*produced;
    }
    return NULL;
}

START_TEST(nothing_is_lost_between_threads)
{
    pthread_t consumer, producers[PRODUCERS];
    size_t produced[PRODUCERS] = {0}, sum = 0;
    consumed = 0;
    pthread_create(&consumer, NULL, consume, NULL);
    for (int i = 0; i < PRODUCERS; i++)
        pthread_create(&producers[i], NULL, produce, &produced[i]);
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i], NULL);
        sum += produced[i];
    }
    rl_queue_stop(queue);
    pthread_join(consumer, NULL);
    ck_assert_uint_gt(sum, 0);
    ck_assert_uint_eq(consumed, sum);
    ck_assert_uint_eq(rl_queue_working(queue), 0);
}
END_TEST
