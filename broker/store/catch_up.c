/*
 * After a lost connection a commit may have succeeded without our hearing of it. The feeds must not miss it: what
 * lies between the head we knew and the head there is, is read back and handed on, before anything new is stored.
 */
#include "store/store_priv.h"

enum { CATCH_UP_PAGE = 256, CATCH_UP_BYTES = 4 << 20 };

bool store_pause(struct store *s, int ms)
{
	int64_t until = base_clock_mono_us() + ms * INT64_C(1000);
	int64_t left;

	while (base_actor_running(s->actor) && (left = until - base_clock_mono_us()) > 0) {
		struct pollfd fds[2] = {{base_actor_stop_fd(s->actor), POLLIN, 0}, {store_receipts_fd(s->receipts), POLLIN, 0}};

		poll(fds, 2, (int)(left / 1000 + 1));
		store_receipts_serve(s->receipts);
	}
	return base_actor_running(s->actor);
}

static enum isac_err read_head(struct store *s, uint64_t *head, int64_t *received_us)
{
	static const struct store_stmt stmt = {"catch_up_head", "SELECT seq, received FROM hub_head"};
	PGresult *res = NULL;
	enum isac_err err = store_pg_run(s->pg, &stmt, NULL, &res);

	if (!err) {
		*head = (uint64_t)store_get_i64(res, 0, 0);
		*received_us = store_get_time(res, 0, 1);
	}
	PQclear(res);
	return err;
}

/* One page; *at moves on. */
static enum isac_err hand_on(struct store *s, uint64_t *at, uint64_t until)
{
	struct report *page[CATCH_UP_PAGE];
	size_t n;
	enum isac_err err = store_select_page(s->reader, *at, until, CATCH_UP_PAGE, CATCH_UP_BYTES, page, &n);

	if (err) return err;
	if (n) s->conf.committed(s->conf.arg, page, n);
	if (n) s->conf.publish(s->conf.arg, page, n);
	*at = n ? page[n - 1]->seq : until;
	atomic_store(&s->head, *at);
	for (size_t i = 0; i < n; i++) report_unref(&page[i]);
	return ISAC_OK;
}

enum isac_err store_sync_head(struct store *s, bool quiet)
{
	uint64_t head, at = atomic_load(&s->head);
	int64_t received_us;
	enum isac_err err;

	if (!s->must_sync) return ISAC_OK;
	err = read_head(s, &head, &received_us);
	while (!err && !quiet && at < head) err = hand_on(s, &at, head);
	if (err) return err;
	err = store_ensure_partition(s->pg);
	if (err) return err;
	s->partitions_at = head;
	s->received_us = received_us;
	atomic_store(&s->head, head);
	s->must_sync = false;
	return ISAC_OK;
}
