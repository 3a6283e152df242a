/*
 * vector.h: vectors of doubles of the width that the compiler's flags allow, for kernels that are
 * compiled once for each instruction set.
 *
 * Every operation here is exact or exactly rounded, so a kernel that adds in the same order on
 * every width gives the same bits.
 */
#ifndef RL_VECTOR_H
#define RL_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* The Makefile compiles every *_kernels.c once for each instruction set and says which. Their
 * public names end in it. */
#ifndef RL_ISA
#define RL_ISA baseline
#endif
#define RL_PASTE_(name, isa) name##_##isa
#define RL_PASTE(name, isa)  RL_PASTE_(name, isa)
#define RL_OF_ISA(name)      RL_PASTE(name, RL_ISA)

#if defined(__AVX512F__)
enum { VEC_BYTES = 64 };
#elif defined(__AVX2__)
enum { VEC_BYTES = 32 };
#else
enum { VEC_BYTES = 16 };
#endif

enum { VEC_WIDTH = VEC_BYTES / sizeof(double) };

typedef double vec __attribute__((vector_size(VEC_BYTES)));
typedef int64_t vec_mask __attribute__((vector_size(VEC_BYTES)));

static inline vec vec_all(double value)
{
    return value - (vec){0};
}

static inline vec vec_load(const double *from)
{
    vec v;
    memcpy(&v, from, sizeof(v));
    return v;
}

static inline void vec_store(double *to, vec v)
{
    memcpy(to, &v, sizeof(v));
}

/* v where the mask is set, 0 elsewhere. */
static inline vec vec_keep(vec_mask where, vec v)
{
    return (vec)(where & (vec_mask)v);
}

/*
 * a > b ? a : b, of numbers that are not NaN. Where both are zero, b has to be +0, since the
 * instructions differ in which zero they give for the other cases.
 */
static inline vec vec_larger(vec a, vec b)
{
#if defined(__AVX512F__)
    return (vec)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif defined(__AVX2__)
    return (vec)_mm256_max_pd((__m256d)a, (__m256d)b);
#elif defined(__SSE2__)
    return (vec)_mm_max_pd((__m128d)a, (__m128d)b);
#elif defined(__aarch64__)
    return (vec)vmaxnmq_f64((float64x2_t)a, (float64x2_t)b);
#else
    const vec_mask where = a > b;
    return (vec)((where & (vec_mask)a) | (~where & (vec_mask)b));
#endif
}

/* a < b ? a : b, of numbers that are neither NaN nor 0. */
static inline vec vec_lesser(vec a, vec b)
{
#if defined(__AVX512F__)
    return (vec)_mm512_min_pd((__m512d)a, (__m512d)b);
#elif defined(__AVX2__)
    return (vec)_mm256_min_pd((__m256d)a, (__m256d)b);
#elif defined(__SSE2__)
    return (vec)_mm_min_pd((__m128d)a, (__m128d)b);
#elif defined(__aarch64__)
    return (vec)vminnmq_f64((float64x2_t)a, (float64x2_t)b);
#else
    const vec_mask where = a < b;
    return (vec)((where & (vec_mask)a) | (~where & (vec_mask)b));
#endif
}

/* The sum over the lanes: one half plus the other, and so on. */
static inline double vec_sum(vec v)
{
    typedef double two __attribute__((vector_size(16)));
#if defined(__AVX2__)
    typedef double four __attribute__((vector_size(32)));
#if defined(__AVX512F__)
    four halves =
        __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
#else
    const four halves = v;
#endif
    two pair = __builtin_shufflevector(halves, halves, 0, 1) +
               __builtin_shufflevector(halves, halves, 2, 3);
#else
    const two pair = v;
#endif
    return pair[0] + pair[1];
}

#endif
