/* get_feed: a collection as a file, for what blocks and detects. */
#include <string.h>
#include "gateway/priv.h"

static void answer(struct gateway_call *call, const char *collection, const struct gateway_file *file)
{
	const char *label = gateway_call_arg(call, "max_tlp");
	unsigned tlp_max = label ? isac_tlp_parse(label) : 0;
	char etag[72], *body = NULL;
	int64_t modified_us;
	size_t len = 0;
	if (label && !tlp_max) return gateway_reply_error(call, 400, "max_tlp is clear, green, amber, amber+strict or red");
	struct gateway_feed *feed = gateway_cache_find(call, collection, tlp_max);
	if (!feed) return;
	bool good = gateway_cache_state(feed, file, etag, &modified_us);
	if (good && gateway_reply_has(call, etag, modified_us)) return;
	if (good && gateway_cache_write(feed, file, &body, &len)) gateway_reply_state(call, file->type, body, len, etag, modified_us);
	else gateway_reply_error(call, 503, "out of memory: a narrower collection has fewer items");
}

/* The words of the path, without the token. */
static const char *word(const struct gateway_call *call, unsigned n)
{
	return call->match.word[n + (call->match.route->login == GATEWAY_PATH_TOKEN)];
}

void gateway_get_feed(struct gateway_call *call)
{
	char collection[GATEWAY_WORD_BYTES];
	size_t stem = 0;
	const struct gateway_file *file = gateway_file_find(word(call, 0), &stem);
	snprintf(collection, sizeof collection, "%.*s", (int)stem, word(call, 0));
	if (!file || !wire_name_ok(collection))
		gateway_reply_error(call, 404, "no such feed: a collection's name and a form, such as all.txt");
	else answer(call, collection, file);
}

void gateway_get_suricata(struct gateway_call *call)
{
	const struct gateway_file *file = gateway_file_part("suricata", word(call, 1));
	if (!file || !wire_name_ok(word(call, 0))) gateway_reply_error(call, 404, "no such file of Suricata's");
	else answer(call, word(call, 0), file);
}
