/* pass.h - the reconciler from inside: what one pass keeps until the next. */
#ifndef ROP_OPERATOR_PASS_H
#define ROP_OPERATOR_PASS_H

#include "rop/reconcile.h"
#include "rop/tries.h"

/* Where it has been since its last action, or since it rested last: what is between is no way but a search. */
struct roaming {
	int64_t spent_ms[ROP_STATES_MAX]; /* [state] before the visit that goes on */
	uint64_t been;                    /* set of states */
};

/* An instance of a machine that the cluster's hosts: of one run of slots, as long as it is to be moved; of a node that
 * leaves. */
struct child {
	int64_t wish; /* that it is for; 0: for none */
	const char *subject;
	int state;
	int64_t since_boot_ms;
	int64_t spent_ms[ROP_STATES_MAX]; /* [state] before the visit that goes on */
};

struct rop_reconcile {
	struct rop_reconcile_options options;
	struct rop_arena *arena;           /* memory of this reconciler: image, pending, tries */
	struct rop_arena *pass;            /* of the last observation; freed with the next one */
	struct rop_image image;            /* as the database has it, brought up to date by every commit */
	ROP_LIST(struct rop_step) pending; /* steps whose expectation is not resolved */
	struct rop_tries *tries;
	enum rop_want want;

	int state;
	int64_t state_since_boot_ms;
	struct roaming roaming;
	ROP_LIST(struct child) children;
	bool moving;              /* slots are being moved towards the aim: it is walked to its end */
	uint64_t progress;        /* digest of what is left to be moved */
	int64_t progress_boot_ms; /* when that was new */
	int to_move_at_first;     /* slots, when something was to be moved first; 0: nothing is */
	int64_t moving_since_boot_ms;
	int64_t agreed_since_boot_ms; /* -1: the last look did not agree */
	struct rop_before *before;    /* [node] of the last look; on the heap; NULL: there was none */
	struct rop_consent consent;   /* what was taken is in consent_arena: it lasts as long as the run */
	struct rop_arena *consent_arena;
	int64_t idle_since_boot_ms;      /* nothing was moved or sent since */
	int64_t unwritten_since_boot_ms; /* the last commit, or what is held, whichever began later */
	bool reported, reached;          /* a row said report; a row said record_reached */
	bool reported_finding;           /* what it reported was a finding: that may have passed since */
	bool at_work;                    /* a step was sent since it rested last */
	bool stopping;                   /* rop_reconcile_stop: only temporary settings are put back */
	bool stop_decided;               /* the last pass knew of that */
	bool finishing;                  /* slots that were open then are seen through, as far as time allows */
	const char *stop_why;            /* in consent_arena; NULL */
	int64_t stop_by_boot_ms;
	enum rop_code stop_code;
	size_t idle_passes, batches, doubts;
	size_t carried_in_vain;     /* one batch after the other: keys are counted there, and none could be moved */
	size_t compact_above_bytes; /* memory.c */
	bool sent_since_compact;
	struct rop_result result;
	const char *wish_note; /* how the last wish that ended in this run did; in consent_arena; NULL */
	struct rop_text text;  /* result.text */

	/* of the pass under way */
	struct rop_situation *now;
	struct rop_entry entry;
	struct rop_batch batch;
	int state_before;
	int64_t state_since_before;
	struct roaming roaming_before;
	struct child *children_before;
	size_t n_children_before;
	ROP_LIST(struct rop_transition) child_moves;
	ROP_LIST(const struct rop_row *) held_before;
	bool news; /* a state was entered in which it had not been since its last action */
	bool rests;
	int64_t sleep_ms;

	/* ended in memory, not written yet; written with the next commit */
	ROP_LIST(struct rop_resolution) ended;
	ROP_LIST(struct rop_temporary) gone;
	/* Taken, oldest first; dropped when nothing comes of them. It is a way without circles: where the machine comes
	 * back to a state that the way goes through, nothing came of what was between. */
	ROP_LIST(const struct rop_row *) held;
	bool held_news; /* one of them led to a state in which it had not been */
};

/* pass.c */
void pass_decide(struct rop_reconcile *r, const struct rop_observed *seen, struct rop_clock clock);
/* An expectation ended: memory, tries and the listener are told; the database with the next commit. */
void pass_end_step(struct rop_reconcile *r, size_t pending_index, enum rop_expect_status status, const char *note,
		   int64_t boot_ms);

/* moves.c */
void moves_run(struct rop_reconcile *r, struct rop_clock clock);
/* Asked to stop: temporary settings go back, nothing else; and not for ever. */
void moves_stopping(struct rop_reconcile *r, struct rop_clock clock);
struct rop_transition moves_transition(const struct rop_reconcile *r, const struct rop_row *row); /* in the pass */

/* children.c: those that the batch asks for */
void children_run(struct rop_reconcile *r, struct rop_clock clock);
struct child *children_copy(struct rop_arena *arena, const struct child *children, size_t n);

/* gather.c: fills in the entry */
void gather_entry(struct rop_reconcile *r, struct rop_clock clock);

/* holders.c: the entry's shards, where they are news; and where something else is written anyway */
void holders_take(struct rop_reconcile *r);
void holders_refresh(struct rop_reconcile *r);

/* remember.c */
void remember_written(struct rop_reconcile *r); /* after the commit: the image follows */
void remember_look(struct rop_reconcile *r, const struct rop_observed *seen, struct rop_clock clock);
void remember_consent(struct rop_reconcile *r, const struct rop_consent *asked);

/* why_not.c: why it ended, from findings and open points, into result.text */
void why_not(struct rop_reconcile *r);
void why_not_taken_over(struct rop_reconcile *r); /* the same of the take-over that it was for, also when it is done */

/* memory.c */
void memory_take_image(struct rop_reconcile *r, const struct rop_image *image);
/* Only while nothing of a pass is outstanding: entry and steps point into this memory. */
void memory_compact(struct rop_reconcile *r);
struct rop_temporary memory_temporary(struct rop_arena *arena, const struct rop_temporary *temporary);
/* image->shards becomes a copy of these; `shards` may be the image's own. */
void memory_shards(struct rop_arena *arena, struct rop_image *image, const struct rop_shard_memory *shards, size_t n);
/* A copy that needs nothing of the original's. */
struct rop_wish memory_wish(struct rop_arena *arena, const struct rop_wish *wish);
struct rop_member memory_member(struct rop_arena *arena, const struct rop_member *member);

#endif
