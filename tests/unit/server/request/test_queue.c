/*
 * test_queue.c: places, promises, order and ends of the queue; and many threads at once.
 */
#include "server/request/queue.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/observe/metrics.h"

enum { CAPACITY = 3, MOST = 4, JOBS = 8 };

static struct rl_queue *queue;
static struct rl_job jobs[JOBS];
static struct rl_error error;
static const struct rl_settings settings = {.max_inflated_bytes = 5000};
static const struct rl_context context = {.settings = &settings};

static void setup(void)
{
    ck_assert_int_eq(rl_metrics_init(0, &error), RL_OK);
    ck_assert_int_eq(rl_queue_create(CAPACITY, MOST, &queue, &error), RL_OK);
    memset(jobs, 0, sizeof jobs);
    for (int i = 0; i < JOBS; i++)
        jobs[i].context = &context;
}

static void teardown(void)
{
    rl_queue_free(queue);
    rl_metrics_release();
}

static enum rl_status put(struct rl_job *job)
{
    const enum rl_status status = rl_queue_reserve(queue, job, &error);
    if (status == RL_OK)
        rl_queue_put(queue, job);
    return status;
}

/* Takes what there is, and expects so many. */
static void take(size_t bytes, struct rl_job **taken, size_t want)
{
    size_t count = 0;
    ck_assert_int_eq(rl_queue_take(queue, bytes, 1, taken, &count),
                     want > 0 ? RL_TAKE_JOBS : RL_TAKE_QUIET);
    ck_assert_uint_eq(count, want);
}

START_TEST(oldest_first_and_no_more_than_may_wait)
{
    struct rl_job *taken[MOST];
    for (int i = 0; i < CAPACITY; i++)
        ck_assert_int_eq(put(&jobs[i]), RL_OK);
    ck_assert_int_eq(put(&jobs[CAPACITY]), RL_QUEUE_FULL);
    ck_assert_uint_eq(rl_queue_busy(queue), CAPACITY);
    take(1, taken, CAPACITY);
    for (int i = 0; i < CAPACITY; i++)
        ck_assert_ptr_eq(taken[i], &jobs[i]);
    ck_assert_int_eq(put(&jobs[CAPACITY]), RL_OK);
    ck_assert_uint_eq(rl_queue_busy(queue), CAPACITY + 1);
    for (int i = 0; i < CAPACITY; i++)
        ck_assert(rl_queue_done(queue, taken[i]));
    ck_assert_uint_eq(rl_queue_busy(queue), 1);
    take(1, taken, 1);
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
        ck_assert_int_eq(put(&jobs[i]), RL_OK);
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
        ck_assert_int_eq(put(&jobs[i]), RL_OK);
    }
    take(2000, taken, 1); /* two would inflate to 6000 bytes, two caps to 10000 */
    take(1000000, taken, 2);
}
END_TEST

START_TEST(promised_places_are_kept)
{
    for (int i = 0; i < CAPACITY; i++)
        ck_assert_int_eq(rl_queue_promise(queue, &jobs[i], &error), RL_OK);
    ck_assert_int_eq(rl_queue_promise(queue, &jobs[3], &error), RL_QUEUE_FULL);
    ck_assert_int_eq(put(&jobs[3]), RL_QUEUE_FULL);
    ck_assert_int_eq(put(&jobs[0]), RL_OK);
    rl_queue_break(queue, &jobs[1]);
    rl_queue_break(queue, &jobs[1]); /* twice does no harm */
    ck_assert_int_eq(put(&jobs[3]), RL_OK);
    ck_assert_int_eq(put(&jobs[1]), RL_QUEUE_FULL);
    ck_assert_int_eq(put(&jobs[2]), RL_OK);
}
END_TEST

START_TEST(promises_run_out)
{
    for (int i = 0; i < CAPACITY; i++)
        ck_assert_int_eq(rl_queue_promise(queue, &jobs[i], &error), RL_OK);
    usleep((2 * RL_QUEUE_PROMISE_MS + 50) * 1000);
    for (int i = 3; i < 3 + CAPACITY; i++)
        ck_assert_int_eq(rl_queue_promise(queue, &jobs[i], &error), RL_OK);
    rl_queue_break(queue, &jobs[0]); /* the old ones no longer count */
    ck_assert_int_eq(rl_queue_promise(queue, &jobs[7], &error), RL_QUEUE_FULL);
    ck_assert_int_eq(put(&jobs[1]), RL_QUEUE_FULL);
    rl_queue_break(queue, &jobs[3]);
    ck_assert_int_eq(put(&jobs[1]), RL_OK);
}
END_TEST

START_TEST(a_promise_holds_for_its_time)
{
    ck_assert_int_eq(rl_queue_promise(queue, &jobs[0], &error), RL_OK);
    usleep((RL_QUEUE_PROMISE_MS - 100) * 1000);
    ck_assert_int_eq(put(&jobs[1]), RL_OK);
    ck_assert_int_eq(put(&jobs[2]), RL_OK);
    ck_assert_int_eq(put(&jobs[3]), RL_QUEUE_FULL);
    ck_assert_int_eq(put(&jobs[0]), RL_OK);
}
END_TEST

static size_t called;

static void call(struct rl_job *job)
{
    called++;
    job->next = (struct rl_job *)0x1; /* as if it were in use again */
}

START_TEST(cancelling_gives_all_that_wait_back)
{
    called = 0;
    ck_assert_int_eq(put(&jobs[0]), RL_OK);
    ck_assert_int_eq(put(&jobs[1]), RL_OK);
    rl_queue_cancel(queue, call);
    ck_assert_uint_eq(called, 2);
    ck_assert_uint_eq(rl_queue_busy(queue), 0);
    ck_assert_int_eq(put(&jobs[2]), RL_DRAINING);
    ck_assert_int_eq(rl_queue_promise(queue, &jobs[3], &error), RL_DRAINING);
}
END_TEST

START_TEST(abandoned_jobs_are_nobody_s)
{
    struct rl_job *taken[MOST];
    called = 0;
    ck_assert_int_eq(put(&jobs[0]), RL_OK);
    ck_assert_int_eq(put(&jobs[1]), RL_OK);
    take(1, taken, 2);
    ck_assert(rl_queue_done(queue, &jobs[0]));
    rl_queue_abandon(queue, call);
    ck_assert_uint_eq(called, 1);
    ck_assert(jobs[1].abandoned);
    ck_assert(!jobs[0].abandoned);
    ck_assert_uint_eq(rl_queue_busy(queue), 1);
    ck_assert(!rl_queue_done(queue, &jobs[1]));
    ck_assert_uint_eq(rl_queue_busy(queue), 0);
}
END_TEST

START_TEST(the_end_comes_when_it_is_empty)
{
    struct rl_job *taken[MOST];
    size_t count = 0;
    ck_assert_int_eq(put(&jobs[0]), RL_OK);
    rl_queue_stop(queue);
    take(1, taken, 1);
    ck_assert_int_eq(rl_queue_take(queue, 1, 0, taken, &count), RL_TAKE_END);
}
END_TEST

START_TEST(bytes_are_counted)
{
    ck_assert_uint_eq(rl_queue_hold(queue, 10), 10);
    ck_assert_uint_eq(rl_queue_hold(queue, 5), 15);
    rl_queue_let_go(queue, 10);
    ck_assert_uint_eq(rl_queue_held(queue), 5);
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
    struct rl_error mine;
    for (int round = 0; round < ROUNDS; round++) {
        struct rl_job *const job = calloc(1, sizeof *job);
        job->context = &context;
        if (round % 2 == 0)
            rl_queue_promise(queue, job, &mine);
        if (round % 8 != 0 && rl_queue_reserve(queue, job, &mine) == RL_OK) {
            rl_queue_put(queue, job);
            ++*produced;
            continue;
        }
        rl_queue_break(queue, job);
        free(job);
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
    ck_assert_uint_eq(rl_queue_busy(queue), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("queue");
    TCase *tests = tcase_create("queue");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, oldest_first_and_no_more_than_may_wait);
    tcase_add_test(tests, a_pass_is_bounded_in_bytes_but_never_empty);
    tcase_add_test(tests, a_coded_body_counts_as_what_it_may_become);
    tcase_add_test(tests, promised_places_are_kept);
    tcase_add_test(tests, promises_run_out);
    tcase_add_test(tests, a_promise_holds_for_its_time);
    tcase_add_test(tests, cancelling_gives_all_that_wait_back);
    tcase_add_test(tests, abandoned_jobs_are_nobody_s);
    tcase_add_test(tests, the_end_comes_when_it_is_empty);
    tcase_add_test(tests, bytes_are_counted);
    tcase_add_test(tests, nothing_is_lost_between_threads);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
