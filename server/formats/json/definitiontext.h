/*
 * definitiontext.h: definitions of metrics in replies and in the catalogue.
 */
#ifndef RL_DEFINITIONTEXT_H
#define RL_DEFINITIONTEXT_H

#include "server/text/text.h"

#include "core/rankloss.h"

/* "definition":{…}: what an evaluation's definition has that is not Keras-RS's; nothing if there is
 * none of that. */
void rl_put_definition(struct rl_text *text, const struct rl_eval *eval, enum rl_dtype dtype);

/* The schemas of `definition` and of the parameters that a metric takes. */
void rl_put_definition_parameters(struct rl_text *text, const struct rl_measure *metric);

/* "definitions":{…}: what each preset sets, and what it stands for. */
void rl_put_definitions(struct rl_text *text);

#endif
