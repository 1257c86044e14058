/*
 * The one place that reads a clock. A fixed wall clock makes tests repeatable;
 * the monotonic clock is never fixed, because only waiting depends on it.
 */
#include <time.h>
#include "base/base.h"

static _Atomic int64_t fixed_us;

static int64_t read_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t base_clock_us(void)
{
	int64_t us = atomic_load_explicit(&fixed_us, memory_order_relaxed);

	return us ? us : read_us(CLOCK_REALTIME);
}

int64_t base_clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

void base_clock_fix(int64_t us)
{
	atomic_store_explicit(&fixed_us, us, memory_order_relaxed);
}
