/*
 * test_sources.c: every setting from every source, and what each source refuses.
 *
 * The loops run over the table, so a new setting is tried here when it is added to it.
 */
#include "config/sources.h"

#include "tests/unit/scratchfile.h"

#include "config/value.h"

#include "tests/lib/unittest.h"

enum { TEXT_MAX = 256, ARGS_MAX = 12 };

/* ---- A made-up process ---------------------------------------------------------------------- */

struct process {
    char *argv[ARGS_MAX + 1], *environment[ARGS_MAX + 1];
    int argc, variables;
};

static void add_flag(struct process *process, const char *format, const char *a, const char *b)
{
    ck_assert_int_lt(process->argc, ARGS_MAX);
    ck_assert_int_ge(asprintf(&process->argv[process->argc++], format, a, b), 0);
}

static void add_variable(struct process *process, const char *name, const char *value)
{
    ck_assert_int_lt(process->variables, ARGS_MAX);
    ck_assert_int_ge(asprintf(&process->environment[process->variables++], "%s=%s", name, value),
                     0);
}

static struct process started(void)
{
    struct process process = {0};
    add_flag(&process, "%s%s", "ranklossd", "");
    return process;
}

static void ended(struct process *process)
{
    for (int i = 0; i < process->argc; i++)
        free(process->argv[i]);
    for (int i = 0; i < process->variables; i++)
        free(process->environment[i]);
}

/* Loads and ends the process. */
static enum rl_status load(struct process *process, struct rl_settings **ret_settings,
                           struct rl_error *error)
{
    const struct rl_sources sources = {process->argc, process->argv, process->environment};
    *ret_settings = NULL;
    const enum rl_status status = rl_settings_load(&sources, ret_settings, error);
    ended(process);
    return status;
}

/* ---- Values to try -------------------------------------------------------------------------- */

/* A value other than the default, in bounds and compatible with all other defaults. */
static void sample(const struct rl_setting *row, char text[TEXT_MAX])
{
    struct rl_settings *settings;
    struct rl_error error;
    switch (row->type) {
    case RL_TYPE_BOOL:
        snprintf(text, TEXT_MAX, "%s", strcmp(row->text, "true") == 0 ? "false" : "true");
        return;
    case RL_TYPE_CHOICE:
        snprintf(text, TEXT_MAX, "%s", strrchr(row->choices, '|') + 1);
        return;
    case RL_TYPE_LIST:
        snprintf(text, TEXT_MAX, "/one,/two");
        return;
    case RL_TYPE_TEXT:
        snprintf(text, TEXT_MAX, "unix:/somewhere");
        return;
    case RL_TYPE_SIZE: /* twice the default, so that the queue still holds a body */
        ck_assert_int_eq(rl_settings_create(&settings, &error), RL_OK);
        rl_value_format_number(
            row->type, 2 * *(const size_t *)(const void *)((const char *)settings + row->offset),
            text, TEXT_MAX);
        rl_settings_free(settings);
        return;
    default:
        rl_value_format_number(row->type, row->max - 1, text, TEXT_MAX);
    }
}

/* The same value as JSON. */
static void sample_json(const struct rl_setting *row, char text[TEXT_MAX])
{
    char value[TEXT_MAX];
    sample(row, value);
    if (row->type == RL_TYPE_BOOL || row->type == RL_TYPE_INTEGER)
        snprintf(text, TEXT_MAX, "%.100s", value);
    else if (row->type == RL_TYPE_LIST)
        snprintf(text, TEXT_MAX, "[\"/one\", \"/two\"]");
    else
        snprintf(text, TEXT_MAX, "\"%.100s\"", value);
}

/* TLS settings need each other. */
static void add_companions(struct process *process, const struct rl_setting *row)
{
    static const char *const names[] = {"tls-cert", "tls-key"};
    for (int i = 0; i < 2; i++)
        if (strncmp(row->name, "tls-", 4) == 0 && strcmp(row->name, names[i]) != 0)
            add_flag(process, "--%s=%s", names[i], "companion");
}

static const char *write_config(const char *key, const char *json)
{
    char text[4 * TEXT_MAX];
    snprintf(text, sizeof(text), "{\"%s\": %s}", key, json);
    return scratch_text("config.json", text);
}

static void expect_value(struct process *process, const struct rl_setting *row, const char *value,
                         enum rl_source source)
{
    struct rl_settings *settings, *expected;
    struct rl_error error;
    ck_assert_msg(load(process, &settings, &error) == RL_OK, "%s", error.detail);
    ck_assert_int_eq(rl_settings_create(&expected, &error), RL_OK);
    ck_assert_int_eq(rl_settings_set(expected, row, value, source, &error), RL_OK);
    ck_assert_msg(rl_settings_equal(settings, expected, row), "%s is not %s", row->name, value);
    ck_assert_int_eq(settings->sources[row - rl_setting_get(0)], source);
    rl_settings_free(settings);
    rl_settings_free(expected);
}

/* Refused with one line that starts with the setting's name and holds `shown`. */
static void expect_refusal(struct process *process, const struct rl_setting *row, const char *shown)
{
    struct rl_settings *settings;
    struct rl_error error;
    ck_assert_int_eq(load(process, &settings, &error), RL_CONFIG);
    ck_assert_ptr_null(settings);
    ck_assert_msg(strncmp(error.detail, row->name, strlen(row->name)) == 0, "%s", error.detail);
    ck_assert_msg(strstr(error.detail, shown) != NULL, "%s", error.detail);
    ck_assert_ptr_null(strchr(error.detail, '\n'));
}

/* ---- Each setting --------------------------------------------------------------------------- */

START_LOOP_TEST(from_a_flag, RL_SETTINGS)
{
    const struct rl_setting *const row = rl_setting_get((enum rl_setting_id)_i);
    char value[TEXT_MAX];
    struct process attached = started(), apart = started();
    sample(row, value);
    add_companions(&attached, row);
    add_flag(&attached, "--%s=%s", row->name, value);
    expect_value(&attached, row, value, RL_SOURCE_FLAG);
    add_companions(&apart, row);
    if (row->type == RL_TYPE_BOOL) {
        add_flag(&apart, "--%s%s", strcmp(value, "true") == 0 ? "" : "no-", row->name);
    } else {
        add_flag(&apart, "--%s%s", row->name, "");
        add_flag(&apart, "%s%s", value, "");
    }
    expect_value(&apart, row, value, RL_SOURCE_FLAG);
}
END_TEST

START_LOOP_TEST(from_the_environment, RL_SETTINGS)
{
    const struct rl_setting *const row = rl_setting_get((enum rl_setting_id)_i);
    char value[TEXT_MAX], name[RL_SETTING_PLACE_MAX];
    struct process process = started();
    sample(row, value);
    rl_setting_place(row, RL_SOURCE_ENVIRONMENT, name);
    add_variable(&process, name, value);
    add_companions(&process, row);
    expect_value(&process, row, value, RL_SOURCE_ENVIRONMENT);
}
END_TEST

START_LOOP_TEST(from_the_file, RL_SETTINGS)
{
    const struct rl_setting *const row = rl_setting_get((enum rl_setting_id)_i);
    char value[TEXT_MAX], json[TEXT_MAX], key[RL_SETTING_PLACE_MAX];
    struct process by_flag = started(), by_variable = started();
    sample(row, value);
    sample_json(row, json);
    rl_setting_place(row, RL_SOURCE_FILE, key);
    const char *const path = write_config(key, json);
    add_flag(&by_flag, "%s%s", "--config", "");
    add_flag(&by_flag, "%s%s", path, "");
    add_companions(&by_flag, row);
    expect_value(&by_flag, row, value, RL_SOURCE_FILE);
    add_variable(&by_variable, "RANKLOSSD_CONFIG", path);
    add_companions(&by_variable, row);
    expect_value(&by_variable, row, value, RL_SOURCE_FILE);
}
END_TEST

/* Flags win over the environment, that over the file. */
START_LOOP_TEST(later_sources_win, RL_SETTINGS)
{
    const struct rl_setting *const row = rl_setting_get((enum rl_setting_id)_i);
    char value[TEXT_MAX], json[TEXT_MAX], key[RL_SETTING_PLACE_MAX], name[RL_SETTING_PLACE_MAX];
    struct process two = started(), three = started();
    sample(row, value);
    sample_json(row, json);
    rl_setting_place(row, RL_SOURCE_FILE, key);
    rl_setting_place(row, RL_SOURCE_ENVIRONMENT, name);
    const char *const path = write_config(key, json);
    add_flag(&two, "--config=%s%s", path, "");
    add_companions(&two, row);
    add_variable(&two, name, value);
    expect_value(&two, row, value, RL_SOURCE_ENVIRONMENT);
    add_flag(&three, "--config=%s%s", path, "");
    add_companions(&three, row);
    add_variable(&three, name, value);
    add_flag(&three, "--%s=%s", row->name, value);
    expect_value(&three, row, value, RL_SOURCE_FLAG);
}
END_TEST

/* A value over the bounds, from each source; the error names the source. */
START_LOOP_TEST(out_of_bounds, RL_SETTINGS)
{
    const struct rl_setting *const row = rl_setting_get((enum rl_setting_id)_i);
    char value[TEXT_MAX], key[RL_SETTING_PLACE_MAX], name[RL_SETTING_PLACE_MAX];
    char json[TEXT_MAX + 2];
    if (row->max == 0)
        return;
    struct process flag = started(), variable = started(), file = started();
    rl_value_format_number(row->type, row->max + 1, value, sizeof(value));
    snprintf(json, sizeof(json), row->type == RL_TYPE_INTEGER ? "%s" : "\"%s\"", value);
    rl_setting_place(row, RL_SOURCE_FILE, key);
    rl_setting_place(row, RL_SOURCE_ENVIRONMENT, name);
    add_flag(&flag, "--%s=%s", row->name, value);
    expect_refusal(&flag, row, "(flag)");
    add_variable(&variable, name, value);
    expect_refusal(&variable, row, name);
    add_flag(&file, "--config=%s%s", write_config(key, json), "");
    expect_refusal(&file, row, "(file)");
}
END_TEST

/* A JSON value of every type that the setting is not. */
START_LOOP_TEST(wrong_type, RL_SETTINGS)
{
    static const struct {
        const char *json;
        unsigned fine; /* bits of enum rl_setting_type */
    } cases[] = {
        {"null", 0},
        {"{}", 0},
        {"{\"a\": 1}", 0},
        {"true", 1u << RL_TYPE_BOOL},
        {"[]", 1u << RL_TYPE_LIST},
        {"[1]", 0},
        {"[[\"a\"]]", 0},
        {"1.5", 1u << RL_TYPE_DURATION},
        {"-7", 0},
        {"\"\\u001b[2J\"", 1u << RL_TYPE_TEXT},
    };
    const struct rl_setting *const row = rl_setting_get((enum rl_setting_id)_i);
    char key[RL_SETTING_PLACE_MAX];
    rl_setting_place(row, RL_SOURCE_FILE, key);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (cases[i].fine & 1u << row->type)
            continue;
        struct process process = started();
        add_flag(&process, "--config=%s%s", write_config(key, cases[i].json), "");
        expect_refusal(&process, row, "(file)");
    }
}
END_TEST

START_LOOP_TEST(a_flag_without_its_value, RL_SETTINGS)
{
    const struct rl_setting *const row = rl_setting_get((enum rl_setting_id)_i);
    if (row->type == RL_TYPE_BOOL)
        return;
    struct process last = started(), before = started();
    add_flag(&last, "--%s%s", row->name, "");
    expect_refusal(&last, row, "needs a value");
    add_flag(&before, "--%s%s", row->name, "");
    add_flag(&before, "--%s%s", "check", "");
    expect_refusal(&before, row, "needs a value");
}
END_TEST

/* ---- Names that are none -------------------------------------------------------------------- */

static void expect_error(struct process *process, const char *detail)
{
    struct rl_settings *settings;
    struct rl_error error;
    ck_assert_int_eq(load(process, &settings, &error), RL_CONFIG);
    ck_assert_str_eq(error.detail, detail);
}

START_LOOP_TEST(unknown_flags, 12)
{
    static const char *const cases[][2] = {
        {"--max-list=3", "unknown flag --max-list; did you mean --max-lists?"},
        {"--colour", "unknown flag --colour; see --help"},
        {"--no-listen", "unknown flag --no-listen; did you mean --listen?"},
        {"--max_lists=3", "unknown flag --max_lists; did you mean --max-lists?"},
        {"--Listen=:1", "unknown flag --Listen; did you mean --listen?"},
        {"--", "unknown flag --; see --help"},
        {"--help=foo", "--help: 'foo' is neither json nor example"},
        {"--version=1", "--version takes no value"},
        {"--check=", "--check takes no value"},
        {"-x", "unexpected argument '-x'; see --help"},
        {"serve", "unexpected argument 'serve'; see --help"},
        {"--config", "config: flag --config needs a value"},
    };
    struct process process = started();
    add_flag(&process, "%s%s", cases[_i][0], "");
    expect_error(&process, cases[_i][1]);
}
END_TEST

static void keep_text(void *context, const char *text)
{
    snprintf(context, RL_DETAIL_MAX, "%s", text);
}

/* The settings load, and the variables give this warning, "" for none. */
static void expect_warning(struct process *process, const char *warning)
{
    const struct rl_sources sources = {process->argc, process->argv, process->environment};
    struct rl_settings *settings;
    struct rl_error error;
    char said[RL_DETAIL_MAX] = "";
    rl_sources_unknown(&sources, keep_text, said);
    ck_assert_str_eq(said, warning);
    ck_assert_msg(load(process, &settings, &error) == RL_OK, "%s", error.detail);
    rl_settings_free(settings);
}

START_LOOP_TEST(unknown_variables, 5)
{
    static const char *const cases[][2] = {
        {"RANKLOSSD_THREAD", "unknown variable RANKLOSSD_THREAD; did you mean RANKLOSSD_THREADS?"},
        {"RANKLOSSD_threads",
         "unknown variable RANKLOSSD_threads; did you mean RANKLOSSD_THREADS?"},
        {"RANKLOSSD_MAX-LISTS",
         "unknown variable RANKLOSSD_MAX-LISTS; did you mean RANKLOSSD_MAX_LISTS?"},
        {"RANKLOSSD_", "unknown variable RANKLOSSD_; see --help"},
        {"RANKLOSSD_FAVOURITE", "unknown variable RANKLOSSD_FAVOURITE; see --help"},
    };
    struct process process = started();
    add_variable(&process, cases[_i][0], "1");
    expect_warning(&process, cases[_i][1]);
}
END_TEST

/* Variables of others, and those Kubernetes sets for a Service called ranklossd. */
START_TEST(variables_left_alone)
{
    static const char *const names[] = {"PATH",
                                        "RANKLOSSD",
                                        "ranklossd_threads",
                                        "RANKLOSSD_ISA",
                                        "RANKLOSSD_PORT",
                                        "RANKLOSSD_PORT_8080_TCP_ADDR",
                                        "RANKLOSSD_SERVICE_HOST",
                                        "RANKLOSSD_SERVICE_PORT_HTTP",
                                        "RANKLOSSD_ADMIN_SERVICE_HOST",
                                        "RANKLOSSD_ADMIN_PORT_9090_TCP_PROTO"};
    struct process process = started();
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        add_variable(&process, names[i], "tcp://10.0.0.1:8080");
    expect_warning(&process, "");
}
END_TEST

/* ---- The file ------------------------------------------------------------------------------- */

START_LOOP_TEST(files_that_are_refused, 11)
{
    static const struct {
        const char *text;
        size_t length; /* 0: strlen */
        const char *says;
    } cases[] = {
        {"", 0, "line 1"},
        {"{", 0, "line 1"},
        {"{\n\"threads\": 1,\n}", 0, "line 3"},
        {"[]", 0, "not one JSON object"},
        {"1", 0, "'[' or '{' expected"},
        {"{\"threads\": 1, \"threads\": 2}", 0, "duplicate"},
        {"{\"threads\": 1\0}", 15, "NUL"},
        {"{\"thread\": 1}", 0, "unknown key in the file: thread; did you mean threads?"},
        {"{\"max-lists\": 1}", 0, "unknown key in the file: max-lists; did you mean max_lists?"},
        {"{\"a\\nb\": 1}", 0, "unknown key in the file: a?b; see --help"},
        {"\xef\xbb\xbf{}", 0, "line 1"},
    };
    struct rl_settings *settings;
    struct rl_error error;
    struct process process = started();
    const char *const text = cases[_i].text;
    const size_t length = cases[_i].length ? cases[_i].length : strlen(text);
    add_flag(&process, "--config=%s%s", scratch_write("config.json", text, length), "");
    ck_assert_int_eq(load(&process, &settings, &error), RL_CONFIG);
    ck_assert_msg(strstr(error.detail, cases[_i].says) != NULL, "%s", error.detail);
    ck_assert_ptr_null(strchr(error.detail, '\n'));
}
END_TEST

START_TEST(files_that_cannot_be_read)
{
    struct rl_settings *settings;
    struct rl_error error;
    struct process absent = started(), directory = started();
    add_variable(&absent, "RANKLOSSD_CONFIG", "/nonexistent/ranklossd.json");
    ck_assert_int_eq(load(&absent, &settings, &error), RL_CONFIG);
    ck_assert_str_eq(error.detail, "config: cannot read /nonexistent/ranklossd.json: "
                                   "No such file or directory");
    add_flag(&directory, "--config=%s%s", scratch_directory, "");
    ck_assert_int_eq(load(&directory, &settings, &error), RL_CONFIG);
}
END_TEST

/* Forms of a value that only the file has. */
START_TEST(values_as_json)
{
    struct rl_settings *s;
    struct rl_error error;
    struct process process = started();
    const char *const path = scratch_text(
        "config.json", "{\"max_body_bytes\": 1000, \"request_timeout\": 0.25, \"body_timeout\": 2,"
                       " \"cors_origins\": \"https://a.example, https://b.example\","
                       " \"open_paths\": [], \"compression\": false, \"log_level\": \"debug\"}");
    add_flag(&process, "--config=%s%s", path, "");
    ck_assert_msg(load(&process, &s, &error) == RL_OK, "%s", error.detail);
    ck_assert_uint_eq(s->max_body_bytes, 1000);
    ck_assert_uint_eq(s->request_timeout, 250);
    ck_assert_uint_eq(s->body_timeout, 2000);
    ck_assert_uint_eq(s->cors_origins.count, 2);
    ck_assert_str_eq(s->cors_origins.items[1], "https://b.example");
    ck_assert_uint_eq(s->open_paths.count, 0);
    ck_assert(!s->compression);
    ck_assert_uint_eq(s->log_level, RL_LOG_DEBUG);
    rl_settings_free(s);
}
END_TEST

START_TEST(the_last_of_several_flags_wins)
{
    struct rl_settings *settings;
    struct rl_error error;
    struct process process = started();
    add_flag(&process, "--config=%s%s", "/nonexistent", "");
    add_flag(&process, "--config=%s%s", scratch_text("config.json", "{\"threads\": 3}"), "");
    add_flag(&process, "--%s%s", "io-threads=1", "");
    add_flag(&process, "--%s%s", "io-threads=2", "");
    add_flag(&process, "--%s%s", "no-compression", "");
    add_flag(&process, "--%s%s", "compression", "");
    ck_assert_msg(load(&process, &settings, &error) == RL_OK, "%s", error.detail);
    ck_assert_uint_eq(settings->threads, 3);
    ck_assert_uint_eq(settings->io_threads, 2);
    ck_assert(settings->compression);
    rl_settings_free(settings);
}
END_TEST

START_TEST(a_bool_takes_the_word_after_it)
{
    struct process process = started();
    add_flag(&process, "--%s%s", "compression", "");
    add_flag(&process, "%s%s", "false", "");
    expect_value(&process, rl_setting_find("compression"), "false", RL_SOURCE_FLAG);
    struct process wrong = started();
    add_flag(&wrong, "--%s%s", "compression", "");
    add_flag(&wrong, "%s%s", "maybe", "");
    expect_refusal(&wrong, rl_setting_find("compression"), "true or false");
}
END_TEST

/* Errors found once all values are in say where the value came from, too. */
START_TEST(errors_of_the_whole_name_their_source)
{
    struct process process = started();
    add_flag(&process, "--%s=%s", "queue-bytes", "1MiB");
    expect_refusal(&process, rl_setting_find("queue-bytes"), "(set by --queue-bytes, flag)");
    struct process variable = started();
    add_variable(&variable, "RANKLOSSD_TLS_CERT", "a.pem");
    expect_refusal(&variable, rl_setting_find("tls-cert"),
                   "(set by RANKLOSSD_TLS_CERT, environment)");
}
END_TEST

START_TEST(the_whole_is_checked)
{
    struct process process = started();
    add_variable(&process, "RANKLOSSD_TLS_CERT", "c.pem");
    expect_error(&process, "tls-cert: it is set but tls-key is not; TLS needs both"
                           " (set by RANKLOSSD_TLS_CERT, environment)");
}
END_TEST

/* ---- Actions -------------------------------------------------------------------------------- */

START_LOOP_TEST(actions, 11)
{
    static const struct {
        const char *flags[2];
        enum rl_action action;
        const char *url;
    } cases[] = {
        {{"--listen=:1", NULL}, RL_ACTION_SERVE, NULL},
        {{"--help", NULL}, RL_ACTION_HELP, NULL},
        {{"-h", NULL}, RL_ACTION_HELP, NULL},
        {{"--help=json", NULL}, RL_ACTION_HELP_JSON, NULL},
        {{"--help=example", NULL}, RL_ACTION_HELP_EXAMPLE, NULL},
        {{"--version", "--nonsense"}, RL_ACTION_VERSION, NULL},
        {{"--threads=x", "-V"}, RL_ACTION_VERSION, NULL},
        {{"--check", "--help"}, RL_ACTION_CHECK, NULL},
        {{"--probe", NULL}, RL_ACTION_PROBE, NULL},
        {{"--probe=http://h:1/readyz", NULL}, RL_ACTION_PROBE, "http://h:1/readyz"},
        {{"--probes", NULL}, RL_ACTION_SERVE, NULL},
    };
    struct process process = started();
    const char *url;
    for (int i = 0; i < 2 && cases[_i].flags[i]; i++)
        add_flag(&process, "%s%s", cases[_i].flags[i], "");
    const struct rl_sources sources = {process.argc, process.argv, process.environment};
    ck_assert_int_eq(rl_sources_action(&sources, &url), cases[_i].action);
    ck_assert_pstr_eq(url, cases[_i].url);
    ended(&process);
}
END_TEST

/* Flags that choose an action are not settings. */
START_TEST(actions_are_not_settings)
{
    struct rl_settings *settings;
    struct rl_error error;
    struct process process = started();
    add_flag(&process, "%s%s", "--check", "");
    add_flag(&process, "%s%s", "--threads=2", "");
    add_flag(&process, "%s%s", "--probe=http://h/", "");
    ck_assert_int_eq(load(&process, &settings, &error), RL_OK);
    ck_assert_uint_eq(settings->threads, 2);
    rl_settings_free(settings);
}
END_TEST

void test_before_all(void)
{
    scratch_create();
}
