/* moves_story.c - how slots come to be moved in a seed: more or fewer shards are declared than own slots, the file
 * changes on the way, and people have opened slots by hand, or ended a reshard of redis-cli in the middle.
 */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

#define LEFT_LEAST 90 /* slots that a begun move has left: more than is let be */
#define LEFT_MOST 400

bool moves_is_start(enum start start)
{
	return start == START_SCALE_OUT || start == START_SCALE_IN || start == START_OPENED;
}

/* ---- what is declared -------------------------------------------------------------------------------------------- */

static int nodes_for(const struct sim *s, int shards)
{
	return shards * (1 + s->topology->replicas_per_shard);
}

/* Back, or further, where there are nodes for it. */
static void draw_edit(struct sim *s)
{
	struct chance *c = &s->chance;
	int declared = s->topology->shards, step = declared > s->owners ? 1 : -1;
	int to = chance_permille(c, 600) ? s->owners : declared + step;
	if (s->start == START_OPENED || !chance_permille(c, 350) || to < 1 || to == declared)
		return;
	s->edit_shards = to;
}

void moves_shape(struct sim *s)
{
	static const int OWNERS[] = { 1, 2, 2, 3, 3, 3, 3, 3, 4 };
	struct chance *c = &s->chance;
	int owners = OWNERS[chance_below(c, sizeof OWNERS / sizeof *OWNERS)], more = chance_permille(c, 250) ? 2 : 1;
	s->topology->replicas_per_shard = chance_permille(c, 250) ? 0 : 1;
	if (s->start == START_OPENED)
		owners += owners == 1;
	s->owners = s->start == START_SCALE_IN ? owners + more : owners;
	s->topology->shards = s->start == START_SCALE_OUT ? owners + more : owners;
	draw_edit(s);
	weights_shape(s);
}

/* For the greatest number of shards there is in this story. */
int moves_nodes(const struct sim *s)
{
	int most = s->owners > s->topology->shards ? s->owners : s->topology->shards;
	return nodes_for(s, s->edit_shards > most ? s->edit_shards : most);
}

/* ---- a reshard that somebody began ------------------------------------------------------------------------------- */

static void setslot(struct world *w, enum rop_step_kind kind, size_t node, size_t peer, const struct rop_slots *slots)
{
	struct delivery d = { .node = (int)node, .decided_ms = -1, .ok = true, .executed = true };
	d.expect.kind = kind;
	d.expect.value = rop_slots_text(w->arena, slots);
	d.expect.first = rop_slots_first(slots);
	memcpy(d.expect.node, w->truth->nodes[node].id, ROP_ID_SIZE);
	memcpy(d.expect.peer, w->truth->nodes[peer].id, ROP_ID_SIZE);
	moves_set_slots(w, &d);
	trace(w->sim, "person", "%s at node %zu, slots %s, node %zu: %s", rop_step_kind_name(kind), node,
	      d.expect.value, peer, d.ok ? "OK" : d.text);
}

/* Of the keys there each n-th; the last one may stay on both sides. */
static void carry(struct world *w, size_t from, size_t to, const struct rop_slots *slots, size_t each, bool twice)
{
	size_t seen = 0;
	for (size_t k = 0; k < w->n_writes; k++) {
		if (!rop_slots_has(slots, w->writes[k].slot) || !writes_has(&w->servers[from].has, k) || seen++ % each)
			continue;
		data_copy_key(w, k, to);
		if (!twice)
			data_drop_key(w, k, from);
		twice = false;
	}
	data_show(w, from);
	data_show(w, to);
}

enum begun {
	BEGUN_IMPORT, /* only the target was told */
	BEGUN_EXPORT, /* the target has forgotten it */
	BEGUN_EXPORT_SOME,
	BEGUN_BOTH,
	BEGUN_SOME,      /* some keys were carried */
	BEGUN_TWICE,     /* and one is on both sides */
	BEGUN_EMPTY,     /* all were */
	BEGUN_TAKEN,     /* the source was not told */
	BEGUN_ELSEWHERE, /* the source sends to another one than the one that imports */
	BEGUN_TWO,       /* two import: nobody but a person can tell */
	BEGUN_N
};

static void begin_reshard(struct world *w, enum begun begun, size_t from, size_t to, size_t third,
			  const struct rop_slots *slots)
{
	trace(w->sim, "person", "a reshard ends in the middle (%d): slots %s of %zu to %zu", begun,
	      rop_slots_text(w->arena, slots), from, to);
	if (begun != BEGUN_ELSEWHERE)
		setslot(w, ROP_STEP_IMPORT, to, from, slots);
	if (begun != BEGUN_IMPORT)
		setslot(w, ROP_STEP_EXPORT, from, to, slots);
	if (begun == BEGUN_SOME || begun == BEGUN_TWICE || begun == BEGUN_EXPORT_SOME)
		carry(w, from, to, slots, 2, begun == BEGUN_TWICE);
	if (begun == BEGUN_EMPTY || begun == BEGUN_TAKEN)
		carry(w, from, to, slots, 1, false);
	if (begun == BEGUN_TAKEN)
		setslot(w, ROP_STEP_TAKE, to, from, slots);
	if (begun == BEGUN_EXPORT || begun == BEGUN_EXPORT_SOME)
		setslot(w, ROP_STEP_RELEASE, to, from, slots);
	if (begun == BEGUN_TWO || begun == BEGUN_ELSEWHERE)
		setslot(w, ROP_STEP_IMPORT, third, from, slots);
}

/* Nobody else claims it or has it open. */
static bool is_settled(const struct world *w, size_t owner, int slot)
{
	for (size_t i = 0; i < w->truth->n; i++)
		if (rop_node_open(&w->truth->nodes[i], slot) ||
		    (i != owner && rop_slots_has(&w->truth->nodes[i].slots, slot)))
			return false;
	return true;
}

/* A few slots of one chunk that it owns. */
static bool pick_slots(const struct world *w, struct chance *c, size_t node, struct rop_slots *ret_slots)
{
	int first, last, n = (int)chance_between(c, 1, 6);
	memset(ret_slots, 0, sizeof *ret_slots);
	if (!rop_slots_run(&w->truth->nodes[node].slots, (int)chance_below(c, ROP_SLOTS), &first, &last) &&
	    !rop_slots_run(&w->truth->nodes[node].slots, 0, &first, &last))
		return false;
	for (int slot = first; n > 0 && slot <= last && slot / ROP_CHUNK == first / ROP_CHUNK; slot++, n--)
		if (is_settled(w, node, slot))
			rop_slots_add(ret_slots, slot, slot);
	return !rop_slots_empty(ret_slots);
}

static bool leads(const struct world *w, size_t node)
{
	return w->servers[node].up && w->truth->nodes[node].role == ROP_ROLE_PRIMARY &&
	       !rop_slots_empty(&w->truth->nodes[node].slots);
}

/* The next one that leads, from there on; n: none does. */
static size_t next_leader(const struct world *w, size_t from, size_t but)
{
	size_t n = w->truth->n;
	for (size_t k = 0; k < n; k++)
		if ((from + k) % n != but && leads(w, (from + k) % n))
			return (from + k) % n;
	return n;
}

static void reshard(struct world *w, struct chance *c, bool keys)
{
	size_t n = w->truth->n;
	size_t from = next_leader(w, chance_below(c, n), n), to, third;
	struct rop_slots slots;
	enum begun begun = (enum begun)chance_below(c, BEGUN_N);
	if (begun == BEGUN_TWO && !chance_permille(c, 200))
		begun = BEGUN_BOTH;
	if (from == n || !pick_slots(w, c, from, &slots))
		return;
	to = next_leader(w, chance_below(c, n), from);
	third = to < n ? next_leader(w, to + 1, from) : n;
	if (to == n || (third == to && (begun == BEGUN_TWO || begun == BEGUN_ELSEWHERE)))
		return;
	for (size_t i = 0; begun == BEGUN_TAKEN && i < n; i++) /* it would win back what it claims by mistake */
		if (i != to && rop_slots_meet(&w->truth->nodes[i].slots, &w->truth->nodes[to].slots))
			begun = BEGUN_EMPTY;
	if (keys)
		data_fill(w, from, &slots, chance_below(c, 4));
	begin_reshard(w, begun, from, to, third, &slots);
	w->sim->person_opened = true;
	/* What was carried is not known before the target has it open again: whether it goes on, or back. */
	w->sim->unforeseen |= begun == BEGUN_EXPORT || begun == BEGUN_EXPORT_SOME || begun == BEGUN_ELSEWHERE;
	sim_lived(w->sim, LIVED_OPENED);
}

void moves_person(struct world *w, int64_t draw)
{
	struct chance own = { (uint64_t)draw };
	reshard(w, &own, false);
}

/* ---- beginnings -------------------------------------------------------------------------------------------------- */

static void hand_over(struct world *w, size_t from, size_t to, int n, bool highest)
{
	struct rop_slots *slots = &w->truth->nodes[from].slots;
	for (int k = 0; k < ROP_SLOTS && n > 0; k++) {
		int slot = highest ? ROP_SLOTS - 1 - k : k;
		if (!rop_slots_has(slots, slot))
			continue;
		slots->bits[slot / 64] &= ~((uint64_t)1 << (slot % 64));
		rop_slots_add(&w->truth->nodes[to].slots, slot, slot);
		n--;
	}
}

static int share(const struct sim *s, size_t shard) /* from 0 */
{
	int shards = s->topology->shards, shares[ROP_NODES_MAX];
	rop_shares(s->topology->weights, shards, shares);
	return (int)shard < shards ? shares[shard] : 0;
}

/* As if most of it had been done already: what is left is little. */
static void begin_late(struct sim *s, const size_t *primaries, size_t n)
{
	struct world *w = s->world;
	int left = (int)chance_between(&s->chance, LEFT_LEAST, LEFT_MOST);
	size_t shards = (size_t)s->topology->shards, owners = (size_t)s->owners, to = shards > owners ? owners : 0;
	for (size_t from = shards > owners ? 0 : shards; from < (shards > owners ? owners : n); from++) {
		int keep = shards > owners ? share(s, from) : 0;
		if (from == (shards > owners ? owners - 1 : n - 1))
			keep += left;
		for (; to < (shards > owners ? n : shards); to++) {
			int too_many = rop_slots_count(&w->truth->nodes[primaries[from]].slots) - keep;
			int missing = share(s, to) - rop_slots_count(&w->truth->nodes[primaries[to]].slots);
			hand_over(w, primaries[from], primaries[to], too_many < missing ? too_many : missing,
				  shards > owners);
			if (too_many <= missing)
				break;
		}
	}
}

/* Where clients write most: slots that are about to move. */
static void find_hot(struct sim *s, size_t node)
{
	int first = 0, last = ROP_SLOTS - 1;
	rop_slots_run(&s->world->truth->nodes[node].slots, (int)chance_below(&s->chance, ROP_SLOTS), &first, &last);
	if (s->start == START_SCALE_OUT) /* its highest are given */
		for (int from = 0, a, b; rop_slots_run(&s->world->truth->nodes[node].slots, from, &a, &b);
		     from = b + 1) {
			first = a > b - 300 ? a : b - 300;
			last = b;
		}
	s->hot_first = first;
	s->hot_n = last - first + 1;
	if (s->hot_n > 300)
		s->hot_n = 300;
}

static void fill(struct sim *s, size_t node)
{
	struct rop_slots hot = { 0 };
	if (rop_slots_empty(&s->world->truth->nodes[node].slots))
		return;
	data_fill(s->world, node, &s->world->truth->nodes[node].slots, 2 + chance_below(&s->chance, 20));
	rop_slots_add(&hot, s->hot_first, s->hot_first + s->hot_n - 1);
	for (int slot = s->hot_first; slot < s->hot_first + s->hot_n; slot++)
		if (!rop_slots_has(&s->world->truth->nodes[node].slots, slot))
			hot.bits[slot / 64] &= ~((uint64_t)1 << (slot % 64));
	if (!rop_slots_empty(&hot))
		data_fill(s->world, node, &hot, chance_below(&s->chance, 12));
}

/* Shares of the owners in the order of shards; each shard's nodes stand side by side in `order`. */
void moves_begin(struct sim *s, const size_t *order)
{
	struct world *w = s->world;
	struct chance *c = &s->chance;
	size_t per = (size_t)s->topology->replicas_per_shard + 1, owners = (size_t)s->owners, shards = owners;
	size_t primaries[ROP_NODES_MAX];
	bool late;
	if (s->topology->shards > s->owners)
		shards = (size_t)s->topology->shards;
	for (size_t k = 0; k < shards; k++)
		primaries[k] = order[k * per];
	for (size_t k = 0; k < owners; k++)
		start_give_slots(w, primaries[k], k, owners);
	late = s->start != START_OPENED && chance_permille(c, 700) && !s->only_weights;
	weights_label(s, order);
	if (late)
		begin_late(s, primaries, shards);
	if (late)
		start_remember(s, ROP_TRUE);
	find_hot(s, primaries[s->start == START_SCALE_IN || late ? owners - 1 : chance_below(c, owners)]);
	bool joined = late || chance_permille(c, 400);
	size_t members = joined ? w->truth->n : owners * per;
	for (size_t k = 0; k < shards && k * per < members; k++)
		start_give_epoch(w, primaries[k], (int64_t)k + 1);
	for (size_t k = 0; k < shards; k++) {
		fill(s, primaries[k]);
		world_news(w, primaries[k]);
	}
	for (size_t k = 0; k < shards; k++)
		for (size_t r = 1; r < per && (k < owners || late); r++) {
			start_follow(w, order[k * per + r], primaries[k]);
			world_news(w, order[k * per + r]);
		}
	start_acquaint(w, order, members, (int64_t)shards);
	w->servers[primaries[owners - 1]].hides_keys = chance_permille(c, 50);
	for (size_t k = 0; k < shards; k++) {
		int too_many = rop_slots_count(&w->truth->nodes[primaries[k]].slots) - share(s, k);
		s->judge.fewest += too_many > 0 ? too_many : 0;
	}
	for (size_t times = chance_permille(c, s->start == START_OPENED ? 1000 : 200) ? 1 + chance_below(c, 3) : 0;
	     times > 0; times--)
		reshard(w, c, true);
}

/* ---- on the way -------------------------------------------------------------------------------------------------- */

void moves_schedule(struct sim *s)
{
	struct chance *c = &s->fate;
	if (s->edit_shards || s->edit_weights || s->drop_weights)
		s->edit_ms = chance_between(c, s->world->now_ms,
					    s->world->now_ms + (s->faults_end_ms - s->world->now_ms) / 2);
	for (size_t acts = chance_permille(c, 250) ? 1 + chance_below(c, 2) : 0; acts > 0; acts--)
		world_at(s->world, chance_between(c, s->world->now_ms, s->faults_end_ms - 1),
			 (struct event){ .kind = EVENT_PERSON, .amount = -2 - (int64_t)(chance_next(c) >> 2) });
}

bool moves_edit(struct sim *s)
{
	bool weights = weights_edit(s);
	if (!s->edit_shards)
		return weights;
	trace(s, "person", "declares %d shards instead of %d", s->edit_shards, s->topology->shards);
	s->topology->shards = s->edit_shards;
	s->edit_shards = 0;
	sim_lived(s, LIVED_EDIT_SHARDS);
	return true;
}
