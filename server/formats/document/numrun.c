/*
 * numrun.c: the fast loop of the tokenizer.
 */
#include "server/formats/document/numrun.h"

#include <stdint.h>
#include <string.h>

#include "server/formats/document/array.h"
#include "server/formats/document/lex.h"
#include "server/text/numreader.h"

/* The text between two values, up to 8 bytes. It is mostly the same throughout an array, so one
 * comparison tells. */
struct gap {
    uint64_t mask, text;
    size_t length;
    /* What 16 bytes look like that hold only numbers of one digit with this gap after each: how
     * many numbers, which bytes are digits, and `texts` where `masks` has bits. */
    size_t grades;
    uint32_t digits;
    uint64_t masks[2], texts[2];
};

static const struct gap unknown = {.text = 1}; /* fits nothing: the mask is 0 */

static bool gap_fits(const struct gap *gap, const char *text)
{
    return (rl_load8(text) & gap->mask) == gap->text;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* rl_number_try looks at up to RL_NUMBER_AFTER bytes, and must not look beyond the text. */
static const char *limit_of(const struct rl_numrun *run)
{
    const size_t text = (size_t)(run->end - run->at);
    const char *const safe = text > RL_NUMBER_AFTER ? run->end - RL_NUMBER_AFTER : run->at;
    return safe < run->limit ? safe : run->limit;
}

/* Four letters as rl_load8 gives them. */
static uint32_t letters(const char text[4])
{
    return (uint32_t)(unsigned char)text[0] | (uint32_t)(unsigned char)text[1] << 8 |
           (uint32_t)(unsigned char)text[2] << 16 | (uint32_t)(unsigned char)text[3] << 24;
}

/*
 * Reads null, true or false and returns one past it; NULL for anything else. Reads 8 bytes. Which
 * word comes is unpredictable in a mask, so there is no branch between true and false.
 */
static inline const char *read_word(struct rl_numrun *run, const char *text, double *ret_value)
{
    const uint64_t word = rl_load8(text);
    const uint32_t four = (uint32_t)word;
    const unsigned is_false = (char)word == 'f', is_null = four == letters("null");
    const uint32_t expected = is_false ? letters("fals") : letters("true");
    const bool is_bool = (four == expected) & (!is_false | ((char)(word >> 32) == 'e'));
    if (!(is_bool | is_null))
        return NULL;
    const uint64_t bits = is_null ? RL_BITS_NULL : RL_BITS_TRUE - is_false;
    memcpy(ret_value, &bits, sizeof(bits));
    run->has_null |= is_null;
    run->has_bool |= is_bool;
    return text + 4 + is_false;
}

/* Reads the value at `text` if the fast path failed or stopped before an exponent. */
static const char *read_other(struct rl_numrun *run, const char *text, const char *stop,
                              double *ret_value)
{
    if (stop && (*stop == ',' || *stop == ']' || rl_is_blank(*stop)))
        return stop;
    if (!stop && (stop = read_word(run, text, ret_value)))
        return stop;
    return rl_number_read(text, run->end, &stop, ret_value) == RL_NUMBER_OK ? stop : NULL;
}

/* ---- Gaps ------------------------------------------------------------------------------------ */

/* Labels are mostly grades of one digit each: prepares for taking 16 bytes of them at a time. */
static void learn_grades(struct gap *gap, const char *between)
{
    char mask[16] = {0}, text[16] = {0};
    const size_t stride = 1 + gap->length;
    gap->grades = sizeof(text) / stride;
    gap->digits = 0;
    for (size_t g = 0; g < gap->grades; g++) {
        gap->digits |= 1u << g * stride;
        memset(mask + g * stride + 1, 0xff, gap->length);
        memcpy(text + g * stride + 1, between, gap->length);
    }
    memcpy(gap->masks, mask, sizeof(mask));
    memcpy(gap->texts, text, sizeof(text));
}

/* Learns the gap at `text`: a comma or, with `rows`, the brackets between two rows, with blanks
 * around them. False if it is something else or too long. */
static bool learn_gap(struct gap *gap, const char *text, const char *end, bool rows)
{
    const char *p = text;
    if (rows && *p == ']')
        p = rl_skip_blanks(p + 1, end);
    if (p == end || *p != ',')
        return false;
    p = rl_skip_blanks(p + 1, end);
    if (rows && (p == end || *p++ != '['))
        return false;
    gap->length = (size_t)(p - text);
    if (gap->length > sizeof(gap->text))
        return false;
    gap->mask = UINT64_MAX >> (64 - 8 * gap->length);
    gap->text = rl_load8(text) & gap->mask;
    if (!rows)
        learn_grades(gap, text);
    return true;
}

static bool grades_fit(const struct gap *gap, const char *text)
{
    uint64_t words[2];
    memcpy(words, text, sizeof(words));
    return ((words[0] & gap->masks[0]) ^ gap->texts[0]) == 0 &&
           ((words[1] & gap->masks[1]) ^ gap->texts[1]) == 0 &&
           (rl_nondigits16(text) & gap->digits) == 0;
}

/* ---- The loop -------------------------------------------------------------------------------- */

/* Takes grades while 16 bytes hold nothing else; returns where they end. */
static const char *take_grades(struct rl_numrun *run, const struct gap *gap, const char *text,
                               const char *limit)
{
    const size_t stride = 1 + gap->length;
    while (limit - text >= 16 && grades_fit(gap, text)) {
        for (size_t g = 0; g < gap->grades; g++)
            run->next[g] = text[g * stride] - '0';
        run->next += gap->grades;
        text += gap->grades * stride;
    }
    return text;
}

/* Takes words while nothing else comes; returns where they end. */
static const char *take_words(struct rl_numrun *run, const struct gap *gap, const char *text,
                              const char *limit)
{
    while (text < limit) {
        const char *const stop = read_word(run, text, run->next);
        if (!stop || !gap_fits(gap, stop))
            break;
        run->next++;
        text = stop + gap->length;
    }
    return text;
}

/* Takes the gap after a value, learning it if need be; NULL if there is none to go on after. */
static const char *take_gap(struct rl_numrun *run, struct gap *comma, struct gap *row,
                            const char *text)
{
    if (gap_fits(comma, text) || learn_gap(comma, text, run->end, false))
        return text + comma->length;
    if (!run->rows || !(gap_fits(row, text) || learn_gap(row, text, run->end, true)))
        return NULL;
    *--run->row = (size_t)(run->next - run->first);
    run->opened = text + row->length - 1;
    return text + row->length;
}

bool rl_numrun_read(struct rl_numrun *run)
{
    const char *p = run->at, *const limit = limit_of(run);
    struct gap comma = unknown, row = unknown;
    bool value_last = false;
    while (p < limit && !value_last) {
        const char *stop = rl_number_try(p, run->next);
        if (stop && gap_fits(&comma, stop)) {
            const bool grade = stop == p + 1;
            run->next++;
            p = stop + comma.length;
            if (grade)
                p = take_grades(run, &comma, p, limit);
            continue;
        }
        stop = read_other(run, p, stop, run->next);
        if (!stop)
            break;
        run->next++;
        const bool word = *p >= 'a';
        const char *next =
            run->end - stop < RL_NUMBER_AFTER ? NULL : take_gap(run, &comma, &row, stop);
        value_last = next == NULL;
        p = next ? next : stop;
        if (word && next)
            p = take_words(run, &comma, p, limit);
    }
    run->at = p;
    return value_last;
}
