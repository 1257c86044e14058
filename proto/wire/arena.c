/*
 * A capped bump allocator: one per incoming message, also protobuf-c's. Freeing one thing is a no-op, everything goes
 * at once. The cap is what makes a hostile message cheap; ->over tells it from an exhausted machine (->failed).
 */
#include <stdlib.h>
#include "wire/wire.h"

/* Blocks double: a report of one item fits the first, and thousands of such are kept in memory; a large one takes few. */
enum { ALIGN = 16, BLOCK_BYTES_MIN = 1024, BLOCK_BYTES_MAX = 16384 };

/* data follows the block's head, 16-aligned because malloc's result and the head's size are. */
struct wire_arena_block {
	struct wire_arena_block *next;
	size_t size, used;
	size_t pad;
};
_Static_assert(sizeof(struct wire_arena_block) % ALIGN == 0, "data would be misaligned");

static void *pb_alloc(void *arena, size_t size)
{
	return wire_arena_alloc(arena, size);
}

static void pb_free(void *arena, void *pointer)
{
	(void)arena;
	(void)pointer;
}

void wire_arena_init(struct wire_arena *arena, size_t cap)
{
	*arena = (struct wire_arena){.pb = {.alloc = pb_alloc, .free = pb_free, .allocator_data = arena}, .cap = cap};
}

static struct wire_arena_block *add_block(struct wire_arena *arena, size_t size)
{
	size_t bytes = arena->blocks ? arena->blocks->size * 2 : BLOCK_BYTES_MIN;
	struct wire_arena_block *block;

	if (bytes > BLOCK_BYTES_MAX) bytes = BLOCK_BYTES_MAX;
	while (bytes < size && bytes < BLOCK_BYTES_MAX) bytes *= 2;
	if (bytes < size) bytes = size;
	block = malloc(sizeof *block + bytes);
	if (!block) return NULL;
	*block = (struct wire_arena_block){.next = arena->blocks, .size = bytes};
	arena->blocks = block;
	arena->held += sizeof *block + bytes;
	return block;
}

void *wire_arena_alloc(struct wire_arena *arena, size_t size)
{
	struct wire_arena_block *block = arena->blocks;

	size = size > arena->cap ? size : (size + !size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (size > arena->cap || arena->used > arena->cap - size) {
		arena->over = true;
		return NULL;
	}
	if (!block || size > block->size - block->used) {
		block = add_block(arena, size);
		if (!block) {
			arena->failed = true;
			return NULL;
		}
	}
	block->used += size;
	arena->used += size;
	return (uint8_t *)(block + 1) + block->used - size;
}

static void free_blocks(struct wire_arena_block *block)
{
	while (block) {
		struct wire_arena_block *next = block->next;

		free(block);
		block = next;
	}
}

void wire_arena_reset(struct wire_arena *arena)
{
	if (arena->blocks) {
		free_blocks(arena->blocks->next);
		arena->blocks->next = NULL;
		arena->blocks->used = 0;
		arena->held = sizeof *arena->blocks + arena->blocks->size;
	}
	arena->used = 0;
	arena->over = false;
	arena->failed = false;
}

void wire_arena_clear(struct wire_arena *arena)
{
	free_blocks(arena->blocks);
	arena->blocks = NULL;
	arena->used = arena->held = 0;
	arena->over = false;
	arena->failed = false;
}
