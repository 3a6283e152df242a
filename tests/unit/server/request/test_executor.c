/*
 * test_executor.c: what the executor does with a job, seen by an I/O thread that is the test
 * itself.
 */
#include "server/request/executor.h"

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/formats/document/jsonmem.h"
#include "server/observe/metrics.h"
#include "server/request/admit.h"
#include "server/text/text.h"
#include "tests/lib/unittest.h"

static sem_t resumed;
static struct rl_pool pool;
static size_t used_when_resumed; /* of the pool, by the last job */

static void resume(struct rl_job *job)
{
    (void)job;
    used_when_resumed = rl_pool_used(&pool);
    sem_post(&resumed);
}

enum { CAPACITY = 4, MOST_JOBS = 6, MOST_EVALUATIONS = 300 };

static struct rl_settings settings;
static struct rl_context context;
static struct rl_connection connections[MOST_JOBS];
static struct rl_job *jobs[MOST_JOBS];
static int clients[MOST_JOBS];
static size_t count;
static struct rl_error error;

void test_before_each(void)
{
    rl_jsonmem_install();
    sem_init(&resumed, 0, 0);
    ck_assert_int_eq(rl_init(NULL, &error), RL_OK);
    ck_assert_int_eq(rl_metrics_init(0, &error), RL_OK);
    settings = (struct rl_settings){.max_request_memory = 4UL << 30,
                                    .max_inflated_bytes = 1 << 20,
                                    .request_timeout = 3600000,
                                    .max_work = 3600000,
                                    .queue_capacity = CAPACITY,
                                    .queue_bytes = 1 << 30};
    context = (struct rl_context){.settings = &settings,
                                  .pool = &pool,
                                  .limits = {.max_lists = 1000000,
                                             .max_items = 20000000,
                                             .max_depth = 32,
                                             .max_top_k = 1000,
                                             .max_evaluations = MOST_EVALUATIONS,
                                             .max_json_memory = 64 << 20}};
    rl_pool_init(&pool, 4UL << 30);
    ck_assert_int_eq(rl_admission_create(&settings, &context.admission, &error), RL_OK);
    const struct rl_executor_options options = {
        .admission = context.admission, .pool = &pool, .threads = 2, .resume = resume};
    ck_assert_int_eq(rl_executor_create(&options, &context.executor, &error), RL_OK);
    count = 0;
}

void test_after_each(void)
{
    rl_executor_free(context.executor);
    for (size_t i = 0; i < count; i++) {
        rl_job_drop_reply(jobs[i]);
        rl_job_free(jobs[i]);
        close(connections[i].fd);
        close(clients[i]);
    }
    ck_assert_uint_eq(rl_pool_used(&pool), 0);
    rl_admission_free(context.admission);
    rl_metrics_release();
}

/* A job whose whole body is in. */
static struct rl_job *make_job(const char *body, size_t length)
{
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    connections[count].fd = ends[0];
    clients[count] = ends[1];
    struct rl_job *const job = rl_job_create(&context, RL_SCOPE_ALL, NULL);
    rl_job_begin(job, NULL, &connections[count]);
    job->route.target.measure = rl_measure_get(RL_PAIRWISE_HINGE);
    rl_body_begin(&job->body, length, RL_CODING_IDENTITY);
    ck_assert_int_eq(rl_body_append(&job->body, body, length, SIZE_MAX, &error), RL_OK);
    jobs[count++] = job;
    return job;
}

static struct rl_job *make_small(void)
{
    static const char body[] = "{\"y_true\":[1,0],\"y_pred\":[0,1]}";
    return make_job(body, sizeof(body) - 1);
}

/* One list of many grades in no order, evaluated with gradients. */
static struct rl_job *make_list(int evaluations)
{
    struct rl_text text;
    rl_text_init(&text);
    for (int part = 0; part < 2; part++) {
        rl_text_string(&text, part == 0 ? "{\"y_true\":[0" : "],\"y_pred\":[0");
        for (unsigned i = 1; i < 100000; i++)
            rl_text_format(&text, ",%u", (i * 2654435761u) >> 12);
    }
    rl_text_string(&text, "],\"dtype\":\"float64\",\"losses\":[");
    for (int i = 0; i < evaluations; i++)
        rl_text_format(&text, "%s{\"name\":\"pairwise_logistic\",\"include\":[\"gradient\"]}",
                       i > 0 ? "," : "");
    rl_text_string(&text, "]}");
    ck_assert(!text.failed);
    struct rl_job *const job = make_job(text.data, text.length);
    job->route.target = (struct rl_target){.evaluate = true};
    rl_text_release(&text);
    return job;
}

/* Some tenths of a second of decoding, computing and encoding. */
static struct rl_job *make_long(void)
{
    return make_list(8);
}

/* Many seconds of computing, for tests that end it. */
static struct rl_job *make_endless(void)
{
    return make_list(MOST_EVALUATIONS);
}

/* Results and a reply of some 10 MB each. */
static struct rl_job *make_wide(void)
{
    struct rl_text text;
    rl_text_init(&text);
    for (int part = 0; part < 2; part++) {
        rl_text_string(&text, part == 0 ? "{\"y_true\":[[]" : "],\"y_pred\":[[]");
        for (unsigned i = 1; i < 3000; i++)
            rl_text_string(&text, ",[]");
    }
    rl_text_string(&text, "],\"losses\":[");
    for (int i = 0; i < 64; i++)
        rl_text_format(&text, "%s{\"name\":\"pairwise_hinge\",\"include\":[\"per_list\"]}",
                       i > 0 ? "," : "");
    rl_text_string(&text, "]}");
    ck_assert(!text.failed);
    struct rl_job *const job = make_job(text.data, text.length);
    job->route.target = (struct rl_target){.evaluate = true};
    rl_text_release(&text);
    return job;
}

static enum rl_status try_submit(struct rl_job *job)
{
    const enum rl_status status = rl_admit_place(job, &error);
    if (status != RL_OK)
        return status;
    job->times.queued = rl_clock_now();
    job->times.deadline = job->times.queued + settings.request_timeout * 1000000u;
    rl_executor_put(context.executor, job);
    return RL_OK;
}

static void submit(struct rl_job *job)
{
    ck_assert_int_eq(try_submit(job), RL_OK);
}

static void await_resumed(size_t want)
{
    for (size_t i = 0; i < want; i++)
        sem_wait(&resumed);
}

/* Until the executor has taken all that was queued. */
static void await_taken(void)
{
    while (rl_admission_waiting(context.admission) > 0)
        usleep(1000);
}

START_TEST(a_job_comes_back_encoded)
{
    struct rl_job *const job = make_small();
    submit(job);
    await_resumed(1);
    ck_assert_int_eq(job->status, RL_OK);
    ck_assert_int_eq(job->progress, RL_PROGRESS_ENCODED);
    ck_assert_ptr_nonnull(memmem(job->reply.data, job->reply.length, "\"loss\":1,", 9));
}
END_TEST

START_TEST(one_bad_job_leaves_the_others_alone)
{
    static const char bad[] = "{\"y_true\":[1,0],\"y_pred\":[0,]}";
    struct rl_job *const before = make_small(), *const wrong = make_job(bad, sizeof(bad) - 1),
                         *const after = make_small();
    submit(before);
    submit(wrong);
    submit(after);
    await_resumed(3);
    ck_assert_int_eq(before->status, RL_OK);
    ck_assert_int_eq(wrong->status, RL_SYNTAX);
    ck_assert_uint_eq(wrong->error.line, 1);
    ck_assert_int_eq(after->status, RL_OK);
}
END_TEST

START_TEST(a_client_that_went_away_is_not_computed_for)
{
    struct rl_job *const job = make_small();
    shutdown(clients[0], SHUT_RDWR);
    submit(job);
    await_resumed(1);
    ck_assert_int_eq(job->status, RL_GONE);
    ck_assert_int_lt(job->progress, RL_PROGRESS_DECODED);
}
END_TEST

START_TEST(a_deadline_that_passed_in_the_queue_is_not_computed_for)
{
    settings.request_timeout = 0;
    struct rl_job *const job = make_small();
    submit(job);
    await_resumed(1);
    ck_assert_int_eq(job->status, RL_DEADLINE);
    ck_assert_int_lt(job->progress, RL_PROGRESS_DECODED);
}
END_TEST

/* The delays fall into decoding and computing; the sanitizers' suites run this as well. */
START_LOOP_TEST(cancelling_ends_what_runs_in_every_stage, 6)
{
    static const unsigned delays_ms[] = {0, 5, 15, 40, 80, 120};
    struct rl_job *const running = make_endless(), *const waiting = make_small();
    submit(running);
    await_taken();
    submit(waiting);
    usleep(delays_ms[_i] * 1000);
    rl_executor_cancel(context.executor);
    ck_assert_int_eq(try_submit(make_small()), RL_DRAINING);
    await_resumed(2);
    ck_assert_uint_eq(rl_executor_busy(context.executor), 0);
    ck_assert_int_eq(waiting->status, RL_DRAINING);
    ck_assert_int_eq(running->status, RL_DRAINING);
    ck_assert_int_lt(running->progress, RL_PROGRESS_ENCODED);
}
END_TEST

START_TEST(a_client_that_goes_ends_what_runs)
{
    struct rl_job *const running = make_endless();
    submit(running);
    await_taken();
    rl_executor_watch(context.executor);
    ck_assert_int_eq(running->stop, RL_OK);
    shutdown(clients[0], SHUT_RDWR);
    rl_executor_watch(context.executor);
    await_resumed(1);
    ck_assert_int_eq(running->status, RL_GONE);
}
END_TEST

START_TEST(a_deadline_ends_what_runs)
{
    settings.request_timeout = 100;
    struct rl_job *const running = make_endless();
    submit(running);
    while (sem_trywait(&resumed) != 0) {
        usleep(1000);
        rl_executor_watch(context.executor);
    }
    ck_assert_int_eq(running->status, RL_DEADLINE);
}
END_TEST

START_TEST(a_deadline_ends_what_waits)
{
    struct rl_job *const running = make_endless(), *const waiting = make_small();
    submit(running);
    await_taken();
    settings.request_timeout = 0;
    submit(waiting);
    usleep(1000); /* so that it has passed */
    rl_executor_watch(context.executor);
    await_resumed(1);
    ck_assert_int_eq(waiting->status, RL_DEADLINE);
    rl_executor_cancel(context.executor);
    await_resumed(1);
    ck_assert_int_eq(running->status, RL_DRAINING);
}
END_TEST

START_TEST(too_much_work_is_refused)
{
    settings.max_work = 1;
    struct rl_job *const job = make_long();
    submit(job);
    await_resumed(1);
    ck_assert_int_eq(job->status, RL_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(job->error.detail, "max-work, 0.001 s"));
}
END_TEST

START_TEST(a_full_queue_refuses)
{
    submit(make_endless());
    await_taken();
    for (int i = 0; i < CAPACITY; i++)
        submit(make_small());
    ck_assert_int_eq(try_submit(make_small()), RL_QUEUE_FULL);
    rl_executor_cancel(context.executor);
    await_resumed(1 + CAPACITY);
}
END_TEST

START_TEST(freeing_works_the_queue_off)
{
    submit(make_long());
    submit(make_small());
    rl_executor_free(context.executor);
    context.executor = NULL;
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(jobs[i]->status, RL_OK);
}
END_TEST

START_TEST(jobs_that_do_not_fit_together_follow_one_another)
{
    pool.limit = 64 << 20; /* the replies alone take 40 */
    for (int i = 0; i < CAPACITY; i++)
        submit(make_wide());
    await_resumed(CAPACITY);
    for (int i = 0; i < CAPACITY; i++) {
        ck_assert_int_eq(jobs[i]->status, RL_OK);
        ck_assert_uint_gt(jobs[i]->reply.length, 8 << 20);
        ck_assert_uint_eq(jobs[i]->reply.length, jobs[0]->reply.length);
        ck_assert_mem_eq(jobs[i]->reply.data, jobs[0]->reply.data, jobs[0]->reply.length);
    }
}
END_TEST

START_TEST(replies_that_are_not_sent_keep_others_out)
{
    pool.limit = 48 << 20;
    for (int i = 0; i < CAPACITY; i++)
        submit(make_wide());
    await_resumed(CAPACITY);
    size_t done = 0;
    for (int i = 0; i < CAPACITY; i++) {
        done += jobs[i]->status == RL_OK;
        if (jobs[i]->status == RL_OK)
            continue;
        ck_assert_int_eq(jobs[i]->status, RL_NOMEM);
        ck_assert_ptr_nonnull(strstr(jobs[i]->error.detail, "max-total-memory"));
    }
    ck_assert_uint_ge(done, 1);
    ck_assert_uint_lt(done, CAPACITY);
    ck_assert_uint_le(rl_pool_used(&pool), 42 << 20);
}
END_TEST

START_TEST(the_scratch_of_a_long_list_counts_until_the_team_rests)
{
    struct rl_job *const job = make_long();
    submit(job);
    await_resumed(1);
    ck_assert_int_eq(job->status, RL_OK);
    ck_assert_uint_gt(used_when_resumed, job->reply.counted + (8 << 20));
    while (rl_pool_used(&pool) > job->reply.counted + (1 << 20))
        usleep(10000);
    pool.limit = 30 << 20;
    struct rl_job *const refused = make_long();
    submit(refused);
    await_resumed(1);
    ck_assert_int_ne(refused->status, RL_OK);
    ck_assert_ptr_nonnull(strstr(refused->error.detail, "-memory"));
}
END_TEST
