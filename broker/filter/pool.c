/*
 * pool: elements of one size in one array, named by number. What is given back is used again first. A large array grows by a
 * quarter: what it moves the kernel remaps, and slack of a million filters is memory that somebody else could use.
 */
#include <stdlib.h>

#include "filter/priv.h"

enum { SMALL = 1024 };

void filter_pool_init(struct filter_pool *pool, uint32_t size)
{
	*pool = (struct filter_pool){.size = size};
}

static char *at(const struct filter_pool *pool, uint32_t i)
{
	return (char *)pool->data + (size_t)i * pool->size;
}

uint32_t filter_pool_take(struct filter_pool *pool)
{
	uint32_t i = pool->free - 1;

	if (pool->free) {
		memcpy(&pool->free, at(pool, i), sizeof(pool->free));
	} else {
		if (pool->n == pool->cap) {
			uint32_t cap = pool->cap < SMALL ? pool->cap * 2 + 8 : pool->cap + pool->cap / 4;
			void *data = reallocarray(pool->data, cap, pool->size);

			if (!data) return FILTER_NONE;
			pool->data = data;
			pool->cap = cap;
		}
		i = pool->n++;
	}
	memset(at(pool, i), 0, pool->size);
	return i;
}

void filter_pool_give(struct filter_pool *pool, uint32_t i)
{
	memcpy(at(pool, i), &pool->free, sizeof(pool->free));
	pool->free = i + 1;
}
