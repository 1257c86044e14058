/*
 * Pages of stored reports for sessions that are behind. A page is read once and kept a while for all who come by, so that two hundred
 * who return together cost the database few readings; memory is bounded by what is kept, not by who is behind.
 *
 * A session looks for the page that goes on behind its position, and waits if there is none. While ready sessions read a page it
 * stays, and what others wait for is not read before there is room: else two hundred who have drifted apart would throw out each other's
 * pages, and each would be read for one of them. So they wait for each other, and come together again. Nobody holds up the others by
 * coming again and again: a page stays for HELD_US at most, and who has waited for WAIT_US is next.
 */
#include "feed/priv.h"

#include <stdlib.h>
#include <string.h>

enum {
	HELD_US = 10000000,
	WAIT_US = 1000000,
	WAITING_LOOKED_AT = 64 /* when the next page is chosen: a turn must not walk over all who wait */
};

void feed_page_free(struct feed_page **page)
{
	struct feed_page *p = *page;
	size_t i;

	if (!p) return;
	for (i = 0; i < p->n; i++) report_unref(&p->report[i]);
	free(p->report);
	free(p);
	*page = NULL;
}

/* How far a page speaks: up to its last report; or, empty, of all that was asked. */
static uint64_t end_of(const struct feed_page *page)
{
	return page->n ? page->report[page->n - 1]->seq : page->until;
}

static size_t first_behind(const struct feed_page *page, uint64_t position)
{
	size_t low = 0, high = page->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (page->report[mid]->seq <= position) low = mid + 1;
		else high = mid;
	}
	return low;
}

static bool goes_on_behind(const struct feed_page *page, uint64_t position)
{
	return position >= page->after && position < end_of(page);
}

/* ---- who reads it ---- */

void feed_page_leave(struct feed *f, struct feed_session *s)
{
	size_t i;

	for (i = 0; s->page && i < f->pages.n; i++)
		if (f->pages.page[i]->number == s->page) f->pages.page[i]->readers--;
	s->page = 0;
}

static void enter(struct feed *f, struct feed_session *s, struct feed_page *page)
{
	if (s->page == page->number) return;
	feed_page_leave(f, s);
	s->page = page->number;
	page->readers++;
}

const struct feed_page *feed_page_find(struct feed *f, struct feed_session *s, size_t *at)
{
	size_t i;

	for (i = 0; i < f->pages.n; i++) {
		struct feed_page *page = f->pages.page[i];
		if (!goes_on_behind(page, s->position)) continue;
		enter(f, s, page);
		page->used_us = base_clock_mono_us();
		*at = first_behind(page, s->position);
		return page;
	}
	return NULL;
}

/* ---- which go ---- */

static bool is_held(const struct feed_page *page, int64_t now)
{
	return page->readers && now - page->came_us < HELD_US;
}

static void drop(struct feed_pages *pages, size_t i)
{
	pages->bytes -= pages->page[i]->bytes;
	feed_page_free(&pages->page[i]);
	pages->page[i] = pages->page[--pages->n];
}

/* Of those that nobody reads, if there are any: the one that was used least lately. */
static size_t least_used(const struct feed_pages *pages, int64_t now)
{
	size_t i, least = 0;

	for (i = 1; i < pages->n; i++) {
		const struct feed_page *one = pages->page[i], *other = pages->page[least];
		bool held = is_held(one, now), other_held = is_held(other, now);
		if (held != other_held ? other_held : one->used_us < other->used_us) least = i;
	}
	return least;
}

void feed_page_forget(struct feed *f, bool all)
{
	int64_t before = base_clock_mono_us() - FEED_PAGES_IDLE_US;
	size_t i;

	for (i = f->pages.n; i-- > 0;)
		if (all || f->pages.page[i]->used_us < before) drop(&f->pages, i);
}

void feed_page_gaps(struct feed *f, const struct store_gaps *gaps)
{
	if (gaps->kept_from > f->gaps.kept_from) feed_page_forget(f, true);
	f->gaps = *gaps;
}

/* ---- which come ---- */

/* Pages end at the same places wherever they begin: so whoever began elsewhere soon reads the same ones. */
static uint64_t next_end(uint64_t position)
{
	return position - position % FEED_PAGE_REPORTS + FEED_PAGE_REPORTS;
}

static bool is_asked(const struct feed_pages *pages, uint64_t position)
{
	size_t i;

	for (i = 0; i < pages->asked_n; i++)
		if (position >= pages->asked[i] && position < next_end(pages->asked[i])) return true;
	return false;
}

/* Beside what is read now and what is under way; a page is taken to be as large as the last one. */
static bool has_room(const struct feed_pages *pages)
{
	size_t n = pages->asked_n, bytes = (n + 1) * pages->page_bytes, i;
	int64_t now = base_clock_mono_us();

	for (i = 0; i < pages->n; i++) {
		if (!is_held(pages->page[i], now)) continue;
		n++;
		bytes += pages->page[i]->bytes;
	}
	return !n || (n < FEED_PAGES_MAX && bytes <= pages->bytes_max);
}

/*
 * The lowest place: who is furthest behind catches up with the others. Unless the first has waited too long: else who comes again and
 * again from the start would keep him there.
 */
static const struct feed_session *furthest_behind(const struct feed *f)
{
	const struct feed_session *s, *first = NULL, *lowest = NULL;
	size_t i = 0;

	for (s = TAILQ_FIRST(&f->queue[FEED_WAIT_PAGE]); s && i < WAITING_LOOKED_AT; s = TAILQ_NEXT(s, queue), i++) {
		if (is_asked(&f->pages, s->position)) continue;
		if (!first) first = s;
		if (!lowest || s->position < lowest->position) lowest = s;
	}
	return first && base_clock_mono_us() - first->waits_since_us > WAIT_US ? first : lowest;
}

bool feed_page_next(const struct feed *f, uint64_t *after, uint64_t *until)
{
	const struct feed_pages *pages = &f->pages;
	const struct feed_session *s;

	if (TAILQ_EMPTY(&f->queue[FEED_WAIT_PAGE]) || pages->retry_at_us || pages->asked_n == FEED_PAGES_ASKED_MAX || !has_room(pages))
		return false;
	s = furthest_behind(f);
	if (!s) return false;
	*after = s->position;
	*until = atomic_load(&f->head);
	if (*until > next_end(*after)) *until = next_end(*after);
	return true;
}

static bool ask(struct feed *f, uint64_t after, uint64_t until)
{
	struct feed_job *job = calloc(1, sizeof(*job));

	if (job) job->page = calloc(1, sizeof(*job->page));
	if (job && job->page) {
		job->kind = FEED_JOB_PAGE;
		job->head = atomic_load(&f->head);
		job->page->after = after;
		job->page->until = until;
		if (!feed_reader_ask(f->reader, job)) {
			f->pages.asked[f->pages.asked_n++] = after;
			return true;
		}
	}
	feed_job_free(&job);
	f->pages.retry_at_us = base_clock_mono_us() + FEED_RETRY_MS * 1000;
	return false;
}

void feed_page_tend(struct feed *f)
{
	uint64_t after, until;

	while (feed_page_next(f, &after, &until) && ask(f, after, until)) continue;
}

static void keep(struct feed_pages *pages, struct feed_page *page)
{
	int64_t now = base_clock_mono_us();
	size_t i;

	for (i = 0; i < page->n; i++) page->bytes += report_bytes(page->report[i]);
	page->number = ++pages->number;
	page->used_us = page->came_us = now;
	while (pages->n && (pages->n == FEED_PAGES_MAX || pages->bytes + page->bytes > pages->bytes_max))
		drop(pages, least_used(pages, now));
	pages->page[pages->n++] = page;
	pages->bytes += page->bytes;
	pages->page_bytes = page->bytes;
}

/* Who waited for it reads it: from now on, that it may not go before they had their turn. */
static void wake_readers(struct feed *f, struct feed_page *page)
{
	struct feed_session *s, *next;

	for (s = TAILQ_FIRST(&f->queue[FEED_WAIT_PAGE]); s; s = next) {
		next = TAILQ_NEXT(s, queue);
		if (!goes_on_behind(page, s->position) && s->position != page->after) continue;
		feed_session_move(f, s, FEED_READY_BEHIND);
		if (goes_on_behind(page, s->position)) enter(f, s, page);
	}
}

void feed_page_take(struct feed *f, struct feed_job *job)
{
	struct feed_pages *pages = &f->pages;
	struct feed_page *page = job->page;
	size_t i;

	for (i = 0; i < pages->asked_n; i++)
		if (pages->asked[i] == page->after) pages->asked[i--] = pages->asked[--pages->asked_n];
	if (pages->discard) { /* read before an erasure: it is read again */
		pages->discard--;
		feed_session_move_all(f, FEED_WAIT_PAGE, FEED_READY_BEHIND);
		return;
	}
	if (job->err) {
		pages->retry_at_us = base_clock_mono_us() + FEED_RETRY_MS * 1000;
		return;
	}
	if (job->gaps.kept_from) feed_page_gaps(f, &job->gaps);
	job->page = NULL;
	keep(pages, page);
	wake_readers(f, page);
}
