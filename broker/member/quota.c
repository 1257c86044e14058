/*
 * quota: two token buckets a member, one for reports and one for bytes.
 *
 * Levels are integers in units fine enough for a microsecond (reports x 10^6, bytes x 60 x 10^6), so that no rate is lost to
 * rounding and nothing drifts. One thread owns a quota; it reads no clock.
 */
#include <stdlib.h>

#include "member/member.h"

static const uint64_t report_unit = 1000000, byte_unit = 60000000;

/* level rises by rate units a microsecond up to cap. */
struct bucket {
	uint64_t level;
};
struct rate {
	uint64_t rate, cap;
};
struct account {
	int32_t member_id;
	bool used;
	int64_t at_us;
	struct bucket reports, bytes;
};

struct member_quota {
	struct rate reports, bytes;
	struct account *accounts;
	uint32_t cap, n;
};

enum isac_err member_quota_new(struct member_quota **out, int64_t per_s, int64_t burst, int64_t bytes_per_min)
{
	struct member_quota *q;

	*out = NULL;
	/* The bounds of params.def: within them nothing below overflows. */
	if (per_s < 1 || per_s > 10000000 || burst < 1 || burst > 10000000 || bytes_per_min < 1 || bytes_per_min > 100000000000)
		return ISAC_ERR_CONFIG;
	q = calloc(1, sizeof(*q));
	if (!q) return ISAC_ERR_NO_MEMORY;
	q->cap = 64;
	q->accounts = calloc(q->cap, sizeof(*q->accounts));
	if (!q->accounts) {
		free(q);
		return ISAC_ERR_NO_MEMORY;
	}
	q->reports = (struct rate){(uint64_t)per_s, (uint64_t)burst * report_unit};
	q->bytes = (struct rate){(uint64_t)bytes_per_min, (uint64_t)bytes_per_min * byte_unit};
	*out = q;
	return ISAC_OK;
}

void member_quota_destroy(struct member_quota **q)
{
	if (!*q) return;
	free((*q)->accounts);
	free(*q);
	*q = NULL;
}

/* The member's slot, or the free one where it belongs. */
static struct account *find_account(struct account *accounts, uint32_t cap, int32_t member_id)
{
	uint32_t at = (uint32_t)member_id * 2654435761u & (cap - 1);

	while (accounts[at].used && accounts[at].member_id != member_id) at = (at + 1) & (cap - 1);
	return &accounts[at];
}

static enum isac_err grow_accounts(struct member_quota *q)
{
	struct account *more = calloc((size_t)q->cap * 2, sizeof(*more));

	if (!more) return ISAC_ERR_NO_MEMORY;
	for (uint32_t i = 0; i < q->cap; i++)
		if (q->accounts[i].used) *find_account(more, q->cap * 2, q->accounts[i].member_id) = q->accounts[i];
	free(q->accounts);
	q->accounts = more;
	q->cap *= 2;
	return ISAC_OK;
}

static void refill(struct bucket *b, const struct rate *r, uint64_t elapsed_us)
{
	if (elapsed_us >= (r->cap - b->level) / r->rate + 1) b->level = r->cap;
	else b->level += elapsed_us * r->rate;
	if (b->level > r->cap) b->level = r->cap;
}

static uint64_t wait_us(const struct bucket *b, const struct rate *r, uint64_t cost)
{
	return b->level >= cost ? 0 : (cost - b->level + r->rate - 1) / r->rate;
}

/* The hub's, but for what the member has of its own; within the bounds of member_quota_new. */
static struct rate choose_reports(const struct member_quota *q, const struct member_rate *own)
{
	struct rate r = q->reports;

	if (own && own->per_s) r.rate = (uint64_t)own->per_s;
	if (own && own->burst) r.cap = (uint64_t)own->burst * report_unit;
	return r;
}

static struct rate choose_bytes(const struct member_quota *q, const struct member_rate *own)
{
	if (!own || !own->bytes_per_min) return q->bytes;
	return (struct rate){(uint64_t)own->bytes_per_min, (uint64_t)own->bytes_per_min * byte_unit};
}

enum isac_err member_quota_take(struct member_quota *q, int32_t member_id, size_t bytes, int64_t now_mono_us, uint32_t *retry_after_ms)
{
	return member_quota_take_at(q, member_id, NULL, bytes, now_mono_us, retry_after_ms);
}

enum isac_err member_quota_take_at(struct member_quota *q, int32_t member_id, const struct member_rate *own, size_t bytes,
				   int64_t now_mono_us, uint32_t *retry_after_ms)
{
	struct account *a = find_account(q->accounts, q->cap, member_id);
	const struct rate reports = choose_reports(q, own), volume = choose_bytes(q, own);
	const uint64_t bytes_max = volume.cap / byte_unit; /* what one message is charged at most: a larger one must still get through */
	uint64_t cost = (bytes < bytes_max ? bytes : bytes_max) * byte_unit, wait, wait_bytes;

	*retry_after_ms = 0;
	if (!a->used) {
		if ((q->n + 1) * 2 > q->cap) {
			if (grow_accounts(q)) return ISAC_ERR_NO_MEMORY;
			a = find_account(q->accounts, q->cap, member_id);
		}
		*a = (struct account){member_id, true, now_mono_us, {reports.cap}, {volume.cap}};
		q->n++;
	}
	/* A cap that became smaller. */
	if (a->reports.level > reports.cap) a->reports.level = reports.cap;
	if (a->bytes.level > volume.cap) a->bytes.level = volume.cap;
	if (now_mono_us > a->at_us) {
		refill(&a->reports, &reports, (uint64_t)(now_mono_us - a->at_us));
		refill(&a->bytes, &volume, (uint64_t)(now_mono_us - a->at_us));
		a->at_us = now_mono_us;
	}
	wait = wait_us(&a->reports, &reports, report_unit);
	wait_bytes = wait_us(&a->bytes, &volume, cost);
	if (wait_bytes > wait) wait = wait_bytes;
	if (wait) {
		*retry_after_ms = (uint32_t)((wait + 999) / 1000);
		return ISAC_ERR_RATE;
	}
	a->reports.level -= report_unit;
	a->bytes.level -= cost;
	return ISAC_OK;
}
