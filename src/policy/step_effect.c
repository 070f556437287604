/* step_effect.c - what a step changes in what is seen: for plans, which go on from there without a server. */
#include <string.h>

#include "policy.h"
#include "rop/libraries.h"
#include "rop/text.h"

/* Keys of a slot that nobody has counted: an even part of what the node has. */
static int64_t keys_of_a_slot(const struct rop_node *node)
{
	int owned = rop_slots_count(&node->slots);
	if (node->keys <= 0 || !owned)
		return node->keys < 0 ? ROP_COUNT_UNKNOWN : 0;
	return node->keys > owned ? node->keys / owned : 1;
}

static void open_slot(struct rop_observed *seen, const struct rop_expect *e, struct rop_node *node, int slot)
{
	struct rop_open_slot open = { .slot = slot, .importing = e->kind == ROP_STEP_IMPORT };
	memcpy(open.peer, e->peer, ROP_ID_SIZE);
	open.keys = open.importing ? 0 : keys_of_a_slot(node);
	rop_node_set_open(seen->arena, node, &open);
}

/* Keys go from one node to the other; of the estimate no more than there are. */
static void carry_slot(struct rop_node *node, struct rop_node *peer, int slot)
{
	struct rop_open_slot *open = rop_node_open(node, slot);
	if (!open)
		return;
	int64_t keys = open->keys < node->keys ? open->keys : node->keys;
	open->keys = 0;
	if (keys <= 0)
		return;
	node->keys -= keys;
	if (peer && peer->keys >= 0)
		peer->keys += keys;
	struct rop_open_slot *there = peer ? rop_node_open(peer, slot) : NULL;
	if (there && there->keys >= 0)
		there->keys += keys;
}

/* clusterBumpConfigEpochWithoutConsensus: the greatest of all, so that the others believe it. */
static void bump_epoch(struct rop_observed *seen, struct rop_node *node)
{
	int64_t greatest = node->current_epoch;
	bool has = node->epoch > 0;
	for (size_t i = 0; i < seen->n; i++) {
		if (seen->nodes[i].epoch > greatest)
			greatest = seen->nodes[i].epoch;
		has &= &seen->nodes[i] == node || seen->nodes[i].role == ROP_ROLE_REPLICA ||
		       seen->nodes[i].epoch < node->epoch;
	}
	if (has && node->epoch == greatest)
		return;
	node->epoch = node->current_epoch = greatest + 1;
}

/* Who gives its last slot away becomes a replica of who got it (cluster-allow-replica-migration). */
static void follow_last_slot(struct rop_observed *seen, const struct rop_expect *e, struct rop_node *node)
{
	int peer = rop_observed_find(seen, e->peer);
	const char *may = rop_observed_value(seen, (size_t)(node - seen->nodes), "cluster-allow-replica-migration");
	if (peer < 0 || !rop_slots_empty(&node->slots) || (may && strcmp(may, "no") == 0))
		return;
	node->role = ROP_ROLE_REPLICA;
	node->primary = peer;
	memcpy(node->primary_id, e->peer, ROP_ID_SIZE);
	node->epoch = seen->nodes[peer].epoch;
	node->link_up = false;
	node->open.n = 0;
}

/* Its keys go along with it, and then it is the other one's. */
static void move_by_itself(struct rop_node *node, struct rop_node *peer, int slot)
{
	int64_t keys = keys_of_a_slot(node);
	node->slots.bits[slot / 64] &= ~((uint64_t)1 << (slot % 64));
	if (!peer)
		return;
	rop_slots_add(&peer->slots, slot, slot);
	keys = keys < node->keys ? keys : node->keys;
	if (keys <= 0)
		return;
	node->keys -= keys;
	if (peer->keys >= 0)
		peer->keys += keys;
}

static void move_slot(struct rop_observed *seen, const struct rop_expect *e, struct rop_node *node, int slot)
{
	int peer = rop_observed_find(seen, e->peer);
	switch (e->kind) {
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT: open_slot(seen, e, node, slot); break;
	case ROP_STEP_CARRY: carry_slot(node, peer >= 0 ? &seen->nodes[peer] : NULL, slot); break;
	case ROP_STEP_TAKE:
		rop_slots_add(&node->slots, slot, slot);
		rop_node_close(node, slot);
		break;
	case ROP_STEP_YIELD:
		node->slots.bits[slot / 64] &= ~((uint64_t)1 << (slot % 64));
		rop_node_close(node, slot);
		break;
	case ROP_STEP_MOVE: move_by_itself(node, peer >= 0 ? &seen->nodes[peer] : NULL, slot); break;
	default: rop_node_close(node, slot); break;
	}
}

static void move_slots(struct rop_observed *seen, const struct rop_expect *e, struct rop_node *node)
{
	struct rop_slots slots;
	if (!e->value || !rop_slots_parse(e->value, &slots))
		return;
	for (int from = 0, first, last; rop_slots_run(&slots, from, &first, &last); from = last + 1)
		for (int s = first; s <= last; s++)
			move_slot(seen, e, node, s);
	if (e->kind == ROP_STEP_TAKE)
		bump_epoch(seen, node);
	int peer = rop_observed_find(seen, e->peer);
	if (e->kind == ROP_STEP_MOVE && peer >= 0) {
		bump_epoch(seen, &seen->nodes[peer]);
		for (size_t i = 0; i < seen->n; i++)
			if ((int)i != peer)
				rop_bit_clear(seen, seen->agrees, i, (size_t)peer);
	}
	if (e->kind == ROP_STEP_YIELD || e->kind == ROP_STEP_MOVE)
		follow_last_slot(seen, e, node);
	node->open_slots = (int)node->open.n;
}

/* The heir takes all, and the others of the shard follow it. */
static void hand_over(struct rop_observed *seen, int heir, int primary)
{
	struct rop_node *to = &seen->nodes[heir], *from = &seen->nodes[primary];
	to->role = ROP_ROLE_PRIMARY;
	to->primary = -1;
	to->primary_id[0] = '\0';
	rop_slots_join(&to->slots, &from->slots);
	memset(&from->slots, 0, sizeof from->slots);
	from->role = ROP_ROLE_REPLICA;
	for (size_t i = 0; i < seen->n; i++) {
		struct rop_node *node = &seen->nodes[i];
		if ((int)i != primary && node->primary != primary)
			continue;
		node->primary = heir;
		memcpy(node->primary_id, to->id, ROP_ID_SIZE);
		rop_bit_clear(seen, seen->online, (size_t)primary, i);
		for (size_t k = 0; k < seen->n; k++)
			rop_bit_clear(seen, seen->agrees, k, i);
	}
	bump_epoch(seen, to);
}

/* The same, of an id that nobody has any more: views alone know what it owned. */
static void take_over(struct rop_observed *seen, int heir, const char *id)
{
	struct rop_node *to = &seen->nodes[heir];
	struct rop_slots slots = { 0 };
	for (size_t f = 0; f < seen->foreign.n; f++) {
		struct rop_foreign *peer = &seen->foreign.at[f];
		if (strcmp(peer->id, id) != 0)
			continue;
		if (peer->slots)
			rop_slots_parse(peer->slots, &slots);
		peer->slots = NULL;
	}
	for (size_t i = 0; i < seen->n; i++) {
		struct rop_node *node = &seen->nodes[i];
		if (node->role != ROP_ROLE_REPLICA || strcmp(node->primary_id, id) != 0)
			continue;
		node->primary = heir;
		memcpy(node->primary_id, to->id, ROP_ID_SIZE);
		for (size_t k = 0; k < seen->n; k++)
			rop_bit_clear(seen, seen->agrees, k, i);
	}
	to->role = ROP_ROLE_PRIMARY;
	to->primary = -1;
	to->primary_id[0] = '\0';
	rop_slots_join(&to->slots, &slots);
	bump_epoch(seen, to);
}

/* Without the one that is silent: what others say of it is that it owns nothing any more. */
static void take_over_unvoted(struct rop_observed *seen, int heir, int lost)
{
	struct rop_node *to = &seen->nodes[heir], *from = &seen->nodes[lost];
	to->role = ROP_ROLE_PRIMARY;
	to->primary = -1;
	to->primary_id[0] = '\0';
	to->link_up = false;
	rop_slots_join(&to->slots, &from->slots);
	memset(&from->slots, 0, sizeof from->slots);
	for (size_t i = 0; i < seen->n; i++) {
		struct rop_node *node = &seen->nodes[i];
		if (node->primary != lost || (int)i == heir || !rop_answers(seen, i))
			continue;
		node->primary = heir;
		memcpy(node->primary_id, to->id, ROP_ID_SIZE);
		node->link_up = false;
	}
	bump_epoch(seen, to);
}

static void meet(struct rop_observed *seen, int node, int peer)
{
	if (peer < 0)
		return;
	rop_bit_clear(seen, seen->astray, (size_t)node, (size_t)peer);
	if (rop_bit(seen, seen->known, (size_t)node, (size_t)peer))
		return;
	rop_bit_set(seen, seen->known, (size_t)node, (size_t)peer);
	seen->nodes[node].others++;
}

/* The peer hears of the node's role, or else of its shard. */
static void greet(struct rop_observed *seen, int node, int peer, bool role)
{
	if (peer < 0)
		return;
	if (role) {
		rop_bit_set(seen, seen->agrees, (size_t)peer, (size_t)node);
		return;
	}
	for (size_t i = 0; i < seen->n; i++)
		rop_bit_clear(seen, seen->apart, (size_t)peer, i);
	seen->nodes[peer].shards_apart = 0;
}

/* A new node with another id, and nobody in its view. */
static void reset_node(struct rop_observed *seen, int at)
{
	struct rop_node *node = &seen->nodes[at];
	uint64_t *const both[] = { seen->known, seen->linked, seen->agrees, seen->astray, seen->online };
	for (size_t m = 0; m < sizeof both / sizeof *both; m++)
		for (size_t i = 0; i < seen->asked; i++) {
			rop_bit_clear(seen, both[m], (size_t)at, i);
			rop_bit_clear(seen, both[m], i, (size_t)at);
		}
	memset(&node->slots, 0, sizeof node->slots);
	node->role = ROP_ROLE_PRIMARY;
	node->primary = -1;
	node->primary_id[0] = '\0';
	node->id[0] = node->id[0] == 'f' ? 'e' : 'f';
	node->keys = node->epoch = node->current_epoch = 0;
	node->others = node->strangers = 0;
	node->state_ok = node->link_up = node->syncing = false;
}

/* What a silent one owns is what others say of it: when the last of them has forgotten it, nobody owns that. */
static void forget(struct rop_observed *seen, int node, int gone)
{
	if (gone < 0)
		return;
	rop_bit_clear(seen, seen->listed, (size_t)node, (size_t)gone);
	rop_bit_clear(seen, seen->known, (size_t)node, (size_t)gone);
	bool listed = rop_answers(seen, (size_t)gone);
	for (size_t i = 0; i < seen->asked && !listed; i++)
		listed = rop_answers(seen, i) && rop_bit(seen, seen->listed, i, (size_t)gone);
	if (!listed)
		seen->nodes[gone].slots = (struct rop_slots){ 0 };
}

void rop_step_effect(const struct rop_expect *e, struct rop_observed *seen)
{
	int node = rop_observed_find(seen, e->node), peer = rop_observed_find(seen, e->peer);
	if (node < 0)
		return;
	struct rop_node *n = &seen->nodes[node];
	switch (e->kind) {
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_SETTING: {
		int at = rop_observed_setting(seen, e->name);
		if (at >= 0)
			n->settings[at] = e->value;
		return;
	}
	case ROP_STEP_EPOCH:
		n->epoch = e->epoch;
		if (n->current_epoch < e->epoch)
			n->current_epoch = e->epoch;
		return;
	case ROP_STEP_MEET: meet(seen, node, peer); return;
	case ROP_STEP_GREET: greet(seen, node, peer, rop_streq(e->name, ROP_GREET_ROLE)); return;
	case ROP_STEP_SLOTS: rop_slots_add(&n->slots, e->first, e->last); break;
	case ROP_STEP_ROLE:
		for (size_t i = 0; i < seen->n; i++) /* whom it followed before lists it no more */
			rop_bit_clear(seen, seen->online, i, (size_t)node);
		n->role = ROP_ROLE_REPLICA;
		n->primary = peer;
		memcpy(n->primary_id, e->peer, ROP_ID_SIZE);
		if (peer >= 0)
			n->epoch = seen->nodes[peer].epoch;
		n->link_up = false;
		break;
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT:
	case ROP_STEP_CARRY:
	case ROP_STEP_RELEASE: move_slots(seen, e, n); return;
	case ROP_STEP_MOVE:
	case ROP_STEP_TAKE:
	case ROP_STEP_YIELD: move_slots(seen, e, n); break;
	case ROP_STEP_BUMP:
		n->epoch = (n->current_epoch > e->epoch ? n->current_epoch : e->epoch) + 1;
		n->current_epoch = n->epoch;
		n->epoch_held = 0;
		break;
	case ROP_STEP_FAILOVER:
		if (peer >= 0)
			hand_over(seen, node, peer);
		else
			take_over(seen, node, e->peer);
		return;
	case ROP_STEP_TAKEOVER:
		if (peer >= 0)
			take_over_unvoted(seen, node, peer);
		break;
	case ROP_STEP_RESET: reset_node(seen, node); return;
	case ROP_STEP_EMPTY:
		n->keys = 0;
		memset(&n->slots, 0, sizeof n->slots);
		break;
	case ROP_STEP_FORGET: forget(seen, node, rop_observed_find_leaving(seen, e->peer)); return;
	case ROP_STEP_FUNCTIONS: /* of its own it had none but these */
		n->libraries = e->value;
		n->functions = rop_libraries_count(e->value);
		return;
	case ROP_STEP_PERSIST:
	case ROP_STEP_KINDS_N: return;
	}
	/* Others still have the old entry; they learn by gossip (rop_settle). */
	for (size_t i = 0; i < seen->n; i++)
		if ((int)i != node)
			rop_bit_clear(seen, seen->agrees, i, (size_t)node);
}
