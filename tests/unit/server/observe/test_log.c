/*
 * test_log.c: lines keep their form whatever is in them, and logging never waits or fails.
 */
#include "server/observe/log.h"

#include "tests/unit/scratchfile.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/lib/unittest.h"

enum { TEXT_MAX = 1 << 16 };

/* Log to a fresh file. */
static int to_file(enum rl_log_format format, enum rl_log_level level)
{
    const int fd =
        open(scratch_path("log"), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    rl_log_init(fd, format, level);
    return fd;
}

/* All that was written to the file, NUL terminated. */
static char *written(int fd)
{
    static char text[TEXT_MAX];
    const ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
    ck_assert_int_ge(length, 0);
    text[length] = '\0';
    return text;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; (text = strchr(text, '\n')) != NULL; text++)
        lines++;
    return lines;
}

/* ---- Form ----------------------------------------------------------------------------------- */

START_TEST(text_form)
{
    const int fd = to_file(RL_FORMAT_TEXT, RL_LOG_DEBUG);
    RL_LOG_WITH(RL_LOG_WARNING, "disk is slow", RL_FIELD_TEXT("path", "/a b"),
                RL_FIELD_TEXT("user", "joe"), RL_FIELD_INTEGER("count", -3),
                RL_FIELD_SECONDS("took", 0.5), RL_FIELD_TEXT("absent", NULL));
    const char *const text = written(fd);
    unsigned parts[7];
    ck_assert_int_eq(sscanf(text, "%4u-%2u-%2uT%2u:%2u:%2u.%3uZ", &parts[0], &parts[1], &parts[2],
                            &parts[3], &parts[4], &parts[5], &parts[6]),
                     7);
    ck_assert_str_eq(text + 24, " warning disk is slow path=\"/a b\" user=joe count=-3 "
                                "took=0.500000\n");
    close(fd);
}
END_TEST

START_TEST(json_form)
{
    const int fd = to_file(RL_FORMAT_JSON, RL_LOG_INFO);
    RL_LOG_WITH(RL_LOG_ERROR, "failed", RL_FIELD_TEXT("why", "a \"b\" \\ c"),
                RL_FIELD_INTEGER("code", 7), RL_FIELD_SECONDS("took", 1.25),
                RL_FIELD_TEXT("absent", NULL));
    json_t *const root = json_loads(written(fd), JSON_REJECT_DUPLICATES, NULL);
    const char *time, *level, *message, *why;
    int code;
    double took;
    ck_assert_int_eq(json_unpack_ex(root, NULL, JSON_STRICT, "{ss ss ss ss si sf}", "time", &time,
                                    "level", &level, "message", &message, "why", &why, "code",
                                    &code, "took", &took),
                     0);
    ck_assert_uint_eq(strlen(time), strlen("2026-01-02T03:04:05.678Z"));
    ck_assert_str_eq(level, "error");
    ck_assert_str_eq(why, "a \"b\" \\ c");
    ck_assert_int_eq(code, 7);
    ck_assert_double_eq(took, 1.25);
    json_decref(root);
    close(fd);
}
END_TEST

/* The clock of the line is the clock of the machine. */
START_TEST(times_are_now_in_utc)
{
    const int fd = to_file(RL_FORMAT_TEXT, RL_LOG_INFO);
    const time_t before = time(NULL);
    struct tm told = {0};
    setenv("TZ", "Pacific/Auckland", 1);
    rl_log(RL_LOG_INFO, "now");
    ck_assert_ptr_nonnull(strptime(written(fd), "%Y-%m-%dT%H:%M:%S", &told));
    ck_assert_int_ge(timegm(&told), before);
    ck_assert_int_le(timegm(&told), time(NULL));
    close(fd);
}
END_TEST

/* Texts that would start a line, fake a field or control a terminal, and bytes that are not UTF-8.
 */
START_LOOP_TEST(hostile_texts_stay_inside_their_value, 21)
{
    static const char *const texts[] = {
        "a\nb",
        "a\r\nb",
        "\x1b[2J",
        "a\"b",
        "a\\b",
        "a=b c=d",
        "\x7f",
        "\xc2\x9b\x31",
        "a\xe2\x80\xa8 b",
        "a\xe2\x80\xa9 b",
        "\xff\xfe",
        "\xc3",
        "\xe2\x82",
        "\xed\xa0\x80",
        "\xf0\x9f",
        "\xf4\x90\x80\x80",
        "\xc0\xaf",
        "\xe0\x80\xaf",
        "",
        "\xe2\x82\xac ok",
        "\xf0\x9f\x98\x80",
    };
    for (int json = 0; json < 2; json++) {
        const int fd = to_file(json ? RL_FORMAT_JSON : RL_FORMAT_TEXT, RL_LOG_INFO);
        RL_LOG_WITH(RL_LOG_INFO, "it", RL_FIELD_TEXT("value", texts[_i]),
                    RL_FIELD_INTEGER("end", 1));
        const char *const text = written(fd);
        ck_assert_uint_eq(count_lines(text), 1);
        for (const char *c = text; *c != '\n'; c++)
            ck_assert((unsigned char)*c >= 0x20 && *c != 0x7f);
        ck_assert_ptr_null(strstr(text, "\xc2\x9b"));
        ck_assert_ptr_null(strstr(text, "\xe2\x80\xa8")); /* U+2028 */
        ck_assert_ptr_null(strstr(text, "\xe2\x80\xa9")); /* U+2029 */
        if (json) {
            json_t *const root = json_loads(text, 0, NULL);
            ck_assert_ptr_nonnull(root);
            ck_assert_int_eq(json_integer_value(json_object_get(root, "end")), 1);
            json_decref(root);
        } else {
            ck_assert_ptr_nonnull(strstr(text, " end=1\n"));
        }
        close(fd);
    }
}
END_TEST

/* Valid UTF-8 comes through unchanged. */
START_TEST(good_characters_are_kept)
{
    const int fd = to_file(RL_FORMAT_JSON, RL_LOG_INFO);
    const char *const value = "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \xef\xbf\xbd";
    RL_LOG_WITH(RL_LOG_INFO, "it", RL_FIELD_TEXT("value", value));
    json_t *const root = json_loads(written(fd), 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(root, "value")), value);
    json_decref(root);
    close(fd);
}
END_TEST

/* A huge value is cut and later fields are kept; a line of many values is cut too. */
START_LOOP_TEST(long_lines_are_cut_and_whole, 2)
{
    static char huge[100000];
    memset(huge, _i ? '\x01' : 'x', sizeof(huge) - 1);
    for (int json = 0; json < 2; json++) {
        const int fd = to_file(json ? RL_FORMAT_JSON : RL_FORMAT_TEXT, RL_LOG_INFO);
        RL_LOG_WITH(RL_LOG_INFO, "one", RL_FIELD_TEXT("path", huge),
                    RL_FIELD_INTEGER("status", 404));
        ck_assert_ptr_nonnull(strstr(written(fd), json ? "\"status\":404" : "status=404\n"));
        RL_LOG_WITH(RL_LOG_INFO, "many", RL_FIELD_TEXT("a", huge), RL_FIELD_TEXT("b", huge),
                    RL_FIELD_TEXT("c", huge), RL_FIELD_TEXT("d", huge), RL_FIELD_TEXT("e", huge));
        const char *text = written(fd);
        ck_assert_uint_eq(count_lines(text), 2);
        for (; *text; text += strcspn(text, "\n") + 1) {
            ck_assert_uint_le(strcspn(text, "\n") + 1, RL_LOG_LINE_MAX);
            json_t *const root = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
            ck_assert_int_eq(root != NULL, json);
            json_decref(root);
        }
        close(fd);
    }
}
END_TEST

START_TEST(levels_hold_back_lines)
{
    const int fd = to_file(RL_FORMAT_TEXT, RL_LOG_WARNING);
    ck_assert(rl_log_enabled(RL_LOG_ERROR) && rl_log_enabled(RL_LOG_WARNING));
    ck_assert(!rl_log_enabled(RL_LOG_INFO) && !rl_log_enabled(RL_LOG_DEBUG));
    rl_log(RL_LOG_INFO, "not this");
    rl_log_set_level(RL_LOG_DEBUG);
    rl_log(RL_LOG_DEBUG, "but this");
    rl_log_set_level(RL_LOG_ERROR);
    rl_log(RL_LOG_WARNING, "nor this");
    ck_assert_uint_eq(count_lines(written(fd)), 1);
    ck_assert_ptr_nonnull(strstr(written(fd), " debug but this\n"));
    close(fd);
}
END_TEST

START_TEST(access_lines)
{
    const int fd = to_file(RL_FORMAT_JSON, RL_LOG_INFO);
    const struct rl_access full = {.request_id = "id-1",
                                   .method = "POST",
                                   .path = "/v1/x?a=b\n",
                                   .handler = "other",
                                   .trace_id = NULL,
                                   .client = "127.0.0.1",
                                   .status = 200,
                                   .request_bytes = 10,
                                   .response_bytes = 20,
                                   .seconds = 0.25,
                                   .queue = -1,
                                   .decode = 0.001,
                                   .compute = 0.002,
                                   .encode = -1,
                                   .lists = 3,
                                   .items = 12};
    rl_log_access(&full);
    json_t *const root = json_loads(written(fd), 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(root, "message")), "request");
    ck_assert_str_eq(json_string_value(json_object_get(root, "request_id")), "id-1");
    ck_assert_str_eq(json_string_value(json_object_get(root, "path")), "/v1/x?a=b\n");
    ck_assert_int_eq(json_integer_value(json_object_get(root, "status")), 200);
    ck_assert_int_eq(json_integer_value(json_object_get(root, "response_bytes")), 20);
    ck_assert_double_eq(json_real_value(json_object_get(root, "compute")), 0.002);
    ck_assert_int_eq(json_integer_value(json_object_get(root, "items")), 12);
    ck_assert_ptr_null(json_object_get(root, "queue"));
    ck_assert_ptr_null(json_object_get(root, "trace_id"));
    json_decref(root);
    close(fd);
}
END_TEST

/* ---- Targets that fail ---------------------------------------------------------------------- */

static void closed_target(void)
{
    const int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    rl_log_init(fd, RL_FORMAT_TEXT, RL_LOG_INFO);
    rl_log_release();
    rl_log_init(999, RL_FORMAT_TEXT, RL_LOG_INFO);
    close(fd);
}

static void full_target(void)
{
    rl_log_init(open("/dev/full", O_WRONLY | O_CLOEXEC), RL_FORMAT_TEXT, RL_LOG_INFO);
}

static void read_only_target(void)
{
    rl_log_init(open("/dev/zero", O_RDONLY | O_CLOEXEC), RL_FORMAT_TEXT, RL_LOG_INFO);
    rl_log_release();
    rl_log_init(open(scratch_text("ro", ""), O_RDONLY | O_CLOEXEC), RL_FORMAT_TEXT, RL_LOG_INFO);
}

static void broken_pipe_target(void)
{
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    rl_log_init(ends[1], RL_FORMAT_TEXT, RL_LOG_INFO);
    close(ends[0]);
}

static void limited_file_target(void)
{
    const struct rlimit none = {0, 0};
    signal(SIGXFSZ, SIG_IGN);
    to_file(RL_FORMAT_TEXT, RL_LOG_INFO);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
}

START_LOOP_TEST(a_bad_target_costs_only_its_lines, 5)
{
    static void (*const targets[])(void) = {closed_target, full_target, read_only_target,
                                            broken_pipe_target, limited_file_target};
    targets[_i]();
    const uint64_t before = rl_log_dropped();
    for (int i = 0; i < 100; i++) {
        errno = 77;
        RL_LOG_WITH(RL_LOG_INFO, "lost", RL_FIELD_INTEGER("i", i));
        ck_assert_int_eq(errno, 77);
    }
    ck_assert_uint_eq(rl_log_dropped() - before, 100);
}
END_TEST

/* Reads what is there until nothing comes for a moment; returns how many lines that was. */
static size_t drain(int fd, char *ret_last, size_t size)
{
    static char chunk[1 << 20];
    size_t lines = 0;
    for (;;) {
        const ssize_t got = recv(fd, chunk, sizeof(chunk) - 1, MSG_DONTWAIT);
        const ssize_t length =
            got < 0 && errno == ENOTSOCK ? read(fd, chunk, sizeof(chunk) - 1) : got;
        if (length <= 0)
            return lines;
        chunk[length] = '\0';
        lines += count_lines(chunk);
        const size_t tail = (size_t)length < size ? (size_t)length : size - 1;
        memcpy(ret_last, chunk + length - tail, tail);
        ret_last[tail] = '\0';
    }
}

/* A reader that stalls and comes back: nothing waits, the loss is reported, later lines are whole.
 * */
START_LOOP_TEST(a_full_target_recovers, 2)
{
    int ends[2];
    char last[400];
    if (_i == 0) {
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
    } else {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    }
    rl_log_init(ends[1], RL_FORMAT_TEXT, RL_LOG_INFO);
    if (_i == 0) /* the pipe's other users still see it as it was */
        ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
    for (int i = 0; i < 20000; i++)
        RL_LOG_WITH(RL_LOG_INFO, "flood", RL_FIELD_INTEGER("i", i));
    const uint64_t dropped = rl_log_dropped();
    ck_assert_uint_gt(dropped, 0);
    const size_t arrived = drain(ends[0], last, sizeof(last));
    ck_assert_uint_ge(arrived, 20000 - dropped);
    rl_log(RL_LOG_INFO, "after");
    ck_assert_uint_ge(drain(ends[0], last, sizeof(last)), 2);
    char expected[64];
    snprintf(expected, sizeof(expected), "warning log lines were dropped lines=%llu\n",
             (unsigned long long)dropped);
    ck_assert_msg(strstr(last, expected) != NULL, "%s", last);
    ck_assert_ptr_nonnull(strstr(last, "info after\n"));
    rl_log_release();
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* ---- Repetition ----------------------------------------------------------------------------- */

START_TEST(repeated_lines_are_limited)
{
    const int fd = to_file(RL_FORMAT_TEXT, RL_LOG_INFO);
    for (int i = 0; i < 1000; i++)
        RL_LOG_LIMITED(RL_LOG_WARNING, "again", RL_FIELD_INTEGER("i", i));
    /* The loop may have run across the end of a second. */
    ck_assert_uint_ge(count_lines(written(fd)), RL_LOG_BURST);
    ck_assert_uint_le(count_lines(written(fd)), 2 * RL_LOG_BURST);
    close(fd);
}
END_TEST

START_TEST(what_was_held_back_is_told)
{
    struct rl_log_limit limit = {0};
    uint64_t held = 0, passed = 0, told = 0;
    for (int i = 0; i < 100; i++)
        if (rl_log_limit_pass(&limit, &held)) {
            passed++;
            told += held;
        }
    const struct timespec pause = {1, 100000000};
    nanosleep(&pause, NULL);
    ck_assert(rl_log_limit_pass(&limit, &held));
    ck_assert_uint_eq(told + held + passed, 100);
    ck_assert(rl_log_limit_pass(&limit, &held));
    ck_assert_uint_eq(held, 0);
}
END_TEST

/* ---- Threads -------------------------------------------------------------------------------- */

enum { THREADS = 8, LINES = 2000 };

static void *write_many(void *argument)
{
    const int *const id = argument;
    for (int i = 0; i < LINES; i++) {
        RL_LOG_WITH(RL_LOG_INFO, "from a thread", RL_FIELD_INTEGER("id", *id),
                    RL_FIELD_INTEGER("i", i), RL_FIELD_TEXT("pad", "xxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
        RL_LOG_LIMITED(RL_LOG_DEBUG, "held back", RL_FIELD_INTEGER("i", i));
        rl_log_set_level(i % 2 ? RL_LOG_DEBUG : RL_LOG_INFO);
    }
    return NULL;
}

/* Lines of several threads never mix. */
START_TEST(threads_write_whole_lines)
{
    pthread_t threads[THREADS];
    int ids[THREADS];
    const int fd = to_file(RL_FORMAT_JSON, RL_LOG_INFO);
    for (int i = 0; i < THREADS; i++) {
        ids[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, &ids[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    FILE *const file = fopen(scratch_path("log"), "re");
    char line[RL_LOG_LINE_MAX];
    int lines = 0, limited = 0;
    while (fgets(line, sizeof(line), file)) {
        json_t *const root = json_loads(line, 0, NULL);
        ck_assert_ptr_nonnull(root);
        json_decref(root);
        limited += strstr(line, "held back") != NULL;
        lines++;
    }
    ck_assert_int_eq(lines - limited, THREADS * LINES);
    fclose(file);
    close(fd);
}
END_TEST

void test_before_all(void)
{
    scratch_create();
}
