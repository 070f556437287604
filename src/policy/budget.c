/* budget.c - how much of a cluster what we do unforced may disturb (spec.disruption). */
#include "budget.h"

#include "copies.h"
#include "drained.h"
#include "guard.h"
#include "rop/text.h"

/* ---- shards ---------------------------------------------------------------------------------------------------- */

int budget_shards(const struct rop_situation *now)
{
	int minority = ((int)now->layout.n - 1) / 2, declared = now->topology->disruption.shards_at_once;
	int n = declared < minority ? declared : minority;
	return n < 1 ? 1 : n;
}

/* One of its nodes is silent, because somebody drains the host: who. -1: none. */
static int drained_and_silent(const struct rop_situation *now, size_t shard)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (now->layout.shard_of[i] == (int)shard && drained_is(now, i) && !rop_answers(now->seen, i))
			return (int)i;
	return -1;
}

/* In this batch, or asked for and not seen yet, or seen and not by all. */
static bool is_on_its_way(const struct rop_situation *now, const struct rop_batch *batch, int primary)
{
	const struct rop_handover *h = now->handover;
	for (size_t i = 0; i < batch->steps.n; i++)
		if (batch->steps.at[i].expect.kind == ROP_STEP_FAILOVER && batch->steps.at[i].peer == primary)
			return true;
	return guard_is_handing_over(now, now->seen->nodes[primary].id) ||
	       (h && h->from == primary && h->handed_over && !h->confirmed);
}

static const char *disturbed(const struct rop_situation *now, const struct rop_batch *batch, size_t shard,
			     bool for_drain)
{
	const struct rop_shard *it = &now->layout.shards[shard];
	int silent = for_drain ? -1 : drained_and_silent(now, shard);
	if (silent >= 0)
		return rop_printf(now->arena, "%s of shard %d is silent, as its host is drained",
				  now->seen->nodes[silent].address, it->number);
	if (it->primary >= 0 && is_on_its_way(now, batch, it->primary))
		return rop_printf(now->arena, "shard %d is being handed over", it->number);
	return NULL;
}

const char *budget_of_shard(const struct rop_situation *now, const struct rop_batch *batch, size_t primary,
			    bool for_drain)
{
	int own = now->layout.shard_of[primary], n = 0, most = budget_shards(now);
	const char *first = NULL;
	for (size_t k = 0; k < now->layout.n; k++) {
		const char *why = (int)k == own ? NULL : disturbed(now, batch, k, for_drain);
		n += why != NULL;
		first = first ? first : why;
	}
	if (n < most)
		return NULL;
	return rop_printf(now->arena, "%s; not more than %d shard%s at once (spec.disruption)", first, most,
			  rop_plural(most));
}

/* ---- copies ---------------------------------------------------------------------------------------------------- */

size_t budget_keeps(const struct rop_situation *now, size_t primary)
{
	size_t wanted = copies_wanted(now, primary), keeps = (size_t)now->topology->disruption.keep_copies;
	return wanted < keeps ? wanted : keeps;
}

size_t budget_copies(const struct rop_situation *now, size_t primary, size_t but)
{
	size_t n = 0;
	for (size_t i = 0; i < now->seen->n; i++)
		n += i != but && i != primary && !drained_is(now, i) && copies_root(now->seen, i) == (int)primary &&
		     copies_state(now, i) == COPY_READY;
	return n;
}

const char *budget_of_copy(const struct rop_situation *now, size_t primary, size_t node)
{
	size_t keeps = budget_keeps(now, primary), left = budget_copies(now, primary, node);
	if (left >= keeps)
		return NULL;
	return rop_printf(now->arena,
			  "without %s shard %d would have %zu replica%s in sync, and is to keep %zu "
			  "(spec.disruption.keepCopies)",
			  now->seen->nodes[node].address, now->layout.shards[now->layout.shard_of[primary]].number,
			  left, rop_plural((int64_t)left), keeps);
}

/* ---- hosts that are drained ------------------------------------------------------------------------------------- */

const char *budget_of_role(const struct rop_situation *now, size_t node)
{
	return drained_is(now, node) ? rop_printf(now->arena, "%s gets no new role: %s", now->seen->nodes[node].address,
						  drained_words(now, node))
				     : NULL;
}

const char *budget_of_optional(const struct rop_situation *now)
{
	if (!now->host_drained)
		return NULL;
	return rop_printf(now->arena, "it waits: %s", rop_drained_sentence(now->arena, &now->drains.at[0]));
}
