/* refusals.c - what was seen that makes every change unsafe, each with its sentence and what to do about it.
 *
 * Advice is an act: nothing in here may tell a person to forget, empty or restart what could hold the only copy.
 */
#include "functions.h"
#include "identities.h"
#include "lost.h"
#include "refusals.h"

#include <inttypes.h>
#include <string.h>

#include "rop/text.h"

/* Two causes, two cures: nobody gets in from elsewhere, or we do not. */
static const char *advice_on_denial(const struct rop_node *node)
{
	if (node->reach_why && strstr(node->reach_why, "protected mode"))
		return "on that host set a password (requirepass, and masterauth to the same, on every node) and "
		       "declare it under spec.auth; or, where nobody else reaches its port, 'CONFIG SET "
		       "protected-mode no' there, and so in its configuration: its replicas on other hosts are refused "
		       "as well";
	return "check spec.auth (user, passwordFile) and the user's permissions on that node";
}

static void find_unfit_nodes(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (node->reach == ROP_REACH_DENIED)
			policy_find(now, (int)i, ROP_WHY_DENIED,
				    rop_printf(now->arena, "%s: %s", node->address, node->reach_why),
				    advice_on_denial(node));
		if (node->reach == ROP_REACH_NOT_REDIS)
			policy_find(now, (int)i, ROP_WHY_NOT_REDIS,
				    rop_printf(now->arena, "%s is not a Redis or Valkey server: %s", node->address,
					       node->reach_why),
				    "correct the address in the topology file");
		if (node->reach == ROP_REACH_NOT_CLUSTER)
			policy_find(now, (int)i, ROP_WHY_NOT_CLUSTER,
				    rop_printf(now->arena, "%s is not in cluster mode", node->address),
				    "set 'cluster-enabled yes' in its configuration and restart it");
		if (node->reach == ROP_REACH_SENTINEL)
			policy_find(now, (int)i, ROP_WHY_SENTINEL,
				    rop_printf(now->arena, "%s is a Sentinel, not a data node", node->address),
				    "declare the address of a data node (a Sentinel commonly listens on port 26379, a "
				    "data node on 6379); a cluster fails over by itself and needs no Sentinel");
		if (node->reach == ROP_REACH_SEVERAL)
			policy_find(now, (int)i, ROP_WHY_SEVERAL_SERVERS,
				    rop_printf(now->arena, "%s: %s", node->address, node->reach_why),
				    "give each server a name of its own, or declare it by its address");
		if (node->reach == ROP_REACH_NO_COMMAND)
			policy_find(now, (int)i, ROP_WHY_NO_COMMAND,
				    rop_printf(now->arena, "%s: %s", node->address, node->reach_why),
				    "take 'rename-command' out of its configuration and restart it: without this "
				    "command nobody can tell how the node stands");
	}
}

static void warn_of_names(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (now->seen->nodes[i].nameless)
			policy_warn(now, (int)i, ROP_WHY_NAMELESS,
				    rop_printf(now->arena, "%s: %s", now->seen->nodes[i].address,
					       now->seen->nodes[i].nameless),
				    "bring the name back, or declare the node by another");
}

static void find_silent_nodes(struct rop_situation *now)
{
	const char *advice = now->formed ? "bring the majority of the primaries back; nothing is changed without them"
					 : "start the node, or open its port; a cluster is formed only when every "
					   "declared node answers";
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		const char *known = policy_silent_advice(node);
		if (node->reach == ROP_REACH_SILENT && !lost_is(now, i))
			policy_find(now, (int)i, ROP_WHY_UNREACHABLE,
				    rop_printf(now->arena, "%s does not answer: %s", node->address, node->reach_why),
				    known ? known : advice);
		if (node->reach == ROP_REACH_LOADING)
			policy_find(now, (int)i, ROP_WHY_UNREACHABLE,
				    rop_printf(now->arena, "%s does not answer: %s", node->address, node->reach_why),
				    "it runs, and answers when that is over: wait for it, then try again");
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

/* It has keys of slots that it is to get. */
static bool is_importing(const struct rop_node *node)
{
	int64_t keys = 0;
	for (size_t k = 0; k < node->open.n; k++)
		if (node->open.at[k].importing && node->open.at[k].keys > 0)
			keys += node->open.at[k].keys;
	return node->open.n > 0 && keys >= node->keys;
}

static void find_keys_without_slots(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (rop_node_answers(node) && node->keys > 0 && node->role != ROP_ROLE_REPLICA &&
		    rop_slots_empty(&node->slots) && !is_importing(node))
			policy_find(now, (int)i, ROP_WHY_NOT_EMPTY,
				    rop_printf(now->arena,
					       "%s holds %" PRId64 " key%s but owns no slots: they would be lost or "
					       "served wrongly",
					       node->address, node->keys, node->keys == 1 ? "" : "s"),
				    "save what is needed of it and empty the node, or declare another one");
	}
}

static void find_functions(struct rop_situation *now)
{
	int main_group = now->kase == ROP_CASE_ADOPT ? now->main_group : -1;
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (node->functions > 0 && now->group[i] != main_group)
			policy_find(now, (int)i, ROP_WHY_NOT_EMPTY,
				    rop_printf(now->arena, "%s is not empty: it holds %d function librar%s",
					       node->address, node->functions, node->functions == 1 ? "y" : "ies"),
				    "remove them (FUNCTION DELETE), or declare another node");
	}
}

static bool is_found(const struct rop_situation *now, enum rop_reason reason)
{
	for (size_t i = 0; i < now->findings.n; i++)
		if (now->findings.at[i].is == reason)
			return true;
	return false;
}

/* It is told as that already: a server that came back without its nodes.conf and with its data belongs to nobody else.
 */
static bool is_rebuilt(const struct rop_situation *now, size_t node)
{
	if (policy_is_to_empty(now, node) || policy_is_of_another_cluster(now, node))
		return true;
	for (size_t i = 0; i < now->findings.n; i++)
		if (now->findings.at[i].is == ROP_WHY_REBUILT && now->findings.at[i].node == (int)node)
			return true;
	return false;
}

static void find_rival_claims(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	for (size_t i = 0; i < seen->n && !is_found(now, ROP_WHY_IDENTITIES_LOST); i++) {
		for (size_t j = i + 1; j < seen->n; j++) {
			if (now->group[i] == now->group[j] || is_rebuilt(now, i) || is_rebuilt(now, j) ||
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

static const char *group_text(const struct rop_situation *now, const struct tally *t)
{
	int slots = rop_slots_count(&t->slots);
	return rop_printf(now->arena, "%d node%s, %d slot%s, %" PRId64 " key%s", t->members, rop_plural(t->members),
			  slots, rop_plural(slots), t->keys, rop_plural(t->keys));
}

/* Several groups of nodes that do not know each other, and keys: only empty ones may be joined to the one that counts.
 * How many nodes know each other in an empty group does not matter: while nodes are introduced such groups come and go.
 */
static void find_rival_components(struct rop_situation *now, const struct tally *tally)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		if (now->group[i] != (int)i || (int)i == now->main_group || policy_is_of_another_cluster(now, i) ||
		    policy_is_of_another_cluster(now, (size_t)now->main_group) ||
		    (tally[i].members == 1 && is_rebuilt(now, i)))
			continue;
		if (tally[i].keys <= 0 && rop_slots_empty(&tally[i].slots))
			continue;
		policy_find(now, (int)i, ROP_WHY_SEVERAL_CLUSTERS,
			    rop_printf(now->arena,
				       "%s belongs to another group than %s: %s, beside %s; joining two groups, one of "
				       "which holds keys, can lose data (%s, and %s)",
				       now->seen->nodes[i].address, now->seen->nodes[now->main_group].address,
				       group_text(now, &tally[i]), group_text(now, &tally[now->main_group]),
				       policy_cluster_of(now, i), policy_cluster_of(now, (size_t)now->main_group)),
			    tally[i].keys ? "find out what they belong to; describe one of them per file"
					  : "describe one of them per file, or let go of the slots on the nodes that "
					    "are to join (CLUSTER RESET, by hand)");
	}
}

/* A cluster is formed of nodes that are known to be empty. */
static void find_untold_content(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n && !now->formed; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (!rop_node_answers(node) ||
		    (node->keys != ROP_COUNT_UNKNOWN && node->functions != ROP_COUNT_UNKNOWN))
			continue;
		policy_find(now, (int)i, ROP_WHY_UNKNOWN,
			    rop_printf(now->arena,
				       "%s would not tell whether it is empty: user '%s' may not run %s; what is "
				       "unknown is not taken for empty",
				       node->address, policy_user(now),
				       node->refused ? node->refused : "INFO keyspace"),
			    POLICY_ALLOW);
	}
}

/* Shards that nobody can lead, and whose slots are all owned by others. */
static int leaderless_shards(const struct rop_situation *now)
{
	int n = 0;
	for (size_t k = 0; k < now->layout.n; k++)
		n += now->layout.shards[k].primary < 0 && rop_slots_empty(&now->layout.shards[k].add);
	return n;
}

/* Both are said before anything is changed, not when the slots turn out to be gone. Of a server that answers twice, or
 * of nodes that are to come together, it would only be the echo. */
static void find_wrong_shape(struct rop_situation *now)
{
	int owners = 0, shards = now->topology->shards;
	if (is_found(now, ROP_WHY_SAME_NODE_ID) || is_found(now, ROP_WHY_IDENTITIES_LOST) || now->to_empty)
		return;
	const bool *owner = policy_owners(now->arena, now->seen);
	for (size_t i = 0; i < now->seen->n; i++)
		owners += owner[i];
	if (owners > shards && !now->formed)
		policy_find(now, -1, ROP_WHY_TOO_MANY_SHARDS,
			    rop_printf(now->arena,
				       "%d nodes own slots, but the file declares %d shard%s, and some slots are owned "
				       "by nobody; slots are moved in a whole cluster only",
				       owners, shards, shards == 1 ? "" : "s"),
			    rop_printf(now->arena, "set 'shards: %d' until every slot has an owner", owners));
	else if (owners < shards && leaderless_shards(now) > 0)
		policy_find(
			now, -1, ROP_WHY_TOO_FEW_SHARDS,
			rop_printf(now->arena,
				   "the slots are owned by %d node%s, but the file declares %d shards, and no empty "
				   "node that answers can lead another one",
				   owners, owners == 1 ? "" : "s", shards),
			rop_printf(now->arena,
				   "declare an empty server for each new shard (spec.nodes), or set 'shards: %d'",
				   owners));
}

/* ---- in order ---------------------------------------------------------------------------------------------- */

void refusals_of_nodes(struct rop_situation *now)
{
	find_unfit_nodes(now);
	warn_of_names(now);
	find_twins(now);
	policy_find_elsewhere(now);
	policy_find_announced(now);
	policy_find_strangers(now);
}

void refusals_of_content(struct rop_situation *now, const struct tally *tally)
{
	find_untold_content(now);
	if (now->kase == ROP_CASE_ADOPT && !identities_lost(now, tally))
		find_rival_components(now, tally);
	find_rival_claims(now);
	find_keys_without_slots(now);
	find_functions(now);
	policy_find_functions_apart(now);
	find_wrong_shape(now);
}

void refusals_of_silence(struct rop_situation *now)
{
	find_silent_nodes(now);
}
