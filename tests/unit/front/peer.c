/* Peers: the table under growth and removal, and the bounds of what may wait. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "front/priv.h"

static void rid_of(uint8_t rid[FRONT_RID_BYTES], uint32_t n)
{
	rid[0] = 0;
	wire_put_u32(rid + 1, n);
}

static void finds_what_it_has(void **state)
{
	struct front_peers p = {.count = 0};
	bool there[2000] = {false};
	uint8_t rid[FRONT_RID_BYTES];
	size_t count = 0;

	(void)state;
	srandom(20231122);
	rid_of(rid, 5);
	assert_null(front_peers_find(&p, rid));
	for (int step = 0; step < 40000; step++) {
		uint32_t n = (uint32_t)random() % 2000;
		struct front_peer *peer;

		rid_of(rid, n * 64 + 0xfffff000u); /* many on one slot of a small table, and around the end of u32 */
		peer = front_peers_find(&p, rid);
		assert_int_equal(peer != NULL, there[n]);
		if (there[n] && random() % 2) {
			front_peers_drop(&p, &peer);
			assert_null(peer);
			there[n] = false;
			count--;
		} else if (!there[n]) {
			assert_non_null(front_peers_get(&p, rid));
			there[n] = true;
			count++;
		}
		assert_int_equal(p.count, count);
	}
	front_peers_clear(&p);
	assert_null(p.slot);
}

static void waits_in_order_and_within_bounds(void **state)
{
	struct front_peers p = {.count = 0};
	struct front_peer *peer, *other;
	uint8_t rid[FRONT_RID_BYTES], head[WIRE_HEAD_BYTES] = {0};
	zmq_msg_t body;
	size_t n = 0;

	(void)state;
	zmq_msg_init_size(&body, 1 << 20);
	memset(zmq_msg_data(&body), 7, 1 << 20);
	rid_of(rid, 1);
	peer = front_peers_get(&p, rid);
	assert_null(p.waiting);
	while (front_peers_wait(&p, peer, head, sizeof head, &body, 5) == ISAC_OK) {
		head[15]++;
		n++;
	}
	assert_int_equal(n, 3); /* the 4 MiB of one peer: three of 1 MiB and their heads */
	assert_ptr_equal(p.waiting, peer);
	for (uint32_t i = 2; i < 100; i++) {
		rid_of(rid, i);
		other = front_peers_get(&p, rid);
		while (front_peers_wait(&p, other, head, sizeof head, &body, 6) == ISAC_OK) n++;
	}
	assert_int_equal(n, 63); /* the 64 MiB of all together */
	for (uint8_t i = 0; i < 3; i++) {
		assert_int_equal(peer->first->head[15], i);
		assert_int_equal(zmq_msg_size(&peer->first->body), 1 << 20);
		front_peers_unwait(&p, peer, 9);
	}
	assert_null(peer->first);
	assert_int_equal(peer->waiting_bytes, 0);
	for (struct front_peer *w = p.waiting; w; w = w->next) assert_ptr_not_equal(w, peer);
	zmq_msg_close(&body);
	/* dropping one in the middle of the list */
	rid_of(rid, 10);
	other = front_peers_find(&p, rid);
	front_peers_drop(&p, &other);
	n = 0;
	for (struct front_peer *w = p.waiting; w; w = w->next) n++;
	assert_int_equal(n, 19); /* 20 others had three each, one is gone */
	front_peers_clear(&p);
	assert_int_equal(p.waiting_bytes, 0);
}

static void a_session_is_found_by_its_connection(void **state)
{
	struct front_peers p = {.count = 0};
	struct front_peer *one, *two;
	uint8_t rid[FRONT_RID_BYTES];
	char key[FRONT_KEY_TEXT + 1] = "k";

	(void)state;
	assert_null(front_peers_by_fd(&p, 7));
	assert_null(front_peers_by_fd(&p, -1));
	rid_of(rid, 1);
	one = front_peers_get(&p, rid);
	front_peers_open(&p, one, 7, key);
	rid_of(rid, 2);
	two = front_peers_get(&p, rid);
	front_peers_open(&p, two, 5000, key);
	assert_ptr_equal(front_peers_by_fd(&p, 7), one);
	assert_ptr_equal(front_peers_by_fd(&p, 5000), two);
	assert_null(front_peers_by_fd(&p, 8));
	assert_null(front_peers_by_fd(&p, 1 << 20));
	front_peers_open(&p, two, 7, key); /* the descriptor is somebody else's now */
	assert_ptr_equal(front_peers_by_fd(&p, 7), two);
	assert_null(front_peers_by_fd(&p, 5000));
	front_peers_drop(&p, &one);
	assert_ptr_equal(front_peers_by_fd(&p, 7), two);
	front_peers_drop(&p, &two);
	assert_null(front_peers_by_fd(&p, 7));
	front_peers_clear(&p);
}

static void who_left_stays_known_for_a_while(void **state)
{
	static struct front_peers p;
	struct front_peer *peer;
	uint8_t rid[FRONT_RID_BYTES];
	char key[FRONT_KEY_TEXT + 1] = "k";

	(void)state;
	for (uint32_t i = 0; i < FRONT_BURIED + 10; i++) {
		rid_of(rid, i);
		peer = front_peers_get(&p, rid);
		front_peers_open(&p, peer, (int)(i % 100), key);
		front_peers_bury(&p, peer);
		front_peers_bury(&p, peer); /* once is enough */
		assert_true(front_peers_find(&p, rid)->buried);
		assert_false(peer->session);
		assert_null(front_peers_by_fd(&p, (int)(i % 100)));
	}
	assert_int_equal(p.count, FRONT_BURIED);
	rid_of(rid, 9);
	assert_null(front_peers_find(&p, rid)); /* the oldest ten are forgotten */
	rid_of(rid, 10);
	assert_non_null(front_peers_find(&p, rid));
	front_peers_clear(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_it_has),
		cmocka_unit_test(waits_in_order_and_within_bounds),
		cmocka_unit_test(a_session_is_found_by_its_connection),
		cmocka_unit_test(who_left_stays_known_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
