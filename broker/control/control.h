/*
 * control: the actor that runs signed commands. What a command needs and does is a row of commands.def:
 * COMMAND(verb, roles, handler, changes_roster, "arguments", "text"). A handler without a role does not compile.
 */
#ifndef ISAC_CONTROL_H
#define ISAC_CONTROL_H

#include "hold/hold.h"
#include "store/store.h"

struct control;
struct control_conf {
	const char *conninfo;
	int64_t deadline_ms, queue_max;
	const char *hub_id;
	struct base_shared *roster;	/* control swaps it */
	const struct base_conf *params; /* for "params" */
	void (*reply)(void *arg, const struct store_route *route, uint16_t type, const uint8_t *body, size_t len);
	void (*roster_changed)(void *arg);
	/* feed_ranges_ask and feed_ranges_are_written; false: there is no feed yet. */
	bool (*ask_ranges)(void *arg, uint64_t *ticket);
	bool (*are_written)(void *arg, uint64_t ticket);
	void (*recalled)(void *arg, bool erased); /* somebody is to be told of recalls; erased: the store has lost content, too */
	struct hold *hold;			  /* control swaps space (if hold_member_space is on) and, at a reload, the lists */
	void (*due)(void *arg);			  /* an admin released held values */
	void *arg;
};
enum isac_err control_start(struct control **out, const struct control_conf *conf); /* loads the roster before it is ready */
void control_stop(struct control **c);
enum isac_err control_ask(struct control *c, const struct store_route *route, const uint8_t *body, size_t len);

#endif
