/*
 * decode.c: from the text of a request to a typed query.
 *
 * document.h takes the numbers out and parses what remains, asked.h reads what is asked for, and
 * batch.h makes the batch.
 */
#include "server/formats/json/decode.h"

#include <string.h>

#include "server/formats/asked/asked.h"
#include "server/formats/asked/querycheck.h"
#include "server/formats/document/members.h"
#include "server/formats/json/batch.h"
#include "server/formats/json/systems.h"

struct decode {
    struct rl_asking asking;
    struct rl_asked asked;
    struct rl_batch_members batch;
    struct rl_query query;
    struct rl_error *error;
};

/* y_true: labels, or an object of labels and mask. */
static enum rl_status take_labels(struct decode *decode)
{
    struct rl_batch_members *const batch = &decode->batch;
    const json_t *const value = decode->asked.labels;
    char place[RL_POINTER_MAX];
    const char *key;
    json_t *member;
    batch->nested = json_is_object(value);
    batch->labels = value;
    if (!batch->nested)
        return RL_OK;
    batch->labels = json_object_get(value, "labels");
    batch->mask = json_object_get(value, "mask");
    json_object_foreach((json_t *)value, key, member)
    {
        if (member == batch->labels || member == batch->mask)
            continue;
        rl_pointer_key(place, "/y_true", key);
        return rl_fail(decode->error, RL_INVALID, place,
                       "no member of y_true, which has labels and mask");
    }
    if (!batch->labels)
        return rl_fail(decode->error, RL_INVALID, "/y_true/labels", "the labels are missing");
    return RL_OK;
}

/* The scores of the first system make the batch, those of the others are added. */
static enum rl_status take_systems(struct decode *decode)
{
    const struct rl_systems systems = {
        .extracted = decode->asking.extracted,
        .members = &decode->batch,
        .limits = decode->asking.limits,
        .arena = decode->asking.arena,
        .systems = decode->asked.systems,
        .baseline = decode->asked.baseline,
    };
    return rl_systems_join(&systems, &decode->query, decode->error);
}

/* Finds the members that make the batch. `first` holds the pointer of a comparison's scores. */
static enum rl_status find_members(struct decode *decode, char first[RL_POINTER_MAX])
{
    struct rl_batch_members *const batch = &decode->batch;
    batch->scores = decode->asked.scores;
    batch->weights = decode->asked.weights;
    batch->scores_pointer = "/y_pred";
    batch->unretrieved = rl_query_counts_unretrieved(&decode->query);
    if (take_labels(decode) != RL_OK)
        return decode->error->status;
    if (!batch->labels)
        return rl_fail(decode->error, RL_INVALID, "/y_true", "the labels are missing");
    if (decode->query.target.compare &&
        rl_systems_first(decode->asked.systems, decode->asking.limits, first, batch,
                         decode->error) != RL_OK)
        return decode->error->status;
    if (!batch->scores)
        return rl_fail(decode->error, RL_INVALID, "/y_pred", "the scores are missing");
    return RL_OK;
}

static enum rl_status take_batch(struct decode *decode)
{
    const struct rl_asking *const asking = &decode->asking;
    struct rl_query *const query = &decode->query;
    struct rl_error *const error = decode->error;
    char first[RL_POINTER_MAX];
    if (find_members(decode, first) != RL_OK ||
        rl_json_batch(asking->extracted, &decode->batch, decode->asked.dtype, asking->limits,
                      asking->arena, &query->batch, &query->batched, error) != RL_OK)
        return error->status;
    const struct rl_places places = {
        .labels = decode->batch.nested ? "/y_true/labels" : "/y_true",
        .weights = "/sample_weight",
        .asked = "",
        .by_list = query->batched,
    };
    if (rl_query_check(query, &places, error) != RL_OK ||
        rl_asked_read_texts(asking, &decode->asked, query, error) != RL_OK ||
        (query->target.compare && take_systems(decode) != RL_OK))
        return error->status;
    return rl_query_check_resamples(query, asking->limits, error);
}

enum rl_status rl_json_read(const struct rl_input *input, struct rl_query *ret_query,
                            struct rl_error *error)
{
    struct rl_document document;
    if (rl_document_read(input->body, input->length, input->limits, input->team, input->arena,
                         &document, error) != RL_OK)
        return error->status;
    struct decode decode = {
        .asking = {.object = document.root,
                   .pointer = "",
                   .extracted = &document.extracted,
                   .target = input->target,
                   .limits = input->limits,
                   .arena = input->arena},
        .query = {.target = *input->target},
        .error = error,
    };
    enum rl_status status = rl_asked_read(&decode.asking, &decode.query, &decode.asked, error);
    if (status == RL_OK)
        status = take_batch(&decode);
    if (status == RL_OK)
        *ret_query = decode.query;
    rl_document_release(&document);
    return status;
}
