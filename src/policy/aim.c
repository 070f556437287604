/* aim.c - where the slots should be: the share of each shard, and the fewest moves that give it to each.
 *
 * Slots are moved where another number of shards is declared than own some; a cluster with that number is left as it
 * is, however its slots are spread. What was begun is walked to its end. Shares depend on the declared number of shards
 * alone, so they stay meanwhile: shards that have too many slots give their highest ones, in the order of their
 * numbers, to shards that have too few, in the order of theirs, the lowest first; whatever part of that was done, in
 * whatever order, the rest is the same as before.
 */
#include <string.h>

#include "migrations.h"

struct aiming {
	const struct rop_situation *now;
	size_t n;       /* shards */
	int *by_number; /* [place] shards in the order of their numbers */
	int *owned;     /* [shard] */
	int *share;     /* [shard] */
};

static const int16_t *find_owners(const struct rop_situation *now)
{
	const struct rop_node *nodes = now->seen->nodes;
	int16_t *owner = rop_alloc_n(now->arena, ROP_SLOTS, sizeof *owner);
	for (int s = 0; s < ROP_SLOTS; s++)
		owner[s] = -1;
	for (size_t i = 0; i < now->seen->n; i++)
		for (int from = 0, first, last; rop_slots_run(&nodes[i].slots, from, &first, &last); from = last + 1)
			for (int s = first; s <= last; s++)
				if (owner[s] < 0 || nodes[owner[s]].epoch < nodes[i].epoch)
					owner[s] = (int16_t)i;
	return owner;
}

/* Every slot has an owner, and each owner leads a shard of the layout: else there is something else to be done. */
static bool count_owned(struct aiming *a)
{
	const struct rop_situation *now = a->now;
	int *shard_of = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *shard_of);
	for (size_t i = 0; i < now->seen->n; i++)
		shard_of[i] = -1;
	for (size_t k = 0; k < a->n; k++) {
		if (now->layout.shards[k].primary < 0)
			return false;
		shard_of[now->layout.shards[k].primary] = (int)k;
	}
	for (int s = 0; s < ROP_SLOTS; s++) {
		if (now->owner[s] < 0 || shard_of[now->owner[s]] < 0)
			return false;
		a->owned[shard_of[now->owner[s]]]++;
	}
	return true;
}

/* Equal ones; where they do not divide evenly, the first shards have one more. Of shards that are not declared any more
 * nothing stays. */
static void share_out(struct aiming *a)
{
	int declared = a->now->topology->shards;
	for (size_t k = 0; k < a->n; k++) {
		int number = a->now->layout.shards[k].number;
		a->share[k] = number > declared ? 0 : ROP_SLOTS / declared + (number <= ROP_SLOTS % declared);
	}
}

/* A shard that is to have slots has none, or one has some that is to have none: else another spread than an even one is
 * how somebody wanted it. */
static bool is_asked_for(const struct aiming *a)
{
	for (size_t k = 0; k < a->n; k++)
		if ((a->owned[k] > 0) != (a->share[k] > 0))
			return true;
	return false;
}

/* The next shard from there on, in the order of numbers, that has too few. */
static size_t next_taker(const struct aiming *a, const int *missing, size_t from)
{
	while (from < a->n && missing[a->by_number[from]] <= 0)
		from++;
	return from;
}

/* Of the n highest slots of a node the lowest; ROP_SLOTS: it gives none. */
static int first_to_give(const struct rop_situation *now, int node, int n)
{
	int s = ROP_SLOTS;
	while (n > 0 && s > 0)
		n -= now->owner[--s] == node;
	return s;
}

static void give(const struct aiming *a, int16_t *aim)
{
	const struct rop_situation *now = a->now;
	int *missing = rop_alloc_n(now->arena, a->n, sizeof *missing);
	for (size_t k = 0; k < a->n; k++)
		missing[k] = a->share[k] - a->owned[k];
	size_t taker = next_taker(a, missing, 0);
	for (size_t place = 0; place < a->n; place++) {
		int giver = a->by_number[place], primary = now->layout.shards[giver].primary;
		for (int s = first_to_give(now, primary, -missing[giver]); s < ROP_SLOTS && taker < a->n; s++) {
			if (now->owner[s] != primary)
				continue;
			int to = a->by_number[taker];
			aim[s] = (int16_t)now->layout.shards[to].primary;
			missing[to]--;
			taker = next_taker(a, missing, taker);
		}
	}
}

void policy_aim(struct rop_situation *now)
{
	size_t n = now->layout.n;
	struct aiming a = { .now = now, .n = n };
	for (size_t k = 0; k < n; k++)
		now->layout.shards[k].share = -1;
	if (!now->formed)
		return;
	now->owner = find_owners(now);
	a.owned = rop_alloc_n(now->arena, n + 1, sizeof *a.owned);
	a.share = rop_alloc_n(now->arena, n + 1, sizeof *a.share);
	a.by_number = rop_alloc_n(now->arena, n + 1, sizeof *a.by_number);
	if (!count_owned(&a))
		return;
	share_out(&a);
	for (size_t k = 0; k < n; k++) {
		now->layout.shards[k].share = a.share[k];
		a.by_number[now->layout.shards[k].number - 1] = (int)k;
	}
	if (!(now->moving || is_asked_for(&a)))
		return;
	int16_t *aim = rop_alloc_n(now->arena, ROP_SLOTS, sizeof *aim);
	memcpy(aim, now->owner, ROP_SLOTS * sizeof *aim);
	give(&a, aim);
	for (int s = 0; s < ROP_SLOTS; s++)
		now->slots_to_move += aim[s] != now->owner[s];
	now->aim = aim;
}
