/* misplaced.c - shards that had better be led by another node, as after fail-overs: more of them than need be are led
 * from one host, or from one zone, and worse so than the cluster would be formed as. The best that the replicas there
 * are allow is what spread.c finds, and the way there is gone until it is as good as formed afresh; who may take a
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

bool misplaced_is_quiet(const struct rop_situation *now)
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

/* ---- as it would be formed ----------------------------------------------------------------------------------------
 */

struct loads { /* shards that are led from each host, and from each zone */
	const struct spread *s;
	int *hosts, *zones;
};

static struct loads no_loads(const struct rop_situation *now, const struct spread *s)
{
	return (struct loads){ s, rop_alloc_n(now->arena, s->n_hosts + 1, sizeof(int)),
			       rop_alloc_n(now->arena, s->n_zones + 1, sizeof(int)) };
}

static void lead(struct loads *loads, int host, int by)
{
	loads->hosts[host] += by;
	if (loads->s->n_zones)
		loads->zones[loads->s->zone_of[host]] += by;
}

static int64_t squares(const int *load, size_t n)
{
	int64_t sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (int64_t)load[i] * load[i];
	return sum;
}

static bool is_worse(const struct loads *a, const struct loads *b)
{
	int64_t more = squares(a->hosts, a->s->n_hosts) - squares(b->hosts, b->s->n_hosts);
	return more ? more > 0 : squares(a->zones, a->s->n_zones) > squares(b->zones, b->s->n_zones);
}

/* The file says who leads at first, by its order: what it would be formed as is good enough. */
static struct loads formed_afresh(const struct rop_situation *now, const struct placement *p, const struct spread *s)
{
	struct loads loads = no_loads(now, s);
	struct rop_layout fresh;
	rop_layout_make(now->arena, now->topology, policy_blank(now->arena, now->seen), NULL, 0, NULL, &fresh);
	for (size_t k = 0; k < fresh.n; k++)
		if (fresh.shards[k].primary >= 0)
			lead(&loads, p->host[fresh.shards[k].primary], 1);
	return loads;
}

/* ---- told ---------------------------------------------------------------------------------------------------------
 */

static const char *how_many(const struct rop_situation *now, int n)
{
	return n ? rop_printf(now->arena, "%d", n) : "none";
}

/* What is wrong with it, as it is now: "3 of 3 shards are led from zone a, and none from zone b". */
static const char *what_is_wrong(const struct rop_situation *now, const struct placement *p, const struct loads *is,
				 int from, int to)
{
	const struct rop_declared_node *nodes = now->topology->nodes.at;
	int here = is->hosts[p->host[from]], there = is->hosts[p->host[to]], of = (int)now->layout.n;
	if (here > there + 1)
		return rop_printf(now->arena, "%d of %d shards are led from host %s, and %s from %s", here, of,
				  nodes[from].host, how_many(now, there), nodes[to].host);
	here = is->s->n_zones ? is->zones[p->zone[from]] : 0;
	there = is->s->n_zones ? is->zones[p->zone[to]] : 0;
	if (here > there + 1)
		return rop_printf(now->arena, "%d of %d shards are led from zone %s, and %s from zone %s", here, of,
				  nodes[from].zone, how_many(now, there), nodes[to].zone);
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

static void note(struct rop_situation *now, const struct placement *p, const struct loads *is,
		 const struct spread_move *move)
{
	const struct rop_shard *shard = &now->layout.shards[move->shard];
	struct rop_misplaced *it = rop_push(now->arena, &now->misplaced);
	*it = (struct rop_misplaced){ .shard = shard->number, .from = shard->primary, .to = move->node };
	it->why = what_is_wrong(now, p, is, it->from, it->to);
	it->text = rop_printf(now->arena, "%s: shard %d had better be led by %s than by %s", it->why, it->shard,
			      now->seen->nodes[it->to].address, now->seen->nodes[it->from].address);
	if (now->misplaced.n <= WARNINGS_MAX)
		tell(now, it);
}

/* false: nobody is known to lead some shard. */
static bool begin(struct rop_situation *now, struct placement *p, struct spread *s)
{
	*s = (struct spread){ .arena = now->arena, .n_shards = now->layout.n };
	placement_init(p, now->arena, now->topology, 0, 0);
	for (size_t i = 0; i < p->n; i++)
		s->n_hosts = (size_t)p->host[i] >= s->n_hosts ? (size_t)p->host[i] + 1 : s->n_hosts;
	int *host_of = rop_alloc_n(now->arena, now->layout.n + 1, sizeof *host_of);
	int *zone_of = rop_alloc_n(now->arena, s->n_hosts + 1, sizeof *zone_of);
	for (size_t k = 0; k < now->layout.n; k++) {
		if (now->layout.shards[k].primary < 0)
			return false;
		host_of[k] = p->host[now->layout.shards[k].primary];
	}
	s->host_of = host_of;
	s->zone_of = zone_of;
	s->n_zones = zones_of(now, p, zone_of, s->n_hosts);
	return true;
}

/* One after the other, until it is as good as formed afresh. */
static void note_all(struct rop_situation *now, const struct placement *p, struct spread *s)
{
	struct loads fresh = formed_afresh(now, p, s), is = no_loads(now, s), then = no_loads(now, s);
	size_t n = 0;
	for (size_t k = 0; k < s->n_shards; k++) {
		lead(&is, s->host_of[k], 1);
		lead(&then, s->host_of[k], 1);
	}
	if (!is_worse(&is, &fresh))
		return;
	find_options(now, p, s);
	const struct spread_move *moves = spread_out(s, &n);
	for (size_t i = 0; i < n && is_worse(&then, &fresh); i++) {
		note(now, p, &is, &moves[i]);
		lead(&then, s->host_of[moves[i].shard], -1);
		lead(&then, p->host[moves[i].node], 1);
	}
}

void policy_find_misplaced(struct rop_situation *now)
{
	struct placement p;
	struct spread s;
	if (!misplaced_is_quiet(now) || !begin(now, &p, &s) || !spread_is_uneven(&s))
		return;
	note_all(now, &p, &s);
	if (now->misplaced.n > WARNINGS_MAX)
		policy_warn(now, -1, ROP_WHY_MISPLACED,
			    rop_printf(now->arena, "and %zu more shards had better be led by other nodes",
				       now->misplaced.n - WARNINGS_MAX),
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
