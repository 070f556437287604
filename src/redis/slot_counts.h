/* slot_counts.h - how many keys a node has of its open slots: a second exchange, once its own line is known. */
#ifndef REDIS_SLOT_COUNTS_H
#define REDIS_SLOT_COUNTS_H

#include "observe.h"

struct slot_counts {
	ROP_LIST(int) slots;
	size_t databases;
	int64_t *keys; /* [slot] becomes the answer's slot_keys */
	const char *wire;
	size_t wire_n, replies;
};

/* false: none is open there, nothing is to be asked. Owned by the arena. */
bool slot_counts_new(struct rop_arena *arena, const struct questions *questions, const struct rop_answer *answer,
		     struct slot_counts *ret_counts);
void slot_counts_take(struct slot_counts *counts, size_t i, const struct redisReply *reply);
/* The counts as they stand: what no reply came for is unknown. */
void slot_counts_end(const struct slot_counts *counts, struct rop_answer *answer);

#endif
