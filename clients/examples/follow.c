/*
 * Prints every verified address of a feed, for ever. A named subscription goes on where it was: what was acknowledged is not
 * shown again, and nothing is missed.
 *
 *   cc follow.c $(pkg-config --cflags --libs libisac) -o follow
 *   ./follow ~/isac my-feed 'type in (ipv4, ipv6)'
 */
#include <isac.h>
#include <stdio.h>

static enum isac_result follow(struct isac_subscriber *s, struct isac_error *err)
{
	struct isac_event event;
	for (;;) {
		enum isac_result result = isac_subscriber_next(s, 1000, &event, err);
		if (result == ISAC_QUIET) continue;
		if (result) return result;
		if (event.type == ISAC_EVENT_ITEM && event.item->verified) printf("%s by %s\n", event.item->value, event.item->publisher);
		if (event.type == ISAC_EVENT_ITEM && !event.item->verified) fprintf(stderr, "NOT GOOD: %s\n", event.item->problem);
		if (event.type == ISAC_EVENT_LOST || event.type == ISAC_EVENT_PROBLEM) fprintf(stderr, "%s\n", event.text);
		if (event.type != ISAC_EVENT_POSITION) continue;
		if (fflush(stdout) != 0) return ISAC_REFUSED;
		isac_subscriber_ack(s, event.position); /* only now is it safe with us */
	}
}

int main(int argc, char **argv)
{
	struct isac *isac = NULL;
	struct isac_subscriber *s = NULL;
	struct isac_error err = {.text = ""};
	if (argc < 3) return 2;
	struct isac_subscriber_conf conf = {.name = argv[2], .filter = argc > 3 ? argv[3] : "", .from = ISAC_FROM_CURSOR};
	enum isac_result result = isac_open(&isac, argv[1], NULL, 10000, &err);
	if (!result) result = isac_subscriber_open(&s, isac, &conf, &err);
	if (!result) result = follow(s, &err);
	fprintf(stderr, "%s\n", err.text);
	isac_subscriber_close(&s);
	isac_close(&isac);
	return (int)result;
}
