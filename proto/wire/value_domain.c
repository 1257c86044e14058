/*
 * Domain names: canonical form is A-labels in lower case without a trailing dot.
 *
 * Nearly all names are plain ASCII without an xn-- label: one pass over a table of character classes decides them. Anything else
 * goes through libidn2 (IDNA2008 by UTS 46, non-transitional) there and back, so that each name has one spelling only. The public
 * suffix rule is libpsl's, with the private section, because blocking github.io hurts as much as blocking co.uk. It holds for the
 * type domain alone: a URL or a mailbox at a suffix (https://gov.uk/) names one resource, not everything below.
 */
#include <idn2.h>
#include <string.h>
#include "wire/value_priv.h"

enum { NAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63, RAW_MAX_BYTES = 1024 };
enum { IDN_FLAGS = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL };

/* Class of a byte: 1 letter or digit, 2 hyphen, 3 underscore, 4 dot, 0 else; upper case counts as its lower case. */
static const uint8_t classes[256] = {
	['-'] = 2, ['_'] = 3, ['.'] = 4, ['0' ... '9'] = 1, ['a' ... 'z'] = 1, ['A' ... 'Z'] = 1,
};

static const char bad_char[] = "has a character that no domain name has";

/* A last label that a lenient reader could take for a number makes the name an address in disguise. */
static bool is_number(const char *label, size_t len)
{
	const bool hex = len >= 2 && label[0] == '0' && label[1] == 'x';

	for (size_t at = hex ? 2 : 0; at < len; at++)
		if (!value_is_digit(label[at]) && !(hex && label[at] >= 'a' && label[at] <= 'f')) return false;
	return true;
}

/* NULL if name (lower case) is two or more good labels; *has_xn tells whether one is an A-label. */
static const char *check_labels(const char *name, size_t len, bool *has_xn)
{
	size_t start = 0, labels = 0;

	*has_xn = false;
	if (len > NAME_MAX_BYTES) return "is longer than 253 octets";
	for (size_t at = 0; at <= len; at++) {
		size_t size = at - start;

		if (at < len && classes[(uint8_t)name[at]] == 0) return bad_char;
		if (at < len && name[at] != '.') continue;
		if (size == 0) return "has an empty label";
		if (size > LABEL_MAX_BYTES) return "has a label longer than 63 octets";
		if (name[start] == '-' || name[at - 1] == '-') return "has a label that begins or ends with a hyphen";
		if (size >= 4 && memcmp(name + start, "xn--", 4) == 0) *has_xn = true;
		labels++;
		if (at == len && is_number(name + start, size)) return "ends in a number, as only an address does";
		start = at + 1;
	}
	return labels < 2 ? "is one label only" : NULL;
}

/* text (NUL-terminated UTF-8, maybe with xn-- labels) to A-labels and back to A-labels. NULL or a reason. */
static const char *to_ascii(char **name, size_t *len, const struct value_in *in, const char *text)
{
	uint8_t *ascii = NULL, *again = NULL;
	char *unicode = NULL;
	const char *reason = NULL;
	bool has_xn;

	if (idn2_lookup_u8((const uint8_t *)text, &ascii, IDN_FLAGS) != IDN2_OK) {
		reason = "is not a valid internationalised name (IDNA2008)";
	} else if (idn2_to_unicode_8z8z((const char *)ascii, &unicode, 0) != IDN2_OK ||
		   idn2_lookup_u8((const uint8_t *)unicode, &again, IDN_FLAGS) != IDN2_OK ||
		   strcmp((const char *)ascii, (const char *)again) != 0) {
		reason = "has an xn-- label that does not round-trip";
	} else {
		*len = strlen((const char *)ascii);
		if (*len > 0 && ascii[*len - 1] == '.') (*len)--;
		reason = check_labels((const char *)ascii, *len, &has_xn);
	}
	if (!reason) {
		*name = wire_value_room(in, *len);
		if (*name) memcpy(*name, ascii, *len);
	}
	idn2_free(ascii);
	idn2_free(unicode);
	idn2_free(again);
	return reason;
}

enum isac_err wire_value_domain_name(char **name, size_t *len, const struct value_in *in)
{
	const char *reason;
	char *text;
	uint8_t high = 0;
	bool has_xn;

	if (in->len > RAW_MAX_BYTES) return wire_value_bad(in, "is longer than 253 octets");
	*len = in->len;
	if (in->len > 1 && in->raw[in->len - 1] == '.') (*len)--;
	text = wire_value_room(in, *len);
	if (!text) return wire_value_full(in);
	for (size_t i = 0; i < *len; i++) {
		text[i] = value_lower(in->raw[i]);
		high |= (uint8_t)in->raw[i];
	}
	*name = text;
	if (high < 0x80) {
		reason = check_labels(text, *len, &has_xn);
		if (reason) return wire_value_bad(in, reason);
		if (!has_xn) return ISAC_OK;
	} else if (!wire_text_ok(text, *len)) {
		return wire_value_bad(in, bad_char);
	}
	*name = NULL;
	reason = to_ascii(name, len, in, text);
	if (reason) return wire_value_bad(in, reason);
	return *name ? ISAC_OK : wire_value_full(in);
}

enum isac_err wire_value_domain_canon(struct wire_value *out, const struct value_in *in)
{
	enum isac_err err = wire_value_domain_name(&out->text, &out->len, in);

	if (err) return err;
	if (psl_is_public_suffix(wire_value_psl(), out->text))
		return wire_value_bad(in, "is a public suffix: everything under it would be named");
	out->host = out->text;
	out->held = wire_value_is_held(WIRE_VALUE_DOMAIN, out->text);
	return ISAC_OK;
}

const char *wire_value_domain_registered(const char *host)
{
	return psl_registrable_domain(wire_value_psl(), host);
}
