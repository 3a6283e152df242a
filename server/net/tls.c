/*
 * tls.c: the set of certificates in use, and how a reload replaces it.
 *
 * `current` is swapped atomically; a handshake loads it once, without a lock. Replaced sets stay in
 * `retired` until no handshake can still use them.
 */
#include "server/net/tls.h"

#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/file.h"
#include "server/observe/log.h"

enum { FILE_MAX = 1 << 20, CHAIN_MAX = 16, KEY_ID_MAX = 64 };

static const char cert_setting[] = "tls-cert", key_setting[] = "tls-key",
                  ca_setting[] = "tls-client-ca";

struct credentials {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned int count;
    gnutls_privkey_t key;
    gnutls_x509_trust_list_t authorities; /* NULL: clients need no certificate */
    time_t retired;                       /* monotonic seconds */
    struct credentials *next;             /* the set retired before this one */
};

/* A reload releases a loaded set, and a handshake acquires it. Nothing else orders them: a set that
 * was replaced is freed only when every handshake that may use it is over. */
static _Atomic(struct credentials *) current;
static struct credentials *retired;

/* ---- Loading -------------------------------------------------------------------------------- */

static void credentials_free(struct credentials *credentials)
{
    if (!credentials)
        return;
    for (unsigned int i = 0; i < credentials->count; i++)
        gnutls_pcert_deinit(&credentials->chain[i]);
    gnutls_privkey_deinit(credentials->key);
    gnutls_x509_trust_list_deinit(credentials->authorities, 1);
    free(credentials);
}

/* Reports GnuTLS' error about a file. */
static enum rl_status bad_file(const char *setting, const char *path, int code,
                               struct rl_error *error)
{
    return rl_fail(error, code == GNUTLS_E_MEMORY_ERROR ? RL_NOMEM : RL_CONFIG, "",
                   "%s: %.120s: %s", setting, path, gnutls_strerror(code));
}

static enum rl_status load_chain(const char *path, struct credentials *credentials,
                                 struct rl_error *error)
{
    char *text;
    size_t length;
    unsigned int count = CHAIN_MAX;
    const enum rl_status status = rl_file_read(path, cert_setting, FILE_MAX, &text, &length, error);
    if (status != RL_OK)
        return status;
    const gnutls_datum_t data = {(unsigned char *)text, (unsigned int)length};
    const int code = gnutls_pcert_list_import_x509_raw(credentials->chain, &count, &data,
                                                       GNUTLS_X509_FMT_PEM, 0);
    free(text);
    if (code < 0)
        return bad_file(cert_setting, path, code, error);
    credentials->count = count;
    return RL_OK;
}

static enum rl_status load_key(const char *path, struct credentials *credentials,
                               struct rl_error *error)
{
    char *text;
    size_t length;
    const enum rl_status status = rl_file_read(path, key_setting, FILE_MAX, &text, &length, error);
    if (status != RL_OK)
        return status;
    const gnutls_datum_t data = {(unsigned char *)text, (unsigned int)length};
    int code = gnutls_privkey_init(&credentials->key);
    if (code == 0)
        code =
            gnutls_privkey_import_x509_raw(credentials->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_memset(text, 0, length);
    free(text);
    return code < 0 ? bad_file(key_setting, path, code, error) : RL_OK;
}

static enum rl_status load_authorities(const char *path, struct credentials *credentials,
                                       struct rl_error *error)
{
    char *text;
    size_t length;
    if (path[0] == '\0')
        return RL_OK;
    const enum rl_status status = rl_file_read(path, ca_setting, FILE_MAX, &text, &length, error);
    if (status != RL_OK)
        return status;
    const gnutls_datum_t data = {(unsigned char *)text, (unsigned int)length};
    int code = gnutls_x509_trust_list_init(&credentials->authorities, 0);
    if (code == 0)
        code = gnutls_x509_trust_list_add_trust_mem(credentials->authorities, &data, NULL,
                                                    GNUTLS_X509_FMT_PEM, 0, 0);
    free(text);
    if (code < 0)
        return bad_file(ca_setting, path, code, error);
    if (code == 0)
        return rl_fail(error, RL_CONFIG, "", "%s: %.120s contains no certificate", ca_setting,
                       path);
    return RL_OK;
}

/* Whether the key belongs to the first certificate: their public keys have the same id. */
static bool key_fits(const struct credentials *credentials)
{
    unsigned char of_cert[KEY_ID_MAX], of_key[KEY_ID_MAX];
    size_t cert_size = sizeof(of_cert), key_size = sizeof(of_key);
    gnutls_pubkey_t public_key;
    if (gnutls_pubkey_init(&public_key) < 0)
        return false;
    const bool same =
        gnutls_pubkey_import_privkey(public_key, credentials->key, 0, 0) == 0 &&
        gnutls_pubkey_get_key_id(public_key, 0, of_key, &key_size) == 0 &&
        gnutls_pubkey_get_key_id(credentials->chain[0].pubkey, 0, of_cert, &cert_size) == 0 &&
        key_size == cert_size && memcmp(of_key, of_cert, key_size) == 0;
    gnutls_pubkey_deinit(public_key);
    return same;
}

static bool import_certificate(const gnutls_datum_t *der, gnutls_x509_crt_t *ret_certificate)
{
    gnutls_x509_crt_t certificate;
    if (gnutls_x509_crt_init(&certificate) < 0)
        return false;
    if (gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) < 0) {
        gnutls_x509_crt_deinit(certificate);
        return false;
    }
    *ret_certificate = certificate;
    return true;
}

/* Warns of a certificate that is out of date, which is not a reason to stop serving. */
static void warn_of_dates(const char *path, const struct credentials *credentials)
{
    gnutls_x509_crt_t certificate;
    const time_t now = time(NULL);
    if (!import_certificate(&credentials->chain[0].cert, &certificate))
        return;
    if (gnutls_x509_crt_get_expiration_time(certificate) < now)
        RL_LOG_WITH(RL_LOG_WARNING, "the certificate has expired", RL_FIELD_TEXT("file", path));
    else if (gnutls_x509_crt_get_activation_time(certificate) > now)
        RL_LOG_WITH(RL_LOG_WARNING, "the certificate is not valid yet",
                    RL_FIELD_TEXT("file", path));
    gnutls_x509_crt_deinit(certificate);
}

static enum rl_status load(const struct rl_tls_files *files, struct credentials *credentials,
                           struct rl_error *error)
{
    enum rl_status status = load_chain(files->cert, credentials, error);
    if (status == RL_OK)
        status = load_key(files->key, credentials, error);
    if (status == RL_OK && !key_fits(credentials))
        status = rl_fail(error, RL_CONFIG, "",
                         "tls-key: %.100s is not the key of the certificate in %.100s", files->key,
                         files->cert);
    if (status == RL_OK)
        status = load_authorities(files->client_ca, credentials, error);
    return status;
}

/* ---- Replacing ------------------------------------------------------------------------------ */

static time_t now_monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Frees sets replaced at least `seconds` ago; the list is sorted, newest first. */
static void free_retired(time_t seconds)
{
    const time_t now = now_monotonic();
    struct credentials **link = &retired;
    while (*link && now - (*link)->retired < seconds)
        link = &(*link)->next;
    struct credentials *rest = *link;
    *link = NULL;
    while (rest) {
        struct credentials *const next = rest->next;
        credentials_free(rest);
        rest = next;
    }
}

static void retire(struct credentials *credentials)
{
    if (!credentials)
        return;
    credentials->retired = now_monotonic();
    credentials->next = retired;
    retired = credentials;
}

enum rl_status rl_tls_load(const struct rl_tls_files *files, struct rl_error *error)
{
    struct credentials *const fresh = calloc(1, sizeof(*fresh));
    if (!fresh)
        return rl_fail(error, RL_NOMEM, "", "%s: no memory", cert_setting);
    const enum rl_status status = load(files, fresh, error);
    if (status != RL_OK) {
        credentials_free(fresh);
        return status;
    }
    warn_of_dates(files->cert, fresh);
    free_retired(RL_TLS_GRACE_SECONDS);
    retire(atomic_exchange_explicit(&current, fresh, memory_order_acq_rel));
    return RL_OK;
}

void rl_tls_release(void)
{
    retire(atomic_exchange_explicit(&current, NULL, memory_order_acq_rel));
    free_retired(0);
}

const char *rl_tls_priorities(void)
{
    return "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"
           "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:"
           "%SERVER_PRECEDENCE";
}

/* ---- Handshakes ----------------------------------------------------------------------------- */

static void release_chain(gnutls_x509_crt_t *chain, unsigned int count)
{
    while (count)
        gnutls_x509_crt_deinit(chain[--count]);
}

/* Reads the client's chain. Returns its length, or 0 if it is missing or unreadable. */
static unsigned int peer_chain(gnutls_session_t session, gnutls_x509_crt_t chain[CHAIN_MAX])
{
    unsigned int sent = 0, count = 0;
    if (gnutls_certificate_type_get2(session, GNUTLS_CTYPE_CLIENT) != GNUTLS_CRT_X509)
        return 0;
    const gnutls_datum_t *const raw = gnutls_certificate_get_peers(session, &sent);
    if (!raw || sent > CHAIN_MAX)
        return 0;
    while (count < sent && import_certificate(&raw[count], &chain[count]))
        count++;
    if (count == sent)
        return count;
    release_chain(chain, count);
    return 0;
}

/* Returns 0 to accept the handshake: the client's chain leads to one of the authorities and is for
 * client use. */
static int verify_client(gnutls_session_t session)
{
    gnutls_x509_crt_t chain[CHAIN_MAX];
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned int problems = ~0u;
    const struct credentials *const credentials =
        atomic_load_explicit(&current, memory_order_acquire);
    if (!credentials->authorities)
        return 0; /* a reload has just made certificates optional */
    const unsigned int count = peer_chain(session, chain);
    if (count == 0)
        return -1;
    const int code = gnutls_x509_trust_list_verify_crt2(credentials->authorities, chain, count,
                                                        &purpose, 1, 0, &problems, NULL);
    release_chain(chain, count);
    return code == 0 && problems == 0 ? 0 : -1;
}

int rl_tls_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities,
                    int authority_count, const gnutls_pk_algorithm_t *algorithms,
                    int algorithm_count, gnutls_pcert_st **ret_certificates,
                    unsigned int *ret_count, gnutls_privkey_t *ret_key)
{
    (void)authorities;
    (void)authority_count;
    (void)algorithms;
    (void)algorithm_count;
    struct credentials *const credentials = atomic_load_explicit(&current, memory_order_acquire);
    if (!credentials)
        return -1;
    if (credentials->authorities) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
        gnutls_session_set_verify_function(session, verify_client);
    }
    *ret_certificates = credentials->chain;
    *ret_count = credentials->count;
    *ret_key = credentials->key;
    return 0;
}
