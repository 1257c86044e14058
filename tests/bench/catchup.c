/*
 * A member that was away: reads the whole feed from the start with libisac, as the shipped client does, every item verified
 * (certificate, signature, proof), until it has so many items.
 *   catchup HOME HUB ITEMS
 * Says "ready", waits for a line, prints one JSON object; ends with 1 if an item was missing, came
 * twice, out of order or unverified.
 */
#include "bench.h"
#include "isac.h"

enum { PATIENCE_US = 140000000 };

struct seen {
	uint64_t items, reports, unverified, disorder, seq;
	uint32_t index;
};

static void take(struct seen *s, const struct isac_item *item)
{
	s->items++;
	s->unverified += !item->verified;
	s->reports += item->seq != s->seq;
	/* The next report, or the next item of this one: anything else is a loss or a repetition. */
	s->disorder += item->seq == s->seq ? item->index != s->index + 1 : item->seq != s->seq + 1 || item->index != 0;
	s->seq = item->seq;
	s->index = item->index;
}

static void next(struct isac_subscriber *s, struct isac_event *event, int64_t until)
{
	struct isac_error err = {.text = ""};
	enum isac_result r;

	do {
		r = isac_subscriber_next(s, 1000, event, &err);
		if (bench_now() > until) bench_die("catch-up took too long");
	} while (r == ISAC_QUIET);
	if (r) bench_die("catch-up: %s", err.text);
	if (event->type == ISAC_EVENT_PROBLEM || event->type == ISAC_EVENT_LOST || event->type == ISAC_EVENT_GAP)
		bench_die("catch-up: %s", event->text);
}

int main(int argc, char **argv)
{
	struct isac_subscriber_conf conf = {.from = ISAC_FROM_START};
	struct isac_subscriber *subscriber = NULL;
	struct isac *isac = NULL;
	struct isac_error err = {.text = ""};
	struct isac_event event = {.type = ISAC_EVENT_POSITION};
	struct seen seen = {0};
	uint64_t wanted = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
	int64_t start, end;

	bench_start();
	if (!wanted) bench_die("usage: catchup HOME HUB ITEMS");
	if (isac_open(&isac, argv[1], argv[2], 20000, &err)) bench_die("%s", err.text);
	bench_ready();
	start = bench_now();
	if (isac_subscriber_open(&subscriber, isac, &conf, &err)) bench_die("%s", err.text);
	while (seen.items < wanted) {
		next(subscriber, &event, start + PATIENCE_US);
		if (event.type == ISAC_EVENT_ITEM) take(&seen, event.item);
	}
	end = bench_now();
	isac_subscriber_close(&subscriber);
	isac_close(&isac);
	printf("{\"items\": %" PRIu64 ", \"reports\": %" PRIu64 ", \"unverified\": %" PRIu64 ", \"disorder\": %" PRIu64
	       ", \"seconds\": %.6f, \"rate\": %.1f}\n",
	       seen.items, seen.reports, seen.unverified, seen.disorder, (double)(end - start) / 1e6,
	       (double)seen.items * 1e6 / (double)(end - start));
	return seen.unverified || seen.disorder ? 1 : 0;
}
