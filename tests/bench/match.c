/*
 * match: one core asks a set of standing filters about item after item, beside a loop over all of them.
 *
 *   match FILTERS BROAD SECONDS   filters like watch lists, BROAD of a million of them without a value; prints JSON
 *   match once FILTERS EVENTS     only asks, each event once: for callgrind
 *
 * Watch lists: of 100 filters 75 name a value, 15 a network, 10 a domain and what is below it; of the values and of the events
 * a third each are addresses, domains and SHA-256. All come from one generator, so runs of one size are alike.
 */
#include <malloc.h>
#include "filter/filter.h"
#include "bench.h"

enum { REPORTS = 512, ITEMS = 128, UNIVERSE = 1 << 24, REMOVE = 100000, SCAN_US = 1000000 };

struct world {
	struct filter **filters;
	struct filter_set *set;
	struct report *reports;
	struct wire_arena arena;
	uint32_t filters_n;
	uint64_t random, hits;
};

static uint64_t draw(struct world *w)
{
	uint64_t x = w->random += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint32_t below(struct world *w, uint32_t n)
{
	return (uint32_t)(draw(w) % n);
}

/* Value number n of the universe: an address outside of special ranges, a domain, a digest. */
static void write_value(char *out, size_t size, unsigned kind, uint32_t n)
{
	static const char *const tops[] = {"com", "net", "org", "jp", "info"};

	if (kind == 0) snprintf(out, size, "%u.%u.%u.%u", 11 + n % 80, n / 80 % 256, n / 20480 % 256, 1 + n / 5242880 % 254);
	else if (kind == 1) snprintf(out, size, "w%u.site%u.%s", n % 8, n / 8, tops[n % 5]);
	else snprintf(out, size, "%064x", n * 2654435761u);
}

static void write_broad(struct world *w, char *out, size_t size)
{
	static const char *const types[] = {"ipv4", "domain", "sha256", "in (ipv4, domain)"};
	static const char *const labels[] = {"green", "amber", "amber+strict"};
	unsigned type = below(w, 4);
	int used = snprintf(out, size, "type %s%s and confidence >= %u and tlp <= %s", type < 3 ? "= " : "", types[type], 50 + below(w, 51),
			    labels[below(w, 3)]);

	if (below(w, 2)) used += snprintf(out + used, size - (size_t)used, " and publisher = member%u", below(w, 40));
	if (below(w, 2)) snprintf(out + used, size - (size_t)used, " and tag = tag%u", below(w, 50));
}

static void write_filter(struct world *w, char *out, size_t size, uint32_t broad)
{
	uint32_t part = below(w, 100), n = below(w, UNIVERSE);
	unsigned bits = 16 + below(w, 17);
	char value[80];

	if (below(w, 1000000) < broad) {
		write_broad(w, out, size);
	} else if (part < 75) {
		write_value(value, sizeof(value), part % 3, n);
		snprintf(out, size, "value = \"%s\"", value);
	} else if (part < 90) {
		uint32_t addr = ((11 + n % 80) << 24 | (uint32_t)(draw(w) & 0xffffff)) & (uint32_t)(0xffffffffu << (32 - bits));

		snprintf(out, size, "value in %u.%u.%u.%u/%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255, addr & 255, bits);
	} else {
		write_value(value, sizeof(value), 1, n);
		snprintf(out, size, "value under %s", strchr(value, '.') + 1);
	}
}

static size_t memory(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void make_filters(struct world *w, uint32_t n, uint32_t broad)
{
	char text[400];

	w->filters = bench_alloc(n, sizeof(struct filter *));
	w->filters_n = n;
	for (uint32_t i = 0; i < n; i++) {
		struct filter_error why;

		write_filter(w, text, sizeof(text), broad);
		if (filter_parse(&w->filters[i], text, strlen(text), 1, &why)) bench_die("%s: %s", text, why.text);
	}
}

static void *take(struct world *w, size_t size)
{
	void *p = wire_arena_alloc(&w->arena, size);

	if (!p) bench_die("out of memory");
	return memset(p, 0, size);
}

static void make_item(struct world *w, struct report_item *item)
{
	static const uint32_t types[] = {WIRE_VALUE_IPV4, WIRE_VALUE_DOMAIN, WIRE_VALUE_SHA256};
	Isac1__Indicator *ind = take(w, sizeof(*ind));
	unsigned kind = below(w, 3), tags = below(w, 4);
	char text[80];

	isac1__indicator__init(ind);
	write_value(text, sizeof(text), kind, below(w, UNIVERSE));
	if (wire_value_canon(&item->value, types[kind], text, strlen(text), &w->arena, NULL)) bench_die("%s is no value", text);
	ind->confidence_plus1 = 1 + below(w, 101);
	ind->tags = take(w, 4 * sizeof(char *));
	for (; ind->n_tags < tags; ind->n_tags++) {
		ind->tags[ind->n_tags] = take(w, 16);
		snprintf(ind->tags[ind->n_tags], 16, "tag%u", below(w, 50));
	}
	item->ind = ind;
}

static void make_reports(struct world *w)
{
	wire_arena_init(&w->arena, (size_t)1 << 30);
	w->reports = take(w, REPORTS * sizeof(*w->reports));
	for (uint32_t i = 0; i < REPORTS; i++) {
		struct report *report = &w->reports[i];
		Isac1__Header *header = take(w, sizeof(*header));

		isac1__header__init(header);
		header->kind = ISAC1__KIND__KIND_INDICATOR;
		header->tlp = 1 + below(w, 4);
		snprintf(report->publisher, sizeof(report->publisher), "member%u", below(w, 40));
		report->header = header;
		report->received_us = 2;
		report->n = ITEMS;
		report->held = take(w, ITEMS / 8);
		report->items = take(w, ITEMS * sizeof(*report->items));
		for (uint32_t k = 0; k < ITEMS; k++) make_item(w, &report->items[k]);
	}
}

static void count(void *arg, uint32_t id)
{
	struct world *w = arg;

	(void)id;
	w->hits++;
}

static void ask(struct world *w, uint32_t event)
{
	filter_set_match(w->set, &w->reports[event / ITEMS % REPORTS], event % ITEMS, count, w);
}

/* Nanoseconds to add one; removes some at random and puts them back. */
static void fill(struct world *w, double *add_ns, double *remove_ns)
{
	uint32_t n = w->filters_n < REMOVE ? w->filters_n : REMOVE;
	uint32_t *ids = bench_alloc(n, sizeof(*ids));
	int64_t start = bench_us(CLOCK_THREAD_CPUTIME_ID);

	for (uint32_t i = 0; i < w->filters_n; i++)
		if (filter_set_add(w->set, i, w->filters[i], NULL)) bench_die("not added");
	*add_ns = (double)(bench_us(CLOCK_THREAD_CPUTIME_ID) - start) * 1000 / w->filters_n;
	for (uint32_t i = 0; i < n; i++) ids[i] = (uint32_t)((uint64_t)i * 7919 % w->filters_n);
	start = bench_us(CLOCK_THREAD_CPUTIME_ID);
	for (uint32_t i = 0; i < n; i++) filter_set_remove(w->set, ids[i]);
	*remove_ns = (double)(bench_us(CLOCK_THREAD_CPUTIME_ID) - start) * 1000 / n;
	for (uint32_t i = 0; i < n; i++) {
		enum isac_err err = filter_set_add(w->set, ids[i], w->filters[ids[i]], NULL);

		if (err && err != ISAC_ERR_CONFLICT) bench_die("not added again");
	}
	free(ids);
}

/* Events a second of CPU of the loop over all filters, and its hits an event. */
static double scan(struct world *w, uint64_t *events, uint64_t *hits)
{
	int64_t start = bench_us(CLOCK_THREAD_CPUTIME_ID), took = 0;

	for (*events = *hits = 0; took < SCAN_US; took = bench_us(CLOCK_THREAD_CPUTIME_ID) - start)
		for (int step = 0; step < 8; step++, ++*events)
			for (uint32_t i = 0; i < w->filters_n; i++)
				*hits += filter_match(w->filters[i], &w->reports[*events / ITEMS % REPORTS], *events % ITEMS, NULL);
	return (double)*events * 1e6 / (double)took;
}

static double index_rate(struct world *w, double seconds, uint64_t *events)
{
	int64_t start, took = 0;

	for (uint32_t i = 0; i < REPORTS * ITEMS; i++) ask(w, i); /* warm */
	w->hits = 0;
	start = bench_us(CLOCK_THREAD_CPUTIME_ID);
	for (*events = 0; took < (int64_t)(seconds * 1e6); took = bench_us(CLOCK_THREAD_CPUTIME_ID) - start)
		for (int step = 0; step < 256; step++) ask(w, (uint32_t)(*events)++);
	return (double)*events * 1e6 / (double)took;
}

static void measure(struct world *w, uint32_t n, uint32_t broad, double seconds)
{
	size_t before = memory(), compiled;
	double add_ns, remove_ns, rate, scan_rate;
	uint64_t events, scan_events, scan_hits, seen;

	make_filters(w, n, broad);
	compiled = memory() - before;
	before = memory();
	fill(w, &add_ns, &remove_ns);
	before = memory() - before;
	scan_rate = scan(w, &scan_events, &scan_hits);
	w->hits = 0;
	for (uint64_t i = 0; i < scan_events; i++) ask(w, (uint32_t)i);
	seen = w->hits;
	if (seen != scan_hits) bench_die("the set says %" PRIu64 " of %" PRIu64 " hits", seen, scan_hits);
	rate = index_rate(w, seconds, &events);
	printf("{\"filters\": %u, \"broad\": %u, \"rate\": %.0f, \"scan_rate\": %.1f, \"matches\": %.4f, \"ns_match\": %.2f, "
	       "\"add_ns\": %.0f, \"remove_ns\": %.0f, \"bytes_filter\": %.1f, \"bytes_compiled\": %.1f}\n",
	       n, broad, rate, scan_rate, (double)w->hits / (double)events, w->hits ? 1e9 / rate * (double)events / (double)w->hits : 0,
	       add_ns, remove_ns, (double)before / n, (double)compiled / n);
}

static void once(struct world *w, uint32_t n, uint32_t events)
{
	make_filters(w, n, 250);
	for (uint32_t i = 0; i < n; i++)
		if (filter_set_add(w->set, i, w->filters[i], NULL)) bench_die("not added");
	for (uint32_t i = 0; i < events; i++) ask(w, i);
	printf("{\"events\": %u, \"matches\": %.4f}\n", events, (double)w->hits / events);
}

int main(int argc, char **argv)
{
	struct world w = {.random = 1};

	bench_start();
	if (filter_set_new(&w.set)) bench_die("out of memory");
	if (argc != 4) bench_die("usage: match FILTERS BROAD SECONDS | match once FILTERS EVENTS");
	make_reports(&w);
	if (strcmp(argv[1], "once") == 0) once(&w, (uint32_t)strtoul(argv[2], NULL, 10), (uint32_t)strtoul(argv[3], NULL, 10));
	else measure(&w, (uint32_t)strtoul(argv[1], NULL, 10), (uint32_t)strtoul(argv[2], NULL, 10), atof(argv[3]));
	filter_set_destroy(&w.set);
	for (uint32_t i = 0; i < w.filters_n; i++) filter_destroy(&w.filters[i]);
	free(w.filters);
	wire_arena_clear(&w.arena);
	return 0;
}
