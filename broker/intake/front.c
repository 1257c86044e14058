/*
 * front: the request link as seen from core. One front at a time; a newer one replaces the older, and replies to
 * requests of the older are dropped by its instance number.
 *
 * The link sits in a base_shared cell: whoever replies holds a reference, so it is closed when the last one let go.
 */
#include "intake/priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Replies wait here while front is slow: some pages of queries, or a lot of receipts. What front may send is a member's frame. */
enum { QUEUE_BYTES = 64 << 20, MESSAGE_BYTES = WIRE_LIMIT_FRAME_BYTES + 1024 };

void intake_front_free(void *front)
{
	struct intake_front *f = front;
	if (!f) return;
	base_link_destroy(&f->link);
	free(f);
}

void intake_wake(struct intake *in)
{
	uint64_t one = 1;
	while (write(in->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		; /* full is fine: it is awake then */
}

/* f = NULL leaves an empty one, so that repliers find a value without a link. */
static void become(struct intake *in, struct intake_front *f)
{
	in->front = f;
	if (!f) f = calloc(1, sizeof(*f));
	if (f) base_shared_swap(&in->fronts, f);
}

void intake_front_accept(struct intake *in)
{
	struct base_link *link = NULL;
	if (base_link_accept(&link, in->listen_fd, QUEUE_BYTES, MESSAGE_BYTES)) return;
	struct intake_front *f = calloc(1, sizeof(*f));
	if (!f) {
		base_link_destroy(&link);
		return;
	}
	f->link = link;
	become(in, f);
}

enum isac_err intake_front_hello(struct intake *in, struct wire_bytes part)
{
	uint64_t id = part.len == 9 ? wire_get_u64(part.data + 1) : 0;
	if (!id || atomic_load(&in->front->id)) return ISAC_ERR_MALFORMED;
	atomic_store(&in->front->id, id);
	base_log(BASE_LOG_INFO, "front.connected", "link=request front=%016llx", (unsigned long long)id);
	intake_front_push_roster(in);
	return ISAC_OK;
}

void intake_front_drop(struct intake *in, const char *reason)
{
	base_log(BASE_LOG_WARN, "front.gone", "link=request reason=\"%s\"", reason);
	become(in, NULL);
}

static void add_row(void *arg, const struct member *m)
{
	struct wire_buf *rows = arg;
	uint8_t len = (uint8_t)strlen(m->name);
	wire_buf_add(rows, m->curve, WIRE_CURVE);
	wire_buf_add(rows, &len, 1);
	wire_buf_add(rows, m->name, len);
}

/* Any thread: the roster in force now, to this front. */
static enum isac_err send_roster(struct intake *in, struct intake_front *front)
{
	struct member_roster *roster = base_shared_take(in->conf.roster);
	if (!roster) return ISAC_OK;
	uint8_t tag[9] = {'T'};
	wire_put_u64(tag + 1, member_roster_generation(roster));
	struct wire_buf rows;
	wire_buf_init(&rows, QUEUE_BYTES / 2);
	member_roster_each(roster, add_row, &rows);
	base_shared_give(in->conf.roster, roster);
	struct wire_bytes parts[2] = {{tag, sizeof(tag)}, {rows.data, rows.len}};
	enum isac_err err = rows.err ? rows.err : base_link_send(front->link, parts, 2);
	wire_buf_clear(&rows);
	return err;
}

void intake_front_push_roster(struct intake *in)
{
	if (!in->front || !atomic_load(&in->front->id)) return; /* its HELLO will bring the roster */
	/* A front with an old roster would let in who was shut out: cut it, it asks again. */
	if (send_roster(in, in->front)) intake_front_drop(in, "the roster could not be sent");
}

/*
 * On the caller's thread, so that front has the roster before the answer to the command that changed it. The intake thread sends it once
 * more: whatever order two senders took, the last one to arrive is the newest, and only that thread may drop a front.
 */
void intake_roster_changed(struct intake *in)
{
	struct intake_front *front = base_shared_take(&in->fronts);
	if (front && front->link && atomic_load(&front->id)) (void)send_roster(in, front);
	base_shared_give(&in->fronts, front);
	atomic_store(&in->roster_changed, true);
	intake_wake(in);
}
