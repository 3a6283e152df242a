/*
 * test_exposition.c: both formats, checked line by line against their rules, and by promtool if it
 * is installed.
 */
#include "server/observe/exposition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "server/observe/metrics.h"
#include "server/observe/tracked.h"
#include "tests/lib/unittest.h"

static void count_a_little(void)
{
    rl_metrics_request(RL_METHOD_POST, RL_HANDLER_LOSS, 200, 250000, 300, 4000);
    rl_metrics_request(RL_METHOD_POST, RL_HANDLER_LOSS, 200, 3000000000, 300, 4000);
    rl_metrics_request(RL_METHOD_GET, RL_HANDLER_OTHER, 418, 1, 0, 1);
    rl_metrics_decode(1500, 12);
    rl_metrics_compute(RL_PAIRWISE_HINGE, 5000, 3, 17);
    rl_metrics_batch(2);
    rl_metrics_in_flight(1);
    rl_metrics_set_queue(3, 4096);
    rl_metrics_set_memory(5, 7);
    rl_metrics_set_threads(2, 4);
    rl_metrics_reload(false);
    rl_tracked_add(RL_PAIRWISE_HINGE, "a \"quoted\" \\ name", 0.75);
    rl_tracked_add(RL_PAIRWISE_HINGE, "two\nlines", 1e300);
}

/* All of it, NUL terminated. */
static char *exposed(bool open)
{
    struct rl_text text;
    struct rl_error error;
    size_t length;
    ck_assert_int_eq(rl_metrics_init(10, &error), RL_OK);
    count_a_little();
    rl_text_init(&text);
    rl_exposition_write(open, &text);
    rl_text_append(&text, "", 1);
    ck_assert(!text.failed);
    char *const taken = rl_text_take(&text, &length);
    rl_metrics_release();
    return taken;
}

static void expect_line(const char *text, const char *line)
{
    const size_t length = strlen(line);
    const char *found = text;
    while ((found = strstr(found, line)) != NULL) {
        if ((found == text || found[-1] == '\n') && found[length] == '\n')
            return;
        found++;
    }
    ck_abort_msg("no line '%s'", line);
}

START_LOOP_TEST(values_stand_where_they_belong, 2)
{
    char *const text = exposed(_i);
    static const char *const lines[] = {
        "http_requests_total{method=\"POST\",handler=\"/v1/losses/{loss}\",code=\"200\"} 2",
        "http_requests_total{method=\"GET\",handler=\"other\",code=\"other\"} 1",
        "http_request_duration_seconds_bucket{handler=\"/v1/losses/{loss}\",le=\"0.0001\"} 0",
        "http_request_duration_seconds_bucket{handler=\"/v1/losses/{loss}\",le=\"0.00025\"} 1",
        "http_request_duration_seconds_bucket{handler=\"/v1/losses/{loss}\",le=\"2.5\"} 1",
        "http_request_duration_seconds_bucket{handler=\"/v1/losses/{loss}\",le=\"5.0\"} 2",
        "http_request_duration_seconds_bucket{handler=\"/v1/losses/{loss}\",le=\"+Inf\"} 2",
        "http_request_duration_seconds_sum{handler=\"/v1/losses/{loss}\"} 3.00025",
        "http_request_duration_seconds_count{handler=\"/v1/losses/{loss}\"} 2",
        "http_request_size_bytes_sum{handler=\"/v1/losses/{loss}\"} 600",
        "http_requests_in_flight 1",
        "ranklossd_lists_total{loss=\"pairwise_hinge\"} 3",
        "ranklossd_lists_total{loss=\"ndcg\"} 0",
        "ranklossd_items_total 12",
        "ranklossd_pairs_total 17",
        "ranklossd_batch_requests_bucket{le=\"1.0\"} 0",
        "ranklossd_batch_requests_bucket{le=\"2.0\"} 1",
        "ranklossd_queue_depth 3",
        "ranklossd_queue_bytes 4096",
        "ranklossd_request_memory_bytes 5",
        "ranklossd_request_memory_limit_bytes 7",
        "ranklossd_threads 2",
        "ranklossd_rejected_requests_total{reason=\"queue_full\"} 0",
        "ranklossd_config_reloads_total{result=\"failed\"} 1",
        "ranklossd_config_last_reload_successful 0",
        "ranklossd_loss{loss=\"pairwise_hinge\",name=\"a \\\"quoted\\\" \\\\ name\"} 0.75",
        "ranklossd_loss_values_count{loss=\"pairwise_hinge\",name=\"two\\nlines\"} 1",
        "ranklossd_names_dropped_total 0",
        "ranklossd_log_lines_dropped_total 0",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        expect_line(text, lines[i]);
    ck_assert_ptr_nonnull(strstr(text, "\nprocess_resident_memory_bytes "));
    ck_assert_ptr_nonnull(strstr(text, "\nprocess_cpu_seconds_total "));
    free(text);
}
END_TEST

/* Whether a sample's name is the family's, with a suffix that its type has. */
static bool belongs(const char *name, size_t length, const char *family, const char *type,
                    bool open)
{
    const size_t stem = strlen(family);
    char suffix[32];
    if (length < stem || strncmp(name, family, stem) != 0 || length - stem >= sizeof(suffix))
        return false;
    snprintf(suffix, sizeof(suffix), "%.*s", (int)(length - stem), name + stem);
    if (strcmp(type, "counter") == 0)
        return strcmp(suffix, open ? "_total" : "") == 0;
    if (strcmp(type, "histogram") == 0)
        return strcmp(suffix, "_bucket") == 0 || strcmp(suffix, "_sum") == 0 ||
               strcmp(suffix, "_count") == 0;
    if (strcmp(type, "summary") == 0)
        return strcmp(suffix, "_sum") == 0 || strcmp(suffix, "_count") == 0;
    return suffix[0] == '\0';
}

/* Each family has one HELP and one TYPE, in this order, and its samples follow them at once. */
START_LOOP_TEST(families_are_whole, 2)
{
    char *const text = exposed(_i);
    char family[128] = "", helped[128] = "", type[32] = "", seen[8192] = " ";
    for (const char *line = text; *line && strcmp(line, "# EOF\n") != 0;
         line += strcspn(line, "\n") + 1) {
        if (sscanf(line, "# HELP %127s", helped) == 1) {
            char key[160];
            snprintf(key, sizeof(key), " %s ", helped);
            ck_assert_msg(strstr(seen, key) == NULL, "%s twice", helped);
            strncat(seen, key + 1, sizeof(seen) - strlen(seen) - 1);
        } else if (sscanf(line, "# TYPE %127s %31s", family, type) == 2) {
            ck_assert_str_eq(family, helped);
            const size_t length = strlen(family);
            const bool total = length > 6 && strcmp(family + length - 6, "_total") == 0;
            ck_assert_int_eq(total, !_i && strcmp(type, "counter") == 0);
        } else {
            ck_assert_int_ne(line[0], '#');
            const size_t length = strcspn(line, "{ ");
            ck_assert_msg(belongs(line, length, family, type, _i), "%.60s in %s", line, family);
        }
    }
    const size_t length = strlen(text);
    ck_assert_int_eq(text[length - 1], '\n');
    ck_assert_int_eq(strcmp(text + length - 7, "\n# EOF\n") == 0, _i);
    free(text);
}
END_TEST

/* No count in a histogram is under the one before it, and the last equals _count. */
START_LOOP_TEST(histograms_are_cumulative, 2)
{
    char *const text = exposed(_i);
    unsigned long long last = 0;
    unsigned histograms = 0;
    for (const char *rest = text; *rest; rest += strcspn(rest, "\n") + 1) {
        char line[256];
        snprintf(line, sizeof(line), "%.*s", (int)strcspn(rest, "\n"), rest);
        const char *const space = strrchr(line, ' ');
        if (line[0] != '#' && strstr(line, "_bucket{")) {
            const unsigned long long value = strtoull(space + 1, NULL, 10);
            ck_assert_uint_ge(value, last);
            last = value;
        } else if (line[0] != '#' && strstr(line, "_count") && !strstr(line, "loss_values")) {
            ck_assert_uint_eq(strtoull(space + 1, NULL, 10), last);
            last = 0;
            histograms++;
        }
    }
    ck_assert_uint_ge(histograms, 9);
    free(text);
}
END_TEST

START_TEST(promtool_has_no_complaint)
{
    if (system("command -v promtool >/dev/null") != 0) {
        test_skip("promtool is not installed");
        return;
    }
    char *const text = exposed(false);
    FILE *const tool = popen("promtool check metrics", "we");
    ck_assert_ptr_nonnull(tool);
    fputs(text, tool);
    const int status = pclose(tool);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    free(text);
}
END_TEST

START_TEST(each_format_has_its_type)
{
    ck_assert_str_eq(rl_exposition_type(false), "text/plain; version=0.0.4; charset=utf-8");
    ck_assert_str_eq(rl_exposition_type(true),
                     "application/openmetrics-text; version=1.0.0; charset=utf-8");
}
END_TEST

void test_before_all(void)
{
    struct rl_error error;
    ck_assert_msg(rl_init(NULL, &error) == RL_OK, "%s", error.detail);
}
