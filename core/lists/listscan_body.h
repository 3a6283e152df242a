/*
 * listscan_body.h: the kernels of listscan.h for one type of column.
 *
 * listscan_kernels.c includes this once for float and once for double, after defining
 *   NUMBER            the type of the column
 *   WHOLE             the signed integer of the same size
 *   SHIFT             2 to the number of bits after the point: adding it to a small whole number
 *                     leaves that number in the lowest bits
 *   OF_TYPE(name)     the name for this type
 */

typedef NUMBER OF_TYPE(lanes) __attribute__((vector_size(VEC_BYTES)));
typedef WHOLE OF_TYPE(flags) __attribute__((vector_size(VEC_BYTES)));

static inline WHOLE OF_TYPE(bits)(NUMBER value)
{
    WHOLE bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* Bit operations rather than comparisons and conversions: the compiler makes vectors of these. */
static uint32_t OF_TYPE(grades)(const void *column, size_t n, uint8_t *restrict ret_grades)
{
    const NUMBER *const labels = column;
    WHOLE any = 0, lost = 0;
    for (size_t i = 0; i < n; i++) {
        const NUMBER label = labels[i] + 0; /* -0.0 becomes 0.0 */
        const NUMBER shifted = label + SHIFT;
        const WHOLE whole = OF_TYPE(bits)(shifted) ^ OF_TYPE(bits)(SHIFT);
        lost |= OF_TYPE(bits)(shifted - SHIFT) ^ OF_TYPE(bits)(label);
        any |= whole;
        ret_grades[i] = (uint8_t)whole;
    }
    return lost == 0 && (any & ~(WHOLE)(RL_GRADES - 1)) == 0 ? (uint32_t)any : RL_GRADES;
}

static uint32_t OF_TYPE(rank_of)(const NUMBER *scores, size_t n, size_t target)
{
    const NUMBER own = scores[target];
    WHOLE rank = 0;
    for (size_t i = 0; i < target; i++)
        rank += scores[i] >= own;
    for (size_t i = target + 1; i < n; i++)
        rank += scores[i] > own;
    return (uint32_t)rank;
}

enum { OF_TYPE(WIDTH) = VEC_BYTES / sizeof(NUMBER) };

/* The ranks of up to WIDTH targets, one in each lane, which walk the scores together. */
static void OF_TYPE(rank_together)(const NUMBER *scores, size_t n, const uint32_t *targets,
                                   size_t count, uint32_t *ret_ranks)
{
    const size_t first = targets[0], last = targets[count - 1];
    OF_TYPE(lanes) own = {0};
    OF_TYPE(flags) place = {0}, rank = {0};
    for (size_t lane = 0; lane < count; lane++) {
        own[lane] = scores[targets[lane]];
        place[lane] = (WHOLE)targets[lane];
    }
    for (size_t i = 0; i < first; i++)
        rank -= scores[i] >= own;
    for (size_t i = first; i < last; i++)
        rank -= (scores[i] > own) | ((scores[i] == own) & ((WHOLE)i < place));
    for (size_t i = last; i < n; i++)
        rank -= scores[i] > own;
    for (size_t lane = 0; lane < count; lane++)
        ret_ranks[lane] = (uint32_t)rank[lane];
}

/* Steps of one target alone, and of targets together: between the first and the last of them a step
 * has to look at ties. Starting on a target takes about ALONE steps. */
static bool OF_TYPE(goes_alone)(size_t n, const uint32_t *targets, size_t count)
{
    enum { ALONE = 24, TIES = 2 };
    const size_t between = targets[count - 1] - targets[0];
    return count * (n / OF_TYPE(WIDTH) + ALONE) < n + TIES * between;
}

static void OF_TYPE(ranks)(const void *column, size_t n, const uint32_t *targets, size_t count,
                           uint32_t *ret_ranks)
{
    const NUMBER *const scores = column;
    for (size_t begin = 0; begin < count; begin += OF_TYPE(WIDTH)) {
        const size_t left = count - begin, group = left < OF_TYPE(WIDTH) ? left : OF_TYPE(WIDTH);
        if (!OF_TYPE(goes_alone)(n, targets + begin, group)) {
            OF_TYPE(rank_together)(scores, n, targets + begin, group, ret_ranks + begin);
            continue;
        }
        for (size_t t = begin; t < begin + group; t++)
            ret_ranks[t] = OF_TYPE(rank_of)(scores, n, targets[t]);
    }
}

static size_t OF_TYPE(above)(const void *column, size_t from, size_t n, double limit)
{
    enum { STEP = 64 };
    const NUMBER *scores = column, bound = (NUMBER)limit;
    size_t i = from;
    for (; i + STEP <= n; i += STEP) {
        WHOLE any = 0;
        for (size_t s = 0; s < STEP; s++)
            any |= scores[i + s] > bound;
        if (any)
            break;
    }
    while (i < n && !(scores[i] > bound))
        i++;
    return i;
}

#undef NUMBER
#undef WHOLE
#undef SHIFT
#undef OF_TYPE
