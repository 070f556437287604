/* elsewhere.c - peers hold a node at another address than its own: a second server has its identity, or its packets
 * leave from there.
 *
 * Source: clusterProcessPacket and nodeUpdateAddressIfNeeded of the servers' cluster.c: who is met, or pings, is held
 * at the address that its packets come from, unless it announces another.
 */
#include <string.h>

#include "copies.h"
#include "rop/text.h"

/* ---- a second server ------------------------------------------------------------------------------------------ */

static int64_t node_timeout_ms(const struct rop_situation *now, size_t node)
{
	return rop_observed_number(now->seen, node, "cluster-node-timeout", ROP_NODE_TIMEOUT_MS);
}

/* Servers tell their port whatever address their packets come from: another port is another server. */
static bool has_its_port(const struct rop_node *node, const char *address)
{
	const char *own = node->own_address ? strrchr(node->own_address, ':') : NULL;
	return own && strcmp(own, strrchr(address, ':')) == 0;
}

#define BELIEVED_MS 1000 /* at least, where the node timeout is lowered */

/* The same id, at another address than its own, and alive there: a second server runs with a copy of its nodes.conf.
 * Peers that have gone over to it hold it as healthy. A new address is believed by peers within a node timeout, so two
 * looks that long apart must agree; who looks only once tells at once. */
static void find_clones(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		int64_t for_ms;
		const char *elsewhere = copies_elsewhere(now, i, &for_ms);
		int64_t believed_ms = node_timeout_ms(now, i) > BELIEVED_MS ? node_timeout_ms(now, i) : BELIEVED_MS;
		if (!rop_node_answers(node) || !elsewhere || (!now->looks_once && for_ms < believed_ms) ||
		    rop_node_is_held_in_vain(node, elsewhere) || (!now->formed && !node->elsewhere))
			continue;
		const char *text = rop_printf(now->arena,
					      "%s answers as node %s and calls itself %s, but peers are connected to "
					      "%s for that id: ",
					      node->address, node->id,
					      node->own_address ? node->own_address : node->address, elsewhere);
		if (node->at_home || !has_its_port(node, elsewhere))
			policy_find(now, (int)i, ROP_WHY_SAME_NODE_ID,
				    rop_printf(now->arena,
					       "%sa second server runs there with a copy of its nodes.conf; replicas "
					       "that follow it throw their data away",
					       text),
				    rop_printf(now->arena,
					       "stop the server at %s, if it is not the one declared; then see which "
					       "node has the keys before anything else is changed. Where it announced "
					       "that address until now, the others hear of it within a node timeout: "
					       "look again",
					       elsewhere));
		else
			policy_find(now, (int)i, ROP_WHY_SAME_NODE_ID,
				    rop_printf(now->arena,
					       "%seither a second server runs there with a copy of its nodes.conf, and "
					       "replicas that follow it throw their data away; or it is this server, "
					       "whose packets leave from there",
					       text),
				    rop_printf(now->arena,
					       "see what listens at %s (INFO server: run_id): another server is to be "
					       "stopped, and which node has the keys be seen, before anything else is "
					       "changed; where it is this one, declare it by that address, or set "
					       "bind-source-addr or cluster-announce-ip",
					       elsewhere));
	}
}

/* ---- packets that leave from another address ------------------------------------------------------------------ */

#define HELD_MS 1500    /* peers go over from one address to another within a few pings */
#define STRANGE_MS 1000 /* of introductions that come to nothing, more than one was tried */
const char *policy_set_its_address(const struct rop_situation *now)
{
	size_t six = 0;
	for (size_t i = 0; i < now->seen->n; i++)
		six += now->seen->nodes[i].ip && strchr(now->seen->nodes[i].ip, ':');
	return rop_printf(
		now->arena,
		"%sset cluster-announce-ip to the address at which the others reach it (CONFIG SET, and in "
		"its configuration), or bind-source-addr to the one that it listens on (in its "
		"configuration, and restart it), on each such node; then try again. Where one announced that "
		"address and does so no more: apply waits until the others have heard, and introduces it again",
		six && six < now->seen->n ? "declare all nodes by addresses of one family, IPv4 or IPv6; or " : "");
}

bool policy_addresses_settled(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n && !now->formed; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		const struct rop_before *before = now->before ? &now->before[i] : NULL;
		if (rop_node_answers(node) && (node->elsewhere || policy_announced_unseen(now, i) ||
					       (node->held_at && rop_node_is_held_in_vain(node, node->held_at)) ||
					       (before && (before->held_since_ms || before->strange_since_ms))))
			return false;
	}
	return true;
}

/* One look tells by how long the peers have waited already. Who looks again gives them a node timeout besides: within
 * that they hear where a node is that was put right. */
static bool is_held_elsewhere(const struct rop_situation *now, size_t i)
{
	const struct rop_node *node = &now->seen->nodes[i];
	const struct rop_before *before = now->before ? &now->before[i] : NULL;
	int64_t lasting_ms = node_timeout_ms(now, i) > HELD_MS ? node_timeout_ms(now, i) : HELD_MS;
	if (!rop_node_answers(node) || !node->held_at || node->held_ms < HELD_MS)
		return false;
	return now->looks_once ||
	       (before && before->held_since_ms && now->boot_ms - before->held_since_ms >= lasting_ms);
}

/* What one of them has suffered for long enough is the case of all that have begun to. */
const char *policy_leaves_from(const struct rop_situation *now, size_t i)
{
	const struct rop_node *node = &now->seen->nodes[i];
	bool any = false;
	if (!rop_node_answers(node) || !node->held_at || !rop_node_is_held_in_vain(node, node->held_at))
		return NULL;
	for (size_t j = 0; j < now->seen->n && !any; j++)
		any = is_held_elsewhere(now, j);
	if (!any)
		return NULL;
	return rop_printf(
		now->arena,
		"%d peer%s %s %s at %s, and get%s no answer there: its packets leave from that address, or it "
		"announced it until now",
		node->held_by, rop_plural(node->held_by), node->held_by == 1 ? "holds" : "hold", node->address,
		node->held_at, node->held_by == 1 ? "s" : "");
}

static bool knows_all(const struct rop_situation *now, size_t viewer)
{
	for (size_t j = 0; j < now->seen->n; j++)
		if (rop_node_answers(&now->seen->nodes[j]) && !rop_bit(now->seen, now->seen->known, viewer, j))
			return false;
	return true;
}

/* Servers tell their port whatever address their packets come from. -1: several have it, or none. */
static int only_one_on_port(const struct rop_situation *now, const char *port)
{
	int found = -1;
	for (size_t i = 0; i < now->seen->n; i++) {
		if (strcmp(rop_printf(now->arena, "%d", now->seen->nodes[i].port), port) != 0)
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

static const char *leaves_from_where(const struct rop_situation *now, size_t i)
{
	const struct rop_node *node = &now->seen->nodes[i];
	const struct rop_before *before = now->before ? &now->before[i] : NULL;
	if (!rop_node_answers(node) || !node->strange || knows_all(now, i) || !before || !before->strange_since_ms ||
	    now->boot_ms - before->strange_since_ms < STRANGE_MS)
		return NULL;
	int other = only_one_on_port(now, strrchr(node->strange, ':') + 1);
	return rop_printf(now->arena,
			  "%s is being introduced to a node at %s, where no declared one is and nobody answers: the "
			  "packets of %s leave from that address",
			  node->address, node->strange,
			  other >= 0 ? now->seen->nodes[other].address : "one of the others");
}

/* A cluster is not formed of nodes that do not find each other's way back. In one that is formed already, it is said of
 * the links that do not stand. */
static void find_leaving_from(struct rop_situation *now)
{
	bool any = false;
	for (size_t i = 0; i < now->seen->n && !now->formed; i++) {
		const char *text = policy_leaves_from(now, i);
		if (text)
			policy_find(now, (int)i, ROP_WHY_LEAVES_FROM, text, policy_set_its_address(now));
		any |= text != NULL;
	}
	for (size_t i = 0; i < now->seen->n && !now->formed && !any; i++) {
		const char *text = leaves_from_where(now, i);
		if (text)
			policy_find(now, (int)i, ROP_WHY_LEAVES_FROM, text, policy_set_its_address(now));
	}
}

void policy_find_elsewhere(struct rop_situation *now)
{
	find_clones(now);
	find_leaving_from(now);
}

bool rop_situation_is_doubted(const struct rop_situation *now)
{
	int64_t for_ms;
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		const char *elsewhere = rop_node_answers(node) ? copies_elsewhere(now, i, &for_ms) : NULL;
		if (elsewhere && !rop_node_is_held_in_vain(node, elsewhere))
			return true;
	}
	return false;
}

int64_t rop_situation_may_pass_ms(const struct rop_situation *now)
{
	int64_t longest_ms = 0;
	for (size_t i = 0; i < now->findings.n; i++) {
		const struct rop_finding *f = &now->findings.at[i];
		bool is_held = f->node >= 0 && (f->is == ROP_WHY_LEAVES_FROM ||
						(f->is == ROP_WHY_SAME_NODE_ID && now->seen->nodes[f->node].elsewhere));
		if (!is_held)
			return 0;
		int64_t believed_ms = node_timeout_ms(now, (size_t)f->node) + HELD_MS;
		longest_ms = believed_ms > longest_ms ? believed_ms : longest_ms;
	}
	return longest_ms;
}
