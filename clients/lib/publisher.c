/*
 * publisher: a window of reports under way. Each is sent again, the same bytes, after silence, on a new connection, or when the
 * hub says "later"; the hub answers repetitions with the first receipt, so nothing goes in twice. A receipt is believed only
 * if it is signed for exactly these header bytes.
 */
#include <stdlib.h>
#include <string.h>
#include "priv.h"

enum { SILENCE_MS = 3000, SILENCE_MS_MAX = 20000, WINDOW_MAX = 1024 };

struct way { /* a report under way */
	struct isac_report report;
	void *tag;
	uint64_t request_id; /* 0 = slot is free */
	uint8_t header_hash[WIRE_HASH];
	uint32_t items;
	int64_t send_at; /* next time, monotonic ms */
	unsigned sends, delays;
};

struct isac_publisher {
	struct isac *isac;
	struct client_socket *socket;
	void (*done)(void *arg, const struct isac_receipt *receipt);
	void *arg;
	struct way *way;
	unsigned window, pending, lives;
	int64_t moved_ms;   /* when something last went forward */
	int64_t hold_until; /* the hub asked everybody to slow down */
	struct wire_arena arena;
	unsigned late_code; /* of the last "later" */
	char late_text[160];
};

enum isac_result isac_publisher_open(struct isac_publisher **out, struct isac *isac, unsigned window,
				     void (*done)(void *, const struct isac_receipt *), void *arg, struct isac_error *err)
{
	*out = NULL;
	if (window < 1 || window > WINDOW_MAX) return client_error_set(err, ISAC_MISUSED, "the window is 1 to %d reports", WINDOW_MAX);
	struct isac_publisher *p = calloc(1, sizeof *p);
	if (!p) return client_error_out_of_memory(err);
	*p = (struct isac_publisher){.isac = isac, .done = done, .arg = arg, .window = window, .moved_ms = client_clock_mono_ms()};
	wire_arena_init(&p->arena, WIRE_LIMIT_DECODE_BYTES);
	p->way = calloc(window, sizeof *p->way);
	enum isac_result r = p->way ? client_home_socket(&p->socket, isac, 0, err) : client_error_out_of_memory(err);
	if (r) isac_publisher_close(&p);
	*out = p;
	return r;
}

void isac_publisher_close(struct isac_publisher **publisher)
{
	struct isac_publisher *p = *publisher;
	if (!p) return;
	for (unsigned i = 0; p->way && i < p->window; i++) isac_report_clear(&p->way[i].report);
	client_socket_close(&p->socket);
	wire_arena_clear(&p->arena);
	free(p->way);
	free(p);
	*publisher = NULL;
}

bool isac_publisher_has_room(const struct isac_publisher *p)
{
	return p->pending < p->window;
}

unsigned isac_publisher_pending(const struct isac_publisher *p)
{
	return p->pending;
}

static enum isac_result read_header(struct isac_publisher *p, struct way *w, struct isac_error *err)
{
	ProtobufCMessage *msg;
	wire_arena_reset(&p->arena);
	if (wire_open(&msg, &isac1__submit__descriptor, &p->arena, w->report.data, w->report.len, false, NULL))
		return client_error_set(err, ISAC_REFUSED, "the report cannot be read");
	ProtobufCBinaryData h = ((const Isac1__Submit *)msg)->header;
	if (wire_open(&msg, &isac1__header__descriptor, &p->arena, h.data, h.len, false, NULL))
		return client_error_set(err, ISAC_REFUSED, "the report's header cannot be read");
	wire_hash(w->header_hash, h.data, h.len);
	w->items = ((const Isac1__Header *)msg)->item_count;
	return ISAC_DONE;
}

enum isac_result isac_publisher_add(struct isac_publisher *p, const struct isac_report *report, void *tag, struct isac_error *err)
{
	unsigned i = 0;
	while (i < p->window && p->way[i].request_id) i++;
	if (i == p->window) return client_error_set(err, ISAC_MISUSED, "the window is full: step first");
	struct way *w = &p->way[i];
	*w = (struct way){.report = *report, .tag = tag};
	w->report.data = malloc(report->len);
	if (!w->report.data) return client_error_out_of_memory(err);
	memcpy(w->report.data, report->data, report->len);
	enum isac_result r = read_header(p, w, err);
	if (r) {
		isac_report_clear(&w->report);
		return r;
	}
	if (!p->pending++) p->moved_ms = client_clock_mono_ms();
	w->request_id = ++p->isac->request_id;
	return ISAC_DONE;
}

static void finish(struct isac_publisher *p, struct way *w, struct isac_receipt *receipt)
{
	memcpy(receipt->report_id, w->report.id, ISAC_ID_BYTES);
	receipt->items = w->items;
	receipt->tag = w->tag;
	isac_report_clear(&w->report);
	w->request_id = 0;
	p->pending--;
	p->moved_ms = client_clock_mono_ms();
	p->late_code = 0;
	p->done(p->arg, receipt);
}

static void postpone(struct isac_publisher *p, struct way *w, unsigned code, const char *text, uint32_t hint_ms)
{
	int64_t now = client_clock_mono_ms();
	w->delays++;
	w->send_at = now + client_request_pause_ms(w->delays, hint_ms);
	if (code == 429) { /* the hub is well and we are too fast: that is no stand-still */
		p->moved_ms = now;
		if (w->send_at > p->hold_until) p->hold_until = now + (hint_ms ? hint_ms : 100);
	}
	p->late_code = code;
	client_error_clean(p->late_text, sizeof p->late_text, text);
}

static bool is_later(unsigned code)
{
	return code == 408 || code == 425 || code == 429 || code == 503 || code == 507;
}

/* NULL if the receipt is what it must be. */
static const char *check(struct isac_publisher *p, const struct way *w, const Isac1__Receipt *receipt, Isac1__ReceiptBody **body)
{
	if (wire_receipt_verify(body, receipt, p->isac->hub.hub_id, p->isac->hub.receipt, &p->arena, NULL))
		return "the receipt's signature does not hold: this is not the hub that hub.pub names; the report was kept";
	if ((*body)->header_hash.len != WIRE_HASH || memcmp((*body)->header_hash.data, w->header_hash, WIRE_HASH) != 0 ||
	    (*body)->report_id.len != WIRE_ID || memcmp((*body)->report_id.data, w->report.id, WIRE_ID) != 0)
		return "the receipt is for another report; the report was kept";
	return NULL;
}

static void take_receipt(struct isac_publisher *p, struct way *w, const Isac1__Receipt *receipt)
{
	if (is_later(receipt->code)) {
		postpone(p, w, receipt->code, receipt->text, receipt->retry_after_ms);
		return;
	}
	char text[sizeof((struct isac_error *)NULL)->text];
	struct isac_receipt out = {.code = receipt->code, .item = receipt->item, .text = text};
	Isac1__ReceiptBody *body;
	client_error_clean(text, sizeof text, receipt->text);
	if (receipt->code == 200 || receipt->code == 202 || receipt->code == 208) {
		const char *wrong = check(p, w, receipt, &body);
		if (wrong) {
			out.code = 0;
			out.text = wrong;
		} else {
			out.seq = body->seq;
			out.received_us = body->received_us;
			out.held = receipt->held;
			out.held_n = receipt->n_held;
		}
	}
	finish(p, w, &out);
}

static void take(struct isac_publisher *p, const struct wire_head *head, struct wire_bytes body)
{
	struct way *w = NULL;
	for (unsigned i = 0; i < p->window && !w; i++)
		if (p->way[i].request_id && p->way[i].request_id == head->request_id) w = &p->way[i];
	const struct wire_frame_row *row = wire_frame_find(head->type);
	if (!w || !row || (head->type != WIRE_RECEIPT && head->type != WIRE_ERROR)) return; /* a second answer, or not for us */
	ProtobufCMessage *msg;
	wire_arena_reset(&p->arena);
	if (wire_open(&msg, row->desc, &p->arena, body.data, body.len, false, NULL)) return; /* silence will send it again */
	if (head->type == WIRE_RECEIPT) {
		take_receipt(p, w, (const Isac1__Receipt *)msg);
		return;
	}
	const Isac1__Error *e = (const Isac1__Error *)msg;
	if (is_later(e->code)) {
		postpone(p, w, e->code, e->text, e->retry_after_ms);
		return;
	}
	char text[160];
	client_error_clean(text, sizeof text, e->text);
	struct isac_receipt out = {.code = e->code ? e->code : 400, .text = text};
	finish(p, w, &out);
}

/* Sends what is due; returns when the next one will be. */
static int64_t send_due(struct isac_publisher *p, int64_t now)
{
	int64_t next = now + 60000;
	if (p->lives !=
	    client_socket_lives(p->socket)) { /* a new connection: what was unanswered is lost on the way, or answered to nobody */
		p->lives = client_socket_lives(p->socket);
		for (unsigned i = 0; i < p->window; i++)
			if (p->way[i].request_id && p->way[i].sends) p->way[i].send_at = now;
	}
	for (unsigned i = 0; i < p->window; i++) {
		struct way *w = &p->way[i];
		if (!w->request_id) continue;
		int64_t at = w->send_at > p->hold_until ? w->send_at : p->hold_until;
		if (at <= now && client_socket_live(p->socket)) {
			struct wire_head head = {.type = WIRE_SUBMIT, .request_id = w->request_id};
			if (client_socket_send(p->socket, &head, w->report.data, w->report.len)) break;
			unsigned shift = w->sends < 3 ? w->sends : 3;
			int64_t silence = (int64_t)SILENCE_MS << shift;
			w->sends++;
			at = w->send_at = now + (silence < SILENCE_MS_MAX ? silence : SILENCE_MS_MAX);
		}
		if (at < next) next = at;
	}
	return next;
}

static enum isac_result give_up(const struct isac_publisher *p, struct isac_error *err)
{
	if (!p->late_code || !client_socket_live(p->socket)) return client_home_unreachable(err, p->isac, p->socket, 0);
	client_error_from_hub(err, p->late_code, p->late_text);
	if (err) err->result = ISAC_UNREACHABLE;
	return ISAC_UNREACHABLE;
}

enum isac_result isac_publisher_step(struct isac_publisher *p, int wait_ms, struct isac_error *err)
{
	int64_t now = client_clock_mono_ms(), deadline = now + wait_ms;
	struct wire_head head;
	struct wire_bytes body;
	for (;;) {
		int64_t next = send_due(p, now);
		unsigned before = p->pending;
		while (client_socket_receive(p->socket, &head, &body) == ISAC_OK) take(p, &head, body);
		if (p->pending != before || !p->pending) return ISAC_DONE;
		now = client_clock_mono_ms();
		if (now - p->moved_ms >= p->isac->timeout_ms) return give_up(p, err);
		if (now >= deadline) return ISAC_DONE;
		int64_t until = deadline < p->moved_ms + p->isac->timeout_ms ? deadline : p->moved_ms + p->isac->timeout_ms;
		if (client_socket_live(p->socket) && next < until) until = next;
		if (!client_socket_wait(p->socket, until > now ? (int)(until - now) : 0) && wait_ms == 0) return ISAC_DONE;
		now = client_clock_mono_ms();
	}
}
