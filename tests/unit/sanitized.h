/*
 * sanitized.h: whether a sanitizer has replaced the allocator. Its own bookkeeping makes peaks of
 * memory meaningless, and a test cannot replace malloc.
 */
#ifndef RL_TESTS_SANITIZED_H
#define RL_TESTS_SANITIZED_H

/* gcc defines macros, clang answers __has_feature. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
