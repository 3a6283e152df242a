/*
 * tls.h: certificates for libmicrohttpd's TLS, reloadable without a restart.
 *
 * The daemon is started with
 *     MHD_USE_TLS, MHD_OPTION_HTTPS_PRIORITIES rl_tls_priorities(),
 *     MHD_OPTION_HTTPS_CERT_CALLBACK rl_tls_retrieve
 * and calls back for a certificate at every handshake. The callback has no context, so there is one
 * set of credentials per process. If client certificates are required, the handshake itself fails
 * without a valid one, before any HTTP.
 *
 * Threads: handshakes may run in any thread while another reloads. A handshake keeps the set it
 * started with; a replaced set is freed by a later reload, RL_TLS_GRACE_SECONDS after its
 * replacement. That must exceed the longest handshake, which header-timeout bounds.
 */
#ifndef RL_TLS_H
#define RL_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "server/base/status.h"

enum { RL_TLS_GRACE_SECONDS = 3600 };

/* Paths of PEM files; client_ca "" requires no client certificates. */
struct rl_tls_files {
    const char *cert, *key, *client_ca;
};

/* Loads and checks the files (the key must match the certificate; an expired certificate is only
 * logged) and puts them into use. On failure the set in use stays.
 * RL_CONFIG with one line that names the setting and the file, RL_NOMEM. One thread at a time. */
enum rl_status rl_tls_load(const struct rl_tls_files *files, struct rl_error *error);
/* After the daemon has stopped. */
void rl_tls_release(void);

/* TLS 1.2 and 1.3 with forward secrecy and AEAD only; GnuTLS' syntax, static. */
const char *rl_tls_priorities(void);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK: a gnutls_certificate_retrieve_function2. */
int rl_tls_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities,
                    int authority_count, const gnutls_pk_algorithm_t *algorithms,
                    int algorithm_count, gnutls_pcert_st **ret_certificates,
                    unsigned int *ret_count, gnutls_privkey_t *ret_key);

#endif
