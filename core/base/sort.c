/*
 * sort.c: stable sorting of items by a number.
 *
 * Radix sort from the lowest digit up, over the bits in which keys differ at all: labels of a few
 * grades take one pass, scores that were float32 take three or four. A pass cuts the keys into
 * blocks; each counts its digits, the counts become places, and each block moves its keys there.
 */
#include "core/base/sort.h"

#include <string.h>

#include "core/base/cut.h"

enum {
    /* Up to here inserting one by one is faster; both take about 20 ns a key at 160
     * (make bench-kernels prints it). */
    INSERTED = 128,
    /* Up to here digits are narrow: clearing and adding up wide counts would cost more. */
    NARROW = 2048,
    NARROW_BITS = 8,
    WIDE_BITS = 11,
};

struct radix {
    const struct rl_key *from;
    struct rl_key *to;
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

static void insert_all(struct rl_key *keys, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct rl_key key = keys[i];
        size_t place = i;
        for (; place > 0 && keys[place - 1].key > key.key; place--)
            keys[place] = keys[place - 1];
        keys[place] = key;
    }
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
    uint64_t first = radix->from[0].key, differences = 0;
    for (size_t i = rl_cut_begin(block); i < rl_cut_end(block, radix->n); i++)
        differences |= radix->from[i].key ^ first;
    radix->differences[block] = differences;
}

static void count_digits(void *context, size_t block)
{
    struct radix *radix = context;
    uint32_t *counts = counts_of(radix, block);
    memset(counts, 0, sizeof(*counts) << radix->bits);
    for (size_t i = rl_cut_begin(block); i < rl_cut_end(block, radix->n); i++)
        counts[digit_of(radix, radix->from[i].key)]++;
}

/* Where the first key of each digit goes. */
static void start_digits(const struct radix *radix, uint32_t *starts)
{
    size_t digits = (size_t)1 << radix->bits;
    uint32_t place = 0;
    memset(starts, 0, digits * sizeof(*starts));
    for (size_t block = 0; block < rl_cut_count(radix->n); block++)
        for (size_t digit = 0; digit < digits; digit++)
            starts[digit] += counts_of(radix, block)[digit];
    for (size_t digit = 0; digit < digits; digit++) {
        uint32_t count = starts[digit];
        starts[digit] = place;
        place += count;
    }
}

/* From the counts of each block to the places where its keys go. */
static void place_digits(const struct radix *radix)
{
    uint32_t next[1 << WIDE_BITS];
    size_t digits = (size_t)1 << radix->bits;
    start_digits(radix, next);
    for (size_t block = 0; block < rl_cut_count(radix->n); block++) {
        uint32_t *places = counts_of(radix, block);
        for (size_t digit = 0; digit < digits; digit++) {
            uint32_t count = places[digit];
            places[digit] = next[digit];
            next[digit] += count;
        }
    }
}

static void move_keys(void *context, size_t block)
{
    struct radix *radix = context;
    uint32_t *places = counts_of(radix, block);
    for (size_t i = rl_cut_begin(block); i < rl_cut_end(block, radix->n); i++)
        radix->to[places[digit_of(radix, radix->from[i].key)]++] = radix->from[i];
}

/* The bits in which any two keys differ. */
static uint64_t all_differences(struct radix *radix, struct rl_runner *runner)
{
    uint64_t differences = 0;
    size_t blocks = rl_cut_count(radix->n);
    runner->run(runner, blocks, find_differences, radix);
    for (size_t block = 0; block < blocks; block++)
        differences |= radix->differences[block];
    return differences;
}

struct rl_key *rl_sort(struct rl_key *keys, struct rl_key *spare, size_t n,
                       struct rl_runner *runner, struct rl_room room)
{
    struct radix radix = {.from = keys, .to = spare, .n = n, .bits = digit_bits(n)};
    size_t blocks = rl_cut_count(n);
    if (n <= INSERTED) {
        insert_all(keys, n);
        return keys;
    }
    radix.counts = rl_room_take(&room, blocks << radix.bits, sizeof(uint32_t));
    radix.differences = rl_room_take(&room, blocks, sizeof(uint64_t));
    uint64_t left = all_differences(&radix, runner);
    while (left && !rl_runner_stopped(runner)) {
        radix.shift = (unsigned)__builtin_ctzll(left);
        runner->run(runner, blocks, count_digits, &radix);
        place_digits(&radix);
        runner->run(runner, blocks, move_keys, &radix);
        struct rl_key *sorted = radix.to;
        radix.to = sorted == spare ? keys : spare;
        radix.from = sorted;
        uint64_t digit = (((uint64_t)1 << radix.bits) - 1) << radix.shift;
        left &= ~digit;
    }
    return radix.to == spare ? keys : spare;
}
