/*
 * bench_codec.c: how fast text becomes numbers and numbers become text, beside jansson and snprintf
 * on the same bytes in the same run, and how much memory decoding takes.
 *
 * usage: bench_codec [rounds]
 *
 * Each round times every contender once; medians are printed, ratios are of medians.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "core/rankloss.h"
#include "server/formats/document/document.h"
#include "server/formats/json/decode.h"
#include "server/formats/json/encode.h"
#include "server/text/numwriter.h"

enum { LISTS = 1000, ITEMS = 100, NUMBERS = LISTS * ITEMS, MOST_ROUNDS = 1000 };

static const struct rl_limits limits = {.max_lists = 1000000,
                                        .max_items = 20000000,
                                        .max_depth = 32,
                                        .max_top_k = 1000,
                                        .max_evaluations = 64,
                                        .max_json_memory = (size_t)1 << 26};

static uint64_t state = 20240607;

static uint64_t random_bits(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static double uniform(void)
{
    return (double)(random_bits() >> 11) * 0x1p-53;
}

/* CPU time of this thread, so that other processes do not distort it; wall time where several
 * threads work. */
static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *samples, size_t count)
{
    qsort(samples, count, sizeof(*samples), compare_doubles);
    return samples[count / 2];
}

/* ---- Bodies ---------------------------------------------------------------------------------- */

enum style { PYTHON, COMPACT, DOUBLES, SHORT_LISTS, INDENTED, WORDS, STYLES };

static const struct {
    const char *name;
    const char *separator, *label, *score; /* formats; label NULL: true, false and null */
    int list;                              /* items of one list */
} styles[STYLES] = {
    [PYTHON] = {"1000 x 100, as Python writes it", ", ", "%.1f", "%.8g", 100},
    [COMPACT] = {"1000 x 100, without blanks", ",", "%.0f", "%.8g", 100},
    [DOUBLES] = {"1000 x 100, 17 digits", ", ", "%.1f", "%.17g", 100},
    [SHORT_LISTS] = {"10000 x 10, without blanks", ",", "%.0f", "%.8g", 10},
    [INDENTED] = {"1000 x 100, a number a line", ",\n      ", "%.1f", "%.8g", 100},
    [WORDS] = {"1000 x 100, labels true, false, null", ", ", NULL, "%.1f", 100},
};

static char *write_value(char *out, const char *format, bool label)
{
    static const char *const words[] = {"true", "false", "false", "null"};
    if (!format)
        return out + sprintf(out, "%s", words[random_bits() % 4]);
    return out + sprintf(out, format, label ? (double)(random_bits() % 5) : 4 * uniform() - 2);
}

static char *write_rows(char *out, enum style style, const char *key, const char *format,
                        bool label)
{
    out += sprintf(out, "\"%s\": [", key);
    for (int i = 0; i < NUMBERS; i++) {
        const bool first = i % styles[style].list == 0;
        out += sprintf(out, "%s", first && i > 0 ? styles[style].separator : "");
        out += sprintf(out, "%s", first ? "[" : styles[style].separator);
        out = write_value(out, format, label);
        out += sprintf(out, "%s", (i + 1) % styles[style].list == 0 ? "]" : "");
    }
    return out + sprintf(out, "]");
}

static char *make_body(enum style style, size_t *ret_length)
{
    char *body = malloc((size_t)NUMBERS * 80), *out = body;
    out += sprintf(out, "{");
    out = write_rows(out, style, "y_true", styles[style].label, true);
    out += sprintf(out, ", ");
    out = write_rows(out, style, "y_pred", styles[style].score, false);
    out += sprintf(out, "}");
    *ret_length = (size_t)(out - body);
    return body;
}

/* ---- Decoding -------------------------------------------------------------------------------- */

/* `team` NULL: on this thread alone. */
static double time_decode(char *body, size_t length, struct rl_team *team, clockid_t clock)
{
    const struct rl_target target = {.measure = rl_measure_get(RL_PAIRWISE_HINGE)};
    struct rl_arena arena;
    struct rl_query query;
    struct rl_error error;
    const double start = seconds(clock);
    rl_arena_init(&arena, (size_t)1 << 30);
    const struct rl_input input = {.body = body,
                                   .length = length,
                                   .target = &target,
                                   .limits = &limits,
                                   .team = team,
                                   .arena = &arena};
    if (rl_json_read(&input, &query, &error) != RL_OK) {
        fprintf(stderr, "%s at %zu\n", error.detail, error.offset);
        exit(1);
    }
    rl_arena_release(&arena);
    return seconds(clock) - start;
}

static double time_jansson(const char *body, size_t length)
{
    const double start = seconds(CLOCK_THREAD_CPUTIME_ID);
    json_t *const root = json_loadb(body, length, 0, NULL);
    if (!root)
        exit(1);
    json_decref(root);
    /* A large allocation merges the thousands of small blocks just freed. That belongs to those who
     * freed them, not to whoever asks for the next large one. */
    void *volatile const large = malloc(1 << 20);
    free(large);
    return seconds(CLOCK_THREAD_CPUTIME_ID) - start;
}

static long status_kib(const char *field)
{
    char line[256];
    long kib = 0;
    FILE *const file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtol(line + strlen(field) + 1, NULL, 10);
    if (file)
        fclose(file);
    return kib;
}

/* Resets the peak. */
static void reset_peak(void)
{
    FILE *const file = fopen("/proc/self/clear_refs", "w");
    if (!file || fputs("5", file) < 0 || fclose(file) != 0)
        exit(1);
}

/* Peak resident memory that one decoding adds, in bytes, seen in a process of its own. */
static double decode_memory(char *body, size_t length)
{
    int ends[2];
    double bytes = 0;
    if (pipe(ends) != 0)
        exit(1);
    const pid_t child = fork();
    if (child == 0) {
        malloc_trim(0); /* memory left by earlier rounds would hide what this one needs */
        reset_peak();
        const long before = status_kib("VmRSS:");
        time_decode(body, length, NULL, CLOCK_THREAD_CPUTIME_ID);
        bytes = 1024.0 * (double)(status_kib("VmHWM:") - before);
        _exit(write(ends[1], &bytes, sizeof(bytes)) == sizeof(bytes) ? 0 : 1);
    }
    close(ends[1]);
    if (read(ends[0], &bytes, sizeof(bytes)) != sizeof(bytes))
        exit(1);
    close(ends[0]);
    waitpid(child, NULL, 0);
    return bytes;
}

static void bench_decode(size_t rounds)
{
    static double ours[MOST_ROUNDS], theirs[MOST_ROUNDS];
    printf("| body | MB | decode MB/s | jansson MB/s | ratio | peak memory / body |\n"
           "|---|---:|---:|---:|---:|---:|\n");
    for (enum style style = 0; style < STYLES; style++) {
        size_t length;
        char *const body = make_body(style, &length);
        time_decode(body, length, NULL, CLOCK_THREAD_CPUTIME_ID);
        for (size_t round = 0; round < rounds; round++) {
            ours[round] = time_decode(body, length, NULL, CLOCK_THREAD_CPUTIME_ID);
            theirs[round] = time_jansson(body, length);
        }
        const double megabytes = 1e-6 * (double)length;
        const double fast = median(ours, rounds), slow = median(theirs, rounds);
        printf("| %s | %.2f | %.0f | %.0f | %.1f | %.2f |\n", styles[style].name, megabytes,
               megabytes / fast, megabytes / slow, slow / fast,
               decode_memory(body, length) / (double)length);
        free(body);
    }
}

/* ---- Writing --------------------------------------------------------------------------------- */

static double floats_by_writer(const double *values, char *out)
{
    const double start = seconds(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < NUMBERS; i++)
        out = rl_write_float(out, (float)values[i]);
    return seconds(CLOCK_THREAD_CPUTIME_ID) - start;
}

static double floats_by_snprintf(const double *values, char *out)
{
    const double start = seconds(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < NUMBERS; i++)
        out += snprintf(out, 32, "%.9g", values[i]);
    return seconds(CLOCK_THREAD_CPUTIME_ID) - start;
}

static double doubles_by_writer(const double *values, char *out)
{
    const double start = seconds(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < NUMBERS; i++)
        out = rl_write_double(out, values[i]);
    return seconds(CLOCK_THREAD_CPUTIME_ID) - start;
}

static double doubles_by_snprintf(const double *values, char *out)
{
    const double start = seconds(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < NUMBERS; i++)
        out += snprintf(out, 32, "%.17g", values[i]);
    return seconds(CLOCK_THREAD_CPUTIME_ID) - start;
}

static void bench_writer(size_t rounds)
{
    static double values[NUMBERS], times[4][MOST_ROUNDS];
    char *const out = malloc((size_t)NUMBERS * 32 + RL_NUMBER_ROOM);
    for (int i = 0; i < NUMBERS; i++)
        values[i] = (float)(4 * uniform() - 2);
    for (size_t round = 0; round < rounds; round++) {
        times[0][round] = floats_by_writer(values, out);
        times[1][round] = floats_by_snprintf(values, out);
    }
    for (int i = 0; i < NUMBERS; i++)
        values[i] = 4 * uniform() - 2;
    for (size_t round = 0; round < rounds; round++) {
        times[2][round] = doubles_by_writer(values, out);
        times[3][round] = doubles_by_snprintf(values, out);
    }
    const double each = 1e9 / NUMBERS;
    double ns[4];
    for (int i = 0; i < 4; i++)
        ns[i] = each * median(times[i], rounds);
    printf("\n| numbers | ours ns | snprintf ns | ratio |\n|---|---:|---:|---:|\n"
           "| float | %.1f | %.1f | %.1f |\n| double | %.1f | %.1f | %.1f |\n",
           ns[0], ns[1], ns[1] / ns[0], ns[2], ns[3], ns[3] / ns[2]);
    free(out);
}

/* A reply with one number for each item. */
struct reply {
    struct rl_query query;
    struct rl_eval eval;
    struct rl_result result;
    const char *name;
    bool null;
    size_t offsets[LISTS + 1];
    float values[NUMBERS];
};

static void make_reply(struct reply *reply)
{
    for (int i = 0; i < NUMBERS; i++)
        reply->values[i] = (float)(100 * uniform());
    for (size_t l = 0; l <= LISTS; l++)
        reply->offsets[l] = l * ITEMS;
    reply->eval = (struct rl_eval){
        .measure = rl_measure_get(RL_PAIRWISE_HINGE), .temperature = 1, .reduction = RL_NONE};
    reply->name = reply->eval.measure->name;
    reply->result = (struct rl_result){.values = reply->values};
    reply->query =
        (struct rl_query){.target = {.measure = reply->eval.measure},
                          .batched = true,
                          .batch = {.lists = LISTS, .items = NUMBERS, .offsets = reply->offsets},
                          .evals = &reply->eval,
                          .names = &reply->name,
                          .reduction_null = &reply->null,
                          .count = 1};
}

static double time_encode(const struct reply *reply, struct rl_team *team, clockid_t clock,
                          size_t *ret_bytes)
{
    struct rl_output output = {0};
    const double start = seconds(clock);
    if (rl_json_write(&reply->query, &reply->result, team, &output) != RL_OK)
        exit(1);
    *ret_bytes = output.text.length;
    rl_text_release(&output.text);
    return seconds(clock) - start;
}

static void bench_encode(size_t rounds)
{
    static double times[MOST_ROUNDS];
    static struct reply reply;
    size_t bytes = 0;
    make_reply(&reply);
    for (size_t round = 0; round < rounds; round++)
        times[round] = time_encode(&reply, NULL, CLOCK_THREAD_CPUTIME_ID, &bytes);
    const double time = median(times, rounds);
    printf("\nA reply of %.2f MB with 1000 x 100 losses: %.2f ms, %.0f MB/s.\n",
           1e-6 * (double)bytes, 1e3 * time, 1e-6 * (double)bytes / time);
}

/* ---- On a team --------------------------------------------------------------------------------
 */

/* This thread alone against a team of two, both by the wall: on a machine with other work to do the
 * best rounds tell more than the medians. */
static void bench_team(size_t rounds)
{
    static double decode[2][MOST_ROUNDS], encode[2][MOST_ROUNDS];
    static struct reply reply;
    struct rl_team *team[2] = {NULL, NULL};
    struct rl_error error;
    size_t length, bytes;
    char *const body = make_body(PYTHON, &length);
    make_reply(&reply);
    if (rl_team_create(2, &team[1], &error) != RL_OK)
        exit(1);
    for (size_t round = 0; round < rounds; round++) {
        for (int t = 0; t < 2; t++) {
            decode[t][round] = time_decode(body, length, team[t], CLOCK_MONOTONIC);
            encode[t][round] = time_encode(&reply, team[t], CLOCK_MONOTONIC, &bytes);
        }
    }
    printf("\n| threads 2 against 1 | median ms | ratio | best ms | ratio |\n"
           "|---|---:|---:|---:|---:|\n");
    const double medians[4] = {median(decode[0], rounds), median(decode[1], rounds),
                               median(encode[0], rounds), median(encode[1], rounds)};
    printf("| decode | %.2f | %.2f | %.2f | %.2f |\n", 1e3 * medians[1], medians[0] / medians[1],
           1e3 * decode[1][0], decode[0][0] / decode[1][0]);
    printf("| encode | %.2f | %.2f | %.2f | %.2f |\n", 1e3 * medians[3], medians[2] / medians[3],
           1e3 * encode[1][0], encode[0][0] / encode[1][0]);
    rl_team_free(team[1]);
    free(body);
}

int main(int count, char **arguments)
{
    size_t rounds = count > 1 ? strtoul(arguments[1], NULL, 10) : 31;
    if (rounds < 1 || rounds > MOST_ROUNDS)
        rounds = 31;
    /* Memory stays with the process between rounds: faulting pages in is not what is measured. */
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    rl_document_init();
    bench_decode(rounds);
    bench_writer(rounds);
    bench_encode(rounds);
    bench_team(rounds);
    return 0;
}
