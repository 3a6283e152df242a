/*
 * property_same_bits.c: the same bytes of every result on any number of threads and on every
 * instruction set.
 *
 * A process chooses its instruction set once, so the program runs itself once for each, with
 * DUMP_ISA=… in the environment. Such a child computes every work on the calling thread and on
 * teams of 1, 2, 3 and 8, checks that all give the same hash, and prints one hash per work. The
 * parent compares what the children printed.
 */
#include <unistd.h>

#include "tests/lib/unittest.h"
#include "tests/property/definitions.h"

enum { RANDOM_WORKS = 520, AT_ONCE = 16, LOSSES = 3, EVALS = LOSSES + 1 };

/* Long enough to be split inside, by every algorithm. */
static const size_t long_lengths[] = {1000, 3000, 5000, 9000, 20000, 20000, 70000, 200000};
enum { LONG_WORKS = sizeof(long_lengths) / sizeof(long_lengths[0]) };
enum { WORKS = RANDOM_WORKS + LONG_WORKS };

/* A sample and what is asked of it. */
struct task {
    struct sample sample;
    struct rl_eval evals[EVALS];
    struct any_definition definitions[EVALS];
    size_t count;
};

/* A metric under any definition that takes every label and has a score for each. */
static void random_metric(struct random *random, struct task *task, size_t e)
{
    struct rl_definition *const definition = &task->definitions[e].definition;
    task->evals[e] = random_metric_eval(random);
    if (random_below(random, 3) == 0)
        return;
    random_definition(random, task->sample.batch.weight_kind == RL_WEIGHT_ITEM,
                      &task->definitions[e]);
    definition->unretrieved = RL_UNRETRIEVED_ERROR;
    if (definition->gain == RL_GAIN_TABLE)
        definition->gain = RL_GAIN_LINEAR;
    task->evals[e].definition = definition;
}

static void random_evals(struct random *random, struct task *task)
{
    const bool per_item = task->sample.batch.weight_kind == RL_WEIGHT_ITEM;
    task->count = 1 + random_below(random, EVALS);
    for (size_t e = 0; e < task->count; e++) {
        if (random_below(random, 3))
            task->evals[e] = random_loss_eval(random, per_item);
        else
            random_metric(random, task, e);
    }
}

static void random_task(struct random *random, struct task *task)
{
    const struct sample_limits limits = {.most_lists = 8, .longest = 400};
    sample_random(random, &limits, &task->sample);
    random_evals(random, task);
}

/* One long list between short ones; losses and label styles take turns. */
static void long_task(struct random *random, size_t index, struct task *task)
{
    size_t lengths[] = {5, long_lengths[index], 0, 60};
    struct sample *const sample = &task->sample;
    sample_init(sample, index % 2 ? RL_FLOAT32 : RL_FLOAT64, lengths, 4);
    for (size_t l = 0; l < 4; l++)
        sample_fill_list(random, sample, l, (enum label_style)random_below(random, LABEL_STYLES),
                         (enum score_style)random_below(random, SCORE_STYLES));
    sample_random_weights(random, &(struct sample_limits){.no_item_weights = index % 3 != 0},
                          sample);
    sample_spoil_invalid(random, sample);
    sample_sync(sample);
    task->count = EVALS;
    random_metric(random, task, LOSSES);
    for (size_t e = 0; e < LOSSES; e++) {
        task->evals[e] = random_loss_eval(random, index % 3 == 0);
        task->evals[e].measure = rl_measure_get((enum rl_measure_id)((index + e) % RL_LIST_MLE));
        task->evals[e].include |= RL_TOP_PAIRS;
    }
}

/* ---- Hashing ----------------------------------------------------------------------------------
 */

static void hash_bytes(uint64_t *hash, const void *bytes, size_t size)
{
    const unsigned char *const byte = bytes;
    for (size_t i = 0; i < size; i++)
        *hash = (*hash ^ byte[i]) * 0x100000001b3u;
}

static void hash_pairs(uint64_t *hash, const struct rl_result *result, size_t lists)
{
    hash_bytes(hash, result->top_counts, lists * sizeof(result->top_counts[0]));
    for (size_t l = 0; l < lists; l++)
        hash_bytes(hash, result->top_pairs + result->top_offsets[l],
                   result->top_counts[l] * sizeof(result->top_pairs[0]));
}

static void hash_result(uint64_t *hash, const struct rl_batch *batch, const struct rl_eval *eval,
                        const struct rl_result *result)
{
    const size_t size = batch->dtype == RL_FLOAT32 ? sizeof(float) : sizeof(double);
    const bool none = eval->measure->kind == RL_LOSS && eval->reduction == RL_NONE;
    if (none)
        hash_bytes(hash, result->values, result->totals.values * size);
    else
        hash_bytes(hash, &result->value, sizeof(result->value));
    if (eval->include & RL_GRADIENT)
        hash_bytes(hash, result->gradient, batch->items * size);
    if (eval->include & RL_PER_LIST)
        hash_bytes(hash, result->lists, batch->lists * sizeof(result->lists[0]));
    if (eval->include & RL_TOP_PAIRS)
        hash_pairs(hash, result, batch->lists);
    hash_bytes(hash, &result->totals, sizeof(result->totals));
}

static uint64_t hash_work(const struct rl_work *work)
{
    uint64_t hash = 0xcbf29ce484222325u;
    if (work->status != RL_OK) {
        fprintf(stderr, "%s: %s\n", describe(work->batch, work->evals), work->error.detail);
        exit(EXIT_FAILURE);
    }
    for (size_t e = 0; e < work->count; e++)
        hash_result(&hash, work->batch, &work->evals[e], &work->results[e]);
    return hash;
}

/* ---- A child: one instruction set --------------------------------------------------------------
 */

/* A few works at a time. */
struct hand {
    struct task tasks[AT_ONCE];
    struct rl_work works[AT_ONCE];
    struct rl_arena arena;
    size_t count;
};

/* Makes the works from number `first` on. */
static void hand_fill(struct random *random, size_t first, struct hand *hand)
{
    struct rl_error error;
    rl_arena_init(&hand->arena, SIZE_MAX);
    for (hand->count = 0; hand->count < AT_ONCE && first + hand->count < WORKS; hand->count++) {
        const size_t number = first + hand->count;
        struct task *const task = &hand->tasks[hand->count];
        if (number < RANDOM_WORKS)
            random_task(random, task);
        else
            long_task(random, number - RANDOM_WORKS, task);
        if (rl_work_init(&hand->works[hand->count], &task->sample.batch, task->evals, task->count,
                         &hand->arena, &error) != RL_OK)
            exit(EXIT_FAILURE);
    }
}

static void hand_release(struct hand *hand)
{
    for (size_t i = 0; i < hand->count; i++)
        sample_release(&hand->tasks[i].sample);
    rl_arena_release(&hand->arena);
}

/* On the team; without one, on the calling thread. */
static void hand_compute(struct hand *hand, struct rl_team *team)
{
    struct rl_work *works[AT_ONCE];
    struct rl_scratch scratch;
    for (size_t i = 0; i < hand->count; i++)
        works[i] = &hand->works[i];
    if (team) {
        rl_compute(team, works, hand->count);
        return;
    }
    rl_scratch_init(&scratch);
    for (size_t i = 0; i < hand->count; i++)
        rl_compute_inline(&scratch, works[i]);
    rl_scratch_release(&scratch);
}

/* Inline (0 threads) the hashes are kept and printed; a team's are compared. Returns how many
 * differ. */
static size_t hand_hash(const struct hand *hand, int threads, uint64_t *hashes)
{
    size_t differing = 0;
    for (size_t i = 0; i < hand->count; i++) {
        const uint64_t hash = hash_work(&hand->works[i]);
        const char *const what = describe(hand->works[i].batch, hand->works[i].evals);
        if (threads == 0) {
            hashes[i] = hash;
            printf("%016llx %s\n", (unsigned long long)hash, what);
        } else if (hash != hashes[i]) {
            fprintf(stderr, "%d threads: other bits: %s\n", threads, what);
            differing++;
        }
    }
    return differing;
}

/* All works, generated again from the seed, on this many threads; 0: inline. */
static size_t run_all(int threads, uint64_t *hashes)
{
    static struct hand hand;
    struct random random = random_init(strtoull(getenv("SEED"), NULL, 10));
    struct rl_team *team = NULL;
    struct rl_error error;
    size_t differing = 0;
    if (threads && rl_team_create(threads, &team, &error) != RL_OK)
        exit(EXIT_FAILURE);
    for (size_t first = 0; first < WORKS; first += hand.count) {
        hand_fill(&random, first, &hand);
        hand_compute(&hand, team);
        differing += hand_hash(&hand, threads, hashes + first);
        hand_release(&hand);
    }
    rl_team_free(team);
    return differing;
}

static int dump(const char *isa)
{
    static const int threads[] = {0, 1, 2, 3, 8};
    static uint64_t hashes[WORKS];
    struct rl_error error;
    size_t differing = 0;
    if (rl_init(isa, &error) != RL_OK) {
        printf("unavailable: %s\n", error.detail);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++)
        differing += run_all(threads[i], hashes);
    return differing ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- The parent -------------------------------------------------------------------------------
 */

static FILE *run_child(const char *isa)
{
    char command[4200], path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    ck_assert_int_gt(length, 0);
    path[length] = '\0';
    snprintf(command, sizeof(command), "CK_VERBOSITY=silent DUMP_ISA=%s exec '%s'", isa, path);
    FILE *const child = popen(command, "r");
    ck_assert_ptr_nonnull(child);
    return child;
}

/* The child's output as one text, to be freed. */
static char *output_of(const char *isa)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const child = run_child(isa);
    const ssize_t length = getdelim(&text, &size, '\0', child);
    ck_assert_msg(pclose(child) == 0, "%s: results depend on the number of threads", isa);
    ck_assert_int_gt(length, 0);
    return text;
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

/* The first line where the two texts differ, cut off from the rest. */
static const char *first_difference(const char *a, char *b)
{
    size_t at = 0, begin = 0;
    for (; a[at] && a[at] == b[at]; at++)
        if (a[at] == '\n')
            begin = at + 1;
    b[begin + strcspn(b + begin, "\n")] = '\0';
    return b + begin;
}

START_TEST(threads_and_instruction_sets_give_the_same_bytes)
{
    static const char *const others[] = {"avx2", "avx512"};
    char *const baseline = output_of("baseline");
    ck_assert_uint_eq(lines_of(baseline), WORKS);
    printf("%d works, threads 1, 2, 3, 8 and inline: the same on baseline\n", WORKS);
    for (size_t i = 0; i < 2; i++) {
        char *const other = output_of(others[i]);
        if (strncmp(other, "unavailable", 11) == 0)
            printf("%s: note: not compared, %s", others[i], other);
        else if (strcmp(other, baseline) == 0)
            printf("%s: the same bytes\n", others[i]);
        else
            ck_abort_msg("%s: other bytes: %s", others[i], first_difference(baseline, other));
        free(other);
    }
    free(baseline);
}
END_TEST

void test_before_all(void)
{
    char seed[32];
    const char *const isa = getenv("DUMP_ISA");
    if (isa)
        exit(dump(isa));
    snprintf(seed, sizeof(seed), "%llu", (unsigned long long)random_seed());
    setenv("SEED", seed, 1);
    /* Eight threads may share two cores, where busy waiting is slow. */
    setenv("OMP_WAIT_POLICY", "passive", 1);
}
