/* who: to whom a report was sent. Pages are put together. */
#include <string.h>
#include "priv.h"

struct run {
	struct isac *isac;
	Isac1__Who question;
	struct wire_arena page; /* of one answer; what is kept is copied into isac->answer */
	struct isac_who *who;
	struct isac_sent *sent;
	size_t cap;
	uint8_t cursor[256];
};

static const char *copy(struct wire_arena *arena, const char *text)
{
	size_t len = strlen(text) + 1;
	char *out = wire_arena_alloc(arena, len);
	if (out) client_error_clean(out, len, text);
	return out;
}

static bool add_sent(struct run *run, const Isac1__WhoResult *answer)
{
	struct wire_arena *arena = &run->isac->answer;
	if (run->who->sent_n + answer->n_sent > run->cap) {
		size_t cap = (run->who->sent_n + answer->n_sent) * 2;
		struct isac_sent *more = wire_arena_alloc(arena, cap * sizeof *more);
		if (!more) return false;
		if (run->who->sent_n) memcpy(more, run->sent, run->who->sent_n * sizeof *more);
		run->sent = more;
		run->cap = cap;
	}
	for (size_t i = 0; i < answer->n_sent; i++) {
		const Isac1__Sent *s = answer->sent[i];
		struct isac_sent *to = &run->sent[run->who->sent_n++];
		*to = (struct isac_sent){.member = copy(arena, s->member),
					 .name = copy(arena, s->name),
					 .items = s->items,
					 .maybe = s->maybe,
					 .acked = s->acked,
					 .told_us = s->told_us,
					 .from_us = s->from_us,
					 .until_us = s->until_us};
		if (!to->member || !to->name) return false;
	}
	run->who->sent = run->sent;
	return true;
}

/* One page. ISAC_END: that was the last. */
static enum isac_result ask(struct run *run, struct isac_error *err)
{
	ProtobufCMessage *msg;
	enum isac_result r = client_request_run(&msg, run->isac, WIRE_WHO, &run->question.base, WIRE_WHO_RESULT, &run->page, 0, err);
	if (r) return r;
	const Isac1__WhoResult *answer = (const Isac1__WhoResult *)msg;
	struct isac_who *who = run->who;
	who->seq = answer->seq;
	who->received_us = answer->received_us;
	who->removed = answer->removed;
	who->withdrawn_us = answer->withdrawn_us;
	who->publisher = copy(&run->isac->answer, answer->publisher);
	if (!who->publisher || !add_sent(run, answer)) return client_error_out_of_memory(err);
	if (!answer->cursor.len || answer->cursor.len > sizeof run->cursor) return ISAC_END;
	memcpy(run->cursor, answer->cursor.data, answer->cursor.len);
	run->question.cursor = (ProtobufCBinaryData){answer->cursor.len, run->cursor};
	return ISAC_DONE;
}

enum isac_result isac_who(const struct isac_who **out, struct isac *isac, const uint8_t report_id[ISAC_ID_BYTES], const char *publisher,
			  struct isac_error *err)
{
	struct run run = {.isac = isac, .question = ISAC1__WHO__INIT};
	uint8_t id[ISAC_ID_BYTES];
	memcpy(id, report_id, sizeof id);
	run.question.report_id = (ProtobufCBinaryData){sizeof id, id};
	if (publisher) run.question.publisher = (char *)(uintptr_t)publisher;
	wire_arena_reset(&isac->answer);
	run.who = wire_arena_alloc(&isac->answer, sizeof *run.who);
	if (!run.who) return client_error_out_of_memory(err);
	memset(run.who, 0, sizeof *run.who);
	wire_arena_init(&run.page, (size_t)WIRE_LIMIT_DECODE_BYTES * 4);
	enum isac_result r;
	do r = ask(&run, err);
	while (r == ISAC_DONE);
	wire_arena_clear(&run.page);
	if (r != ISAC_END) return r;
	*out = run.who;
	return ISAC_DONE;
}
