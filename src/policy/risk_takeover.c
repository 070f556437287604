/* risk_takeover.c - the guard's rules for a replica that is to lead its shard without a vote: where the servers cannot
 * vote, nobody is seen to lead the shard, and the replica is known to hold its data. What it costs is for a person.
 */
#include <inttypes.h>
#include <string.h>

#include "copies.h"
#include "risks.h"
#include "rop/takeover.h"
#include "rop/text.h"

/* ---- the shard ------------------------------------------------------------------------------------------------ */

/* Who answers makes a majority of the primaries: NULL, or how many do. */
static const char *majority(const struct rop_situation *now)
{
	const bool *owner = policy_owners(now->arena, now->seen);
	int owners = 0, answer = 0;
	for (size_t i = 0; i < now->seen->n; i++) {
		owners += owner[i];
		answer += owner[i] && rop_answers(now->seen, i);
	}
	if (!now->in_view && answer * 2 <= owners)
		return NULL;
	return rop_printf(now->arena,
			  "%d of %d primaries answer: with a majority of them the servers elect a replica "
			  "by their votes",
			  answer, owners);
}

/* Somebody who answers is in touch with it, as far as he has noticed. */
static const char *in_touch(const struct rop_situation *now, size_t lost)
{
	const struct rop_observed *seen = now->seen;
	for (size_t v = 0; v < seen->n; v++) {
		const struct rop_node *node = &seen->nodes[v];
		if (v == lost || !rop_answers(seen, v))
			continue;
		if (node->role == ROP_ROLE_REPLICA && node->primary == (int)lost && node->link_up)
			return rop_printf(
				now->arena,
				"the link of %s to %s is up: that one may be alive, though it does not answer "
				"here (a server notices after repl-timeout)",
				node->address, seen->nodes[lost].address);
		if (rop_bit(seen, seen->known, v, lost) && !rop_bit(seen, seen->failing, v, lost))
			return rop_printf(now->arena,
					  "%s does not see %s failing: it may be alive, though it does not answer here",
					  node->address, seen->nodes[lost].address);
	}
	return NULL;
}

static const char *led_by_another(const struct rop_situation *now, size_t lost)
{
	const struct rop_slots *slots = &now->seen->nodes[lost].slots;
	for (size_t j = 0; j < now->seen->n; j++)
		if (j != lost && rop_answers(now->seen, j) && rop_slots_meet(&now->seen->nodes[j].slots, slots))
			return rop_printf(now->arena, "%s leads slots of that shard", now->seen->nodes[j].address);
	return rop_slots_empty(slots) ? rop_printf(now->arena, "%s owns no slot, as far as anybody who answers knows",
						   now->seen->nodes[lost].address)
				      : NULL;
}

/* One that answers; NULL: none does. */
static const char *replica_of(const struct rop_situation *now, size_t lost)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (rop_answers(now->seen, i) && now->seen->nodes[i].role == ROP_ROLE_REPLICA &&
		    now->seen->nodes[i].primary == (int)lost)
			return now->seen->nodes[i].address;
	return NULL;
}

static const char *advice_with_majority(const struct rop_situation *now, size_t lost)
{
	if (now->unserved_advice)
		return now->unserved_advice;
	if (replica_of(now, lost))
		return "wait for them: the servers elect it some seconds after the node timeout";
	return rop_printf(
		now->arena,
		"no replica of it answers, so nobody can lead it: start %s or its replicas again, first the one "
		"that has its data on disk",
		now->seen->nodes[lost].address);
}

const char *risk_takeover_of(const struct rop_situation *now, size_t lost, const char **ret_advice)
{
	const struct rop_node *node = &now->seen->nodes[lost];
	const char *file = now->topology->path ? now->topology->path : "FILE", *why = NULL;
	*ret_advice = NULL;
	if (rop_answers(now->seen, lost)) {
		const char *replica = replica_of(now, lost);
		*ret_advice = rop_printf(now->arena, "to hand it over without a loss: `redis-operator failover %s %s`",
					 file, replica ? replica : "NODE");
		return rop_printf(now->arena, "%s answers, and leads it", node->address);
	}
	if (node->reach != ROP_REACH_SILENT)
		return rop_printf(now->arena, "%s is there: %s", node->address, node->reach_why);
	why = majority(now);
	if (why) {
		*ret_advice = advice_with_majority(now, lost);
		return why;
	}
	why = in_touch(now, lost);
	return why ? why : led_by_another(now, lost);
}

/* ---- the replica ---------------------------------------------------------------------------------------------- */

/* What is remembered of the shard that owned these slots; NULL: nothing. */
static const struct rop_shard_memory *shard_of(const struct rop_situation *now, size_t lost)
{
	for (size_t s = 0; s < now->image->shards.n; s++) {
		const struct rop_shard_memory *shard = &now->image->shards.at[s];
		struct rop_slots had;
		if (rop_slots_parse(shard->slots, &had) && rop_slots_meet(&had, &now->seen->nodes[lost].slots) &&
		    rop_shard_had(shard, now->seen->nodes[lost].id))
			return shard;
	}
	return NULL;
}

static const struct rop_copy_memory *led_then(const struct rop_situation *now, size_t lost)
{
	const struct rop_shard_memory *shard = shard_of(now, lost);
	const struct rop_copy_memory *led = shard ? rop_shard_led(shard) : NULL;
	return led && strcmp(led->node, now->seen->nodes[lost].id) == 0 ? led : NULL;
}

/* What was not seen there is not taken for there: a replica that was pointed at the shard just before may hold another
 * one's keys, and one that was never linked none. */
static const char *unproven(const struct rop_situation *now, size_t lost, size_t heir)
{
	const struct rop_shard_memory *shard = shard_of(now, lost);
	const struct rop_copy_memory *led = led_then(now, lost);
	const struct rop_node *node = &now->seen->nodes[heir];
	if (!shard || !rop_shard_had(shard, node->id))
		return "was never seen in sync with it: nobody knows that it holds the shard's data";
	if (node->keys > 0 || (led && led->keys == 0))
		return NULL;
	if (led && led->keys > 0)
		return rop_printf(now->arena,
				  "holds no key, and its primary had %" PRId64 " when they were counted last",
				  led->keys);
	return "holds no key, and nobody knows how many its primary had";
}

const char *risk_takeover_by(const struct rop_situation *now, size_t lost, size_t heir)
{
	const struct rop_node *node = &now->seen->nodes[heir];
	if (!rop_answers(now->seen, heir))
		return rop_printf(now->arena, "does not answer (%s)", node->reach_why ? node->reach_why : "no reply");
	if (node->role != ROP_ROLE_REPLICA || node->primary != (int)lost)
		return rop_printf(now->arena, "does not follow %s", now->seen->nodes[lost].address);
	if (node->syncing)
		return "was taking over its primary's data: what it had is gone, or going";
	if (node->keys < 0)
		return rop_printf(now->arena,
				  "does not tell how many keys it holds%s%s: unknown is not taken for there",
				  node->refused ? ", without permission for " : "", node->refused ? node->refused : "");
	return unproven(now, lost, heir);
}

int64_t risk_takeover_lag(const struct rop_situation *now, size_t lost, size_t heir)
{
	const struct rop_copy_memory *led = led_then(now, lost);
	int64_t offset = now->seen->nodes[heir].offset;
	if (!led || led->offset < 0 || offset < 0)
		return -1;
	return led->offset > offset ? led->offset - offset : 0;
}

/* ---- the price ------------------------------------------------------------------------------------------------ */

static const char *how_far(const struct rop_situation *now, size_t lost, size_t heir)
{
	const struct rop_node *node = &now->seen->nodes[heir];
	const struct rop_copy_memory *led = led_then(now, lost);
	int64_t lag = risk_takeover_lag(now, lost, heir);
	const char *had = "", *cut = "";
	if (led && led->keys > 0) /* none is what a cluster that was just formed has, and says nothing of later */
		had = rop_printf(now->arena, ", where %s had %" PRId64 " when they were counted last, %s ago",
				 now->seen->nodes[lost].address, led->keys, copies_ago(now, led->seen_wall_ms));
	if (node->link_down_s >= 0)
		cut = rop_printf(now->arena, "; it has been cut off for %" PRId64 " s", node->link_down_s);
	const char *behind = "how far it is behind is not known";
	if (lag >= 0)
		behind = rop_printf(now->arena, "it is %" PRId64 " byte%s behind what was seen written then", lag,
				    rop_plural(lag));
	return rop_printf(now->arena, "%s has %" PRId64 " key%s%s; %s%s", node->address, node->keys,
			  rop_plural(node->keys), had, behind, cut);
}

/* A copy that got further is left behind by this one; NULL: none. */
static const char *further_on(const struct rop_situation *now, size_t lost, size_t heir)
{
	const struct rop_observed *seen = now->seen;
	for (size_t i = 0; i < seen->n; i++)
		if (i != heir && !risk_takeover_by(now, lost, i) && seen->nodes[i].offset > seen->nodes[heir].offset)
			return rop_printf(now->arena, " %s got further, by %" PRId64 " bytes: they are lost, too.",
					  seen->nodes[i].address, seen->nodes[i].offset - seen->nodes[heir].offset);
	return "";
}

static const char *price(const struct rop_situation *now, int shard, size_t lost, size_t heir)
{
	const char *from = now->seen->nodes[lost].address, *to = now->seen->nodes[heir].address;
	return rop_printf(
		now->arena,
		"%s would lead shard %d without a vote. %s: what %s took in since is lost.%s If %s, or those "
		"who do not answer, live on in another part of the network, they may serve the shard still, or "
		"have elected another primary there: then two primaries take writes, and when they meet what "
		"one of them took in is thrown away",
		to, shard, how_far(now, lost, heir), from, further_on(now, lost, heir), from);
}

struct guard risk_of_unvoted(const struct rop_situation *now, const struct rop_step *step)
{
	size_t heir = (size_t)step->node, lost = (size_t)step->peer;
	const char *advice, *why = risk_takeover_of(now, lost, &advice);
	if (!why && guard_hands_over(now, -1))
		why = "a shard is being handed over";
	if (why)
		return guard_wait(why);
	why = risk_takeover_by(now, lost, heir);
	if (why)
		return guard_wait(rop_printf(now->arena, "%s %s", now->seen->nodes[heir].address, why));
	int at = now->layout.shard_of[lost], shard = at >= 0 ? now->layout.shards[at].number : 0;
	return guard_loss(now, &(struct rop_risk){ .what = ROP_RISK_TAKEOVER,
						   .shard = shard,
						   .slots = rop_slots_text(now->arena, &now->seen->nodes[lost].slots),
						   .keys = -1,
						   .copies = now->seen->nodes[heir].id,
						   .nodes = now->seen->nodes[heir].address,
						   .text = price(now, shard, lost, heir) });
}
