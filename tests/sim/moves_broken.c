/* moves_broken.c - operators that are broken on purpose, in what they see of slots that move. */
#include <string.h>

#include "sim.h"

static void set_open(struct rop_observed *seen, int node, int slot, bool importing, int peer, int64_t keys)
{
	struct rop_open_slot open = { .slot = slot, .importing = importing, .keys = keys };
	memcpy(open.peer, seen->nodes[peer].id, ROP_ID_SIZE);
	rop_node_set_open(seen->arena, &seen->nodes[node], &open);
	seen->nodes[node].open_slots = (int)seen->nodes[node].open.n;
}

static bool is_open(const struct rop_observed *seen, int node, int slot, bool importing)
{
	const struct rop_open_slot *open = rop_node_open(&seen->nodes[node], slot);
	return open && open->importing == importing;
}

/* Keys of open slots: what has them, in one direction, has none. */
static void miscount(struct rop_observed *seen, bool importing, bool unknown)
{
	for (size_t i = 0; i < seen->n; i++)
		for (size_t k = 0; k < seen->nodes[i].open.n; k++) {
			struct rop_open_slot *open = &seen->nodes[i].open.at[k];
			if (open->importing == importing && (unknown ? open->keys < 0 : open->keys > 0))
				open->keys = 0;
		}
}

/* One slot of a run that is in hand, as it was at the last look. */
static void mislead(struct sim *s, struct rop_observed *seen, const struct rop_migration *m, int slot)
{
	if (rop_slots_has(&seen->nodes[m->target].slots, slot) || !rop_slots_has(&seen->nodes[m->source].slots, slot))
		return;
	bool both = is_open(seen, m->target, slot, true) && is_open(seen, m->source, slot, false);
	int64_t keys = data_keys_in_slot(s->world, (size_t)m->source, slot);
	if (s->sabotage == SABOTAGE_SOURCE_FIRST)
		set_open(seen, m->target, slot, true, m->source, 0);
	if (s->sabotage == SABOTAGE_FLAGS_FORGOTTEN && both)
		rop_slots_add(&s->once_open, slot, slot);
	if (s->sabotage == SABOTAGE_FLAGS_FORGOTTEN && rop_slots_has(&s->once_open, slot)) {
		set_open(seen, m->target, slot, true, m->source, 0);
		set_open(seen, m->source, slot, false, m->target, keys);
	}
	if (s->sabotage == SABOTAGE_YIELD_EARLY && both && !keys) {
		rop_slots_add(&seen->nodes[m->target].slots, slot, slot);
		seen->nodes[m->target].epoch = seen->nodes[m->source].epoch + 1000;
	}
}

/* What is another one's by a greater epoch it does not claim. */
static void drop_stale_claims(struct rop_observed *seen)
{
	for (size_t i = 0; i < seen->n; i++)
		for (size_t j = 0; j < seen->n; j++)
			if (seen->nodes[j].epoch > seen->nodes[i].epoch)
				rop_slots_drop(&seen->nodes[i].slots, &seen->nodes[j].slots);
}

void moves_hide(struct sim *s, const struct rop_situation *last, struct rop_observed *seen)
{
	if (s->sabotage == SABOTAGE_TAKE_UNCOUNTED)
		miscount(seen, false, false);
	for (size_t i = 0; s->sabotage == SABOTAGE_JOBS_UNSEEN && i < seen->n; i++)
		seen->nodes[i].n_jobs = 0;
	if (s->sabotage == SABOTAGE_CALL_EMPTY)
		miscount(seen, false, true);
	if (s->sabotage == SABOTAGE_UNDO_CARRIED)
		miscount(seen, true, false);
	if (s->sabotage == SABOTAGE_STALE_CLAIMS)
		drop_stale_claims(seen);
	for (size_t i = 0; last && last->seen->n == seen->n && i < last->migrations.n; i++) {
		const struct rop_migration *m = &last->migrations.at[i];
		for (uint64_t left = m->in_hand ? m->slots : 0; left; left &= left - 1)
			mislead(s, seen, m, m->first + __builtin_ctzll(left));
	}
}
