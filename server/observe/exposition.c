/*
 * exposition.c: writes the counters as text for Prometheus.
 *
 * The two formats are nearly alike: OpenMetrics names a counter's family without "_total" and ends
 * with "# EOF". Labels and bounds are the same in both.
 */
#include "server/observe/exposition.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/rankloss.h"
#include "server/observe/log.h"
#include "server/observe/metrics.h"
#include "server/observe/procfs.h"
#include "server/observe/tracked.h"

struct out {
    struct rl_text *text;
    bool open;
};

const char *rl_exposition_type(bool open)
{
    return open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- Families and samples ------------------------------------------------------------------- */

/* The head of a family; a counter's name is given without "_total". */
static void family(const struct out *out, const char *name, const char *type, const char *help)
{
    const bool suffix = !out->open && strcmp(type, "counter") == 0;
    const char *const end = suffix ? "_total" : "";
    rl_text_format(out->text, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, end, help, name, end, type);
}

/* One sample: `suffix` is appended to the family's name; `labels` goes between the braces. */
static void sample(const struct out *out, const char *name, const char *suffix, const char *labels,
                   uint64_t value)
{
    const char *const open = *labels ? "{" : "", *const close = *labels ? "}" : "";
    rl_text_format(out->text, "%s%s%s%s%s %" PRIu64 "\n", name, suffix, open, labels, close, value);
}

static void sample_double(const struct out *out, const char *name, const char *suffix,
                          const char *labels, double value)
{
    const char *const open = *labels ? "{" : "", *const close = *labels ? "}" : "";
    rl_text_format(out->text, "%s%s%s%s%s ", name, suffix, open, labels, close);
    rl_text_double(out->text, value);
    rl_text_string(out->text, "\n");
}

static void counter(const struct out *out, const char *name, const char *help, uint64_t value)
{
    family(out, name, "counter", help);
    sample(out, name, "_total", "", value);
}

static void gauge(const struct out *out, const char *name, const char *help, uint64_t value)
{
    family(out, name, "gauge", help);
    sample(out, name, "", "", value);
}

/* A gauge that is a sum of changes. A read during changes may see it below 0 for a moment. */
static void changes(const struct out *out, const char *name, const char *help, uint64_t sum)
{
    gauge(out, name, help, (int64_t)sum < 0 ? 0 : sum);
}

/* The samples of one histogram. The sum is divided by `unit`: 1e9 for nanoseconds to seconds. */
static void histogram(const struct out *out, const char *name, const char *labels,
                      const struct rl_bound *bounds, size_t buckets, const uint64_t *cells,
                      uint64_t sum, double unit)
{
    const char *const comma = *labels ? "," : "";
    uint64_t count = 0;
    for (size_t i = 0; i <= buckets; i++) {
        const char *const bound = i < buckets ? bounds[i].label : "+Inf";
        count += cells[i];
        rl_text_format(out->text, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", name, labels, comma,
                       bound, count);
    }
    sample_double(out, name, "_sum", labels, (double)sum / unit);
    sample(out, name, "_count", labels, count);
}

static void time_histogram(const struct out *out, const char *name, const char *labels,
                           const struct rl_time_histogram *value)
{
    histogram(out, name, labels, rl_time_bounds, RL_TIME_BUCKETS, value->cells, value->sum, 1e9);
}

static void size_histogram(const struct out *out, const char *name, const char *labels,
                           const struct rl_size_histogram *value)
{
    histogram(out, name, labels, rl_size_bounds, RL_SIZE_BUCKETS, value->cells, value->sum, 1);
}

/* ---- HTTP ----------------------------------------------------------------------------------- */

enum { LABELS_MAX = 160 };

static void write_requests(const struct out *out, const struct rl_counters *counters)
{
    static const char name[] = "http_requests";
    char labels[LABELS_MAX], code[16];
    family(out, name, "counter", "Requests answered.");
    for (unsigned m = 0; m < RL_METHODS; m++)
        for (unsigned h = 0; h < RL_HANDLERS; h++)
            for (size_t c = 0; c < RL_CODES; c++) {
                if (counters->requests[m][h][c] == 0)
                    continue;
                snprintf(code, sizeof(code), "%u", rl_code_at(c));
                snprintf(labels, sizeof(labels), "method=\"%s\",handler=\"%s\",code=\"%s\"",
                         rl_method_name((enum rl_method)m), rl_handler_name((enum rl_handler)h),
                         rl_code_at(c) ? code : "other");
                sample(out, name, "_total", labels, counters->requests[m][h][c]);
            }
}

/* Handlers without requests are left out of the histograms. */
static bool was_used(const struct rl_time_histogram *value)
{
    for (size_t i = 0; i <= RL_TIME_BUCKETS; i++)
        if (value->cells[i])
            return true;
    return false;
}

static void write_durations(const struct out *out, const struct rl_counters *counters)
{
    static const char name[] = "http_request_duration_seconds";
    char labels[LABELS_MAX];
    family(out, name, "histogram", "Time from a request's headers to the end of its reply.");
    for (unsigned h = 0; h < RL_HANDLERS; h++) {
        snprintf(labels, sizeof(labels), "handler=\"%s\"", rl_handler_name((enum rl_handler)h));
        if (was_used(&counters->duration[h]))
            time_histogram(out, name, labels, &counters->duration[h]);
    }
}

static void write_sizes(const struct out *out, const char *name, const char *help,
                        const struct rl_counters *counters, const struct rl_size_histogram *values)
{
    char labels[LABELS_MAX];
    family(out, name, "histogram", help);
    for (unsigned h = 0; h < RL_HANDLERS; h++) {
        snprintf(labels, sizeof(labels), "handler=\"%s\"", rl_handler_name((enum rl_handler)h));
        if (was_used(&counters->duration[h]))
            size_histogram(out, name, labels, &values[h]);
    }
}

static void write_http(const struct out *out, const struct rl_counters *counters)
{
    write_requests(out, counters);
    write_durations(out, counters);
    changes(out, "http_requests_in_flight", "Requests being received, computed or answered.",
            counters->in_flight);
    write_sizes(out, "http_request_size_bytes", "Bytes of request bodies as sent.", counters,
                counters->request_size);
    write_sizes(out, "http_response_size_bytes", "Bytes of reply bodies as sent.", counters,
                counters->response_size);
}

/* ---- Stages of a request -------------------------------------------------------------------- */

static void write_lists(const struct out *out, const struct rl_counters *counters)
{
    static const char name[] = "ranklossd_lists";
    char labels[LABELS_MAX];
    family(out, name, "counter", "Lists evaluated, by loss or metric.");
    for (unsigned i = 0; i < RL_MEASURES; i++) {
        snprintf(labels, sizeof(labels), "loss=\"%s\"",
                 rl_measure_get((enum rl_measure_id)i)->name);
        sample(out, name, "_total", labels, counters->lists[i]);
    }
}

static void write_computing(const struct out *out, const struct rl_counters *counters)
{
    static const char name[] = "ranklossd_compute_duration_seconds";
    char labels[LABELS_MAX];
    family(out, name, "histogram", "Time to compute one loss or metric of one request.");
    for (unsigned i = 0; i < RL_MEASURES; i++) {
        snprintf(labels, sizeof(labels), "loss=\"%s\"",
                 rl_measure_get((enum rl_measure_id)i)->name);
        if (was_used(&counters->compute[i]))
            time_histogram(out, name, labels, &counters->compute[i]);
    }
}

static void write_stage(const struct out *out, const char *name, const char *help,
                        const struct rl_time_histogram *value)
{
    family(out, name, "histogram", help);
    time_histogram(out, name, "", value);
}

static void write_stages(const struct out *out, const struct rl_counters *counters)
{
    static const char batch[] = "ranklossd_batch_requests";
    write_lists(out, counters);
    counter(out, "ranklossd_items", "Items decoded.", counters->items);
    counter(out, "ranklossd_pairs", "Pairs that the losses summed over.", counters->pairs);
    write_stage(out, "ranklossd_read_duration_seconds", "Time to read one request's body.",
                &counters->read);
    write_stage(out, "ranklossd_decode_duration_seconds", "Time to decode one request.",
                &counters->decode);
    write_computing(out, counters);
    write_stage(out, "ranklossd_encode_duration_seconds", "Time to encode one reply.",
                &counters->encode);
    write_stage(out, "ranklossd_write_duration_seconds", "Time to send one reply.",
                &counters->write);
    write_stage(out, "ranklossd_queue_wait_seconds", "Time a large request waited to be computed.",
                &counters->queue_wait);
    family(out, batch, "histogram", "Requests computed in one pass of the executor.");
    histogram(out, batch, "", rl_batch_bounds, RL_BATCH_BUCKETS, counters->batch.cells,
              counters->batch.sum, 1);
}

/* ---- State ---------------------------------------------------------------------------------- */

static void write_rejections(const struct out *out, const struct rl_counters *counters)
{
    static const char name[] = "ranklossd_rejected_requests";
    char labels[LABELS_MAX];
    family(out, name, "counter", "Requests rejected without being computed.");
    for (unsigned i = 0; i < RL_REJECTS; i++) {
        snprintf(labels, sizeof(labels), "reason=\"%s\"", rl_reject_name((enum rl_reject)i));
        sample(out, name, "_total", labels, counters->rejected[i]);
    }
    counter(out, "ranklossd_connections_rejected", "Connections rejected at max-connections.",
            counters->connections_rejected);
    counter(out, "ranklossd_client_gone", "Requests dropped because their client had disconnected.",
            counters->client_gone);
}

static void write_reloads(const struct out *out, const struct rl_counters *counters)
{
    static const char name[] = "ranklossd_config_reloads";
    family(out, name, "counter", "Reloads of the configuration.");
    sample(out, name, "_total", "result=\"ok\"", counters->reloads_ok);
    sample(out, name, "_total", "result=\"failed\"", counters->reloads_failed);
}

static void write_gauges(const struct out *out, const struct rl_counters *counters)
{
    struct rl_gauges gauges;
    rl_metrics_read_gauges(&gauges);
    changes(out, "ranklossd_connections", "Open connections.", counters->connections);
    gauge(out, "ranklossd_max_connections", "Limit of open connections.", gauges.max_connections);
    gauge(out, "ranklossd_queue_depth", "Large requests waiting.", gauges.queue_depth);
    gauge(out, "ranklossd_queue_capacity", "Limit of large requests waiting.",
          gauges.queue_capacity);
    gauge(out, "ranklossd_queue_bytes", "Bytes of the requests waiting.", gauges.queue_bytes);
    gauge(out, "ranklossd_queue_capacity_bytes", "Limit of bytes waiting.",
          gauges.queue_bytes_limit);
    gauge(out, "ranklossd_request_memory_bytes",
          "Memory of all requests together, with replies not yet sent.", gauges.memory);
    gauge(out, "ranklossd_request_memory_limit_bytes", "Limit of that memory.",
          gauges.memory_limit);
    gauge(out, "ranklossd_threads", "Threads that compute large requests.", gauges.threads);
    gauge(out, "ranklossd_io_threads", "Threads that read and write.", gauges.io_threads);
    gauge(out, "ranklossd_ready", "1 while /readyz answers 200.", gauges.ready);
    gauge(out, "ranklossd_config_last_reload_successful", "1 unless the last reload failed.",
          gauges.last_reload_ok);
}

static void write_build(const struct out *out)
{
    static const char name[] = "ranklossd_build_info";
    char labels[LABELS_MAX];
    family(out, name, "gauge", "Version, revision and instruction set; always 1.");
    snprintf(labels, sizeof(labels), "version=\"%s\",revision=\"%s\",isa=\"%s\"", RL_VERSION,
             RL_REVISION, rl_isa_name());
    sample(out, name, "", labels, 1);
}

static void process_value(const struct out *out, const char *name, const char *type,
                          const char *help, double value)
{
    if (value < 0)
        return;
    family(out, name, type, help);
    sample_double(out, name, strcmp(type, "counter") == 0 ? "_total" : "", "", value);
}

static void write_process(const struct out *out)
{
    struct rl_process process;
    rl_process_read(&process);
    process_value(out, "process_cpu_seconds", "counter", "CPU time spent, user and system.",
                  process.cpu_seconds);
    process_value(out, "process_open_fds", "gauge", "Open file descriptors.", process.open_fds);
    process_value(out, "process_max_fds", "gauge", "Limit of open file descriptors.",
                  process.max_fds);
    process_value(out, "process_virtual_memory_bytes", "gauge", "Virtual memory.",
                  process.virtual_bytes);
    process_value(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
                  process.resident_bytes);
    process_value(out, "process_start_time_seconds", "gauge", "Start, in seconds since 1970.",
                  process.start_time);
}

/* ---- Names ---------------------------------------------------------------------------------- */

/* A label's value: backslash, quote and newline are escaped. */
static void add_label_value(struct rl_text *text, const char *value)
{
    for (const char *c = value; *c; c++) {
        if (*c == '\n')
            rl_text_string(text, "\\n");
        else if (*c == '"' || *c == '\\')
            rl_text_format(text, "\\%c", *c);
        else
            rl_text_append(text, c, 1);
    }
}

/* Writes what is tracked of one kind of measure: values, or differences. */
struct named {
    const struct out *out;
    enum rl_kind kind;
    bool differences;
};

static const char *kind_name(enum rl_kind kind)
{
    return kind == RL_LOSS ? "loss" : "metric";
}

static bool is_wanted(const struct named *named, const struct rl_tracked *value)
{
    return rl_measure_get(value->measure)->kind == named->kind &&
           (value->baseline != NULL) == named->differences;
}

/* ranklossd_loss or ranklossd_metric, a suffix, and the labels but for the last brace. */
static void named_head(const struct out *out, const char *suffix, const struct rl_tracked *value)
{
    const struct rl_measure *const measure = rl_measure_get(value->measure);
    const char *const kind = kind_name(measure->kind);
    rl_text_format(out->text, "ranklossd_%s%s%s{%s=\"%s\",name=\"", kind,
                   value->baseline ? "_difference" : "", suffix, kind, measure->name);
    add_label_value(out->text, value->name);
    if (value->baseline) {
        rl_text_string(out->text, "\",baseline=\"");
        add_label_value(out->text, value->baseline);
    }
    rl_text_string(out->text, "\"");
}

static void write_number(const struct out *out, double number)
{
    rl_text_string(out->text, "} ");
    rl_text_double(out->text, number);
    rl_text_string(out->text, "\n");
}

static void write_last(void *context, const struct rl_tracked *value)
{
    const struct named *const named = context;
    if (!is_wanted(named, value))
        return;
    named_head(named->out, "", value);
    write_number(named->out, value->last);
}

static void write_bounds(void *context, const struct rl_tracked *value)
{
    static const char *const sides[] = {",bound=\"low\"", ",bound=\"high\""};
    const struct named *const named = context;
    for (int side = 0; side < 2 && is_wanted(named, value) && isfinite(value->bounds[side]);
         side++) {
        named_head(named->out, "_confidence", value);
        rl_text_string(named->out->text, sides[side]);
        write_number(named->out, value->bounds[side]);
    }
}

static void write_summary(void *context, const struct rl_tracked *value)
{
    const struct named *const named = context;
    if (!is_wanted(named, value))
        return;
    named_head(named->out, "_values_sum", value);
    write_number(named->out, value->sum);
    named_head(named->out, "_values_count", value);
    rl_text_string(named->out->text, "} ");
    rl_text_unsigned(named->out->text, value->count);
    rl_text_string(named->out->text, "\n");
}

/* Opens the family ranklossd_<kind><suffix>. */
static void named_family(struct out *out, enum rl_kind kind, const char *suffix, const char *type,
                         const char *help)
{
    char name[64];
    snprintf(name, sizeof(name), "ranklossd_%s%s", kind == RL_LOSS ? "loss" : "metric", suffix);
    family(out, name, type, help);
}

static void write_kind(struct out *out, enum rl_kind kind)
{
    const bool loss = kind == RL_LOSS;
    struct named values = {out, kind, false}, differences = {out, kind, true};
    named_family(out, kind, "", "gauge",
                 loss ? "Last value of a loss under a tracked name."
                      : "Last value of a metric under a tracked name.");
    rl_tracked_read(write_last, &values);
    named_family(out, kind, "_confidence", "gauge",
                 "Confidence interval of that value, where it was asked for.");
    rl_tracked_read(write_bounds, &values);
    named_family(out, kind, "_values", "summary",
                 loss ? "Values of losses under a tracked name."
                      : "Values of metrics under a tracked name.");
    rl_tracked_read(write_summary, &values);
    named_family(out, kind, "_difference", "gauge", "A compared system minus its baseline, last.");
    rl_tracked_read(write_last, &differences);
    named_family(out, kind, "_difference_confidence", "gauge",
                 "Confidence interval of that difference.");
    rl_tracked_read(write_bounds, &differences);
}

static void write_names(struct out *out)
{
    write_kind(out, RL_LOSS);
    write_kind(out, RL_METRIC);
    counter(out, "ranklossd_names_dropped", "Values dropped because track-names was reached.",
            rl_tracked_dropped());
}

/* ---- All ------------------------------------------------------------------------------------ */

void rl_exposition_write(bool open, struct rl_text *text)
{
    struct out out = {.text = text, .open = open};
    struct rl_counters counters;
    rl_metrics_read(&counters);
    write_build(&out);
    write_http(&out, &counters);
    write_stages(&out, &counters);
    write_rejections(&out, &counters);
    write_reloads(&out, &counters);
    write_gauges(&out, &counters);
    counter(&out, "ranklossd_log_lines_dropped",
            "Log lines dropped because the output was blocked or failed.", rl_log_dropped());
    write_names(&out);
    write_process(&out);
    if (open)
        rl_text_string(text, "# EOF\n");
}
