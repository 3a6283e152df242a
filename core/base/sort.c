/*
 * sort.c: stable sorting by 32-bit numbers.
 *
 * Radix sort from the lowest digit up, over the bits in which numbers differ at all: labels of a
 * few grades take one pass. A list of one block is sorted by its two highest digits alone, and
 * insertion sort then fixes the order of the few keys that these do not distinguish. A longer list
 * is cut into blocks: each block counts its digits, the counts become places, and each block moves
 * its keys.
 */
#include "core/base/sort.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/cut.h"

enum {
    /* Insertion is faster up to here (make bench-kernels prints both). */
    INSERTED = 48,
    /* The most items for each width of a digit: wide digits need fewer passes, but clearing and
     * adding up their counts takes longer (make bench-kernels prints them). */
    SHORT = 512,
    SHORT_BITS = 8,
    MIDDLE = 3072,
    MIDDLE_BITS = 9,
    LONG = 16 * RL_CUT,
    LONG_BITS = 11,
    /* Longer lists do not fit in the cache: moving keys to fewer places at a time is faster. */
    LONGEST_BITS = 8,
    MOST_DIGITS = 4, /* of 32 bits */
    /* Passes over the highest bits, after which few keys are out of place. */
    FIRST_PASSES = 2,
    /* Keys that insertion may move in all, for each key, to put the last ones in place. */
    MOVES = 2,
};

struct radix {
    const uint64_t *from;
    uint64_t *to;
    size_t n;
    unsigned shift, bits;  /* of the digit */
    uint32_t *counts;      /* [blocks][1 << bits]: counts, then places */
    uint64_t *differences; /* [blocks] */
};

static unsigned digit_bits(size_t n)
{
    if (n <= SHORT)
        return SHORT_BITS;
    if (n <= MIDDLE)
        return MIDDLE_BITS;
    return n <= LONG ? LONG_BITS : LONGEST_BITS;
}

/* Never less for more keys: room for the longest list serves shorter ones too. */
size_t rl_sort_room(size_t n)
{
    size_t counts = rl_cut_count(n) << digit_bits(n);
    const size_t most_wide = rl_cut_count(LONG) << LONG_BITS;
    if (n > LONG && counts < most_wide)
        counts = most_wide;
    return rl_room_bytes(counts, sizeof(uint32_t)) +
           rl_room_bytes(rl_cut_count(n), sizeof(uint64_t));
}

/* Sorts by insertion; gives up, with each key still there once and equal numbers in order, after
 * `moves` moves. */
static bool insert_all(uint64_t *keys, size_t n, size_t moves)
{
    for (size_t i = 1; i < n; i++) {
        const uint64_t key = keys[i];
        size_t place = i;
        for (; place > 0 && rl_key_number(keys[place - 1]) > rl_key_number(key); place--)
            keys[place] = keys[place - 1];
        keys[place] = key;
        if (i - place > moves)
            return false;
        moves -= i - place;
    }
    return true;
}

/* ---- One pass -------------------------------------------------------------------------------- */

static inline size_t digit_of(uint64_t key, unsigned shift, unsigned bits)
{
    return (size_t)(key >> shift) & (((size_t)1 << bits) - 1);
}

static void find_differences(void *context, size_t block)
{
    struct radix *const radix = context;
    const uint64_t *from = radix->from, first = from[0];
    const size_t end = rl_cut_end(block, radix->n);
    uint64_t differences = 0;
    for (size_t i = rl_cut_begin(block); i < end; i++)
        differences |= from[i] ^ first;
    radix->differences[block] = differences;
}

static void count_digits(void *context, size_t block)
{
    const struct radix *const radix = context;
    const uint64_t *const from = radix->from;
    const unsigned shift = radix->shift, bits = radix->bits;
    const size_t end = rl_cut_end(block, radix->n);
    uint32_t *const counts = radix->counts + (block << bits);
    memset(counts, 0, sizeof(*counts) << bits);
    for (size_t i = rl_cut_begin(block); i < end; i++)
        counts[digit_of(from[i], shift, bits)]++;
}

/* Where each block puts the first key of each digit. */
static void place_digits(struct radix *radix)
{
    const size_t digits = (size_t)1 << radix->bits, all = rl_cut_count(radix->n) << radix->bits;
    uint32_t place = 0;
    for (size_t digit = 0; digit < digits; digit++) {
        for (uint32_t *of = radix->counts + digit; of < radix->counts + all; of += digits) {
            const uint32_t count = *of;
            *of = place;
            place += count;
        }
    }
}

static void move_keys(void *context, size_t block)
{
    const struct radix *const radix = context;
    const uint64_t *const from = radix->from;
    uint64_t *const to = radix->to;
    const unsigned shift = radix->shift, bits = radix->bits;
    const size_t end = rl_cut_end(block, radix->n);
    uint32_t *const places = radix->counts + (block << bits);
    for (size_t i = rl_cut_begin(block); i < end; i++)
        to[places[digit_of(from[i], shift, bits)]++] = from[i];
}

static void swap_arrays(struct radix *radix, uint64_t *keys, uint64_t *spare)
{
    uint64_t *const sorted = radix->to;
    radix->to = sorted == spare ? keys : spare;
    radix->from = sorted;
}

/* ---- All passes ------------------------------------------------------------------------------ */

/* The bits in which any two numbers differ, in the lower half. */
static uint32_t all_differences(struct radix *radix, struct rl_runner *runner)
{
    uint64_t differences = 0;
    const size_t blocks = rl_cut_count(radix->n);
    runner->run(runner, blocks, find_differences, radix);
    for (size_t block = 0; block < blocks; block++)
        differences |= radix->differences[block];
    return rl_key_number(differences);
}

/* The shifts of the digits that cover `bits`, lowest first. Returns how many. */
static size_t find_shifts(uint32_t bits, unsigned width, unsigned ret_shifts[MOST_DIGITS])
{
    size_t digits = 0;
    for (uint64_t left = (uint64_t)bits << 32; left; digits++) {
        ret_shifts[digits] = (unsigned)__builtin_ctzll(left);
        left &= ~((((uint64_t)1 << width) - 1) << ret_shifts[digits]);
    }
    return digits;
}

/* Sorts by the bits of `left`, lowest first; `spare` and `keys` are the two arrays. */
static uint64_t *sort_by_bits(struct radix *radix, uint32_t left, struct rl_runner *runner,
                              uint64_t *keys, uint64_t *spare)
{
    const size_t blocks = rl_cut_count(radix->n);
    unsigned shifts[MOST_DIGITS];
    const size_t digits = find_shifts(left, radix->bits, shifts);
    radix->from = keys;
    radix->to = spare;
    for (size_t d = 0; d < digits && !rl_runner_stopped(runner); d++) {
        radix->shift = shifts[d];
        runner->run(runner, blocks, count_digits, radix);
        place_digits(radix);
        runner->run(runner, blocks, move_keys, radix);
        swap_arrays(radix, keys, spare);
    }
    return radix->to == spare ? keys : spare;
}

/* The highest bits of `bits` that FIRST_PASSES passes cover. */
static uint32_t highest_bits(uint32_t bits, unsigned width)
{
    unsigned top = 32 - (unsigned)__builtin_clz(bits), covered = FIRST_PASSES * width;
    return top > covered ? bits & ~(((uint32_t)1 << (top - covered)) - 1) : bits;
}

uint64_t *rl_sort(uint64_t *keys, uint64_t *spare, size_t n, struct rl_runner *runner,
                  struct rl_room room)
{
    struct radix radix = {.from = keys, .n = n, .bits = digit_bits(n)};
    const size_t blocks = rl_cut_count(n);
    if (n <= INSERTED) {
        insert_all(keys, n, SIZE_MAX);
        return keys;
    }
    radix.counts = rl_room_take(&room, blocks << radix.bits, sizeof(uint32_t));
    radix.differences = rl_room_take(&room, blocks, sizeof(uint64_t));
    const uint32_t differences = all_differences(&radix, runner);
    if (blocks > 1 || differences == 0 || highest_bits(differences, radix.bits) == differences)
        return sort_by_bits(&radix, differences, runner, keys, spare);
    uint64_t *sorted =
        sort_by_bits(&radix, highest_bits(differences, radix.bits), runner, keys, spare);
    if (insert_all(sorted, n, MOVES * n))
        return sorted;
    return sort_by_bits(&radix, differences, runner, sorted, sorted == keys ? spare : keys);
}
