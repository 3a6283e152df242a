/*
 * asked.c: reads the members of a request by one table.
 */
#include "server/formats/asked/asked.h"

#include <math.h>
#include <string.h>

#include "server/formats/asked/definition.h"
#include "server/formats/asked/listtexts.h"
#include "server/formats/document/members.h"

enum { DEFAULT_TOP_K = 10, DEFAULT_RESAMPLES = 1000 };

/* What one evaluation is asked for with, or the defaults of several. */
struct options {
    double temperature;
    enum rl_reduction reduction;
    bool reduction_null;
    size_t k, top_k;
    unsigned include;
    const char *name;
    struct rl_wanted_definition wanted;
};

struct reader {
    const struct rl_asking *from;
    struct rl_error *error;
    struct rl_query *query;
    struct rl_asked asked;
    const json_t *losses, *metrics;
};

/* ---- Members --------------------------------------------------------------------------------- */

/* A member is read into the request or into the options of one evaluation, which are the same for
 * a request of a single measure. `measure` is NULL where the options are defaults of several. */
struct reading {
    struct reader *reader;
    struct options *options;
    const struct rl_measure *measure;
};

typedef enum rl_status read_member(struct reading *reading, const json_t *value,
                                   const char *pointer);

static enum rl_status read_temperature(struct reading *reading, const json_t *value,
                                       const char *pointer)
{
    struct rl_error *const error = reading->reader->error;
    double temperature = 0;
    if (rl_read_number(value, pointer, &temperature, error) != RL_OK)
        return error->status;
    if (!(temperature > 0))
        return rl_fail(error, RL_INVALID, pointer, "a number above 0 was expected, found %.9g",
                       temperature);
    const float rounded = (float)temperature;
    if (reading->reader->asked.dtype == RL_FLOAT32 && (!(rounded > 0) || isinf(rounded)))
        return rl_fail(error, RL_INVALID, pointer,
                       "beyond the range of float32; dtype float64 has more");
    reading->options->temperature = temperature;
    return RL_OK;
}

static enum rl_status read_reduction(struct reading *reading, const json_t *value,
                                     const char *pointer)
{
    struct rl_error *const error = reading->reader->error;
    const char *word = "none";
    const bool null = json_is_null(value);
    if (!null && rl_read_word(value, pointer, "the name of a reduction or null", &word, error))
        return error->status;
    if (!rl_reduction_find(word, &reading->options->reduction))
        return rl_fail(error, RL_INVALID, pointer,
                       "sum_over_batch_size, mean, sum, mean_with_sample_weight, none or null was "
                       "expected, found \"%s\"",
                       rl_excerpt(word, strlen(word)).text);
    reading->options->reduction_null = null;
    return RL_OK;
}

static enum rl_status read_k(struct reading *reading, const json_t *value, const char *pointer)
{
    if (reading->measure && !(reading->measure->takes & RL_TAKES_K))
        return rl_fail(reading->reader->error, RL_INVALID, pointer, "%s has no k",
                       reading->measure->name);
    reading->options->k = 0;
    if (json_is_null(value))
        return RL_OK;
    return rl_read_count(value, pointer, (size_t)1 << 53, NULL, &reading->options->k,
                         reading->reader->error);
}

static enum rl_status read_top_k(struct reading *reading, const json_t *value, const char *pointer)
{
    return rl_read_count(value, pointer, reading->reader->from->limits->max_top_k, "max-top-k",
                         &reading->options->top_k, reading->reader->error);
}

static enum rl_status read_name(struct reading *reading, const json_t *value, const char *pointer)
{
    if (json_is_null(value))
        return RL_OK;
    return rl_read_name(value, pointer, reading->reader->from->arena, &reading->options->name,
                        reading->reader->error);
}

/* What an evaluation of this measure may include; everything for NULL. */
static unsigned includable(const struct rl_target *target, const struct rl_measure *measure)
{
    const unsigned any = RL_CONFIDENCE | RL_SUMMARY;
    if (target->compare)
        return any;
    if (measure && measure->kind == RL_METRIC)
        return any | RL_PER_LIST;
    return any | RL_PER_LIST | RL_GRADIENT | (!measure || measure->has_pairs ? RL_TOP_PAIRS : 0u);
}

#define INCLUDES "per_list, gradient, top_pairs, confidence or summary"

static unsigned include_of(const char *word)
{
    return strcmp(word, "per_list") == 0     ? RL_PER_LIST
           : strcmp(word, "gradient") == 0   ? RL_GRADIENT
           : strcmp(word, "top_pairs") == 0  ? RL_TOP_PAIRS
           : strcmp(word, "confidence") == 0 ? RL_CONFIDENCE
           : strcmp(word, "summary") == 0    ? RL_SUMMARY
                                             : 0u;
}

static enum rl_status read_include_word(struct reading *reading, const json_t *value,
                                        const char *pointer)
{
    struct rl_error *const error = reading->reader->error;
    const struct rl_target *const target = reading->reader->from->target;
    const char *word = "";
    if (rl_read_word(value, pointer, INCLUDES, &word, error) != RL_OK)
        return error->status;
    const unsigned include = include_of(word);
    if (!include)
        return rl_fail(error, RL_INVALID, pointer, INCLUDES " was expected, found \"%s\"",
                       rl_excerpt(word, strlen(word)).text);
    if (!(include & includable(target, reading->measure)))
        return rl_fail(error, RL_INVALID, pointer, "%s has no %s",
                       target->compare ? "a comparison" : reading->measure->name, word);
    reading->options->include |= include;
    return RL_OK;
}

static enum rl_status read_include(struct reading *reading, const json_t *value,
                                   const char *pointer)
{
    char place[RL_POINTER_MAX];
    size_t count = 0;
    reading->options->include = 0;
    if (rl_document_list(reading->reader->from->extracted, value, pointer, INCLUDES, &count,
                         reading->reader->error))
        return reading->reader->error->status;
    for (size_t i = 0; i < count; i++) {
        rl_pointer_index(place, pointer, i);
        if (read_include_word(reading, json_array_get(value, i), place) != RL_OK)
            return reading->reader->error->status;
    }
    return RL_OK;
}

static enum rl_status read_scores(struct reading *reading, const json_t *value, const char *pointer)
{
    (void)pointer;
    reading->reader->asked.scores = value;
    return RL_OK;
}

static enum rl_status read_weights(struct reading *reading, const json_t *value,
                                   const char *pointer)
{
    (void)pointer;
    reading->reader->asked.weights = value;
    return RL_OK;
}

static enum rl_status read_labels(struct reading *reading, const json_t *value, const char *pointer)
{
    (void)pointer;
    reading->reader->asked.labels = value;
    return RL_OK;
}

static enum rl_status read_losses(struct reading *reading, const json_t *value, const char *pointer)
{
    (void)pointer;
    reading->reader->losses = value;
    return RL_OK;
}

static enum rl_status read_metrics(struct reading *reading, const json_t *value,
                                   const char *pointer)
{
    (void)pointer;
    reading->reader->metrics = value;
    return RL_OK;
}

static enum rl_status read_level(struct reading *reading, const json_t *value, const char *pointer)
{
    struct rl_error *const error = reading->reader->error;
    double level = 0;
    if (rl_read_number(value, pointer, &level, error) != RL_OK)
        return error->status;
    if (!(level > 0 && level < 1))
        return rl_fail(error, RL_INVALID, pointer,
                       "a number above 0 and below 1 was expected, found %.9g", level);
    reading->reader->query->level = level;
    return RL_OK;
}

static enum rl_status read_resamples(struct reading *reading, const json_t *value,
                                     const char *pointer)
{
    return rl_read_count(value, pointer, reading->reader->from->limits->max_resampled_lists,
                         "max-resampled-lists", &reading->reader->query->resamples,
                         reading->reader->error);
}

static enum rl_status read_seed(struct reading *reading, const json_t *value, const char *pointer)
{
    struct rl_error *const error = reading->reader->error;
    double seed = 0;
    if (rl_read_number(value, pointer, &seed, error) != RL_OK)
        return error->status;
    if (!(seed >= 0 && seed <= 0x1p53 && floor(seed) == seed))
        return rl_fail(error, RL_INVALID, pointer,
                       "a whole number from 0 to 9007199254740992 was expected, found %.17g", seed);
    reading->reader->query->seed = (uint64_t)seed;
    return RL_OK;
}

static enum rl_status read_list_ids(struct reading *reading, const json_t *value,
                                    const char *pointer)
{
    (void)pointer;
    reading->reader->asked.list_ids = value;
    return RL_OK;
}

static enum rl_status read_groups(struct reading *reading, const json_t *value, const char *pointer)
{
    (void)pointer;
    reading->reader->asked.groups = value;
    return RL_OK;
}

static enum rl_status read_systems(struct reading *reading, const json_t *value,
                                   const char *pointer)
{
    (void)pointer;
    reading->reader->asked.systems = value;
    return RL_OK;
}

static enum rl_status read_baseline(struct reading *reading, const json_t *value,
                                    const char *pointer)
{
    (void)pointer;
    reading->reader->asked.baseline = value;
    return RL_OK;
}

/* Read before all others, since it decides on their ranges. */
static enum rl_status read_dtype(struct reading *reading, const json_t *value, const char *pointer)
{
    struct rl_error *const error = reading->reader->error;
    const char *word = "float32";
    if (!json_is_null(value) &&
        rl_read_word(value, pointer, "float32, float64 or null", &word, error) != RL_OK)
        return error->status;
    if (strcmp(word, "float32") != 0 && strcmp(word, "float64") != 0)
        return rl_fail(error, RL_INVALID, pointer,
                       "float32, float64 or null was expected, found \"%s\"",
                       rl_excerpt(word, strlen(word)).text);
    reading->reader->asked.dtype = word[5] == '3' ? RL_FLOAT32 : RL_FLOAT64;
    return RL_OK;
}

/* Read before the other members of its object, which win over it. */
static enum rl_status read_definition(struct reading *reading, const json_t *value,
                                      const char *pointer)
{
    return rl_definition_read_preset(value, pointer, &reading->options->wanted,
                                     reading->reader->error);
}

/* What is read before the other members: the name of an entry's measure, a definition. */
static enum rl_status read_nothing(struct reading *reading, const json_t *value,
                                   const char *pointer)
{
    (void)reading;
    (void)value;
    (void)pointer;
    return RL_OK;
}

enum place {
    IN_LOSS = 1,          /* the body of /v1/losses/… */
    IN_METRIC = 2,        /* … of /v1/metrics/… */
    IN_EVALUATE = 4,      /* … of /v1/evaluate */
    IN_LOSS_ENTRY = 8,    /* an object in its losses */
    IN_METRIC_ENTRY = 16, /* … in its metrics */
    IN_COMPARE = 32,      /* … of /v1/compare, whose entries are the same */
    ONLY_JSON = 64,       /* … and not where the batch comes as tensors */
    IN_BODY = IN_LOSS | IN_METRIC | IN_EVALUATE | IN_COMPARE,
    IN_ENTRY = IN_LOSS_ENTRY | IN_METRIC_ENTRY,
    OF_METRICS = IN_METRIC | IN_EVALUATE | IN_COMPARE | IN_METRIC_ENTRY
};

struct member {
    const char *key;
    unsigned places; /* of enum place */
    read_member *read;
};

static const struct member members[] = {
    {"y_true", IN_BODY | ONLY_JSON, read_labels},
    {"y_pred", IN_LOSS | IN_METRIC | IN_EVALUATE | ONLY_JSON, read_scores},
    {"systems", IN_COMPARE, read_systems},
    {"baseline", IN_COMPARE, read_baseline},
    {"sample_weight", IN_BODY, read_weights},
    {"list_ids", IN_BODY | ONLY_JSON, read_list_ids},
    {"groups", IN_BODY | ONLY_JSON, read_groups},
    {"dtype", IN_BODY, read_dtype},
    {"name", IN_BODY, read_name},
    {"name", IN_ENTRY, read_nothing},
    {"temperature", IN_LOSS | IN_EVALUATE | IN_COMPARE | IN_LOSS_ENTRY, read_temperature},
    {"reduction", IN_LOSS | IN_EVALUATE | IN_COMPARE | IN_LOSS_ENTRY, read_reduction},
    {"k", OF_METRICS, read_k},
    {"definition", OF_METRICS, read_nothing},
    {"include", IN_BODY | IN_ENTRY | ONLY_JSON, read_include},
    {"top_k", IN_BODY | IN_ENTRY | ONLY_JSON, read_top_k},
    {"confidence_level", IN_BODY | ONLY_JSON, read_level},
    {"resamples", IN_BODY | ONLY_JSON, read_resamples},
    {"seed", IN_BODY | ONLY_JSON, read_seed},
    {"losses", IN_EVALUATE | IN_COMPARE, read_losses},
    {"metrics", IN_EVALUATE | IN_COMPARE, read_metrics},
};
enum { MEMBERS = sizeof(members) / sizeof(members[0]) };

static bool has_member(const struct reading *reading, enum place place, const struct member *member)
{
    return (member->places & place) &&
           !((member->places & ONLY_JSON) && reading->reader->from->tensors);
}

static const struct member *find_member(const struct reading *reading, const char *key,
                                        enum place place)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if (has_member(reading, place, &members[i]) && strcmp(members[i].key, key) == 0)
            return &members[i];
    return NULL;
}

/* Whether a parameter of a definition may be in this place. */
static bool has_parameter(const struct reading *reading, enum place place,
                          const struct rl_definition_member *member)
{
    return (place & OF_METRICS) && (!reading->measure || reading->measure->takes & member->taken);
}

struct known {
    char names[RL_DETAIL_MAX];
    size_t length;
};

static void add_known(struct known *known, const char *name)
{
    const size_t room = sizeof(known->names) - known->length;
    known->length += (size_t)snprintf(known->names + known->length, room, "%s%s",
                                      known->length ? ", " : "", name);
}

/* Names what a place may hold, for the error about what it may not. */
static enum rl_status refuse_member(const struct reading *reading, const char *pointer,
                                    enum place place)
{
    struct known known = {.length = 0};
    for (size_t i = 0; i < MEMBERS; i++)
        if (has_member(reading, place, &members[i]))
            add_known(&known, members[i].key);
    for (size_t i = 0; i < RL_DEFINITION_MEMBERS; i++)
        if (has_parameter(reading, place, &rl_definition_members[i]))
            add_known(&known, rl_definition_members[i].name);
    return rl_fail(reading->reader->error, RL_INVALID, pointer,
                   "no member of this object, which may have %s", known.names);
}

/* A parameter of a definition, or a member that is unknown here. */
static enum rl_status read_parameter(struct reading *reading, const char *key, const json_t *value,
                                     const char *pointer, enum place place)
{
    struct reader *const reader = reading->reader;
    const struct rl_definition_source source = {reader->from->extracted, reader->asked.dtype,
                                                reader->error};
    const struct rl_definition_member *const member = rl_definition_find(key);
    if (!member || !(place & OF_METRICS))
        return refuse_member(reading, pointer, place);
    if (!has_parameter(reading, place, member))
        return rl_fail(reader->error, RL_INVALID, pointer, "%s has no %s", reading->measure->name,
                       key);
    return rl_definition_read(&source, member, value, pointer, &reading->options->wanted);
}

static enum rl_status read_object(struct reading *reading, const json_t *object, const char *base,
                                  enum place place)
{
    char pointer[RL_POINTER_MAX];
    const char *key;
    json_t *value;
    const json_t *const definition = json_object_get(object, "definition");
    if (definition && (place & OF_METRICS)) {
        rl_pointer_key(pointer, base, "definition");
        if (read_definition(reading, definition, pointer) != RL_OK)
            return reading->reader->error->status;
    }
    json_object_foreach((json_t *)object, key, value)
    {
        const struct member *const member = find_member(reading, key, place);
        rl_pointer_key(pointer, base, key);
        const enum rl_status status = member ? member->read(reading, value, pointer)
                                             : read_parameter(reading, key, value, pointer, place);
        if (status != RL_OK)
            return status;
    }
    return RL_OK;
}

/* ---- Evaluations ----------------------------------------------------------------------------- */

static enum rl_status reserve_evals(struct reader *reader, size_t count)
{
    struct rl_query *const query = reader->query;
    query->evals = rl_arena_array(reader->from->arena, count, sizeof(*query->evals));
    query->names = rl_arena_array(reader->from->arena, count, sizeof(*query->names));
    query->reduction_null =
        rl_arena_array(reader->from->arena, count, sizeof(*query->reduction_null));
    if (!query->evals || !query->names || !query->reduction_null)
        return rl_fail(reader->error, RL_NOMEM, "", "no memory for the request");
    return RL_OK;
}

static enum rl_status add_eval(struct reader *reader, const struct rl_measure *measure,
                               const struct options *options)
{
    struct rl_query *const query = reader->query;
    const struct rl_definition *definition = NULL;
    if (measure->kind == RL_METRIC &&
        rl_definition_make(&options->wanted, measure, reader->from->arena, &definition) != RL_OK)
        return rl_fail(reader->error, RL_NOMEM, "", "no memory for the request");
    const size_t index = query->count++;
    query->evals[index] = (struct rl_eval){
        .measure = measure,
        .definition = definition,
        .temperature = options->temperature,
        .reduction = options->reduction,
        .k = measure->takes & RL_TAKES_K ? options->k : 0,
        .include = options->include | (query->target.compare ? RL_CONFIDENCE : 0u),
        .top_k = options->top_k,
        .level = query->level,
        .resamples = query->resamples,
        .seed = query->seed,
    };
    query->names[index] = options->name ? options->name : measure->name;
    query->reduction_null[index] = options->reduction_null;
    return RL_OK;
}

/* The measure an entry names: "name" or {"name": …}. */
static enum rl_status find_measure(struct reader *reader, enum rl_kind kind, const json_t *entry,
                                   const char *pointer, const struct rl_measure **ret_measure)
{
    const char *const expected = kind == RL_LOSS ? "the name of a loss, or an object with it"
                                                 : "the name of a metric, or an object with it";
    char place[RL_POINTER_MAX];
    const char *word = "";
    const json_t *name = entry;
    if (json_is_object(entry)) {
        rl_pointer_key(place, pointer, "name");
        pointer = place;
        name = json_object_get(entry, "name");
    }
    if (!name)
        return rl_fail(reader->error, RL_INVALID, pointer, "the name is missing");
    if (rl_read_word(name, pointer, expected, &word, reader->error) != RL_OK)
        return reader->error->status;
    const struct rl_measure *const measure = rl_measure_find(kind, word);
    if (!measure)
        return rl_fail(reader->error, RL_INVALID, pointer, "no %s is named \"%s\"",
                       kind == RL_LOSS ? "loss" : "metric", rl_excerpt(word, strlen(word)).text);
    *ret_measure = measure;
    return RL_OK;
}

static enum rl_status read_entry(struct reader *reader, enum rl_kind kind,
                                 const struct options *defaults, const json_t *entry,
                                 const char *pointer)
{
    const struct rl_measure *measure = NULL;
    struct options options = *defaults;
    if (find_measure(reader, kind, entry, pointer, &measure) != RL_OK)
        return reader->error->status;
    options.name = NULL;
    options.include &= includable(reader->from->target, measure);
    struct reading reading = {reader, &options, measure};
    if (json_is_object(entry) &&
        read_object(&reading, entry, pointer, kind == RL_LOSS ? IN_LOSS_ENTRY : IN_METRIC_ENTRY))
        return reader->error->status;
    return add_eval(reader, measure, &options);
}

static enum rl_status read_entries(struct reader *reader, enum rl_kind kind,
                                   const struct options *defaults, const json_t *entries,
                                   size_t count)
{
    char place[RL_POINTER_MAX], pointer[RL_POINTER_MAX];
    rl_pointer_key(place, reader->from->pointer, kind == RL_LOSS ? "losses" : "metrics");
    for (size_t i = 0; i < count; i++) {
        rl_pointer_index(pointer, place, i);
        if (read_entry(reader, kind, defaults, json_array_get(entries, i), pointer) != RL_OK)
            return reader->error->status;
    }
    return RL_OK;
}

/* How many entries `losses` or `metrics` has. */
static enum rl_status count_entries(struct reader *reader, const json_t *entries, const char *key,
                                    const char *expected, size_t *ret_count)
{
    char pointer[RL_POINTER_MAX];
    if (!entries)
        return RL_OK;
    rl_pointer_key(pointer, reader->from->pointer, key);
    return rl_document_list(reader->from->extracted, entries, pointer, expected, ret_count,
                            reader->error);
}

static enum rl_status read_evaluations(struct reader *reader, const struct options *defaults)
{
    const size_t most = reader->from->limits->max_evaluations;
    char pointer[RL_POINTER_MAX];
    size_t losses = 0, metrics = 0;
    if (count_entries(reader, reader->losses, "losses", "a loss", &losses) != RL_OK ||
        count_entries(reader, reader->metrics, "metrics", "a metric", &metrics) != RL_OK)
        return reader->error->status;
    rl_pointer_key(pointer, reader->from->pointer, losses || !metrics ? "losses" : "metrics");
    if (losses + metrics == 0)
        return rl_fail(reader->error, RL_INVALID, reader->losses ? pointer : reader->from->pointer,
                       "at least one entry in losses or metrics was expected");
    if (losses + metrics > most)
        return rl_fail(reader->error, RL_TOO_LARGE, pointer,
                       "%zu losses and metrics are more than max-evaluations allows (%zu)",
                       losses + metrics, most);
    if (reserve_evals(reader, losses + metrics) != RL_OK ||
        read_entries(reader, RL_LOSS, defaults, reader->losses, losses) != RL_OK)
        return reader->error->status;
    return read_entries(reader, RL_METRIC, defaults, reader->metrics, metrics);
}

static enum rl_status take_evals(struct reader *reader, const struct options *options)
{
    reader->query->name = options->name;
    if (reader->from->target->evaluate || reader->from->target->compare)
        return read_evaluations(reader, options);
    if (reserve_evals(reader, 1) != RL_OK)
        return reader->error->status;
    return add_eval(reader, reader->from->target->measure, options);
}

/* ---- Whole ----------------------------------------------------------------------------------- */

static enum place place_of(const struct rl_target *target)
{
    if (target->evaluate || target->compare)
        return target->evaluate ? IN_EVALUATE : IN_COMPARE;
    return target->measure->kind == RL_LOSS ? IN_LOSS : IN_METRIC;
}

static enum rl_status read_all(struct reader *reader)
{
    const struct rl_asking *const from = reader->from;
    struct options options = {
        .temperature = 1, .reduction = RL_SUM_OVER_BATCH_SIZE, .top_k = DEFAULT_TOP_K};
    struct reading reading = {reader, &options, from->target->measure};
    const json_t *const dtype = json_object_get(from->object, "dtype");
    char pointer[RL_POINTER_MAX];
    reader->query->level = 0.95;
    reader->query->resamples = DEFAULT_RESAMPLES;
    rl_pointer_key(pointer, from->pointer, "dtype");
    if (dtype && read_dtype(&reading, dtype, pointer) != RL_OK)
        return reader->error->status;
    if (read_object(&reading, from->object, from->pointer, place_of(from->target)) != RL_OK)
        return reader->error->status;
    return take_evals(reader, &options);
}

enum rl_status rl_asked_read(const struct rl_asking *asking, struct rl_query *query,
                             struct rl_asked *ret_asked, struct rl_error *error)
{
    struct rl_query read = *query;
    struct reader reader = {.from = asking, .error = error, .query = &read};
    if (read_all(&reader) != RL_OK)
        return error->status;
    *query = read;
    *ret_asked = reader.asked;
    return RL_OK;
}

/* ---- Texts of lists -------------------------------------------------------------------------- */

/* A text for each list: its id, its group. */
static enum rl_status open_texts(const struct rl_asking *asking, const json_t *value, size_t lists,
                                 const char *pointer, struct rl_error *error)
{
    size_t count = 0;
    if (rl_document_list(asking->extracted, value, pointer, "a string", &count, error) != RL_OK)
        return error->status;
    if (count == lists)
        return RL_OK;
    return rl_fail(error, RL_INVALID, pointer,
                   "one text for each of the %zu lists was expected, found %zu", lists, count);
}

enum rl_status rl_asked_read_texts(const struct rl_asking *asking, const struct rl_asked *asked,
                                   struct rl_query *query, struct rl_error *error)
{
    const json_t *const ids = asked->list_ids, *const groups = asked->groups;
    const size_t lists = query->batch.lists;
    if (ids && (open_texts(asking, ids, lists, "/list_ids", error) != RL_OK ||
                rl_read_texts(ids, lists, "/list_ids", asking->arena, &query->list_ids, error)))
        return error->status;
    if (!groups)
        return RL_OK;
    if (open_texts(asking, groups, lists, "/groups", error) != RL_OK)
        return error->status;
    return rl_read_groups(groups, lists, asking->limits, asking->arena, query, error);
}
