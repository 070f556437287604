/* holders.c - who has which shard's data, remembered while it can be seen: what is known of it when nobody shows it. */
#include <string.h>

#include "pass.h"
#include "rop/text.h"

struct holders { /* what is seen of them, for one pass */
	const struct rop_reconcile *r;
	const struct rop_observed *seen;
	struct rop_slots contested; /* claimed by more than one */
	struct rop_slots led; /* of owners that answer and are alone in their claim: that is known, not remembered */
};

static bool leads(const struct holders *h, size_t i)
{
	const struct rop_slots *slots = &h->seen->nodes[i].slots;
	return !rop_slots_empty(slots) && !rop_slots_meet(slots, &h->contested);
}

static struct holders find_holders(const struct rop_reconcile *r)
{
	struct holders h = { .r = r, .seen = r->now->seen };
	struct rop_slots once = { 0 };
	for (size_t i = 0; i < h.seen->n; i++) {
		const struct rop_slots *slots = &h.seen->nodes[i].slots;
		for (size_t w = 0; w < ROP_SLOTS / 64; w++)
			h.contested.bits[w] |= once.bits[w] & slots->bits[w];
		rop_slots_join(&once, slots);
	}
	for (size_t i = 0; i < h.seen->n; i++)
		if (rop_answers(h.seen, i) && leads(&h, i))
			rop_slots_join(&h.led, &h.seen->nodes[i].slots);
	return h;
}

static struct rop_copy_memory copy_seen(const struct holders *h, size_t i, bool led)
{
	const struct rop_node *node = &h->seen->nodes[i];
	struct rop_copy_memory copy = { .address = node->address, .led = led, .offset = -1, .keys = -1 };
	memcpy(copy.node, node->id, ROP_ID_SIZE);
	if (!rop_answers(h->seen, i)) /* others told of it: nothing more is known */
		return copy;
	copy.offset = node->offset < 0 ? -1 : node->offset;
	copy.keys = node->keys < 0 ? -1 : node->keys;
	copy.seen_wall_ms = h->r->now->wall_ms;
	return copy;
}

static bool follows(const struct holders *h, size_t i, size_t primary)
{
	const struct rop_node *node = &h->seen->nodes[i];
	return rop_answers(h->seen, i) && node->role == ROP_ROLE_REPLICA && node->primary == (int)primary &&
	       !node->syncing;
}

/* What a copy had it has until something else is seen of it: a node that is silent may come back with its data, a
 * replica that has lost its link has what it had. One that leads, follows somebody else or is being filled anew is none
 * any more; nor is one whose address is declared no longer, or answers as another node. */
static bool may_still_have_it(const struct holders *h, const struct rop_copy_memory *copy, size_t primary)
{
	int node = rop_observed_find(h->seen, copy->node);
	if (node >= 0)
		return !rop_answers(h->seen, (size_t)node) || follows(h, (size_t)node, primary);
	for (size_t i = 0; i < h->seen->n; i++)
		if (rop_streq(h->seen->nodes[i].address, copy->address))
			return !rop_answers(h->seen, i);
	return false;
}

static const struct rop_shard_memory *remembered_shard(const struct rop_reconcile *r, int number)
{
	for (size_t s = 0; s < r->image.shards.n; s++)
		if (r->image.shards.at[s].number == number)
			return &r->image.shards.at[s];
	return NULL;
}

/* Of what a shard had, the slots that nobody who answers leads now: it is the one that had them last. */
static struct rop_slots slots_left(const struct holders *h, const struct rop_shard_memory *before)
{
	struct rop_slots left = { 0 };
	if (!before || !rop_slots_parse(before->slots, &left))
		return left;
	rop_slots_drop(&left, &h->led);
	return left;
}

static void take_copies(const struct holders *h, struct rop_shard_memory *shard, size_t primary,
			const struct rop_shard_memory *before)
{
	struct rop_arena *pass = h->r->pass;
	*rop_push(pass, &shard->copies) = copy_seen(h, primary, true);
	for (size_t i = 0; i < h->seen->n; i++)
		if (follows(h, i, primary) && h->seen->nodes[i].link_up &&
		    rop_bit(h->seen, h->seen->online, primary, i) && !rop_shard_had(shard, h->seen->nodes[i].id))
			*rop_push(pass, &shard->copies) = copy_seen(h, i, false);
	for (size_t c = 0; before && c < before->copies.n; c++) {
		struct rop_copy_memory copy = before->copies.at[c];
		if (rop_shard_had(shard, copy.node) || !may_still_have_it(h, &copy, primary))
			continue;
		copy.led = false;
		*rop_push(pass, &shard->copies) = copy;
	}
}

/* false: nothing is known of a shard with that number. Without an owner that answers, what is remembered stays as it
 * is; where nothing is remembered, the others' word counts for whom the slots belonged to. */
static bool take_shard(const struct holders *h, int number, int owner, struct rop_shard_memory *ret_shard)
{
	const struct rop_shard_memory *before = remembered_shard(h->r, number);
	struct rop_shard_memory shard = { .number = number };
	struct rop_slots slots = slots_left(h, before);
	if (before &&
	    rop_shard_is_emptied(h->r->now, number)) { /* what it had stays known until somebody gives it up */
		*ret_shard = *before;
		return true;
	}
	if (owner >= 0 && (rop_answers(h->seen, (size_t)owner) || rop_slots_empty(&slots))) {
		rop_slots_join(&slots, &h->seen->nodes[owner].slots);
		take_copies(h, &shard, (size_t)owner, before);
	} else if (before) {
		shard.copies = before->copies;
	}
	shard.slots = rop_slots_text(h->r->pass, &slots);
	*ret_shard = shard;
	return !rop_slots_empty(&slots);
}

static void list_shards(struct rop_reconcile *r)
{
	struct holders h = find_holders(r);
	const struct rop_layout *layout = &r->now->layout;
	int last = r->image.shards.n ? r->image.shards.at[r->image.shards.n - 1].number : 0;
	if (last < (int)layout->n)
		last = (int)layout->n;
	int *owner_of = rop_alloc_n(r->pass, layout->n + 1, sizeof(int));
	for (size_t k = 0; k < layout->n; k++) {
		int primary = layout->shards[k].primary;
		owner_of[layout->shards[k].number] = primary >= 0 && leads(&h, (size_t)primary) ? primary + 1 : 0;
	}
	for (int number = 1; number <= last; number++) {
		struct rop_shard_memory shard;
		int owner = (size_t)number <= layout->n ? owner_of[number] - 1 : -1;
		if (take_shard(&h, number, owner, &shard))
			*rop_push(r->pass, &r->entry.shards) = shard;
	}
}

/* Keys came to be where none were, or went; or they are twice as many, or half. */
static bool counts_differ(int64_t a, int64_t b)
{
	return a >= 0 && b >= 0 && ((a == 0) != (b == 0) || a / 2 > b || b / 2 > a);
}

static bool same_shard(const struct rop_shard_memory *a, const struct rop_shard_memory *b)
{
	if (a->number != b->number || strcmp(a->slots, b->slots) != 0 || a->copies.n != b->copies.n)
		return false;
	for (size_t c = 0; c < a->copies.n; c++) {
		bool same = false;
		for (size_t d = 0; d < b->copies.n && !same; d++)
			same = strcmp(a->copies.at[c].node, b->copies.at[d].node) == 0 &&
			       a->copies.at[c].led == b->copies.at[d].led &&
			       !(a->copies.at[c].led && counts_differ(a->copies.at[c].keys, b->copies.at[d].keys));
		if (!same)
			return false;
	}
	return true;
}

/* Who had which data is remembered while it can be seen. It is news when slots or copies are others than before, or who
 * leads has keys for the first time, or none any more, or twice as many; how far they are is not. */
void holders_take(struct rop_reconcile *r)
{
	if (!r->now->formed || !r->now->in_view)
		return;
	list_shards(r);
	bool same = r->entry.shards.n == r->image.shards.n;
	for (size_t s = 0; same && s < r->entry.shards.n; s++)
		same = same_shard(&r->entry.shards.at[s], &r->image.shards.at[s]);
	r->entry.shards_changed = !same;
}

/* Offsets, keys and times are written with whatever is written anyway. */
void holders_refresh(struct rop_reconcile *r)
{
	if (r->entry.shards.n && !rop_entry_empty(&r->entry))
		r->entry.shards_changed = true;
}
