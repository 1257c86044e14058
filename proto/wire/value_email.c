/*
 * E-mail addresses: the part after the '@' is a domain name and becomes canonical, the part before it is the mailbox owner's and stays.
 * Quoted local parts with blanks or a second '@' are legal in RFC 5322 and never seen in reports: refused.
 */
#include <string.h>
#include "wire/value_priv.h"

enum { LOCAL_MAX_BYTES = 64 };

enum isac_err wire_value_email_canon(struct wire_value *out, const struct value_in *in)
{
	const char *at = memchr(in->raw, '@', in->len);
	size_t local = at ? (size_t)(at - in->raw) : 0, len;
	struct value_in rest = *in;
	enum isac_err err;
	char *name;

	if (!at || memchr(at + 1, '@', in->len - local - 1)) return wire_value_bad(in, "does not have exactly one '@'");
	if (local == 0) return wire_value_bad(in, "has nothing before the '@'");
	if (local > LOCAL_MAX_BYTES) return wire_value_bad(in, "has more than 64 bytes before the '@'");
	if (memchr(in->raw, ' ', local) || !wire_text_ok(in->raw, local))
		return wire_value_bad(in, "has a blank or control character before the '@'");
	rest.raw = at + 1;
	rest.len = in->len - local - 1;
	if (rest.len == 0) return wire_value_bad(in, "has nothing after the '@'");
	err = wire_value_domain_name(&name, &len, &rest);
	if (err) return err;
	out->len = local + 1 + len;
	out->text = wire_value_room(in, out->len);
	if (!out->text) return wire_value_full(in);
	memcpy(out->text, in->raw, local + 1);
	memcpy(out->text + local + 1, name, len);
	out->host = out->text + local + 1;
	return ISAC_OK;
}
