/* sim.h - a simulated world for the unchanged reconciler: one virtual cluster, one virtual clock, one seed.
 *
 *   start.c     what is declared, and how the cluster begins       world.c      the truth, its events, its clock
 *   gossip.c    what follows without a command, spread over time   server.c     a server's answer to one command
 *   data.c      clients' writes, and which node has which          election.c   who is failing, and who takes over
 *   moves.c     slots on their way to another node             weights.c    shares by weight
 *   leave.c     RESET, FORGET, FAILOVER                        leave_story.c  a file that loses lines
 *   judge_leave.c  who may be reset and forgotten              leave_broken.c  operators that do not see that
 *   drain_story.c     a host that a person drains, and stops
 *   placement_story.c  shards that are led from too few hosts
 *   handover_story.c  a shard that a person wants led by another node
 *   takeover_story.c  most primaries are lost, and a person has replicas take over without a vote
 *   ghost.c     a node that came back as another one               look.c       what the operator gets to see
 *   bus.c       where nodes look for each other, who hears whom    views.c      CLUSTER NODES, where that matters
 *   plights.c   moved members, a clone, dead shards, failing links  judge_bus.c  what must not come of those
 *   faults.c    what goes wrong, and a person's acts               operator.c   the driver of rop_reconcile
 *   judge.c     what must never happen                             judge_data.c why a write is gone
 *   verdict.c   how it may end                                     story.c      one seed from beginning to end
 *   promise.c   what is done is what was planned                   honest.c     gossip.c ends where rop_settle does
 *   fresh.c     the end is that of a fresh formation
 *   trace.c     chance, and the story told                         main.c       many seeds
 *
 * The truth is a struct rop_observed, as for a plan; commands change it by rop_step_effect. Beside it the world keeps
 * what such a model leaves out: who is up, which version of a node's claim each other node has heard, what is on its
 * way, who holds which write. Not modelled: collisions of equal config epochs, partitions, moved slots, replicas that
 * go to orphaned primaries by themselves.
 *
 * Everything is drawn from the seed; nothing reads a clock. Memory of a seed is in one arena. What happens to the
 * operator is drawn from the story's generator (sim.chance); faults, a person's acts and clients' writes from streams
 * of their own, and the physics from the moment and the place (world_luck). So the same seed with an operator that
 * falls silent has the same faults: its twin (judge_data.c).
 */
#ifndef ROP_SIM_H
#define ROP_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "rop/machine.h"
#include "rop/observed.h"
#include "rop/policy.h"
#include "rop/reconcile.h"
#include "rop/store.h"
#include "rop/topology.h"

/* ---- chance ------------------------------------------------------------------------------------------------ */

struct chance {
	uint64_t state;
};
uint64_t chance_next(struct chance *c);
int64_t chance_between(struct chance *c, int64_t least, int64_t most); /* inclusive */
size_t chance_below(struct chance *c, size_t n);
bool chance_permille(struct chance *c, int64_t permille);

/* ---- the truth --------------------------------------------------------------------------------------------- */

#define SETTINGS_MAX 32
#define NEVER INT64_MAX

struct claim { /* what a node said of itself at some time; its epoch is its own (a replica shows its primary's) */
	enum rop_role role;
	int primary;
	int64_t epoch;
	bool owns; /* slots is not empty */
	struct rop_slots slots;
};

#define WRITES_MAX 512 /* in one seed */
struct writes {
	uint64_t bits[WRITES_MAX / 64];
};

enum told { TOLD_NOBODY, TOLD_OPERATOR, TOLD_PERSON }; /* by whom; nobody: it came about by itself */

struct frozen { /* who imports a slot, and lists this one as its owner; -1: nobody */
	int slot, owner;
};

struct server {                      /* beside its struct rop_node in the truth */
	bool up, for_good;           /* for_good: went down and stays down */
	bool frozen;                 /* stopped, not dead: it goes on as it was */
	bool loses_conf, loses_data; /* of its next return */
	bool hides_keys;             /* INFO keyspace is refused to the operator's user */
	int deaths;
	int64_t down_ms; /* since when it is down */

	struct writes has; /* in memory, or on the disk of a dead one */
	int history;       /* index into the world's histories */
	size_t count;      /* so much of its history's log it has */
	int ghost;         /* its primary's identity is gone: index of that ghost; -1: no */
	enum told pointed; /* who pointed it at its primary; nobody as soon as it was in sync with it */
	int64_t cut_ms;    /* since when its link is down; NEVER: it never had one (or has one) */
	int64_t fill_ms;   /* when what it has is thrown away for its primary's data; NEVER: it is not */

	int64_t fail_ms;                   /* a majority of the owners has seen it fail since; NEVER */
	int64_t stand_ms, again_ms;        /* when it stands for election (NEVER: it does not), and not before when */
	uint64_t *owners;                  /* [node] owns slots, as this one has heard it */
	ROP_LIST(struct claim) claims;     /* the last one is current */
	int64_t started_ms, owner_seen_ms; /* since when it sees an owner of slots; NEVER: it sees none */
	int64_t link_ms;                   /* when its link to its primary will be up; NEVER: not on its way */
	int64_t loading_until_ms;
	ROP_LIST(struct frozen) kept; /* moves.c */
	int64_t hung_until_ms;    /* it does nothing until then: commands wait in its socket, and so do later looks */
	int meeting;              /* handshakes under way */
	bool news, covered;       /* covered: it sees an owner for every slot; to be found out again after news */
	size_t ghosts_owning;     /* of those it lists */
	int64_t held_until_ms;    /* its clients wait, for somebody takes over */
	int64_t severed_until_ms; /* no link to a primary comes up until then: it logs in with nothing, or is cut off */
	bool has_file;            /* a configuration file, for CONFIG REWRITE */
	const char *file[SETTINGS_MAX];   /* what a restart brings back */
	const char *want[SETTINGS_MAX];   /* what must be there at the end: the original, or what a person set */
	const char *keeps[SETTINGS_MAX];  /* and what its file may hold besides what is declared */
	int64_t person_ms[SETTINGS_MAX];  /* when a person last set it; -1: never */
	bool raced[SETTINGS_MAX];         /* a command crossed a person's: either value will do */
	bool orphaned[SETTINGS_MAX];      /* lowered when the database that knew its value was lost */
	bool file_orphaned[SETTINGS_MAX]; /* and so written to its file */
};

enum start {
	START_FRESH,
	START_OURS,
	START_REDIS_CLI,
	START_HEALTHY,
	START_JOIN,
	START_TOTAL_LOSS,
	START_FOREIGN,
	START_KEYS,
	START_RIVALS,
	START_LIVING,
	START_BARE,
	START_PINNED,
	START_SCALE_OUT,
	START_SCALE_IN,
	START_OPENED,
	START_LEAVE,
	STARTS_N
};
extern const char *const START_NAMES[STARTS_N];

enum event_kind {
	EVENT_COMMAND,
	EVENT_MEET,
	EVENT_DOWN,
	EVENT_UP,
	EVENT_PERSON,
	EVENT_WALL,
	EVENT_WRITE,
	EVENT_WAKE,
	EVENT_PLIGHT,
	EVENT_JOB,
	EVENT_HAND_OVER
};
#define DOWN_FROZEN 1 /* amounts of EVENT_DOWN */
#define DOWN_LOSES_CONF 2
#define DOWN_LOSES_DATA 4

struct delivery {                 /* one command on its way, and what became of it */
	struct rop_expect expect; /* owned by the seed's arena */
	int node;
	int64_t decided_ms; /* when the target's answer was taken that led to it; -1: a person's */
	int64_t looked_ms;  /* when the look began that led to it */
	int deaths;         /* of its target when it was sent: a connection does not outlive a process */
	bool executed, ok;
	bool names_owner;     /* IMPORT: SETSLOT NODE goes before it where another one is listed */
	bool unanswered;      /* its reply will be lost: the connection breaks at some time */
	int64_t keys;         /* that were carried */
	const int *witnesses; /* replicas of who is given something, in sync in the look that led to it */
	size_t n_witnesses;
	const char *text;
};

struct event {
	int64_t at_ms;
	uint64_t number; /* order among events of one moment */
	enum event_kind kind;
	int node, peer;
	struct delivery *delivery;
	int64_t amount;
};

/* ---- data (data.c) ----------------------------------------------------------------------------------------- */

/* A history of a data set, as a replication id names it: a log of writes. Its beginning may be another one's. */
struct history {
	int parent; /* whose replicas may go on here, up to `fork` entries (replid2); -1: nobody's */
	size_t fork;
	int root; /* one for all that came from one data set */
	ROP_LIST(struct entry {
		int write;
		bool deleted; /* not written: it went to another node */
		int64_t at_ms;
	}) log;
};

struct write { /* one acknowledged, or only tried */
	int slot;
	bool acked, lost;
	int travelled;      /* 1 + the node that it was carried to last, by the operator; 0 */
	bool taken;         /* and that node has taken its slot over since */
	bool stray;         /* of a node that owned no slots: it was never served there */
	bool tail;          /* a replica that had not got it yet took over from its primary */
	bool unsaved, disk; /* a copy of it ended with a process that saved nothing; with a disk */
	bool cloned;        /* a replica with a copy of it followed a second server, which was empty */
	bool by_person;     /* a person pointed a node with a copy elsewhere, or joined two clusters */
	bool endangered;    /* the operator pointed a node with a copy elsewhere, and nobody else served one */
};

struct ghost { /* an identity whose node came back as another one; the others still list it */
	char id[ROP_ID_SIZE];
	int node; /* who it was */
	bool forgotten, replica;
	struct rop_slots slots;
	int64_t epoch, fail_ms;
	uint64_t *viewers, *failing; /* [node] */
	bool reset;                  /* it was told to become another one */
	int64_t since_ms;
	int64_t *banned_ms; /* [node] that does not let it in again until then */
};

/* ---- the bus (bus.c) --------------------------------------------------------------------------------------- */

/* Places: 0 to n-1 are the declared addresses, n + i is where node i was before, or says that it is; nobody listens
 * there, but for a clone. */
#define PLACE_NONE (-1) /* noaddr */

struct line { /* one node's entry of another: where it looks for it, and what comes of that */
	int place;
	int64_t tried_ms; /* since when nothing answers there; NEVER */
	int64_t heard_ms; /* last, while nothing does */
	int64_t found_ms; /* since when these two have found each other; NEVER */
};

/* X(enum, what befalls it, seeds of a thousand that must live through it) */
#define PLIGHTS(X) \
	X(NONE, "no plight", 0) \
	X(MOVED, "a member that came back at another address", 5) \
	X(ALL_MOVED, "all members at other addresses", 5) \
	X(SWAPPED, "two members that swapped their addresses", 5) \
	X(NOADDR, "two members that lost each other's address", 5) \
	X(CLONE, "a clone of a member", 5) /* with a copy of its nodes.conf, and empty */ \
	X(ALL_CONF, "every nodes.conf lost", 3) \
	X(SHARD, "a shard that went down with all its copies", 5) \
	X(REBUILT, "a shard whose servers were all rebuilt, empty", 5) \
	X(SEVERED, "a replica whose link does not come up", 5) \
	X(DEAF, "two members that do not hear each other", 5) \
	X(ANNOUNCES, "a member that announces an address where nobody is", 5) \
	X(MAJORITY, "most primaries dead at one time", 5)
enum plight {
#define X(id, text, least) PLIGHT_##id,
	PLIGHTS(X)
#undef X
		PLIGHTS_N
};
extern const char *const PLIGHT_NAMES[PLIGHTS_N];

struct sim;
struct moving { /* slots that a server moves by itself: moves_jobs.c */
	struct rop_job job;
	int source, target, source_deaths, target_deaths;
	bool fails;
};

struct world {
	struct sim *sim;
	ROP_LIST(struct moving) moving;
	struct rop_arena *arena;
	struct rop_observed *truth;
	struct server *servers;           /* [node] */
	int64_t shards_ms;                /* how slowly shard ids are told; 0: servers without them */
	uint64_t *met, *untold;           /* [viewer][subject] as far as that goes: shards.c */
	int *heard;                       /* [viewer][subject] index into the subject's claims; -1: nothing yet */
	int32_t slot_since_ms[ROP_SLOTS]; /* when a slot last came to be owned */
	bool unsettled;                   /* gossip has something left to do */
	int64_t now_ms;                   /* never jumps, never starts anew: the clock of the world */
	int64_t tau_ms;                   /* how slowly news spreads */
	int64_t boot_base_ms, wall_base_ms;
	int boots;
	ROP_LIST(struct event) events;
	uint64_t next_event;
	bool elections;         /* servers fail over by themselves; not where rop_settle is held against the physics */
	struct rop_slots moved; /* that came to their owner by SETSLOT NODE, not by a fail-over */
	bool contested;         /* two nodes claimed one slot at some time: views are worked out in full */
	bool aof;               /* a process that ends keeps its data */
	int64_t *banned_ms;     /* [viewer][subject] whom it does not let in again by gossip until then */
	uint64_t *forgot;       /* [viewer][subject] whom it was told to forget, and has not listed since */
	bool remeets;           /* who lists another one introduces itself again (Valkey) */
	struct write writes[WRITES_MAX];
	size_t n_writes;
	int64_t unmarked_ms; /* when a fail flag was last taken off a node that is up */
	int64_t joined_ms;   /* when a person joined two clusters last */
	struct line *lines;  /* [viewer][subject]; NULL: all look where the others are, and hear them */
	uint64_t *deaf;      /* [node][node] both ways, until deaf_until_ms */
	int64_t deaf_until_ms;
	int *says;               /* [node] the place it announces */
	bool *old_name;          /* [node] it calls itself what it was called before, until it is met */
	int clone;               /* whose identity a second server has; -1: nobody's */
	int64_t swapped_ms;      /* when two nodes changed their places; before that, indexes meant others */
	bool identities_lost;    /* all of them came back as others at one time */
	int64_t writes_until_ms; /* clients try until then */
	ROP_LIST(struct history) histories;
	ROP_LIST(struct ghost) ghosts;
	ROP_LIST(const char *) former; /* ids that no node has any more */
};

#define AT(w, i, j) ((size_t)(i) * (w)->truth->n + (size_t)(j))
void world_news(struct world *w, size_t node); /* its claim has changed; the others learn of it by gossip */
void world_at(struct world *w, int64_t at_ms, struct event event);
void world_advance(struct world *w, int64_t to_ms); /* on the world's clock */
struct rop_clock world_clock(const struct world *w);
void world_down(struct world *w, size_t node, int64_t how); /* DOWN_... */
void world_up(struct world *w, size_t node);
void world_wake(struct world *w, int64_t at_ms); /* physics has something to do then */
const struct claim *world_claim(const struct world *w, size_t node);
/* A number that depends on the seed, the moment and the place only, not on what was drawn before. */
uint64_t world_luck(const struct world *w, uint64_t what, size_t a, size_t b);

/* gossip.c */
void gossip_step(struct world *w, int64_t passed_ms);
void gossip_count_others(struct world *w);
int64_t gossip_setting(const struct world *w, size_t node, const char *name, int64_t otherwise);
/* The slots of `subject` in the eyes of one that heard so much: a slot has one owner there, the one with the greatest
 * epoch. heard: [node] index into claims; known: row of bits. */
struct rop_slots gossip_slots_of(const struct world *w, const int *heard, const uint64_t *known, size_t subject);
bool gossip_may_follow(const struct world *w, size_t node);       /* cluster-allow-replica-migration */
void gossip_follow(struct world *w, size_t node, size_t primary); /* by itself, without a command */

/* leave.c */
void leave_begin_world(struct world *w);
bool leave_may_dial(const struct world *w, size_t viewer, size_t subject); /* its packets come in: does it list it? */
bool leave_may_hear(struct world *w, size_t viewer, size_t subject);       /* by gossip */
void leave_known(struct world *w, size_t viewer, size_t subject);          /* it lists it now */
void leave_started(struct world *w, size_t node);
void leave_renewed(struct world *w, size_t node, struct ghost *ghost);
bool leave_finds_new(struct world *w, const struct ghost *ghost, size_t viewer);
void leave_forget(struct world *w, struct delivery *d);
int64_t leave_race_ms(struct world *w, const struct rop_expect *forget, size_t node); /* 0: it arrives as others do */
/* leave_broken.c: every replica that answers seems to be in sync with whom it follows. */
void leave_pretend_in_sync(struct rop_observed *seen);
void leave_emptied(struct world *w, struct delivery *d);
void leave_reset(struct world *w, struct delivery *d);
void leave_take_over(struct world *w, struct delivery *d);
void leave_fail_over(struct world *w, struct delivery *d);
void leave_handed_over(struct world *w, const struct event *event);

/* shards.c */
void shards_news(struct world *w, size_t node);
bool shards_spread(struct world *w, int64_t passed_ms);
void shards_greeted(struct world *w, size_t node, size_t peer);
void shards_show(const struct world *w, struct rop_observed *seen, size_t viewer);
void shards_begin(struct world *w);
int shards_apart(const struct world *w); /* how many replicas, in all views of those that are up */

/* bus.c */
void bus_begin(struct world *w); /* from now on it matters where nodes look for each other */
static inline struct line *bus_line(const struct world *w, size_t viewer, size_t subject)
{
	return &w->lines[AT(w, viewer, subject)];
}
bool bus_hears(const struct world *w, size_t i, size_t j); /* a link of i to j would stand */
bool bus_is_deaf(const struct world *w, size_t i, size_t j);
bool bus_can_meet(const struct world *w, size_t i, size_t whom); /* a handshake with what it announces ends well */
bool bus_has_heard_of(const struct world *w, size_t i, size_t j, size_t whom); /* i of whom, by j, the right thing */
bool bus_step(struct world *w, int64_t passed_ms);                             /* true: it goes on by itself */
void bus_met(struct world *w, size_t node, size_t peer); /* a MEET of the one to the other has been answered */
void bus_started(struct world *w, size_t node);
void bus_is_new(struct world *w, size_t node);            /* nobody has heard of it, and it of nobody */
bool bus_is_missed(const struct world *w, size_t node);   /* up, and somebody looks for it in vain */
bool bus_is_in_touch(const struct world *w, size_t node); /* hears most owners, and they it */
bool bus_is_there(const struct world *w, size_t node);    /* for its peers: it, or a clone of it */
int bus_own_place(const struct world *w, size_t node);    /* what it calls itself */
const char *bus_place_text(const struct world *w, struct rop_arena *arena, int place);
void bus_stop_clone(struct world *w);

/* plights.c */
void plights_schedule(struct sim *s);
void plights_happen(struct world *w, const struct event *event);
bool plights_last(const struct sim *s); /* what keeps a cluster from being as declared, and is nobody's fault here */

/* data.c */
void data_begin(struct world *w, size_t node); /* an empty data set of its own */
void data_fill(struct world *w, size_t node, const struct rop_slots *slots, size_t n); /* written long ago */
void data_try(struct world *w);                                                        /* a client's write, now */
void data_flow(struct world *w); /* what has reached the replicas by now */
bool data_can_continue(const struct world *w, size_t replica, size_t primary);
bool data_same_root(const struct world *w, size_t a, size_t b);
void data_throw_away(struct world *w, size_t node); /* to take over another data set */
void data_follow_clone(struct world *w, size_t node);
void data_take_over(struct world *w, size_t replica, size_t primary);
void data_promote(struct world *w, size_t node, size_t from);
void data_died(struct world *w, size_t node);
void data_returned(struct world *w, size_t node);
void data_drop_slots(struct world *w, size_t node, const struct rop_slots *slots);
void data_pointed(struct world *w, size_t node, enum told by); /* at another primary, by a command */
void data_joined(struct world *w, size_t a, size_t b);         /* two clusters become one, by a person */
void data_show(struct world *w, size_t node);                  /* in the truth: keys, histories, offset */
struct rop_slots data_slots(const struct world *w, size_t node);
static inline bool writes_has(const struct writes *set, size_t k)
{
	return set->bits[k / 64] >> (k % 64) & 1;
}

int64_t data_keys_in_slot(const struct world *w, size_t node, int slot);
void data_disowned(struct world *w, size_t node, int slot);
void data_copy_key(struct world *w, size_t k, size_t to); /* by MIGRATE; shown by data_show */
void data_catch_up(struct world *w, size_t node, size_t primary);
void data_drop_key(struct world *w, size_t k, size_t from);

/* moves.c */
void moves_set_slots(struct world *w, struct delivery *d); /* CLUSTER SETSLOT, slot by slot */
void moves_hand_over(struct world *w, size_t source, size_t target,
		     const struct rop_slots *slots); /* with their keys */
bool moves_jobs_are_known(const struct sim *s);      /* the servers of this seed move slots by themselves */
void moves_begin_job(struct world *w, struct delivery *d);
void moves_end_job(struct world *w, const struct event *event);
void moves_jobs_break(struct world *w, size_t node); /* it goes down */
void moves_jobs_lost(struct world *w, size_t node);
#define CARRY_BATCH 3                          /* keys that travel until a replica must have them */
void faults_death(struct sim *s, size_t node); /* faults.c */

/* takeover_story.c */
void takeover_ask(struct sim *s); /* if it is time */
bool takeover_plight(struct world *w, struct chance *c);
void judge_takeover_step(struct sim *s, const struct rop_expect *e, bool majority); /* most owners answered */

/* witness.c */
bool witness_has(struct world *w, const struct delivery *d, size_t primary, bool all);
void witness_judge(struct world *w, size_t node, size_t from);  /* node takes over from it, which is dead */
void moves_carry(struct world *w, struct delivery *d);          /* GETKEYSINSLOT and MIGRATE, for a while */
int moves_asked(const struct world *w, size_t owner, int slot); /* who takes a new key of it; -1: nobody */
struct rop_slots moves_view(const struct world *w, size_t viewer, size_t subject); /* gossip_slots_of, and frozen */
void moves_seen_by(const struct frozen *frozen, size_t n, size_t subject, struct rop_slots *slots);
void moves_heard_replica(struct world *w, size_t viewer, size_t subject);
void moves_inherit_nothing(struct world *w, size_t node); /* a replica of it takes over */
void moves_close_all(struct world *w, size_t node);
void moves_forget(struct world *w, const char *id, bool told);
void moves_forget_at(struct world *w, size_t node, const char *id);
void moves_returned(struct world *w, size_t node); /* its process was started anew */

/* election.c */
void election_step(struct world *w);
bool election_take_over(struct world *w, size_t node);
bool election_take_over_unvoted(struct world *w, size_t node); /* by its own word */
bool election_hand_over(struct world *w, size_t node, size_t primary);
int64_t election_again_ms(const struct world *w, size_t node);
int64_t election_timeout_ms(const struct world *w, size_t node);
/* cluster-node-timeout */                                                      /* who failed now stands again then */
bool election_holds_fail(const struct world *w, size_t viewer, size_t subject); /* up again, but still marked */

/* ghost.c */
void ghost_show(const struct ghost *ghost, struct rop_observed *seen, size_t viewer, const char *slots);
bool ghost_is_listed(const struct ghost *ghost, size_t viewer);
void ghost_make(struct world *w, size_t node); /* it lost its nodes.conf */
void ghost_renew(struct world *w, size_t node, bool reset);
void ghost_spread(struct world *w);
void ghost_forget(struct world *w, const char *id, bool told); /* on every node */

/* server.c: executes it on the truth, or refuses like a real server would. */
void server_execute(struct world *w, struct delivery *d);

struct reply { /* what one node answered, at its moment */
	size_t node;
	int64_t at_ms;
	bool answers;
	const char *why;
	enum rop_reach reach;
	struct rop_node own;
	const char *settings[SETTINGS_MAX];
	uint64_t *known, *linked, *failing, *online;
	struct line *lines; /* NULL: as the world's */
	int *heard;
	const struct frozen *frozen;
	size_t n_frozen;
};
/* What it shows of another; the claim itself, or where somebody has won of its slots, what is left of it, in room. */
const struct claim *look_heard_by(const struct world *w, const struct reply *r, size_t subject, struct claim *room);
int64_t look_shown_epoch(const struct world *w, const struct claim *claim);
const char *look_expected_id(const struct rop_image *image, const char *address);

/* views.c: what they say of each other, as the model reads it from CLUSTER NODES (src/model/compare.c) */
void views_show(const struct world *w, struct rop_observed *seen, const struct reply *replies,
		const struct rop_image *image);

/* look.c: asks all nodes of the topology and waits for their answers. ret_at[node]: when each answered; -1: it did not.
 * In the world's order, with those that are not asked as silent ones. */
struct rop_observed *look(struct world *w, const struct rop_image *image, const struct rop_topology *topology,
			  bool trouble, int64_t *ret_at);
/* In the order of the topology, and nobody else. */
struct rop_observed *look_narrow(const struct world *w, struct rop_observed *all, const struct rop_topology *topology);
/* At once, nothing hidden but who is down. */
struct rop_observed *look_at_truth(struct world *w, const struct rop_topology *topology);

/* ---- one seed ---------------------------------------------------------------------------------------------- */

/* X(enum, name, what the operator does wrong, part of the sentence that it must be caught with; "": any will do) */
/* clang-format off */
#define SABOTAGES(X) \
	X(RESEND, "resend", "sends a batch again when a reply did not come", "") \
	X(FORGET_RESTORE, "forget-restore", "loses the temporary settings when it is restarted", "") \
	X(SEND_FIRST, "send-first", "sends before it commits", "") \
	X(IGNORE_REFUSAL, "ignore-refusal", "does not see foreign peers and keys", "") \
	X(OWNED_SLOTS, "owned-slots", "does not see the slots of one node", "") \
	X(FORGET_PENDING, "forget-pending", "loses the pending expectations when it is restarted", "") \
	X(IGNORE_PAUSE, "ignore-pause", "does not read the pause before it sends", "") \
	X(ATTACH_SILENT, "attach-silent", "takes a silent primary without replicas for one that serves", "is gone") \
	X(MOVE_LAST_COPY, "move-last-copy", "takes a silent primary with replicas for one that serves", "is gone") \
	X(NO_HISTORY, "no-history", "remembers no copies and counts no keys", "without consent") \
	X(UNKNOWN_EMPTY, "unknown-empty", "takes a node that does not tell its keys for empty", \
	  "did not say how many") \
	X(EARLY_RESTORE, "early-restore", "lets a moved replica stand for election before it is in sync", "is gone") \
	X(NO_AGE, "no-age", "sends on a look that has grown old", "on a look that is") \
	X(CALL_MET, "call-met", "writes that what was refused or expired is met", "nobody has seen it") \
	X(KEEP_REFUSED, "keep-refused", "leaves rows pending that were refused", "the next entry does not end it") \
	X(IGNORE_VIEW, "ignore-view", "takes silent owners for ones that answer", "too few owners answered") \
	X(LEAVE_LOWERED, "leave-lowered", "puts nothing back when it is stopped", "is left lowered") \
	X(IGNORE_SHARDS, "ignore-shards", "does not ask whether every node knows every shard", "of another shard") \
	X(DANCE, "dance", "takes each move for news, and each visit for the first", "goes round and round") \
	X(OWNED_IS_SERVED, "owned-is-served", "says of owned slots that they are covered", "SlotsCovered is said") \
	X(SILENT_IS_THERE, "silent-is-there", "takes silent nodes for ones that answer", "no living node serves") \
	X(NO_CLONE, "no-clone", "does not see that peers are connected to a second server", "second server") \
	X(MEET_AGAIN, "meet-again", "goes on looking for members that have been found", "have found each other") \
	X(NO_MEMBERS, "no-members", "does not remember who was where", "for a stranger") \
	X(LINKS_ARE_UP, "links-are-up", "takes a replica's link that is down for one that is up", \
	  "without a link to its primary") \
	X(ALL_HEAR, "all-hear", "takes links between nodes that are down for ones that stand", \
	  "do not hear each other") \
	X(TAKE_UNCOUNTED, "take-uncounted", "hands slots over whose keys have not all left", "keys of it") \
	X(CALL_EMPTY, "call-empty", "takes slots whose keys nobody counted for empty", "did not say that") \
	X(SOURCE_FIRST, "source-first", "tells the source before the target", "lets them in") \
	X(FLAGS_FORGOTTEN, "flags-forgotten", "does not look again whether slots are open", "open on both sides") \
	X(YIELD_EARLY, "yield-early", "tells the source before the target owns the slots", "which does not own it") \
	X(UNDO_CARRIED, "undo-carried", "takes back what was begun without counting what was carried", "were carried") \
	X(NO_WEIGHTS, "no-weights", "takes all weights for 1", "where its share is") \
	X(JOBS_UNSEEN, "jobs-unseen", "does not see that a server moves slots already", "are on their way already") \
	X(STALE_CLAIMS, "stale-claims", "has a node take slots over that still claims others", "wins them back") \
	X(RESET_EARLY, "reset-early", "resets who leaves before others have what it has", "is to be reset") \
	X(FORGET_FIRST, "forget-first", "has who leaves forgotten before it is reset", "answers and lists") \
	X(FORGET_OWNER, "forget-owner", "has an owner of slots forgotten", "is to be forgotten, and owns") \
	X(GHOST_OWNS, "ghost-owns", "gives up an id that owns slots", "a foreign peer was seen") \
	X(HAND_OVER_STALE, "hand-over-stale", "hands a shard over to a replica that is not in sync", \
	  "is not in sync with it") \
	X(NO_DRAINS, "no-drains", "does not know of hosts that are drained", "host is drained, gets") \
	X(NO_BUDGET, "no-budget", "does not know how many copies a shard keeps", "and is to keep") \
	X(NO_PLACEMENT, "no-placement", "does not know that the placement is to be mended", "could lead one of them") \
	X(UNWITNESSED, "unwitnessed", "asks no replica before keys travel and slots are handed over", "which alone had")

enum sabotage {
	SABOTAGE_NONE,
#define X(id, name, doc, proof) SABOTAGE_##id,
	SABOTAGES(X)
#undef X
	SABOTAGES_N
};
/* clang-format on */

enum kill {
	KILL_NEVER,
	KILL_BEFORE_COMMIT,
	KILL_AFTER_COMMIT,
	KILL_MID_SEND,
	KILL_AFTER_SEND,
	KILL_AFTER_REPLY,
	KILL_ASLEEP,
	FAIL_COMMIT,
	FAIL_COMMIT_WRITTEN,
	KILLS_N
};
extern const char *const KILL_NAMES[KILLS_N];

struct row { /* the judge's own copy of an expectation in the database */
	int64_t id;
	struct rop_expect expect;
	bool pending, refused; /* refused: an error was the answer, or it was not sent for a pause */
	bool seen;             /* its effect was, in a look */
	int refused_pid;       /* who was told so */
	int sent, boots;
};

struct known_member {
	char id[ROP_ID_SIZE];
	const char *address;
};

#define DANCES_MOST 64

struct dance { /* of one machine's instance */
	char subject[80];
	int entered[ROP_STATES_MAX]; /* [state] so often */
};

struct judge {
	ROP_LIST(struct row) rows;
	struct rop_observed *seen; /* the last look, as it was answered; NULL before */
	struct rop_arena *seen_arena;
	int64_t *seen_at;               /* [node] */
	int64_t looked_ms, answered_ms; /* when that look began and ended */
	bool *met_others;               /* [node] was seen knowing others */
	int64_t *true_keys;             /* [node] when it answered */
	bool gave_slots;                /* that nobody owned: not by moving them */
	int may_grow;                   /* by so much, still */
	int left_to_move;               /* slots, at the last look that knew; 0: none */
	int handed;                     /* slots that were told to be handed over, of all */
	int fewest;                     /* that have to be, as it begins */
	ROP_LIST(struct known_member)
	members; /* as the database had them when this run began; where there are ghosts */
	int64_t clone_since_ms, clone_seen_ms; /* in this run, peers connected to a second server; NEVER: not lately */
	struct dance dances[DANCES_MOST]; /* in the journal of this run, since something else than moves was written */
	size_t n_dances;
};

/* ---- the judge of data (judge_data.c) ---------------------------------------------------------------------- */

enum gone { GONE_DIED, GONE_DISK, GONE_THROWN_AWAY, GONE_YIELDED, GONE_STRANDED };
enum cause { CAUSE_TAIL, CAUSE_UNSAVED, CAUSE_DISK, CAUSE_PERSON, CAUSE_CLONE, CAUSES_N };
extern const char *const CAUSE_NAMES[CAUSES_N];

struct loss {
	int write, node;
	enum gone how;
	int64_t at_ms;
};
struct touch {
	size_t number;
	struct writes writes;
}; /* a command of the operator about nodes that hold these */
enum lived {
	LIVED_FAILOVER,
	LIVED_DISK_LOST,
	LIVED_CONF_LOST,
	LIVED_SILENT_MOVE,
	LIVED_POINTED_PROMOTED,
	LIVED_STALE,
	LIVED_EMPTY_RETURN,
	LIVED_FORGET,
	LIVED_GHOST_GONE,
	LIVED_CONSENT,
	LIVED_REJOINED,
	LIVED_EMPTIED,
	LIVED_GIVEN_UP,
	LIVED_EDIT,
	LIVED_EDIT_SHARDS,
	LIVED_WEIGHED,
	LIVED_EDIT_WEIGHTS,
	LIVED_OPENED,
	LIVED_TAKEN,
	LIVED_CARRIED,
	LIVED_BATCH_LOST,
	LIVED_ASKED,
	LIVED_BOTH_SIDES,
	LIVED_BY_SERVER,
	LIVED_WENT_BACK,
	LIVED_TWIN,
	LIVED_LINES_GONE,
	LIVED_LINE_BACK,
	LIVED_RESET,
	LIVED_FORGOTTEN,
	LIVED_FORGET_RACES,
	LIVED_HANDED,
	LIVED_DRAINED,
	LIVED_DRAIN_HANDED,
	LIVED_DRAIN_STOPPED,
	LIVED_KEPT,
	LIVED_PLACED,
	LIVED_PROPOSED,
	LIVED_WISHED,
	LIVED_WISH_MET,
	LIVED_WISH_NOT_MET,
	LIVED_WISH_FAILED,
	LIVED_UNVOTED,
	LIVED_LISTED_AGAIN,
	LIVED_NEW_LISTED,
	LIVED_STRUCK,
	LIVED_EDITS,
	LIVED_TAKEN_OVER,
	LIVED_AFRESH,
	LIVED_PLIGHTS, /* and so on: one for each plight */
	LIVED_N = LIVED_PLIGHTS + PLIGHTS_N
};
extern const struct lived_row {
	const char *text;
	size_t least;
} LIVED[LIVED_N]; /* least: seeds of a thousand */

struct stats {
	size_t starts[STARTS_N], kills[KILLS_N], runs, passes, commands, lost, late, refused, person, deaths, reboots,
		databases_lost;
	size_t converged, reasons, left_behind;
	size_t writes, written, causes[CAUSES_N], lived[LIVED_N];
};

struct leave_edit { /* of the file */
	int shards, replicas;
	size_t nodes; /* the first ones; the others are to leave */
};

struct sim {
	uint64_t seed;
	/* fate: faults, and a person's acts */
	struct chance chance, fate, clients, plights, weights, wishes, drains, takeovers;
	enum sabotage sabotage;
	bool traced;
	struct rop_arena *arena;
	const struct rop_machine *machine;
	struct rop_topology *topology;
	struct world *world;
	struct rop_store *store;
	struct judge judge;
	struct stats *stats;
	enum start start;
	bool calm;             /* a seed without any fault */
	bool blocked;          /* the machine was in Blocked */
	int flickers;          /* the link of this one flickers while there are faults; -1: none does */
	int64_t left_before;   /* moves_left, when the last run began */
	int64_t faults_end_ms; /* nothing new goes wrong from here on */
	int64_t trouble;       /* permille of commands and answers that go wrong until then */
	int version;           /* of all servers; mixed: every other one is a newer one */
	bool mixed;
	enum plight plight;
	bool unknown_setting; /* the file declares a setting that the servers do not have */
	bool person_replicated, person_assigned;
	uint64_t *once_astray;                 /* of one sabotage: [viewer][subject] */
	int64_t wish_ms;                       /* when a person wants another node to lead a shard; NEVER */
	int n_wishes;                          /* that are still to come */
	int64_t drain_ms, stop_ms, undrain_ms; /* when a person drains a host, stops it, ends that; NEVER */
	const char *drained_host;              /* NULL: none is */
	bool placement_rests;                  /* at the end, though it could be better: for a while */
	int handed_unasked;                    /* for the placement, since nothing goes wrong any more */
	int64_t edit_ms;                       /* when a person swaps two pins in the topology file; NEVER */
	int64_t takeover_ms;                   /* when a person has a replica take over without a vote; NEVER */
	const struct rop_wish *takeover;       /* that the next run is for; NULL */
	int edit_nodes[2];
	int owners;                  /* that the cluster begins with, where slots are to be moved */
	int edit_shards;             /* how many a person declares then; 0: as many as before */
	const int *edit_weights;     /* which weights; NULL: the same */
	bool drop_weights;           /* none any more */
	bool weights_dropped;        /* that was done */
	bool only_weights;           /* as many shards are declared as own slots */
	struct leave_edit leave[6];  /* still to be made, the last one first */
	size_t n_leave, leave_nodes; /* leave_nodes: declared at first */
	int edits;                   /* that were made of these */
	int hot_first, hot_n;        /* slots that clients write to most; n 0: none */
	struct rop_slots once_open;  /* a sabotage's */
	const char *consent;         /* to a loss, of a person, for the next run: its digest; NULL */
	bool database_lost;
	bool unforeseen;    /* ... so that no plan can tell what becomes of them */
	bool person_opened; /* a person opened slots, and left them so */
	int runs, pid;
	size_t sent; /* commands of the operator so far */
	bool failed;
	char failure[320]; /* the sentence it failed with, cut */

	ROP_LIST(struct loss) losses;
	ROP_LIST(struct touch) touches;
	bool lived[LIVED_N];
	bool twin, muted; /* twin: the operator falls silent before the command mute_from */
	size_t mute_from;
	size_t asked;      /* the write that the twin is asked for */
	bool asked_served; /* by its slot's owner: as the loss was measured; else on any node */
	bool answer_acked, answer_kept;
};

bool sim_trouble(const struct sim *s); /* may something go wrong now? */
bool sim_run(struct sim *s);           /* the whole seed; false: failed */
void sim_lived(struct sim *s, enum lived what);
void sim_fail(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void trace(struct sim *s, const char *who, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void trace_begin(struct sim *s);

/* start.c */
void start_make(struct sim *s);
void start_remember(struct sim *s, enum rop_truth moving); /* that it was formed, and slots were being moved */
void start_give_slots(struct world *w, size_t node, size_t k, size_t n); /* the k-th of n even shares */
void start_give_epoch(struct world *w, size_t node, int64_t epoch);
void start_follow(struct world *w, size_t replica, size_t primary);
void start_acquaint(struct world *w, const size_t *order, size_t n, int64_t epoch); /* all know all, in agreement */
bool start_is_living(enum start start); /* with data, and its faults go on for longer */

/* moves_broken.c */
void moves_hide(struct sim *s, const struct rop_situation *last, struct rop_observed *seen);

/* weights.c */
void weights_shape(struct sim *s);
void weights_label(struct sim *s, const size_t *order);    /* as moves_begin has it */
bool weights_edit(struct sim *s);                          /* false: it is no edit of weights */
bool weights_off(int owned, int share);                    /* beyond what is let be */
void weights_shares(const struct sim *s, int *ret_shares); /* [node] of those that own slots; else 0 */

/* moves_story.c */
bool moves_is_start(enum start start);
void moves_shape(struct sim *s);
int moves_nodes(const struct sim *s);
void moves_begin(struct sim *s, const size_t *order);
void moves_schedule(struct sim *s);
void moves_person(struct world *w, int64_t draw); /* begins a reshard and does not end it */
bool moves_edit(struct sim *s);                   /* false: it is no edit of shards */

/* leave_story.c */
void leave_shape(struct sim *s);
void leave_begin(struct sim *s); /* its operator has known the cluster for long */
void leave_schedule(struct sim *s);
bool leave_edit(struct sim *s);            /* false: there is none */
size_t leave_staying(const struct sim *s); /* the first so many nodes of the world are declared */
const char *leave_as(const struct world *w, const struct rop_topology *topology, size_t node);
void leave_hide(struct sim *s, struct rop_observed *seen); /* of an operator that is broken on purpose */
int leave_node_of(const struct world *w, const struct rop_topology *topology, size_t k);

/* handover_story.c */
void wish_schedule(struct sim *s);
void wish_ask(struct sim *s);                             /* if it is time */
void wish_hide(struct sim *s, struct rop_observed *seen); /* of an operator that is broken on purpose */
/* leaver: its primary is one that leaves, which nobody need ask for */
void judge_handover_step(struct sim *s, const struct rop_expect *e, bool leaver);
void judge_handover_entry(struct sim *s, const struct rop_entry *entry);
void judge_handover_end(struct sim *s); /* it is converged */

/* drain_story.c */
void drain_schedule(struct sim *s);
void drain_go_on(struct sim *s);                           /* what is due of it, between two runs */
bool drain_is_kept(const struct sim *s, const char *text); /* a run ended so, for the budget, and that is true */
bool drain_follow_advice(struct sim *s, const char *text); /* false: there is none */
void drain_end(struct sim *s);                             /* no host is drained any more */
void judge_drain_entry(struct sim *s, const struct rop_entry *entry);

/* placement_story.c */
void placement_declare(struct sim *s);
void judge_placement_entry(struct sim *s, const struct rop_entry *entry);
void judge_placement_end(struct sim *s, bool worse); /* it is converged; more are led from one host than afresh */

/* faults.c */
void faults_schedule(struct sim *s);
void faults_person(struct world *w, const struct event *event); /* one act of a person, now */
void faults_pause(struct sim *s);                               /* a person pauses the cluster, now */
void faults_edit(struct sim *s);                                /* the topology file, if it is time */
bool faults_follow_advice(struct sim *s, const char *reason, const char *text);
void faults_lose_database(struct sim *s);
struct run_plan {
	enum kill kill;
	int nth;
	bool keep, step;
	int64_t timeout_ms, stop_ms;
};
struct run_plan faults_run_plan(struct sim *s);

/* operator.c */
enum ended { ENDED_DONE, ENDED_KILLED, ENDED_JOURNAL };
struct run_end {
	enum ended how;
	struct rop_result result;
	const char *text;   /* in the seed's arena */
	const char *reason; /* of the first finding; "" */
	size_t sent;        /* commands on the wire */
	bool step;          /* one batch was asked for */
};
struct run_end operator_run(struct sim *s, struct run_plan plan);
bool operator_open_store(struct sim *s);

/* judge.c: what must never happen. Each call fails the seed with a sentence. */
void judge_looked(struct sim *s, const struct rop_observed *seen, const int64_t *at, int64_t began_ms);
void judge_entry(struct sim *s, const struct rop_entry *entry);         /* before it is committed */
void judge_committed(struct sim *s, const struct rop_entry *entry);     /* ids are filled in */
void judge_send(struct sim *s, const struct rop_step *steps, size_t n); /* before anything of it is on the wire */
void judge_sent(struct sim *s, const struct rop_step *step);            /* this one goes on the wire */
void judge_refused(struct sim *s, const struct rop_step *step);         /* its reply was an error, or it was dropped */
void judge_forget_rows(struct sim *s);                                  /* the database was lost */
void judge_run_ended(struct sim *s, const struct run_end *end);

/* judge_bus.c */
void judge_bus_looked(struct sim *s);
void judge_bus_send(struct sim *s, const struct rop_step *step);
void judge_bus_entry(struct sim *s, const struct rop_entry *entry);
void judge_bus_run_begins(struct sim *s);
void judge_bus_run_ended(struct sim *s, const struct run_end *end);

/* judge_data.c */
void judge_data_gone(struct world *w, size_t node, const struct writes *gone, enum gone how);
void judge_data_step(struct sim *s, const struct rop_step *step); /* the operator's, about to go on the wire */
void judge_data_stranded(struct sim *s);                          /* it is converged: is everything served? */
void judge_data_end(struct sim *s);

/* judge_moves.c */
void judge_moves_step(struct sim *s, const struct rop_step *step);
void judge_moves_left(struct sim *s, const struct rop_situation *now);
void judge_moves_forget(struct sim *s); /* the file or the database is another one */
void judge_moves_said(struct sim *s, const struct rop_entry *entry);
bool judge_moves_shares_known(const struct sim *s); /* what each shard's share of the slots has to be */
void judge_moves_end(struct sim *s);                /* it is converged */
int moves_open(const struct world *w);
bool moves_undecidable(const struct world *w);
int64_t moves_left(const struct sim *s);

/* judge_leave.c */
void judge_leave_step(struct sim *s, const struct rop_step *step);
bool judge_leave_is_ghost(struct sim *s, const char *id);             /* and costs nothing to be forgotten */
bool judge_leave_word(const struct rop_step *step, const char *word); /* may be sent with such a step */
/* One that leaves and is down, and what it had may have been given up in this run. */
bool judge_leave_given_up(const struct sim *s, size_t node);
bool judge_leave_knowable(const struct sim *s, size_t node); /* asked, or somebody who is asked lists it */
bool judge_leave_listed(const struct sim *s, size_t node);   /* by one that stays */
void judge_leave_end(struct sim *s);                         /* it is converged */
void judge_leave_watch(struct sim *s); /* ... and runs on as a daemon, until they are struck off */
bool judge_leave_takes_over(const struct sim *s, const struct rop_expect *e); /* of whom nobody is any more */
bool judge_leave_held(const struct sim *s);

/* verdict.c */
bool verdict_waited(const struct sim *s, const struct run_end *end, int64_t took_ms,
		    const struct run_plan *plan);               /* any */
bool verdict_is_true(struct sim *s, const struct run_end *end); /* a run that began after the last fault */
bool verdict_marked(const struct sim *s); /* a node that is up was called failing until just now */
void verdict_settings(struct sim *s);
bool verdict_waits(const struct sim *s,
		   const struct rop_temporary *temporary); /* for the condition of its going back */
bool verdict_converged(struct sim *s);
bool verdict_even(const struct sim *s); /* slots that the operator gave out itself */

/* promise.c: the plan of this moment, and whether it was what was done. For seeds in which nothing goes wrong. */
struct rop_plan *promise_make(struct sim *s);
void promise_judge(struct sim *s, const struct rop_plan *plan);

/* fresh.c */
void fresh_judge(struct sim *s); /* it is converged: as what is declared last would be, formed afresh */

/* honest.c */
bool honest(struct rop_arena *arena, uint64_t seeds, size_t *ret_checked);

#endif
