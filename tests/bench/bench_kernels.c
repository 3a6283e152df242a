/*
 * bench_kernels.c: times core's kernels; tests/bench/kernels.py drives it and its peers.
 *
 *   bench_kernels run FILE LISTS DTYPE THREADS ISA MEASURE SECONDS [K]
 *       one evaluation of a batch, again and again for SECONDS: prints the best and the median
 *       nanoseconds, what rl_work_cost estimates, and the value. THREADS 0 computes without a team;
 *       K is the metric's.
 *   bench_kernels cross FILE ISA SECONDS
 *       each field of one list both ways: prints a line "FIELD pairs-ns sweeps-ns".
 *   bench_kernels sort FILE DTYPE ISA SECONDS
 *       orders the scores: prints the best nanoseconds.
 *
 * FILE holds float32 labels, then as many float32 scores, of lists of equal length.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Both ways of a field, each on its own: core chooses one by length. */
#include "core/fields/field.c"
#include "core/lists/order.h"
#include "tests/property/wideplan.h"

enum { MOST_ROUNDS = 200000, FEWEST_ROUNDS = 3 };

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_kernels: %s\n", what);
    exit(EXIT_FAILURE);
}

static void *allocate(size_t count, size_t size)
{
    void *const memory = calloc(count + 1, size);
    if (!memory)
        die("no memory");
    return memory;
}

/* ---- Data -------------------------------------------------------------------------------------
 */

static float *read_file(const char *path, size_t *ret_count)
{
    FILE *const file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        die("the data cannot be read");
    const size_t count = (size_t)ftell(file) / sizeof(float);
    float *const values = allocate(count, sizeof(float));
    rewind(file);
    if (fread(values, sizeof(float), count, file) != count)
        die("the data is cut short");
    fclose(file);
    *ret_count = count;
    return values;
}

static const void *as_dtype(const float *values, size_t count, enum rl_dtype dtype)
{
    if (dtype == RL_FLOAT32)
        return values;
    double *const doubles = allocate(count, sizeof(double));
    for (size_t i = 0; i < count; i++)
        doubles[i] = (double)values[i];
    return doubles;
}

static struct rl_batch read_batch(const char *path, size_t lists, enum rl_dtype dtype)
{
    size_t count;
    const float *const values = read_file(path, &count);
    size_t items = count / 2, *offsets = allocate(lists + 1, sizeof(size_t));
    for (size_t l = 0; l <= lists; l++)
        offsets[l] = items / lists * l;
    return (struct rl_batch){.dtype = dtype,
                             .lists = lists,
                             .items = items,
                             .offsets = offsets,
                             .labels = as_dtype(values, items, dtype),
                             .scores = as_dtype(values + items, items, dtype)};
}

/* ---- Rounds ------------------------------------------------------------------------------------
 */

struct rounds {
    double *times; /* [MOST_ROUNDS] */
    size_t count;
    double until;
};

static struct rounds rounds_begin(double seconds)
{
    return (struct rounds){.times = allocate(MOST_ROUNDS, sizeof(double)),
                           .until = now_ns() + 1e9 * seconds};
}

static bool rounds_go_on(const struct rounds *rounds)
{
    return rounds->count < FEWEST_ROUNDS ||
           (rounds->count < MOST_ROUNDS && now_ns() < rounds->until);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void rounds_sort(struct rounds *rounds)
{
    qsort(rounds->times, rounds->count, sizeof(double), by_value);
}

/* ---- run --------------------------------------------------------------------------------------
 */

static const struct rl_measure *measure_named(const char *name)
{
    const struct rl_measure *measure = rl_measure_find(RL_LOSS, name);
    if (!measure)
        measure = rl_measure_find(RL_METRIC, name);
    if (!measure)
        die("no such measure");
    return measure;
}

/* What a run computes with. */
struct bench {
    const struct rl_batch *batch;
    struct rl_eval eval;
    struct rl_team *team; /* NULL: the calling thread */
    struct rl_scratch scratch;
    double value, estimate;
};

/* One round: only the computing is timed, not the making of the work. */
static double time_compute(struct bench *bench)
{
    struct rl_arena arena;
    struct rl_work work, *works[] = {&work};
    struct rl_error error;
    rl_arena_init(&arena, SIZE_MAX);
    if (rl_work_init(&work, bench->batch, &bench->eval, 1, &arena, &error) != RL_OK)
        die(error.detail);
    const double begin = now_ns();
    if (bench->team)
        rl_compute(bench->team, works, 1);
    else
        rl_compute_inline(&bench->scratch, &work);
    const double time = now_ns() - begin;
    if (work.status != RL_OK)
        die(work.error.detail);
    bench->value = work.results[0].value;
    bench->estimate = rl_work_cost(&work);
    rl_arena_release(&arena);
    return time;
}

static void run(const struct rl_batch *batch, int threads, const char *name, double seconds,
                size_t k)
{
    struct bench bench = {.batch = batch,
                          .eval = {.measure = measure_named(name), .temperature = 1, .k = k}};
    struct rl_error error;
    rl_scratch_init(&bench.scratch);
    if (threads && rl_team_create(threads, &bench.team, &error) != RL_OK)
        die(error.detail);
    time_compute(&bench);
    struct rounds rounds = rounds_begin(seconds);
    while (rounds_go_on(&rounds))
        rounds.times[rounds.count++] = time_compute(&bench);
    rounds_sort(&rounds);
    printf("%.0f %.0f %.0f %.9g\n", rounds.times[0], rounds.times[rounds.count / 2], bench.estimate,
           bench.value);
}

/* ---- cross ------------------------------------------------------------------------------------
 */

static const char *const field_names[RL_FIELD_KINDS] = {
    [RL_FIELD_HINGE] = "hinge",     [RL_FIELD_STEP] = "step", [RL_FIELD_SOFTPLUS] = "softplus",
    [RL_FIELD_SIGMOID] = "sigmoid", [RL_FIELD_BUMP] = "bump",
};

/* A list made ready, and room to evaluate it. */
struct bench_list {
    struct rl_plan plan;
    struct rl_runner runner;
    struct rl_room room;
    double *sums;
};

static void bench_list_init(struct bench_list *list, const struct rl_batch *batch)
{
    struct rl_scratch scratch;
    const size_t bytes = rl_plan_room(batch->items) + rl_field_room(batch->items) + 4096;
    rl_scratch_init(&scratch);
    list->runner = rl_runner_serial();
    list->sums = allocate(batch->items, sizeof(double));
    if (!rl_scratch_reserve(&scratch, bytes, &list->room))
        die("no memory");
    wide_plan_init(&list->plan, batch, 0, &list->runner, &list->room);
    rl_plan_grade(&list->plan, &list->runner, list->room);
}

static double time_pairs(struct bench_list *list, const struct rl_field *field)
{
    double lowest, highest, begin = now_ns();
    rl_plan_range(&list->plan, &lowest, &highest);
    (field->all_pairs ? sum_all_pairs : sum_pairs)(field, &list->plan, lowest / 2 + highest / 2,
                                                   list->room, list->sums);
    return now_ns() - begin;
}

/* The sort counts too: nothing else of a loss needs it. */
static double time_sweeps(struct bench_list *list, const struct rl_field *field)
{
    list->plan.is_ranked = list->plan.has_grades = false;
    const double begin = now_ns();
    sum_by_sweeps(field, &list->plan, &list->runner, list->room, list->sums);
    return now_ns() - begin;
}

static void cross_field(struct bench_list *list, const struct rl_field *field, double seconds)
{
    struct rounds pairs = rounds_begin(seconds), sweeps = rounds_begin(seconds);
    while (rounds_go_on(&pairs)) {
        pairs.times[pairs.count++] = time_pairs(list, field);
        sweeps.times[sweeps.count++] = time_sweeps(list, field);
    }
    rounds_sort(&pairs);
    rounds_sort(&sweeps);
    printf("%s%s %.0f %.0f\n", field_names[field->kind], field->all_pairs ? "-all" : "",
           pairs.times[0], sweeps.times[0]);
}

static void cross(const struct rl_batch *batch, double seconds)
{
    struct bench_list list;
    bench_list_init(&list, batch);
    for (enum rl_field_kind kind = RL_FIELD_NONE + 1; kind < RL_FIELD_KINDS; kind++)
        cross_field(&list, &(struct rl_field){.kind = kind, .temperature = 1}, seconds);
    for (enum rl_field_kind kind = RL_FIELD_SIGMOID; kind <= RL_FIELD_BUMP; kind++)
        cross_field(&list, &(struct rl_field){.kind = kind, .temperature = 1, .all_pairs = true},
                    seconds);
}

/* ---- sort -------------------------------------------------------------------------------------
 */

static void sort(const struct rl_batch *batch, double seconds)
{
    const size_t n = batch->items;
    uint32_t *const places = allocate(n, sizeof(*places));
    struct rl_runner runner = rl_runner_serial();
    struct rl_scratch scratch;
    struct rl_room room;
    rl_scratch_init(&scratch);
    if (!rl_scratch_reserve(&scratch, rl_order_room(n), &room))
        die("no memory");
    struct rounds rounds = rounds_begin(seconds);
    while (rounds_go_on(&rounds)) {
        const double begin = now_ns();
        rl_order(batch->dtype, batch->scores, n, RL_DESCENDING, &runner, room, places, NULL);
        rounds.times[rounds.count++] = now_ns() - begin;
    }
    rounds_sort(&rounds);
    printf("%.0f\n", rounds.times[0]);
}

static void init(const char *isa)
{
    struct rl_error error;
    if (rl_init(strcmp(isa, "best") == 0 ? NULL : isa, &error) != RL_OK)
        die(error.detail);
}

static enum rl_dtype dtype_named(const char *name)
{
    return strcmp(name, "float64") == 0 ? RL_FLOAT64 : RL_FLOAT32;
}

int main(int argc, char **argv)
{
    if ((argc == 9 || argc == 10) && strcmp(argv[1], "run") == 0) {
        struct rl_batch batch =
            read_batch(argv[2], strtoul(argv[3], NULL, 10), dtype_named(argv[4]));
        init(argv[6]);
        run(&batch, (int)strtol(argv[5], NULL, 10), argv[7], strtod(argv[8], NULL),
            argc == 10 ? strtoul(argv[9], NULL, 10) : 0);
    } else if (argc == 5 && strcmp(argv[1], "cross") == 0) {
        struct rl_batch batch = read_batch(argv[2], 1, RL_FLOAT64);
        init(argv[3]);
        cross(&batch, strtod(argv[4], NULL));
    } else if (argc == 6 && strcmp(argv[1], "sort") == 0) {
        struct rl_batch batch = read_batch(argv[2], 1, dtype_named(argv[3]));
        init(argv[4]);
        sort(&batch, strtod(argv[5], NULL));
    } else {
        die("usage: run FILE LISTS DTYPE THREADS ISA MEASURE SECONDS [K] | cross FILE ISA SECONDS |"
            " sort FILE DTYPE ISA SECONDS");
    }
    return EXIT_SUCCESS;
}
