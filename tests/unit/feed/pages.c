/*
 * Pages of catch-up without a database: which are read, which stay, who waits. The test is the reader (it brings what feed_page_next
 * names) and the rounds (each ready session in turn takes a bite of its page).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "feed/priv.h"

enum { PAGES = 40, HEAD = PAGES * FEED_PAGE_REPORTS, READERS = 120, BITE = 250, REPORT_BYTES = 1000, ROOM = 3, LATENCY = 20, LATE = 30 };
/* ROOM: pages that fit; LATENCY, LATE: turns from asking to the page, and from one who comes to the next. */

static struct feed f;
static uint64_t lucky = 88172645463325252u;

static uint32_t dice(uint32_t sides)
{
	lucky ^= lucky << 13;
	lucky ^= lucky >> 7;
	lucky ^= lucky << 17;
	return (uint32_t)(lucky >> 11) % sides;
}

static int begin(void **state)
{
	(void)state;
	f = (struct feed){.conf = {.sessions_max = READERS}};
	f.pages.bytes_max = (size_t)ROOM * FEED_PAGE_REPORTS * (REPORT_BYTES + sizeof(struct report));
	atomic_store(&f.head, HEAD);
	return feed_session_init(&f) != ISAC_OK;
}

static int end(void **state)
{
	(void)state;
	feed_session_close_all(&f);
	feed_page_forget(&f, true);
	feed_session_clear(&f);
	return 0;
}

static struct feed_session *come(uint64_t position)
{
	static const struct member self = {.id = 1};
	static const uint8_t rid[5];
	struct feed_session *s = feed_session_new(&f, rid, sizeof(rid), &self);

	assert_non_null(s);
	s->position = position;
	feed_session_move(&f, s, FEED_READY_BEHIND);
	return s;
}

static uint64_t until[FEED_PAGES_ASKED_MAX + 1]; /* of those asked for */

/* Asks for what is to be read next; false: nothing is. */
static bool ask(uint64_t *after)
{
	if (!feed_page_next(&f, after, &until[f.pages.asked_n])) return false;
	f.pages.asked[f.pages.asked_n++] = *after;
	return true;
}

/* What was asked for longest. */
static void bring(void)
{
	struct feed_job *job = calloc(1, sizeof(*job));
	struct feed_page *page = calloc(1, sizeof(*page));

	*page = (struct feed_page){
		.after = f.pages.asked[0], .until = until[0], .report = calloc(FEED_PAGE_REPORTS, sizeof(struct report *))};
	for (uint64_t seq = page->after + 1; seq <= page->until && page->n < FEED_PAGE_REPORTS; seq++) {
		struct report *r = calloc(1, sizeof(*r));

		atomic_init(&r->refs, 1);
		r->seq = seq;
		r->arena.held = REPORT_BYTES; /* as if */
		page->report[page->n++] = r;
	}
	job->kind = FEED_JOB_PAGE;
	job->page = page;
	until[0] = until[1];
	feed_page_take(&f, job);
	feed_job_free(&job);
}

/* The turn of one session; false: it waits for its page now. */
static bool bite(struct feed_session *s)
{
	size_t at = 0, n;
	const struct feed_page *page = feed_page_find(&f, s, &at);

	if (!page) {
		feed_session_move(&f, s, FEED_WAIT_PAGE);
		return false;
	}
	assert_int_equal(page->report[at]->seq, s->position + 1);
	n = page->n - at < BITE ? page->n - at : BITE;
	s->position += n;
	feed_session_move(&f, s, s->position == HEAD ? FEED_IDLE : FEED_READY_BEHIND);
	return true;
}

/* Turns until all who are there have all; how many pages were read. `late`: so many more come, from the start, each some turns later. */
static uint32_t read_all(uint32_t late)
{
	uint32_t reads = 0, turns = 0;
	struct feed_session *s;
	uint64_t after;

	for (;;) {
		if (late && turns % LATE == 0) {
			come(0);
			late--;
		}
		s = TAILQ_FIRST(&f.queue[FEED_READY_BEHIND]);
		if (s) (void)bite(s);
		while (ask(&after)) continue;
		assert_true(f.pages.bytes <= f.pages.bytes_max);
		if (!s && !f.pages.asked_n && !late) break;
		if (++turns % LATENCY && s) continue;
		if (!f.pages.asked_n) continue;
		bring();
		reads++;
	}
	assert_true(TAILQ_EMPTY(&f.queue[FEED_WAIT_PAGE]));
	return reads;
}

/* Many come back after a restart, and those who are let in first run ahead: once they threw out each other's pages from then on. */
static void who_comes_later_costs_no_reading_of_his_own(void **state)
{
	(void)state;
	assert_in_range(read_all(READERS), PAGES, 5 * PAGES);
}

/* Wherever they begin. */
static void who_drifted_apart_comes_together(void **state)
{
	uint64_t alone = 0;

	(void)state;
	for (uint32_t i = 0; i < READERS; i++) {
		uint64_t position = dice(HEAD);
		come(position);
		alone += (HEAD - position) / FEED_PAGE_REPORTS + 1;
	}
	assert_in_range(read_all(0), PAGES, alone / 5);
}

/* A page is not read again for each who waits for some of it. */
static void one_reading_is_for_all_who_wait(void **state)
{
	struct feed_session *a = come(0), *b = come(500), *c = come(1999), *far = come(5000);
	uint64_t after;

	(void)state;
	(void)bite(a), (void)bite(b), (void)bite(c), (void)bite(far);
	assert_true(ask(&after));
	assert_int_equal(after, 0);
	assert_true(ask(&after));
	assert_int_equal(after, 5000);
	bring();
	assert_true(bite(a) && bite(b) && bite(c));
	assert_int_equal(far->place, FEED_WAIT_PAGE);
}

static void a_page_stays_while_it_is_read(void **state)
{
	struct feed_session *reading = come(0), *waiting = come(9 * FEED_PAGE_REPORTS);
	uint64_t after, no;

	(void)state;
	f.pages.bytes_max /= ROOM; /* of one page */
	assert_false(bite(reading));
	assert_true(ask(&after));
	bring();
	assert_true(bite(reading));
	assert_false(bite(waiting));
	assert_false(feed_page_next(&f, &after, &no));

	feed_session_move(&f, reading, FEED_IDLE); /* its credit is used up: it keeps nobody waiting */
	assert_true(feed_page_next(&f, &after, &no));
	assert_int_equal(after, waiting->position);
	feed_session_move(&f, reading, FEED_READY_BEHIND);
	assert_true(bite(reading));
	assert_false(feed_page_next(&f, &after, &no));

	feed_session_close(&f, reading);
	assert_true(feed_page_next(&f, &after, &no));
	reading = come(0);
	assert_true(bite(reading));
	assert_false(feed_page_next(&f, &after, &no));

	f.pages.page[0]->came_us -= 60000000; /* whoever comes again and again does not hold it for ever */
	assert_true(ask(&after));
	bring();
	assert_int_equal(f.pages.n, 1);
	assert_true(bite(waiting));
	assert_false(bite(reading));
}

static void who_is_furthest_behind_is_next_but_nobody_waits_for_ever(void **state)
{
	struct feed_session *first = come(9 * FEED_PAGE_REPORTS), *lowest = come(100);
	uint64_t after;

	(void)state;
	(void)bite(first), (void)bite(lowest);
	assert_true(ask(&after));
	assert_int_equal(after, 100);
	bring();
	(void)bite(come(50)); /* always somebody who begins again */
	first->waits_since_us -= 60000000;
	assert_true(ask(&after));
	assert_int_equal(after, first->position);
}

/* What was removed meanwhile leaves nobody waiting for what does not come. */
static void an_empty_page_wakes_who_asked(void **state)
{
	struct feed_session *s = come(10);
	struct feed_job *job = calloc(1, sizeof(*job));
	uint64_t after;
	size_t at;

	(void)state;
	assert_false(bite(s));
	assert_true(ask(&after));
	job->kind = FEED_JOB_PAGE;
	job->page = calloc(1, sizeof(*job->page));
	*job->page = (struct feed_page){.after = after, .until = until[0]};
	feed_page_take(&f, job);
	feed_job_free(&job);
	assert_int_equal(s->place, FEED_READY_BEHIND);
	assert_int_equal(feed_page_find(&f, s, &at)->n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_comes_later_costs_no_reading_of_his_own, begin, end),
		cmocka_unit_test_setup_teardown(who_drifted_apart_comes_together, begin, end),
		cmocka_unit_test_setup_teardown(one_reading_is_for_all_who_wait, begin, end),
		cmocka_unit_test_setup_teardown(a_page_stays_while_it_is_read, begin, end),
		cmocka_unit_test_setup_teardown(who_is_furthest_behind_is_next_but_nobody_waits_for_ever, begin, end),
		cmocka_unit_test_setup_teardown(an_empty_page_wakes_who_asked, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
