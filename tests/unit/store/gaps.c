/* Why a sequence number has no report: the pieces of a range, each with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "store/store.h"

static const struct store_gaps gaps = {.kept_from = 100, .n = 2, .restored = {{200, 299}, {400, 499}}};

static void each_piece_has_its_reason(void **state)
{
	static const struct {
		uint64_t first, last, ends;
		enum store_gap_reason reason;
	} cases[] = {
		{1, 50, 50, STORE_GAP_RETENTION},    {1, 99, 99, STORE_GAP_RETENTION},	 {1, 150, 99, STORE_GAP_RETENTION},
		{99, 500, 99, STORE_GAP_RETENTION},  {100, 150, 150, STORE_GAP_ERASURE}, {100, 250, 199, STORE_GAP_ERASURE},
		{200, 299, 299, STORE_GAP_RESTORE},  {200, 450, 299, STORE_GAP_RESTORE}, {250, 260, 260, STORE_GAP_RESTORE},
		{300, 1000, 399, STORE_GAP_ERASURE}, {400, 600, 499, STORE_GAP_RESTORE}, {500, 600, 600, STORE_GAP_ERASURE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t last = cases[i].last;
		enum store_gap_reason reason = store_gap_reason(&gaps, cases[i].first, &last);

		if (reason != cases[i].reason || last != cases[i].ends) fail_msg("case %zu: reason %d up to %d", i, (int)reason, (int)last);
	}
}

/* Piece by piece, any range is covered once. */
static void pieces_cover_the_range(void **state)
{
	(void)state;
	for (uint64_t first = 1; first < 600; first += 7)
		for (uint64_t until = first; until < 600; until += 11) {
			uint64_t at = first, steps = 0;

			while (at <= until) {
				uint64_t last = until;

				store_gap_reason(&gaps, at, &last);
				assert_true(last >= at && last <= until && ++steps <= 6);
				at = last + 1;
			}
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_piece_has_its_reason), cmocka_unit_test(pieces_cover_the_range)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
