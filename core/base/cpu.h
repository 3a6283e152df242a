/*
 * cpu.h: which instruction sets this CPU has.
 */
#ifndef RL_CPU_H
#define RL_CPU_H

#include <stdbool.h>

enum rl_isa { RL_ISA_BASELINE, RL_ISA_AVX2, RL_ISA_AVX512, RL_ISAS };

const char *rl_isa_text(enum rl_isa isa);
/* Whether this CPU has it and this build has kernels for it. */
bool rl_isa_available(enum rl_isa isa);

/* The instruction set of all kernels: baseline until rl_init chooses one. */
enum rl_isa rl_isa_chosen(void);
void rl_isa_choose(enum rl_isa isa); /* before other threads run */

#endif
