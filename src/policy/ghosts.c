/* ghosts.c - ids that members list and nobody is any more: a server was rebuilt at its address, and answers under
 * another id. They are asked for nothing; they leave as members do that are not declared any more (retire.c).
 *
 * One is a ghost only where that costs nothing: nobody follows it and no slot is open with it, all who list it have no
 * other address for it and no link to it, and the server in its place is empty or has been taken in. Where it owns
 * slots it does not leave before they have another owner, or what was in them is given up (lost.c). Whatever else it is
 * stays a finding (strangers.c).
 */
#include <string.h>

#include "policy.h"
#include "rop/leaving.h"
#include "rop/text.h"

struct ghosts {
	const struct rop_observed *seen;
	const struct rop_image *image;
	struct ghost {
		const char *id;
		int place;                      /* the node that answers where it was */
		const struct rop_foreign *peer; /* NULL: nobody lists it any more */
	} at[ROP_FOREIGN_MAX];
	size_t n;
};

static bool holds_nothing(const struct rop_node *node)
{
	return node->keys == 0 && (node->functions == 0 || node->functions == ROP_COUNT_NOT_ASKED) &&
	       rop_slots_empty(&node->slots) && node->role != ROP_ROLE_REPLICA;
}

/* The declared node that answers where that member was, under an id that was no member's elsewhere. -1: none. */
static int in_its_place(const struct ghosts *g, const char *id)
{
	const struct rop_observed *seen = g->seen;
	int place = policy_in_its_place(seen, seen->asked - seen->n_leaving, g->image, id);
	if (place < 0 || strcmp(seen->nodes[place].id, id) == 0)
		return -1;
	const char *other = policy_address_before(g->image, seen->nodes[place].id);
	return !other || strcmp(other, seen->nodes[place].address) == 0 ? place : -1;
}

/* A member lists the server that is there now. */
static bool is_taken_in(const struct ghosts *g, size_t node)
{
	for (size_t i = 0; i < g->seen->n; i++)
		if (i != node && rop_answers(g->seen, i) && rop_bit(g->seen, g->seen->known, i, node) &&
		    policy_address_before(g->image, g->seen->nodes[i].id))
			return true;
	return false;
}

static bool is_needed(const struct rop_observed *seen, const char *id)
{
	int slots;
	return policy_follower_of(seen, id) >= 0 || policy_open_towards(seen, id, &slots) >= 0;
}

static bool is_gone(const struct ghosts *g, const struct rop_foreign *peer, int place)
{
	struct rop_slots slots;
	if (peer->linked || peer->addresses_differ || is_needed(g->seen, peer->id) ||
	    (peer->slots && !rop_slots_parse(peer->slots, &slots)))
		return false;
	return rop_address_is_unknown(peer->address) || rop_node_is_at(&g->seen->nodes[place], peer->address);
}

static void take_listed(struct ghosts *g)
{
	for (size_t f = 0; f < g->seen->foreign.n && !g->seen->foreign_more; f++) {
		const struct rop_foreign *peer = &g->seen->foreign.at[f];
		int place = in_its_place(g, peer->id);
		if (place < 0 || !is_gone(g, peer, place))
			continue;
		if (holds_nothing(&g->seen->nodes[place]) || is_taken_in(g, (size_t)place))
			g->at[g->n++] = (struct ghost){ peer->id, place, peer };
	}
}

/* Nobody lists it any more: watched until the servers would let it in again. */
static void take_watched(struct ghosts *g)
{
	for (size_t m = 0; m < g->image->members.n && g->n < ROP_FOREIGN_MAX; m++) {
		const char *id = g->image->members.at[m].node;
		int place = in_its_place(g, id);
		bool there = rop_observed_find(g->seen, id) >= 0 || rop_observed_find_leaving(g->seen, id) >= 0;
		for (size_t f = 0; f < g->seen->foreign.n; f++)
			there |= strcmp(g->seen->foreign.at[f].id, id) == 0;
		if (place >= 0 && !there && !is_needed(g->seen, id) && is_taken_in(g, (size_t)place))
			g->at[g->n++] = (struct ghost){ id, place, NULL };
	}
}

static bool is_of(const struct rop_foreign *peer, const struct ghosts *g)
{
	for (size_t k = 0; k < g->n; k++)
		if (g->at[k].peer == peer)
			return true;
	return false;
}

static void add(struct rop_observed *with, const struct ghost *ghost, size_t at)
{
	struct rop_node *node = &with->nodes[at];
	node->address = rop_printf(with->arena, "%s (formerly %.8s)", with->nodes[ghost->place].address, ghost->id);
	node->ip = with->nodes[ghost->place].ip;
	node->port = with->nodes[ghost->place].port;
	node->reach = ROP_REACH_SILENT;
	node->reach_why = "another id answers at its address";
	node->role = ROP_ROLE_PRIMARY;
	node->ghost = true;
	if (ghost->peer && ghost->peer->slots)
		rop_slots_parse(ghost->peer->slots, &node->slots);
	node->leaving = rop_strdup(with->arena, ghost->id);
	memcpy(node->id, node->leaving, strlen(node->leaving) + 1);
	for (size_t i = 0; i < with->asked && ghost->peer; i++) {
		if (!(ghost->peer->viewers[i / 64] >> (i % 64) & 1))
			continue;
		rop_bit_set(with, with->listed, i, at);
		rop_bit_set(with, with->known, i, at);
		rop_bit_set(with, with->failing, i, at);
		with->nodes[i].strangers--;
		with->nodes[i].strangers_digest -= rop_digest(ROP_DIGEST_START, ghost->id, strlen(ghost->id));
	}
}

const struct rop_observed *rop_observed_with_ghosts(struct rop_arena *arena, const struct rop_observed *seen,
						    const struct rop_image *image)
{
	struct ghosts g = { .seen = seen, .image = image };
	if (!image->formed_wall_ms)
		return seen;
	take_listed(&g);
	take_watched(&g);
	if (!g.n)
		return seen;
	struct rop_observed *with = rop_observed_widened(arena, seen, g.n);
	with->foreign.n = 0;
	for (size_t f = 0; f < seen->foreign.n; f++)
		if (!is_of(&seen->foreign.at[f], &g))
			*rop_push(arena, &with->foreign) = seen->foreign.at[f];
	for (size_t k = 0; k < g.n; k++)
		add(with, &g.at[k], seen->asked + k);
	with->n_leaving += g.n;
	return with;
}

void policy_warn_of_ghosts(struct rop_situation *now)
{
	for (size_t k = 0; k < now->retirements.n; k++) {
		const struct rop_retirement *r = &now->retirements.at[k];
		const struct rop_node *node = &now->seen->nodes[r->node];
		int place = -1;
		for (size_t i = 0; i < now->seen->n && node->ghost && r->listed; i++)
			if (rop_answers(now->seen, i) && rop_streq(now->seen->nodes[i].ip, node->ip) &&
			    now->seen->nodes[i].port == node->port)
				place = (int)i;
		if (place < 0)
			continue;
		policy_warn(
			now, place, ROP_WHY_REPLACED,
			rop_printf(
				now->arena,
				"%s was node %s when it was seen last, and answers as %s: its nodes.conf was lost; it "
				"is taken in as a new node, and the others forget the old id",
				now->seen->nodes[place].address, r->id, now->seen->nodes[place].id),
			NULL);
	}
}
