/*
 * decode.c: from the text of a request to a typed query.
 *
 * extract.h takes the numbers out and checks the text, jansson parses what remains, this file reads
 * its members by one table, and batch.h makes the batch.
 */
#include "server/formats/json/decode.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include <jansson.h>

#include "server/formats/json/batch.h"
#include "server/formats/json/definition.h"
#include "server/formats/json/extract.h"
#include "server/formats/json/jsonmem.h"
#include "server/formats/json/lex.h"
#include "server/formats/json/listtexts.h"
#include "server/formats/json/members.h"
#include "server/formats/json/querycheck.h"
#include "server/formats/json/systems.h"

enum {
    DEFAULT_TOP_K = 10,
    DEFAULT_RESAMPLES = 1000,
    SEGMENT = 64 << 10,        /* bytes of a large body that one thread scans at a time … */
    SEGMENTS_FROM = 256 << 10, /* … and how large it must be */
    JSON_BASE = 4 << 20,       /* jansson's part: this much for any request … */
    JSON_FACTOR = 2 /* … and this many times the body, so that no body takes many times its size */
};

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

struct decode {
    struct rl_target target;
    const struct rl_limits *limits;
    struct rl_team *team; /* NULL: the calling thread alone */
    struct rl_arena *arena;
    struct rl_error *error;
    struct rl_extracted extracted;
    enum rl_dtype dtype;
    struct rl_batch_members batch;
    const json_t *losses, *metrics;
    const json_t *list_ids, *groups, *systems, *baseline;
    struct rl_query query;
};

/* ---- The remaining text ---------------------------------------------------------------------- */

static pthread_once_t initialised = PTHREAD_ONCE_INIT;

static void initialise(void)
{
    rl_jsonmem_install();
    json_object_seed(0);
}

void rl_json_init(void)
{
    pthread_once(&initialised, initialise);
}

/* Where in the remaining text the key starts that ends before `stop`. */
static size_t key_start(const char *text, size_t stop)
{
    size_t at = stop - 1; /* the closing quote */
    for (;;) {
        size_t slashes = 0;
        while (at > 0 && text[--at] != '"')
            continue;
        while (at > slashes && text[at - 1 - slashes] == '\\')
            slashes++;
        if (at == 0 || slashes % 2 == 0)
            return at;
    }
}

static enum rl_status refuse_duplicate(struct decode *decode, const char *body, size_t stop)
{
    const char *const text = decode->extracted.text;
    const size_t start = key_start(text, stop);
    const struct rl_excerpt key = rl_excerpt(text + start + 1, stop - start - 2);
    rl_fail(decode->error, RL_SYNTAX, "", "the key \"%s\" occurs twice in its object", key.text);
    rl_error_locate(decode->error, body, rl_extracted_origin(&decode->extracted, start));
    return RL_SYNTAX;
}

/* The text is JSON, or extract.h would have refused it: only a duplicate key or memory can fail. */
static enum rl_status refuse_rest(struct decode *decode, const char *body, const json_error_t *why,
                                  enum rl_jsonmem refused)
{
    if (refused == RL_JSONMEM_SPENT)
        return rl_fail(decode->error, RL_TOO_LARGE, "",
                       "what the request holds beside arrays of numbers takes more memory than "
                       "max-json-memory or its own size allows");
    if (json_error_code(why) == json_error_duplicate_key)
        return refuse_duplicate(decode, body, (size_t)why->position);
    if (refused == RL_JSONMEM_FAILED || json_error_code(why) == json_error_out_of_memory)
        return rl_fail(decode->error, RL_NOMEM, "", "no memory for the request");
    rl_fail(decode->error, RL_SYNTAX, "", "%s", why->text);
    rl_error_locate(decode->error, body,
                    rl_extracted_origin(&decode->extracted, (size_t)why->position));
    return RL_SYNTAX;
}

static size_t json_budget(const struct rl_limits *limits, size_t length)
{
    const size_t most = limits->max_json_memory;
    const size_t share = JSON_BASE + JSON_FACTOR * length;
    return share < most ? share : most;
}

/* Extracts and parses; the caller owns *ret_root, an object. */
static enum rl_status parse(struct decode *decode, char *body, size_t length, json_t **ret_root)
{
    json_error_t why;
    const size_t segment = decode->team && length >= SEGMENTS_FROM ? SEGMENT : 0;
    if (rl_extract(body, length, decode->limits->max_depth, decode->team, segment, decode->arena,
                   &decode->extracted, decode->error) != RL_OK)
        return decode->error->status;
    rl_jsonmem_begin(json_budget(decode->limits, length));
    json_t *const root = json_loadb(decode->extracted.text, decode->extracted.length,
                                    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    const enum rl_jsonmem refused = rl_jsonmem_end();
    if (!root)
        return refuse_rest(decode, body, &why, refused);
    *ret_root = root;
    return RL_OK;
}

/* ---- Members --------------------------------------------------------------------------------- */

/* A member is read into the request or into the options of one evaluation, which are the same for
 * a request of a single measure. `measure` is NULL where the options are defaults of several. */
struct reading {
    struct decode *decode;
    struct options *options;
    const struct rl_measure *measure;
};

typedef enum rl_status read_member(struct reading *reading, const json_t *value,
                                   const char *pointer);

static enum rl_status read_temperature(struct reading *reading, const json_t *value,
                                       const char *pointer)
{
    struct rl_error *const error = reading->decode->error;
    double temperature = 0;
    if (rl_read_number(value, pointer, &temperature, error) != RL_OK)
        return error->status;
    if (!(temperature > 0))
        return rl_fail(error, RL_INVALID, pointer, "a number above 0 was expected, found %.9g",
                       temperature);
    const float rounded = (float)temperature;
    if (reading->decode->dtype == RL_FLOAT32 && (!(rounded > 0) || isinf(rounded)))
        return rl_fail(error, RL_INVALID, pointer,
                       "beyond the range of float32; dtype float64 has more");
    reading->options->temperature = temperature;
    return RL_OK;
}

static enum rl_status read_reduction(struct reading *reading, const json_t *value,
                                     const char *pointer)
{
    struct rl_error *const error = reading->decode->error;
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
        return rl_fail(reading->decode->error, RL_INVALID, pointer, "%s has no k",
                       reading->measure->name);
    reading->options->k = 0;
    if (json_is_null(value))
        return RL_OK;
    return rl_read_count(value, pointer, (size_t)1 << 53, NULL, &reading->options->k,
                         reading->decode->error);
}

static enum rl_status read_top_k(struct reading *reading, const json_t *value, const char *pointer)
{
    return rl_read_count(value, pointer, reading->decode->limits->max_top_k, "max-top-k",
                         &reading->options->top_k, reading->decode->error);
}

static enum rl_status read_name(struct reading *reading, const json_t *value, const char *pointer)
{
    if (json_is_null(value))
        return RL_OK;
    return rl_read_name(value, pointer, reading->decode->arena, &reading->options->name,
                        reading->decode->error);
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
    struct rl_error *const error = reading->decode->error;
    const struct rl_target *const target = &reading->decode->target;
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

/*
 * Checks that a member is a list of other things than numbers. An empty list was extracted as a
 * column: *ret_count is 0 then.
 */
static enum rl_status open_list(struct decode *decode, const json_t *value, const char *pointer,
                                const char *expected, size_t *ret_count)
{
    char first[RL_POINTER_MAX];
    if (!json_is_array(value))
        return rl_refuse_kind(decode->error, pointer, "a list", value);
    const struct rl_array *const array = rl_array_of(&decode->extracted, value);
    const char *const found = array ? rl_array_first_kind(array) : NULL;
    if (found) {
        rl_pointer_index(first, pointer, 0);
        return rl_fail(decode->error, RL_INVALID, first, "%s was expected, found %s", expected,
                       found);
    }
    *ret_count = array ? 0 : json_array_size(value);
    return RL_OK;
}

static enum rl_status read_include(struct reading *reading, const json_t *value,
                                   const char *pointer)
{
    char place[RL_POINTER_MAX];
    size_t count = 0;
    reading->options->include = 0;
    if (open_list(reading->decode, value, pointer, INCLUDES, &count))
        return reading->decode->error->status;
    for (size_t i = 0; i < count; i++) {
        rl_pointer_index(place, pointer, i);
        if (read_include_word(reading, json_array_get(value, i), place) != RL_OK)
            return reading->decode->error->status;
    }
    return RL_OK;
}

static enum rl_status read_scores(struct reading *reading, const json_t *value, const char *pointer)
{
    (void)pointer;
    reading->decode->batch.scores = value;
    return RL_OK;
}

static enum rl_status read_weights(struct reading *reading, const json_t *value,
                                   const char *pointer)
{
    (void)pointer;
    reading->decode->batch.weights = value;
    return RL_OK;
}

static enum rl_status read_labels(struct reading *reading, const json_t *value, const char *pointer)
{
    struct rl_batch_members *const batch = &reading->decode->batch;
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
        rl_pointer_key(place, pointer, key);
        return rl_fail(reading->decode->error, RL_INVALID, place,
                       "no member of y_true, which has labels and mask");
    }
    if (!batch->labels)
        return rl_fail(reading->decode->error, RL_INVALID, "/y_true/labels",
                       "the labels are missing");
    return RL_OK;
}

static enum rl_status read_losses(struct reading *reading, const json_t *value, const char *pointer)
{
    (void)pointer;
    reading->decode->losses = value;
    return RL_OK;
}

static enum rl_status read_metrics(struct reading *reading, const json_t *value,
                                   const char *pointer)
{
    (void)pointer;
    reading->decode->metrics = value;
    return RL_OK;
}

static enum rl_status read_level(struct reading *reading, const json_t *value, const char *pointer)
{
    struct rl_error *const error = reading->decode->error;
    double level = 0;
    if (rl_read_number(value, pointer, &level, error) != RL_OK)
        return error->status;
    if (!(level > 0 && level < 1))
        return rl_fail(error, RL_INVALID, pointer,
                       "a number above 0 and below 1 was expected, found %.9g", level);
    reading->decode->query.level = level;
    return RL_OK;
}

static enum rl_status read_resamples(struct reading *reading, const json_t *value,
                                     const char *pointer)
{
    return rl_read_count(value, pointer, reading->decode->limits->max_resampled_lists,
                         "max-resampled-lists", &reading->decode->query.resamples,
                         reading->decode->error);
}

static enum rl_status read_seed(struct reading *reading, const json_t *value, const char *pointer)
{
    struct rl_error *const error = reading->decode->error;
    double seed = 0;
    if (rl_read_number(value, pointer, &seed, error) != RL_OK)
        return error->status;
    if (!(seed >= 0 && seed <= 0x1p53 && floor(seed) == seed))
        return rl_fail(error, RL_INVALID, pointer,
                       "a whole number from 0 to 9007199254740992 was expected, found %.17g", seed);
    reading->decode->query.seed = (uint64_t)seed;
    return RL_OK;
}

static enum rl_status read_list_ids(struct reading *reading, const json_t *value,
                                    const char *pointer)
{
    (void)pointer;
    reading->decode->list_ids = value;
    return RL_OK;
}

static enum rl_status read_groups(struct reading *reading, const json_t *value, const char *pointer)
{
    (void)pointer;
    reading->decode->groups = value;
    return RL_OK;
}

static enum rl_status read_systems(struct reading *reading, const json_t *value,
                                   const char *pointer)
{
    (void)pointer;
    reading->decode->systems = value;
    return RL_OK;
}

static enum rl_status read_baseline(struct reading *reading, const json_t *value,
                                    const char *pointer)
{
    (void)pointer;
    reading->decode->baseline = value;
    return RL_OK;
}

/* Read before all others, since it decides on their ranges. */
static enum rl_status read_dtype(struct reading *reading, const json_t *value, const char *pointer)
{
    struct rl_error *const error = reading->decode->error;
    const char *word = "float32";
    if (!json_is_null(value) &&
        rl_read_word(value, pointer, "float32, float64 or null", &word, error) != RL_OK)
        return error->status;
    if (strcmp(word, "float32") != 0 && strcmp(word, "float64") != 0)
        return rl_fail(error, RL_INVALID, pointer,
                       "float32, float64 or null was expected, found \"%s\"",
                       rl_excerpt(word, strlen(word)).text);
    reading->decode->dtype = word[5] == '3' ? RL_FLOAT32 : RL_FLOAT64;
    return RL_OK;
}

/* Read before the other members of its object, which win over it. */
static enum rl_status read_definition(struct reading *reading, const json_t *value,
                                      const char *pointer)
{
    return rl_definition_read_preset(value, pointer, &reading->options->wanted,
                                     reading->decode->error);
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
    {"y_true", IN_BODY, read_labels},
    {"y_pred", IN_LOSS | IN_METRIC | IN_EVALUATE, read_scores},
    {"systems", IN_COMPARE, read_systems},
    {"baseline", IN_COMPARE, read_baseline},
    {"sample_weight", IN_BODY, read_weights},
    {"list_ids", IN_BODY, read_list_ids},
    {"groups", IN_BODY, read_groups},
    {"dtype", IN_BODY, read_dtype},
    {"name", IN_BODY, read_name},
    {"name", IN_ENTRY, read_nothing},
    {"temperature", IN_LOSS | IN_EVALUATE | IN_COMPARE | IN_LOSS_ENTRY, read_temperature},
    {"reduction", IN_LOSS | IN_EVALUATE | IN_COMPARE | IN_LOSS_ENTRY, read_reduction},
    {"k", OF_METRICS, read_k},
    {"definition", OF_METRICS, read_nothing},
    {"include", IN_BODY | IN_ENTRY, read_include},
    {"top_k", IN_BODY | IN_ENTRY, read_top_k},
    {"confidence_level", IN_BODY, read_level},
    {"resamples", IN_BODY, read_resamples},
    {"seed", IN_BODY, read_seed},
    {"losses", IN_EVALUATE | IN_COMPARE, read_losses},
    {"metrics", IN_EVALUATE | IN_COMPARE, read_metrics},
};
enum { MEMBERS = sizeof(members) / sizeof(members[0]) };

static const struct member *find_member(const char *key, enum place place)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if ((members[i].places & place) && strcmp(members[i].key, key) == 0)
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
        if (members[i].places & place)
            add_known(&known, members[i].key);
    for (size_t i = 0; i < RL_DEFINITION_MEMBERS; i++)
        if (has_parameter(reading, place, &rl_definition_members[i]))
            add_known(&known, rl_definition_members[i].name);
    return rl_fail(reading->decode->error, RL_INVALID, pointer,
                   "no member of this object, which may have %s", known.names);
}

/* A parameter of a definition, or a member that is unknown here. */
static enum rl_status read_parameter(struct reading *reading, const char *key, const json_t *value,
                                     const char *pointer, enum place place)
{
    struct decode *const decode = reading->decode;
    const struct rl_definition_source source = {&decode->extracted, decode->dtype, decode->error};
    const struct rl_definition_member *const member = rl_definition_find(key);
    if (!member || !(place & OF_METRICS))
        return refuse_member(reading, pointer, place);
    if (!has_parameter(reading, place, member))
        return rl_fail(decode->error, RL_INVALID, pointer, "%s has no %s", reading->measure->name,
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
            return reading->decode->error->status;
    }
    json_object_foreach((json_t *)object, key, value)
    {
        const struct member *const member = find_member(key, place);
        rl_pointer_key(pointer, base, key);
        const enum rl_status status = member ? member->read(reading, value, pointer)
                                             : read_parameter(reading, key, value, pointer, place);
        if (status != RL_OK)
            return status;
    }
    return RL_OK;
}

/* ---- Evaluations ----------------------------------------------------------------------------- */

static enum rl_status reserve_evals(struct decode *decode, size_t count)
{
    struct rl_query *const query = &decode->query;
    query->evals = rl_arena_array(decode->arena, count, sizeof(*query->evals));
    query->names = rl_arena_array(decode->arena, count, sizeof(*query->names));
    query->reduction_null = rl_arena_array(decode->arena, count, sizeof(*query->reduction_null));
    if (!query->evals || !query->names || !query->reduction_null)
        return rl_fail(decode->error, RL_NOMEM, "", "no memory for the request");
    return RL_OK;
}

static enum rl_status add_eval(struct decode *decode, const struct rl_measure *measure,
                               const struct options *options)
{
    struct rl_query *const query = &decode->query;
    const struct rl_definition *definition = NULL;
    if (measure->kind == RL_METRIC &&
        rl_definition_make(&options->wanted, measure, decode->arena, &definition) != RL_OK)
        return rl_fail(decode->error, RL_NOMEM, "", "no memory for the request");
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
static enum rl_status find_measure(struct decode *decode, enum rl_kind kind, const json_t *entry,
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
        return rl_fail(decode->error, RL_INVALID, pointer, "the name is missing");
    if (rl_read_word(name, pointer, expected, &word, decode->error) != RL_OK)
        return decode->error->status;
    const struct rl_measure *const measure = rl_measure_find(kind, word);
    if (!measure)
        return rl_fail(decode->error, RL_INVALID, pointer, "no %s is named \"%s\"",
                       kind == RL_LOSS ? "loss" : "metric", rl_excerpt(word, strlen(word)).text);
    *ret_measure = measure;
    return RL_OK;
}

static enum rl_status read_entry(struct decode *decode, enum rl_kind kind,
                                 const struct options *defaults, const json_t *entry,
                                 const char *pointer)
{
    const struct rl_measure *measure = NULL;
    struct options options = *defaults;
    if (find_measure(decode, kind, entry, pointer, &measure) != RL_OK)
        return decode->error->status;
    options.name = NULL;
    options.include &= includable(&decode->target, measure);
    struct reading reading = {decode, &options, measure};
    if (json_is_object(entry) &&
        read_object(&reading, entry, pointer, kind == RL_LOSS ? IN_LOSS_ENTRY : IN_METRIC_ENTRY))
        return decode->error->status;
    return add_eval(decode, measure, &options);
}

static enum rl_status read_entries(struct decode *decode, enum rl_kind kind,
                                   const struct options *defaults, const json_t *entries,
                                   size_t count)
{
    char pointer[RL_POINTER_MAX];
    for (size_t i = 0; i < count; i++) {
        rl_pointer_index(pointer, kind == RL_LOSS ? "/losses" : "/metrics", i);
        if (read_entry(decode, kind, defaults, json_array_get(entries, i), pointer) != RL_OK)
            return decode->error->status;
    }
    return RL_OK;
}

static enum rl_status read_evaluations(struct decode *decode, const struct options *defaults)
{
    size_t losses = 0, metrics = 0;
    if (decode->losses && open_list(decode, decode->losses, "/losses", "a loss", &losses) != RL_OK)
        return decode->error->status;
    if (decode->metrics && open_list(decode, decode->metrics, "/metrics", "a metric", &metrics))
        return decode->error->status;
    if (losses + metrics == 0)
        return rl_fail(decode->error, RL_INVALID, decode->losses ? "/losses" : "",
                       "at least one entry in losses or metrics was expected");
    if (losses + metrics > decode->limits->max_evaluations)
        return rl_fail(decode->error, RL_TOO_LARGE, losses ? "/losses" : "/metrics",
                       "%zu losses and metrics are more than max-evaluations allows (%zu)",
                       losses + metrics, decode->limits->max_evaluations);
    if (reserve_evals(decode, losses + metrics) != RL_OK ||
        read_entries(decode, RL_LOSS, defaults, decode->losses, losses) != RL_OK)
        return decode->error->status;
    return read_entries(decode, RL_METRIC, defaults, decode->metrics, metrics);
}

static enum rl_status take_evals(struct decode *decode, const struct options *options)
{
    decode->query.name = options->name;
    if (decode->target.evaluate || decode->target.compare)
        return read_evaluations(decode, options);
    if (reserve_evals(decode, 1) != RL_OK)
        return decode->error->status;
    return add_eval(decode, decode->target.measure, options);
}

/* ---- Whole ----------------------------------------------------------------------------------- */

static enum place place_of(const struct rl_target *target)
{
    if (target->evaluate || target->compare)
        return target->evaluate ? IN_EVALUATE : IN_COMPARE;
    return target->measure->kind == RL_LOSS ? IN_LOSS : IN_METRIC;
}

static enum rl_status read_root(struct decode *decode, const json_t *root)
{
    struct options options = {
        .temperature = 1, .reduction = RL_SUM_OVER_BATCH_SIZE, .top_k = DEFAULT_TOP_K};
    const struct rl_measure *const measure = decode->target.measure;
    struct reading reading = {decode, &options, measure};
    const json_t *const dtype = json_object_get(root, "dtype");
    decode->query.level = 0.95;
    decode->query.resamples = DEFAULT_RESAMPLES;
    if (dtype && read_dtype(&reading, dtype, "/dtype") != RL_OK)
        return decode->error->status;
    if (read_object(&reading, root, "", place_of(&decode->target)) != RL_OK)
        return decode->error->status;
    return take_evals(decode, &options);
}

/* A text for each list: its id, its group. */
static enum rl_status open_texts(struct decode *decode, const json_t *value, const char *pointer)
{
    size_t count = 0;
    if (open_list(decode, value, pointer, "a string", &count) != RL_OK)
        return decode->error->status;
    if (count == decode->query.batch.lists)
        return RL_OK;
    return rl_fail(decode->error, RL_INVALID, pointer,
                   "one text for each of the %zu lists was expected, found %zu",
                   decode->query.batch.lists, count);
}

static enum rl_status take_list_texts(struct decode *decode)
{
    struct rl_query *const query = &decode->query;
    const size_t lists = query->batch.lists;
    if (decode->list_ids && (open_texts(decode, decode->list_ids, "/list_ids") != RL_OK ||
                             rl_read_texts(decode->list_ids, lists, "/list_ids", decode->arena,
                                           &query->list_ids, decode->error) != RL_OK))
        return decode->error->status;
    if (!decode->groups)
        return RL_OK;
    if (open_texts(decode, decode->groups, "/groups") != RL_OK)
        return decode->error->status;
    return rl_read_groups(decode->groups, lists, decode->limits, decode->arena, query,
                          decode->error);
}

/* The scores of the first system make the batch, those of the others are added. */
static enum rl_status take_systems(struct decode *decode)
{
    const struct rl_systems systems = {
        .extracted = &decode->extracted,
        .members = &decode->batch,
        .limits = decode->limits,
        .arena = decode->arena,
        .systems = decode->systems,
        .baseline = decode->baseline,
    };
    return rl_systems_join(&systems, &decode->query, decode->error);
}

static enum rl_status take_batch(struct decode *decode)
{
    struct rl_query *const query = &decode->query;
    char first[RL_POINTER_MAX];
    const bool compare = decode->target.compare;
    decode->batch.scores_pointer = "/y_pred";
    decode->batch.unretrieved = rl_query_counts_unretrieved(query);
    if (!decode->batch.labels)
        return rl_fail(decode->error, RL_INVALID, "/y_true", "the labels are missing");
    if (compare && rl_systems_first(decode->systems, decode->limits, first, &decode->batch,
                                    decode->error) != RL_OK)
        return decode->error->status;
    if (!decode->batch.scores)
        return rl_fail(decode->error, RL_INVALID, "/y_pred", "the scores are missing");
    if (rl_json_batch(&decode->extracted, &decode->batch, decode->dtype, decode->limits,
                      decode->arena, &query->batch, &query->batched, decode->error) != RL_OK ||
        rl_query_check(query, decode->batch.nested, decode->error) != RL_OK ||
        take_list_texts(decode) != RL_OK || (compare && take_systems(decode) != RL_OK))
        return decode->error->status;
    return rl_query_check_resamples(query, decode->limits, decode->error);
}

enum rl_status rl_json_read(const struct rl_input *input, struct rl_query *ret_query,
                            struct rl_error *error)
{
    struct decode decode = {.target = *input->target,
                            .limits = input->limits,
                            .team = input->team,
                            .arena = input->arena,
                            .error = error,
                            .query = {.target = *input->target}};
    json_t *root = NULL;
    rl_json_init();
    enum rl_status status = parse(&decode, input->body, input->length, &root);
    if (status == RL_OK)
        status = read_root(&decode, root);
    if (status == RL_OK)
        status = take_batch(&decode);
    if (status == RL_OK)
        *ret_query = decode.query;
    json_decref(root);
    return status;
}
