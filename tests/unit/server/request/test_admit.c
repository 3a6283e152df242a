/*
 * test_admit.c: places and promises in the queue, and bytes of bodies.
 */
#include "server/request/admit.h"

#include <string.h>
#include <unistd.h>

#include "server/observe/metrics.h"
#include "tests/lib/unittest.h"

enum { CAPACITY = 3, JOBS = 8, LARGE = RL_ADMIT_SMALL_BODY + 1, BYTES = 4 * LARGE };

static struct rl_context context;
static struct rl_job jobs[JOBS];
static struct rl_error error;
static const struct rl_settings settings = {.queue_capacity = CAPACITY, .queue_bytes = BYTES};

void test_before_each(void)
{
    ck_assert_int_eq(rl_metrics_init(0, &error), RL_OK);
    context = (struct rl_context){.settings = &settings, .stage = RL_STAGE_READY};
    ck_assert_int_eq(rl_admission_create(&settings, &context.admission, &error), RL_OK);
    memset(jobs, 0, sizeof(jobs));
    for (int i = 0; i < JOBS; i++)
        jobs[i].context = &context;
}

void test_after_each(void)
{
    for (int i = 0; i < JOBS; i++)
        rl_admit_end(&jobs[i]);
    ck_assert_uint_eq(rl_admission_waiting(context.admission), 0);
    ck_assert_uint_eq(rl_admission_held(context.admission), 0);
    rl_admission_free(context.admission);
    rl_metrics_release();
}

static enum rl_status announce(struct rl_job *job, size_t bytes)
{
    job->body.announced = bytes;
    return rl_admit_announced(job, &error);
}

static enum rl_status receive(struct rl_job *job, size_t bytes)
{
    job->body.length += bytes;
    return rl_admit_bytes(job, &error);
}

static enum rl_status place(struct rl_job *job)
{
    return rl_admit_place(job, &error);
}

START_TEST(places_are_bounded)
{
    for (int i = 0; i < CAPACITY; i++)
        ck_assert_int_eq(place(&jobs[i]), RL_OK);
    ck_assert_int_eq(place(&jobs[CAPACITY]), RL_QUEUE_FULL);
    ck_assert_uint_eq(rl_admission_waiting(context.admission), CAPACITY);
    rl_admit_leave(&jobs[0]);
    rl_admit_leave(&jobs[0]); /* twice does no harm */
    ck_assert_int_eq(place(&jobs[CAPACITY]), RL_OK);
    rl_admit_end(&jobs[1]);
    ck_assert_uint_eq(rl_admission_waiting(context.admission), CAPACITY - 1);
}
END_TEST

START_TEST(promises_keep_out_announcements)
{
    for (int i = 0; i < CAPACITY; i++)
        ck_assert_int_eq(announce(&jobs[i], LARGE), RL_OK);
    ck_assert_int_eq(announce(&jobs[3], LARGE), RL_QUEUE_FULL);
    rl_admit_end(&jobs[1]);
    rl_admit_end(&jobs[1]);
    ck_assert_int_eq(announce(&jobs[3], LARGE), RL_OK);
    ck_assert_int_eq(announce(&jobs[4], LARGE), RL_QUEUE_FULL);
    ck_assert_int_eq(announce(&jobs[5], RL_ADMIT_SMALL_BODY), RL_OK);
    ck_assert_int_eq(announce(&jobs[6], SIZE_MAX), RL_OK); /* chunked */
}
END_TEST

START_TEST(promises_do_not_keep_out_what_has_arrived)
{
    for (int i = 0; i < CAPACITY; i++)
        ck_assert_int_eq(announce(&jobs[i], LARGE), RL_OK);
    for (int i = CAPACITY; i < 2 * CAPACITY; i++)
        ck_assert_int_eq(place(&jobs[i]), RL_OK);
    ck_assert_int_eq(place(&jobs[0]), RL_QUEUE_FULL); /* others were faster */
}
END_TEST

START_TEST(a_job_uses_its_own_promise)
{
    for (int i = 0; i < CAPACITY; i++)
        ck_assert_int_eq(announce(&jobs[i], LARGE), RL_OK);
    for (int i = 0; i < CAPACITY; i++)
        ck_assert_int_eq(place(&jobs[i]), RL_OK);
    rl_admit_leave(&jobs[0]);
    ck_assert_int_eq(announce(&jobs[3], LARGE), RL_OK);
}
END_TEST

START_TEST(promises_expire)
{
    for (int i = 0; i < CAPACITY; i++)
        ck_assert_int_eq(announce(&jobs[i], LARGE), RL_OK);
    usleep((2 * RL_ADMIT_PROMISE_MS + 50) * 1000);
    for (int i = 3; i < 3 + CAPACITY; i++)
        ck_assert_int_eq(announce(&jobs[i], LARGE), RL_OK);
    rl_admit_end(&jobs[0]); /* an expired one no longer counts */
    ck_assert_int_eq(announce(&jobs[7], LARGE), RL_QUEUE_FULL);
}
END_TEST

START_TEST(bytes_are_bounded_as_they_arrive)
{
    ck_assert_int_eq(receive(&jobs[0], 2 * LARGE), RL_OK);
    ck_assert_int_eq(receive(&jobs[0], LARGE), RL_OK);
    ck_assert_uint_eq(rl_admission_held(context.admission), 3 * LARGE);
    ck_assert_int_eq(receive(&jobs[1], LARGE + 1), RL_QUEUE_FULL);
    rl_admit_end(&jobs[1]);
    ck_assert_int_eq(announce(&jobs[2], LARGE + 1), RL_QUEUE_FULL);
    ck_assert_int_eq(announce(&jobs[2], LARGE), RL_OK);
    rl_admit_body_gone(&jobs[0]);
    ck_assert_uint_eq(rl_admission_held(context.admission), 0);
}
END_TEST

START_TEST(small_bodies_count_and_find_an_eighth_more)
{
    ck_assert_int_eq(receive(&jobs[0], BYTES), RL_OK);
    ck_assert_int_eq(receive(&jobs[1], BYTES / 16), RL_OK);
    ck_assert_int_eq(receive(&jobs[2], BYTES / 16), RL_OK);
    ck_assert_uint_eq(rl_admission_held(context.admission), BYTES + BYTES / 8);
    ck_assert_int_eq(receive(&jobs[3], 1), RL_QUEUE_FULL);
}
END_TEST

START_TEST(nothing_is_admitted_after_the_end)
{
    ck_assert_int_eq(announce(&jobs[0], LARGE), RL_OK);
    rl_admission_close(context.admission);
    ck_assert_int_eq(place(&jobs[0]), RL_DRAINING);
    ck_assert_int_eq(announce(&jobs[1], LARGE), RL_DRAINING);
    context.stage = RL_STAGE_ENDING;
    ck_assert_int_eq(announce(&jobs[2], 1), RL_DRAINING);
}
END_TEST
