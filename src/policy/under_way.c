/* under_way.c - slots that move, in words: how far it is, and what clients get of those that are open. */
#include <inttypes.h>

#include "migrations.h"
#include "rop/text.h"

/* ---- how far it is --------------------------------------------------------------------------------------------- */

/* Of the owners of slots that are to go somewhere else, by even parts; -1: one would not tell. */
static int64_t keys_left(const struct rop_situation *now)
{
	int64_t keys = 0;
	int *leave = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *leave);
	for (int s = 0; s < ROP_SLOTS; s++)
		if (now->owner[s] >= 0 && now->aim[s] != now->owner[s])
			leave[now->owner[s]]++;
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		int owned = rop_slots_count(&node->slots);
		if (!leave[i] || !owned)
			continue;
		if (node->keys < 0)
			return -1;
		keys += node->keys / owned * leave[i] + node->keys % owned * leave[i] / owned;
	}
	return keys;
}

#define PACE_AFTER_MS 1000 /* before that nobody can tell */

static void add_pace(const struct rop_situation *now, struct rop_text *text)
{
	int moved = now->to_move_at_first - now->slots_to_move;
	if (moved <= 0 || now->moving_ms < PACE_AFTER_MS)
		return;
	char left[24];
	rop_duration_about(now->moving_ms * now->slots_to_move / moved, left, sizeof left);
	rop_text_add(text, "; %" PRId64 " slots/s, about %s more", moved * INT64_C(1000) / now->moving_ms, left);
}

const char *rop_moving_sentence(struct rop_arena *arena, const struct rop_situation *now)
{
	ROP_OWN_TEXT text = { 0 };
	if (!now->slots_to_move || !now->aim || !now->owner)
		return NULL;
	if (now->to_move_at_first > now->slots_to_move)
		rop_text_add(&text, "%d of %d slots left to move", now->slots_to_move, now->to_move_at_first);
	else
		rop_text_add(&text, "%d slot%s to move", now->slots_to_move, rop_plural(now->slots_to_move));
	int64_t keys = keys_left(now);
	if (keys > 0)
		rop_text_add(&text, ", ~%" PRId64 " keys", keys);
	add_pace(now, &text);
	return rop_strndup(arena, text.at, text.n);
}

/* ---- what is open ---------------------------------------------------------------------------------------------- */

static bool is_one_way(const struct rop_migration *a, const struct rop_migration *b)
{
	return a->source == b->source && a->target == b->target && a->goes_home == b->goes_home && a->ours == b->ours &&
	       !a->held == !b->held;
}

static const char *slots_are(struct rop_arena *arena, const struct rop_slots *slots)
{
	const char *text = rop_slots_text(arena, slots);
	return rop_slots_count(slots) == 1 ? rop_printf(arena, "slot %s is", text)
					   : rop_printf(arena, "slots %.120s are", text);
}

static void note_way(struct rop_situation *now, const struct rop_migration *first)
{
	struct rop_slots slots = { 0 };
	for (size_t i = 0; i < now->migrations.n; i++) {
		const struct rop_migration *m = &now->migrations.at[i];
		struct rop_slots some = policy_chunk_slots(m);
		if (m->open && is_one_way(m, first))
			rop_slots_join(&slots, &some);
	}
	const char *are = slots_are(now->arena, &slots), *them = rop_slots_count(&slots) == 1 ? "it" : "them";
	const char *from = now->seen->nodes[first->source].address, *to = now->seen->nodes[first->target].address;
	const char *text, *advice;
	if (first->held) {
		text = rop_printf(now->arena, "%s not handed over to %s: %s", are, to, first->held);
		advice = first->untold ? POLICY_ALLOW
				       : "find out whose they are (CLUSTER COUNTKEYSINSLOT), and move them to the "
					 "owners of their slots (MIGRATE)";
	} else if (first->goes_home) {
		text = rop_printf(now->arena,
				  "%s open from %s to %s: somebody began to move %s, nothing was carried, and the "
				  "owner keeps %s",
				  are, from, to, them, them);
		advice = "apply closes them again";
	} else if (!first->ours) {
		text = rop_printf(now->arena, "%s open from %s to %s: somebody began to move %s", are, from, to, them);
		advice = "who began it may be at work on it; after ten seconds in which nothing moves, apply goes on "
			 "with it";
	} else {
		text = rop_printf(now->arena, "%s on the way from %s to %s", are, from, to);
		advice = "apply goes on with them; meanwhile clients are sent on for keys that are there already "
			 "(ASK), and a command on several keys may have to be tried again (TRYAGAIN)";
	}
	policy_note_open(now, first->source, ROP_WHY_OPEN_SLOTS, text, advice);
}

bool policy_note_under_way(struct rop_situation *now)
{
	bool any = false;
	for (size_t i = 0; i < now->migrations.n && now->open.n < POLICY_OPEN_MAX; i++) {
		const struct rop_migration *m = &now->migrations.at[i];
		bool told = !m->open;
		for (size_t k = 0; k < i && !told; k++)
			told = now->migrations.at[k].open && is_one_way(&now->migrations.at[k], m);
		if (told)
			continue;
		note_way(now, m);
		any = true;
	}
	return any;
}
