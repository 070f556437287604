/* swaps.c - shards whose nodes are all on one host, or in one zone, though another one's replica could change places
 * with one of theirs. That copies both shards' data anew, so that it is only said: whoever wants it declares it.
 */
#include "alike.h"
#include "budget.h"
#include "misplaced.h"
#include "placement.h"
#include "rop/text.h"

#define SAID_MAX 3

static bool follows_in(const struct rop_situation *now, size_t node, size_t shard)
{
	return now->layout.shard_of[node] == (int)shard && now->layout.shards[shard].primary != (int)node;
}

/* It follows, and at least one does. ret_host: what they share is the host, else the zone. */
static bool is_all_together(const struct rop_situation *now, const struct placement *p, size_t shard, bool *ret_host)
{
	int primary = now->layout.shards[shard].primary;
	bool host = !p->one_host, zone = primary >= 0 && p->zone[primary] >= 0, any = false;
	for (size_t i = 0; primary >= 0 && i < now->seen->n; i++) {
		if (!follows_in(now, i, shard))
			continue;
		any = true;
		host &= p->host[i] == p->host[primary];
		zone &= p->zone[i] == p->zone[primary];
	}
	*ret_host = host;
	return any && (host || zone);
}

/* In the place of `instead`: apart from all others there. */
static bool fits(const struct rop_situation *now, const struct placement *p, size_t node, size_t shard, size_t instead,
		 int level)
{
	int primary = now->layout.shards[shard].primary;
	if (primary < 0 || alike_cannot_load(now, node, (size_t)primary))
		return false;
	for (size_t i = 0; i < now->seen->n; i++)
		if (i != instead && now->layout.shard_of[i] == (int)shard &&
		    !placement_apart(p, (int)i, (int)node, level))
			return false;
	return true;
}

static bool may_move(const struct rop_situation *now, size_t node)
{
	int shard = now->layout.shard_of[node];
	return shard >= 0 && follows_in(now, node, (size_t)shard) && !now->topology->nodes.at[node].shard;
}

static bool find_swap(const struct rop_situation *now, const struct placement *p, size_t shard, int level,
		      size_t *ret_own, size_t *ret_other)
{
	for (size_t own = 0; own < now->seen->n; own++) {
		if (!follows_in(now, own, shard) || !may_move(now, own))
			continue;
		for (size_t other = 0; other < now->seen->n; other++) {
			if (now->layout.shard_of[other] == (int)shard || !may_move(now, other) ||
			    !fits(now, p, other, shard, own, level) ||
			    !fits(now, p, own, (size_t)now->layout.shard_of[other], other, level))
				continue;
			*ret_own = own;
			*ret_other = other;
			return true;
		}
	}
	return false;
}

/* Who lets go of a replica is to keep as many. */
static const char *what_it_takes(const struct rop_situation *now, size_t own, size_t other)
{
	const size_t nodes[] = { own, other };
	for (size_t i = 0; i < 2; i++) {
		size_t primary = (size_t)now->layout.shards[now->layout.shard_of[nodes[i]]].primary;
		if (budget_of_copy(now, primary, nodes[i]))
			return ", and `disruption: { keepCopies: 0 }` for that time: no other replica is in sync then";
	}
	return "";
}

static void say(struct rop_situation *now, size_t shard, bool host, size_t own, size_t other)
{
	const struct rop_declared_node *at = &now->topology->nodes.at[own];
	const struct rop_node *nodes = now->seen->nodes;
	int number = now->layout.shards[shard].number, its = now->layout.shards[now->layout.shard_of[other]].number;
	const char *text = rop_printf(now->arena,
				      "all nodes of shard %d are %s %s: %s and %s of shard %d had better change places",
				      number, host ? "on host" : "in zone", host ? at->host : at->zone,
				      nodes[own].address, nodes[other].address, its);
	policy_warn(now, (int)own, ROP_WHY_MISPLACED, text,
		    rop_printf(now->arena, "declare `shard: %d` for %s and `shard: %d` for %s%s", its,
			       nodes[own].address, number, nodes[other].address, what_it_takes(now, own, other)));
	*rop_push(now->arena, &now->swaps) = (struct rop_misplaced){
		.shard = number, .from = (int)own, .to = (int)other, .why = text, .text = text
	};
}

void policy_find_swaps(struct rop_situation *now)
{
	struct placement p;
	bool host;
	if (!misplaced_is_quiet(now))
		return;
	placement_init(&p, now->arena, now->topology, 0, 0);
	for (size_t k = 0; k < now->layout.n && now->swaps.n < SAID_MAX; k++) {
		size_t own, other;
		if (is_all_together(now, &p, k, &host) &&
		    (find_swap(now, &p, k, 0, &own, &other) || (host && find_swap(now, &p, k, 1, &own, &other))))
			say(now, k, host, own, other);
	}
}
