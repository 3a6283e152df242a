/*
 * requestid.c: ids of requests.
 *
 * Ids must be unique, not secret. Each thread runs xoshiro256++ (Blackman and Vigna, 2019), seeded
 * by the kernel: an id takes about 20 ns. arc4random_buf and getrandom make a system call per id in
 * glibc 2.36 and take about 1.6 us.
 */
#include "server/http/requestid.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static const char hex_digits[] = "0123456789abcdef";

/* ---- Generating ----------------------------------------------------------------------------- */

static _Thread_local struct {
    uint64_t state[4];
    bool seeded;
} generator;

static uint64_t rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

/* If getrandom fails, the seed is made of the time, the process id and an address of this thread.
 */
static void seed(void)
{
    uint64_t *const state = generator.state;
    struct timespec now;
    if (getrandom(state, sizeof(generator.state), 0) != (ssize_t)sizeof(generator.state)) {
        clock_gettime(CLOCK_REALTIME, &now);
        state[0] ^= (uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec;
        state[1] ^= (uint64_t)getpid() << 32 ^ 0x9e3779b97f4a7c15u;
        state[2] ^= (uint64_t)(uintptr_t)state;
    }
    state[3] |= 1; /* an all-zero state would never change */
    generator.seeded = true;
}

static uint64_t next_random(void)
{
    uint64_t *const s = generator.state;
    const uint64_t result = rotate(s[0] + s[3], 23) + s[0];
    const uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

void rl_request_id_make(char ret_id[RL_REQUEST_ID_SIZE])
{
    if (!generator.seeded)
        seed();
    for (int half = 0; half < 2; half++) {
        uint64_t bits = next_random();
        for (int i = 0; i < 16; i++, bits >>= 4)
            ret_id[16 * half + i] = hex_digits[bits & 15];
    }
    ret_id[32] = '\0';
}

/* ---- Reading -------------------------------------------------------------------------------- */

bool rl_request_id_valid(const char *id)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";
    if (!id)
        return false;
    const size_t length = strspn(id, allowed);
    return length > 0 && length <= RL_REQUEST_ID_MAX && id[length] == '\0';
}

bool rl_request_id_choose(const char *client, char ret_id[RL_REQUEST_ID_SIZE])
{
    const bool valid = rl_request_id_valid(client);
    if (valid)
        snprintf(ret_id, RL_REQUEST_ID_SIZE, "%s", client);
    else
        rl_request_id_make(ret_id);
    return valid;
}

static bool is_hex(const char *text, size_t length)
{
    return strspn(text, hex_digits) == length;
}

static bool is_zero(const char *text, size_t length)
{
    return strspn(text, "0") >= length;
}

/* version "-" trace-id "-" parent-id "-" flags: 2, 32, 16 and 2 digits. */
bool rl_traceparent_parse(const char *header, char ret_id[RL_TRACE_ID_SIZE])
{
    enum { TRACE = 3, PARENT = 36, FLAGS = 53, END = 55 };
    if (!header || strnlen(header, END) < END)
        return false;
    if (!is_hex(header, 2) || header[2] != '-' || strncmp(header, "ff", 2) == 0)
        return false;
    if (!is_hex(header + TRACE, 32) || is_zero(header + TRACE, 32) || header[PARENT - 1] != '-')
        return false;
    if (!is_hex(header + PARENT, 16) || is_zero(header + PARENT, 16) || header[FLAGS - 1] != '-')
        return false;
    if (!is_hex(header + FLAGS, 2))
        return false;
    /* Later versions may have more fields after a '-'; version 00 ends here. */
    const bool first = strncmp(header, "00", 2) == 0;
    if (header[END] != '\0' && (first || header[END] != '-'))
        return false;
    memcpy(ret_id, header + TRACE, 32);
    ret_id[32] = '\0';
    return true;
}
