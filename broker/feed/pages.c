/*
 * Pages of stored reports for sessions that are behind. A page is read once and kept a while for all who come by, so that fifty
 * who return together cost the database one reading; memory is bounded by what is kept, not by who is behind.
 *
 * A session holds no page: it looks for the one that goes on behind its position, and waits for it if there is none. Few are
 * asked for at a time, in the order of coming, so each reader gets its turn and nobody waits behind all.
 */
#include "feed/priv.h"

#include <stdlib.h>
#include <string.h>

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

const struct feed_page *feed_page_find(struct feed *f, uint64_t position, size_t *at)
{
	size_t i;

	for (i = 0; i < f->pages.n; i++) {
		struct feed_page *page = f->pages.page[i];
		if (position < page->after || position >= end_of(page)) continue;
		page->used_us = base_clock_mono_us();
		*at = first_behind(page, position);
		return page;
	}
	return NULL;
}

static void drop(struct feed_pages *pages, size_t i)
{
	pages->bytes -= pages->page[i]->bytes;
	feed_page_free(&pages->page[i]);
	pages->page[i] = pages->page[--pages->n];
}

static size_t least_used(const struct feed_pages *pages)
{
	size_t i, least = 0;

	for (i = 1; i < pages->n; i++)
		if (pages->page[i]->used_us < pages->page[least]->used_us) least = i;
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

void feed_page_ask(struct feed *f, uint64_t position)
{
	struct feed_pages *pages = &f->pages;
	struct feed_job *job;
	size_t i;

	for (i = 0; i < pages->asked_n; i++)
		if (pages->asked[i] == position) return;
	if (pages->asked_n == FEED_PAGES_ASKED_MAX || pages->retry_at_us) return;
	job = calloc(1, sizeof(*job));
	if (job) job->page = calloc(1, sizeof(*job->page));
	if (job && job->page) {
		job->kind = FEED_JOB_PAGE;
		job->page->after = position;
		job->page->until = atomic_load(&f->head);
		if (!feed_reader_ask(f->reader, job)) {
			pages->asked[pages->asked_n++] = position;
			return;
		}
	}
	feed_job_free(&job);
	pages->retry_at_us = base_clock_mono_us() + FEED_RETRY_MS * 1000;
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
	for (i = 0; i < page->n; i++) page->bytes += report_bytes(page->report[i]);
	page->used_us = base_clock_mono_us();
	while (pages->n && (pages->n == FEED_PAGES_MAX || pages->bytes + page->bytes > pages->bytes_max)) drop(pages, least_used(pages));
	pages->page[pages->n++] = page;
	pages->bytes += page->bytes;
	feed_session_move_all(f, FEED_WAIT_PAGE, FEED_READY_BEHIND);
}
