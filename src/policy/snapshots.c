/* snapshots.c - which nodes a backup is taken from, so that each key is in just one snapshot. */
#include <stdlib.h>
#include <string.h>

#include "copies.h"
#include "policy.h"
#include "rop/snapshots.h"

static void add_source(const struct rop_situation *now, struct rop_snapshot *shard, size_t node)
{
	const struct rop_node *n = &now->seen->nodes[node];
	*rop_push(now->arena,
		  &shard->sources) = (struct rop_snapshot_source){ .id = n->id,
								   .address = n->address,
								   .ip = n->ip,
								   .flavour = n->flavour ? n->flavour : "unknown",
								   .port = n->port,
								   .replica = n->role == ROP_ROLE_REPLICA };
}

/* The best first; equal ones as they are declared. Not from who leaves: it may be gone before the end. */
static void add_replicas(const struct rop_situation *now, struct rop_snapshot *shard, size_t primary)
{
	size_t n;
	const int *nodes = rop_witnesses(now->arena, now, primary, &n);
	bool *taken = rop_alloc_n(now->arena, n + 1, sizeof *taken);
	for (size_t i = 0; i < n; i++)
		taken[i] = (size_t)nodes[i] >= now->seen->n;
	for (;;) {
		size_t best = n;
		for (size_t i = 0; i < n; i++)
			if (!taken[i] &&
			    (best == n || now->seen->nodes[nodes[i]].offset > now->seen->nodes[nodes[best]].offset))
				best = i;
		if (best == n)
			return;
		taken[best] = true;
		add_source(now, shard, (size_t)nodes[best]);
	}
}

static int number_of(const struct rop_situation *now, size_t primary)
{
	int shard = now->layout.shard_of ? now->layout.shard_of[primary] : -1;
	return shard >= 0 ? now->layout.shards[shard].number : 0;
}

static bool owned_by_one(const struct rop_situation *now, struct rop_err *err)
{
	struct rop_slots nobodys = { 0 };
	if (rop_slots_empty(&now->owned))
		return rop_fail(err, ROP_REFUSED, "the cluster is not formed: nobody owns its slots");
	rop_slots_add(&nobodys, 0, ROP_SLOTS - 1);
	rop_slots_drop(&nobodys, &now->owned);
	if (!rop_slots_empty(&nobodys))
		return rop_fail(err, ROP_REFUSED,
				"nobody that is known owns the slots %s: their keys could not be told",
				rop_slots_text(now->arena, &nobodys));
	return now->owner || rop_fail(err, ROP_REFUSED, "the cluster is not formed: its nodes do not agree yet");
}

/* Keys of a slot that is on its way are in two places, or in none at the moments of the snapshots. */
static bool nothing_moves(const struct rop_situation *now, struct rop_err *err)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (!rop_answers(now->seen, i))
			continue;
		if (node->open_slots)
			return rop_fail(err, ROP_REFUSED,
					"slots are on their way from one shard to another (%d at %s): a key could be "
					"in two snapshots, or in none\n  -> try again when they have arrived",
					node->open_slots, node->address);
		for (size_t j = 0; j < node->n_jobs; j++)
			if (node->jobs[j].state == ROP_JOB_RUNS)
				return rop_fail(err, ROP_REFUSED,
						"%s moves slots to another shard: a key could be in two snapshots, or "
						"in none\n  -> try again when they have arrived",
						node->address);
	}
	return true;
}

static int by_number(const void *a, const void *b)
{
	const struct rop_snapshot *one = a, *other = b;
	return (one->number > other->number) - (one->number < other->number);
}

/* Files are named after them. */
static void number_apart(struct rop_snapshots *all)
{
	bool apart = all->shards.n == 0 || all->shards.at[0].number > 0;
	for (size_t i = 1; i < all->shards.n; i++)
		apart = apart && all->shards.at[i].number > all->shards.at[i - 1].number;
	for (size_t i = 0; !apart && i < all->shards.n; i++)
		all->shards.at[i].number = (int)i + 1;
}

bool rop_snapshots_choose(const struct rop_situation *now, struct rop_snapshots *ret_snapshots, struct rop_err *err)
{
	struct rop_snapshots all = { 0 };
	if (!owned_by_one(now, err) || !nothing_moves(now, err))
		return false;
	for (size_t i = 0; i < now->seen->n; i++) {
		struct rop_snapshot shard = { .number = number_of(now, i) };
		for (int slot = 0; slot < ROP_SLOTS; slot++)
			if (now->owner[slot] == (int)i)
				rop_slots_add(&shard.slots, slot, slot);
		if (rop_slots_empty(&shard.slots))
			continue;
		if (!rop_answers(now->seen, i))
			return rop_fail(
				err, ROP_UNREACHABLE,
				"%s owns the slots %s and does not answer (%s): what is newest of them cannot be "
				"told",
				now->seen->nodes[i].address, rop_slots_text(now->arena, &shard.slots),
				now->seen->nodes[i].reach_why);
		const char *open = copies_doubted(now, i);
		if (open)
			return rop_fail(err, ROP_REFUSED, "who leads the shard of %s is open: %s",
					now->seen->nodes[i].address, open);
		add_replicas(now, &shard, i);
		add_source(now, &shard, i);
		*rop_push(now->arena, &all.shards) = shard;
	}
	qsort(all.shards.at, all.shards.n, sizeof *all.shards.at, by_number);
	number_apart(&all);
	*ret_snapshots = all;
	return true;
}

static const char *leader(const struct rop_snapshot *shard)
{
	return shard->sources.at[shard->sources.n - 1].id;
}

bool rop_snapshots_same(const struct rop_snapshots *before, const struct rop_snapshots *after, struct rop_err *err)
{
	bool same = before->shards.n == after->shards.n;
	for (size_t i = 0; same && i < before->shards.n; i++) {
		const struct rop_snapshot *one = &before->shards.at[i], *other = &after->shards.at[i];
		same = memcmp(&one->slots, &other->slots, sizeof one->slots) == 0;
		if (same && strcmp(leader(one), leader(other)) != 0)
			return rop_fail(
				err, ROP_FAIL,
				"another node came to lead shard %d while the backup was made: what was written "
				"just then may be in no snapshot\n  -> take it again",
				one->number);
	}
	return same || rop_fail(err, ROP_FAIL,
				"slots changed hands while the backup was made: a key could be in two snapshots, or in "
				"none\n  -> take it again");
}
