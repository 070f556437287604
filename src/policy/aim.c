/* aim.c - where the slots should be: the share of each shard, and the fewest moves that give it to each.
 *
 * Slots are moved where another number of shards is declared than own some; and where weights are declared, when a
 * shard is off its share by more than the tolerance. Else a cluster is left as it is, however its slots are spread.
 * What was begun is walked to its end: the tolerance decides whether to begin, never when to stop. Shares depend on
 * what is declared alone, so they stay meanwhile: shards that have too many slots give their highest ones, in the
 * order of their numbers, to shards that have too few, in the order of theirs, the lowest first; whatever part of that
 * was done, in whatever order, the rest is the same as before.
 */
#include <string.h>

#include "migrations.h"

struct aiming {
	const struct rop_situation *now;
	size_t n;       /* shards */
	int *by_number; /* [place] shards in the order of their numbers */
	int *shard_of;  /* [node] that it leads; -1: none */
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
	a->shard_of = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *a->shard_of);
	for (size_t i = 0; i < now->seen->n; i++)
		a->shard_of[i] = -1;
	for (size_t k = 0; k < a->n; k++) {
		if (now->layout.shards[k].primary < 0)
			return false;
		a->shard_of[now->layout.shards[k].primary] = (int)k;
	}
	for (int s = 0; s < ROP_SLOTS; s++) {
		if (now->owner[s] < 0 || a->shard_of[now->owner[s]] < 0)
			return false;
		a->owned[a->shard_of[now->owner[s]]]++;
	}
	return true;
}

/* Of shards that are not declared any more nothing stays. */
static void share_out(struct aiming *a)
{
	const struct rop_topology *t = a->now->topology;
	int *shares = rop_alloc_n(a->now->arena, (size_t)t->shards + 1, sizeof *shares);
	rop_shares(t->weights, t->shards, shares);
	for (size_t k = 0; k < a->n; k++) {
		int number = a->now->layout.shards[k].number;
		a->share[k] = number > t->shards ? 0 : shares[number - 1];
	}
}

bool rop_share_is_off(int64_t is, int64_t wanted)
{
	int64_t off = is > wanted ? is - wanted : wanted - is;
	return off * 100 > wanted * ROP_TOLERANCE_PERCENT;
}

/* A shard that is to have slots has none, or one has some that is to have none. Without weights another spread than an
 * even one is how somebody wanted it. */
static bool is_asked_for(const struct aiming *a)
{
	bool weighted = a->now->topology->weights != NULL;
	for (size_t k = 0; k < a->n; k++)
		if ((a->owned[k] > 0) != (a->share[k] > 0) || (weighted && rop_share_is_off(a->owned[k], a->share[k])))
			return true;
	return false;
}

/* All that are given, shard by shard in the order of numbers, each one's slots in theirs. */
static size_t find_given(const struct aiming *a, int *ret_given)
{
	size_t *end = rop_alloc_n(a->now->arena, a->n + 1, sizeof *end), n = 0;
	int *left = rop_alloc_n(a->now->arena, a->n + 1, sizeof *left);
	for (size_t place = 0; place < a->n; place++) {
		int k = a->by_number[place], too_many = a->owned[k] - a->share[k];
		left[k] = too_many > 0 ? too_many : 0;
		n += (size_t)left[k];
		end[k] = n;
	}
	for (int s = ROP_SLOTS - 1; s >= 0; s--) {
		int k = a->shard_of[a->now->owner[s]];
		if (left[k] > 0) {
			ret_given[--end[k]] = s;
			left[k]--;
		}
	}
	return n;
}

static void give(const struct aiming *a, int16_t *aim)
{
	int *given = rop_alloc_n(a->now->arena, ROP_SLOTS, sizeof *given);
	size_t n = find_given(a, given), next = 0;
	for (size_t place = 0; place < a->n; place++) {
		int k = a->by_number[place];
		for (int missing = a->share[k] - a->owned[k]; missing > 0 && next < n; missing--)
			aim[given[next++]] = (int16_t)a->now->layout.shards[k].primary;
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
