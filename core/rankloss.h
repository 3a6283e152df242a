/*
 * rankloss.h: the one public header of core, which evaluates ranking losses and metrics.
 *
 * core does no I/O, knows no HTTP and no JSON, logs nothing, and keeps no mutable globals once
 * rl_init() has run. It includes nothing of config/ or server/.
 *
 * Words. A *batch* is a sequence of *lists*; a list is a sequence of *items*; an item has a *label*
 * (y, relevance) and a *score* (s, what the model predicts), and may carry a *mask* and a *sample
 * weight*. An item is *valid* when its mask is true and its label is >= 0. Losses are sums over
 * *pairs* (i, j) of valid items of one list.
 *
 * Same bits everywhere. What a call returns depends on its arguments alone: never on the number of
 * threads, nor on the instruction set. Which algorithm a list takes depends on that list alone, and
 * sums are added in index order.
 *
 * Sources: the losses and metrics are those of Keras-RS (keras_rs.losses, keras_rs.metrics); the
 * formulas are in the rows of the catalogue (catalogue.c).
 */
#ifndef RANKLOSS_H
#define RANKLOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Status and error ------------------------------------------------------------------------ */

/* How a call of core or config ends. Callers may continue the numbers with statuses of their own.
 */
enum rl_status {
    RL_OK,
    RL_NOMEM,      /* not enough memory */
    RL_INVALID,    /* the input is invalid: `pointer` names the place */
    RL_NOT_FINITE, /* a result is not finite: `pointer` names the list */
    RL_CONFIG,     /* a setting is invalid */
    RL_SYSTEM,     /* a system call failed */
    RL_CORE_STATUSES
};

enum { RL_POINTER_MAX = 192, RL_DETAIL_MAX = 448 };

/*
 * Why something failed, and where. Plain data: it owns nothing. `pointer` is the path of the
 * input's part that is wrong, such as "/y_pred/3", or "" where there is none. `line` and `column`
 * count from 1 and `offset` counts bytes from 0: the place in a text that cannot be read. `line` is
 * 0 where they do not apply.
 */
struct rl_error {
    enum rl_status status;
    size_t line, column, offset;
    char pointer[RL_POINTER_MAX];
    char detail[RL_DETAIL_MAX];
};

/* Fills *error, without a place in a text, and returns `status`, so that a caller can write
 * `return rl_fail(error, RL_INVALID, "/y_pred", "…", …);`. Text that does not fit is cut,
 * maybe within a character. */
enum rl_status rl_fail(struct rl_error *error, enum rl_status status, const char *pointer,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* ---- Memory ---------------------------------------------------------------------------------- */

/*
 * A pool: a bound on the bytes that several owners hold together. It counts, and allocates nothing.
 * The last eighth is left to small owners, so that large ones cannot take everything. Any thread.
 */
struct rl_pool {
    _Atomic size_t used; /* relaxed: a count, which announces no other data */
    size_t limit;
};

enum { RL_POOL_SMALL = 256 * 1024 }; /* an owner that holds up to this many bytes is small */

void rl_pool_init(struct rl_pool *pool, size_t limit);
/* Counts `bytes`, or returns false where they do not fit. `small`: the owner then holds no more
 * than RL_POOL_SMALL. A pool of NULL is without bound. */
bool rl_pool_take(struct rl_pool *pool, size_t bytes, bool small);
void rl_pool_give(struct rl_pool *pool, size_t bytes);
size_t rl_pool_used(const struct rl_pool *pool);
/* The most that one owner can take. */
size_t rl_pool_most(const struct rl_pool *pool);

/*
 * An arena: memory of one request, given back as a whole. Chunks come from malloc, and count in the
 * pool if there is one; a request for more than `limit` bytes in all is refused. Not thread safe:
 * one thread at a time.
 */
struct rl_chunk;
struct rl_arena {
    struct rl_chunk *chunks;
    size_t used, limit;
    struct rl_pool *pool; /* set after rl_arena_init; NULL: none */
    bool starved;         /* the pool has refused a chunk since the last reset or release */
};

void rl_arena_init(struct rl_arena *arena, size_t limit);
void rl_arena_release(struct rl_arena *arena); /* all of it; the arena may be used again */
/* All of it, but one small chunk stays in hand, so that a small next use needs no malloc. */
void rl_arena_reset(struct rl_arena *arena);
/* `size` bytes aligned to 64, not cleared; NULL when memory or the limit is exhausted. size 0 gives
 * a valid pointer. Large blocks are their own chunk, so untouched tails cost no resident memory. */
void *rl_arena_alloc(struct rl_arena *arena, size_t size);
/* count * size, checked for overflow. */
void *rl_arena_array(struct rl_arena *arena, size_t count, size_t size);

/* ---- The batch ------------------------------------------------------------------------------- */

enum rl_dtype { RL_FLOAT32, RL_FLOAT64 };

enum rl_weight_kind {
    RL_WEIGHT_NONE,   /* no weights were sent: every value counts 1 */
    RL_WEIGHT_SCALAR, /* one number for all: `weight` */
    RL_WEIGHT_LIST,   /* one per list: weights[lists] */
    RL_WEIGHT_ITEM,   /* one per item: weights[items] */
};

/*
 * A ragged batch, a view: it owns nothing. Columns are of `dtype` (float or double) and already
 * rounded to it.
 *
 *   list l holds the items offsets[l] .. offsets[l + 1] - 1;  offsets[lists] == items
 *
 * labels: [items], NaN means "not labelled" (same as negative). scores: [items], finite for every
 * valid item; the score of an invalid item never reaches a result. mask: [items] of 0 or 1, or NULL
 * for all true. weights: finite. Bounds: lists >= 1, items <= UINT32_MAX.
 */
struct rl_batch {
    enum rl_dtype dtype;
    size_t lists, items;
    const size_t *offsets;
    const void *labels;
    const void *scores;
    const uint8_t *mask;
    enum rl_weight_kind weight_kind;
    double weight;
    const void *weights;

    /* A comparison scores the same lists by several systems: system s has the lists
     * s * (lists / systems) and on, in the same order, with the same labels, mask and weights.
     * 0 and 1: one system. */
    size_t systems, baseline;
    /* The group of each list of a system, 0 … group_count - 1; NULL without groups. */
    const uint32_t *groups;
    size_t group_count;
};

/* ---- The catalogue --------------------------------------------------------------------------- */

enum rl_kind { RL_LOSS, RL_METRIC };

enum rl_measure_id {
    RL_PAIRWISE_HINGE,
    RL_PAIRWISE_LOGISTIC,
    RL_PAIRWISE_SOFT_ZERO_ONE,
    RL_PAIRWISE_MEAN_SQUARED_ERROR,
    RL_LIST_MLE,
    RL_SOFTMAX,
    RL_APPROX_NDCG,
    RL_DCG,
    RL_NDCG,
    RL_MEAN_RECIPROCAL_RANK,
    RL_MEAN_AVERAGE_PRECISION,
    RL_PRECISION_AT_K,
    RL_RECALL_AT_K,
    RL_HIT_RATE,
    RL_R_PRECISION,
    RL_BPREF,
    RL_AUC,
    RL_EXPECTED_RECIPROCAL_RANK,
    RL_RANK_BIASED_PRECISION,
    RL_MEASURES
};

/* The parameters that change what a measure means, as a set of bits. */
enum rl_parameter {
    RL_TAKES_TEMPERATURE = 1u << 0, /* Keras-RS ignores it for the squared error */
    RL_TAKES_K = 1u << 1,
    /* Members of struct rl_definition. */
    RL_TAKES_GAIN = 1u << 2,
    RL_TAKES_DISCOUNT = 1u << 3,
    RL_TAKES_RELEVANT_FROM = 1u << 4,
    RL_TAKES_TIES = 1u << 5,
    RL_TAKES_WITHOUT_RELEVANT = 1u << 6,
    RL_TAKES_PRECISION_OVER = 1u << 7,
    RL_TAKES_UNRETRIEVED = 1u << 8,
    RL_TAKES_UNLABELLED = 1u << 9,
    RL_TAKES_MAX_GRADE = 1u << 10,
    RL_TAKES_PERSISTENCE = 1u << 11,
};

/* One row: what can be evaluated, and what it takes. Static, read only. */
struct rl_measure {
    enum rl_measure_id id;
    enum rl_kind kind;
    const char *name;    /* as in the URL */
    const char *formula; /* one line of plain text */
    const char *summary; /* one sentence */
    unsigned takes;      /* of enum rl_parameter */
    bool value_per_list; /* one value per list instead of one per item */
    bool has_pairs;      /* top_pairs makes sense */
};

/* The row with this name, or NULL. */
const struct rl_measure *rl_measure_find(enum rl_kind kind, const char *name);
/* The row of an id; ids are dense from 0 to RL_MEASURES - 1, losses first. */
const struct rl_measure *rl_measure_get(enum rl_measure_id id);

/* ---- What to evaluate, and what comes out ---------------------------------------------------- */

enum rl_reduction {
    RL_SUM_OVER_BATCH_SIZE, /* the default */
    RL_MEAN,                /* the same */
    RL_SUM,
    RL_MEAN_WITH_SAMPLE_WEIGHT,
    RL_NONE,
    RL_REDUCTIONS
};

const char *rl_reduction_name(enum rl_reduction reduction);
/* Returns false, *ret untouched, when there is none of this name. */
bool rl_reduction_find(const char *name, enum rl_reduction *ret);

enum rl_include {
    RL_PER_LIST = 1u << 0,
    RL_GRADIENT = 1u << 1,
    RL_TOP_PAIRS = 1u << 2,
    RL_CONFIDENCE = 1u << 3,
    RL_SUMMARY = 1u << 4,
};

/*
 * Whose definition of a metric: tools of this field give different numbers under one name, since
 * they differ in what follows. The first value of each enumeration is Keras-RS's.
 */
enum rl_gain {
    RL_GAIN_EXPONENTIAL, /* 2^y - 1 */
    RL_GAIN_LINEAR,      /* y */
    RL_GAIN_TABLE        /* by whole grade; a label of no grade in the table is RL_INVALID */
};
enum rl_discount {
    RL_DISCOUNT_LOG2,       /* 1 / log2(1 + r), ranks r count from 1 */
    RL_DISCOUNT_RECIPROCAL, /* 1 / r */
    RL_DISCOUNT_NONE,       /* 1 */
    RL_DISCOUNT_TABLE       /* by rank, 0 after the end of the table */
};
enum rl_ties {                  /* items of equal score are ranked */
               RL_TIES_INPUT,   /* in the order of the input */
               RL_TIES_AVERAGE, /* in every order: the exact expectation */
               RL_TIES_WORST,   /* the less relevant first (lower labels first) */
               RL_TIES_BEST     /* the more relevant first */
};
enum rl_without_relevant { /* a list without a relevant item */
                           RL_WITHOUT_RELEVANT_ZERO,
                           RL_WITHOUT_RELEVANT_ONE,
                           RL_WITHOUT_RELEVANT_SKIP /* is left out of the mean */
};
enum rl_precision_over {                         /* precision at k divides by */
                         RL_PRECISION_OVER_LIST, /* min(k, number of ranked items) */
                         RL_PRECISION_OVER_K
};
enum rl_unretrieved {                       /* a labelled, unmasked item whose score is NaN */
                      RL_UNRETRIEVED_ERROR, /* the batch has none */
                      RL_UNRETRIEVED_COUNT  /* is judged but never ranked; in auc it is below
                                               all that are ranked */
};
enum rl_unlabelled { /* an unmasked item whose label is NaN */
                     RL_UNLABELLED_DROP,
                     RL_UNLABELLED_ZERO /* is ranked as if its label were 0; in bpref it is
                                           not judged. Without a score it has no rank either */
};
enum rl_list_weights {                            /* a list's weight in the mean over lists */
                       RL_LIST_WEIGHTS_RELEVANCE, /* Keras-RS's: mean weight of its relevance
                                                     (ranking.h) */
                       RL_LIST_WEIGHTS_AS_SENT    /* its own weight; RL_INVALID for a batch with
                                                     weights of items */
};

struct rl_definition {
    enum rl_gain gain;
    enum rl_discount discount;
    enum rl_ties ties;
    enum rl_without_relevant without_relevant;
    enum rl_precision_over precision_over;
    enum rl_unretrieved unretrieved;
    enum rl_unlabelled unlabelled;
    enum rl_list_weights list_weights;
    double relevant_from;    /* the label from which an item is relevant; above 0 and finite */
    double max_grade;        /* of expected_reciprocal_rank: above 0, finite; 4 */
    double persistence;      /* of rank_biased_precision: above 0 and below 1; 0.8 */
    const double *gains;     /* [gain_count >= 1] of RL_GAIN_TABLE: finite, >= 0 */
    const double *discounts; /* [discount_count] of RL_DISCOUNT_TABLE: finite, >= 0 */
    size_t gain_count, discount_count;
};

/* What a tool does, as a definition: the presets. */
enum rl_definer { RL_KERAS, RL_TREC_EVAL, RL_SKLEARN, RL_XGBOOST, RL_DEFINERS };

/* "keras", "trec_eval", …; static. */
const char *rl_definer_name(enum rl_definer definer);
/* Static, read only. */
const struct rl_definition *rl_definition_get(enum rl_definer definer);
/* The same for one metric, where a tool makes an exception. */
const struct rl_definition *rl_definition_for(enum rl_definer definer, enum rl_measure_id metric);

/* One evaluation of a batch. */
struct rl_eval {
    const struct rl_measure *measure;
    const struct rl_definition *definition; /* metrics; NULL means Keras-RS's */
    double temperature;          /* > 0 and finite; rounded to the batch's dtype before use */
    enum rl_reduction reduction; /* losses */
    size_t k;                    /* metrics; 0 means the whole list */
    unsigned include;            /* of enum rl_include */
    size_t top_k;     /* pairs per list for RL_TOP_PAIRS, lists of a summary or comparison; >= 1 */
    double level;     /* of confidence intervals, above 0 and below 1 */
    size_t resamples; /* of the bootstrap and the randomization test, >= 1 */
    uint64_t seed;    /* of both */
};

/*
 * Sums over lists, of which list l adds `a` to the numerator of a result and `b` to its divisor.
 * The sums of two sets of lists add up to those of their union.
 */
struct rl_sums {
    size_t lists;
    double a, b, aa, ab, bb; /* of a, b, a * a, a * b, b * b */
};

/*
 * Sums in double whatever the dtype. Squares may overflow where the result itself is finite.
 *
 * Totals of the parts of a data set merge into those of the whole (README.md, "Merging"). In a
 * metric a list without a relevant item weighs as much as the others do on average, which no part
 * knows, so `own` holds only the lists that have a weight of their own, a = metric * weight and
 * b = weight, and `averaged` the others, a = metric and b = 1. In a loss every list is in `own`:
 * a is its sum of weighted losses, b its share of the divisor: its number of values or the sum of
 * its weights; or 1 where the reduction divides by nothing or by a scalar weight.
 */
struct rl_totals {
    size_t lists, items, valid_items;
    uint64_t pairs;     /* ordered pairs the loss adds over; 0 for losses by list and metrics */
    size_t values;      /* values that sum_over_batch_size divides by: items, or lists */
    double sum;         /* of weighted losses; of metric * list weight */
    double weight_sum;  /* what mean_with_sample_weight divides by; the sum of list weights */
    bool scalar_weight; /* the batch has one weight for all, which weight_sum of a loss is */
    struct rl_sums own, averaged;
};

/*
 * How sure a mean over lists, or a difference of two, is (stats/ratio.h, resample.h). NaN where
 * fewer than two lists count, or their weights cancel. The unit is the list.
 */
struct rl_confidence {
    size_t lists; /* that count; of a loss all */
    double standard_error;
    double t[2], bootstrap[2]; /* intervals, low and high */
};

/* A list of a system, and its value or its change. */
struct rl_extreme {
    size_t list;
    double value;
};

enum { RL_QUANTILES = 7 }; /* min, p10, p25, p50, p75, p90, max */

/* The values of lists: the metric, or the loss divided by the list's share of the divisor. */
struct rl_summary {
    double quantiles[RL_QUANTILES]; /* NaN without lists */
    struct rl_extreme *worst;       /* [worst_count] worst first; equal ones in index order */
    size_t worst_count;
};

/* What one evaluation gives for some of the lists: a group, or all of one system. A loss that is
 * not reduced (RL_NONE) is summed. */
struct rl_part {
    double value; /* rounded to the dtype */
    struct rl_totals totals;
    struct rl_confidence confidence; /* RL_CONFIDENCE */
    struct rl_summary summary;       /* RL_SUMMARY */
};

/* A system minus the baseline, over the same lists. */
struct rl_comparison {
    double difference;
    struct rl_confidence confidence;
    double p_t, p_randomization, p_holm; /* Holm over the systems, of p_t; NaN as above */
    size_t better, equal, worse;         /* lists: a higher metric, a lower loss is better */
    struct rl_extreme *most_better, *most_worse; /* changes of lists, largest first */
    size_t most_better_count, most_worse_count;
};

struct rl_list_result {
    size_t items, valid_items;
    uint64_t pairs;
    double sum;    /* losses: the list's sum of weighted losses */
    double value;  /* metrics: the list's metric */
    double weight; /* metrics: the list's weight in the mean */
};

/* An ordered pair with label_i > label_j (squared error: i != j). i, j are positions in the list.
 */
struct rl_pair {
    uint32_t i, j;
    double loss; /* weighted */
};

/*
 * What an evaluation gives. Arrays lie in the work's arena; NULL where not asked for. `value` is
 * already rounded to the dtype. top_pairs: list l's pairs are at top_pairs[top_offsets[l]] ..
 * top_pairs[top_offsets[l] + top_counts[l] - 1]. Order: weighted loss, descending; equal losses by
 * score difference s_i - s_j ascending, then i, then j. Pairs whose weighted loss is not > 0 are
 * left out.
 */
struct rl_result {
    double value;   /* unset for RL_NONE */
    void *values;   /* RL_NONE: [totals.values] of dtype */
    void *gradient; /* [items] of dtype: d(reduced loss, or sum for RL_NONE)/d score */
    struct rl_list_result *lists; /* RL_PER_LIST: [lists] */
    struct rl_pair *top_pairs;
    size_t *top_offsets;  /* [lists] */
    uint32_t *top_counts; /* [lists] */
    struct rl_totals totals;
    /* For several systems, groups, RL_CONFIDENCE or RL_SUMMARY: [systems * (1 + group_count)], for
     * each system all its lists, then each group. Comparisons likewise, where there are several
     * systems; the baseline's are unset. */
    struct rl_part *parts;
    struct rl_comparison *comparisons;
};

/*
 * One request's work: a batch and `count` evaluations of it. Filled by rl_work_init, carried out by
 * rl_compute or rl_compute_inline, after which `status` and, where it is not RL_OK, `error` hold.
 * Not-finite results name the list in error.detail and point at "/y_pred/<list>" (batches of many
 * lists and single lists alike; the server rewrites it for an unbatched list).
 */
struct rl_work {
    const struct rl_batch *batch;
    const struct rl_eval *evals;
    size_t count;
    struct rl_result *results; /* [count] */
    enum rl_status status;
    struct rl_error error;
    /* Ends the work early: any thread may set it from RL_OK to a status, once, while the work is
     * computed (of core or of the caller, below 256). Lists, and blocks of a long list, that have
     * not begun are then left out, and the work ends with that status. NULL (after rl_work_init):
     * never. */
    const _Atomic int *stop;
    void *state; /* core's own, in the arena */
};

/* Takes all memory of the results from `arena` (calling thread only). RL_OK, RL_NOMEM, or
 * RL_INVALID where a definition takes weights of lists and the batch has weights of items. */
enum rl_status rl_work_init(struct rl_work *work, const struct rl_batch *batch,
                            const struct rl_eval *evals, size_t count, struct rl_arena *arena,
                            struct rl_error *error);

/* Estimated nanoseconds of one thread for this work. Depends on shapes and labels; O(items). */
double rl_work_cost(const struct rl_work *work);

/* ---- Computing ------------------------------------------------------------------------------- */

/* Once, before any other thread runs: picks the kernels for this CPU. `isa` NULL chooses the best;
 * "baseline", "avx2" or "avx512" force one. RL_CONFIG if it is unknown or this CPU lacks it. */
enum rl_status rl_init(const char *isa, struct rl_error *error);
const char *rl_isa_name(void);

/* Bytes of scratch that the longest list of a work takes, where it is so long that it has the team
 * for itself; else 0: other lists take a few MiB for each thread at most. */
size_t rl_work_room(const struct rl_work *work);

/* Growing memory of one thread, kept between calls so that a small request allocates nothing. */
struct rl_scratch {
    void *base;
    size_t size;
};
void rl_scratch_init(struct rl_scratch *scratch);
void rl_scratch_release(struct rl_scratch *scratch);

/* Computes on the calling thread alone; never enters OpenMP. Safe from many threads at once, each
 * with its own scratch. */
void rl_compute_inline(struct rl_scratch *scratch, struct rl_work *work);

/*
 * The OpenMP team. All functions on a team are called from one thread, the one that created it.
 * rl_team_create starts every thread, so that a machine that refuses them is noticed at start.
 */
struct rl_team;
enum rl_status rl_team_create(int threads, struct rl_team **ret_team, struct rl_error *error);
void rl_team_free(struct rl_team *team);

/* Computes all works in one parallel loop over their lists, largest first; a list long enough is
 * split inside. One work's failure does not touch the others. */
void rl_compute(struct rl_team *team, struct rl_work *const *works, size_t count);

/* Gives back the memory that only very long lists needed, and that is kept while they come, because
 * new pages cost as much as computing on them. For a team that has been idle for a while; after
 * many works without such lists rl_compute does it by itself. */
void rl_team_trim(struct rl_team *team);

/* Runs body(context, 0 … count - 1) on the team, in any order, each once: for decoding and encoding
 * on the same threads. */
void rl_team_run(struct rl_team *team, size_t count, void (*body)(void *context, size_t index),
                 void *context);

#endif
