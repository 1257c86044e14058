/* Any bytes as a warninglist: it is refused with a reason, or every value can be asked about. */
#include <stdlib.h>
#include <string.h>
#include "hold/hold.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const asked[] = {"8.8.8.8", "2001:db9::1", "17.0.0.0/8", "www.example.com", "http://example.com/"};
	static const uint32_t type[] = {WIRE_VALUE_IPV4, WIRE_VALUE_IPV6, WIRE_VALUE_CIDR, WIRE_VALUE_DOMAIN, WIRE_VALUE_URL};
	static bool ready;
	struct wire_why why = {.text = ""};
	struct hold_lists *lists;
	struct wire_arena arena;
	struct wire_value value;

	if (!ready && wire_init()) abort();
	ready = true;
	if (hold_lists_new(&lists)) abort();
	wire_arena_init(&arena, 1 << 20);
	if (hold_lists_add(lists, (const char *)data, size, &why)) {
		if (!*why.text) abort();
	} else {
		if (hold_lists_freeze(lists)) abort();
		for (size_t i = 0; i < sizeof(type) / sizeof(*type); i++)
			if (!wire_value_canon(&value, type[i], asked[i], strlen(asked[i]), &arena, NULL)) hold_lists_find(lists, &value);
	}
	wire_arena_clear(&arena);
	hold_lists_free(lists);
	return 0;
}
