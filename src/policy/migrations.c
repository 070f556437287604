/* migrations.c - what is left to be moved, chunk by chunk: towards the aim, and what somebody has opened.
 *
 * Everything is told from what is seen now: who owns a slot, who has it open and towards whom, who is to own it. So a
 * move that was begun by an earlier process, or by a person, is gone on with like one of ours. The owner's key is the
 * one that counts while it is there, and what was carried is kept: a move that carried something is seen through.
 */
#include "migrations.h"

#include <string.h>

#include "by_server.h"
#include "copies.h"
#include "risks.h"

/* Chunks of one source at a time. One is begun when the last one is open on a side, so that they go through their
 * states one behind the other: some are carried while the next is opened and the last ones are closed. */
#define IN_HAND 3
#define IN_HAND_FAST 6

enum { NOBODY = -1, SEVERAL = -2 };

/* Of one slot: who has it open. */
struct opened {
	int16_t importer, exporter; /* nodes; NOBODY; SEVERAL */
};

struct finding_moves {
	struct rop_situation *now;
	struct opened *opened; /* [slot]; NULL: nothing is open */
	int *in_hand;          /* [node] chunks of that source */
};

struct way {
	int source, target;
	bool home;
};

static void note(int16_t *who, size_t node)
{
	*who = *who == NOBODY ? (int16_t)node : SEVERAL;
}

/* Valkey tells its replicas of what is open (SETSLOT is replicated): it is their primary that has it so. */
static struct opened *take_open(const struct rop_situation *now)
{
	struct opened *opened = NULL;
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		bool counts = rop_node_answers(node) && node->role != ROP_ROLE_REPLICA;
		for (size_t k = 0; k < node->open.n && counts; k++) {
			if (!opened) {
				opened = rop_alloc_n(now->arena, ROP_SLOTS, sizeof *opened);
				for (int s = 0; s < ROP_SLOTS; s++)
					opened[s] = (struct opened){ NOBODY, NOBODY };
			}
			struct opened *slot = &opened[node->open.at[k].slot];
			note(node->open.at[k].importing ? &slot->importer : &slot->exporter, i);
		}
	}
	return opened;
}

/* The node that an open slot names, or who leads in its place now. */
static int side(const struct rop_observed *seen, const char *id)
{
	int node = rop_observed_find(seen, id);
	if (node >= 0 && seen->nodes[node].role == ROP_ROLE_REPLICA)
		return copies_root(seen, (size_t)node);
	return node;
}

static bool carried_nothing(const struct rop_situation *now, int node, int slot)
{
	const struct rop_open_slot *open = rop_node_open(&now->seen->nodes[node], slot);
	return open && open->keys == 0;
}

/* Nobody else imports it, or one that got nothing: that one is told afterwards. */
static bool no_other_imports(const struct finding_moves *f, int slot, int but)
{
	int importer = f->opened[slot].importer;
	return importer == NOBODY || importer == but || carried_nothing(f->now, importer, slot);
}

/* Opened at its owner, towards somebody. */
static bool exported(const struct finding_moves *f, int slot, int owner, int aim, struct way *ret_way)
{
	const struct rop_situation *now = f->now;
	int importer = f->opened[slot].importer;
	int to = side(now->seen, rop_node_open(&now->seen->nodes[owner], slot)->peer);
	if (to == owner)
		to = NOBODY;
	bool same_shard = to == NOBODY || now->layout.shard_of[to] == now->layout.shard_of[aim];
	if (aim != owner && same_shard) { /* or who led there before: what it got, its replica has */
		*ret_way = (struct way){ owner, aim, false };
		return no_other_imports(f, slot, aim);
	}
	if (to == NOBODY) /* to nobody that is known: what it may have got is not here */
		return false;
	bool nothing = importer == to && carried_nothing(now, importer, slot);
	*ret_way = (struct way){ owner, to, nothing };
	return no_other_imports(f, slot, to);
}

/* Open at somebody who is to get it, and its owner does not know of it, or no more. */
static bool imported(const struct finding_moves *f, int slot, int owner, int aim, struct way *ret_way)
{
	int importer = f->opened[slot].importer;
	bool home = importer != aim && carried_nothing(f->now, importer, slot);
	*ret_way = (struct way){ owner, importer, home };
	return importer != owner;
}

/* false: nothing is to be moved, or nobody but a person can tell what. */
static bool way_of(const struct finding_moves *f, int slot, struct way *ret_way)
{
	const struct rop_situation *now = f->now;
	const struct opened none = { NOBODY, NOBODY }, *opened = f->opened ? &f->opened[slot] : &none;
	int owner = now->owner[slot], aim = now->aim ? now->aim[slot] : owner;
	if (owner < 0 || opened->importer == SEVERAL || opened->exporter == SEVERAL)
		return false;
	if (opened->exporter == owner)
		return exported(f, slot, owner, aim, ret_way);
	if (opened->exporter != NOBODY) { /* it has been given away, and was not told */
		*ret_way = (struct way){ opened->exporter, owner, false };
		return no_other_imports(f, slot, owner);
	}
	if (opened->importer != NOBODY)
		return imported(f, slot, owner, aim, ret_way);
	*ret_way = (struct way){ owner, aim, false };
	return owner != aim;
}

/* ---- chunks ------------------------------------------------------------------------------------------------- */

static struct rop_migration *chunk_for(struct rop_situation *now, size_t from, int first, struct way way)
{
	for (size_t i = from; i < now->migrations.n; i++) {
		struct rop_migration *m = &now->migrations.at[i];
		if (!m->whole && m->source == way.source && m->target == way.target && m->goes_home == way.home)
			return m;
	}
	struct rop_migration *m = rop_push(now->arena, &now->migrations);
	*m = (struct rop_migration){
		.now = now, .first = first, .source = way.source, .target = way.target, .goes_home = way.home
	};
	return m;
}

struct rop_slots policy_chunk_slots(const struct rop_migration *m)
{
	struct rop_slots slots = { 0 };
	if (m->whole)
		return *m->whole;
	slots.bits[m->first / ROP_CHUNK] = m->slots;
	return slots;
}

static struct rop_migration *whole_for(struct rop_situation *now, int slot, struct way way)
{
	for (size_t i = 0; i < now->migrations.n; i++) {
		struct rop_migration *m = &now->migrations.at[i];
		if (m->whole && m->source == way.source && m->target == way.target)
			return m;
	}
	struct rop_migration *m = rop_push(now->arena, &now->migrations);
	*m = (struct rop_migration){ .now = now,
				     .first = slot / ROP_CHUNK * ROP_CHUNK,
				     .source = way.source,
				     .target = way.target,
				     .whole = rop_alloc(now->arena, sizeof *m->whole) };
	return m;
}

/* All that goes from one node to another, where both move slots by themselves; false: it is a chunk's. */
static bool take_for_server(struct finding_moves *f, int slot, struct way way)
{
	bool open = f->opened && (f->opened[slot].importer != NOBODY || f->opened[slot].exporter != NOBODY);
	if (open || way.home || !by_server_can(f->now, (size_t)way.source, (size_t)way.target))
		return false;
	rop_slots_add(whole_for(f->now, slot, way)->whole, slot, slot);
	return true;
}

/* Never both ways on one node. */
static bool is_by_server(const struct rop_situation *now, const struct rop_migration *chunk)
{
	for (size_t i = 0; i < now->migrations.n; i++) {
		const struct rop_migration *m = &now->migrations.at[i];
		if (m->whole && (m->source == chunk->source || m->source == chunk->target ||
				 m->target == chunk->source || m->target == chunk->target))
			return true;
	}
	return false;
}

static bool is_open_towards(const struct rop_node *node, int slot, const char *peer, bool importing)
{
	const struct rop_open_slot *open = rop_node_open(node, slot);
	return open && open->importing == importing && strcmp(open->peer, peer) == 0;
}

/* Who imports a slot believes nobody about its owner: it alone lists another one, or nobody. */
bool policy_importer_is_misled(const struct rop_observed *seen, size_t target, size_t source)
{
	if (seen->nodes[target].state_ok || rop_bit(seen, seen->agrees, target, source))
		return false;
	for (size_t i = 0; i < seen->n; i++)
		if (i != target && rop_answers(seen, i) && !rop_bit(seen, seen->agrees, i, source))
			return false;
	return true;
}

static void look_at_slot(struct rop_migration *m, int slot)
{
	const struct rop_node *source = &m->now->seen->nodes[m->source], *target = &m->now->seen->nodes[m->target];
	const struct rop_open_slot *open = rop_node_open(source, slot);
	m->untold |= open && open->keys == ROP_COUNT_UNKNOWN && !m->goes_home;
	if (m->now->owner[slot] == m->target)
		return;
	m->taken_over = false;
	m->open_at_target &= is_open_towards(target, slot, source->id, true) &&
			     !policy_importer_is_misled(m->now->seen, (size_t)m->target, (size_t)m->source);
	m->open_at_source &= is_open_towards(source, slot, target->id, false);
	m->source_open |= open != NULL;
	int64_t keys = open && open->keys >= 0 ? open->keys : -1;
	m->empty &= keys == 0;
	m->keys = keys < 0 || m->keys < 0 ? -1 : m->keys + keys;
}

/* Both lead, and nobody doubts it. A hand-over changes epochs, and both claim the slots until the source has heard of
 * it: neither is a doubt here. */
static bool leads(const struct rop_situation *now, int node)
{
	return rop_answers(now->seen, (size_t)node) && now->seen->nodes[node].role != ROP_ROLE_REPLICA &&
	       !copies_doubted(now, (size_t)node);
}

static void look_at(struct rop_migration *m)
{
	struct rop_situation const *now = m->now;
	m->in_reach = leads(now, m->source) && leads(now, m->target);
	if (m->whole) {
		m->subject = rop_printf(now->arena, "slots:all %.8s>%.8s", now->seen->nodes[m->source].id,
					now->seen->nodes[m->target].id);
		by_server_look_at(m);
		return;
	}
	m->taken_over = m->open_at_target = m->open_at_source = m->empty = true;
	for (uint64_t left = m->slots; left; left &= left - 1)
		look_at_slot(m, m->first + __builtin_ctzll(left));
	if (m->untold)
		m->held = rop_printf(
			now->arena,
			"%s did not tell how many keys it has of them; what is unknown is not taken for empty",
			now->seen->nodes[m->source].address);
	else if (m->empty && m->open_at_target && m->open_at_source && !m->taken_over)
		m->held = risk_of_the_last_slot(now, (size_t)m->source, (size_t)m->target);
	m->subject = rop_printf(now->arena, "slots:%d-%d %s%.8s>%.8s", m->first, m->first + ROP_CHUNK - 1,
				m->goes_home ? "home " : "", now->seen->nodes[m->source].id,
				now->seen->nodes[m->target].id);
}

static bool is_open(const struct finding_moves *f, const struct rop_migration *m)
{
	for (uint64_t left = f->opened ? m->slots : 0; left; left &= left - 1) {
		const struct opened *opened = &f->opened[m->first + __builtin_ctzll(left)];
		if (opened->importer != NOBODY || opened->exporter != NOBODY)
			return true;
	}
	return false;
}

static bool is_aimed_at(const struct rop_migration *m)
{
	const int16_t *aim = m->now->aim;
	for (uint64_t left = m->slots; left && aim; left &= left - 1)
		if (aim[m->first + __builtin_ctzll(left)] != m->target)
			return false;
	return aim && !m->goes_home;
}

/* All that are open already, for an importer believes nobody about any of its open slots; then the others, until each
 * source has as many as it works on at a time. */
static void take_in_hand(struct finding_moves *f)
{
	struct rop_situation *now = f->now;
	int most = now->topology->migration.fast ? IN_HAND_FAST : IN_HAND;
	bool *begins = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *begins);
	f->in_hand = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *f->in_hand);
	for (int open = 1; open >= 0; open--) {
		for (size_t i = 0; i < now->migrations.n; i++) {
			struct rop_migration *m = &now->migrations.at[i];
			if (m->in_hand || is_open(f, m) != (bool)open)
				continue;
			if (!open && !m->whole &&
			    (f->in_hand[m->source] >= most || begins[m->source] || is_by_server(now, m)))
				continue;
			begins[m->source] |= !open;
			m->in_hand = true;
			m->open = open;
			m->ours = !open || (now->moving && is_aimed_at(m));
			f->in_hand[m->source]++;
			look_at(m);
		}
	}
}

void policy_find_migrations(struct rop_situation *now)
{
	struct finding_moves f = { .now = now };
	bool any_open = false;
	for (size_t i = 0; i < now->seen->n; i++)
		any_open |= rop_answers(now->seen, i) && now->seen->nodes[i].open_slots > 0;
	now->slots_in_place = !any_open && now->slots_to_move == 0;
	if (now->slots_in_place || !now->owner)
		return;
	f.opened = take_open(now);
	for (int first = 0; first < ROP_SLOTS; first += ROP_CHUNK) {
		size_t from = now->migrations.n;
		struct way way;
		for (int s = first; s < first + ROP_CHUNK; s++)
			if (way_of(&f, s, &way) && !take_for_server(&f, s, way))
				chunk_for(now, from, first, way)->slots |= (uint64_t)1 << (s - first);
	}
	take_in_hand(&f);
}
