/* Process-wide counters. Relaxed: each one is right, two of them need not fit together. */
#include <assert.h>
#include <string.h>
#include "base/base.h"

static _Atomic uint64_t values[STAT_COUNT];

/* "intake_received" without its room, spelt with the dot that people see. */
static const char *const names[STAT_COUNT] = {
#define STAT(name, unit, text) [STAT_##name] = #name,
#include "stats.def"
#undef STAT
};
static char dotted[STAT_COUNT][40];

void base_stats_add(enum base_stat stat, uint64_t n)
{
	assert(stat < STAT_COUNT);
	atomic_fetch_add_explicit(&values[stat], n, memory_order_relaxed);
}

void base_stats_set(enum base_stat stat, uint64_t v)
{
	assert(stat < STAT_COUNT);
	atomic_store_explicit(&values[stat], v, memory_order_relaxed);
}

uint64_t base_stats_get(enum base_stat stat)
{
	assert(stat < STAT_COUNT);
	return atomic_load_explicit(&values[stat], memory_order_relaxed);
}

/* Before main, so that no thread ever sees a half-written name. */
__attribute__((constructor)) static void spell_names(void)
{
	for (unsigned i = 0; i < STAT_COUNT; i++) {
		size_t len = strlen(names[i]);
		char *bar;

		assert(len < sizeof(dotted[i]));
		memcpy(dotted[i], names[i], len + 1);
		bar = strchr(dotted[i], '_');
		if (bar) *bar = '.';
	}
}

const char *base_stats_name(enum base_stat stat)
{
	assert(stat < STAT_COUNT);
	return dotted[stat];
}
