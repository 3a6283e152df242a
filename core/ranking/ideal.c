/*
 * ideal.c: the gain of the best possible ranking of a list.
 */
#include "core/ranking/ideal.h"

#include "core/lists/order.h"
#include "core/ranking/gains.h"

enum {
    /* Longer lists are sorted by gain; shorter ones, and those of which less than one item in
     * TAKEN_SHARE is wanted, are taken from a heap. */
    HEAPED = 48,
    TAKEN_SHARE = 16,
};

size_t rl_ideal_room(size_t count)
{
    return rl_room_bytes(count, sizeof(double)) + rl_room_bytes(count, sizeof(uint32_t)) +
           rl_order_room(count);
}

/* Restores the heap (largest on top) of `count` values below `root`. */
static void sift_down(double *heap, size_t root, size_t count)
{
    const double value = heap[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        child += child + 1 < count && heap[child + 1] > heap[child];
        if (!(heap[child] > value))
            break;
        heap[root] = heap[child];
    }
    heap[root] = value;
}

/* The `taken` largest gains, descending. Turns gains into a heap. */
static void best_by_heap(double *gains, size_t count, size_t taken, double *ret_best)
{
    for (size_t root = count / 2; root-- > 0;)
        sift_down(gains, root, count);
    for (size_t i = 0; i < taken; i++) {
        ret_best[i] = gains[0];
        gains[0] = gains[--count];
        sift_down(gains, 0, count);
    }
}

double rl_ideal_gain(const struct rl_definition *definition, double *gains, size_t count,
                     size_t cut, struct rl_runner *runner, struct rl_room room)
{
    const size_t taken = cut < count ? cut : count;
    double *const best = rl_room_take(&room, count, sizeof(*best));
    if (count <= HEAPED || taken < count / TAKEN_SHARE) {
        best_by_heap(gains, count, taken, best);
    } else {
        uint32_t *const places = rl_room_take(&room, count, sizeof(*places));
        rl_order(RL_FLOAT64, gains, count, RL_DESCENDING, runner, room, places, best);
    }
    return rl_discounted(definition, best, NULL, taken);
}
