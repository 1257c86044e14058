/*
 * URLs: scheme "://" host [":" port] [path] ["?" query] ["#" fragment].
 *
 * A hand-written parser, because no library in Debian is small and does this alone: libcurl's URL API brings a whole client and
 * accepts what must be refused here (blanks, numeric hosts, credentials), uriparser knows RFC 3986 but neither IDNA nor addresses.
 * Only what names the server is canonicalised, by the domain and address rules; path, query and fragment stay byte for byte,
 * percent-encoding included, because servers tell them apart. A host must not be readable in two ways: no user information,
 * no backslash, no percent-encoding, no number that is not four parts.
 */
#include <string.h>
#include "wire/value_priv.h"

struct scheme {
	const char *name;
	uint16_t port;
};
static const struct scheme schemes[] = {{"http", 80}, {"https", 443}, {"ftp", 21}};

enum { PORT_TEXT = 6, ADDRESS_TEXT = 48 };

/* The scheme at the start of s in any case, *skip = length with "://"; NULL if it is none of ours. */
static const struct scheme *find_scheme(const char *s, size_t len, size_t *skip)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t at = 0;

		while (at < len && schemes[i].name[at] && value_lower(s[at]) == schemes[i].name[at]) at++;
		if (schemes[i].name[at] || len - at < 3 || memcmp(s + at, "://", 3) != 0) continue;
		*skip = at + 3;
		return &schemes[i];
	}
	return NULL;
}

/* The host of in (without brackets) as text for the URL; fills out's address or host. */
static enum isac_err put_host(struct wire_value *out, const struct value_in *in, bool brackets, char **text, size_t *len)
{
	struct wire_value address = {.type = 0};
	uint8_t number[4];
	enum isac_err err;

	if (brackets) err = wire_value_address_v6(&address, in);
	else if (wire_value_address_parse_v4(number, in->raw, in->len)) err = wire_value_address_v4(&address, in);
	else {
		err = wire_value_domain_name(text, len, in);
		if (!err) out->host = *text;
		return err;
	}
	if (err) return err;
	memcpy(out->addr, address.addr, sizeof(out->addr));
	out->family = address.family;
	out->prefix = address.prefix;
	*len = address.len + (address.family == 6 ? 2 : 0);
	*text = wire_value_room(in, *len);
	if (!*text) return wire_value_full(in);
	memcpy(*text + (address.family == 6), address.text, address.len);
	if (address.family == 6) (*text)[0] = '[', (*text)[*len - 1] = ']';
	return ISAC_OK;
}

/* ":" and a port, or nothing: what the canonical form keeps of it. False if it is no port. */
static bool put_port(char out[PORT_TEXT + 1], const char *s, size_t len, uint16_t standard)
{
	unsigned number = 0, divisor = 10000;
	char *at = out;

	out[0] = 0;
	if (len <= 1) return true;
	if (len > PORT_TEXT) return false;
	for (size_t i = 1; i < len; i++) {
		if (!value_is_digit(s[i])) return false;
		number = number * 10 + (unsigned)(s[i] - '0');
	}
	if (number == 0 || number > UINT16_MAX) return false;
	if (number == standard) return true;
	*at++ = ':';
	while (number < divisor) divisor /= 10;
	for (; divisor > 0; divisor /= 10) *at++ = (char)('0' + number / divisor % 10);
	*at = 0;
	return true;
}

/* Where the host (without brackets) lies in the authority s, and where its port begins. NULL or a reason. */
static const char *split(struct value_in *host, bool *brackets, const char **port, const char *s, size_t len)
{
	const char *end = s + len, *close;

	if (memchr(s, '@', len)) return "carries user information";
	*brackets = len > 0 && *s == '[';
	if (*brackets) {
		close = memchr(s, ']', len);
		if (!close) return "has a '[' without ']'";
		host->raw = s + 1;
		*port = close + 1;
		if (*port < end && **port != ':') return "has something between ']' and the port";
	} else {
		close = memchr(s, ':', len);
		if (!close) close = end;
		host->raw = s;
		*port = close;
	}
	host->len = (size_t)(close - host->raw);
	return host->len == 0 ? "has no host" : NULL;
}

static enum isac_err join(struct wire_value *out, const struct value_in *in, const struct scheme *scheme, const struct wire_bytes part[3])
{
	const bool slash = part[2].len == 0 || part[2].data[0] != '/';
	const size_t start = strlen(scheme->name);
	char *at;

	out->len = start + 3 + part[0].len + part[1].len + (slash ? 1 : 0) + part[2].len;
	if (out->len > WIRE_LIMIT_URL_BYTES) return wire_value_bad(in, "is over 8192 bytes in canonical form");
	out->text = wire_value_room(in, out->len);
	if (!out->text) return wire_value_full(in);
	memcpy(out->text, scheme->name, start);
	memcpy(out->text + start, "://", 3);
	at = out->text + start + 3;
	for (int i = 0; i < 3; i++) {
		if (i == 2 && slash) *at++ = '/';
		/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): a part that has a length has bytes */
		if (part[i].len) memcpy(at, part[i].data, part[i].len);
		at += part[i].len;
	}
	return ISAC_OK;
}

enum isac_err wire_value_url_canon(struct wire_value *out, const struct value_in *in)
{
	const char *authority, *port, *reason;
	struct value_in host = *in;
	struct wire_bytes part[3]; /* host, port, rest */
	const struct scheme *scheme;
	char port_text[PORT_TEXT + 1], *host_text;
	size_t skip, len = 0, host_len;
	bool brackets;
	enum isac_err err;

	scheme = find_scheme(in->raw, in->len, &skip);
	if (!scheme) return wire_value_bad(in, "does not begin with http://, https:// or ftp://");
	if (memchr(in->raw, ' ', in->len) || !wire_text_ok(in->raw, in->len))
		return wire_value_bad(in, "has a blank, a control character or bytes that are not UTF-8");
	authority = in->raw + skip;
	while (skip + len < in->len && !strchr("/?#", authority[len])) len++;
	reason = split(&host, &brackets, &port, authority, len);
	if (reason) return wire_value_bad(in, reason);
	if (!put_port(port_text, port, (size_t)(authority + len - port), scheme->port))
		return wire_value_bad(in, "has a port that is not 1..65535");
	err = put_host(out, &host, brackets, &host_text, &host_len);
	if (err) return err;
	part[0] = (struct wire_bytes){(const uint8_t *)host_text, host_len};
	part[1] = (struct wire_bytes){(const uint8_t *)port_text, strlen(port_text)};
	part[2] = (struct wire_bytes){(const uint8_t *)authority + len, in->len - skip - len};
	return join(out, in, scheme, part);
}
