/*
 * as_token: what a gateway asks for the holder of a token. From here on the request is one of the token's member, with the token's id
 * beside it; whoever answers looks both up again. A gateway has no rights but to ask like this.
 *
 * Tokens that are none are counted against the gateway, apart from good ones: who guesses cannot hold up who has one. All are answered
 * alike.
 */
#include "intake/priv.h"

#include <string.h>

#include "query/query.h"

static void refuse(struct intake *in, const struct intake_request *r, enum isac_err err, const char *text, uint32_t wait_ms)
{
	base_stats_add(err == ISAC_ERR_RATE ? STAT_intake_limited : STAT_intake_refused, 1);
	base_log_limited(10, BASE_LOG_WARN, "token.rejected", "gateway=%s err=%s", r->member->name, isac_err_name(err));
	intake_reply_error(in, &r->route, err, text, wait_ms);
}

/* NULL: it is none, or not good any more. */
static const struct member_token *find(const struct member_roster *roster, const Isac1__AsToken *ask, struct member *holder)
{
	uint8_t hash[WIRE_HASH];
	wire_token_hash(hash, ask->token.data);
	const struct member_token *token = member_roster_token(roster, hash);
	if (!token || !member_token_as(holder, roster, token, base_clock_us())) return NULL;
	return *ask->member && strcmp(ask->member, holder->name) ? NULL : token;
}

static void ask_as(struct intake *in, const struct intake_request *r, const Isac1__AsToken *ask)
{
	struct member holder;
	struct member_roster *roster = base_shared_take(in->conf.roster);
	const struct member_token *token = find(roster, ask, &holder);
	uint32_t wait_ms = 0;
	if (token) {
		struct intake_request as = *r;
		as.member = &holder;
		as.route.member_id = token->member_id;
		as.route.token_id = token->id;
		as.body = (struct wire_bytes){ask->body.data, ask->body.len};
		intake_ask(in, &as, (uint16_t)ask->type);
	} else if (member_quota_take(in->guesses, r->route.member_id, r->body.len, base_clock_mono_us(), &wait_ms))
		refuse(in, r, ISAC_ERR_RATE, "too many tokens that are none", wait_ms);
	else refuse(in, r, ISAC_ERR_NOT_AUTHENTIC, "this token is not valid", 0);
	base_shared_give(in->conf.roster, roster);
}

void intake_as_token(struct intake *in, const struct intake_request *r, uint16_t type)
{
	struct wire_why why = {.text = ""};
	ProtobufCMessage *msg;
	(void)type;
	if (!(r->member->roles & MEMBER_GATEWAY)) {
		refuse(in, r, ISAC_ERR_NOT_ALLOWED, "needs the role gateway", 0);
		return;
	}
	enum isac_err err = wire_open(&msg, &isac1__as_token__descriptor, &in->arena, r->body.data, r->body.len, true, &why);
	const Isac1__AsToken *ask = err ? NULL : (const Isac1__AsToken *)msg;
	if (err) refuse(in, r, err, why.text, 0);
	else if (ask->token.len != WIRE_TOKEN) refuse(in, r, ISAC_ERR_NOT_AUTHENTIC, "this token is not valid", 0);
	else if (ask->type > UINT16_MAX || !query_takes_token((uint16_t)ask->type))
		refuse(in, r, ISAC_ERR_NOT_ALLOWED, "not a request that a token may make", 0);
	else ask_as(in, r, ask);
	if (ask && ask->token.len) explicit_bzero(ask->token.data, ask->token.len);
	wire_arena_reset(&in->arena);
}
