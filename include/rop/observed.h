/* observed.h - what all nodes say, as plain data: one canonical entry per node (its own claim) and, per pair of
 * nodes, three bits. N x N entries are never kept.
 *
 * Nodes are indexed as asked: for a topology, index i is the i-th declared node. Identity is the node id.
 * Source of the shapes: CLUSTER NODES of each node (clusterGenNodeDescription in the servers' cluster.c), CLUSTER INFO,
 * INFO server/replication/keyspace, CONFIG GET, FUNCTION LIST.
 */
#ifndef ROP_OBSERVED_H
#define ROP_OBSERVED_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "rop/err.h"
#include "rop/mem.h"
#include "rop/topology.h"

/* ---- sets of slots ----------------------------------------------------------------------------------------- */

struct rop_slots {
	uint64_t bits[ROP_SLOTS / 64];
};

void rop_slots_add(struct rop_slots *slots, int first, int last);
void rop_slots_join(struct rop_slots *slots, const struct rop_slots *more);
void rop_slots_drop(struct rop_slots *slots, const struct rop_slots *less);
bool rop_slots_has(const struct rop_slots *slots, int slot);
bool rop_slots_within(const struct rop_slots *part, const struct rop_slots *whole);
bool rop_slots_meet(const struct rop_slots *a, const struct rop_slots *b); /* share at least one */
int rop_slots_count(const struct rop_slots *slots);
int rop_slots_between(const struct rop_slots *slots, int first, int last); /* of those, how many are in it */
int rop_slots_common(const struct rop_slots *a, const struct rop_slots *b);
int rop_slots_first(const struct rop_slots *slots); /* ROP_SLOTS when empty */
/* The next run at or after `from`; false: none. */
bool rop_slots_run(const struct rop_slots *slots, int from, int *ret_first, int *ret_last);
/* "0-5460 6000" into the arena; "" when empty. */
const char *rop_slots_text(struct rop_arena *arena, const struct rop_slots *slots);
bool rop_slots_parse(const char *text, struct rop_slots *ret_slots); /* of rop_slots_text; false: no such text */
static inline bool rop_slots_empty(const struct rop_slots *slots)
{
	return rop_slots_first(slots) == ROP_SLOTS;
}

/* The slot that a key belongs to; any bytes. */
int rop_key_slot(const void *key, size_t n);

/* ---- nodes ------------------------------------------------------------------------------------------------- */

enum rop_reach {
	ROP_REACH_OK,
	ROP_REACH_SILENT,      /* no connection, time out, or it closed: nobody there */
	ROP_REACH_DENIED,      /* wrong user or password, or a command that we need is not permitted */
	ROP_REACH_NOT_REDIS,   /* what it answers is not the protocol */
	ROP_REACH_NOT_CLUSTER, /* a server, but not in cluster mode */
	ROP_REACH_LOADING,     /* reading its data set; will answer later */
	ROP_REACH_SENTINEL,    /* it watches data nodes, and is none */
	ROP_REACH_SEVERAL,     /* its name is that of several servers */
	ROP_REACH_NO_COMMAND,  /* a server that does not know CLUSTER or INFO: renamed or disabled there */
};

/* How reach_why of a SILENT one begins where the host is there, and nobody listens at that port. */
#define ROP_NOBODY_LISTENS "connection refused"

/* reach_why of a SILENT one that answers nobody who does not speak it. */
#define ROP_SPEAKS_TLS "it speaks TLS, which this version does not"

enum rop_role { ROP_ROLE_UNKNOWN, ROP_ROLE_PRIMARY, ROP_ROLE_REPLICA };

#define ROP_COUNT_UNKNOWN (-1) /* refused or unreadable: unknown is never empty */
#define ROP_COUNT_NOT_ASKED (-2)

/* A slot that is open on its node's own line: its keys are on their way from one node to another. */
struct rop_open_slot {
	int slot;
	bool importing;         /* from the peer; else migrating to it */
	char peer[ROP_ID_SIZE]; /* the other side */
	int64_t keys;           /* that this node has of it, in all databases; ROP_COUNT_NOT_ASKED, ROP_COUNT_UNKNOWN */
};

#define ROP_OPERATORS_MAX 8 /* at most, per node */
struct rop_operator {       /* a connection of an operator that may change the cluster it names */
	const char *cluster;
	char instance[9]; /* of its database: rop_store_instance */
	const char *from; /* the host it came from, as the node sees it */
};

/* Slots that a server moves by itself, as it tells. */
struct rop_job {
	char name[ROP_ID_SIZE], source[ROP_ID_SIZE], target[ROP_ID_SIZE];
	struct rop_slots slots;
	enum rop_job_state { ROP_JOB_RUNS, ROP_JOB_DONE, ROP_JOB_FAILED, ROP_JOB_CANCELLED } state;
	int64_t created_s, updated_s; /* the server's wall clock */
	const char *message;          /* why it failed; "": it does not say */
};

struct rop_node {
	const char *address; /* "host:port" as declared, for people and messages */
	const char *ip;      /* literal, for MEET; NULL: not resolved */
	int port, bus_port;  /* bus_port: the one in use, never 0: as declared, else as the node says itself */
	bool bus_declared;
	enum rop_reach reach;
	const char *reach_why; /* a sentence when not OK */
	char id[ROP_ID_SIZE];  /* "" when never learned */
	const char *leaving;   /* the id it had as a member, where it is to leave; NULL: it is declared */
	bool ghost;            /* leaving, and nobody any more: another id answers where it was */
	enum rop_role role;
	int primary; /* index of its primary; -1: none, or not among the nodes asked */
	char primary_id[ROP_ID_SIZE];
	int64_t epoch; /* config epoch; a replica shows its primary's */
	/* The greatest that a peer holds for it where that is greater than its own: it went back (an old nodes.conf),
	 * and peers never do. 0: none. */
	int64_t epoch_held;
	bool named_otherwise; /* a peer holds another role, another primary or other slots for it */
	bool named_owner;     /* a peer lists slots as its own */
	int64_t current_epoch;
	struct rop_slots slots;              /* its own claim */
	int open_slots;                      /* migrating or importing, on its own line */
	const char *open_text;               /* "[100->-id]" and the like; NULL: none */
	ROP_LIST(struct rop_open_slot) open; /* the same, by slot; fewer where some cannot be understood */
	bool state_ok;                       /* cluster_state:ok */
	bool link_up;                        /* replica: master_link_status:up */
	int64_t link_down_s;                 /* replica: down for so long; -1: it never was up, or is */
	bool syncing;                        /* replica: first synchronisation under way */
	int64_t sync_idle_s;                 /* while it is: seconds since its last byte; -1: it is not, or unknown */
	int64_t keys;  /* in all databases; ROP_COUNT_UNKNOWN: it would not say, so it may hold some */
	int functions; /* libraries; 0 also where the server has no functions; ROP_COUNT_UNKNOWN, ROP_COUNT_NOT_ASKED */
	const char *libraries; /* the same by name and digest: rop/libraries.h; NULL where not known */
	/* Replicas that stand in another shard than their primary, in its view (a node that was just met gives each
	 * peer a shard id of its own until it is told); ROP_COUNT_UNKNOWN: it does not tell, ROP_COUNT_NOT_ASKED. */
	int shards_apart;
	bool moves_by_itself; /* it knows CLUSTER MIGRATESLOTS, and tells of its jobs */
	const struct rop_job *jobs;
	size_t n_jobs;
	int rtt_ms;          /* round trip from here; 0: less than a millisecond, or not known */
	const char *refused; /* what it would not answer of the above, with the permission: "INFO keyspace"; NULL:
				nothing */
	char replid[ROP_ID_SIZE],
		replid2[ROP_ID_SIZE]; /* histories of its data set (INFO replication); "": unknown, none */
	int64_t offset;               /* of replication: written (primary), taken in (replica); -1 unknown */
	int64_t priority;             /* replica-priority; 0: never to be made a primary; -1 unknown */
	int64_t uptime_s;             /* of its process; -1 unknown */
	int64_t used_memory;          /* bytes (INFO memory); ROP_COUNT_UNKNOWN, ROP_COUNT_NOT_ASKED */
	int64_t data_memory;          /* of it, what its keys take: as far as the server can tell it apart; the same */
	int64_t max_memory;           /* maxmemory in force; 0: none; the same */
	bool evicts;                  /* and full it deletes keys (maxmemory-policy) */
	const char *own_address;      /* "ip:port" of its own line; NULL: unknown, or it does not know it yet */
	int own_bus_port;             /* of its own line; 0: unknown */
	int tcp_port;                 /* the port that it listens on, as it says (INFO server); 0: unknown */
	const char *hostname;         /* that it announces to clients; "": none; NULL: unknown */
	/* Where peers look for this node without an answer: "ip:port" and the port of its bus; NULL: none does. How
	 * many do there, and for how long the one that has waited longest (0: not known). */
	const char *sought_at;
	int sought_bus, sought_by;
	int64_t sought_ms;
	const char *elsewhere; /* another "ip:port" that a peer is connected to, without a fail flag, for this node's
				  id; NULL */
	const char *astray_at; /* where a peer looks for it in vain, "ip:port"; NULL: none does, or it has no address */
	/* Where peers hold this node's id, although it calls itself otherwise, and get no answer to their pings:
	 * "ip:port"; NULL. How many do, and for how long the one that has waited longest (0: not known). */
	const char *held_at;
	int held_by;
	int64_t held_ms;
	bool torn;            /* a peer heard it just now, and has no link to it, or one to another place that did not
				 answer yet: as of two servers with its identity */
	bool fresh;           /* each peer's link to it had its answer just now, so all of them may be new: the same */
	bool at_own;          /* a peer is connected to it, and has its answer, at own_address */
	bool at_home;         /* a peer is connected to it where it calls itself to be */
	const char *strange;  /* "ip:port" of an entry of its view that has no identity yet, where none of the nodes
				 asked is; NULL */
	const char *nameless; /* why its name has no address, though it answers where it was last; NULL: it has */
	const char *modules;  /* their names, sorted, a blank after each; "": none; NULL: it would not say */
	bool no_config;       /* it knows no CONFIG: renamed or disabled there */
	int handshakes;       /* entries of its view that have no identity yet */
	int others;           /* entries of its view with an identity, besides itself */
	int strangers;        /* those of them that were not among the nodes asked */
	uint64_t strangers_digest; /* of their ids, in any order */
	int version;               /* 70015 for 7.0.15 (redis_version); 0 unknown */
	bool valkey;
	int own_version;       /* 80101 for Valkey 8.1.1, whose redis_version stays at 7.2.4; else as version */
	const char *flavour;   /* "redis 7.0.15", "valkey 8.1.1"; NULL unknown */
	const char **settings; /* by index of rop_observed.setting_names; NULL: not known */
	const bool
		*no_setting; /* by the same index: it answered that it has none of that name; NULL: not said of any */
	bool no_config_file; /* it says that it was started without one: CONFIG REWRITE has nothing to write to */
	bool config_denied;  /* CONFIG GET is not permitted */
	uint64_t forbidden;  /* what it said it would not permit: a set of ROP_PERMIT; of the probed ones */
	const char *rights_hidden; /* why it would not say what it permits; NULL: it said, or nobody asked */
	struct rop_operator
		*operators; /* each once, ours too; none also where nobody asked, or the node did not tell */
	size_t n_operators;
};

/* A setting that only servers have which move slots by themselves: others are not asked about that. */
#define ROP_SLOT_JOBS_SETTING "cluster-slot-migration-log-max-len"

static inline bool rop_node_answers(const struct rop_node *node)
{
	return node->reach == ROP_REACH_OK;
}

/* Is that where we ask it? "ip:port", as servers write it. */
bool rop_node_is_at(const struct rop_node *node, const char *address);

/* Peers have waited there for so long that nobody can be there: a link that seems to stand is only being tried. */
#define ROP_IN_VAIN_MS 500
static inline bool rop_node_is_held_in_vain(const struct rop_node *node, const char *address)
{
	return node->held_at && node->held_ms >= ROP_IN_VAIN_MS && strcmp(node->held_at, address) == 0;
}

#define ROP_DIFFERENCES_MAX 16 /* at most, per look */
enum rop_differs { ROP_DIFFERS_ROLE, ROP_DIFFERS_SLOTS, ROP_DIFFERS_EPOCH };
struct rop_difference { /* a view that holds something else of a node than that one says itself: both, as text */
	int viewer, subject;
	enum rop_differs in;
	const char *held;  /* SLOTS: to whom the viewer gives them, an address or "nobody" */
	const char *says;  /* SLOTS: to whom the subject does; "itself" */
	const char *slots; /* rop_slots_text; of SLOTS only */
	int holder;        /* held, as an index; -1: none of those asked */
};

/* A primary whose views will not come to agree by themselves. */
static inline bool rop_node_is_behind(const struct rop_node *node)
{
	return rop_node_answers(node) && node->role == ROP_ROLE_PRIMARY && node->epoch_held > node->epoch;
}

#define ROP_FOREIGN_MAX 8 /* at most, per look */
struct rop_foreign {      /* a peer with an identity that was not among the nodes asked; each once */
	int viewer;       /* the first that lists it */
	char id[ROP_ID_SIZE];
	const char *address, *flags; /* as that one says */
	const char *slots;           /* that one of the viewers lists as its own; NULL: none does */
	uint64_t *viewers;           /* bits: who lists it */
	bool linked;                 /* one of them has a link to it, and no doubt */
	bool addresses_differ;
};

struct rop_observed {
	struct rop_arena *arena;
	size_t n, words; /* words: of 64 bits per row of a bit matrix */
	/* How many were asked: the last n_leaving of them are to leave. Where these are needed for nothing any more, n
	 * is without them (policy_let_go), and what is about all nodes is about those that stay. */
	size_t asked, n_leaving;
	struct rop_node *nodes; /* asked */
	uint64_t *known;        /* [viewer][subject] viewer lists subject with its identity */
	uint64_t *linked;       /*   ... and sees it healthy: connected, no fail, fail?, handshake, noaddr */
	uint64_t *agrees;       /*   ... and its entry equals the canonical one: role, primary, epoch, slots */
	uint64_t *failing;      /* [viewer][subject] viewer flags subject as fail or fail? */
	uint64_t *astray; /*   ... without a link, at another address than the one where subject answers, or at none */
	uint64_t *apart;  /* [viewer][replica] viewer holds that replica for one of another shard than its primary's */
	uint64_t *online; /* [primary][replica] the primary lists that replica's connection as online */
	uint64_t *unlisted; /* [primary][replica] the primary told its replicas' connections, and none is of that one */
	uint64_t *listed; /* [viewer][leaving] viewer lists it, under the id it had as a member or the one it has now */
	ROP_LIST(struct rop_foreign) foreign;        /* rop_observed_add_foreign */
	ROP_LIST(struct rop_difference) differences; /* the first of them; of each pair one */
	int foreign_more;                            /* entries of views that are of others than those kept */
	const char **setting_names;
	size_t n_settings;
	int64_t began_ms; /* when the look began (boot clock); 0: unknown */
	int64_t boot_ms;  /* when the last answer was in */
};

static inline bool rop_answers(const struct rop_observed *seen, size_t node)
{
	return rop_node_answers(&seen->nodes[node]);
}
static inline bool rop_bit(const struct rop_observed *seen, const uint64_t *matrix, size_t viewer, size_t subject)
{
	return matrix[viewer * seen->words + subject / 64] >> (subject % 64) & 1;
}
static inline void rop_bit_set(const struct rop_observed *seen, uint64_t *matrix, size_t viewer, size_t subject)
{
	matrix[viewer * seen->words + subject / 64] |= (uint64_t)1 << (subject % 64);
}
static inline void rop_bit_clear(const struct rop_observed *seen, uint64_t *matrix, size_t viewer, size_t subject)
{
	matrix[viewer * seen->words + subject / 64] &= ~((uint64_t)1 << (subject % 64));
}

/* Lists it, where it can be found. */
static inline bool rop_knows(const struct rop_observed *seen, size_t viewer, size_t subject)
{
	return rop_bit(seen, seen->known, viewer, subject) && !rop_bit(seen, seen->astray, viewer, subject);
}

struct rop_observed *rop_observed_new(struct rop_arena *arena, size_t n, const char **setting_names, size_t n_settings);
/* Own arrays, shared texts: the source's arena must outlive the copy. */
struct rop_observed *rop_observed_copy(struct rop_arena *arena, const struct rop_observed *seen);
/* The same with so many nodes more behind the last one asked, of which nothing is known. */
struct rop_observed *rop_observed_widened(struct rop_arena *arena, const struct rop_observed *seen, size_t more);
/* One view's entry of a peer that was not asked: counted, and kept while there are few (NULL: there are too many). */
struct rop_foreign *rop_observed_add_foreign(struct rop_observed *seen, size_t viewer, const char *id,
					     const char *address, const char *flags, const char *slots);
/* One look at two servers with one identity may show the one alone, with links that were made just now. Does anything
 * in this look speak for that, without showing the other? */
bool rop_observed_may_be_torn(const struct rop_observed *seen);
/* A node that answers looks in vain for another one that does. */
bool rop_observed_any_astray(const struct rop_observed *seen);
/* The longest round trip to any node; what goes on between nodes takes as long, or twice that. */
int64_t rop_observed_rtt_ms(const struct rop_observed *seen);
/* That slot among a node's open ones; NULL: it is not open there. */
struct rop_open_slot *rop_node_open(const struct rop_node *node, int slot);
void rop_node_set_open(struct rop_arena *arena, struct rop_node *node, const struct rop_open_slot *open); /* or anew */
void rop_node_close(struct rop_node *node, int slot);
int rop_observed_find(const struct rop_observed *seen, const char *id); /* index, or -1 */
/* Of one that is to leave, by the id that it had as a member or has now; -1: none. May be n or more. */
int rop_observed_find_leaving(const struct rop_observed *seen, const char *id);
int rop_observed_setting(const struct rop_observed *seen, const char *name); /* index of a watched name, or -1 */
/* Of that name, on that node; NULL: not watched, or not known. */
const char *rop_observed_value(const struct rop_observed *seen, size_t node, const char *name);
/* A setting that is a whole number, at least 1; `otherwise` where it is not known. */
int64_t rop_observed_number(const struct rop_observed *seen, size_t node, const char *name, int64_t otherwise);
#define ROP_NODE_TIMEOUT_MS 15000 /* the servers' own cluster-node-timeout */

/* ---- from raw answers -------------------------------------------------------------------------------------- */

struct rop_endpoint {           /* where one node is asked */
	const char *address;    /* for people: "host:port" */
	const char *ip;         /* literal; NULL: none is known, no_ip says why */
	const char *const *ips; /* others to be tried where it does not listen there, ip among them; NULL: none */
	size_t n_ips;
	const char *no_ip;       /* beside an ip: that is where it was last; who else answers there is nobody */
	int port, bus_port;      /* bus_port 0: port + 10000 */
	const char *expected_id; /* or NULL */
	bool leaving;            /* it is to leave: expected_id is the id that it had as a member */
};

struct rop_answer { /* what one node sent, as text; NULL: not asked or not sent */
	const char *address, *ip;
	int port, bus_port;
	enum rop_reach reach;
	const char *reach_why;
	const char *expected_id; /* of an earlier time, for a node that does not answer now; NULL */
	bool leaving;            /* as rop_endpoint's; those are the last ones */
	const char *cluster_nodes, *cluster_info, *info_server, *info_replication, *info_keyspace;
	int functions;           /* as rop_node.functions; 0 where the server does not know the command */
	const char *libraries;   /* as rop_node's; NULL: not known */
	const char *info_memory; /* where maxmemory is among the settings asked for, or it is asked for itself */
	bool moves_by_itself;    /* as rop_node's; jobs, too */
	const struct rop_job *jobs;
	size_t n_jobs;
	const char *refused; /* as rop_node.refused */
	const char *info_modules;
	/* as rop_node's of the same names */
	const char *nameless, *rights_hidden;
	bool config_denied, no_config;
	uint64_t forbidden;
	int rtt_ms;
	bool asked_shards;
	bool asked_memory;
	const char *shards;       /* a line for each shard, the ids of its nodes */
	int64_t n_clients;        /* connections it has; 0: unknown */
	const char *operators;    /* those lines of CLIENT LIST that are of operators */
	const int64_t *slot_keys; /* [slot] keys of open slots, as rop_open_slot.keys; NULL: no slot is open */
	const char **settings;    /* n_settings values; NULL entries: unknown; NULL: none */
	bool *no_setting;         /* n_settings: there is none of that name; NULL: none was asked for */
};

/* What so many declared nodes can explain, generously: members that are to be forgotten, handshakes, long names; all
 * slots one by one on one line, all of them open. A longer CLUSTER NODES is not taken: a look must stay bounded. */
#define ROP_VIEW_LINES_MAX(declared) (4 * (declared) + 1024)
#define ROP_VIEW_BYTES_MAX(declared) (((size_t)1 << 20) + 1024 * ROP_VIEW_LINES_MAX((size_t)(declared)))
/* Keys of one node above this are not counted further, so that sums of them stay numbers. */
#define ROP_KEYS_MAX ((int64_t)1000 * 1000 * 1000 * 1000 * 1000)

/* Never fails: an answer that cannot be understood makes its node NOT_REDIS with the reason. What nodes say is made fit
 * to be shown here, once (rop_text_visible): every text in what is observed is. */
struct rop_observed *rop_observed_from_answers(struct rop_arena *arena, const struct rop_answer *answers, size_t n,
					       const char **setting_names, size_t n_settings, int64_t boot_ms);

/* One line of CLUSTER NODES. Pointers go into the text, which is cut up. false: not such a line. */
struct rop_node_line {
	char *id, *address, *flags, *primary_id, *slots; /* address: without "@bus,hostname"; slots: rest of the line */
	int64_t epoch;
	int bus_port;         /* 0: it does not say */
	const char *hostname; /* that it announces; "": none */
	int64_t pong;         /* the viewer's wall clock: when it was heard last; 0: never */
	int64_t ping_sent;    /* the viewer's wall clock: since when no ping was answered; 0: all were */
	bool connected, myself, primary, replica, pfail, fail, handshake, noaddr,
		odd; /* odd: a flag nobody told us of */
};
bool rop_node_line_parse(char *line, struct rop_node_line *ret_line);
/* One open slot of a line's slots, "[7000->-id]" or "[7000-<-id]", n bytes; false: not such a one. */
bool rop_open_slot_parse(const char *word, size_t n, struct rop_open_slot *ret_open);
/* Of a line's address: ":0" and "" say nothing; "::1:6379" is one. */
static inline bool rop_address_is_unknown(const char *address)
{
	return address[0] == '\0' || (address[0] == ':' && address[1] != ':');
}

/* One "key:value" of an INFO text; false: not there. The value is copied into buf (cut when too long). */
bool rop_info_get(const char *info, const char *key, char *buf, size_t size);

#endif
