/* kept.c - a server came back with another id and with the copy that it had: it claims the slots of its keys, which
 * others serve. It cannot be taken in with that. What it has may be more than what is served, so it is a person's to
 * give up, by name; then it is emptied, and taken in as any other.
 *
 * Never offered where nobody serves as many keys, nor while it knows others or anything is in doubt about who serves
 * them.
 */
#include "kept.h"

#include <inttypes.h>
#include <string.h>

#include "copies.h"
#include "lost.h"
#include "rop/text.h"

int kept_server_of(const struct rop_situation *now, size_t node)
{
	const struct rop_observed *seen = now->seen;
	const struct rop_node *kept = &seen->nodes[node];
	int claimed = rop_slots_count(&kept->slots), server = -1;
	for (size_t i = 0; i < seen->n; i++) {
		const struct rop_node *other = &seen->nodes[i];
		if (i == node || !rop_answers(seen, i) || other->role != ROP_ROLE_PRIMARY ||
		    rop_slots_common(&other->slots, &kept->slots) * 2 <= claimed || other->keys < kept->keys)
			continue;
		server = (int)i;
	}
	return server;
}

bool kept_can_be_emptied(const struct rop_situation *now, size_t node)
{
	const struct rop_node *kept = &now->seen->nodes[node];
	return rop_node_answers(kept) && kept->role == ROP_ROLE_PRIMARY && kept->others == 0 && kept->keys > 0 &&
	       kept->functions <= 0 && kept->functions != ROP_COUNT_UNKNOWN && !kept->open_slots &&
	       policy_follower_of(now->seen, kept->id) < 0;
}

struct rop_risk kept_loss(const struct rop_situation *now, size_t node, size_t server)
{
	const struct rop_node *kept = &now->seen->nodes[node], *serves = &now->seen->nodes[server];
	return (struct rop_risk){
		.kind = ROP_RISK_LOSS,
		.what = "copy",
		.keys = kept->keys,
		.copies = kept->id,
		.nodes = kept->address,
		.text = rop_printf(now->arena,
				   "%s came back with another id and %" PRId64
				   " key%s of before; %s has their slots, and %" PRId64
				   " key%s: emptied, %s loses what only it has, if there is anything",
				   kept->address, kept->keys, rop_plural(kept->keys), serves->address, serves->keys,
				   rop_plural(serves->keys), kept->address),
	};
}

void kept_is_to_empty(struct rop_situation *now, size_t node)
{
	bool *to_empty = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *to_empty);
	for (size_t i = 0; i < now->seen->n; i++)
		to_empty[i] = policy_is_to_empty(now, i) || i == node;
	now->to_empty = to_empty;
}

/* That address was a member's, under an id that was given up by nobody yet; this one was never a member. */
static bool is_rebuilt(const struct rop_situation *now, size_t node)
{
	const struct rop_node *n = &now->seen->nodes[node];
	if (policy_address_before(now->image, n->id))
		return false;
	for (size_t m = 0; m < now->image->members.n; m++)
		if (rop_streq(now->image->members.at[m].address, n->address))
			return true;
	return false;
}

void policy_find_kept(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n && now->formed && now->in_view; i++) {
		if (now->group[i] == now->main_group || !kept_can_be_emptied(now, i) || !is_rebuilt(now, i))
			continue;
		int server = kept_server_of(now, i);
		if (server < 0 || now->group[server] != now->main_group || copies_doubted(now, (size_t)server))
			continue;
		struct rop_risk loss = kept_loss(now, i, (size_t)server);
		if (lost_is_given_up(now, &loss, 1))
			kept_is_to_empty(now, i);
	}
}
