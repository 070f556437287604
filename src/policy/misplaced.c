/* misplaced.c - shards that had better be led by another node, as after fail-overs: more of them than need be are led
 * from one host, or from one zone. The best that the replicas there are allow is what spread.c finds; who may take a
 * shard over unasked is what choice.c says. Only of a cluster that is as declared, and while nothing else is going on.
 */
#include "misplaced.h"

#include <string.h>

#include "handover.h"
#include "placement.h"
#include "rop/permissions.h"
#include "rop/text.h"
#include "spread.h"

#define WARNINGS_MAX 5

/* ---- where they are led from ---------------------------------------------------------------------------------------
 */

static bool is_quiet(const struct rop_situation *now)
{
	const struct rop_wish *wish = &now->image->wish;
	return now->formed && rop_situation_converged(now) && !now->waiting && (!now->gave_up || wish->id) &&
	       !now->host_drained && !now->to_take_over && !now->orphan && !now->leavers_watched &&
	       (!wish->id || rop_wish_is_repair(wish));
}

/* Of hosts: each is in one zone, and every node in some; else zones do not count. */
static size_t zones_of(const struct rop_situation *now, const struct placement *p, int *ret_zone_of, size_t n_hosts)
{
	size_t n = 0;
	for (size_t h = 0; h < n_hosts; h++)
		ret_zone_of[h] = -1;
	for (size_t i = 0; i < now->seen->n; i++) {
		int *zone = &ret_zone_of[p->host[i]];
		if (p->zone[i] < 0 || (*zone >= 0 && *zone != p->zone[i]))
			return 0;
		*zone = p->zone[i];
		n = (size_t)p->zone[i] >= n ? (size_t)p->zone[i] + 1 : n;
	}
	for (size_t h = 0; h < n_hosts; h++) /* of those that leave */
		ret_zone_of[h] = ret_zone_of[h] < 0 ? 0 : ret_zone_of[h];
	return n;
}

/* Who could lead a shard unasked, besides whoever does. */
static void find_options(const struct rop_situation *now, const struct placement *p, struct spread *s)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		int shard = now->layout.shard_of[i], from = shard < 0 ? -1 : now->layout.shards[shard].primary;
		if (from < 0 || from == (int)i || p->host[i] == p->host[from])
			continue;
		const struct rop_wish wish = { .shard = now->layout.shards[shard].number };
		const struct rop_handover h = { .now = now, .wish = &wish, .from = from, .to = (int)i };
		if (!(now->seen->nodes[i].forbidden & ROP_PERMIT(FAILOVER)) && !handover_why_not(&h, i))
			*rop_push(now->arena, &s->options) = (struct spread_option){ shard, p->host[i], (int)i };
	}
}

/* ---- told ---------------------------------------------------------------------------------------------------------
 */

static const char *how_many(const struct rop_situation *now, int n)
{
	return n ? rop_printf(now->arena, "%d", n) : "none";
}

static int *loads(const struct rop_situation *now, const int *group)
{
	int *load = rop_alloc_n(now->arena, now->seen->n + now->topology->nodes.n + 1, sizeof *load);
	for (size_t k = 0; k < now->layout.n; k++)
		if (group[now->layout.shards[k].primary] >= 0)
			load[group[now->layout.shards[k].primary]]++;
	return load;
}

/* What is wrong with it, as it is now: "3 of 3 shards are led from zone a, and none from zone b". */
static const char *what_is_wrong(const struct rop_situation *now, const struct placement *p, int from, int to)
{
	const struct rop_declared_node *nodes = now->topology->nodes.at;
	const int *hosts = loads(now, p->host), *zones = loads(now, p->zone);
	int host = hosts[p->host[from]], there = hosts[p->host[to]], of = (int)now->layout.n;
	if (host > there + 1)
		return rop_printf(now->arena, "%d of %d shards are led from host %s, and %s from %s", host, of,
				  nodes[from].host, how_many(now, there), nodes[to].host);
	if (p->zone[from] >= 0 && p->zone[to] >= 0 && zones[p->zone[from]] > zones[p->zone[to]] + 1)
		return rop_printf(now->arena, "%d of %d shards are led from zone %s, and %s from zone %s",
				  zones[p->zone[from]], of, nodes[from].zone, how_many(now, zones[p->zone[to]]),
				  nodes[to].zone);
	return "more shards than need be are led from one host or zone";
}

static void tell(struct rop_situation *now, const struct rop_misplaced *it)
{
	const char *file = now->topology->path ? now->topology->path : "FILE", *to = now->seen->nodes[it->to].address;
	policy_warn(now, it->from, ROP_WHY_MISPLACED, it->text,
		    now->topology->repair_placement
			    ? rop_printf(now->arena, "`redis-operator apply %s` hands it over (spec.placement.repair)",
					 file)
			    : rop_printf(now->arena, "`redis-operator failover %s %s`", file, to));
}

static void note(struct rop_situation *now, const struct placement *p, const struct spread_move *move)
{
	const struct rop_shard *shard = &now->layout.shards[move->shard];
	struct rop_misplaced *it = rop_push(now->arena, &now->misplaced);
	*it = (struct rop_misplaced){ .shard = shard->number, .from = shard->primary, .to = move->node };
	it->why = what_is_wrong(now, p, it->from, it->to);
	it->text = rop_printf(now->arena, "%s: shard %d had better be led by %s than by %s", it->why, it->shard,
			      now->seen->nodes[it->to].address, now->seen->nodes[it->from].address);
	if (now->misplaced.n <= WARNINGS_MAX)
		tell(now, it);
}

void policy_find_misplaced(struct rop_situation *now)
{
	struct placement p;
	struct spread s = { .arena = now->arena, .n_shards = now->layout.n };
	size_t n_moves;
	if (!is_quiet(now))
		return;
	placement_init(&p, now->arena, now->topology, 0, 0);
	int *host_of = rop_alloc_n(now->arena, now->layout.n + 1, sizeof *host_of), *zone_of;
	for (size_t i = 0; i < p.n; i++)
		s.n_hosts = (size_t)p.host[i] >= s.n_hosts ? (size_t)p.host[i] + 1 : s.n_hosts;
	zone_of = rop_alloc_n(now->arena, s.n_hosts + 1, sizeof *zone_of);
	for (size_t k = 0; k < now->layout.n; k++) {
		if (now->layout.shards[k].primary < 0)
			return;
		host_of[k] = p.host[now->layout.shards[k].primary];
	}
	s.host_of = host_of;
	s.zone_of = zone_of;
	s.n_zones = zones_of(now, &p, zone_of, s.n_hosts);
	if (!spread_is_uneven(&s))
		return;
	find_options(now, &p, &s);
	const struct spread_move *moves = spread_out(&s, &n_moves);
	for (size_t i = 0; i < n_moves; i++)
		note(now, &p, &moves[i]);
	if (n_moves > WARNINGS_MAX)
		policy_warn(now, -1, ROP_WHY_MISPLACED,
			    rop_printf(now->arena, "and %zu more shards had better be led by other nodes",
				       n_moves - WARNINGS_MAX),
			    NULL);
}

/* ---- the wish that is made of it --------------------------------------------------------------------------------- */

bool misplaced_wants(const struct rop_situation *now, const struct rop_wish *wish)
{
	if (!rop_wish_is_repair(wish))
		return true;
	for (size_t i = 0; i < now->misplaced.n && now->topology->repair_placement; i++)
		if (strcmp(now->seen->nodes[now->misplaced.at[i].from].id, wish->primary) == 0 &&
		    strcmp(now->seen->nodes[now->misplaced.at[i].to].id, wish->node) == 0)
			return true;
	return false;
}
