/*
 * audit: how an answer stands in the record of who read what. What shows a report's items notes these (query_note_shown); what tells of
 * reports without showing them says how much it told (query_note_told), and a row here says in words what was asked.
 */
#include "query/priv.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 1024 };

__attribute__((format(printf, 2, 3))) static void add(char *out, const char *format, ...)
{
	size_t len = strlen(out);
	va_list args;
	va_start(args, format);
	vsnprintf(out + len, TEXT_MAX - len, format, args);
	va_end(args);
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
	struct query_shown *s = &call->shown;
	s->items += told;
	s->seqs = wire_arena_alloc(call->arena, sizeof(*s->seqs));
	if (!s->seqs || !seq) return;
	*s->seqs = (int64_t)seq;
	s->n = 1;
}

/* Without the record nothing is shown. */
enum isac_err query_write_read(struct query_call *call)
{
	const struct query_shown *s = &call->shown;
	char text[TEXT_MAX] = "";
	size_t at = 0;
	if (!s->items) return ISAC_OK;
	while (at < sizeof(rows) / sizeof(*rows) - 1 && rows[at].type != call->job->handler->type) at++;
	if (rows[at].tell) rows[at].tell(text, call->ask);
	struct store_read read = {.member_id = call->self->id,
				  .what = rows[at].what,
				  .filter = rows[at].tell ? text
					    : s->filter	  ? s->filter
							  : "",
				  .items = s->items,
				  .seqs = s->seqs,
				  .n = s->n};
	enum isac_err err = s->seqs ? store_insert_read(call->q->db, &read) : ISAC_ERR_NO_MEMORY;
	return err ? query_refuse(call, ISAC_ERR_UNAVAILABLE, "who reads what cannot be written down now") : ISAC_OK;
}
