/*
 * accept: the hub's decision on a SUBMIT, steps 1 to 5 of proto/README.md section 5, one function a step in the page's order.
 *
 * Pure, so that every refusal can be tested with a literal roster. Steps 6 to 8 are the store's and report_open's.
 */
#include "intake/priv.h"

#include <string.h>

/* Kinds of items that this hub takes: a new kind is a row here (and a field of Item). */
static const struct {
	uint32_t kind, roles; /* roles: any of these may */
	bool is_about;	      /* a report that is there already: who may see the one may see the other */
} kinds[] = {{ISAC1__KIND__KIND_INDICATOR, MEMBER_PUBLISHER, false},
	     {ISAC1__KIND__KIND_SIGHTING, MEMBER_PUBLISHER | MEMBER_SUBSCRIBER | MEMBER_ANALYST, true},
	     {ISAC1__KIND__KIND_WITHDRAWAL, MEMBER_PUBLISHER, true}};

static bool varint(const uint8_t **p, const uint8_t *end, uint64_t *out)
{
	*out = 0;
	for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
		uint8_t b = *(*p)++;
		*out |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) return true;
	}
	return false;
}

struct wire_bytes intake_peek(struct wire_bytes message, uint32_t number)
{
	struct wire_bytes none = {NULL, 0};
	if (!message.len) return none;
	const uint8_t *p = message.data, *end = p + message.len;
	uint64_t tag, n;
	while (p < end && varint(&p, end, &tag) && varint(&p, end, &n)) {
		if ((tag & 7) == 0) continue; /* n was its value */
		if ((tag & 7) != 2 || n > (size_t)(end - p)) break;
		if (tag >> 3 == number) return (struct wire_bytes){p, (size_t)n};
		p += n;
	}
	return none;
}

struct wire_bytes intake_peek_report_id(struct wire_bytes body)
{
	struct wire_bytes id = intake_peek(intake_peek(body, 2), 1);
	return id.len == WIRE_ID ? id : (struct wire_bytes){NULL, 0};
}

static enum isac_err step_body(struct intake_case *c, struct wire_arena *arena, struct wire_why *why)
{
	if (!c->body.len) return wire_refuse(why, ISAC_ERR_MALFORMED, "the body is empty");
	return wire_open((ProtobufCMessage **)&c->submit, &isac1__submit__descriptor, arena, c->body.data, c->body.len, true, why);
}

static enum isac_err step_member(struct intake_case *c, struct wire_arena *arena, struct wire_why *why)
{
	(void)arena;
	if (!strcmp(c->submit->member, c->member->name)) return ISAC_OK;
	return wire_refuse(why, ISAC_ERR_NOT_ALLOWED, "member is not the member of this connection");
}

/* Nothing in it is believed yet but the key's name. */
static enum isac_err step_open_header(struct intake_case *c, struct wire_arena *arena, struct wire_why *why)
{
	const ProtobufCBinaryData *bytes = &c->submit->header;
	if (!bytes->len) return wire_refuse(why, ISAC_ERR_MALFORMED, "no header");
	return wire_open((ProtobufCMessage **)&c->header, &isac1__header__descriptor, arena, bytes->data, bytes->len, true, why);
}

static enum isac_err step_signature(struct intake_case *c, struct wire_arena *arena, struct wire_why *why)
{
	(void)arena;
	const Isac1__Submit *s = c->submit;
	if (!s->signature.len) return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "no signature");
	if (s->signature.len != WIRE_SIGNATURE) return wire_refuse(why, ISAC_ERR_MALFORMED, "signature is not 64 bytes");
	const ProtobufCBinaryData *key_id = &c->header->key_id;
	const struct member_key *key;
	enum isac_err err = member_check_signer(&key, c->roster, c->member, key_id->data, key_id->len, c->now_us, why);
	if (err) return err;
	if (!wire_sign_check(s->signature.data, WIRE_SIGN_REPORT, c->hub_id, s->header.data, s->header.len, key->public_key))
		return ISAC_OK;
	return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "the signature does not hold");
}

static bool is_zero(const uint8_t *p, size_t n)
{
	uint8_t all = 0;
	for (size_t i = 0; i < n; i++) all |= p[i];
	return !all;
}

static enum isac_err step_header(struct intake_case *c, struct wire_arena *arena, struct wire_why *why)
{
	(void)arena;
	const Isac1__Header *h = c->header;
	if (h->n_groups > WIRE_LIMIT_GROUPS) return wire_refuse(why, ISAC_ERR_TOO_LARGE, "more than %d groups", WIRE_LIMIT_GROUPS);
	if (h->n_recipients > WIRE_LIMIT_RECIPIENTS)
		return wire_refuse(why, ISAC_ERR_TOO_LARGE, "more than %d recipients", WIRE_LIMIT_RECIPIENTS);
	if (h->report_id.len != WIRE_ID || is_zero(h->report_id.data, WIRE_ID))
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "report_id is not 16 bytes, or zero");
	if (h->key_id.len != WIRE_KEY_ID) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "key_id is not 8 bytes");
	if (h->supersedes.len && h->supersedes.len != WIRE_ID) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "supersedes is not 16 bytes");
	if (*h->policy && !wire_name_ok(h->policy)) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "policy is not a name");
	if (h->created_us > c->now_us + (int64_t)WIRE_LIMIT_SKEW_ABSURD_S * 1000000)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "created_us is no time of this day");
	if (h->created_us > c->now_us + (int64_t)WIRE_LIMIT_SKEW_AHEAD_S * 1000000)
		return wire_refuse(why, ISAC_ERR_FROM_FUTURE, "created_us is more than %d s ahead of the hub's clock",
				   WIRE_LIMIT_SKEW_AHEAD_S);
	if (h->created_us < c->now_us - (int64_t)WIRE_LIMIT_SKEW_BEHIND_S * 1000000)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "created_us is more than %d s old", WIRE_LIMIT_SKEW_BEHIND_S);
	return ISAC_OK;
}

/* The hub's store holds no TLP_RED body in clear. */
static enum isac_err check_sealed(const Isac1__Header *h, struct wire_why *why)
{
	const bool red = h->tlp == ISAC1__TLP__TLP_RED;
	if (h->sealed.len == (red ? WIRE_HASH : 0)) return ISAC_OK;
	return wire_refuse(why, ISAC_ERR_BAD_VALUE,
			   red ? "a TLP:RED report, and what is said about one, is sealed to its readers"
			       : "only a TLP:RED report is sealed");
}

/*
 * Whose reports may this member withdraw? Its own; admins do it by the command report.withdraw, which two of them sign. Who is asked next
 * is the store, which finds the report that it is about and gives it the same audience.
 */
static bool may_withdraw(const struct member *m, const char *publisher)
{
	return !strcmp(publisher, m->name);
}

static enum isac_err check_about(const struct intake_case *c, bool is_about, struct wire_why *why)
{
	const Isac1__Header *h = c->header;
	if (!is_about && (h->about.len || *h->about_publisher))
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "only sightings and withdrawals are about a report");
	if (h->supersedes.len && h->kind != ISAC1__KIND__KIND_INDICATOR)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "only reports of indicators replace one");
	if (!is_about) return ISAC_OK;
	if (h->about.len != WIRE_ID || !wire_name_ok(h->about_publisher))
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "about is not 16 bytes, or about_publisher is not a name");
	if (h->n_groups || h->n_recipients)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE,
				   "who may see it is who may see the report that it is about: no groups, no recipients");
	if (h->kind == ISAC1__KIND__KIND_WITHDRAWAL && !may_withdraw(c->member, h->about_publisher)) {
		base_log_limited(10, BASE_LOG_WARN, "intake.withdrawal", "member=%s of=%s err=%s", c->member->name, h->about_publisher,
				 isac_err_name(ISAC_ERR_NOT_ALLOWED));
		return wire_refuse(why, ISAC_ERR_NOT_ALLOWED, "a report is withdrawn by its publisher (by admins: report.withdraw)");
	}
	return ISAC_OK;
}

static enum isac_err step_rights(struct intake_case *c, struct wire_arena *arena, struct wire_why *why)
{
	size_t i = 0, n = sizeof(kinds) / sizeof(*kinds);
	while (i < n && kinds[i].kind != c->header->kind) i++;
	if (!(c->member->roles & (i < n ? kinds[i].roles : MEMBER_PUBLISHER)))
		return wire_refuse(why, ISAC_ERR_NOT_ALLOWED, "needs the role publisher");
	if (c->member->client) /* else an organisation had as many voices on a value as it has clients */
		return wire_refuse(why, ISAC_ERR_NOT_ALLOWED, "a client publishes nothing: its organisation speaks for it");
	if (i == n) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "this hub does not take kind %u", c->header->kind);
	enum isac_err err = check_about(c, kinds[i].is_about, why);
	if (!err && !kinds[i].is_about) err = member_audience_resolve(&c->audience, c->roster, c->member, c->header, arena, why);
	if (!err) err = check_sealed(c->header, why);
	if (err || !kinds[i].is_about) return err;
	if (c->header->tlp < ISAC1__TLP__TLP_CLEAR || c->header->tlp > ISAC1__TLP__TLP_RED)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "tlp %u is no TLP label", c->header->tlp);
	c->audience = (struct member_audience){.tlp = c->header->tlp}; /* until the store knows better */
	return ISAC_OK;
}

enum isac_err intake_accept(struct intake_case *c, struct wire_arena *arena, struct wire_why *why)
{
	static enum isac_err (*const steps[])(struct intake_case *, struct wire_arena *, struct wire_why *) = {
		step_body, step_member, step_open_header, step_signature, step_header, step_rights};
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		enum isac_err err = steps[i](c, arena, why);
		if (err) return err;
	}
	return ISAC_OK;
}
