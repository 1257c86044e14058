/*
 * cert: with what the gateway shows who it is. If there is no certificate it makes one for itself at the first start, so that nobody is
 * tempted to go without TLS; who wants one of an authority puts it in its place. TLS 1.2 and 1.3, forward secrecy and AEAD only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "gateway/priv.h"

#define CERT "tls/cert.pem"
#define KEY "tls/key.pem"
/* RFC 7540 appendix A forbids what is not here. Early data (0-RTT) is off unless it is asked for. */
#define PRIORITIES \
	"NONE:+VERS-TLS1.3:+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:+AEAD:+SIGN-ALL:" \
	"-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+CTYPE-X509:+COMP-NULL:%SERVER_PRECEDENCE"

enum { DAYS = 3650, PEM_MAX = 16384, SERIAL_BYTES = 16 };

struct gateway_cert {
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
};

static bool fail(const char *what, int rc)
{
	gateway_note("%s: %s", what, gnutls_strerror(rc));
	return false;
}

static bool write_file(const char *path, const void *data, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	bool good = fd >= 0 && write(fd, data, len) == (ssize_t)len && fsync(fd) == 0;
	if (!good) gateway_note("%s: %s", path, strerror(errno));
	if (fd >= 0) close(fd);
	return good;
}

/* Names by which it may be called: what it listens on, and this machine. */
static int add_names(gnutls_x509_crt_t crt, const char *listen)
{
	static const uint8_t loopback4[4] = {127, 0, 0, 1}, loopback6[16] = {[15] = 1};
	char host[256] = "", name[256] = "";
	struct in_addr v4;
	int rc = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "localhost", 9, GNUTLS_FSAN_SET);
	snprintf(host, sizeof host, "%.*s", (int)(strrchr(listen, ':') - listen), listen);
	if (rc >= 0) rc = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, loopback4, 4, GNUTLS_FSAN_APPEND);
	if (rc >= 0) rc = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, loopback6, 16, GNUTLS_FSAN_APPEND);
	if (rc >= 0 && inet_aton(host, &v4) && v4.s_addr && host[0] != '1')
		rc = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, &v4, 4, GNUTLS_FSAN_APPEND);
	if (rc >= 0 && gethostname(name, sizeof name - 1) == 0 && *name)
		rc = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
	return rc;
}

static int fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *listen)
{
	uint8_t serial[SERIAL_BYTES];
	time_t now = (time_t)(base_clock_us() / 1000000);
	randombytes_buf(serial, sizeof serial);
	serial[0] &= 0x7f;
	int rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (rc >= 0) rc = gnutls_x509_crt_set_version(crt, 3);
	if (rc >= 0) rc = gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
	if (rc >= 0) rc = gnutls_x509_crt_set_activation_time(crt, now - 3600);
	if (rc >= 0) rc = gnutls_x509_crt_set_expiration_time(crt, now + (time_t)DAYS * 86400);
	if (rc >= 0) rc = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, "isac-gateway", 12);
	if (rc >= 0) rc = add_names(crt, listen);
	if (rc >= 0) rc = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	if (rc >= 0) rc = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (rc >= 0) rc = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (rc >= 0) rc = gnutls_x509_crt_set_key(crt, key);
	if (rc >= 0) rc = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	return rc;
}

static bool make(const char *listen)
{
	gnutls_x509_crt_t crt = NULL;
	gnutls_x509_privkey_t key = NULL;
	char pem[PEM_MAX];
	size_t len = sizeof pem;
	int rc = gnutls_x509_crt_init(&crt);
	if (rc >= 0) rc = gnutls_x509_privkey_init(&key);
	if (rc >= 0) rc = fill(crt, key, listen);
	if (rc >= 0) rc = gnutls_x509_privkey_export(key, GNUTLS_X509_FMT_PEM, pem, &len);
	bool good = rc >= 0 ? true : fail("cannot make a certificate", rc);
	if (mkdir("tls", 0700) != 0 && errno != EEXIST) gateway_note("tls: %s", strerror(errno)), good = false;
	good = good && write_file(KEY, pem, len, 0600);
	explicit_bzero(pem, sizeof pem);
	len = sizeof pem;
	if (good && (rc = gnutls_x509_crt_export(crt, GNUTLS_X509_FMT_PEM, pem, &len)) < 0) good = fail("cannot write a certificate", rc);
	good = good && write_file(CERT, pem, len, 0644);
	if (crt) gnutls_x509_crt_deinit(crt);
	if (key) gnutls_x509_privkey_deinit(key);
	return good;
}

static bool exists(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0;
}

static bool check_mode(void)
{
	struct stat st;
	if (stat(KEY, &st) != 0 || !(st.st_mode & 077)) return true;
	gateway_note("%s can be read by others than its owner: chmod 600 it", KEY);
	return false;
}

bool gateway_cert_open(struct gateway_cert **out, const char *listen)
{
	struct gateway_cert *cert = calloc(1, sizeof *cert);
	const char *at = NULL;
	*out = cert;
	if (!cert) return false;
	if (!exists(CERT) && !exists(KEY) && !make(listen)) return false;
	if (!check_mode()) return false;
	int rc = gnutls_certificate_allocate_credentials(&cert->credentials);
	if (rc >= 0) rc = gnutls_certificate_set_x509_key_file(cert->credentials, CERT, KEY, GNUTLS_X509_FMT_PEM);
	if (rc < 0) return fail("tls/cert.pem and tls/key.pem", rc);
	rc = gnutls_priority_init(&cert->priorities, PRIORITIES, &at);
	return rc < 0 ? fail("TLS", rc) : true;
}

void gateway_cert_close(struct gateway_cert **cert)
{
	if (!*cert) return;
	if ((*cert)->priorities) gnutls_priority_deinit((*cert)->priorities);
	if ((*cert)->credentials) gnutls_certificate_free_credentials((*cert)->credentials);
	free(*cert);
	*cert = NULL;
}

void *gateway_cert_session(const struct gateway_cert *cert, int fd)
{
	gnutls_session_t tls = NULL;
	int rc = gnutls_init(&tls, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	if (rc >= 0) rc = gnutls_priority_set(tls, cert->priorities);
	if (rc >= 0) rc = gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, cert->credentials);
	if (rc < 0) {
		if (tls) gnutls_deinit(tls);
		return NULL;
	}
	gnutls_certificate_server_set_request(tls, GNUTLS_CERT_IGNORE);
	gnutls_handshake_set_timeout(tls, 0); /* the gate's deadlines hold */
	gnutls_transport_set_int(tls, fd);
	return tls;
}
