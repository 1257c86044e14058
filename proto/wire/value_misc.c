/*
 * The small types: AS numbers, CVE names, and texts that are taken as they are.
 * AS numbers for private use are accepted, as two documentation networks are: exercises need them.
 */
#include <string.h>
#include "wire/value_priv.h"

static const struct asn_row {
	uint32_t first, last;
	const char *reason;
} asns[] = {
	{0, 0, "is special-use: AS 0 (RFC 7607)"},
	{23456, 23456, "is special-use: AS 23456 (AS_TRANS, RFC 6793)"},
	{64496, 64511, "is special-use: AS 64496..64511 (documentation, RFC 5398)"},
	{65535, 65535, "is special-use: AS 65535 (RFC 7300)"},
	{65536, 65551, "is special-use: AS 65536..65551 (documentation, RFC 5398)"},
	{UINT32_MAX, UINT32_MAX, "is special-use: AS 4294967295 (RFC 7300)"},
};

static const struct hive_row {
	const char *brief, *full;
} hives[] = {
	{"HKLM", "HKEY_LOCAL_MACHINE"}, {"HKCU", "HKEY_CURRENT_USER"},	 {"HKCR", "HKEY_CLASSES_ROOT"},
	{"HKU", "HKEY_USERS"},		{"HKCC", "HKEY_CURRENT_CONFIG"},
};

enum isac_err wire_value_misc_asn(struct wire_value *out, const struct value_in *in)
{
	const size_t skip = in->len > 2 && value_upper(in->raw[0]) == 'A' && value_upper(in->raw[1]) == 'S' ? 2 : 0;
	const char *text = in->raw + skip;
	const size_t len = in->len - skip;
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++) {
		if (!value_is_digit(text[i]) || len > 10) return wire_value_bad(in, "is not a decimal number below 4294967295");
		number = number * 10 + (uint64_t)(text[i] - '0');
	}
	if (text[0] == '0' && len > 1) return wire_value_bad(in, "has leading zeros");
	if (number > UINT32_MAX) return wire_value_bad(in, "is not a decimal number below 4294967295");
	for (size_t i = 0; i < sizeof(asns) / sizeof(asns[0]); i++)
		if (number >= asns[i].first && number <= asns[i].last) return wire_value_bad(in, asns[i].reason);
	return wire_value_set(out, in, text, len);
}

enum isac_err wire_value_misc_cve(struct wire_value *out, const struct value_in *in)
{
	static const char shape[] = "CVE-0000-";
	static const char reason[] = "is not CVE-YYYY-N with 4 to 7 digits N (from 1999 on, no leading zero before more than four)";
	enum { HEAD = sizeof(shape) - 1 };
	char text[HEAD + 7];

	if (in->len < HEAD + 4 || in->len > sizeof(text)) return wire_value_bad(in, reason);
	for (size_t i = 0; i < in->len; i++) {
		char want = i < HEAD ? shape[i] : '0';

		text[i] = value_upper(in->raw[i]);
		if (want == '0' ? !value_is_digit(text[i]) : text[i] != want) return wire_value_bad(in, reason);
	}
	if (memcmp(text + 4, "1999", 4) < 0) return wire_value_bad(in, reason);
	if (in->len > HEAD + 4 && text[HEAD] == '0') return wire_value_bad(in, reason);
	return wire_value_set(out, in, text, in->len);
}

/* Without outer blanks; empty or unreadable text is refused. */
static enum isac_err trim(struct value_in *rest, const struct value_in *in)
{
	*rest = *in;
	while (rest->len > 0 && rest->raw[0] == ' ') rest->raw++, rest->len--;
	while (rest->len > 0 && rest->raw[rest->len - 1] == ' ') rest->len--;
	if (rest->len == 0) return wire_value_bad(in, "is empty");
	if (!wire_text_ok(rest->raw, rest->len))
		return wire_value_bad(in, "has a control or invisible character, or bytes that are not UTF-8");
	return ISAC_OK;
}

enum isac_err wire_value_misc_text(struct wire_value *out, const struct value_in *in)
{
	struct value_in rest;
	enum isac_err err = trim(&rest, in);

	return err ? err : wire_value_set(out, in, rest.raw, rest.len);
}

static bool same_word(const char *s, size_t len, const char *upper)
{
	if (strlen(upper) != len) return false;
	for (size_t i = 0; i < len; i++)
		if (value_upper(s[i]) != upper[i]) return false;
	return true;
}

enum isac_err wire_value_misc_registry(struct wire_value *out, const struct value_in *in)
{
	struct value_in rest;
	enum isac_err err = trim(&rest, in);
	const char *slash, *hive = NULL;
	size_t old, new;

	if (err) return err;
	slash = memchr(rest.raw, '\\', rest.len);
	old = slash ? (size_t)(slash - rest.raw) : rest.len;
	for (size_t i = 0; i < sizeof(hives) / sizeof(hives[0]) && !hive; i++)
		if (same_word(rest.raw, old, hives[i].brief) || same_word(rest.raw, old, hives[i].full)) hive = hives[i].full;
	if (!hive) return wire_value_set(out, in, rest.raw, rest.len);
	new = strlen(hive);
	out->len = rest.len - old + new;
	out->text = wire_value_room(in, out->len);
	if (!out->text) return wire_value_full(in);
	memcpy(out->text, hive, new);
	memcpy(out->text + new, rest.raw + old, rest.len - old);
	return ISAC_OK;
}
