/* What the files of intake share. */
#ifndef ISAC_INTAKE_PRIV_H
#define ISAC_INTAKE_PRIV_H

#include "intake/intake.h"

/* ---- accept.c: the steps of proto/README.md section 5 that need no store --------------- */
struct intake_case {
	const struct member_roster *roster;
	const struct member *member; /* whose connection it is */
	const char *hub_id;
	int64_t now_us;
	struct wire_bytes body; /* of the SUBMIT frame */
	/* found on the way, in the arena */
	Isac1__Submit *submit;
	Isac1__Header *header;
	struct member_audience audience;
};
/* Steps 1 to 5, in order; the first that fails gives the error. No I/O, no clock. */
enum isac_err intake_accept(struct intake_case *c, struct wire_arena *arena, struct wire_why *why);
/* The first length-delimited field `number` of a message that nobody checked yet; empty if there is none before the first fault. */
struct wire_bytes intake_peek(struct wire_bytes message, uint32_t number);
/* A SUBMIT body's report_id as far as it can be read: for refusals only. */
struct wire_bytes intake_peek_report_id(struct wire_bytes body);

/* ---- verify.c: who does the work ---------------------------------------------------------- */
struct intake_job {
	struct store_route route;
	int64_t received_us;
	size_t len;
	uint8_t body[];
};
struct intake_verifier {
	struct intake *in;
	struct base_actor *actor;
	struct base_mailbox *box;
	atomic_uint jobs; /* given and not yet done */
};
enum isac_err intake_verify_start(struct intake *in);
void intake_verify_halt(struct intake *in); /* what was given is finished first */
void intake_verify_free(struct intake *in);
/* To the least busy verifier; AGAIN if all have enough, then the caller does it itself. */
enum isac_err intake_verify_give(struct intake *in, struct intake_job *job);
/* Steps 1 to 8 and the store, then a receipt if it was refused. Takes the job. */
void intake_verify_run(struct intake *in, struct intake_job *job, struct wire_arena *arena);

/* ---- submit.c ---------------------------------------------------------------------------------- */
struct intake_request {
	struct store_route route;
	const struct member *member;
	struct wire_bytes body;
};
void intake_submit(struct intake *in, const struct intake_request *r);
void intake_submit_flush(struct intake *in); /* nothing more has come: the report in hand is done here and now */
void intake_submit_refuse(struct intake *in, const struct store_route *route, struct wire_bytes body, enum isac_err err,
			  const struct wire_why *why, uint32_t retry_after_ms);

/* ---- ask.c: what other actors answer -------------------------------------------------------------- */
void intake_ask(struct intake *in, const struct intake_request *r, uint16_t type);

/* ---- as_token.c: what a gateway asks for the holder of a token ------------------------------------ */
enum { INTAKE_GUESSES_PER_S = 5, INTAKE_GUESSES_BURST = 100, INTAKE_GUESS_BYTES = 1 << 26 }; /* tokens that are none, a gateway */
void intake_as_token(struct intake *in, const struct intake_request *r, uint16_t type);

/* ---- reply.c ------------------------------------------------------------------------------------------- */
enum { INTAKE_RETRY_MS = 250, INTAKE_SLOW_RETRY_MS = 1000 }; /* our hint with a 503; with the 429 of a slow question */
void intake_reply_error(struct intake *in, const struct store_route *route, enum isac_err err, const char *text, uint32_t retry_after_ms);

/* ---- front.c: the link ------------------------------------------------------------------------------------- */
struct intake_front {
	struct base_link *link;
	_Atomic uint64_t id; /* 0 until its HELLO */
};
void intake_front_free(void *front);
void intake_front_accept(struct intake *in);
enum isac_err intake_front_hello(struct intake *in, struct wire_bytes part);
void intake_front_drop(struct intake *in, const char *reason);
void intake_front_push_roster(struct intake *in);
void intake_wake(struct intake *in);

struct intake {
	struct intake_conf conf;
	struct base_actor *actor;
	int listen_fd, wake_fd;
	struct base_shared fronts;  /* struct intake_front: repliers take it, only the actor swaps it */
	struct intake_front *front; /* the one in `fronts`; NULL = nobody there */
	atomic_bool roster_changed;
	struct member_quota *reports, *feedback, *asks, *guesses; /* feedback: reports about reports that are there, beside `reports` */
	struct intake_verifier *verifier;
	int64_t verifiers;
	struct intake_job *hand; /* received last; waits to see if it is alone */
	struct wire_arena arena;
};

#endif
