/*
 * definition.c: the parameters that define a metric, as members of a request.
 */
#include "server/formats/asked/definition.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/formats/document/members.h"

static_assert(sizeof(enum rl_gain) == sizeof(unsigned), "a choice is read as an unsigned");

#define CHOICE(member, bit, ...)                                                                   \
    {                                                                                              \
        .name = #member, .taken = (bit), .offset = offsetof(struct rl_definition, member),         \
        .words = {                                                                                 \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define TABLE(member, bit, ...)                                                                    \
    {                                                                                              \
        .name = #member, .taken = (bit), .offset = offsetof(struct rl_definition, member),         \
        .words = {__VA_ARGS__}, .has_table = true                                                  \
    }
#define LABEL(member, bit)                                                                         \
    {                                                                                              \
        .name = #member, .taken = (bit), .offset = offsetof(struct rl_definition, member),         \
        .below = (double)INFINITY, .is_label = true                                                \
    }

const struct rl_definition_member rl_definition_members[RL_DEFINITION_MEMBERS] = {
    TABLE(gain, RL_TAKES_GAIN, "exponential", "linear"),
    TABLE(discount, RL_TAKES_DISCOUNT, "log2", "reciprocal", "none"),
    LABEL(relevant_from, RL_TAKES_RELEVANT_FROM),
    CHOICE(ties, RL_TAKES_TIES, "input", "average", "worst", "best"),
    CHOICE(without_relevant, RL_TAKES_WITHOUT_RELEVANT, "zero", "one", "skip"),
    CHOICE(precision_over, RL_TAKES_PRECISION_OVER, "list", "k"),
    CHOICE(unretrieved, RL_TAKES_UNRETRIEVED, "error", "count"),
    CHOICE(unlabelled, RL_TAKES_UNLABELLED, "drop", "zero"),
    LABEL(max_grade, RL_TAKES_MAX_GRADE),
    {
        .name = "persistence",
        .taken = RL_TAKES_PERSISTENCE,
        .offset = offsetof(struct rl_definition, persistence),
        .below = 1,
    },
};

const struct rl_definition_member *rl_definition_find(const char *name)
{
    for (size_t i = 0; i < RL_DEFINITION_MEMBERS; i++)
        if (strcmp(rl_definition_members[i].name, name) == 0)
            return &rl_definition_members[i];
    return NULL;
}

/* ---- Values ---------------------------------------------------------------------------------- */

unsigned rl_definition_choice(const struct rl_definition_member *member,
                              const struct rl_definition *definition)
{
    unsigned choice;
    memcpy(&choice, (const char *)definition + member->offset, sizeof(choice));
    return choice;
}

double rl_definition_number(const struct rl_definition_member *member,
                            const struct rl_definition *definition)
{
    double number;
    memcpy(&number, (const char *)definition + member->offset, sizeof(number));
    return number;
}

static void set_choice(const struct rl_definition_member *member, unsigned choice,
                       struct rl_definition *definition)
{
    memcpy((char *)definition + member->offset, &choice, sizeof(choice));
}

static void set_number(const struct rl_definition_member *member, double number,
                       struct rl_definition *definition)
{
    memcpy((char *)definition + member->offset, &number, sizeof(number));
}

bool rl_definition_keeps(const struct rl_definition_member *member,
                         const struct rl_definition *definition)
{
    const struct rl_definition *const keras = rl_definition_get(RL_KERAS);
    if (member->words[0])
        return rl_definition_choice(member, definition) == rl_definition_choice(member, keras);
    return rl_definition_number(member, definition) == rl_definition_number(member, keras);
}

static void copy_member(const struct rl_definition_member *member, const struct rl_definition *from,
                        struct rl_definition *to)
{
    if (member->words[0])
        set_choice(member, rl_definition_choice(member, from), to);
    else
        set_number(member, rl_definition_number(member, from), to);
    if (member->taken == RL_TAKES_GAIN && from->gain == RL_GAIN_TABLE) {
        to->gains = from->gains;
        to->gain_count = from->gain_count;
    } else if (member->taken == RL_TAKES_DISCOUNT && from->discount == RL_DISCOUNT_TABLE) {
        to->discounts = from->discounts;
        to->discount_count = from->discount_count;
    }
}

/* Copies the chosen members that a metric takes. Returns whether all that it takes are as in
 * Keras-RS. */
static bool choose(const struct rl_wanted_definition *wanted, const struct rl_measure *metric,
                   struct rl_definition *definition)
{
    bool plain = definition->list_weights == rl_definition_get(RL_KERAS)->list_weights;
    for (size_t i = 0; i < RL_DEFINITION_MEMBERS; i++) {
        const struct rl_definition_member *const member = &rl_definition_members[i];
        if (!(metric->takes & member->taken))
            continue;
        if (wanted->chosen & member->taken)
            copy_member(member, &wanted->values, definition);
        plain &= rl_definition_keeps(member, definition);
    }
    return plain;
}

enum rl_status rl_definition_make(const struct rl_wanted_definition *wanted,
                                  const struct rl_measure *metric, struct rl_arena *arena,
                                  const struct rl_definition **ret)
{
    struct rl_definition definition = *rl_definition_for(wanted->definer, metric->id);
    struct rl_definition *made = NULL;
    if (!choose(wanted, metric, &definition)) {
        made = rl_arena_alloc(arena, sizeof(*made));
        if (!made)
            return RL_NOMEM;
        *made = definition;
    }
    *ret = made;
    return RL_OK;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* The values that a member may have: "a, b, c". */
static const char *expected_of(const struct rl_definition_member *member, char text[128])
{
    size_t length = 0;
    for (size_t i = 0; member->words[i]; i++) {
        const bool last = !member->words[i + 1] && !member->has_table;
        length += (size_t)snprintf(text + length, 128 - length, "%s%s",
                                   i == 0 ? ""
                                   : last ? " or "
                                          : ", ",
                                   member->words[i]);
    }
    if (member->has_table)
        snprintf(text + length, 128 - length, " or a list of numbers");
    return text;
}

static enum rl_status read_choice(const struct rl_definition_member *member, const json_t *value,
                                  const char *pointer, struct rl_definition *definition,
                                  struct rl_error *error)
{
    char expected[128];
    const char *word = "";
    expected_of(member, expected);
    if (rl_read_word(value, pointer, expected, &word, error) != RL_OK)
        return error->status;
    for (unsigned i = 0; member->words[i]; i++) {
        if (strcmp(member->words[i], word) == 0) {
            set_choice(member, i, definition);
            return RL_OK;
        }
    }
    return rl_fail(error, RL_INVALID, pointer, "%s was expected, found \"%s\"", expected,
                   rl_excerpt(word, strlen(word)).text);
}

static enum rl_status read_above_0(const struct rl_definition_source *source,
                                   const struct rl_definition_member *member, const json_t *value,
                                   const char *pointer, struct rl_definition *definition)
{
    double number = 0;
    if (rl_read_number(value, pointer, &number, source->error) != RL_OK)
        return source->error->status;
    /* Without rounding, a label of 0.7 in float32 would not be relevant from 0.7. */
    const bool narrow = member->is_label && source->dtype == RL_FLOAT32;
    const double rounded = narrow ? (double)(float)number : number;
    if (!(rounded > 0 && rounded < member->below))
        return rl_fail(source->error, RL_INVALID, pointer,
                       member->is_label
                           ? "a number above 0 in the range of the dtype was expected, found %.9g"
                           : "a number above 0 and below 1 was expected, found %.9g",
                       number);
    set_number(member, rounded, definition);
    return RL_OK;
}

static enum rl_status check_entry(const char *pointer, size_t index, double entry,
                                  struct rl_error *error)
{
    char place[RL_POINTER_MAX];
    uint64_t bits;
    if (entry >= 0)
        return RL_OK;
    rl_pointer_index(place, pointer, index);
    memcpy(&bits, &entry, sizeof(bits));
    const char *const word = rl_array_word(bits);
    if (word)
        return rl_fail(error, RL_INVALID, place, "a number was expected, found %s", word);
    return rl_fail(error, RL_INVALID, place, "a number of at least 0 was expected, found %.9g",
                   entry);
}

static enum rl_status check_table(const json_t *value, const struct rl_array *array,
                                  const char *pointer, struct rl_error *error)
{
    if (!array || array->shape != RL_ARRAY_FLAT)
        return rl_fail(error, RL_INVALID, pointer,
                       "a list of numbers was expected, found a list of other things");
    if (array->count == 0 || json_array_size(value) == 0)
        return rl_fail(error, RL_INVALID, pointer, "at least one number was expected, found none");
    if (array->count > RL_DEFINITION_TABLE)
        return rl_fail(error, RL_TOO_LARGE, pointer, "at most %d numbers were expected, found %zu",
                       RL_DEFINITION_TABLE, array->count);
    for (size_t i = 0; i < array->count; i++)
        if (check_entry(pointer, i, array->values[i], error) != RL_OK)
            return error->status;
    return RL_OK;
}

static enum rl_status read_table(const struct rl_definition_source *source,
                                 const struct rl_definition_member *member, const json_t *value,
                                 const char *pointer, struct rl_definition *definition)
{
    const struct rl_array *const array = rl_array_of(source->extracted, value);
    if (check_table(value, array, pointer, source->error) != RL_OK)
        return source->error->status;
    if (member->taken == RL_TAKES_GAIN) {
        definition->gain = RL_GAIN_TABLE;
        definition->gains = array->values;
        definition->gain_count = array->count;
    } else {
        definition->discount = RL_DISCOUNT_TABLE;
        definition->discounts = array->values;
        definition->discount_count = array->count;
    }
    return RL_OK;
}

enum rl_status rl_definition_read(const struct rl_definition_source *source,
                                  const struct rl_definition_member *member, const json_t *value,
                                  const char *pointer, struct rl_wanted_definition *wanted)
{
    wanted->chosen |= member->taken;
    if (!member->words[0])
        return read_above_0(source, member, value, pointer, &wanted->values);
    if (member->has_table && json_is_array(value))
        return read_table(source, member, value, pointer, &wanted->values);
    return read_choice(member, value, pointer, &wanted->values, source->error);
}

enum rl_status rl_definition_read_preset(const json_t *value, const char *pointer,
                                         struct rl_wanted_definition *wanted,
                                         struct rl_error *error)
{
    static const char expected[] = "keras, trec_eval, sklearn or xgboost";
    const char *word = "";
    if (rl_read_word(value, pointer, expected, &word, error) != RL_OK)
        return error->status;
    for (int i = 0; i < RL_DEFINERS; i++) {
        if (strcmp(rl_definer_name((enum rl_definer)i), word) == 0) {
            *wanted = (struct rl_wanted_definition){.definer = (enum rl_definer)i};
            return RL_OK;
        }
    }
    return rl_fail(error, RL_INVALID, pointer, "%s was expected, found \"%s\"", expected,
                   rl_excerpt(word, strlen(word)).text);
}
