/*
 * audit: how an answer stands in the record of who read what. What shows a report's items notes these (query_note_shown); what tells of
 * reports without showing them says how much it told (query_note_told), and a row here says in words what was asked. Of the first kind
 * the record is written before the answer leaves; the second, which may come by the thousand, are written together as soon as nobody waits.
 */
#include "query/priv.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1024, TOLD_MAX = 128, RETRY_MS = 1000 };

struct query_told {
	struct store_read read[TOLD_MAX];
	char text[TOLD_MAX][TEXT_MAX];
	int64_t seq[TOLD_MAX];
	size_t n;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void add(char *out, const char *format, ...)
{
	size_t len = strlen(out);
	va_list args;
	va_start(args, format);
	bool cut = (size_t)vsnprintf(out + len, TEXT_MAX - len, format, args) >= TEXT_MAX - len;
	va_end(args);
	if (!cut) return;
	for (len = TEXT_MAX - 1; len && ((uint8_t)out[len - 1] & 0xc0) == 0x80;) len--; /* no half of a character: it is no UTF-8 */
	if (len && (uint8_t)out[len - 1] >= 0xc0) len--;
	out[len] = 0;
}

static void add_hex(char *out, ProtobufCBinaryData bytes)
{
	for (size_t i = 0; i < bytes.len; i++) add(out, "%02x", bytes.data[i]);
}

static void add_value(char *out, uint32_t type, const char *value)
{
	const char *name = wire_value_name(type);
	add(out, "%s = \"%s\"", name ? name : "?", value);
}

static void tell_lookup(char *out, const ProtobufCMessage *ask)
{
	const Isac1__Lookup *m = (const Isac1__Lookup *)ask;
	add(out, "%zu keys:", m->n_keys);
	for (size_t i = 0; i < m->n_keys && strlen(out) + 2 * WIRE_VALUE_KEY + 2 < TEXT_MAX; i++) {
		add(out, " ");
		add_hex(out, m->keys[i]);
	}
}

static void tell_life(char *out, const ProtobufCMessage *ask)
{
	const Isac1__Life *m = (const Isac1__Life *)ask;
	add_value(out, m->type, m->value);
}

static void tell_related(char *out, const ProtobufCMessage *ask)
{
	const Isac1__Related *m = (const Isac1__Related *)ask;
	add_value(out, m->type, m->value);
}

static void tell_why(char *out, const ProtobufCMessage *ask)
{
	add_hex(out, ((const Isac1__Why *)ask)->report_id);
}

static void tell_statistics(char *out, const ProtobufCMessage *ask)
{
	static const char *const questions[] = {"", "total", "days", "types", "publishers", "countries", "asns", "scorecard", "overlap"};
	const Isac1__Statistics *m = (const Isac1__Statistics *)ask;
	add(out, "%s, since_us %" PRId64 ", until_us %" PRId64,
	    m->question < sizeof(questions) / sizeof(*questions) ? questions[m->question] : "?", m->since_us, m->until_us);
	if (*m->publisher) add(out, ", publisher %s", m->publisher);
}

static const struct {
	uint16_t type;
	const char *what;
	void (*tell)(char *out, const ProtobufCMessage *ask); /* NULL: the handler says it by the filter */
} rows[] = {{WIRE_QUERY, "query", NULL},     {WIRE_PREVIEW, "preview", NULL},
	    {WIRE_VERSIONS, "report", NULL}, {WIRE_LOOKUP, "lookup", tell_lookup},
	    {WIRE_LIFE, "life", tell_life},  {WIRE_RELATED, "related", tell_related},
	    {WIRE_WHY, "why", tell_why},     {WIRE_STATISTICS, "stats", tell_statistics}};

void query_note_shown(struct query_call *call, const struct report *r, const uint8_t *shown)
{
	struct query_shown *s = &call->shown;
	if (!s->seqs) s->seqs = wire_arena_alloc(call->arena, WIRE_LIMIT_PAGE_ITEMS * sizeof(*s->seqs));
	if (!s->seqs) return;
	for (uint32_t i = 0; i < r->n; i++) s->items += shown[i / 8] >> i % 8 & 1;
	if (s->n && s->seqs[s->n - 1] == (int64_t)r->seq) return; /* its held items are an entry of their own */
	if (s->n < WIRE_LIMIT_PAGE_ITEMS) s->seqs[s->n++] = (int64_t)r->seq;
}

void query_note_told(struct query_call *call, uint64_t seq, uint32_t told)
{
	call->shown.items += told;
	call->shown.told = true;
	call->shown.told_seq = seq;
}

/* ---- the records ------------------------------------------------------------------------------- */

struct query_told *query_told_new(void)
{
	return calloc(1, sizeof(struct query_told));
}

int query_told_wait_ms(const struct query_told *t)
{
	return !t->n ? -1 : t->failed ? RETRY_MS : 0;
}

enum isac_err query_told_write(struct query *q)
{
	struct query_told *t = q->told;
	enum isac_err err = t->n ? store_insert_reads(q->db, t->read, t->n) : ISAC_OK;
	t->failed = err;
	if (err) base_log_limited(1, BASE_LOG_WARN, "query.audit", "err=%s", isac_err_name(err));
	else t->n = 0;
	return err;
}

static enum isac_err keep_told(struct query_call *call, const char *what, void (*tell)(char *out, const ProtobufCMessage *ask))
{
	struct query_told *t = call->q->told;
	enum isac_err err = t->n == TOLD_MAX ? query_told_write(call->q) : ISAC_OK;
	if (err) return err;
	size_t i = t->n++;
	t->text[i][0] = 0;
	if (tell) tell(t->text[i], call->ask);
	t->seq[i] = (int64_t)call->shown.told_seq;
	t->read[i] = (struct store_read){.member_id = call->self->id,
					 .token_id = call->job->route.token_id,
					 .what = what,
					 .filter = t->text[i],
					 .items = call->shown.items,
					 .seqs = &t->seq[i],
					 .n = call->shown.told_seq > 0};
	return ISAC_OK;
}

static enum isac_err write_shown(struct query_call *call, const char *what)
{
	const struct query_shown *s = &call->shown;
	struct store_read read = {.member_id = call->self->id,
				  .token_id = call->job->route.token_id,
				  .what = what,
				  .filter = s->filter ? s->filter : "",
				  .items = s->items,
				  .seqs = s->seqs,
				  .n = s->n};
	return s->seqs ? store_insert_read(call->q->db, &read) : ISAC_ERR_NO_MEMORY;
}

/* Without a record nothing is shown, and nothing told once there is no room for more of them. */
enum isac_err query_write_read(struct query_call *call)
{
	size_t at = 0;
	if (!call->shown.items) return ISAC_OK;
	while (at < sizeof(rows) / sizeof(*rows) - 1 && rows[at].type != call->job->handler->type) at++;
	enum isac_err err = call->shown.told ? keep_told(call, rows[at].what, rows[at].tell) : write_shown(call, rows[at].what);
	return err ? query_refuse(call, ISAC_ERR_UNAVAILABLE, "who reads what cannot be written down now") : ISAC_OK;
}
