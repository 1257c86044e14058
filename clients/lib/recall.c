/*
 * recall: that reports are not to be used any more is what admins signed, and not the hub's word: proto/README.md section 7. The command
 * must be one that recalls, and these very reports.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "priv.h"

static const char *text_of(const Isac1__Command *c, const char *name)
{
	for (size_t i = 0; i < c->n_args; i++)
		if (strcmp(c->args[i]->name, name) == 0) return c->args[i]->value;
	return NULL;
}

static bool names_report(const Isac1__Command *c, const Isac1__Recall *m)
{
	const char *id = text_of(c, "report_id"), *publisher = text_of(c, "publisher");
	uint8_t bytes[WIRE_ID];
	if (!id || wire_unhex(bytes, WIRE_ID, id, strlen(id)) || (publisher && strcmp(publisher, m->publisher) != 0)) return false;
	for (size_t i = 0; i < m->n_reports; i++)
		if (m->reports[i]->report_id.len != WIRE_ID || memcmp(m->reports[i]->report_id.data, bytes, WIRE_ID) != 0) return false;
	return true;
}

static bool names_publisher(const Isac1__Command *c, const Isac1__Recall *m)
{
	const char *name = text_of(c, "name");
	return name && strcmp(name, m->publisher) == 0;
}

/* Whose key it is, who kept the reports' headers can look up. */
static bool names_key(const Isac1__Command *c, const Isac1__Recall *m)
{
	const char *from = text_of(c, "from_seq");
	uint64_t from_seq = 0;
	if (!text_of(c, "key_id") || (from && sscanf(from, "%" SCNu64, &from_seq) != 1)) return false;
	for (size_t i = 0; i < m->n_reports; i++)
		if (m->reports[i]->seq < from_seq) return false;
	return true;
}

/* Which commands recall what, and by which reason. */
static const struct {
	const char *verb;
	unsigned reason;
	bool (*names)(const Isac1__Command *c, const Isac1__Recall *m);
} orders[] = {{"report.erase", ISAC_GONE_ERASED, names_report},
	      {"report.withdraw", ISAC_GONE_WITHDRAWN, names_report},
	      {"member.erase", ISAC_GONE_ERASED, names_publisher},
	      {"key.revoke", ISAC_GONE_KEY_REVOKED, names_key}};

static bool is_ordered(const Isac1__Command *c, const Isac1__Recall *m)
{
	if (text_of(c, "dry_run")) return false; /* it was only to be tried */
	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
		if (orders[i].reason == m->reason && strcmp(orders[i].verb, c->verb) == 0) return orders[i].names(c, m);
	return false;
}

/* *member in the arena. */
static enum isac_result check_signature(const char **member, struct isac *isac, const Isac1__Recall *m,
					const ProtobufCBinaryData *signature, const ProtobufCBinaryData *key_id, struct wire_arena *arena,
					struct isac_error *err)
{
	const uint8_t *key;
	if (signature->len != WIRE_SIGNATURE || key_id->len != WIRE_KEY_ID)
		return client_error_set(err, ISAC_REFUSED, "it carries no admin's signature");
	enum isac_result r = client_directory_admin(&key, member, isac, key_id->data, err);
	if (r) return r;
	if (wire_sign_check(signature->data, WIRE_SIGN_COMMAND, isac->hub.hub_id, m->command.data, m->command.len, key))
		return client_error_set(err, ISAC_REFUSED, "the signature of the admin %s does not hold", *member);
	size_t size = strlen(*member) + 1;
	char *copy = wire_arena_alloc(arena, size);
	if (!copy) return client_error_out_of_memory(err);
	*member = memcpy(copy, *member, size);
	return ISAC_DONE;
}

enum isac_result client_recall_verify(const char **by, struct isac *isac, const Isac1__Recall *m, struct wire_arena *arena,
				      struct isac_error *err)
{
	ProtobufCMessage *msg;
	const char *first = NULL, *second = NULL;
	enum isac_result r = check_signature(&first, isac, m, &m->signature, &m->key_id, arena, err);
	if (!r && m->cosignature.len) r = check_signature(&second, isac, m, &m->cosignature, &m->cosign_key_id, arena, err);
	if (r || !first) return r;
	if (second && strcmp(first, second) == 0) second = NULL; /* one admin twice is one admin */
	if (wire_open(&msg, &isac1__command__descriptor, arena, m->command.data, m->command.len, false, NULL) ||
	    !is_ordered((const Isac1__Command *)msg, m))
		return client_error_set(err, ISAC_REFUSED, "what the admin %s signed does not recall these reports", first);
	size_t size = 2 * (WIRE_LIMIT_NAME_BYTES + 1) + 8;
	char *names = wire_arena_alloc(arena, size);
	if (!names) return client_error_out_of_memory(err);
	snprintf(names, size, "%s%s%s", first, second ? " and " : "", second ? second : "");
	*by = names;
	return ISAC_DONE;
}
