/*
 * machine.h: a tokenizer over a text, with room for all its values.
 */
#ifndef RL_TESTS_MACHINE_H
#define RL_TESTS_MACHINE_H

#include <stdlib.h>
#include <string.h>

#include "server/formats/document/tokenizer.h"

enum { MACHINE_WORDS = 1 << 12 };

struct machine {
    struct rl_tokenizer tok;
    struct rl_arena arena;
    struct rl_error error;
    char *text; /* its own block: a sanitizer sees beyond it */
    const char *open[RL_TOKENIZER_DEPTH + 1], *mixed[RL_TOKENIZER_DEPTH + 1];
    double block[MACHINE_WORDS];
};

static inline void machine_begin(struct machine *machine, const char *text)
{
    const size_t length = strlen(text);
    memset(machine, 0, sizeof(*machine));
    machine->text = malloc(length ? length : 1);
    memcpy(machine->text, text, length);
    rl_arena_init(&machine->arena, 1 << 20);
    machine->tok = (struct rl_tokenizer){
        .begin = machine->text,
        .end = machine->text + length,
        .at = machine->text,
        .body = machine->text,
        .error = &machine->error,
        .arena = &machine->arena,
        .open = machine->open,
        .mixed = machine->mixed,
        .mixed_first = 1,
        .max_depth = 32,
        .values = machine->block,
        .next = machine->block,
        .row = (size_t *)(void *)(machine->block + MACHINE_WORDS),
    };
}

static inline void machine_end(struct machine *machine)
{
    rl_arena_release(&machine->arena);
    free(machine->text);
}

#endif
