/* What the files of control share. */
#ifndef ISAC_CONTROL_PRIV_H
#define ISAC_CONTROL_PRIV_H

#include "control/control.h"

struct control_job {
	struct store_route route;
	size_t len;
	uint8_t body[];
};

/* One command being run: what a handler gets. */
struct control_call {
	const struct control_row *row;
	const Isac1__Command *cmd;
	const struct member *self; /* who signed it */
	const struct member_roster *roster;
	struct store_db *db;
	const struct base_conf *params;
	struct hold *hold;
	bool due;	       /* out: held items may be due for release */
	struct wire_buf *rows; /* packed rows of ControlResult */
	struct wire_why *why;
};
struct control_row {
	const char *verb;
	uint32_t roles;
	enum isac_err (*fn)(struct control_call *call);
	bool changes_roster;
	const char *args, *text;
};
/* Who takes part in the sharing itself. */
#define CONTROL_SHARERS (MEMBER_PUBLISHER | MEMBER_SUBSCRIBER | MEMBER_ANALYST | MEMBER_ADMIN)
#define COMMAND(verb, roles, handler, changes_roster, args, text) enum isac_err handler(struct control_call *call);
#include "commands.def"
#undef COMMAND

/* ---- accept.c: may this command run? Pure. -------------------------------------------- */
struct control_case {
	const struct member_roster *roster;
	int32_t member_id; /* of the connection */
	const char *hub_id;
	int64_t now_us;
	struct wire_bytes body; /* of the CONTROL frame */
	/* found on the way, in the arena */
	const struct member *self;
	Isac1__Control *control;
	Isac1__Command *cmd;
	const struct control_row *row;
};
enum isac_err control_accept(struct control_case *c, struct wire_arena *arena, struct wire_why *why);

/* ---- args.c ------------------------------------------------------------------------------ */
/* Do the arguments fit the row's list? */
enum isac_err control_args_check(const Isac1__Command *cmd, const char *list, struct wire_why *why);
const Isac1__Arg *control_arg(const Isac1__Command *cmd, const char *name); /* the first; NULL */
const char *control_arg_text(const Isac1__Command *cmd, const char *name);  /* NULL if it is not there */
/* A member's or group's name, checked. */
enum isac_err control_arg_name(const char **out, const struct control_call *call, const char *name);
/* A number of 1 .. INT64_MAX; 0 if the argument is not there. */
enum isac_err control_arg_number(uint64_t *out, const struct control_call *call, const char *name);
/* The bundle argument, its self-signature checked. */
enum isac_err control_arg_bundle(struct wire_member *out, const struct control_call *call);

/* ---- list.c ------------------------------------------------------------------------------ */
enum { CONTROL_CELLS = 16 };
/* Appends a row: names and texts of n cells. */
void control_add_row(struct wire_buf *rows, const char *const (*cells)[2], size_t n);

/* ---- space.c ------------------------------------------------------------------------------ */
struct control_space {
	struct member_space *item; /* the caller frees */
	size_t n;
};
/* The net, asn and domain arguments, in order. On an error too, item is to be freed. */
enum isac_err control_space_read(struct control_space *out, const struct control_call *call, bool strict);

struct control {
	struct control_conf conf;
	struct base_actor *actor;
	struct base_mailbox *box;
	struct store_db *db;
	struct member_quota *quota; /* of members that are no admins */
	struct wire_arena arena;
	struct wire_buf rows, out;
	bool stale; /* the roster in memory may be older than the database */
	/* retention.c */
	bool sweeping;			   /* rows of indicator may still count what retention removed */
	int64_t retain_at_us, sweep_at_us; /* monotonic */
};

/* ---- retention.c: does what is due; how long nothing is, in ms ---------------------------------- */
int control_retention_tend(struct control *c);

#endif
