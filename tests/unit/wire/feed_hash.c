/* The running hash of a feed against proto/vectors. */
#include <sodium.h>
#include "vector.h"

static void step(uint8_t hash[WIRE_HASH], const char *text, struct wire_arena *arena)
{
	char *copy = strdup(text), *save = NULL, *verb = strtok_r(copy, " ", &save), *first = strtok_r(NULL, " ", &save),
	     *second = strtok_r(NULL, " ", &save), *third = strtok_r(NULL, " ", &save);

	if (strcmp(verb, "gap") == 0) {
		wire_feed_gap(hash, strtoull(first, NULL, 10), strtoull(second, NULL, 10));
	} else {
		uint32_t index[1024], n = 0;
		const size_t len = strlen(second) / 2;
		uint8_t *header = wire_arena_alloc(arena, len), header_hash[WIRE_HASH];

		assert_int_equal(wire_unhex(header, len, second, strlen(second)), ISAC_OK);
		for (char *one = strtok_r(third, ",", &save); one; one = strtok_r(NULL, ",", &save))
			index[n++] = (uint32_t)strtoul(one, NULL, 10);
		wire_hash(header_hash, header, len);
		wire_feed_entry(hash, strtoull(first, NULL, 10), header_hash, index, n);
	}
	free(copy);
}

static void check(struct vector *v)
{
	uint8_t hash[WIRE_HASH] = {0};

	for (size_t i = 0; i < vector_count(v, "step"); i++) {
		step(hash, vector_nth(v, "step", i), &v->arena);
		vector_assert_bytes(v, hash, vector_hex_nth(v, "hash", i).data, WIRE_HASH);
	}
}

static void test_vectors(void **state)
{
	(void)state;
	vector_each("feed_hash.txt", 4, check);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};

	return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
