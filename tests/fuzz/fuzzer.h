/*
 * fuzzer.h: what every fuzz target needs: the entry point and an assertion.
 */
#ifndef RL_TESTS_FUZZER_H
#define RL_TESTS_FUZZER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A copy in a block of exactly that size, so that AddressSanitizer sees one byte read too many. */
static inline char *fuzz_copy(const uint8_t *data, size_t size)
{
    char *const copy = malloc(size > 0 ? size : 1);
    REQUIRE(copy != NULL);
    memcpy(copy, data, size);
    return copy;
}

#endif
