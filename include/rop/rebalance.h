/* rebalance.h - which weights would make the shards even, by what they hold now, and what these would move. Pure. */
#ifndef ROP_REBALANCE_H
#define ROP_REBALANCE_H

#include "rop/policy.h"

enum rop_by { ROP_BY_MEMORY, ROP_BY_KEYS, ROP_BY_SLOTS, ROP_BY_N };
const char *rop_by_name(enum rop_by by);
bool rop_by_parse(const char *name, enum rop_by *ret);

struct rop_rebalance_shard {
	int number, primary; /* primary: a node */
	int weight;          /* to be declared */
	int slots, slots_then;
	int64_t has, has_then; /* keys or bytes or slots, by what it is weighed; then: as is expected */
	int64_t keys;          /* that its primary has; -1: it did not tell */
};

struct rop_rebalance_move {
	size_t from, to; /* indexes of shards */
	int slots;
	int64_t keys, has; /* that go with them, as is expected; keys -1: not known */
};

struct rop_rebalance {
	enum rop_by by;
	struct rop_rebalance_shard *shards; /* in the order of their numbers */
	size_t n;
	ROP_LIST(struct rop_rebalance_move) moves;
	bool even;      /* already: nothing is to be done */
	int open_slots; /* that are being moved: what is measured is on its way */
};

/* Keys are assumed to be spread evenly over a shard's slots. false: it cannot be told, err says why. */
bool rop_rebalance_make(const struct rop_situation *now, enum rop_by by, struct rop_rebalance *ret,
			struct rop_err *err);

#endif
