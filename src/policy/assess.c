/* assess.c - the situation of one pass: form, complete, adopt or refuse; what is done and what is still open. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "alike.h"
#include "copies.h"
#include "guard.h"
#include "rop/text.h"

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

struct tally { /* of one component */
	struct rop_slots slots;
	int owners, owners_answering, members;
	int64_t keys;
};

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

/* ---- findings ---------------------------------------------------------------------------------------------- */

static bool is_blank(const struct rop_node *node)
{
	return node->keys == 0 && (node->functions == 0 || node->functions == ROP_COUNT_NOT_ASKED) &&
	       node->others == 0 && node->epoch == 0 && node->role != ROP_ROLE_REPLICA && rop_slots_empty(&node->slots);
}

static void find_unfit_nodes(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (node->reach == ROP_REACH_DENIED)
			policy_find(now, (int)i, ROP_WHY_DENIED,
				    rop_printf(now->arena, "%s: %s", node->address, node->reach_why),
				    "check spec.auth (user, passwordFile) and the user's permissions on that node");
		if (node->reach == ROP_REACH_NOT_REDIS)
			policy_find(now, (int)i, ROP_WHY_NOT_REDIS,
				    rop_printf(now->arena, "%s is not a Redis or Valkey server: %s", node->address,
					       node->reach_why),
				    "correct the address in the topology file");
		if (node->reach == ROP_REACH_NOT_CLUSTER)
			policy_find(now, (int)i, ROP_WHY_NOT_CLUSTER,
				    rop_printf(now->arena, "%s is not in cluster mode", node->address),
				    "set 'cluster-enabled yes' in its configuration and restart it");
	}
}

static void find_silent_nodes(struct rop_situation *now)
{
	const char *advice = now->formed ? "bring the majority of the primaries back; nothing is changed without them"
					 : "start the node, or open its port; a cluster is formed only when every "
					   "declared node answers";
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (node->reach == ROP_REACH_SILENT || node->reach == ROP_REACH_LOADING)
			policy_find(now, (int)i, ROP_WHY_UNREACHABLE,
				    rop_printf(now->arena, "%s does not answer: %s", node->address, node->reach_why),
				    advice);
	}
}

static void find_twins(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	for (size_t i = 0; i < seen->n; i++)
		for (size_t j = i + 1; j < seen->n; j++)
			if (seen->nodes[i].id[0] && rop_node_answers(&seen->nodes[i]) &&
			    rop_node_answers(&seen->nodes[j]) && strcmp(seen->nodes[i].id, seen->nodes[j].id) == 0)
				policy_find(now, (int)j, ROP_WHY_SAME_NODE_ID,
					    rop_printf(now->arena,
						       "%s and %s have the same node id %s: one server under two "
						       "addresses, or a copied nodes.conf",
						       seen->nodes[i].address, seen->nodes[j].address,
						       seen->nodes[i].id),
					    "declare the server once; or stop the copy, delete its cluster-config-file "
					    "and start it again");
}

/* The same id, at another address than its own, and alive there: a second server runs with a copy of its nodes.conf.
 * Peers that have gone over to it hold it as healthy. A new address is believed by peers within a node timeout, so two
 * looks that long apart must agree; who looks only once tells at once. */
static int64_t node_timeout_ms(const struct rop_situation *now, size_t node)
{
	int at = rop_observed_setting(now->seen, "cluster-node-timeout");
	const char *value = at < 0 ? NULL : now->seen->nodes[node].settings[at];
	int64_t ms;
	return value && rop_int_parse(value, 1, INT32_MAX, &ms) ? ms : 15000;
}

static void find_clones(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		int64_t for_ms;
		const char *elsewhere = copies_elsewhere(now, i, &for_ms);
		if (!rop_node_answers(node) || !elsewhere || (!now->looks_once && for_ms < node_timeout_ms(now, i)))
			continue;
		policy_find(now, (int)i, ROP_WHY_SAME_NODE_ID,
			    rop_printf(now->arena,
				       "%s answers as node %s and calls itself %s, but peers are connected to %s for "
				       "that id: a second server runs there with a copy of its nodes.conf; replicas "
				       "that follow it throw their data away",
				       node->address, node->id, node->own_address ? node->own_address : node->address,
				       elsewhere),
			    rop_printf(now->arena,
				       "stop the server at %s, if it is not the one declared; then see which node has "
				       "the keys before anything else is changed",
				       elsewhere));
	}
}

/* Who follows this id, of those that answer: it may hold the last copy of its data. -1: nobody. */
static int follower_of(const struct rop_observed *seen, const char *id)
{
	for (size_t i = 0; i < seen->n; i++)
		if (rop_node_answers(&seen->nodes[i]) && seen->nodes[i].role == ROP_ROLE_REPLICA &&
		    strcmp(seen->nodes[i].primary_id, id) == 0)
			return (int)i;
	return -1;
}

static const char *address_before(const struct rop_image *image, const char *id)
{
	for (size_t m = 0; m < image->members.n; m++)
		if (strcmp(image->members.at[m].node, id) == 0)
			return image->members.at[m].address;
	return NULL;
}

/* Advice is an act: who owns slots, or is followed, is never to be forgotten; nor one that is alive. */
static const char *advice_on_peer(const struct rop_situation *now, const struct rop_foreign *peer)
{
	int follower = follower_of(now->seen, peer->id);
	if (peer->slots)
		return rop_printf(now->arena,
				  "it owns the slots %.120s: bring it back, or declare it (spec.nodes); do not forget "
				  "it, that would leave these slots and what it holds without an owner",
				  peer->slots);
	if (follower >= 0)
		return rop_printf(now->arena,
				  "%s follows it, and may hold the only other copy of its data: bring it back, or "
				  "declare it (spec.nodes)",
				  now->seen->nodes[follower].address);
	if (!strstr(peer->flags, "fail") && !strstr(peer->flags, "noaddr"))
		return "if it belongs to this cluster, add it to spec.nodes; if it does not, find out what it is "
		       "first: it is alive";
	return rop_printf(now->arena,
			  "if it belongs to this cluster, add it to spec.nodes; if it is gone for good: redis-cli -h "
			  "HOST -p PORT cluster forget %s, on every node",
			  peer->id);
}

static void find_foreign_peers(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	for (size_t f = 0; f < seen->foreign.n; f++) {
		const struct rop_foreign *peer = &seen->foreign.at[f];
		const char *before = address_before(now->image, peer->id);
		policy_find(now, peer->viewer, ROP_WHY_FOREIGN_PEER,
			    rop_printf(now->arena, "%s knows a peer that is not declared: %s at %s (%s)%s%s",
				       seen->nodes[peer->viewer].address, peer->id,
				       *peer->address == ':' ? "an unknown address" : peer->address, peer->flags,
				       before ? ", which was a member at " : "", before ? before : ""),
			    advice_on_peer(now, peer));
	}
	if (seen->foreign_more)
		policy_find(now, -1, ROP_WHY_FOREIGN_PEER,
			    rop_printf(now->arena,
				       "and there are more peers that are not declared: %d more entries of CLUSTER "
				       "NODES",
				       seen->foreign_more),
			    "declare all nodes of the cluster ('redis-operator import' writes such a file)");
}

static void find_keys_without_slots(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (rop_node_answers(node) && node->keys > 0 && node->role != ROP_ROLE_REPLICA &&
		    rop_slots_empty(&node->slots))
			policy_find(now, (int)i, ROP_WHY_NOT_EMPTY,
				    rop_printf(now->arena,
					       "%s holds %" PRId64 " key%s but owns no slots: they would be lost or "
					       "served wrongly",
					       node->address, node->keys, node->keys == 1 ? "" : "s"),
				    "save what is needed of it and empty the node, or declare another one");
	}
}

static void find_functions(struct rop_situation *now, const int *component, int main_component)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (node->functions > 0 && component[i] != main_component)
			policy_find(now, (int)i, ROP_WHY_NOT_EMPTY,
				    rop_printf(now->arena, "%s is not empty: it holds %d function librar%s",
					       node->address, node->functions, node->functions == 1 ? "y" : "ies"),
				    "remove them (FUNCTION DELETE), or declare another node");
	}
}

static void find_rival_claims(struct rop_situation *now, const int *component)
{
	const struct rop_observed *seen = now->seen;
	for (size_t i = 0; i < seen->n; i++) {
		for (size_t j = i + 1; j < seen->n; j++) {
			if (component[i] == component[j] ||
			    !rop_slots_meet(&seen->nodes[i].slots, &seen->nodes[j].slots))
				continue;
			policy_find(now, (int)j, ROP_WHY_RIVAL_CLAIMS,
				    rop_printf(now->arena,
					       "%s and %s both own %d of the same slots, and do not know each other: "
					       "two clusters, or two halves of one",
					       seen->nodes[i].address, seen->nodes[j].address,
					       rop_slots_common(&seen->nodes[i].slots, &seen->nodes[j].slots)),
				    "find out which one holds the data that counts; joining them would delete the "
				    "other's keys");
		}
	}
}

/* Every member's id is new, and no two claim a slot: the servers were started without their nodes.conf files, each
 * claims the slots of the keys it kept, and between them they hold the only copy. */
static bool find_lost_identities(struct rop_situation *now, const struct tally *tally)
{
	const struct rop_observed *seen = now->seen;
	size_t groups = 0;
	for (size_t i = 0; i < seen->n; i++)
		groups += now->group[i] == (int)i && (tally[i].keys > 0 || !rop_slots_empty(&tally[i].slots));
	if (!now->image->members.n || groups < 2)
		return false;
	for (size_t i = 0; i < seen->n; i++) {
		if (!rop_node_answers(&seen->nodes[i]) || address_before(now->image, seen->nodes[i].id))
			return false;
		for (size_t j = 0; j < i; j++)
			if (rop_slots_meet(&seen->nodes[i].slots, &seen->nodes[j].slots))
				return false;
	}
	policy_find(now, -1, ROP_WHY_IDENTITIES_LOST,
		    rop_printf(now->arena,
			       "all %zu nodes have other ids than when cluster '%s' was seen last: their nodes.conf "
			       "files were lost. No two of them claim a slot: each holds the only copy of its keys",
			       seen->n, now->topology->name),
		    "empty none of them. Stop them, put the nodes.conf files (cluster-config-file) back where they are "
		    "kept, and start them again; where they are gone for good: on each node that holds keys CLUSTER "
		    "SET-CONFIG-EPOCH with a number of its own, then CLUSTER MEET from one of them to the others; then "
		    "plan again");
	return true;
}

/* Several groups of nodes that do not know each other, and keys: only empty ones may be joined to the one that counts.
 * How many nodes know each other in an empty group does not matter: while nodes are introduced such groups come and go.
 */
static void find_rival_components(struct rop_situation *now, const int *component, const struct tally *tally,
				  int main_component)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		if (component[i] != (int)i || (int)i == main_component)
			continue;
		if (tally[i].keys <= 0 && rop_slots_empty(&tally[i].slots))
			continue;
		const char *group = rop_printf(now->arena, "%d nodes, %d slots, %" PRId64 " keys", tally[i].members,
					       rop_slots_count(&tally[i].slots), tally[i].keys);
		policy_find(now, (int)i, ROP_WHY_SEVERAL_CLUSTERS,
			    rop_printf(now->arena,
				       "%s belongs to another group than %s: %s; joining two groups, one of which "
				       "holds keys, can lose data",
				       now->seen->nodes[i].address, now->seen->nodes[main_component].address, group),
			    tally[i].keys ? "find out what they belong to; describe one of them per file"
					  : "describe one of them per file, or let go of the slots on the nodes that "
					    "are to join (CLUSTER RESET, by hand)");
	}
}

/* A cluster is formed of nodes that are known to be empty. */
static void find_untold_content(struct rop_situation *now)
{
	const char *user = now->topology->auth_user ? now->topology->auth_user : "default";
	for (size_t i = 0; i < now->seen->n && !now->formed; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (!rop_node_answers(node) ||
		    (node->keys != ROP_COUNT_UNKNOWN && node->functions != ROP_COUNT_UNKNOWN))
			continue;
		policy_find(now, (int)i, ROP_WHY_UNKNOWN,
			    rop_printf(now->arena,
				       "%s would not tell whether it is empty: user '%s' may not run %s; what is "
				       "unknown is not taken for empty",
				       node->address, user, node->refused ? node->refused : "INFO keyspace"),
			    "allow it on every node (ACL SETUSER), or declare another user under spec.auth");
	}
}

/* Shards that own nothing and would get nothing: all slots of their share are owned by others. */
static int starving_shards(const struct rop_situation *now)
{
	int starving = 0;
	for (size_t k = 0; k < now->layout.n; k++) {
		const struct rop_shard *shard = &now->layout.shards[k];
		bool owns = shard->primary >= 0 && !rop_slots_empty(&now->seen->nodes[shard->primary].slots);
		starving += !owns && rop_slots_empty(&shard->add);
	}
	return starving;
}

/* Both are said before anything is changed, not when the slots turn out to be gone. */
static void find_wrong_shape(struct rop_situation *now)
{
	int owners = 0, shards = now->topology->shards;
	const bool *owner = policy_owners(now->arena, now->seen);
	for (size_t i = 0; i < now->seen->n; i++)
		owners += owner[i];
	if (owners > shards)
		policy_find(now, -1, ROP_WHY_TOO_MANY_SHARDS,
			    rop_printf(now->arena,
				       "%d nodes own slots, but the file declares %d shard%s; removing shards means "
				       "moving slots, which this version does not do",
				       owners, shards, shards == 1 ? "" : "s"),
			    rop_printf(now->arena,
				       "set 'shards: %d', or empty the surplus primaries with redis-cli --cluster "
				       "reshard",
				       owners));
	else if (owners < shards && starving_shards(now) > 0)
		policy_find(now, -1, ROP_WHY_TOO_FEW_SHARDS,
			    rop_printf(now->arena,
				       "the slots are owned by %d node%s, but the file declares %d shards; adding "
				       "shards means moving slots, which this version does not do",
				       owners, owners == 1 ? "" : "s", shards),
			    rop_printf(now->arena,
				       "set 'shards: %d', or add the primaries with redis-cli --cluster add-node and "
				       "reshard",
				       owners));
}

/* ---- flags ------------------------------------------------------------------------------------------------- */

static uint64_t *answering_mask(struct rop_situation *now)
{
	uint64_t *mask = rop_alloc_n(now->arena, now->seen->words + 1, sizeof *mask);
	for (size_t i = 0; i < now->seen->n; i++)
		if (rop_node_answers(&now->seen->nodes[i]))
			mask[i / 64] |= (uint64_t)1 << (i % 64);
	return mask;
}

/* Every answering node's row has a bit for every answering node. */
static bool all_bits(const struct rop_situation *now, const uint64_t *matrix, const uint64_t *mask)
{
	for (size_t i = 0; i < now->seen->n; i++)
		for (size_t w = 0; w < now->seen->words; w++)
			if (rop_node_answers(&now->seen->nodes[i]) &&
			    (matrix[i * now->seen->words + w] & mask[w]) != mask[w])
				return false;
	return true;
}

/* Nobody knows more than the declared nodes; while all answer, nobody knows fewer either. */
static bool exact_members(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (rop_node_answers(&now->seen->nodes[i]) && now->all_answer &&
		    now->seen->nodes[i].others != (int)now->seen->n - 1)
			return false;
	return now->seen->foreign.n == 0;
}

static bool any_double_claim(struct rop_situation *now)
{
	struct rop_slots so_far = { 0 };
	for (size_t i = 0; i < now->seen->n; i++) {
		if (rop_slots_meet(&so_far, &now->seen->nodes[i].slots))
			return true;
		rop_slots_join(&so_far, &now->seen->nodes[i].slots);
	}
	return false;
}

static void set_node_flags(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	now->replicas_attached = now->links_up = now->state_ok = true;
	bool closed = true, calm = true;
	for (size_t i = 0; i < seen->n; i++) {
		const struct rop_node *node = &seen->nodes[i];
		if (!rop_node_answers(node))
			continue;
		int primary = now->layout.primary_of[i];
		if (primary >= 0 && !(node->role == ROP_ROLE_REPLICA && node->primary == primary))
			now->replicas_attached = false;
		if (node->role == ROP_ROLE_REPLICA && (!node->link_up || node->syncing) &&
		    (node->primary < 0 || rop_node_answers(&seen->nodes[node->primary]))) {
			now->links_up = false;
			now->synchronising |= node->syncing;
		}
		now->state_ok &= node->state_ok;
		closed &= node->open_slots == 0;
		calm &= node->handshakes == 0;
	}
	uint64_t *mask = answering_mask(now);
	now->introduced = all_bits(now, seen->known, mask);
	now->members_agree = now->introduced && all_bits(now, seen->linked, mask) && exact_members(now);
	now->views_agree = now->members_agree && all_bits(now, seen->agrees, mask) && closed && calm;
	now->replicas_held &= !now->replicas_attached;
	now->slots_assigned = rop_slots_count(&now->owned) == ROP_SLOTS && !any_double_claim(now);
}

static void set_setting_flags(struct rop_situation *now)
{
	now->prepared = !now->fresh || (policy_all_lowered(now) && policy_epochs_set(now));
	now->settings_as_declared = policy_settings_as_declared(now);
	size_t node;
	now->settings_refused = !now->settings_as_declared && policy_refused_setting(now, &node);
	policy_set_temporary_flags(now);
}

/* ---- the decision table ------------------------------------------------------------------------------------ */

static int main_component(const struct tally *tally, size_t n)
{
	int best = 0;
	for (size_t i = 1; i < n; i++) {
		const struct tally *a = &tally[i], *b = &tally[best];
		int a_slots = rop_slots_count(&a->slots), b_slots = rop_slots_count(&b->slots);
		if (a->keys != b->keys   ? a->keys > b->keys
		    : a_slots != b_slots ? a_slots > b_slots
					 : a->members > b->members)
			best = (int)i;
	}
	return best;
}

static void decide_case(struct rop_situation *now, const int *component, const struct tally *tally, int main)
{
	bool blank = true, keys = false;
	for (size_t i = 0; i < now->seen->n; i++) {
		blank &= is_blank(&now->seen->nodes[i]);
		keys |= now->seen->nodes[i].keys > 0;
		now->data |= now->seen->nodes[i].keys != 0 || !rop_node_answers(&now->seen->nodes[i]);
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

	find_untold_content(now);
	if (now->kase == ROP_CASE_ADOPT && !find_lost_identities(now, tally))
		find_rival_components(now, component, tally, main);
	find_rival_claims(now, component);
	find_keys_without_slots(now);
	find_functions(now, component, now->kase == ROP_CASE_ADOPT ? main : -1);
	find_wrong_shape(now);
	now->fresh = !now->data && !now->formed;
}

void rop_situation_assess(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	for (size_t i = 0; i < seen->n; i++) {
		now->answering += rop_node_answers(&seen->nodes[i]);
		rop_slots_join(&now->owned, &seen->nodes[i].slots);
	}
	now->all_answer = now->answering == seen->n;
	int *component = now->group = components(now);
	struct tally *tally = tallies(now, component);
	int main = now->main_group = main_component(tally, seen->n);
	const struct tally *t = &tally[main];
	now->formed = rop_slots_count(&t->slots) == ROP_SLOTS && (t->members > 1 || seen->n == 1);
	now->in_view = now->formed ? t->owners_answering * 2 > t->owners : now->all_answer;
	now->paused = now->image->paused &&
		      (!now->image->paused_until_wall_ms || now->image->paused_until_wall_ms > now->wall_ms);

	rop_layout_make(now->arena, now->topology, seen, now->image->shards.at, now->image->shards.n, &now->layout);
	policy_warn_of_second(now);
	policy_warn_of_refusals(now);
	policy_find_unknown_settings(now);
	policy_find_unlike(now);
	policy_find_temporaries(now);
	policy_warn_of_temporaries(now);
	find_unfit_nodes(now);
	find_twins(now);
	find_clones(now);
	find_foreign_peers(now);
	decide_case(now, component, tally, main);
	if (now->in_view && !now->findings.n)
		policy_weigh(now);
	now->refused = now->findings.n > 0;
	if (now->refused)
		now->kase = ROP_CASE_REFUSE;
	if (!now->in_view)
		find_silent_nodes(now);

	set_node_flags(now);
	set_setting_flags(now);
	now->waiting = now->tries && rop_tries_n_pending(now->tries) > 0;
	now->gave_up = now->tries && rop_tries_gave_up(now->tries, NULL, NULL);
}

bool rop_situation_converged(const struct rop_situation *now)
{
	return now->all_answer && !now->refused && now->views_agree && now->slots_assigned && now->replicas_attached &&
	       now->links_up && now->state_ok && now->settings_as_declared && !now->temporaries_in_force &&
	       !now->temporaries_waiting;
}

struct rop_situation *rop_situation_make(const struct rop_situation *asked)
{
	struct rop_situation *now = rop_alloc(asked->arena, sizeof *now);
	*now = *asked;
	rop_situation_assess(now);
	return now;
}
