/* policy.h - what to make of what is seen: pure functions of (desired, observed, expectations, now). No I/O, no clock.
 *
 *   situation   everything one pass decides on, computed once
 *   words       the vocabulary of the cluster machine: facts about the situation, actions that plan steps
 *   steps       commands with their expectation (predicate) and their effect on the observed cluster
 *   migrations  runs of slots that go from one node to another, each seen through by a machine of its own
 *   settle      what follows without a command: gossip spreads, states turn ok, links come up
 */
#ifndef ROP_POLICY_H
#define ROP_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "rop/journal.h"
#include "rop/machine.h"
#include "rop/observed.h"
#include "rop/reasons.h"
#include "rop/risk.h"
#include "rop/topology.h"

/* ---- findings: what was seen where, why it matters, what a person can do ----------------------------------- */

struct rop_finding {
	enum rop_code
		code; /* REFUSED, UNREACHABLE, DENIED: nothing may change; TIMEOUT: not there yet; OK: a warning */
	int node;     /* index; -1: the cluster */
	enum rop_reason is;
	const char *reason; /* its word, for conditions and JSON */
	const char *text;   /* the whole sentence: what was seen, on which node, why it matters */
	const char *advice; /* the exact command or act that goes on from here; NULL */
};

/* ---- shards: who should be what --------------------------------------------------------------------------- */

struct rop_shard {
	int number;           /* from 1; stays the same for as long as it is remembered who had its data */
	int primary;          /* index of the node that is or becomes its primary; -1: nobody can */
	struct rop_slots add; /* slots nobody owns that its primary is to get */
	int share;            /* how many it is to have: policy_aim; -1: as it is */
};

/* Of primary_of, where it is no index: it is, or becomes, a primary; there is no place for it. */
enum { ROP_LEADS = -1, ROP_NO_PLACE = -2 };

struct rop_layout {
	struct rop_shard *shards;
	size_t n;
	int *primary_of; /* [node]: index of the node it should replicate; ROP_LEADS; ROP_NO_PLACE */
	int *shard_of;   /* [node]: index into shards, which is not its number; -1: none */
	ROP_LIST(struct rop_finding) warnings; /* placement that the topology does not allow to do better */
};

/* Who should be what, given what is: owners of slots stay primaries, replicas stay where they are unless their shard
 * has too many, the rest is placed so that no two nodes of a shard share a zone or a host where that can be done.
 * Deterministic. Linear in nodes but for the placement, which is a matching (n x shards at worst).
 * drained: [node] its host is to be stopped, and it gets no role that it does not have; NULL: none is.
 * Shards are numbered from 1 to n: by the label of their owner; by what is remembered (NULL: nothing) of who led them
 * or had a copy; and else by their place in the order of slots. */
void rop_layout_make(struct rop_arena *arena, const struct rop_topology *topology, const struct rop_observed *seen,
		     const struct rop_shard_memory *remembered, size_t n_remembered, const bool *drained,
		     struct rop_layout *ret_layout);

/* ---- slots that move -------------------------------------------------------------------------------------- */

#define ROP_CHUNK 64 /* slots that are moved together at most; a chunk's are one word of rop_slots */

struct rop_situation;

/* Slots of one chunk that go from one node to another, with their keys: aimed at by the topology, or begun by somebody.
 * The subject of the machine `migration`. */
struct rop_migration {
	const struct rop_situation *now;
	const char *subject; /* "slots:0-63 ID>ID" */
	int first;           /* the chunk's first slot */
	uint64_t slots;      /* a bit for each of its slots that go this way */
	int source, target;  /* nodes */
	bool open;           /* any of its slots is, on one side */
	bool in_hand;        /* its turn has come */
	bool ours;           /* it goes where the topology wants it, and moving was begun by us */
	bool in_reach;       /* both sides answer, lead their shards, and nobody doubts it */
	bool goes_home;      /* somebody opened them, nothing was carried, and the owner is to keep them */
	bool open_at_target, open_at_source; /* each of them that is not the target's yet */
	bool source_open;                    /* any of them is open there */
	bool taken_over;                     /* the target owns all of them */
	bool empty;                          /* the source has no key of those that it still owns, and said so */
	/* The servers move them by themselves, all that go this way at once: then these are they, and `slots` is 0. */
	struct rop_slots *whole;  /* NULL: they do not */
	bool job_runs, job_rests; /* a job is at work on some of them; one was given up not long ago */
	int64_t keys;             /* that the source has of them; -1: not known */
	bool untold;              /* the source would not tell how many keys it has of some */
	const char *held;         /* why it cannot go on, though both sides are well; NULL */
};

/* Is it off by so much that something is moved for it? */
#define ROP_TOLERANCE_PERCENT 2
bool rop_share_is_off(int64_t is, int64_t wanted);

/* ---- nodes that leave ------------------------------------------------------------------------------------- */

/* A node that an earlier revision declared and this one does not. The subject of the machine `retire`. */
struct rop_retirement {
	const struct rop_situation *now;
	const char *subject;  /* "node:ID" */
	int node;             /* among those asked: it may be seen->n or more */
	const char *id;       /* that it had as a member */
	bool moved;           /* a declared node answers under that id: nobody leaves */
	bool drained;         /* it owns nothing, and no node that stays follows it */
	bool present;         /* it answers, as one of this cluster */
	bool alone;           /* it is not there as one of this cluster, or knows nobody */
	bool listed;          /* by a node that stays */
	bool leads;           /* its shard, which stays */
	int heir;             /* a replica of it that stays, in sync: the best; -1: there is none */
	int64_t forgotten_ms; /* since when nobody lists it; 0: some do, or that is new */
	bool barred;          /* something stands against it: held, or what may pass in a moment */
	const char *held;     /* why it cannot go now, in a sentence; NULL */
	const char *advice;
	const struct rop_risk *loss; /* nobody is left who has what it owned; NULL */
	bool given_up;               /* and a person consented to that: it is forgotten with its slots */
};

/* How far it is, in a sentence. */
const char *rop_retirement_sentence(struct rop_arena *arena, const struct rop_retirement *retirement);

/* ---- a shard's leadership that goes to another node, because a person asked for it ------------------------------ */

#define ROP_WISH_LASTS_MS 900000 /* what was not done within a quarter of an hour is not done unasked any more */
#define ROP_WISH_ATTEMPTS 3

/* A replica of the shard. */
struct rop_candidate {
	int node;
	bool ready;
	int64_t lag;     /* bytes of replication that it is behind; -1 unknown */
	const char *why; /* not ready: why, in a sentence without its subject; else NULL */
	bool denied;     /* for a permission */
};

/* The wish that is open (rop_wish), and how far it is. The subject of the machine `failover`.
 *
 * Whoever is to lead is the one that was named, or the first of the replicas that are ready: in sync (link up, nothing
 * being synchronised, listed online by its primary, which answers), declared for no other shard, with a
 * replica-priority, without cluster-replica-no-failover, and such that the older servers of its shard can load what it
 * sends. Among those:
 *   1. the one that lags least, in steps of 64 KiB (less than that is made up for in a moment);
 *   2. one in another zone than the present primary, where zones are declared;
 *   3. one on another host than the present primary;
 *   4. one on a host where fewer shards are led;
 *   5. the one declared first.
 * The one that was named may have no priority, and cluster-replica-no-failover: these are about what happens unasked.
 */
struct rop_handover {
	const struct rop_situation *now;
	const struct rop_wish *wish;
	const char *subject;                       /* "shard:2" */
	int from, to;                              /* who leads it now; who is to, or does already; -1: nobody */
	ROP_LIST(struct rop_candidate) candidates; /* replicas of the shard, the best first; not ready: at the end */
	bool handed_over;                          /* it is led by whom it should be */
	bool confirmed;       /* ... and every view says so, and who led it before follows with its link up */
	bool under_way;       /* asked of the replica, and not over yet */
	bool rests;           /* an attempt failed, or the primary gave slots away just now, and the servers need not
			       * vote for another one yet */
	int64_t rests_ms;     /* for how long still */
	const char *barred;   /* why it cannot be asked for now, and that may pass; NULL */
	const char *hopeless; /* why it is not tried any more; NULL */
	enum rop_wish_status ends_as; /* where it is hopeless */
	enum rop_code code;           /* of barred: REFUSED, or DENIED for a permission */
};

/* Of a person's words: the number of a shard, or a node as it is declared ("host:port") or by its id. Who leads it now
 * is written down with it. false: there is no such one, or the cluster is not one that is known. */
bool rop_wish_make(const struct rop_situation *now, const char *target, struct rop_wish *ret_wish, struct rop_err *err);
/* So long an attempt lasts at most, and clients' writes wait: of both nodes the greater one, where it is a setting
 * (Valkey since 8.1); else what is built into the servers. */
#define ROP_MANUAL_TIMEOUT "cluster-manual-failover-timeout"
int64_t rop_handover_pause_ms(const struct rop_handover *handover);
/* How far it is, in a sentence. */
const char *rop_handover_sentence(struct rop_arena *arena, const struct rop_handover *handover);
/* "lags 0 bytes, zone b: ready" */
const char *rop_candidate_sentence(struct rop_arena *arena, const struct rop_handover *handover,
				   const struct rop_candidate *candidate);

/* ---- hosts that are to be stopped -------------------------------------------------------------------------------- */

struct rop_fewer { /* a shard that would be left with fewer replicas in sync than it keeps */
	int shard; /* its number */
	size_t left, keeps;
	bool consented;
};

/* A drain that is in force, and how far it is. */
struct rop_drained {
	const struct rop_situation *now;
	const struct rop_drain *drain;
	ROP_LIST(int) nodes; /* of its hosts */
	size_t silent;       /* of them */
	size_t leads;        /* shards that are led from there still */
	ROP_LIST(struct rop_fewer) fewer;
	const char *fewer_text; /* all of them, as rop_drain.fewer has them; "": none */
	char digest[9];         /* what a consent to these is named by */
	const char *holds;      /* why it may not be stopped yet; NULL: it may */
};

bool rop_drain_is_of(const struct rop_drain *drain, const struct rop_declared_node *node);
/* What is drained, by whom, for how long still, and whether it may be stopped. */
const char *rop_drained_sentence(struct rop_arena *arena, const struct rop_drained *drained);

/* ---- shards that had better be led by another node ----------------------------------------------------------------
 */

struct rop_misplaced {
	int shard;              /* its number */
	int from, to;           /* who leads it, and who had better; nodes */
	const char *why, *text; /* what is wrong; and a sentence that says also who had better lead it */
};

/* ---- the situation ----------------------------------------------------------------------------------------- */

enum rop_case { /* architecture: form, complete, adopt, total loss, refuse - decided from what is seen */
		ROP_CASE_UNDECIDED,
		ROP_CASE_FORM,
		ROP_CASE_COMPLETE,
		ROP_CASE_ADOPT,
		ROP_CASE_TOTAL_LOSS,
		ROP_CASE_REFUSE,
};
const char *rop_case_name(enum rop_case kase);

struct rop_tries; /* rop/tries.h */

struct rop_held { /* a step that the data forbids for now, and what it waits for */
	int node;
	const char *why;
	bool denied; /* for a permission */
};

struct rop_before { /* of the last look: what must not have changed for a shard's leadership to be settled */
	char id[ROP_ID_SIZE];
	enum rop_role role;
	int64_t epoch, epoch_held;
	bool answered;
	/* Peers that are torn between two servers with one id hold now this address, now that: a sighting counts for a
	 * while. */
	char elsewhere[72];                            /* rop_node.elsewhere, seen last; "": not lately */
	int64_t elsewhere_since_ms, elsewhere_seen_ms; /* boot clock: first and last sighting */
	/* boot clock: since when each look has shown rop_node.held_at, or now and then rop_node.strange; 0: it did not
	 */
	int64_t held_since_ms, strange_since_ms, strange_seen_ms;
	int64_t sought_since_ms; /* boot clock: since when each look has shown rop_node.sought_at; 0: it did not */
	int64_t orphan_since_ms; /* of rop_orphan.copy */
	int64_t barred_since_ms; /* of one that leaves: since when each look has shown rop_retirement.barred */
};

struct rop_orphan { /* slots of an id that nobody has any more, and who followed it */
	const char *id;
	int copy, place; /* who takes them over; who answers where it was */
	bool due;        /* the servers had their time to elect somebody */
	const char *price;
};

struct rop_takeover; /* rop/takeover.h */

struct rop_emptied {                          /* a shard that was started anew without its keys */
	const struct rop_shard_memory *shard; /* as it was */
	int owner;                            /* of its slots */
};

struct rop_situation {
	/* What is asked: set by who has it made. */
	struct rop_arena *arena;
	const struct rop_topology *topology;
	const struct rop_observed *seen;
	const struct rop_image *image;
	struct rop_tries *tries;
	const char *instance; /* of our database; NULL: unknown, then no other one is told apart */
	int64_t wall_ms, boot_ms;
	bool may_lower;                  /* temporary settings are allowed in this run (not with --step) */
	bool ends;                       /* told to stop: nothing is done any more but putting back */
	bool warn_of_found;              /* temporary settings without a row are only warned of; else they go back */
	bool has_acted;                  /* this run has sent something: else nothing is hastened either */
	bool looks_once;                 /* there is no second look to wait for: plan, status, check */
	bool only_wish;                  /* this run is for the open wish alone */
	bool only_drain;                 /* ... for what drains want alone */
	bool moving;                     /* slots are being moved towards the aim: it is walked to its end */
	const struct rop_before *before; /* [node] of the look before; NULL: this is the first */
	struct rop_consent *consent;     /* to losses, for this run; NULL: none */
	const struct rop_wish *to_take_over; /* this run is for a take-over alone; NULL: it is for something else */

	/* What follows from it: rop_situation_assess. */
	enum rop_case kase;
	struct rop_layout layout;
	ROP_LIST(struct rop_finding) findings; /* what forbids to go on */
	ROP_LIST(struct rop_finding) denied;   /* of who only looks: what apply would be refused for (rights) */
	ROP_LIST(struct rop_finding) warnings; /* what is not as good as it could be: all of the layout's, and others */
	ROP_LIST(struct rop_finding) open;     /* what is not as declared yet: names pairs, nodes, slots */
	ROP_LIST(struct rop_emptied) emptied;  /* and what they had was not given up */
	struct rop_losses losses; /* of steps that are wanted and not consented to; each is a finding too */
	/* That have happened, of shards that nobody is left of: no step waits for them, and a person may give them up;
	 * each is a warning too. */
	struct rop_losses lost;
	ROP_LIST(struct rop_held) held;
	int *group; /* [node] nodes that know each other, directly or not; main_group: the one that counts */
	int main_group;
	bool data;          /* there may be keys: some were counted, or a node did not tell or answer */
	bool replicas_held; /* some are to be attached, and each of them has to wait (held says for what) */
	size_t answering;
	struct rop_slots owned;      /* by anybody */
	struct rop_slots served;     /* by a node that answers, and that most owners do not see failing */
	enum rop_truth all_served;   /* UNKNOWN: nothing is known not to be, but some owner could not be asked */
	const char *unserved;        /* owned slots that are not served, in a sentence; NULL: there are none */
	const char *unserved_advice; /* what only a person may do about it; NULL */
	ROP_LIST(struct rop_temporary)
	found; /* temporary settings that the nodes show and no row knows: of a lost database */
	ROP_LIST(struct rop_migration) migrations; /* what is left to be moved, chunk by chunk */
	/* [slot] the node that owns it: of several that claim it the one with the greatest epoch; -1: nobody. NULL: the
	 * cluster is not formed. */
	const int16_t *owner;
	const int16_t *aim; /* [slot] the node that is to own it; NULL: whoever owns it now */
	int slots_to_move;  /* whose owner is not that */
	bool paused, all_answer, in_view, formed, refused, fresh;
	bool introduced, members_agree, slots_assigned, replicas_attached, links_up, synchronising, state_ok,
		views_equal, views_agree, shards_known, shards_apart; /* views_equal: views_agree, but for open slots */
	bool slots_in_place;                                          /* no slot is to be moved, and none is open */
	ROP_LIST(struct rop_retirement) retirements;                  /* of all that leave */
	struct rop_orphan *orphan;                                    /* to be taken over first; NULL: there is none */
	const bool *to_empty; /* [node] it kept a copy that somebody gave up, and cannot be taken in with it; NULL: none
				 is */
	bool rejoins; /* all identities were lost, a person lets the nodes come together, and some have no epoch yet */
	struct rop_handover *handover;       /* of the open wish; NULL: there is none */
	bool wish_due;                       /* there is something to do about it, or to wait for, before all else */
	const bool *drained;                 /* [node] its host is drained; NULL: none is */
	ROP_LIST(struct rop_drained) drains; /* those in force */
	const struct rop_wish *drain_wish;   /* the hand-over that is next for one; NULL */
	bool host_drained;                   /* there is one */
	bool drain_due;                      /* a wish is to be made of drain_wish */
	/* In the order in which to hand them over; none while anything else is going on. */
	ROP_LIST(struct rop_misplaced) misplaced;
	/* Shards that are all on one host or in one zone: a replica of theirs, and one of another shard that could
	 * change places with it. Only said: it copies data. */
	ROP_LIST(struct rop_misplaced) swaps;
	const struct rop_wish *placement_wish; /* the hand-over that is next for them; NULL */
	bool placement_due;                    /* a wish is to be made of it (spec.placement.repair: Auto) */
	bool silence_expected;                 /* some do not answer, and all of these are on hosts that are drained */
	bool optional_waits;                   /* slots are to move, or nodes to leave, and that waits for a drain */
	bool leaving;                          /* one of them is still in the cluster, and can go on */
	bool leavers_held;                     /* one of them is, and cannot */
	bool leavers_watched;                  /* one is in nobody's view, and may come back */
	struct rop_takeover *takeover;         /* that this run is for; NULL: for something else */
	bool takeover_due;                     /* it was consented to, or is under way */
	bool epochs_behind;    /* a node says a smaller epoch than its peers hold for it, and may be given a new one */
	bool replicas_stay;    /* ROP_REPLICA_MIGRATION is to be `no`; then it is one of the topology's settings */
	bool settings_refused; /* a node refused a declared setting in this run */
	bool prepared, settings_as_declared, waiting, gave_up;
	bool temporaries_in_force; /* one that may go back now */
	bool temporaries_waiting;  /* one that may not yet: rop_temporary.peer */

	/* What follows from earlier passes: set by the reconciler afterwards. */
	int64_t agreed_ms;    /* how long all views have agreed without a pause; 0 with one look only */
	bool finding_gone;    /* a finding was told, and nothing is found any more */
	int64_t stalled_ms;   /* since a slot or a key was moved last, or the moving began; 0: nothing is being moved */
	int to_move_at_first; /* slots_to_move when this run saw that something is to be moved; 0: nothing */
	int64_t moving_ms;    /* since then */
};

/* The one way to a situation: takes what is asked, in its arena, and fills in what follows. */
struct rop_situation *rop_situation_make(const struct rop_situation *asked);
void rop_situation_assess(struct rop_situation *now); /* the same in place, for tests */

/* Everything declared is there and seen by all who answer, and all answer; says nothing of how long already. */
/* Nodes that the topology declares; those of them that answer; and who else is still listed, being on its way out. */
size_t rop_situation_declared(const struct rop_situation *now);
size_t rop_situation_declared_answer(const struct rop_situation *now);
size_t rop_situation_leavers(const struct rop_situation *now);
bool rop_situation_converged(const struct rop_situation *now);
/* The same, as far as it can be while a host is drained: who is silent is expected to be, what is optional waits. */
bool rop_situation_waits_for_drain(const struct rop_situation *now);
/* The word for what ends a run here: of the first finding; of what is lost, where that is all; NULL: neither. */
const char *rop_situation_reason(const struct rop_situation *now);
/* Was the shard of that number started anew without its keys, and did nobody give them up? */
bool rop_shard_is_emptied(const struct rop_situation *now, int number);
/* Was a peer seen lately that holds a node at another address than its own? Whether a second server is there takes a
 * node timeout to be told (SameNodeId). */
bool rop_situation_is_doubted(const struct rop_situation *now);
/* All that stands in the way is where peers hold nodes, and that may be of before an address was put right: for how
 * long at most. 0: something else does, or nothing. Of a situation that looks_once. */
int64_t rop_situation_may_pass_ms(const struct rop_situation *now);

/* Fills in `open`, once; it costs text, so only when somebody is told. */
void rop_situation_open(struct rop_situation *now);

/* How far slots that move are, in a sentence: what is left, how fast, for how long; NULL: nothing is to be moved. */
const char *rop_moving_sentence(struct rop_arena *arena, const struct rop_situation *now);

/* The condition rows of `status`, from the situation; `since` is copied from the image where the status is the same. */
#define ROP_REASON_STUCK "Stuck" /* Blocked without a finding: it took too long, or a step failed too often */
void rop_conditions_make(const struct rop_situation *now, bool converged, bool blocked,
			 struct rop_condition ret_conditions[ROP_CONDITIONS_N]);

/* What cluster-node-timeout `original` is lowered to, so that its last two digits tell the original; -1: it is not.
 * base: a multiple of 100, from 100 to 4000. 500 and 3000 make 507. */
int64_t rop_lowered_timeout(int64_t base, int64_t original);
/* The original of a lowered timeout; -1: not one of ours. */
int64_t rop_lowered_original(int64_t value);
/* May this one not go back yet? */
bool rop_temporary_waits(const struct rop_situation *now, const struct rop_temporary *temporary);
/* What becomes of it, in a sentence. */
const char *rop_temporary_sentence(struct rop_arena *arena, const struct rop_situation *now,
				   const struct rop_temporary *temporary);
/* Is it one of `found`? */
bool rop_temporary_is_found(const struct rop_situation *now, const char *node, const char *name);

/* Is this what the topology declares? The value in its own words. */
bool rop_setting_is_declared(const struct rop_topology *topology, const char *name, const char *value);
/* What of this node's settings is not as declared: each with what is in force. NULL: all are. In the situation's arena.
 */
const char *rop_node_settings_off(const struct rop_situation *now, size_t node);
/* A value as a person is told it; NULL: not known. Servers tell sizes in bytes: beside one with a unit the other gets
 * one too, where it is exact. */
const char *rop_value_shown(const char *value);
const char *rop_value_beside(struct rop_arena *arena, const char *value, const char *other);
/* Settings whose values a pass needs: the declared ones and the temporary ones. Owned by the arena. */
const char **rop_settings_watched(struct rop_arena *arena, const struct rop_topology *topology, size_t *ret_n);

/* Replicas of this primary that are in sync: what it is given is safe once they have it, too. In the arena. */
const int *rop_witnesses(struct rop_arena *arena, const struct rop_situation *now, size_t primary, size_t *ret_n);

/* ---- words ------------------------------------------------------------------------------------------------- */

const struct rop_vocabulary *rop_cluster_words(void); /* subject: struct rop_situation; output: struct rop_batch */
const struct rop_vocabulary *rop_words_of(const char *machine); /* by its name; NULL: nobody knows it */
const struct rop_vocabulary *rop_migration_words(void); /* subject: struct rop_migration; output: struct rop_batch */
const struct rop_vocabulary *rop_failover_words(void);  /* subject: struct rop_handover; output: struct rop_batch */
const struct rop_vocabulary *rop_retire_words(void);    /* subject: struct rop_retirement; output: struct rop_batch */

struct rop_words { /* one command */
	size_t argc;
	const char **argv;
};

struct rop_step {
	struct rop_expect expect; /* what is journalled */
	/* The commands, made once by rop_step_describe, in the memory of its pass: expect.command is these, in words,
	 * and these are sent, one after the other. None where the pass is over, or where keys are carried: their names
	 * stay in redis/. */
	size_t n_commands;
	const struct rop_words *commands;
	bool goes_on;         /* CARRY: nothing new is journalled, what is pending is gone on with */
	int node, peer;       /* indexes; peer -1: none */
	const char *state;    /* the machine's state that asked for it */
	struct rop_risk risk; /* LOSS only where it was consented to */
};

struct rop_batch { /* what the actions of one pass ask for */
	struct rop_arena *arena;
	ROP_LIST(struct rop_step) steps;
	const char *state, *why; /* of the row at work; copied into its steps */
	bool report;             /* a row asked to stop and tell */
	bool reached;            /* a row said: this is the declared cluster */
	bool look_again;         /* a row acted without a command */
	/* Instances to be run: migrations that are open, all migrations, retirements, the open wish. */
	enum rop_children {
		ROP_NO_CHILDREN,
		ROP_CHILDREN_OPEN,
		ROP_CHILDREN_ALL,
		ROP_CHILDREN_LEAVING,
		ROP_CHILDREN_WISH
	} children;
	struct rop_wish_end wish_end;  /* the open wish is over */
	struct rop_wish wish_begin;    /* one that a drain or the placement wants; shard 0: none */
	ROP_LIST(const char *) struck; /* ids of members that left for good */
	struct rop_situation
		*weighing; /* nothing is asked for: what stands against each step is noted there; NULL: planning */
	struct rop_tries *claimed; /* what its steps are about: policy_add takes one of each subject */
};

/* restore_settings without a row: when a run is told to stop. */
void rop_plan_restore(const struct rop_situation *now, struct rop_batch *batch);

/* ---- steps ------------------------------------------------------------------------------------------------- */

/* Is what the expectation waits for seen? */
bool rop_expect_seen(const struct rop_expect *expect, const struct rop_observed *seen);
/* observed -> observed': what the command changes at once on the node that got it (in place). */
void rop_step_effect(const struct rop_expect *expect, struct rop_observed *seen);
/* What follows by itself among the nodes that answer, until nothing more does (in place). */
void rop_settle(struct rop_observed *seen);
/* Fills in subject, address, the command (to be sent, and in words) and precondition from kind, node and peer. */
void rop_step_describe(struct rop_arena *arena, const struct rop_observed *seen, struct rop_step *step);

/* A copy that needs nothing of the original's arena. */
struct rop_expect rop_expect_dup(struct rop_arena *arena, const struct rop_expect *expect);

#endif
