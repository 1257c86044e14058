/* What the files of control share. */
#ifndef ISAC_CONTROL_PRIV_H
#define ISAC_CONTROL_PRIV_H

#include "control/control.h"
#include "query/query.h"

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
	const struct control_conf *conf;
	struct hold *hold;
	bool due;	       /* out: held items may be due for release */
	struct wire_buf *rows; /* packed rows of ControlResult */
	struct wire_why *why;
	/* Out: what was erased or withdrawn by this recall, until everybody is known whom they were sent to. */
	struct report **erased;
	size_t erased_n;
	int64_t erased_by;
};

struct control_row {
	const char *verb;
	uint32_t roles;
	enum isac_err (*fn)(struct control_call *call);
	bool changes_roster;
	const char *args, *text;
};
/* Who takes part in the sharing itself. */
#define CONTROL_ALL (CONTROL_SHARERS | MEMBER_TRACER | MEMBER_AUDITOR)
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
	bool waits; /* it was good, and waits for a second admin */
};
enum isac_err control_accept(struct control_case *c, struct wire_arena *arena, struct wire_why *why);

/* ---- args.c ------------------------------------------------------------------------------ */
/* Do the arguments fit the row's list? */
enum isac_err control_args_check(const Isac1__Command *cmd, const struct control_row *row, struct wire_why *why);
bool control_arg_dry_run(const Isac1__Command *cmd);			    /* it is to be tried, and nothing is to change */
const Isac1__Arg *control_arg(const Isac1__Command *cmd, const char *name); /* the first; NULL */
const char *control_arg_text(const Isac1__Command *cmd, const char *name);  /* NULL if it is not there */
/* A member's or group's name, checked. */
enum isac_err control_arg_name(const char **out, const struct control_call *call, const char *name);
/* A number of 1 .. INT64_MAX; 0 if the argument is not there. */
enum isac_err control_arg_number(uint64_t *out, const struct control_call *call, const char *name);
/* The bundle argument, its self-signature checked. */
enum isac_err control_arg_bundle(struct wire_member *out, const struct control_call *call);

/* ---- member.c ---------------------------------------------------------------------------- */
/* What the commands say that enrol a member. */
struct control_newcomer {
	struct wire_member bundle;
	uint32_t roles;
	const char *type, *client_of; /* the organisation whose client it is; "" = it is an organisation itself */
};
enum isac_err control_member_read(struct control_newcomer *out, const struct control_call *call);
/* The admin who enrols a member stands by its space: no claim waits. */
enum isac_err control_member_space(struct control_call *call, const char *name);
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

/* ---- pending.c: dangerous commands and their second admin --------------------------------- */
enum control_go { CONTROL_GO_ALONE, CONTROL_GO_WAIT, CONTROL_GO_APPROVED };
struct control_approval {
	enum control_go go;
	bool needed;
	struct store_pending pending; /* what was asked for; its bytes are in db */
	const struct member *asker;   /* of CONTROL_GO_APPROVED */
};
/* May this command of rows that change something run now? AGAIN: it is done; CONFLICT, NOT_ALLOWED: it never will. */
enum isac_err control_pending_judge(struct control_approval *out, const struct control_case *found, struct store_db *db, int64_t admins_min,
				    struct wire_why *why);

/* ---- recall.c: who had been sent what is not to be used any more ------------------------------ */
/* What was handed over until now is in the table of ranges. UNAVAILABLE: it is not, yet. */
enum isac_err control_recall_await(const struct control_conf *conf);
/* Writes down whom this report was sent to; rows: of the answer, may be NULL. */
enum isac_err control_recall_receivers(struct store_db *db, const struct report *report, int64_t recall_id, struct wire_buf *rows,
				       const struct member_roster *roster);
/* Some more of a recall that is not done; false: there is none. */
bool control_recall_step(struct control *c);

struct control {
	struct control_conf conf;
	struct base_actor *actor;
	struct base_mailbox *box;
	struct store_db *db;
	struct member_quota *quota; /* of members that are no admins */
	struct wire_arena arena;
	struct wire_buf rows, out;
	bool erased;		   /* this step removed content */
	bool recalls, recall_idle; /* some are not done; there is nothing to be done for them right now */
	int64_t recall_at_us;	   /* monotonic: when the next step is due */
	bool stale;		   /* the roster in memory may be older than the database */
	/* retention.c */
	int64_t retire_at_us;		   /* monotonic: the next records */
	bool sweeping;			   /* rows of indicator may still count what retention removed */
	int64_t retain_at_us, sweep_at_us; /* monotonic */
};

/* ---- retention.c: does what is due; how long nothing is, in ms ---------------------------------- */
int control_retention_tend(struct control *c);

#endif
