/*
 * A cell with one immutable value that is swapped as a whole.
 * Few versions live at once (a roster and the one before it), so a list finds the count of a value.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include "base/base.h"

struct version {
	struct version *next;
	void *value;
	size_t refs;
};

struct base_shared_cell {
	pthread_mutex_t lock;
	void (*free_value)(void *);
	struct version *versions; /* the first is the present one if `current` */
	bool current;
};

enum isac_err base_shared_init(struct base_shared *s, void (*free_value)(void *))
{
	s->cell = calloc(1, sizeof(*s->cell));
	if (!s->cell) return ISAC_ERR_NO_MEMORY;
	pthread_mutex_init(&s->cell->lock, NULL);
	s->cell->free_value = free_value;
	return ISAC_OK;
}

/* Takes one reference off; returns the value if that was the last, for the caller to free unlocked. */
static void *drop(struct base_shared_cell *cell, void *value)
{
	struct version **at = &cell->versions;
	struct version *found;

	while (*at && (*at)->value != value) at = &(*at)->next;
	found = *at;
	assert(found && found->refs > 0);
	if (--found->refs > 0) return NULL;
	*at = found->next;
	free(found);
	return value;
}

void base_shared_swap(struct base_shared *s, void *value)
{
	struct base_shared_cell *cell = s->cell;
	struct version *made = calloc(1, sizeof(*made));
	void *gone = NULL;

	/* No memory for a list cell: without the new value the process would go on with a revoked key. */
	if (!made) abort();
	made->value = value;
	made->refs = 1;
	pthread_mutex_lock(&cell->lock);
	if (cell->current) gone = drop(cell, cell->versions->value);
	made->next = cell->versions;
	cell->versions = made;
	cell->current = true;
	pthread_mutex_unlock(&cell->lock);
	if (gone) cell->free_value(gone);
}

void *base_shared_take(struct base_shared *s)
{
	void *value = NULL;

	pthread_mutex_lock(&s->cell->lock);
	if (s->cell->current) {
		s->cell->versions->refs++;
		value = s->cell->versions->value;
	}
	pthread_mutex_unlock(&s->cell->lock);
	return value;
}

void base_shared_give(struct base_shared *s, void *value)
{
	void *gone;

	if (!value) return;
	pthread_mutex_lock(&s->cell->lock);
	gone = drop(s->cell, value);
	pthread_mutex_unlock(&s->cell->lock);
	if (gone) s->cell->free_value(gone);
}

void base_shared_clear(struct base_shared *s)
{
	if (!s->cell) return;
	if (s->cell->current) base_shared_give(s, s->cell->versions->value);
	assert(!s->cell->versions); /* somebody still holds a reference */
	pthread_mutex_destroy(&s->cell->lock);
	free(s->cell);
	s->cell = NULL;
}
