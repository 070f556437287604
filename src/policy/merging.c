/* merging.c - a declared address leads to a node of another cluster: a host's address was given to another host, or a
 * file names nodes of two clusters. Introduced to each other these would become one, and delete each other's keys. So
 * that is refused, and both are named: as the database knows them, else by a node of each.
 */
#include <inttypes.h>
#include <string.h>

#include "policy.h"
#include "rop/text.h"

#define PEERS_TOLD 3

static const char *cluster_of_id(const struct rop_image *image, const char *id)
{
	for (size_t k = 0; k < image->others.n; k++)
		if (strcmp(image->others.at[k].node, id) == 0)
			return image->others.at[k].cluster;
	return NULL;
}

static bool lists(const struct rop_foreign *peer, size_t viewer)
{
	return peer->viewers[viewer / 64] >> (viewer % 64) & 1;
}

/* By its own id, or by that of one it lists; NULL: not known here. */
static const char *name_of_its_cluster(const struct rop_situation *now, size_t node)
{
	const struct rop_observed *seen = now->seen;
	const char *name = cluster_of_id(now->image, seen->nodes[node].id);
	for (size_t f = 0; f < seen->foreign.n && !name; f++)
		if (lists(&seen->foreign.at[f], node))
			name = cluster_of_id(now->image, seen->foreign.at[f].id);
	return name;
}

static bool is_ours(const struct rop_situation *now, size_t node)
{
	return policy_address_before(now->image, now->seen->nodes[node].id) != NULL;
}

const char *policy_cluster_of(const struct rop_situation *now, size_t node)
{
	const char *name = is_ours(now, node) ? now->topology->name : name_of_its_cluster(now, node);
	const char *id = now->seen->nodes[node].id;
	return name ? rop_printf(now->arena, "node %.8s of cluster '%s'", id, name)
		    : rop_printf(now->arena, "node %.8s", id);
}

/* It lists peers that nobody here knows, and none of ours lists it. */
bool policy_is_of_another_cluster(const struct rop_situation *now, size_t node)
{
	const struct rop_node *n = &now->seen->nodes[node];
	bool any = false;
	if (!rop_node_answers(n) || !n->strangers || is_ours(now, node))
		return false;
	for (size_t i = 0; i < now->seen->n; i++) {
		any |= is_ours(now, i);
		if (is_ours(now, i) && now->group[i] == now->group[node])
			return false;
	}
	return any;
}

bool policy_is_of_others_alone(const struct rop_situation *now, const struct rop_foreign *peer)
{
	for (size_t i = 0; i < now->seen->asked; i++)
		if (lists(peer, i) && (i >= now->seen->n || !policy_is_of_another_cluster(now, i)))
			return false;
	return true;
}

static const char *its_peers(const struct rop_situation *now, size_t node)
{
	ROP_OWN_TEXT text = { 0 };
	int told = 0;
	for (size_t f = 0; f < now->seen->foreign.n && told < PEERS_TOLD; f++) {
		const struct rop_foreign *peer = &now->seen->foreign.at[f];
		if (lists(peer, node))
			rop_text_add(&text, "%s%.8s at %s", told++ ? ", " : ": ", peer->id,
				     rop_address_is_unknown(peer->address) ? "an unknown address" : peer->address);
	}
	if (told && told < now->seen->nodes[node].strangers)
		rop_text_add(&text, " and others");
	return rop_strndup(now->arena, text.at ? text.at : "", text.n);
}

static const char *who_was_there(const struct rop_situation *now, size_t node)
{
	for (size_t m = 0; m < now->image->members.n; m++)
		if (rop_streq(now->image->members.at[m].address, now->seen->nodes[node].address))
			return rop_printf(now->arena, "which had node %.8s there", now->image->members.at[m].node);
	return "which declares that address";
}

static size_t ours_that_answer(const struct rop_situation *now)
{
	size_t n = 0;
	for (size_t i = 0; i < now->seen->n; i++)
		n += rop_answers(now->seen, i) && is_ours(now, i);
	return n;
}

void policy_find_merging(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (!policy_is_of_another_cluster(now, i))
			continue;
		const char *name = name_of_its_cluster(now, i);
		const char *other = name ? rop_printf(now->arena, "cluster '%s'", name) : "another cluster";
		size_t ours = ours_that_answer(now);
		policy_find(
			now, (int)i, ROP_WHY_SEVERAL_CLUSTERS,
			rop_printf(now->arena,
				   "%s is a node of %s now: node %.8s, with %d slots and %" PRId64
				   " key%s, which knows %d node%s that %s not declared here%s; of cluster '%s', %s, "
				   "%zu node%s answer%s. Introduced to each other the two would become one, and "
				   "delete each other's keys",
				   node->address, other, node->id, rop_slots_count(&node->slots),
				   node->keys > 0 ? node->keys : 0, rop_plural(node->keys), node->strangers,
				   rop_plural(node->strangers), node->strangers == 1 ? "is" : "are", its_peers(now, i),
				   now->topology->name, who_was_there(now, i), ours, rop_plural((int64_t)ours),
				   ours == 1 ? "s" : ""),
			rop_printf(now->arena,
				   "%s is left alone: empty neither of them. Declare another node in its place "
				   "(spec.nodes), or let that address lead to a node of '%s' again",
				   node->address, now->topology->name));
	}
}
