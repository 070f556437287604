/* identities.c - every member's id is new, and no two claim a slot: the servers were started without their nodes.conf
 * files, each claims the slots of the keys it kept, and between them they hold the only copy.
 *
 * With consent they are brought together around these claims: an epoch for each, introduced to each other, and the
 * slots that nobody claims given out. Nothing is emptied. What was in those slots, if there was anything, is gone.
 */
#include "identities.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lost.h"
#include "rop/text.h"

#define NODES_TOLD 6

/* All answer, under ids that were no member's, and no two claim a slot. */
static bool all_are_new(const struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	for (size_t i = 0; i < seen->n; i++) {
		if (!rop_answers(seen, i) || policy_address_before(now->image, seen->nodes[i].id))
			return false;
		for (size_t j = 0; j < i; j++)
			if (rop_slots_meet(&seen->nodes[i].slots, &seen->nodes[j].slots))
				return false;
	}
	return true;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Who holds something, by id, sorted; and by address, with how much. */
static void holders(const struct rop_situation *now, struct rop_text *ids, struct rop_text *nodes)
{
	const char **sorted = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *sorted);
	size_t n = 0;
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (node->keys == 0 && rop_slots_empty(&node->slots))
			continue;
		sorted[n++] = node->id;
		if (n <= NODES_TOLD)
			rop_text_add(nodes, "%s%s (%" PRId64 " key%s)", nodes->n ? ", " : "", node->address, node->keys,
				     rop_plural(node->keys));
	}
	if (n > NODES_TOLD)
		rop_text_add(nodes, " and %zu more", n - NODES_TOLD);
	qsort(sorted, n, sizeof *sorted, compare_ids);
	for (size_t i = 0; i < n; i++)
		rop_text_add(ids, "%s%s", i ? " " : "", sorted[i]);
}

/* What comes of bringing them together: the slots that nobody claims any more. */
static struct rop_risk loss_of(const struct rop_situation *now)
{
	struct rop_slots unclaimed = { 0 };
	ROP_OWN_TEXT ids = { 0 };
	ROP_OWN_TEXT nodes = { 0 };
	for (size_t w = 0; w < ROP_SLOTS / 64; w++)
		unclaimed.bits[w] = ~now->owned.bits[w];
	holders(now, &ids, &nodes);
	int n = rop_slots_count(&unclaimed);
	struct rop_risk risk = {
		.kind = ROP_RISK_LOSS,
		.what = "slots",
		.slots = rop_slots_text(now->arena, &unclaimed),
		.keys = -1,
		.copies = rop_strndup(now->arena, ids.at, ids.n),
		.nodes = rop_strndup(now->arena, nodes.at, nodes.n),
	};
	risk.text = rop_printf(
		now->arena,
		"all %zu nodes have other ids than when cluster '%s' was seen last: their nodes.conf "
		"files were lost. No two of them claim a slot: each holds the only copy of its keys: %s. "
		"%d slot%s nobody claims: what was in them, if there was anything, is gone",
		now->seen->n, now->topology->name, risk.nodes, n, rop_plural(n));
	return risk;
}

bool identities_lost(struct rop_situation *now, const struct tally *tally)
{
	size_t groups = 0;
	for (size_t i = 0; i < now->seen->n; i++)
		groups += now->group[i] == (int)i && (tally[i].keys > 0 || !rop_slots_empty(&tally[i].slots));
	if (!now->image->members.n || groups < 2 || !all_are_new(now))
		return false;
	struct rop_risk loss = loss_of(now);
	if (lost_is_given_up(now, &loss)) {
		now->rejoins = !policy_epochs_set(now);
		return true;
	}
	policy_find(
		now, -1, ROP_WHY_IDENTITIES_LOST, loss.text,
		rop_printf(now->arena,
			   "empty none of them. Stop them, put the nodes.conf files (cluster-config-file) back where "
			   "they are kept, and start them again. Where they are gone for good: let the nodes come "
			   "together around what they claim, which empties nobody: %s",
			   policy_consenting_command(now, &now->lost)));
	return true;
}
