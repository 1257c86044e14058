/* Any bytes as a STIX document: every record has a value, every refusal a reason. A first byte of '[' or '{' makes JSON likelier. */
#include <stdlib.h>
#include <string.h>
#include "stix/stix.h"
#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(void *arg, const struct document_record *r)
{
	(void)arg;
	if (!r->ind.value || !r->ind.type || r->ind.tags_n > DOCUMENT_LIST_MAX || r->ind.confidence > 100) abort();
	for (size_t i = 0; i < r->ind.tags_n; i++)
		if (!wire_text_ok(r->ind.tags[i], strlen(r->ind.tags[i])) || strlen(r->ind.tags[i]) > DOCUMENT_TAG_BYTES) abort();
	if (!wire_text_ok(r->ind.description, strlen(r->ind.description))) abort();
	return 0;
}

static int refuse(void *arg, const char *id, const char *reason)
{
	(void)arg;
	if (!*id || !*reason || !wire_text_ok(reason, strlen(reason)) || !wire_text_ok(id, strlen(id))) abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct document_tally tally;
	struct document_sink sink = {take, refuse, NULL};
	char reason[300];
	json_t *document = document_read((const char *)data, size, reason, sizeof reason);
	memset(&tally, 0, sizeof tally);
	if (document) {
		stix_is(document);
		stix_read(document, &sink, &tally);
	}
	json_decref(document);
	return 0;
}
