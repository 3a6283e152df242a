/*
 * test_jsontestsuite.c: every y_ file of the JSONTestSuite corpus (N. Seriot, "Parsing JSON is a
 * Minefield") is taken as JSON and every n_ file is refused as malformed, by the decoder's own
 * entry, as the value of a member of the request: {"x": <file>}. "x" is no member we know, so what
 * is well-formed ends with RL_INVALID at "/x".
 *
 * JSONTESTSUITE in the environment names the corpus' folder test_parsing; without it the test is
 * skipped.
 */
#include "server/formats/json/decode.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/unittest.h"

enum { FILE_MAX = 1 << 20 };

/* What the contract refuses although it is JSON. */
static const struct {
    const char *file, *reason;
} exceptions[] = {
    {"y_object_duplicated_key.json", "duplicate keys are errors"},
    {"y_object_duplicated_key_and_value.json", "duplicate keys are errors"},
    {"y_object_escaped_null_in_key.json", "no key holds U+0000"},
};
enum { EXCEPTIONS = sizeof(exceptions) / sizeof(exceptions[0]) };

static const char *corpus(void)
{
    const char *const path = getenv("JSONTESTSUITE");
    return path ? path : "";
}

static size_t read_file(const char *name, char *out)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", corpus(), name);
    FILE *const file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot read %s", path);
    const size_t length = fread(out, 1, FILE_MAX, file);
    fclose(file);
    return length;
}

static enum rl_status decode(char *body, size_t length, struct rl_error *error)
{
    const struct rl_target target = {.measure = rl_measure_get(RL_PAIRWISE_HINGE)};
    const struct rl_limits limits = {.max_lists = 1000,
                                     .max_items = 1000,
                                     .max_depth = 32,
                                     .max_top_k = 10,
                                     .max_evaluations = 10,
                                     .max_json_memory = 1 << 26};
    struct rl_arena arena;
    struct rl_query query;
    rl_arena_init(&arena, 1 << 28);
    const struct rl_input input = {
        .body = body, .length = length, .target = &target, .limits = &limits, .arena = &arena};
    const enum rl_status status = rl_json_read(&input, &query, error);
    rl_arena_release(&arena);
    return status;
}

/* {"x": <file>}, as large as it must be, so that a sanitizer sees a byte read too many. */
static enum rl_status decode_embedded(const char *name, struct rl_error *error)
{
    static char content[FILE_MAX];
    const size_t length = read_file(name, content);
    char *const body = malloc(length + 6);
    memcpy(body, "{\"x\":", 5);
    memcpy(body + 5, content, length);
    body[length + 5] = '}';
    const enum rl_status status = decode(body, length + 6, error);
    free(body);
    return status;
}

/* The file alone, where only an object may stand. */
static enum rl_status decode_alone(const char *name, struct rl_error *error)
{
    static char content[FILE_MAX];
    const size_t length = read_file(name, content);
    char *const body = malloc(length > 0 ? length : 1);
    memcpy(body, content, length);
    const enum rl_status status = decode(body, length, error);
    free(body);
    return status;
}

static const char *exception(const char *name)
{
    for (size_t i = 0; i < EXCEPTIONS; i++)
        if (strcmp(exceptions[i].file, name) == 0)
            return exceptions[i].reason;
    return NULL;
}

static void check_file(const char *name, size_t counts[3])
{
    struct rl_error error = {0};
    const enum rl_status status = decode_embedded(name, &error);
    if (name[0] == 'n') {
        ck_assert_msg(status == RL_SYNTAX, "%s: status %d", name, status);
        ck_assert_uint_ge(error.line, 1);
        ck_assert_msg(decode_alone(name, &error) == RL_SYNTAX, "%s alone", name);
        counts[1]++;
    } else if (exception(name)) {
        ck_assert_msg(status == RL_SYNTAX, "%s: status %d, though %s", name, status,
                      exception(name));
        counts[2]++;
    } else {
        ck_assert_msg(status == RL_INVALID && strcmp(error.pointer, "/x") == 0, "%s: %s", name,
                      error.detail);
        counts[0]++;
    }
}

START_TEST(every_file_is_taken_or_refused_as_named)
{
    size_t counts[3] = {0};
    DIR *const directory = opendir(corpus());
    if (!directory) {
        test_skip("the JSONTestSuite corpus is not here (JSONTESTSUITE names its folder)");
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (strncmp(entry->d_name, "y_", 2) == 0 || strncmp(entry->d_name, "n_", 2) == 0)
            check_file(entry->d_name, counts);
    closedir(directory);
    printf("JSONTestSuite: %zu y_ taken, %zu n_ refused, %zu exceptions\n", counts[0], counts[1],
           counts[2]);
    for (size_t i = 0; i < EXCEPTIONS; i++)
        printf("  %s: refused, %s\n", exceptions[i].file, exceptions[i].reason);
    ck_assert_uint_eq(counts[0] + counts[2], 95);
    ck_assert_uint_eq(counts[1], 188);
    ck_assert_uint_eq(counts[2], EXCEPTIONS);
}
END_TEST

/* i_ files may go either way, but must not end in anything else. */
START_TEST(the_rest_of_the_corpus_is_survived)
{
    DIR *const directory = opendir(corpus());
    if (!directory)
        return; /* said above */
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        struct rl_error error = {0};
        if (strncmp(entry->d_name, "i_", 2) != 0)
            continue;
        const enum rl_status status = decode_embedded(entry->d_name, &error);
        ck_assert_msg(status == RL_SYNTAX || status == RL_INVALID || status == RL_TOO_LARGE,
                      "%s: status %d", entry->d_name, status);
    }
    closedir(directory);
}
END_TEST
