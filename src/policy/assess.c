/* assess.c - the situation of one pass: form, complete, adopt or refuse; what is done and what is still open. */
#include <stdio.h>
#include <string.h>

#include "alike.h"
#include "copies.h"
#include "drained.h"
#include "guard.h"
#include "handover.h"
#include "by_server.h"
#include "migrations.h"
#include "misplaced.h"
#include "refusals.h"
#include "retire.h"
#include "rop/permissions.h"
#include "rop/text.h"
#include "served.h"

const char *rop_case_name(enum rop_case kase)
{
	static const char *const NAMES[] = { "undecided", "form", "complete", "adopt", "total loss", "refuse" };
	return NAMES[kase];
}

/* ---- components: who is connected by what the views list --------------------------------------------------- */

static int root_of(int *parent, int i)
{
	while (parent[i] != i)
		i = parent[i] = parent[parent[i]];
	return i;
}

static int *components(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	int *parent = rop_alloc_n(now->arena, seen->n, sizeof(int));
	for (size_t i = 0; i < seen->n; i++)
		parent[i] = (int)i;
	for (size_t i = 0; i < seen->n; i++)
		for (size_t j = 0; j < seen->n; j++)
			if (i != j && rop_bit(seen, seen->known, i, j))
				parent[root_of(parent, (int)i)] = root_of(parent, (int)j);
	for (size_t i = 0; i < seen->n; i++)
		parent[i] = root_of(parent, (int)i);
	return parent;
}

static struct tally *tallies(struct rop_situation *now, const int *component)
{
	struct tally *tally = rop_alloc_n(now->arena, now->seen->n, sizeof *tally);
	const bool *owner = policy_owners(now->arena, now->seen);
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		struct tally *t = &tally[component[i]];
		rop_slots_join(&t->slots, &node->slots);
		t->owners += owner[i];
		t->owners_answering += owner[i] && rop_node_answers(node);
		t->members++;
		if (node->keys > 0)
			t->keys += node->keys;
	}
	return tally;
}

static bool is_blank(const struct rop_node *node)
{
	return node->keys == 0 && (node->functions == 0 || node->functions == ROP_COUNT_NOT_ASKED) &&
	       node->others == 0 && node->epoch == 0 && node->role != ROP_ROLE_REPLICA && rop_slots_empty(&node->slots);
}

/* ---- flags ------------------------------------------------------------------------------------------------- */

static uint64_t *answering_mask(struct rop_situation *now)
{
	uint64_t *mask = rop_alloc_n(now->arena, now->seen->words + 1, sizeof *mask);
	for (size_t i = 0; i < now->seen->n; i++)
		if (rop_answers(now->seen, i))
			mask[i / 64] |= (uint64_t)1 << (i % 64);
	return mask;
}

/* Every answering node's row has a bit for every answering node. */
static bool all_bits(const struct rop_situation *now, const uint64_t *matrix, const uint64_t *mask)
{
	for (size_t i = 0; i < now->seen->n; i++)
		for (size_t w = 0; w < now->seen->words; w++)
			if (rop_answers(now->seen, i) && (matrix[i * now->seen->words + w] & mask[w]) != mask[w])
				return false;
	return true;
}

/* Nobody knows more than the declared nodes; while all answer, nobody knows fewer either. */
static bool exact_members(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (rop_answers(now->seen, i) && now->all_answer && now->seen->nodes[i].others != (int)now->seen->n - 1)
			return false;
	return now->seen->foreign.n == 0;
}

static bool any_double_claim(struct rop_situation *now)
{
	struct rop_slots so_far = { 0 };
	for (size_t i = 0; i < now->seen->n; i++) {
		struct rop_slots slots = copies_claims(now->seen, i);
		if (rop_slots_meet(&so_far, &slots))
			return true;
		rop_slots_join(&so_far, &slots);
	}
	return false;
}

/* Where nobody is permitted to ask, it cannot be waited for; a plan does not wait. */
static void set_shard_flags(struct rop_situation *now)
{
	bool forbidden = false, asked = true;
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (!rop_node_answers(node))
			continue;
		now->shards_apart |= node->shards_apart > 0;
		forbidden |= (node->forbidden & ROP_PERMIT(CLUSTER_SHARDS)) != 0;
		asked &= node->shards_apart != ROP_COUNT_NOT_ASKED;
	}
	now->shards_known = !now->shards_apart && (asked || forbidden || now->looks_once);
}

static void set_node_flags(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	now->replicas_attached = now->links_up = now->state_ok = true;
	bool closed = true;
	for (size_t i = 0; i < seen->n; i++) {
		const struct rop_node *node = &seen->nodes[i];
		if (!rop_node_answers(node))
			continue;
		int primary = now->layout.primary_of[i];
		if (primary >= 0 && !(node->role == ROP_ROLE_REPLICA && node->primary == primary) &&
		    !policy_follows_on(now, i))
			now->replicas_attached = false;
		if (node->role == ROP_ROLE_REPLICA && (!node->link_up || node->syncing) &&
		    (node->primary < 0 || rop_node_answers(&seen->nodes[node->primary]))) {
			now->links_up = false;
			now->synchronising |= copies_is_filling(seen, i);
		}
		now->state_ok &= node->state_ok;
		closed &= node->open_slots == 0 && node->handshakes == 0;
	}
	uint64_t *mask = answering_mask(now);
	now->introduced = all_bits(now, seen->known, mask) && !rop_observed_any_astray(now->seen);
	now->members_agree = now->introduced && all_bits(now, seen->linked, mask) && exact_members(now) &&
			     policy_addresses_settled(now);
	now->views_equal = now->members_agree && all_bits(now, seen->agrees, mask);
	now->views_agree = now->views_equal && closed;
	now->epochs_behind = policy_any_behind(now);
	set_shard_flags(now);
	now->replicas_held &= !now->replicas_attached;
	now->slots_assigned = rop_slots_count(&now->owned) == ROP_SLOTS && !any_double_claim(now);
}

static void set_setting_flags(struct rop_situation *now)
{
	now->prepared = !now->fresh || (policy_all_lowered(now) && policy_epochs_set(now));
	now->settings_as_declared = policy_settings_as_declared(now);
	size_t node;
	now->settings_refused = !now->settings_as_declared &&
				(policy_refused_setting(now, &node) || policy_rest_unsettable(now));
	policy_set_temporary_flags(now);
}

/* ---- the decision table ------------------------------------------------------------------------------------ */

static bool weighs_more(const struct tally *a, const struct tally *b)
{
	int a_slots = rop_slots_count(&a->slots), b_slots = rop_slots_count(&b->slots);
	if (a->keys != b->keys)
		return a->keys > b->keys;
	if (a_slots != b_slots)
		return a_slots > b_slots;
	return a->members > b->members;
}

static int main_component(const struct tally *tally, size_t n)
{
	int best = 0;
	for (size_t i = 1; i < n; i++)
		if (weighs_more(&tally[i], &tally[best]))
			best = (int)i;
	return best;
}

static void decide_case(struct rop_situation *now, const struct tally *tally)
{
	bool blank = true, keys = false;
	for (size_t i = 0; i < now->seen->n; i++) {
		blank &= is_blank(&now->seen->nodes[i]);
		keys |= now->seen->nodes[i].keys > 0;
		now->data |= now->seen->nodes[i].keys != 0 || !rop_answers(now->seen, i);
	}
	if (!now->in_view)
		now->kase = ROP_CASE_UNDECIDED;
	else if (blank && now->image->formed_wall_ms)
		now->kase = ROP_CASE_TOTAL_LOSS;
	else if (blank)
		now->kase = ROP_CASE_FORM;
	else if (keys || now->formed)
		now->kase = ROP_CASE_ADOPT;
	else
		now->kase = ROP_CASE_COMPLETE;

	refusals_of_content(now, tally);
	now->fresh = !now->data && !now->formed;
}

/* Who is to be emptied owns nothing then, and leads no shard. */
static void lay_out_without_kept(struct rop_situation *now)
{
	struct rop_observed *then = rop_observed_copy(now->arena, now->seen);
	for (size_t i = 0; i < then->n; i++)
		if (policy_is_to_empty(now, i))
			then->nodes[i].slots = (struct rop_slots){ 0 };
	rop_layout_make(now->arena, now->topology, then, now->image->shards.at, now->image->shards.n, now->drained,
			&now->layout);
}

void rop_situation_assess(struct rop_situation *now)
{
	policy_let_go(now);
	policy_find_drained(now);
	const struct rop_observed *seen = now->seen;
	for (size_t i = 0; i < seen->n; i++) {
		now->answering += rop_answers(seen, i);
		rop_slots_join(&now->owned, &seen->nodes[i].slots);
	}
	now->all_answer = now->answering == seen->n;
	now->group = components(now);
	struct tally *tally = tallies(now, now->group);
	now->main_group = main_component(tally, seen->n);
	const struct tally *t = &tally[now->main_group];
	now->formed = rop_slots_count(&t->slots) == ROP_SLOTS && (t->members > 1 || seen->n == 1);
	now->in_view = now->formed ? t->owners_answering * 2 > t->owners : now->all_answer;
	now->paused = rop_image_is_paused(now->image, now->wall_ms);

	rop_layout_make(now->arena, now->topology, seen, now->image->shards.at, now->image->shards.n, now->drained,
			&now->layout);
	policy_aim(now);
	policy_find_room(now);
	policy_find_migrations(now);
	by_server_warn(now);
	for (size_t i = 0; i < now->layout.warnings.n; i++)
		*rop_push(now->arena, &now->warnings) = now->layout.warnings.at[i];
	policy_find_served(now);
	policy_warn_of_few_primaries(now);
	policy_warn_of_ghosts(now);
	policy_warn_of_lost(now);
	policy_find_owning_ghosts(now);
	policy_warn_of_second(now);
	policy_warn_of_refusals(now);
	policy_warn_of_limit(now);
	policy_warn_of_unwritten(now);
	policy_take_replica_migration(now);
	policy_find_unknown_settings(now);
	policy_find_no_config(now);
	policy_find_unlike(now);
	policy_warn_of_endpoints(now);
	policy_warn_of_protected(now);
	policy_find_temporaries(now);
	policy_warn_of_temporaries(now);
	policy_find_kept(now);
	refusals_of_nodes(now);
	decide_case(now, tally);
	if (now->to_empty)
		lay_out_without_kept(now);
	policy_find_emptied(now);
	if (now->in_view && !now->findings.n && !now->orphan)
		policy_weigh(now);
	policy_find_rights(now);
	now->refused = now->findings.n > 0;
	if (now->refused)
		now->kase = ROP_CASE_REFUSE;
	if (!now->in_view)
		refusals_of_silence(now);

	set_node_flags(now);
	set_setting_flags(now);
	policy_find_leaving(now);
	now->waiting = now->tries && rop_tries_n_pending(now->tries) > 0;
	now->gave_up = now->tries && rop_tries_gave_up(now->tries, NULL, NULL);
	policy_find_misplaced(now);
	policy_find_swaps(now);
	policy_find_handover(now);
	policy_find_drains(now);
	policy_find_placement_due(now);
	policy_find_takeover(now);
}

struct rop_situation *rop_situation_make(const struct rop_situation *asked)
{
	struct rop_situation *now = rop_alloc(asked->arena, sizeof *now);
	*now = *asked;
	rop_situation_assess(now);
	return now;
}
