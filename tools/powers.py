#!/usr/bin/python3
"""Writes server/text/powers.c, the table of powers of ten that numreader.c and numwriter.c share.

usage: tools/powers.py > server/text/powers.c

Row k holds the first 128 bits of 10^k, truncated: 10^k = (high * 2^64 + low + r) * 2^(e - 127) with
0 <= r < 1 and e = floor(log2(10^k)). r is 0 for 0 <= k <= 55, where 5^k fits into 128 bits.
"""

FIRST, LAST = -342, 324
HEAD = """/*
 * powers.c: the first 128 bits of each power of ten that a double can meet.
 *
 * Written by tools/powers.py; change that instead.
 */
#include "server/text/powers.h"

const struct rl_power rl_powers[RL_POWER_LAST - RL_POWER_FIRST + 1] = {"""


def first_bits(k):
    """floor(10^k / 2^(e - 127)), which has exactly 128 bits."""
    numerator, denominator = 10 ** max(k, 0), 10 ** max(-k, 0)
    shift = 128 + denominator.bit_length() - numerator.bit_length()
    bits = (numerator << shift) // denominator if shift >= 0 else numerator // denominator >> -shift
    return bits >> (bits.bit_length() - 128)


def main():
    print(HEAD)
    for k in range(FIRST, LAST + 1):
        bits = first_bits(k)
        assert bits.bit_length() == 128
        # numwriter.c adds one to inexact rows and relies on no carry out of the low half.
        assert 0 <= k <= 55 or bits & (2**64 - 1) != 2**64 - 1
        high, low = bits >> 64, bits & (2**64 - 1)
        print(f"    {{0x{high:016x}, 0x{low:016x}}}, // {k}")
    print("};")


if __name__ == "__main__":
    main()
