/* choice.c - which replica is to lead its shard: who may, and who is the best of them (rop_handover says in what
 * order).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alike.h"
#include "copies.h"
#include "drained.h"
#include "guard.h"
#include "handover.h"
#include "rop/permissions.h"

#define LAG_STEP 65536 /* bytes */

/* ---- who may ------------------------------------------------------------------------------------------------- */

/* Of the shard, someone that could not load what it sends, and would be left without a copy. */
static const char *leaves_behind(const struct rop_handover *h, size_t heir)
{
	const struct rop_situation *now = h->now;
	for (size_t i = 0; i < now->seen->n; i++)
		if (i != heir && ((int)i == h->from || now->seen->nodes[i].primary == h->from) &&
		    alike_cannot_load(now, i, heir))
			return rop_printf(now->arena, "is newer than %s, which could not load its data",
					  now->seen->nodes[i].address);
	return NULL;
}

/* The link to its primary does not stand as it must: how. */
static const char *not_in_sync(const struct rop_handover *h, size_t i)
{
	const struct rop_observed *seen = h->now->seen;
	const struct rop_node *node = &seen->nodes[i];
	if (node->syncing)
		return "is taking over its primary's data still";
	if (!node->link_up)
		return "has no link to its primary";
	if (!rop_answers(seen, (size_t)h->from))
		return "is not known to be in sync: its primary does not answer";
	return copies_in_sync(seen, i, (size_t)h->from) ? NULL : "is not listed as online by its primary";
}

static bool is_set(const struct rop_situation *now, size_t i, const char *name)
{
	const char *value = rop_observed_value(now->seen, i, name);
	return value && strcasecmp(value, "yes") == 0;
}

/* What its own configuration says against what happens unasked. */
static const char *not_meant_to(const struct rop_handover *h, size_t i)
{
	if (h->wish->node[0])
		return NULL;
	if (is_set(h->now, i, GUARD_NO_FAILOVER))
		return "has " GUARD_NO_FAILOVER " set; it can be named";
	return h->now->seen->nodes[i].priority == 0 ? "has replica-priority 0; it can be named" : NULL;
}

const char *handover_why_not(const struct rop_handover *h, size_t i)
{
	const struct rop_situation *now = h->now;
	const struct rop_node *node = &now->seen->nodes[i];
	if (!rop_answers(now->seen, i))
		return rop_printf(now->arena, "does not answer (%s)", node->reach_why ? node->reach_why : "no reply");
	if (node->leaving)
		return "is to leave";
	if (drained_is(now, i))
		return drained_words(now, i);
	int label = now->topology->nodes.at[i].shard;
	if (label && label != h->wish->shard)
		return rop_printf(now->arena, "is declared for shard %d", label);
	if (node->primary != h->from)
		return rop_printf(now->arena, "follows %s, which is a replica itself",
				  node->primary >= 0 ? now->seen->nodes[node->primary].address : "another node");
	const char *why = not_in_sync(h, i);
	if (!why)
		why = not_meant_to(h, i);
	return why ? why : leaves_behind(h, i);
}

static int64_t lag_of(const struct rop_handover *h, const struct rop_node *node)
{
	int64_t written = h->now->seen->nodes[h->from].offset;
	if (written < 0 || node->offset < 0 || !rop_node_answers(node))
		return -1;
	return written > node->offset ? written - node->offset : 0; /* it was asked a moment later */
}

/* ---- the best ------------------------------------------------------------------------------------------------- */

struct rank { /* the smaller the better, the first one before all others */
	int64_t by[6];
	struct rop_candidate candidate;
};

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static int led_on_host(const struct rop_handover *h, const char *host)
{
	const struct rop_situation *now = h->now;
	int n = 0;
	for (size_t k = 0; k < now->layout.n; k++) {
		int primary = now->layout.shards[k].primary;
		n += primary >= 0 && primary != h->from && same(now->topology->nodes.at[primary].host, host);
	}
	return n;
}

static void add(const struct rop_handover *h, size_t i, struct rank *ret)
{
	const struct rop_declared_node *it = &h->now->topology->nodes.at[i],
				       *from = &h->now->topology->nodes.at[h->from];
	const struct rop_node *node = &h->now->seen->nodes[i];
	const char *why = handover_why_not(h, i);
	bool denied = !why && node->forbidden & ROP_PERMIT(FAILOVER);
	if (denied)
		why = rop_printf(h->now->arena, "does not let user '%s' run cluster|failover", policy_user(h->now));
	ret->candidate = (struct rop_candidate){
		.node = (int)i, .ready = !why, .lag = lag_of(h, node), .why = why, .denied = denied
	};
	int64_t lag = ret->candidate.lag < 0 ? INT64_MAX : ret->candidate.lag / LAG_STEP;
	const int64_t by[] = {
		why != NULL, lag, same(it->zone, from->zone), same(it->host, from->host), led_on_host(h, it->host),
		(int64_t)i
	};
	memcpy(ret->by, by, sizeof by);
}

static int better_first(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;
	for (size_t k = 0; k < sizeof x->by / sizeof *x->by; k++)
		if (x->by[k] != y->by[k])
			return x->by[k] < y->by[k] ? -1 : 1;
	return 0;
}

void handover_find_candidates(struct rop_handover *h)
{
	const struct rop_situation *now = h->now;
	struct rank *ranks = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *ranks);
	size_t n = 0;
	for (size_t i = 0; i < now->seen->n; i++)
		if ((int)i != h->from && now->seen->nodes[i].role == ROP_ROLE_REPLICA &&
		    copies_root(now->seen, i) == h->from)
			add(h, i, &ranks[n++]);
	qsort(ranks, n, sizeof *ranks, better_first);
	for (size_t k = 0; k < n; k++)
		*rop_push(now->arena, &h->candidates) = ranks[k].candidate;
}
