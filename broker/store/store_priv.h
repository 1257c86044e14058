/* The writer's own state, shared by store.c (loop), commit.c (a batch) and catch_up.c (what was committed unseen). */
#ifndef ISAC_STORE_STORE_PRIV_H
#define ISAC_STORE_STORE_PRIV_H

#include "base/base.h"
#include "store/priv.h"

enum { LOCK_WAIT_US = 5000000 };

struct store_interned {
	uint8_t digest[16];
	int32_t id;
}; /* id 0: free slot */

struct store {
	struct store_conf conf;
	char *conninfo, *hub_id;
	struct base_actor *started, *actor; /* the same; actor is the thread's own view */
	struct base_mailbox *box;
	struct store_receipts *receipts;
	struct store_pg *pg;
	struct store_db *reader; /* for what was committed unseen */
	struct wire_buf args, lock_args;
	struct store_job **taken, **order;
	size_t taken_max;
	_Atomic uint64_t head;
	atomic_int expected;	/* reports being verified: see store_expect */
	int64_t received_us;	/* of the head */
	uint64_t partitions_at; /* head when partitions were last made */
	bool must_sync, is_locked_out, is_failing;
	struct base_mailbox *due;	  /* of one place: something in it means that held items may be due */
	bool more_due;			  /* the last release did not do them all */
	unsigned look_first;		  /* so many commits look for known ids before they append */
	struct store_interned *audiences; /* open addressing by digest */
	size_t audiences_n, audiences_cap;
};

/*
 * check_original.c: is what a sighting, a withdrawal or a successor is about there, may its publisher see it, and does it hold what is
 * said of it? Gives the job the audience of its original. UNAVAILABLE: the database did not say.
 */
enum isac_err store_check_original(struct store *s, struct store_job *job, struct wire_why *why);
/* commit.c: stores and answers jobs, takes them. */
void store_commit_jobs(struct store *s, struct store_job **jobs, size_t n);
/* catch_up.c: after a connect, learns the head and hands on what was committed without our knowing. quiet: only learns. */
enum isac_err store_sync_head(struct store *s, bool quiet);
/* release.c: releases items that are due, a page of them at most; s->more_due says whether to come again. */
enum isac_err store_release_due_now(struct store *s);
/* Waits ms, serving receipts; false when the actor must stop. */
bool store_pause(struct store *s, int ms);

#endif
