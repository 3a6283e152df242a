/*
 * settings.h: every setting of ranklossd, one row each, and the struct that holds their values.
 *
 * RL_SETTING_MAP is the only description of a setting. The struct's fields, the flags, the
 * environment variables, the file's keys, --help, the man pages and config/example.json all come
 * from it. To add a setting, add a row.
 *
 * A setting "max-body-bytes" is the flag --max-body-bytes, the variable RANKLOSSD_MAX_BODY_BYTES
 * and the file's key "max_body_bytes". sources.h reads those; this file only knows values.
 *
 * Values as text (flags, environment, and texts in the file):
 *   BOOL      true/false, yes/no, on/off, 1/0
 *   INTEGER   decimal digits
 *   SIZE      bytes, or a number with KiB, MiB or GiB
 *   DURATION  seconds ("2.5"), or a number with ms, s or m; kept in whole milliseconds
 *   TEXT      any text
 *   CHOICE    one of the words listed
 *   LIST      words separated by commas; blanks around them are ignored
 * In the file, a BOOL is true or false, an INTEGER a number, a SIZE or DURATION a number or a text,
 * and a LIST an array of texts or one text.
 *
 * Errors are RL_CONFIG: one line that names the setting, its source, the value and the bounds.
 */
#ifndef RL_SETTINGS_H
#define RL_SETTINGS_H

#include "config/setting.h"

#include "core/rankloss.h"

/* Words of the CHOICE settings, in the order of the choices' texts below. */
enum rl_log_level { RL_LOG_ERROR, RL_LOG_WARNING, RL_LOG_INFO, RL_LOG_DEBUG };
enum rl_log_format { RL_FORMAT_AUTO, RL_FORMAT_TEXT, RL_FORMAT_JSON };
enum rl_access_log { RL_ACCESS_ALL, RL_ACCESS_ERRORS, RL_ACCESS_NONE };
enum rl_socket_mode { RL_MODE_OWNER, RL_MODE_GROUP, RL_MODE_ALL }; /* 0600, 0660, 0666 */

/* How struct rl_settings stores each type. */
#define RL_SETTING_BOOL(field)     bool field;
#define RL_SETTING_INTEGER(field)  size_t field;
#define RL_SETTING_SIZE(field)     size_t field;      /* bytes */
#define RL_SETTING_DURATION(field) uint64_t field;    /* milliseconds */
#define RL_SETTING_TEXT(field)     const char *field; /* never NULL; "" when unset */
#define RL_SETTING_CHOICE(field)   unsigned field;    /* index into the choices */
#define RL_SETTING_LIST(field)     struct rl_words field;

/*
 * X(TYPE, field, members of struct rl_setting). .text is the default; .min and .max bound an
 * INTEGER (count), SIZE (bytes) or DURATION (milliseconds); .choices is "a|b|c"; a .reloadable
 * setting is read again on SIGHUP.
 */
/* clang-format off */
#define RL_SETTING_MAP(X) \
    X(TEXT, listen, .name = "listen", .text = "127.0.0.1:8080", \
      .help = "Address to serve on: HOST:PORT, [IPV6]:PORT, :PORT for every interface, or unix:/path. Port 0 picks a free port. A socket passed by systemd replaces it.") \
    X(TEXT, admin_listen, .name = "admin-listen", .text = "", \
      .help = "Separate address for metrics and health, in the same forms. If empty, they are served on the main address.") \
    X(CHOICE, unix_socket_mode, .name = "unix-socket-mode", .text = "group", .choices = "owner|group|all", \
      .help = "Who may connect to a unix socket: its owner, its group too, or all.") \
    X(INTEGER, threads, .name = "threads", .text = "0", .min = 0, .max = 1024, \
      .help = "Threads that compute large requests. 0: as many as CPU affinity and the cgroup quota allow.") \
    X(INTEGER, io_threads, .name = "io-threads", .text = "0", .min = 0, .max = 1024, \
      .help = "Threads that read requests, answer small ones and write replies. 0: as many as CPU affinity and the cgroup quota allow.") \
    X(SIZE, max_body_bytes, .name = "max-body-bytes", .text = "64MiB", .min = 1, .max = 64 * RL_GIB, \
      .help = "Largest request body as sent.") \
    X(SIZE, max_inflated_bytes, .name = "max-inflated-bytes", .text = "64MiB", .min = 1, .max = 64 * RL_GIB, \
      .help = "Largest request body after decompression.") \
    X(INTEGER, max_lists, .name = "max-lists", .text = "1000000", .min = 1, .max = UINT32_MAX, \
      .help = "Most lists in one request.") \
    X(INTEGER, max_items, .name = "max-items", .text = "20000000", .min = 1, .max = UINT32_MAX, \
      .help = "Most items in one request, over all its lists.") \
    X(INTEGER, max_depth, .name = "max-depth", .text = "32", .min = 4, .max = 512, \
      .help = "Deepest nesting of a request's JSON.") \
    X(INTEGER, max_top_k, .name = "max-top-k", .text = "1000", .min = 1, .max = 1000000, \
      .help = "Largest top_k a request may ask for.") \
    X(INTEGER, max_evaluations, .name = "max-evaluations", .text = "64", .min = 1, .max = 10000, \
      .help = "Most losses and metrics in one evaluate or compare request.") \
    X(INTEGER, max_systems, .name = "max-systems", .text = "16", .min = 2, .max = 1000, \
      .help = "Most systems in one compare request.") \
    X(INTEGER, max_groups, .name = "max-groups", .text = "1000", .min = 1, .max = 1000000, \
      .help = "Most different groups in one request.") \
    X(INTEGER, max_resampled_lists, .name = "max-resampled-lists", .text = "1000000000", .min = 1, .max = 1000000000000, \
      .help = "Most lists that one request may draw: resamples times lists, over all results and systems.") \
    X(SIZE, max_header_bytes, .name = "max-header-bytes", .text = "32KiB", .min = 4 * RL_KIB, .max = 1 * RL_MIB, \
      .help = "Memory of one connection for its request line and headers.") \
    X(INTEGER, max_connections, .name = "max-connections", .text = "20000", .min = 1, .max = 1000000, \
      .help = "Most open connections; further ones are answered 503 and closed.") \
    X(SIZE, max_request_memory, .name = "max-request-memory", .text = "1GiB", .min = 1 * RL_MIB, .max = 1024 * RL_GIB, \
      .help = "Most memory for the decoded form, the results and the reply of one request together.") \
    X(SIZE, max_total_memory, .name = "max-total-memory", .text = "1GiB", .min = 1 * RL_MIB, .max = 1024 * RL_GIB, \
      .help = "Most memory for all requests together: decoded forms, results, replies until they are sent, and the working memory of very long lists; a request that does not fit is answered 503.") \
    X(SIZE, max_json_memory, .name = "max-json-memory", .text = "64MiB", .min = 64 * RL_KIB, .max = 64 * RL_GIB, \
      .help = "Most memory for the JSON parser of one request.") \
    X(INTEGER, queue_capacity, .name = "queue-capacity", .text = "256", .min = 1, .max = 1000000, \
      .help = "Most large requests in the queue; further ones are answered 429.") \
    X(SIZE, queue_bytes, .name = "queue-bytes", .text = "512MiB", .min = 1 * RL_MIB, .max = 1024 * RL_GIB, \
      .help = "Most bytes of request bodies that are arriving or waiting; further requests are answered 429. Small bodies may take an eighth more.") \
    X(DURATION, max_work, .name = "max-work", .text = "30s", .min = 10, .max = 86400000, \
      .help = "Most computation per request, in estimated seconds of one thread; a larger request is answered 413.") \
    X(DURATION, request_timeout, .name = "request-timeout", .text = "30s", .min = 10, .max = 3600000, \
      .help = "Time for a large request to wait and to be computed; after that it is cancelled and answered 503.") \
    X(DURATION, header_timeout, .name = "header-timeout", .text = "10s", .min = 100, .max = 600000, \
      .help = "Total time to receive a request's headers.") \
    X(DURATION, body_timeout, .name = "body-timeout", .text = "60s", .min = 100, .max = 3600000, \
      .help = "Total time to receive a request's body.") \
    X(SIZE, min_upload_rate, .name = "min-upload-rate", .text = "16KiB", .min = 0, .max = 1 * RL_GIB, \
      .help = "Lowest rate at which a body may arrive, in bytes per second over five seconds; a slower one is answered 408. 0: any.") \
    X(DURATION, write_timeout, .name = "write-timeout", .text = "60s", .min = 100, .max = 3600000, \
      .help = "Total time to send a reply.") \
    X(DURATION, idle_timeout, .name = "idle-timeout", .text = "60s", .min = 1000, .max = 86400000, \
      .help = "Time a connection may stay open without a request.") \
    X(DURATION, shutdown_delay, .name = "shutdown-delay", .text = "0s", .min = 0, .max = 3600000, \
      .help = "After SIGTERM, time to keep serving while /readyz already answers 503, so that load balancers notice.") \
    X(DURATION, drain_timeout, .name = "drain-timeout", .text = "30s", .min = 0, .max = 3600000, \
      .help = "Time for requests in flight to finish after shutdown-delay.") \
    X(TEXT, auth_tokens_file, .name = "auth-tokens-file", .text = "", .reloadable = true, \
      .help = "File of bearer tokens, one per line; # starts a comment line. If empty, no token is required.") \
    X(LIST, open_paths, .name = "open-paths", .text = "/,/openapi.json,/livez,/readyz,/healthz,/v2/health/live,/v2/health/ready", \
      .help = "Paths that need no token.") \
    X(TEXT, tls_cert, .name = "tls-cert", .text = "", .reloadable = true, \
      .help = "PEM file with the certificate and its chain. If set, the main address uses TLS.") \
    X(TEXT, tls_key, .name = "tls-key", .text = "", .reloadable = true, \
      .help = "PEM file with the private key of tls-cert.") \
    X(TEXT, tls_client_ca, .name = "tls-client-ca", .text = "", .reloadable = true, \
      .help = "PEM file with the authorities of client certificates. If empty, clients need no certificate.") \
    X(LIST, allowed_hosts, .name = "allowed-hosts", .text = "*", \
      .help = "Host names that requests may use besides IP addresses and localhost; others are answered 421. *: any. A list keeps web pages from reaching a local daemon by DNS rebinding. Not checked if tokens are required.") \
    X(LIST, cors_origins, .name = "cors-origins", .text = "", .reloadable = true, \
      .help = "Origins whose pages may send requests from a browser, or * for all. If empty, only the daemon's own page.") \
    X(BOOL, compression, .name = "compression", .text = "true", \
      .help = "Compress replies with gzip or deflate for clients that accept it.") \
    X(INTEGER, track_names, .name = "track-names", .text = "0", .min = 0, .max = 10000, \
      .help = "Most distinct names, and pairs of compared systems, whose last values are exported. 0: none.") \
    X(CHOICE, log_level, .name = "log-level", .text = "info", .choices = "error|warning|info|debug", .reloadable = true, \
      .help = "Lowest level to log.") \
    X(CHOICE, log_format, .name = "log-format", .text = "auto", .choices = "auto|text|json", \
      .help = "Format of the log on standard error. auto: text on a terminal, otherwise one JSON object per line.") \
    X(CHOICE, access_log, .name = "access-log", .text = "all", .choices = "all|errors|none", \
      .help = "Which requests are logged at level info: all, those answered 400 or above, or none.")
/* clang-format on */

/* Index of each setting: RL_SET_listen, RL_SET_admin_listen, … */
enum rl_setting_id {
#define RL_SETTING_ID(type, field, ...) RL_SET_##field,
    RL_SETTING_MAP(RL_SETTING_ID)
#undef RL_SETTING_ID
        RL_SETTINGS
};

/* All settings. Filled once, then read-only; any thread may read it. */
struct rl_settings {
#define RL_SETTING_FIELD(type, field, ...) RL_SETTING_##type(field)
    RL_SETTING_MAP(RL_SETTING_FIELD)
#undef RL_SETTING_FIELD
    enum rl_source sources[RL_SETTINGS];
};

/* The row of an id, and the row of a name in flag form (NULL when there is none). */
const struct rl_setting *rl_setting_get(enum rl_setting_id id);
const struct rl_setting *rl_setting_find(const char *name);
/* The name nearest to a mistaken one, for "did you mean"; NULL when none is near. */
const char *rl_setting_nearest(const char *name);

/* Every setting at its default. RL_OK or RL_NOMEM. */
enum rl_status rl_settings_create(struct rl_settings **ret_settings, struct rl_error *error);
void rl_settings_free(struct rl_settings *settings); /* takes NULL */

/* Sets one value from text. On failure the setting keeps its old value. */
enum rl_status rl_settings_set(struct rl_settings *settings, const struct rl_setting *setting,
                               const char *value, enum rl_source source, struct rl_error *error);
/* The same for a LIST given as separate items. */
enum rl_status rl_settings_set_items(struct rl_settings *settings, const struct rl_setting *setting,
                                     const struct rl_words *items, enum rl_source source,
                                     struct rl_error *error);

/* Checks rules between settings, such as tls-cert with tls-key. */
enum rl_status rl_settings_check(const struct rl_settings *settings, struct rl_error *error);

/* Appends the source of the value to an error about one setting, whose text starts with its name
 * and a colon. Not for rl_value_refuse's errors, which already have it. */
void rl_settings_blame(const struct rl_settings *settings, struct rl_error *error);

/* Whether two structs hold the same value. */
bool rl_settings_equal(const struct rl_settings *a, const struct rl_settings *b,
                       const struct rl_setting *setting);

/*
 * For a reload: gives `next` the values of `current` wherever a setting may not change while the
 * daemon runs, and calls ignored(context, setting) for each that differed. RL_OK or RL_NOMEM.
 */
enum rl_status rl_settings_keep_fixed(struct rl_settings *next, const struct rl_settings *current,
                                      void (*ignored)(void *context,
                                                      const struct rl_setting *setting),
                                      void *context, struct rl_error *error);

#endif
