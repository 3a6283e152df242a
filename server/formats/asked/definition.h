/*
 * definition.h: the parameters that define a metric, as members of a request.
 *
 * The table has one row for each parameter; requests, replies and the catalogue follow it.
 */
#ifndef RL_DEFINITION_H
#define RL_DEFINITION_H

#include "server/formats/document/document.h"

enum {
    RL_DEFINITION_MEMBERS = 10,
    RL_DEFINITION_WORDS = 4,   /* values of one parameter, at most */
    RL_DEFINITION_TABLE = 1000 /* entries of a table of gains or discounts, at most */
};

struct rl_definition_member {
    const char *name;
    enum rl_parameter taken; /* by the measures that have it */
    size_t offset;           /* of an enumeration or, without words, a double in rl_definition */
    /* The names of the enumeration's values, in their order; NULL after the last. */
    const char *words[RL_DEFINITION_WORDS + 1];
    bool has_table; /* the value after the last word is a table of numbers */
    double below;   /* a number is above 0 and below this */
    bool is_label;  /* a number that labels are compared with, and which is rounded as they are */
};

/* In the order of enum rl_parameter. */
extern const struct rl_definition_member rl_definition_members[RL_DEFINITION_MEMBERS];

/* The row of this name, or NULL. */
const struct rl_definition_member *rl_definition_find(const char *name);

/* The context for reading members. */
struct rl_definition_source {
    const struct rl_extracted *extracted;
    enum rl_dtype dtype;
    struct rl_error *error;
};

/* What a request asks for: a preset, and the chosen members, which override it. All 0 is Keras-RS's
 * definition. */
struct rl_wanted_definition {
    enum rl_definer definer;
    unsigned chosen; /* `taken` of the members that were sent */
    struct rl_definition values;
};

/* Reads the value of a member into *wanted. Tables stay in the extracted arrays. RL_INVALID,
 * RL_TOO_LARGE. */
enum rl_status rl_definition_read(const struct rl_definition_source *source,
                                  const struct rl_definition_member *member, const json_t *value,
                                  const char *pointer, struct rl_wanted_definition *wanted);

/* Reads the name of a preset, which replaces all of *wanted. RL_INVALID. */
enum rl_status rl_definition_read_preset(const json_t *value, const char *pointer,
                                         struct rl_wanted_definition *wanted,
                                         struct rl_error *error);

/* The definition of a metric, in the arena; NULL where all that the metric takes is as in Keras-RS.
 * RL_NOMEM. */
enum rl_status rl_definition_make(const struct rl_wanted_definition *wanted,
                                  const struct rl_measure *metric, struct rl_arena *arena,
                                  const struct rl_definition **ret);

/* Whether a member has the value that Keras-RS's definition gives it. */
bool rl_definition_keeps(const struct rl_definition_member *member,
                         const struct rl_definition *definition);

/* Which value of its enumeration a member with words has. */
unsigned rl_definition_choice(const struct rl_definition_member *member,
                              const struct rl_definition *definition);
/* The value of a member that is a number. */
double rl_definition_number(const struct rl_definition_member *member,
                            const struct rl_definition *definition);

#endif
