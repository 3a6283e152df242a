/*
 * definitiontext.h: definitions of metrics in replies and in the catalogue.
 */
#ifndef RL_DEFINITIONTEXT_H
#define RL_DEFINITIONTEXT_H

#include "server/text/text.h"

#include "core/rankloss.h"

/* "definition":{…}: the members of an evaluation's definition that differ from Keras-RS's; nothing
 * if none do. */
void rl_put_definition(struct rl_text *text, const struct rl_eval *eval, enum rl_dtype dtype);

/* The schemas of `definition` and of the parameters that a metric takes. */
void rl_put_definition_parameters(struct rl_text *text, const struct rl_measure *metric);

/* "definitions":{…}: what each preset sets, and which tool it follows. */
void rl_put_definitions(struct rl_text *text);

#endif
