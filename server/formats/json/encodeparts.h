/*
 * encodeparts.h: the members of a reply about parts of a batch: totals, confidence, summaries,
 * groups, and the comparison of systems.
 */
#ifndef RL_ENCODEPARTS_H
#define RL_ENCODEPARTS_H

#include "server/formats/query.h"
#include "server/text/text.h"

/* ,"totals":{…} */
void rl_put_totals(struct rl_text *text, bool loss, const struct rl_totals *totals);

/* ,"id":"…" of a list, if ids were sent. */
void rl_put_list_id(struct rl_text *text, const struct rl_query *query, size_t list);

/* ,"confidence":{…},"summary":{…},"groups":{…} of an evaluation, as far as it has them. */
void rl_put_parts(struct rl_text *text, const struct rl_query *query, size_t index,
                  const struct rl_result *result);

/* ,"systems":{…},"comparisons":[…],"groups":{…} of an evaluation of several systems. */
void rl_put_systems(struct rl_text *text, const struct rl_query *query, size_t index,
                    const struct rl_result *result);

#endif
