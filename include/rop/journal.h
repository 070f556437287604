/* journal.h - expectations and what one pass writes down: plain data shared by policy, operator and store. */
#ifndef ROP_JOURNAL_H
#define ROP_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "rop/mem.h"
#include "rop/topology.h"

/* X(enum, name in database and JSON, deadline in ms, what it does in a few words) */
/* clang-format off */
#define ROP_STEP_KINDS(X) \
	X(LOWER,   "lower-setting",    2000, "change a setting while the cluster forms") \
	X(RESTORE, "restore-setting",  2000, "put a temporary setting back") \
	X(EPOCH,   "set-epoch",        2000, "give a node a config epoch of its own") \
	X(MEET,    "meet",             1500, "introduce one node to another") \
	X(GREET,   "greet",            1500, "have a node tell another one its shard, by MEET") \
	X(SLOTS,   "add-slots",        2000, "give slots that nobody owns to a primary") \
	X(ROLE,    "replicate",        3000, "make a node the replica of a primary") \
	X(SETTING, "set-setting",      2000, "bring a managed setting to its declared value") \
	X(PERSIST, "persist-settings", 5000, "write the node's settings to its configuration file") \
	X(IMPORT,  "import-slots",     5000, "have a node let clients in for slots that it is to get") \
	X(EXPORT,  "export-slots",     5000, "have a node send clients on for slots that it is to give away") \
	X(CARRY,   "carry-keys",      60000, "move the keys of slots from one node to another") \
	X(MOVE,    "migrate-slots",    5000, "have a node move slots, with their keys, to another one by itself") \
	X(TAKE,    "take-slots",       5000, "make a node the owner of slots whose keys it has got") \
	X(YIELD,   "yield-slots",      5000, "tell a node who owns the slots that it has given away") \
	X(RELEASE, "release-slots",    5000, "end a move of slots that was begun and carried nothing") \
	X(BUMP,    "bump-epoch",       2000, "give a node that went back an epoch past the one its peers hold") \
	X(FAILOVER, "fail-over",      10000, "have a replica take over from its primary, once it has caught up") \
	X(TAKEOVER, "take-over",      10000, "have a replica lead its shard without a vote") \
	X(RESET,   "reset",            5000, "make a node that leaves one that knows nobody") \
	X(EMPTY,   "empty",          10000, "empty a server whose old copy somebody gave up") \
	X(FORGET,  "forget",           2000, "have a node forget another one that left") \
	X(FUNCTIONS, "give-functions", 10000, "give a node the function libraries of another one, before it gets slots")

enum rop_step_kind {
#define X(id, name, deadline, doc) ROP_STEP_##id,
	ROP_STEP_KINDS(X)
#undef X
	ROP_STEP_KINDS_N
};
/* clang-format on */
const char *rop_step_kind_name(enum rop_step_kind kind);
int rop_step_kind_find(const char *name); /* -1: none */
/* What a person is told as a number of steps, before and after. Not GREET, which only hastens what comes by itself, nor
 * CARRY: how often keys have to be sent for shows on the way. */
bool rop_step_is_counted(enum rop_step_kind kind);
int64_t rop_step_kind_deadline_ms(enum rop_step_kind kind);
static inline bool rop_step_moves_slots(enum rop_step_kind kind)
{
	return kind >= ROP_STEP_IMPORT && kind <= ROP_STEP_RELEASE;
}

/* clang-format off */
#define ROP_EXPECT_STATUSES(X) X(PENDING, "pending") X(MET, "met") X(REFUSED, "refused") X(EXPIRED, "expired") \
	X(SUPERSEDED, "superseded")
enum rop_expect_status {
#define X(id, name) ROP_EXPECT_##id,
	ROP_EXPECT_STATUSES(X)
#undef X
	ROP_EXPECT_STATUSES_N
};
/* clang-format on */
const char *rop_expect_status_name(enum rop_expect_status status);
int rop_expect_status_find(const char *name);

/* A step and its expectation: one command to one node, and what must be seen after it.
 * subject, the canonical tuple at the right grain: link:A>B  greet:A>B  epoch:A  bump:A  setting:A/name  role:A
 * slot:FIRST-LAST  config:A  failover:B  takeover:B  reset:A  forget:A>B, where A and B are node ids. Pending slot
 * ranges claim each of their slots. Of slots that move: import:A/SLOTS export:A/SLOTS carry:A/SLOTS take:A/SLOTS
 * yield:A/SLOTS release:A/SLOTS. functions:A  move:A>B */
struct rop_expect {
	int64_t id; /* row in the database; 0: not written yet */
	enum rop_step_kind kind;
	const char *subject;
	char node[ROP_ID_SIZE]; /* the node the command goes to */
	char peer[ROP_ID_SIZE]; /* MEET, GREET: whom; ROLE: the primary; LOWER: rop_temporary.peer; slots that
				 * move: the other side; FAILOVER, TAKEOVER: the primary; RESET, FORGET: the id
				 * that it had as a member, or has; else "" */
	int first, last;        /* SLOTS: the range, inclusive; of slots that move: the lowest and the
				 * highest; else -1 */
	int64_t epoch;          /* EPOCH; BUMP: the one that peers hold; else 0 */
	/* MOVE: `was` is the name of the newest job of this kind that was there before; "": none.
	 * FUNCTIONS: value is the libraries' text (rop/libraries.h) of the peer. */
	/* GREET: name is ROP_GREET_ROLE where the node tells of its role; else it tells of its shard. */
	const char *name, *value, *was; /* settings: name, new value, value before; slots that move: value is their
					 * rop_slots_text; else NULL */
	const char *address;            /* of the node, for people */
	const char *command;            /* as sent, for people; never holds a secret */
	const char *precondition;       /* in words */
	const char *why;                /* the row's */
	int64_t issued_wall_ms;         /* wall clock */
	int64_t issued_boot_ms;         /* CLOCK_BOOTTIME */
	int64_t deadline_boot_ms;
	int attempts;   /* 1 at first */
	bool unwritten; /* SETTING: no CONFIG REWRITE goes with it; it is owed once the value is seen. Not in the
			 * database: of an earlier process it is taken for that */
	/* SETTING, of this process only: it was answered with OK; what the next look showed instead of `value`. */
	bool accepted;
	const char *shown;
	enum rop_expect_status status;
	const char
		*note; /* why refused or expired; MET of a SETTING: ROP_KEPT_AS and the value that is shown; or NULL */
};
#define ROP_KEPT_AS "kept as "
#define ROP_GREET_ROLE "role"

struct rop_transition {
	const char *machine, *digest, *subject; /* "cluster", machine digest, subject instance */
	const char *from, *to, *row, *why;      /* row: "Configure#2" */
};

struct rop_temporary { /* a temporary setting in force, with the value to put back */
	char node[ROP_ID_SIZE];
	const char *address;
	const char *name, *original, *temporary;
	char peer[ROP_ID_SIZE]; /* goes back only when node is in sync with this primary, or follows it no more;
				 * "": at any time. The LOWER step that set it has the same peer */
};

/* clang-format off */
#define ROP_CONDITION_TYPES(X) X(REACHABLE, "Reachable") X(WELL_FORMED, "WellFormed") X(SLOTS_COVERED, "SlotsCovered") \
	X(REPLICAS_READY, "ReplicasReady") X(CONVERGED, "Converged") X(PAUSED, "Paused") X(BLOCKED, "Blocked") \
	X(DRAINED, "Drained") X(PLACED, "Placed")
enum rop_condition_type {
#define X(id, name) ROP_COND_##id,
	ROP_CONDITION_TYPES(X)
#undef X
	ROP_CONDITIONS_N
};
/* clang-format on */
const char *rop_condition_type_name(enum rop_condition_type type);
enum rop_truth { ROP_UNKNOWN, ROP_FALSE, ROP_TRUE };
const char *rop_truth_name(enum rop_truth truth); /* "Unknown" "False" "True" */

struct rop_condition {
	enum rop_truth status;
	const char *reason, *message; /* reason: one CamelCase word; never NULL */
	int64_t since_wall_ms;        /* last change of status; 0: never set */
};

struct rop_elsewhere { /* a node id of another cluster of this database */
	char node[ROP_ID_SIZE];
	const char *cluster;
};

struct rop_member { /* a node id this cluster was seen to consist of */
	char node[ROP_ID_SIZE];
	const char *address; /* as declared, host:port */
	int shard;           /* from 1; 0: unknown */
	const char *ip;      /* where it was reached last; NULL: declared by an address, or unknown */
	/* Of one that is not declared any more: since when no node lists it (boot clock); 0: some do, or nobody looked
	 * yet. */
	int64_t forgotten_boot_ms;
};

/* Who held a shard's data when it was looked at last: what is known of it when nobody shows it any more. */
struct rop_copy_memory {
	char node[ROP_ID_SIZE];
	const char *address;  /* as declared */
	bool led;             /* owned the slots */
	int64_t offset, keys; /* at the time; -1 unknown */
	int64_t seen_wall_ms; /* when it was a copy last */
};
struct rop_shard_memory {
	int number;                              /* the shard's, for good: it does not change because a slot moved */
	const char *slots;                       /* rop_slots_text; never "" */
	ROP_LIST(struct rop_copy_memory) copies; /* the one that led first */
};
const struct rop_copy_memory *rop_shard_led(const struct rop_shard_memory *shard); /* NULL: nobody is known */
bool rop_shard_had(const struct rop_shard_memory *shard, const char *node);        /* a copy, led or not */

/* ---- what people ask for --------------------------------------------------------------------------------------- */

/* What a person asked for. */
/* clang-format off */
#define ROP_DEEDS(X) X(APPLY, "apply") X(CONSENT, "consent") X(PAUSE, "pause") X(RESUME, "resume") \
	X(FAILOVER, "failover") X(DRAIN, "drain") X(UNDRAIN, "undrain")
enum rop_deed_kind {
#define X(id, name) ROP_DEED_##id,
	ROP_DEEDS(X)
#undef X
	ROP_DEEDS_N
};
/* clang-format on */
const char *rop_deed_name(enum rop_deed_kind what);
int rop_deed_find(const char *name); /* -1: none */

struct rop_deed {
	enum rop_deed_kind what;
	const char *user, *host, *command; /* user: behind sudo the one who called it */
	int64_t uid;
	int pid;
	const char *reason; /* as the person gave it; NULL: none */
	const char *note;   /* consent: to which losses; pause: until when; or NULL */
};

/* What a person wants of the cluster besides what is declared: a row that lasts until it is seen to be so, or is found
 * to be impossible, whichever process comes next. Now: that another node leads a shard. One is open per cluster, at
 * most. */
/* clang-format off */
#define ROP_WISH_STATUSES(X) X(OPEN, "open") X(MET, "met") X(FAILED, "failed") X(REFUSED, "refused") \
	X(WITHDRAWN, "withdrawn")
enum rop_wish_status {
#define X(id, name) ROP_WISH_##id,
	ROP_WISH_STATUSES(X)
#undef X
	ROP_WISH_STATUSES_N
};
/* clang-format on */
const char *rop_wish_status_name(enum rop_wish_status status);
int rop_wish_status_find(const char *name); /* -1: none */

struct rop_wish {
	int64_t id;                            /* row in the database; 0: there is none */
	int shard;                             /* its number */
	char node[ROP_ID_SIZE];                /* who is to lead; "": the best replica at the time */
	char primary[ROP_ID_SIZE];             /* who led when it was asked for */
	const char *address, *primary_address; /* of both, for people; address NULL: the best replica */
	int64_t asked_wall_ms, closed_wall_ms; /* 0: it is open */
	enum rop_wish_status status;
	const char *note; /* how it ended, in a sentence; NULL while it is open */
	struct rop_deed by;
	int64_t drain; /* the one that wants it (rop_drain.id); 0: a person asked for it by itself */
	/* Of its attempts, as the journal has them: how many failed, when the newest one of those was begun (boot
	 * clock; 0: none, or before this boot). */
	int failures;
	int64_t failed_boot_ms;
	const char *failure; /* why the newest one failed; NULL */
	bool locked;         /* that one was taken by the server, and nothing came of it: servers may refuse another for
			      * a while */
};

#define ROP_NOBODY (-1) /* uid of a deed that no person did: of a wish, spec.placement.repair asks for it */
static inline bool rop_wish_is_repair(const struct rop_wish *wish)
{
	return wish->by.uid == ROP_NOBODY;
}

/* A host, or the hosts of a zone, that somebody is to stop: what has a role there hands it over, nothing gets a new one
 * there, and its silence is expected until the time is over. Expected silence is told otherwise, and permits nothing:
 * for copies, majorities and every "all", who is silent is absent. */
struct rop_drain {
	int64_t id;
	const char *target; /* the host as it is declared, or the zone */
	bool zone;
	int64_t asked_wall_ms, until_wall_ms; /* until_wall_ms is never 0 */
	int64_t ended_wall_ms;                /* 0: nobody ended it; its time may have passed all the same */
	const char *fewer; /* "2:0 3:1": how few replicas in sync somebody lets these shards be left with; NULL: none */
	struct rop_deed by; /* in history, of a line that tells of the end: who ended it */
};

struct rop_handed {             /* a fail-over that was asked for, and came about */
	char node[ROP_ID_SIZE]; /* who gave its slots away */
	int64_t boot_ms;        /* when it was asked for, on the boot clock; 0: before this boot */
};
#define ROP_HANDED_MAX 8 /* so many of the newest are kept */

struct rop_wish_end {
	int64_t id; /* 0: none ends */
	enum rop_wish_status status;
	const char *note;
};

/* What the database knows of one cluster. */
struct rop_image {
	bool known;
	int64_t pass;                       /* the newest transaction of the journal; 0: none */
	int64_t formed_wall_ms;             /* first time it was seen formed; 0: never */
	int64_t revision, reached_revision; /* 0: none */
	const char *digest;                 /* of the newest accepted revision */
	const char *state;                  /* of the cluster machine; NULL: none yet */
	int64_t state_since_wall_ms, state_since_boot_ms;
	char boot_id[40]; /* of the boot that the boot clock values belong to */
	bool moving;      /* slots are being moved towards the shares: what was begun is walked to its end */
	bool paused;
	int64_t paused_until_wall_ms; /* 0: until resumed */
	const char *paused_by;
	ROP_LIST(struct rop_expect) pending;
	ROP_LIST(struct rop_temporary) temporaries;
	ROP_LIST(struct rop_member) members;
	ROP_LIST(struct rop_elsewhere) others;    /* members of the other clusters; of many the first ones */
	ROP_LIST(struct rop_shard_memory) shards; /* by number */
	/* Settings whose newest try a node refused (REFUSED), or wrote in its own way (MET, ROP_KEPT_AS); node,
	 * address, name, value, note. */
	ROP_LIST(struct rop_expect) tried;
	/* Settings that a node was seen to take, and no CONFIG REWRITE worked there since; node, address, name, value;
	 * status and note of the newest REWRITE (PENDING: there was none). */
	ROP_LIST(struct rop_expect) unwritten;
	struct rop_condition conditions[ROP_CONDITIONS_N];
	ROP_LIST(struct rop_handed) handed; /* the newest first */
	struct rop_wish wish, last_wish;    /* the open one; the newest that is over. id 0: there is none */
	ROP_LIST(struct rop_drain) drains;  /* that nobody ended, as written: also where the time has passed */
	int64_t drains_told;                /* how often people have said something of the kind: tells what is newer */
};

static inline bool rop_drain_holds(const struct rop_drain *drain, int64_t wall_ms)
{
	return !drain->ended_wall_ms && drain->until_wall_ms > wall_ms;
}

#define ROP_FAILOVER_FORCE "FORCE" /* value of a FAILOVER whose primary has no part in it */

static inline bool rop_image_is_paused(const struct rop_image *image, int64_t wall_ms)
{
	return image->paused && (!image->paused_until_wall_ms || image->paused_until_wall_ms > wall_ms);
}

/* What one pass decided, to be written in one transaction before anything is sent. */
struct rop_resolution {
	int64_t id;
	enum rop_expect_status status;
	const char *note;
};
struct rop_entry {
	int64_t wall_ms, boot_ms;
	const char *boot_id;
	int pid;
	ROP_LIST(struct rop_resolution) resolutions;
	ROP_LIST(struct rop_transition) transitions;
	ROP_LIST(struct rop_expect) expects;            /* new, status PENDING; ids are filled in by the store */
	ROP_LIST(struct rop_temporary) temporaries_set; /* written before the change is sent */
	ROP_LIST(struct rop_temporary)
	temporaries_gone;                    /* seen restored (or changed by a person): the row is dropped */
	ROP_LIST(struct rop_member) members; /* when members_changed: the whole new set */
	bool members_changed;
	ROP_LIST(struct rop_shard_memory) shards; /* when shards_changed: the whole new memory */
	bool shards_changed;
	const char *state;        /* the machine's state after this pass; NULL: unchanged */
	bool state_entered;       /* the state is new: state_since is now */
	bool formed;              /* seen formed for the first time */
	int64_t reached_revision; /* 0: unchanged */
	enum rop_truth moving;    /* rop_image.moving; UNKNOWN: unchanged */
	bool conditions_changed;
	struct rop_condition conditions[ROP_CONDITIONS_N];
	int64_t wish;                 /* the open one that this was decided with; 0: none */
	struct rop_wish_end wish_end; /* it is met, or over for another reason */
	/* shard 0: none; one that a drain wants, or spec.placement.repair. Its id is filled in by the store */
	struct rop_wish wish_begin;
	bool check_pass; /* write only when after_pass is still the newest, `wish` open, and drains_told the newest:
			    else another process decided meanwhile */
	int64_t drains_told;
	int64_t after_pass;
	int64_t pass;      /* set by the store: the id of this transaction */
	bool ignore_pause; /* restoring temporary settings: a pause asks for it */
};
/* Nothing to write: a pass that changes nothing commits nothing. */
bool rop_entry_empty(const struct rop_entry *entry);

/* ---- read back, for people ------------------------------------------------------------------------------------- */

struct rop_history_line {
	int64_t wall_ms;
	const struct rop_deed *deed;   /* NULL: a transition or a step */
	const struct rop_wish *wish;   /* what the deed asked for, and what became of it; NULL: nothing of the kind */
	const struct rop_drain *drain; /* of a deed that drains, or ends that; else NULL */
	bool is_step;                  /* false: a transition */
	const char *from, *to;         /* transition; `row` is "Configure#2" */
	const char *row, *why;
	const char *subject; /* step; transition of a machine for one node or some slots: which, else NULL */
	const char *command, *status, *note; /* step */
	const char *address;                 /* the node that the step went to, or that the transition is of; or NULL */
	int attempts;
	int64_t resolved_wall_ms; /* step: 0 while pending */
	int pid;
};

struct rop_file_error { /* of a topology file that the daemon could not take */
	const char *path;
	const char *cluster; /* the one that the file last stood for, or NULL */
	const char *text;
	int64_t since_wall_ms;
};

#endif
