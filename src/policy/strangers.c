/* strangers.c - peers that nodes list with an identity, and that are not declared.
 *
 * One was declared and answers under another identity now; one may own slots, or be followed, and so be part of the
 * cluster. Advice is an act: none of those is ever to be forgotten, nor one that is alive.
 */
#include <string.h>

#include "policy.h"
#include "rop/text.h"

/* FORGET closes them without a word: what was carried there is on whoever took over from it, and the slots' owner would
 * not send clients there any more. */
static const char *advice_on_open(const struct rop_situation *now, const char *id)
{
	int n, node = policy_open_towards(now->seen, id, &n);
	if (node < 0)
		return NULL;
	const struct rop_node *other = &now->seen->nodes[node];
	return rop_printf(
		now->arena,
		"do not forget it yet: %s has %d slot%s open with it, and their keys may be on whoever took over "
		"from it; find out who has them (CLUSTER COUNTKEYSINSLOT %d, on each primary), and end the move "
		"between those two (CLUSTER SETSLOT, MIGRATE)",
		other->address, n, rop_plural(n), other->open.at[0].slot);
}

static int in_its_place(const struct rop_situation *now, const struct rop_foreign *peer)
{
	return policy_in_its_place(now->seen, now->seen->n, now->image, peer->id);
}

/* The declared node whose name led to this peer, and leads to another server now; -1: none. A server that was rebuilt
 * in its place is not that: its old identity is held where it is. */
static int led_to(const struct rop_situation *now, const struct rop_foreign *peer)
{
	int i = in_its_place(now, peer);
	return i >= 0 && now->seen->nodes[i].ip && !rop_node_is_at(&now->seen->nodes[i], peer->address) ? i : -1;
}

/* Nobody is there under that identity any more, as far as this viewer sees. */
static bool is_gone(const struct rop_foreign *peer)
{
	return strstr(peer->flags, "fail") || strstr(peer->flags, "noaddr");
}

/* The declared node that stands where this peer was, under an identity of its own: its nodes.conf was lost. -1: none.
 * Who is held elsewhere may be there still. */
static int rebuilt_as(const struct rop_situation *now, const struct rop_foreign *peer)
{
	int i = in_its_place(now, peer);
	const char *other = i >= 0 ? policy_address_before(now->image, now->seen->nodes[i].id) : NULL;
	if (i < 0 || (other && strcmp(other, now->seen->nodes[i].address) != 0)) /* it may have been taken in already */
		return -1;
	return rop_address_is_unknown(peer->address) || rop_node_is_at(&now->seen->nodes[i], peer->address) ? i : -1;
}

/* ---- a server that lost its identity ------------------------------------------------------------------------- */

#define COMMANDS_TOLD 12

/* One for each of the others, to be given within the minute that a server keeps a forgotten node away. */
static const char *forget_on_the_others(const struct rop_situation *now, const char *id, int rebuilt)
{
	ROP_OWN_TEXT text = { 0 };
	size_t n = 0;
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if ((int)i == rebuilt || !rop_node_answers(node) || n++ >= COMMANDS_TOLD)
			continue;
		rop_text_add(&text, "%s`redis-cli -h %s -p %d cluster forget %s`", text.n ? "; " : "", node->ip,
			     node->port, id);
	}
	if (n > COMMANDS_TOLD)
		rop_text_add(&text, "; and so on %zu more nodes", n - COMMANDS_TOLD);
	return rop_strndup(now->arena, text.at ? text.at : "", text.n);
}

/* It kept an old copy of its data, and claims the slots of these keys: it is taken in when it is empty. What it has may
 * be more than the copy that is served, so emptying it is a person's to decide. */
static const char *empty_it_first(const struct rop_situation *now, int rebuilt)
{
	const struct rop_node *node = &now->seen->nodes[rebuilt];
	if (rop_slots_empty(&node->slots) && node->keys <= 0)
		return "";
	return rop_printf(now->arena,
			  "; it kept %lld key%s of before: look whether the ones that are served now lack any of them; "
			  "where they do not, empty it: `redis-cli -h %s -p %d flushall`, then cluster reset hard",
			  (long long)(node->keys > 0 ? node->keys : 0), rop_plural(node->keys), node->ip, node->port);
}

/* It can be done for a person, with what it costs named. */
static bool is_offered(const struct rop_situation *now, int rebuilt)
{
	for (size_t i = 0; i < now->lost.list.n; i++)
		if (rop_streq(now->lost.list.at[i].copies, now->seen->nodes[rebuilt].id))
			return true;
	return false;
}

static void find_rebuilt(struct rop_situation *now, const struct rop_foreign *peer, int rebuilt)
{
	const struct rop_node *node = &now->seen->nodes[rebuilt];
	if (policy_is_to_empty(now, (size_t)rebuilt) || policy_find_orphan(now, peer, rebuilt))
		return;
	const char *restore = "put its nodes.conf (cluster-config-file) back and start it again, if there is a copy";
	int follower = policy_follower_of(now->seen, peer->id);
	const char *advice;
	if (follower >= 0 && now->seen->nodes[follower].keys > 0 && node->keys == 0)
		advice = rop_printf(
			now->arena,
			"stop %s at once: %s, which has the only copy of the data (%lld keys), asks at that "
			"address for it, and is wiped by an empty answer. Then let it take over: `redis-cli -h "
			"%s -p %d cluster failover force`; started again after that, %s is taken in",
			node->address, now->seen->nodes[follower].address, (long long)now->seen->nodes[follower].keys,
			now->seen->nodes[follower].ip, now->seen->nodes[follower].port, node->address);
	else if (peer->slots)
		advice = rop_printf(now->arena,
				    "%s; the old identity still owns the slots %.120s: do not forget it before they "
				    "and their data have another owner",
				    restore, peer->slots);
	else if (advice_on_open(now, peer->id))
		advice = rop_printf(now->arena, "%s; %s", restore, advice_on_open(now, peer->id));
	else if (is_offered(now, rebuilt))
		advice = rop_printf(now->arena,
				    "%s; or look whether what is served now lacks any of the %lld key%s that it kept: "
				    "where it does not, have it emptied and taken in again: %s",
				    restore, (long long)node->keys, rop_plural(node->keys),
				    policy_consenting_command(now, &now->lost));
	else if (follower >= 0)
		advice = rop_printf(now->arena,
				    "%s; %s follows the old identity, and may hold the only other copy of its data",
				    restore, now->seen->nodes[follower].address);
	else
		advice = rop_printf(now->arena,
				    "%s; else let the others forget the old identity, within a minute: %s%s; apply "
				    "then takes it in again",
				    restore, forget_on_the_others(now, peer->id, rebuilt),
				    empty_it_first(now, rebuilt));
	policy_find(now, rebuilt, ROP_WHY_REBUILT,
		    rop_printf(now->arena,
			       "%s was node %s when it was seen last, and came back as %s: its nodes.conf was lost, "
			       "and the others still list the old identity (%s)",
			       node->address, peer->id, node->id, peer->flags),
		    advice);
}

/* ---- the others -------------------------------------------------------------------------------------------------- */

/* Advice is an act: who owns slots, or is followed, is never to be forgotten; nor one that is alive. */
static const char *advice_on_peer(const struct rop_situation *now, const struct rop_foreign *peer)
{
	int follower = policy_follower_of(now->seen, peer->id);
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
	if (advice_on_open(now, peer->id))
		return advice_on_open(now, peer->id);
	bool alive = !is_gone(peer);
	int led = alive ? led_to(now, peer) : -1;
	if (led >= 0)
		return rop_printf(now->arena,
				  "%s leads to another server now (%s): let it lead to %s again, or declare that "
				  "address",
				  now->seen->nodes[led].address, now->seen->nodes[led].id, peer->address);
	if (alive && policy_address_before(now->image, peer->id))
		return "declare it again (spec.nodes); or take it out of the cluster, where it is to go: `redis-cli "
		       "--cluster del-node HOST:PORT ID`";
	if (alive)
		return "if it belongs to this cluster, add it to spec.nodes; if it does not, find out what it is "
		       "first: it is alive";
	return rop_printf(now->arena,
			  "if it belongs to this cluster, add it to spec.nodes; if it is gone for good: `redis-cli -h "
			  "HOST -p PORT cluster forget %s`, on every node",
			  peer->id);
}

void policy_find_strangers(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	policy_find_merging(now);
	for (size_t f = 0; f < seen->foreign.n; f++) {
		const struct rop_foreign *peer = &seen->foreign.at[f];
		const char *before = policy_address_before(now->image, peer->id);
		int rebuilt = rebuilt_as(now, peer);
		if (policy_is_of_others_alone(now, peer) ||
		    (rebuilt >= 0 && policy_is_of_another_cluster(now, (size_t)rebuilt)))
			continue; /* told as that */
		if (rebuilt >= 0) {
			find_rebuilt(now, peer, rebuilt);
			continue;
		}
		policy_find(now, peer->viewer, ROP_WHY_FOREIGN_PEER,
			    rop_printf(now->arena, "%s knows a peer that is not declared: %s at %s (%s)%s%s",
				       seen->nodes[peer->viewer].address, peer->id,
				       rop_address_is_unknown(peer->address) ? "an unknown address" : peer->address,
				       peer->flags, before ? ", which was a member at " : "", before ? before : ""),
			    advice_on_peer(now, peer));
	}
	if (seen->foreign_more)
		policy_find(now, -1, ROP_WHY_FOREIGN_PEER,
			    rop_printf(now->arena,
				       "and there are more peers that are not declared: %d more entries of CLUSTER "
				       "NODES",
				       seen->foreign_more),
			    "declare all nodes of the cluster (`redis-operator import HOST:PORT` writes such a file)");
}
