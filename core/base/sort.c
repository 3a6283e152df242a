/*
 * sort.c: stable sorting by 32-bit numbers.
 *
 * Radix sort from the lowest digit up, over the bits in which numbers differ at all: labels of a
 * few grades take one pass, float32 scores take three or four. The keys of a long list are cut into
 * blocks: each block counts its digits, the counts become places, and each block moves its keys.
 */
#include "core/base/sort.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/cut.h"

enum {
    /* Insertion is faster up to here (make bench-kernels prints both). */
    INSERTED = 48,
    /* Narrow digits are faster up to here: clearing and adding up wide counts would cost more. */
    NARROW = 3072,
    NARROW_BITS = 8,
    WIDE_BITS = 11,
    /* Narrow passes over the highest bits, after which few keys are out of place. */
    FIRST_PASSES = 3,
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
    return n <= NARROW ? NARROW_BITS : WIDE_BITS;
}

size_t rl_sort_room(size_t n)
{
    size_t digits = (size_t)1 << digit_bits(n);
    return rl_room_bytes(rl_cut_count(n) * digits, sizeof(uint32_t)) +
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

static uint32_t *counts_of(const struct radix *radix, size_t block)
{
    return radix->counts + (block << radix->bits);
}

static size_t digit_of(const struct radix *radix, uint64_t key)
{
    return (size_t)(key >> radix->shift) & (((size_t)1 << radix->bits) - 1);
}

static void find_differences(void *context, size_t block)
{
    struct radix *radix = context;
    uint64_t first = radix->from[0], differences = 0;
    for (size_t i = rl_cut_begin(block); i < rl_cut_end(block, radix->n); i++)
        differences |= radix->from[i] ^ first;
    radix->differences[block] = differences;
}

static void count_digits(void *context, size_t block)
{
    struct radix *radix = context;
    uint32_t *counts = counts_of(radix, block);
    memset(counts, 0, sizeof(*counts) << radix->bits);
    for (size_t i = rl_cut_begin(block); i < rl_cut_end(block, radix->n); i++)
        counts[digit_of(radix, radix->from[i])]++;
}

/* Where each block puts the first key of each digit. */
static void place_digits(struct radix *radix)
{
    uint32_t place = 0;
    size_t blocks = rl_cut_count(radix->n);
    for (size_t digit = 0; digit < (size_t)1 << radix->bits; digit++) {
        for (size_t block = 0; block < blocks; block++) {
            uint32_t *of_block = counts_of(radix, block) + digit, count = *of_block;
            *of_block = place;
            place += count;
        }
    }
}

static void move_keys(void *context, size_t block)
{
    struct radix *radix = context;
    uint32_t *places = counts_of(radix, block);
    for (size_t i = rl_cut_begin(block); i < rl_cut_end(block, radix->n); i++)
        radix->to[places[digit_of(radix, radix->from[i])]++] = radix->from[i];
}

/* The bits in which any two numbers differ, in the lower half. */
static uint32_t all_differences(struct radix *radix, struct rl_runner *runner)
{
    uint64_t differences = 0;
    size_t blocks = rl_cut_count(radix->n);
    runner->run(runner, blocks, find_differences, radix);
    for (size_t block = 0; block < blocks; block++)
        differences |= radix->differences[block];
    return rl_key_number(differences);
}

/* Sorts by the bits of `left`, lowest first; `spare` and `keys` are the two arrays. */
static uint64_t *sort_by_bits(struct radix *radix, uint32_t left, struct rl_runner *runner,
                              uint64_t *keys, uint64_t *spare)
{
    size_t blocks = rl_cut_count(radix->n);
    uint64_t bits = (uint64_t)left << 32;
    radix->from = keys;
    radix->to = spare;
    while (bits && !rl_runner_stopped(runner)) {
        radix->shift = (unsigned)__builtin_ctzll(bits);
        runner->run(runner, blocks, count_digits, radix);
        place_digits(radix);
        runner->run(runner, blocks, move_keys, radix);
        uint64_t *sorted = radix->to;
        radix->to = sorted == spare ? keys : spare;
        radix->from = sorted;
        bits &= ~((((uint64_t)1 << radix->bits) - 1) << radix->shift);
    }
    return radix->to == spare ? keys : spare;
}

/* The highest bits of `bits` that FIRST_PASSES narrow passes cover. */
static uint32_t highest_bits(uint32_t bits)
{
    unsigned top = 32 - (unsigned)__builtin_clz(bits), covered = FIRST_PASSES * NARROW_BITS;
    return top > covered ? bits & ~(((uint32_t)1 << (top - covered)) - 1) : bits;
}

uint64_t *rl_sort(uint64_t *keys, uint64_t *spare, size_t n, struct rl_runner *runner,
                  struct rl_room room)
{
    struct radix radix = {.from = keys, .n = n, .bits = digit_bits(n)};
    size_t blocks = rl_cut_count(n);
    if (n <= INSERTED) {
        insert_all(keys, n, SIZE_MAX);
        return keys;
    }
    radix.counts = rl_room_take(&room, blocks << radix.bits, sizeof(uint32_t));
    radix.differences = rl_room_take(&room, blocks, sizeof(uint64_t));
    uint32_t differences = all_differences(&radix, runner);
    if (n > NARROW || differences == 0 || highest_bits(differences) == differences)
        return sort_by_bits(&radix, differences, runner, keys, spare);
    uint64_t *sorted = sort_by_bits(&radix, highest_bits(differences), runner, keys, spare);
    if (insert_all(sorted, n, MOVES * n))
        return sorted;
    return sort_by_bits(&radix, differences, runner, sorted, sorted == keys ? spare : keys);
}
