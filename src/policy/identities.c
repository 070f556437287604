/* identities.c - every member's id is new: the servers were started without their nodes.conf files, each claims the
 * slots of the keys it kept, and between them they hold the only copy.
 *
 * With consent they are brought together around these claims: an epoch for each, introduced to each other, and the
 * slots that nobody claims given out; what was in those, if there was anything, is gone. Where two claim the same
 * slots, as a primary and its replica do that both kept their files, the one that led stays, if it has no fewer keys;
 * the other one's copy is named, and emptied (kept.c). Else nobody can tell which one counts, and it stays a finding
 * (refusals.c).
 */
#include "identities.h"

#include <inttypes.h>
#include <string.h>

#include "copies.h"
#include "kept.h"
#include "lost.h"
#include "rop/text.h"

#define NODES_TOLD 6

static bool all_are_new(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (!rop_answers(now->seen, i) || policy_address_before(now->image, now->seen->nodes[i].id))
			return false;
	return true;
}

/* As the database has it, the one at that address led these slots, or most of them. */
static bool led(const struct rop_situation *now, size_t node)
{
	const struct rop_node *n = &now->seen->nodes[node];
	for (size_t s = 0; s < now->image->shards.n; s++) {
		const struct rop_copy_memory *leader = rop_shard_led(&now->image->shards.at[s]);
		struct rop_slots had;
		if (leader && rop_streq(leader->address, n->address) &&
		    rop_slots_parse(now->image->shards.at[s].slots, &had) &&
		    rop_slots_common(&had, &n->slots) * 2 > rop_slots_count(&n->slots))
			return true;
	}
	return false;
}

/* Of two that claim the same slots, who stays: -1: that cannot be told. */
static int who_stays(const struct rop_situation *now, size_t a, size_t b)
{
	size_t first = led(now, a) ? a : b, other = first == a ? b : a;
	if (!led(now, first) || led(now, other) || !kept_can_be_emptied(now, other) ||
	    kept_server_of(now, other) != (int)first)
		return -1;
	return (int)first;
}

/* [node] another one stays that claims the same slots, by index; -1: it stays itself. false: that cannot be told. */
static bool find_rivals(const struct rop_situation *now, int *stays)
{
	const struct rop_observed *seen = now->seen;
	for (size_t i = 0; i < seen->n; i++)
		stays[i] = -1;
	for (size_t i = 0; i < seen->n; i++)
		for (size_t j = 0; j < i; j++) {
			if (!rop_slots_meet(&seen->nodes[i].slots, &seen->nodes[j].slots))
				continue;
			int stay = who_stays(now, i, j);
			if (stay >= 0)
				stays[stay == (int)i ? j : i] = stay;
		}
	for (size_t i = 0; i < seen->n; i++) /* whoever stays has no rival among those that do */
		for (size_t j = 0; j < i; j++)
			if (stays[i] < 0 && stays[j] < 0 &&
			    rop_slots_meet(&seen->nodes[i].slots, &seen->nodes[j].slots))
				return false;
	return true;
}

/* Who holds something: ids; and by address, with how much. */
static const char *holders(const struct rop_situation *now, const int *stays, struct rop_text *nodes)
{
	const char **ids = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *ids);
	size_t n = 0;
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (stays[i] >= 0 || (node->keys == 0 && rop_slots_empty(&node->slots)))
			continue;
		ids[n++] = node->id;
		if (n <= NODES_TOLD)
			rop_text_add(nodes, "%s%s (%" PRId64 " key%s)", nodes->n ? ", " : "", node->address, node->keys,
				     rop_plural(node->keys));
	}
	if (n > NODES_TOLD)
		rop_text_add(nodes, " and %zu more", n - NODES_TOLD);
	return copies_ids_text(now->arena, ids, n);
}

/* What comes of bringing them together: the slots that nobody claims any more. */
static struct rop_risk loss_of(const struct rop_situation *now, const int *stays)
{
	struct rop_slots unclaimed = { 0 };
	size_t n_kept = 0;
	ROP_OWN_TEXT nodes = { 0 };
	rop_slots_add(&unclaimed, 0, ROP_SLOTS - 1);
	for (size_t i = 0; i < now->seen->n; i++) {
		n_kept += stays[i] >= 0;
		if (stays[i] < 0)
			rop_slots_drop(&unclaimed, &now->seen->nodes[i].slots);
	}
	const char *ids = holders(now, stays, &nodes);
	int n = rop_slots_count(&unclaimed);
	struct rop_risk risk = {
		.kind = ROP_RISK_LOSS,
		.what = "slots",
		.slots = rop_slots_text(now->arena, &unclaimed),
		.keys = -1,
		.copies = ids,
		.nodes = rop_strndup(now->arena, nodes.at, nodes.n),
	};
	risk.text = rop_printf(
		now->arena,
		"all %zu nodes have other ids than when cluster '%s' was seen last: their nodes.conf "
		"files were lost. %s: %s. %d slot%s nobody claims: what was in them, if there was anything, is gone",
		now->seen->n, now->topology->name,
		n_kept ? "These led, and have no fewer keys than the other copies"
		       : "No two of them claim a slot: each holds the only copy of its keys",
		risk.nodes, n, rop_plural(n));
	return risk;
}

bool identities_lost(struct rop_situation *now, const struct tally *tally)
{
	size_t groups = 0;
	for (size_t i = 0; i < now->seen->n; i++)
		groups += now->group[i] == (int)i && (tally[i].keys > 0 || !rop_slots_empty(&tally[i].slots));
	int *stays = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *stays);
	if (!now->image->members.n || groups < 2 || !all_are_new(now) || !find_rivals(now, stays))
		return false;
	struct rop_risk *losses = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *losses);
	size_t n = 0;
	losses[n++] = loss_of(now, stays);
	for (size_t i = 0; i < now->seen->n; i++)
		if (stays[i] >= 0)
			losses[n++] = kept_loss(now, i, (size_t)stays[i]);
	if (lost_is_given_up(now, losses, n)) {
		for (size_t i = 0; i < now->seen->n; i++)
			if (stays[i] >= 0)
				kept_is_to_empty(now, i);
		now->rejoins = !policy_epochs_set(now);
		return true;
	}
	const char *word = policy_consenting_command(now, &now->lost);
	for (size_t i = 0; i < n; i++)
		policy_find(
			now, -1, ROP_WHY_IDENTITIES_LOST, losses[i].text,
			rop_printf(now->arena,
				   "empty none of them by hand. Stop them, put the nodes.conf files "
				   "(cluster-config-file) back where they are kept, and start them again. Where they "
				   "are gone for good: let the nodes come together around what they claim%s: %s",
				   n > 1 ? ", and have the other copies emptied" : ", which empties nobody", word));
	return true;
}
