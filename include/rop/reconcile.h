/* reconcile.h - the loop itself, without the waiting: a pass as a state machine that wants things done and is told
 * when they are. It does no I/O and reads no clock, so plan, apply, the daemon and the simulator drive the same code.
 *
 *     for (;;) switch (rop_reconcile_want(r)) {
 *     case OBSERVE: look at all nodes            -> rop_reconcile_observed(r, seen, clock)
 *     case COMMIT:  write rop_reconcile_entry(r) -> rop_reconcile_committed(r, paused)
 *     case SEND:    rop_reconcile_sending(r, clock)? send rop_reconcile_steps(r) -> rop_reconcile_sent(r, outcomes,
 * clock) case SLEEP:   wait rop_reconcile_sleep_ms  -> rop_reconcile_woke(r) case DONE:    rop_reconcile_result(r)
 *     }
 *
 * What a run writes: a transition that led to no action is held until something else is to be written, or until the
 * machine rests in another state than the journal has; where it rests in the very state that the journal has and
 * nothing else is new, the held ones are dropped. From the first step until it rests, every move is written at once. So
 * a run over a cluster that is as declared writes nothing at all.
 *
 * With keep it runs for months: what it holds between passes (rop_reconcile_bytes) is bounded by the cluster, not by
 * time.
 *
 * A failure of the journal ends the run: the driver stops sending and reports it; there is nothing to tell here.
 */
#ifndef ROP_RECONCILE_H
#define ROP_RECONCILE_H

#include <stdbool.h>
#include <stdint.h>

#include "rop/journal.h"
#include "rop/machine.h"
#include "rop/observed.h"
#include "rop/outcome.h"
#include "rop/policy.h"

enum rop_want { ROP_WANT_OBSERVE, ROP_WANT_COMMIT, ROP_WANT_SEND, ROP_WANT_SLEEP, ROP_WANT_DONE };

struct rop_clock {
	int64_t wall_ms, boot_ms;
};

struct rop_reconcile_options {
	const struct rop_machine *machine;
	const struct rop_topology *topology; /* nodes resolved */
	const struct rop_image *image;       /* as loaded; copied as far as it changes */
	const char *instance;                /* of the database; NULL: unknown */
	const char *boot_id;
	int pid;
	int64_t revision;        /* accepted revision this run works on; 0: none recorded (plan) */
	bool keep;               /* daemon: never done; else one-shot: done at reached, or told to stop */
	bool step;               /* one batch of steps, then stop; no temporary settings */
	int64_t look_at_most_ms; /* with keep: the longest sleep, however long the interval is (a watchdog waits for
				    passes); 0: none */
	const char *consent;     /* digest of the losses a person consented to, for this run; NULL: none */
	const struct rop_wish *takeover; /* for that take-over alone (rop/takeover.h): done when it is over; NULL. Lives
					  * as long as the run */
	bool only_wish;                  /* for the open wish alone: done when it is over */
	bool only_drain; /* for what drains want alone: done when nobody leads from there, and it may be stopped */
	bool predict;    /* plan: the world answers at once; give up when nothing moves */
	/* Told as it happens; may be NULL. Transitions also where the journal will not have them, because nothing came
	 * of them. Steps are told at the beginning (status PENDING) and at the end. */
	void (*on_transition)(void *arg, const struct rop_transition *transition);
	void (*on_step)(void *arg, const struct rop_step *step, enum rop_expect_status status, const char *note);
	/* Asked of every step before it is written down; NULL: all may. One that may not takes its whole batch with it,
	 * and the run ends with ROP_STALE. Putting back temporary settings at the end of a run asks nobody; nor does
	 * a GREET, which only hastens what comes by itself. */
	bool (*may_step)(void *arg, const struct rop_step *step);
	void *arg;
};

struct rop_reconcile;
struct rop_reconcile *rop_reconcile_new(const struct rop_reconcile_options *options, struct rop_clock clock);
void rop_reconcile_free(struct rop_reconcile *r);

enum rop_want rop_reconcile_want(const struct rop_reconcile *r);
void rop_reconcile_observed(struct rop_reconcile *r, const struct rop_observed *seen, struct rop_clock clock);
struct rop_entry *rop_reconcile_entry(struct rop_reconcile *r);
/* paused: the store wrote nothing because somebody paused the cluster meanwhile. */
void rop_reconcile_committed(struct rop_reconcile *r, bool paused);
/* Asked just before anything of the batch is sent. Checks age: between look and send lie a commit and a queue. false:
 * the look that the batch rests on is older than a second and twice the time it took, or a deadline has passed; nothing
 * may be sent, its rows end as superseded with the next entry, and the next thing wanted is a look. What only puts
 * temporary settings back does not age. */
bool rop_reconcile_sending(struct rop_reconcile *r, struct rop_clock clock);
int64_t rop_reconcile_send_by_ms(const struct rop_reconcile *r); /* on the boot clock; 0: it does not age */
const struct rop_step *rop_reconcile_steps(const struct rop_reconcile *r, size_t *ret_n);
void rop_reconcile_sent(struct rop_reconcile *r, const struct rop_outcome *outcomes, struct rop_clock clock);
int64_t rop_reconcile_sleep_ms(const struct rop_reconcile *r);
void rop_reconcile_woke(struct rop_reconcile *r);
/* Ends the run soon, whatever the reason: puts temporary settings back first. code is what it will have ended with. */
void rop_reconcile_stop(struct rop_reconcile *r, enum rop_code code, const char *why);

/* How it stands: the last pass's situation (arena of that pass; valid until the next observation). NULL before. */
const struct rop_situation *rop_reconcile_situation(const struct rop_reconcile *r);
const char *rop_reconcile_state(const struct rop_reconcile *r); /* the machine's state */
bool rop_reconcile_converged(const struct rop_reconcile *r);
bool rop_reconcile_paused(const struct rop_reconcile *r);         /* as told last */
int64_t rop_reconcile_wish(const struct rop_reconcile *r);        /* the open one that it knows of; 0: none */
int64_t rop_reconcile_drains_told(const struct rop_reconcile *r); /* rop_image.drains_told, of what it knows */
bool rop_reconcile_at_rest(
	const struct rop_reconcile *r); /* nothing is under way: other processes may have the cluster */
size_t rop_reconcile_bytes(const struct rop_reconcile *r); /* memory held from pass to pass, without the last look */
void rop_reconcile_pause_changed(struct rop_reconcile *r, bool paused, int64_t until_wall_ms, const char *by);

struct rop_result {
	enum rop_code code;
	bool reached;              /* the declared cluster is there, seen by all */
	enum rop_wish_status wish; /* with only_wish: how it ended; OPEN: it did not. text is its note then */
	size_t steps, passes, transitions;
	const char *text; /* why not, in a sentence; "" when reached */
};
struct rop_result rop_reconcile_result(const struct rop_reconcile *r);

/* The plan: the same machine against the predicted cluster. Steps in order, owned by the arena. */
struct rop_plan {
	ROP_LIST(struct rop_step) steps;
	ROP_LIST(struct rop_transition) transitions;
	struct rop_result result;
	const struct rop_situation *first, *last; /* as observed; as predicted at the end */
	const struct rop_observed *end;           /* the same */
};
void rop_plan_make(struct rop_arena *arena, const struct rop_reconcile_options *options,
		   const struct rop_observed *seen, struct rop_clock clock, struct rop_plan *ret_plan);

#endif
