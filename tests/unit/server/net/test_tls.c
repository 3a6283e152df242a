/*
 * test_tls.c: certificates under a real libmicrohttpd, with a GnuTLS client on the other side.
 *
 * Keys and certificates are made at the start, in the test's directory.
 */
#include "server/net/tls.h"

#include "tests/unit/scratchfile.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/lib/unittest.h"

/* ---- Certificates --------------------------------------------------------------------------- */

struct identity {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
};

enum { YEAR = 365 * 24 * 3600, PEM_MAX = 8192 };

static void write_pem(const char *name, const char *suffix, const char *pem, size_t length)
{
    char file[64];
    snprintf(file, sizeof(file), "%s%s", name, suffix);
    scratch_write(file, pem, length);
}

/* Writes NAME.key and NAME.pem. */
static void save(const struct identity *identity, const char *name)
{
    static char pem[PEM_MAX];
    size_t length = sizeof(pem);
    ck_assert_int_eq(gnutls_x509_privkey_export(identity->key, GNUTLS_X509_FMT_PEM, pem, &length),
                     0);
    write_pem(name, ".key", pem, length);
    length = sizeof(pem);
    ck_assert_int_eq(
        gnutls_x509_crt_export(identity->certificate, GNUTLS_X509_FMT_PEM, pem, &length), 0);
    write_pem(name, ".pem", pem, length);
}

/* A certificate for `name`, signed by `issuer` (NULL: by itself, as an authority). */
static struct identity make(const char *name, const struct identity *issuer, const char *purpose,
                            time_t expires)
{
    static unsigned char serial;
    struct identity made;
    const struct identity *const by = issuer ? issuer : &made;
    gnutls_x509_privkey_init(&made.key);
    gnutls_x509_crt_init(&made.certificate);
    ck_assert_int_eq(gnutls_x509_privkey_generate(made.key, GNUTLS_PK_ECDSA,
                                                  GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
                                                  0),
                     0);
    serial++;
    gnutls_x509_crt_set_version(made.certificate, 3);
    gnutls_x509_crt_set_serial(made.certificate, &serial, 1);
    gnutls_x509_crt_set_dn_by_oid(made.certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                  (unsigned)strlen(name));
    gnutls_x509_crt_set_subject_alt_name(made.certificate, GNUTLS_SAN_DNSNAME, name,
                                         (unsigned)strlen(name), GNUTLS_FSAN_SET);
    gnutls_x509_crt_set_activation_time(made.certificate, time(NULL) - 2 * YEAR);
    gnutls_x509_crt_set_expiration_time(made.certificate, expires);
    gnutls_x509_crt_set_key(made.certificate, made.key);
    gnutls_x509_crt_set_basic_constraints(made.certificate, issuer == NULL, -1);
    if (purpose)
        gnutls_x509_crt_set_key_purpose_oid(made.certificate, purpose, 0);
    ck_assert_int_eq(
        gnutls_x509_crt_sign2(made.certificate, by->certificate, by->key, GNUTLS_DIG_SHA256, 0), 0);
    return made;
}

static void make_and_save(const char *name, const struct identity *issuer, const char *purpose,
                          time_t expires)
{
    const struct identity made = make(name, issuer, purpose, expires);
    save(&made, name);
    gnutls_x509_crt_deinit(made.certificate);
    gnutls_x509_privkey_deinit(made.key);
}

static void release(struct identity *identity)
{
    gnutls_x509_crt_deinit(identity->certificate);
    gnutls_x509_privkey_deinit(identity->key);
}

static void make_all(void)
{
    const time_t later = time(NULL) + YEAR;
    struct identity authority = make("authority", NULL, NULL, later);
    struct identity stranger = make("stranger", NULL, NULL, later);
    save(&authority, "authority");
    save(&stranger, "stranger");
    make_and_save("server-1", &authority, GNUTLS_KP_TLS_WWW_SERVER, later);
    make_and_save("server-2", &authority, GNUTLS_KP_TLS_WWW_SERVER, later);
    make_and_save("expired", &authority, GNUTLS_KP_TLS_WWW_SERVER, time(NULL) - YEAR);
    make_and_save("client", &authority, GNUTLS_KP_TLS_WWW_CLIENT, later);
    make_and_save("old-client", &authority, GNUTLS_KP_TLS_WWW_CLIENT, time(NULL) - YEAR);
    make_and_save("not-a-client", &authority, GNUTLS_KP_TLS_WWW_SERVER, later);
    make_and_save("foreign", &stranger, GNUTLS_KP_TLS_WWW_CLIENT, later);
    release(&authority);
    release(&stranger);
}

/* ---- Loading -------------------------------------------------------------------------------- */

static enum rl_status load(const char *cert, const char *key, const char *ca,
                           struct rl_error *error)
{
    char paths[3][160] = {"", "", ""};
    snprintf(paths[0], sizeof(paths[0]), "%s", scratch_path(cert));
    snprintf(paths[1], sizeof(paths[1]), "%s", scratch_path(key));
    if (*ca)
        snprintf(paths[2], sizeof(paths[2]), "%s", scratch_path(ca));
    return rl_tls_load(&(struct rl_tls_files){paths[0], paths[1], paths[2]}, error);
}

static void loaded(const char *cert, const char *key, const char *ca)
{
    struct rl_error error;
    ck_assert_msg(load(cert, key, ca, &error) == RL_OK, "%s", error.detail);
}

START_LOOP_TEST(bad_files_are_named, 11)
{
    static const struct {
        const char *cert, *key, *ca, *says[2];
    } cases[] = {
        {"absent.pem", "server-1.key", "", {"tls-cert: ", "No such file"}},
        {"server-1.pem", "absent.key", "", {"tls-key: ", "No such file"}},
        {"server-1.pem", "server-1.key", "absent.pem", {"tls-client-ca: ", "No such file"}},
        {"empty", "server-1.key", "", {"tls-cert: ", "empty"}},
        {"server-1.key", "server-1.key", "", {"tls-cert: ", "server-1.key"}},
        {"broken.pem", "server-1.key", "", {"tls-cert: ", "broken.pem"}},
        {"server-1.pem", "empty", "", {"tls-key: ", "empty"}},
        {"server-1.pem", "server-1.pem", "", {"tls-key: ", "server-1.pem"}},
        {"server-1.pem", "server-2.key", "", {"tls-key: ", "is not the key of the certificate"}},
        {"server-1.pem", "server-1.key", "empty", {"tls-client-ca: ", "empty"}},
        {"server-1.pem", "server-1.key", "server-1.key", {"tls-client-ca: ", "server-1.key"}},
    };
    struct rl_error error;
    scratch_text("empty", "");
    scratch_text("broken.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    ck_assert_int_eq(load(cases[_i].cert, cases[_i].key, cases[_i].ca, &error), RL_CONFIG);
    ck_assert_msg(strncmp(error.detail, cases[_i].says[0], strlen(cases[_i].says[0])) == 0, "%s",
                  error.detail);
    ck_assert_msg(strstr(error.detail, cases[_i].says[1]) != NULL, "%s", error.detail);
    ck_assert_ptr_null(strchr(error.detail, '\n'));
}
END_TEST

START_TEST(an_expired_certificate_is_served)
{
    loaded("expired.pem", "expired.key", "");
    rl_tls_release();
}
END_TEST

START_TEST(priorities_are_understood)
{
    gnutls_priority_t priorities;
    const char *wrong = NULL;
    ck_assert_msg(gnutls_priority_init(&priorities, rl_tls_priorities(), &wrong) == 0, "%s", wrong);
    gnutls_priority_deinit(priorities);
}
END_TEST

/* ---- A server and a client ------------------------------------------------------------------ */

struct server {
    struct MHD_Daemon *daemon;
    uint16_t port;
};

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_size, void **state)
{
    (void)context, (void)url, (void)method, (void)version, (void)data, (void)data_size;
    static int seen;
    if (!*state) {
        *state = &seen;
        return MHD_YES;
    }
    struct MHD_Response *const response =
        MHD_create_response_from_buffer(2, (void *)(uintptr_t) "ok", MHD_RESPMEM_PERSISTENT);
    const enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

static struct server started(void)
{
    struct server server;
    const struct sockaddr_in loopback = {.sin_family = AF_INET,
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    server.daemon = MHD_start_daemon(
        MHD_USE_TLS | MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL,
        MHD_OPTION_SOCK_ADDR, &loopback, MHD_OPTION_HTTPS_PRIORITIES, rl_tls_priorities(),
        MHD_OPTION_HTTPS_CERT_CALLBACK, rl_tls_retrieve, MHD_OPTION_THREAD_POOL_SIZE, 2u,
        MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
    ck_assert_ptr_nonnull(server.daemon);
    server.port = MHD_get_daemon_info(server.daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    return server;
}

static void stopped(struct server *server)
{
    MHD_stop_daemon(server->daemon);
    rl_tls_release();
}

struct client {
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
    int fd;
};

/* Shakes hands; `name` is that of the client's certificate, or NULL. Returns GnuTLS' verdict. */
static int shake_hands(struct client *client, uint16_t port, const char *name,
                       const char *priorities)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char files[2][64];
    int code;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(client->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    gnutls_certificate_allocate_credentials(&client->credentials);
    if (name) {
        snprintf(files[0], sizeof(files[0]), "%s.pem", name);
        snprintf(files[1], sizeof(files[1]), "%s.key", name);
        ck_assert_int_eq(
            gnutls_certificate_set_x509_key_file(client->credentials, scratch_path(files[0]),
                                                 scratch_path(files[1]), GNUTLS_X509_FMT_PEM),
            0);
    }
    gnutls_init(&client->session, GNUTLS_CLIENT);
    ck_assert_int_eq(gnutls_priority_set_direct(client->session, priorities, NULL), 0);
    gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, client->credentials);
    gnutls_transport_set_int(client->session, client->fd);
    gnutls_handshake_set_timeout(client->session, 10000);
    do
        code = gnutls_handshake(client->session);
    while (code < 0 && !gnutls_error_is_fatal(code));
    return code;
}

static void leave(struct client *client)
{
    gnutls_deinit(client->session);
    gnutls_certificate_free_credentials(client->credentials);
    close(client->fd);
}

/* Whether a request over an open session is answered 200. With TLS 1.3 a client learns only here
 * that the server did not like its certificate. */
static bool ask(struct client *client)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    char reply[512] = "";
    size_t used = 0;
    if (gnutls_record_send(client->session, request, sizeof(request) - 1) < 0)
        return false;
    while (!strstr(reply, "\r\n\r\nok")) {
        const ssize_t length =
            gnutls_record_recv(client->session, reply + used, sizeof(reply) - 1 - used);
        if (length == 0 || (length < 0 && gnutls_error_is_fatal((int)length)))
            return false;
        used += length > 0 ? (size_t)length : 0;
    }
    return strncmp(reply, "HTTP/1.1 200", 12) == 0;
}

static bool try_once(uint16_t port, const char *name, const char *priorities)
{
    struct client client;
    const bool ok = shake_hands(&client, port, name, priorities) == 0 && ask(&client);
    leave(&client);
    return ok;
}

/* The common name of the certificate that the server showed. */
static const char *shown_name(const struct client *client)
{
    static char name[64];
    size_t length = sizeof(name);
    unsigned count;
    gnutls_x509_crt_t certificate;
    const gnutls_datum_t *const peers = gnutls_certificate_get_peers(client->session, &count);
    ck_assert_ptr_nonnull(peers);
    gnutls_x509_crt_init(&certificate);
    gnutls_x509_crt_import(certificate, &peers[0], GNUTLS_X509_FMT_DER);
    gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &length);
    gnutls_x509_crt_deinit(certificate);
    return name;
}

START_LOOP_TEST(only_good_protocols_and_ciphers, 9)
{
    static const struct {
        const char *priorities;
        bool ok;
    } cases[] = {
        {"NORMAL", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.3", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0:%UNSAFE_RENEGOTIATION", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA:+RSA", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CHACHA20-POLY1305", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-256-GCM", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CCM-8", false},
    };
    loaded("server-1.pem", "server-1.key", "");
    struct server server = started();
    ck_assert_int_eq(try_once(server.port, NULL, cases[_i].priorities), cases[_i].ok);
    stopped(&server);
}
END_TEST

START_LOOP_TEST(client_certificates, 6)
{
    static const struct {
        const char *name;
        bool ok;
    } cases[] = {{"client", true},        {NULL, false},         {"foreign", false},
                 {"not-a-client", false}, {"old-client", false}, {"stranger", false}};
    static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.3",
                                             "NORMAL:-VERS-ALL:+VERS-TLS1.2"};
    loaded("server-1.pem", "server-1.key", "authority.pem");
    struct server server = started();
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(try_once(server.port, cases[_i].name, priorities[i]), cases[_i].ok);
    stopped(&server);
}
END_TEST

/* New connections see the new certificate; the old connection goes on; a bad file changes nothing.
 */
START_TEST(reloading)
{
    struct client before, after, last;
    struct rl_error error;
    loaded("server-1.pem", "server-1.key", "");
    struct server server = started();
    ck_assert_int_eq(shake_hands(&before, server.port, NULL, "NORMAL"), 0);
    ck_assert_str_eq(shown_name(&before), "server-1");
    loaded("server-2.pem", "server-2.key", "");
    ck_assert(ask(&before));
    ck_assert_int_eq(shake_hands(&after, server.port, NULL, "NORMAL"), 0);
    ck_assert_str_eq(shown_name(&after), "server-2");
    ck_assert_int_eq(load("server-1.pem", "server-2.key", "", &error), RL_CONFIG);
    ck_assert_int_eq(shake_hands(&last, server.port, NULL, "NORMAL"), 0);
    ck_assert_str_eq(shown_name(&last), "server-2");
    ck_assert(ask(&before) && ask(&after) && ask(&last));
    leave(&before);
    leave(&after);
    leave(&last);
    stopped(&server);
}
END_TEST

/* A reload can start and stop requiring client certificates. */
START_TEST(reloading_the_authorities)
{
    loaded("server-1.pem", "server-1.key", "");
    struct server server = started();
    ck_assert(try_once(server.port, NULL, "NORMAL"));
    loaded("server-1.pem", "server-1.key", "authority.pem");
    ck_assert(!try_once(server.port, NULL, "NORMAL"));
    ck_assert(try_once(server.port, "client", "NORMAL"));
    loaded("server-1.pem", "server-1.key", "stranger.pem");
    ck_assert(!try_once(server.port, "client", "NORMAL"));
    ck_assert(try_once(server.port, "foreign", "NORMAL"));
    loaded("server-1.pem", "server-1.key", "");
    ck_assert(try_once(server.port, NULL, "NORMAL"));
    stopped(&server);
}
END_TEST

static atomic_bool going;

static void *reload_on(void *unused)
{
    for (int i = 0; atomic_load(&going); i++)
        loaded(i % 2 ? "server-1.pem" : "server-2.pem", i % 2 ? "server-1.key" : "server-2.key",
               i % 3 ? "" : "authority.pem");
    return unused;
}

/* Every handshake of a client with a certificate succeeds while the files change under it. */
START_TEST(reloading_under_handshakes)
{
    pthread_t thread;
    loaded("server-1.pem", "server-1.key", "");
    struct server server = started();
    atomic_store(&going, true);
    ck_assert_int_eq(pthread_create(&thread, NULL, reload_on, NULL), 0);
    for (int i = 0; i < 50; i++)
        ck_assert(try_once(server.port, "client", "NORMAL"));
    atomic_store(&going, false);
    pthread_join(thread, NULL);
    stopped(&server);
}
END_TEST

/* Clients that do not speak TLS do no harm. */
START_TEST(plain_text_on_the_port)
{
    char reply[64];
    const struct timeval patience = {5, 0};
    loaded("server-1.pem", "server-1.key", "");
    struct server server = started();
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(server.port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ck_assert_int_gt(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 0);
    const ssize_t got = recv(fd, reply, sizeof(reply) - 1, 0);
    ck_assert(got <= 0 || strncmp(reply, "HTTP", 4) != 0);
    close(fd);
    ck_assert(try_once(server.port, NULL, "NORMAL"));
    stopped(&server);
}
END_TEST

void test_before_all(void)
{
    signal(SIGPIPE, SIG_IGN); /* as in the daemon: a refused peer may be gone when one writes */
    scratch_create();
    make_all();
}
