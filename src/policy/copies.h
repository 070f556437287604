/* copies.h - of this folder: who holds what data, and which shards are not to be touched now. */
#ifndef ROP_POLICY_COPIES_H
#define ROP_POLICY_COPIES_H

#include "policy.h"

/* Copies of the data of the shard that `root` leads (safety.md, "Copies"). */
enum copy_state {
	COPY_NONE,    /* holds nothing of it */
	COPY_SERVING, /* answers, owns the slots */
	COPY_READY,   /* in sync through every link above it, and listed online there */
	COPY_STALE,   /* its link is down: was in sync until then */
	COPY_SILENT,  /* does not answer: may come back with its data */
	COPY_FILLING, /* a full synchronisation has begun: what it had is gone or going */
	COPY_UNKNOWN, /* may hold some: it does not tell */
};

/* The owner of slots that this node follows, through whatever stands between; itself where it leads; -1: nobody that
 * was asked. */
int copies_root(const struct rop_observed *seen, size_t node);
enum copy_state copies_state(const struct rop_situation *now, size_t node);

/* Does this node hold data, or may it? */
bool copies_may_hold(const struct rop_node *node);
/* It takes over its primary's data, and something of it arrived lately; the primary knows of it, where it tells. Who is
 * turned away, and tries again every second, does not. */
bool copies_is_filling(const struct rop_observed *seen, size_t node);
/* Its link is down, and its primary, which answers, has no connection of it. */
bool copies_is_unlisted(const struct rop_observed *seen, size_t node);
/* In sync with that primary, which has it online. */
bool copies_in_sync(const struct rop_observed *seen, size_t node, size_t primary);
/* Replicas of `primary` in sync, `but` not counted. */
size_t copies_ready(const struct rop_situation *now, size_t primary, size_t but);
/* As many replicas as are declared, or as many as the layout could give it. */
size_t copies_wanted(const struct rop_situation *now, size_t primary);

/* The slots that it claims: what it has given away and was not told of yet is no claim any more. */
struct rop_slots copies_claims(const struct rop_observed *seen, size_t node);

/* Is the leadership of the shard that this node leads open? Then why, in a sentence; NULL: it is settled. */
const char *copies_leadership_open(const struct rop_situation *now, size_t primary);
/* The same, of who hands slots over or takes them: that changes epochs, and both claim the slots until the other has
 * heard of it; neither is a doubt. */
const char *copies_doubted(const struct rop_situation *now, size_t primary);

/* Another address that peers are connected to for this node's id, now or lately; NULL: none. ret_ms: for how long. */
const char *copies_elsewhere(const struct rop_situation *now, size_t node, int64_t *ret_ms);

/* "id id ...", sorted, each once: copies of a loss. Sorts the list that it is given. */
const char *copies_ids_text(struct rop_arena *arena, const char **ids, size_t n);
/* "7 s": how long before now that was. */
const char *copies_ago(const struct rop_situation *now, int64_t wall_ms);

/* Who held these slots, as the database remembers it. */
struct remembered {
	const char *ids,
		*nodes; /* sorted ids; sentence: "10.0.0.1:6379 (led), 10.0.0.4:6379"; NULL: nothing is remembered */
	int64_t keys;   /* counted last on the one that led; -1 */
	size_t n, empty, silent; /* copies; of which answer without a key; of which do not answer */
	int shard;               /* 0: unknown */
	const char *silent_nodes;
};
struct remembered copies_remembered(const struct rop_situation *now, const struct rop_slots *slots);

#endif
