/* sim.h - a simulated world for the unchanged reconciler: one virtual cluster, one virtual clock, one seed.
 *
 *   start.c     what is declared, and how the cluster begins       world.c     the truth, its events, its clock
 *   gossip.c    what follows without a command, spread over time   server.c    a server's answer to one command
 *   look.c      what the operator gets to see                      faults.c    what goes wrong, and a person's acts
 *   operator.c  the driver of rop_reconcile                        judge.c     what must never happen
 *   verdict.c   how it may end                                     honest.c    gossip.c ends where rop_settle does
 *
 * The truth is a struct rop_observed, as for a plan; commands change it by rop_step_effect. Beside it the world keeps
 * what such a model leaves out: who is up, which version of a node's claim each other node has heard, what is on its
 * way. Not modelled, as rop_settle does not: fail-overs, and collisions of equal config epochs.
 *
 * Everything is drawn from the seed's own generator; nothing reads a clock. Memory of a seed is in one arena.
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

struct chance { uint64_t state; };
uint64_t chance_next(struct chance *c);
int64_t chance_between(struct chance *c, int64_t least, int64_t most); /* inclusive */
size_t chance_below(struct chance *c, size_t n);
bool chance_permille(struct chance *c, int64_t permille);

/* ---- the truth --------------------------------------------------------------------------------------------- */

#define SETTINGS_MAX 8
#define NEVER INT64_MAX

struct claim { /* what a node said of itself at some time; its epoch is its own (a replica shows its primary's) */
	enum rop_role role;
	int primary;
	int64_t epoch;
	bool owns;                  /* slots is not empty */
	struct rop_slots slots;
};

struct server { /* beside its struct rop_node in the truth */
	bool up, for_good;          /* for_good: went down and stays down */
	int deaths;
	ROP_LIST(struct claim) claims; /* the last one is current */
	int64_t started_ms, owner_seen_ms; /* since when it sees an owner of slots; NEVER: it sees none */
	int64_t link_ms;            /* when its link to its primary will be up; NEVER: not on its way */
	int64_t loading_until_ms;
	int64_t hung_until_ms;      /* it does nothing until then: commands wait in its socket, and so do later looks */
	int meeting;                /* handshakes under way */
	bool news, covered;         /* covered: it sees an owner for every slot; to be found out again after news */
	bool has_file;              /* a configuration file, for CONFIG REWRITE */
	const char *file[SETTINGS_MAX];     /* what a restart brings back */
	const char *want[SETTINGS_MAX];     /* what must be there at the end: the original, or what a person set */
	const char *keeps[SETTINGS_MAX];    /* and what its file may hold besides what is declared */
	int64_t person_ms[SETTINGS_MAX];    /* when a person last set it; -1: never */
	bool raced[SETTINGS_MAX];           /* a command crossed a person's: either value will do */
	bool orphaned[SETTINGS_MAX];        /* lowered when the database that knew its value was lost */
	bool file_orphaned[SETTINGS_MAX];   /* and so written to its file */
};

enum start { START_FRESH, START_OURS, START_REDIS_CLI, START_HEALTHY, START_JOIN, START_TOTAL_LOSS, START_FOREIGN, START_KEYS,
	     START_RIVALS, STARTS_N };
extern const char *const START_NAMES[STARTS_N];

enum event_kind { EVENT_COMMAND, EVENT_MEET, EVENT_DOWN, EVENT_UP, EVENT_PERSON, EVENT_WALL };

struct delivery { /* one command on its way, and what became of it */
	struct rop_expect expect;   /* owned by the seed's arena */
	int node;
	int64_t decided_ms;         /* when the target's answer was taken that led to it; -1: a person's */
	int deaths;                 /* of its target when it was sent: a connection does not outlive a process */
	bool executed, ok;
	const char *text;
};

struct event {
	int64_t at_ms;
	uint64_t number;            /* order among events of one moment */
	enum event_kind kind;
	int node, peer;
	struct delivery *delivery;
	int64_t amount;
};

struct sim;
struct world {
	struct sim *sim;
	struct rop_arena *arena;
	struct rop_observed *truth;
	struct server *servers;     /* [node] */
	int *heard;                 /* [viewer][subject] index into the subject's claims; -1: nothing yet */
	int32_t slot_since_ms[ROP_SLOTS]; /* when a slot last came to be owned */
	bool unsettled;             /* gossip has something left to do */
	int64_t now_ms;             /* never jumps, never starts anew: the clock of the world */
	int64_t tau_ms;             /* how slowly news spreads */
	int64_t boot_base_ms, wall_base_ms;
	int boots;
	ROP_LIST(struct event) events;
	uint64_t next_event;
};

#define AT(w, i, j) ((size_t)(i) * (w)->truth->n + (size_t)(j))
void world_news(struct world *w, size_t node);      /* its claim has changed; the others learn of it by gossip */
void world_at(struct world *w, int64_t at_ms, struct event event);
void world_advance(struct world *w, int64_t to_ms); /* on the world's clock */
struct rop_clock world_clock(const struct world *w);
void world_down(struct world *w, size_t node);
void world_up(struct world *w, size_t node);
const struct claim *world_claim(const struct world *w, size_t node);

/* gossip.c */
void gossip_step(struct world *w, int64_t passed_ms);
void gossip_count_others(struct world *w);

/* server.c: executes it on the truth, or refuses like a real server would. */
void server_execute(struct world *w, struct delivery *d);

/* look.c: asks all nodes and waits for their answers. ret_at[node]: when each answered; -1: it did not. */
struct rop_observed *look(struct world *w, const struct rop_image *image, bool trouble, int64_t *ret_at);
struct rop_observed *look_at_truth(struct world *w); /* at once, nothing hidden but who is down */

/* ---- one seed ---------------------------------------------------------------------------------------------- */

#define SABOTAGES(X) \
	X(RESEND, "resend", "sends a batch again when a reply did not come") \
	X(FORGET_RESTORE, "forget-restore", "loses the temporary settings when it is restarted") \
	X(SEND_FIRST, "send-first", "sends before it commits") \
	X(IGNORE_REFUSAL, "ignore-refusal", "does not see foreign peers and keys") \
	X(OWNED_SLOTS, "owned-slots", "does not see the slots of one node") \
	X(FORGET_PENDING, "forget-pending", "loses the pending expectations when it is restarted") \
	X(IGNORE_PAUSE, "ignore-pause", "does not read the pause before it sends")
enum sabotage {
	SABOTAGE_NONE,
#define X(id, name, doc) SABOTAGE_##id,
	SABOTAGES(X)
#undef X
	SABOTAGES_N
};

enum kill { KILL_NEVER, KILL_BEFORE_COMMIT, KILL_AFTER_COMMIT, KILL_MID_SEND, KILL_AFTER_SEND, KILL_AFTER_REPLY, KILL_ASLEEP,
	    FAIL_COMMIT, FAIL_COMMIT_WRITTEN, KILLS_N };
extern const char *const KILL_NAMES[KILLS_N];

struct row { /* the judge's own copy of an expectation in the database */
	int64_t id;
	struct rop_expect expect;
	bool pending, refused;      /* refused: an error was the answer, or it was not sent for a pause */
	int sent, boots;
};

struct judge {
	ROP_LIST(struct row) rows;
	struct rop_observed *seen;  /* the last look, as it was answered; NULL before */
	struct rop_arena *seen_arena;
	int64_t *seen_at;           /* [node] */
	int64_t looked_ms;          /* when that look began */
	bool *met_others;           /* [node] was seen knowing others */
};

struct stats {
	size_t starts[STARTS_N], kills[KILLS_N], runs, passes, commands, lost, late, refused, person, deaths, reboots, databases_lost;
	size_t converged, reasons, left_behind;
};

struct sim {
	uint64_t seed;
	struct chance chance;
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
	bool calm;                  /* a seed without any fault */
	bool blocked;               /* the machine was in Blocked */
	int64_t faults_end_ms;      /* nothing new goes wrong from here on */
	int64_t trouble;            /* permille of commands and answers that go wrong until then */
	bool unknown_setting;       /* the file declares a setting that the servers do not have */
	bool person_replicated, person_assigned;
	int runs, pid;
	bool failed;
};

bool sim_trouble(const struct sim *s);              /* may something go wrong now? */
bool sim_run(struct sim *s);                        /* the whole seed; false: failed */
void sim_fail(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void trace(struct sim *s, const char *who, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void trace_begin(struct sim *s);

/* start.c */
void start_make(struct sim *s);

/* faults.c */
void faults_schedule(struct sim *s);
void faults_person(struct world *w);                /* one act of a person, now */
void faults_lose_database(struct sim *s);
struct run_plan { enum kill kill; int nth; bool keep, step; int64_t timeout_ms, stop_ms; };
struct run_plan faults_run_plan(struct sim *s);

/* operator.c */
enum ended { ENDED_DONE, ENDED_KILLED, ENDED_JOURNAL };
struct run_end {
	enum ended how;
	struct rop_result result;
	const char *text;                                  /* in the seed's arena */
	const char *reason;                                /* of the first finding; "" */
	size_t sent;                                       /* commands on the wire */
};
struct run_end operator_run(struct sim *s, struct run_plan plan);
bool operator_open_store(struct sim *s);

/* judge.c: what must never happen. Each call fails the seed with a sentence. */
void judge_looked(struct sim *s, const struct rop_observed *seen, const int64_t *at, int64_t began_ms);
void judge_entry(struct sim *s, const struct rop_entry *entry);      /* before it is committed */
void judge_committed(struct sim *s, const struct rop_entry *entry);  /* ids are filled in */
void judge_send(struct sim *s, const struct rop_step *steps, size_t n); /* before anything of it is on the wire */
void judge_sent(struct sim *s, const struct rop_step *step);        /* this one goes on the wire */
void judge_refused(struct sim *s, const struct rop_step *step);      /* its reply was an error, or it was dropped */
void judge_forget_rows(struct sim *s);                               /* the database was lost */

/* verdict.c */
bool verdict_waited(const struct run_end *end, int64_t took_ms, const struct run_plan *plan); /* any run */
bool verdict_is_true(struct sim *s, const struct run_end *end); /* a run that began after the last fault */
void verdict_settings(struct sim *s);
bool verdict_converged(struct sim *s);

/* promise.c: the plan of this moment, and whether it was what was done. For seeds in which nothing goes wrong. */
struct rop_plan *promise_make(struct sim *s);
void promise_judge(struct sim *s, const struct rop_plan *plan);

/* honest.c */
bool honest(struct rop_arena *arena, uint64_t seeds, size_t *ret_checked);

#endif
