/* rebalance_text.c - weights that make the shards even: what was measured, the lines, and what they would move. */
#include <inttypes.h>
#include <jansson.h>

#include "rop/rebalance.h"
#include "rop/text.h"
#include "shared.h"

static const char *const TAKEN[ROP_BY_N] = {
	[ROP_BY_MEMORY] = "Measured: used_memory of each primary (INFO memory), without what it used when it started, "
			  "clients, replication and AOF buffers, and cluster links.",
	[ROP_BY_KEYS] = "Measured: keys of each primary, of all databases (INFO keyspace); keys that were carried "
			"already count where their slot is owned.",
	[ROP_BY_SLOTS] = "Measured: slots that each primary owns.",
};
static const char *const ASSUMED = "Assumed: what a shard holds is spread evenly over its slots.";

/* Keys and slots as they are, bytes as a person reads them. */
static const char *amount(struct rop_arena *arena, enum rop_by by, int64_t n)
{
	return by == ROP_BY_MEMORY ? rop_bytes_about(arena, n) : rop_printf(arena, "%" PRId64, n);
}

static void put_shards(const struct rop_report *r, const struct rop_situation *now, const struct rop_rebalance *b,
		       struct rop_text *out)
{
	bool slots = b->by == ROP_BY_SLOTS;
	rop_text_add(out, "%5s  %-24s %6s", "shard", "primary", "slots");
	if (!slots)
		rop_text_add(out, " %11s", rop_by_name(b->by));
	if (!b->even)
		rop_text_add(out, "  -> %6s", "slots");
	if (!b->even && !slots)
		rop_text_add(out, " %11s", rop_printf(r->arena, "~%s", rop_by_name(b->by)));
	rop_text_add(out, "\n");
	for (size_t k = 0; k < b->n; k++) {
		const struct rop_rebalance_shard *shard = &b->shards[k];
		rop_text_add(out, "%5d  %-24s %6d", shard->number, now->seen->nodes[shard->primary].address,
			     shard->slots);
		if (!slots)
			rop_text_add(out, " %11s", amount(r->arena, b->by, shard->has));
		if (!b->even)
			rop_text_add(out, "  -> %6d", shard->slots_then);
		if (!b->even && !slots)
			rop_text_add(out, " %11s", amount(r->arena, b->by, shard->has_then));
		rop_text_add(out, "\n");
	}
}

static void put_lines(const struct rop_rebalance *b, struct rop_text *out)
{
	rop_text_add(out, "  shardWeights:\n");
	for (size_t k = 0; k < b->n; k++)
		rop_text_add(out, "    %d: %d\n", b->shards[k].number, b->shards[k].weight);
}

static void put_moves(const struct rop_report *r, const struct rop_rebalance *b, struct rop_text *out)
{
	int slots = 0;
	int64_t keys = 0;
	for (size_t i = 0; i < b->moves.n; i++) {
		slots += b->moves.at[i].slots;
		keys = keys < 0 || b->moves.at[i].keys < 0 ? -1 : keys + b->moves.at[i].keys;
	}
	rop_text_add(out, "They would move %d slot%s", slots, rop_plural(slots));
	if (keys >= 0)
		rop_text_add(out, " with ~%" PRId64 " key%s", keys, rop_plural(keys));
	rop_text_add(out, ":\n\n");
	for (size_t i = 0; i < b->moves.n; i++) {
		const struct rop_rebalance_move *move = &b->moves.at[i];
		rop_text_add(out, "  shard %d -> shard %d: %d slot%s", b->shards[move->from].number,
			     b->shards[move->to].number, move->slots, rop_plural(move->slots));
		if (move->keys >= 0)
			rop_text_add(out, ", ~%" PRId64 " key%s", move->keys, rop_plural(move->keys));
		if (b->by == ROP_BY_MEMORY)
			rop_text_add(out, ", ~%s", amount(r->arena, b->by, move->has));
		rop_text_add(out, "\n");
	}
}

/* Lines to be read and pasted: they are not longer in a file. */
static void put_sentence(const struct rop_report *r, const char *text, struct rop_text *out)
{
	rop_text_wrap(out, text, 0, r->columns ? r->columns : 80);
	rop_text_add(out, "\n");
}

void rop_report_rebalance(const struct rop_report *r, const struct rop_situation *now, const struct rop_rebalance *b,
			  struct rop_text *out)
{
	rop_text_add(out, "cluster %s, by %s\n\n", r->topology->name, rop_by_name(b->by));
	put_shards(r, now, b, out);
	rop_text_add(out, "\n");
	if (b->open_slots)
		put_sentence(r,
			     "Slots are open: something of this is on its way right now. Ask again when it is there.",
			     out);
	if (b->even) {
		put_sentence(r,
			     rop_printf(r->arena,
					"Nothing is to be done: every shard holds the same within %d %% (%s).",
					ROP_TOLERANCE_PERCENT, rop_by_name(b->by)),
			     out);
		put_sentence(r, TAKEN[b->by], out);
		return;
	}
	put_sentence(r,
		     r->topology->weights
			     ? "These lines below 'spec', in the place of its shardWeights, ask for equal shards:"
			     : "These lines below 'spec' ask for equal shards:",
		     out);
	rop_text_add(out, "\n");
	put_lines(b, out);
	rop_text_add(out, "\n");
	put_moves(r, b, out);
	rop_text_add(out, "\n");
	put_sentence(r, TAKEN[b->by], out);
	if (b->by != ROP_BY_SLOTS)
		put_sentence(r, ASSUMED, out);
	put_sentence(
		r,
		rop_printf(
			r->arena,
			"Nothing was changed. With the lines in the file, `redis-operator plan %s` shows the ranges.",
			r->topology->path ? r->topology->path : "FILE"),
		out);
}

struct json_t *rop_report_rebalance_json(const struct rop_report *r, const struct rop_situation *now,
					 const struct rop_rebalance *b)
{
	json_t *shards = json_array(), *moves = json_array(), *weights = json_object();
	ROP_OWN_TEXT lines = { 0 };
	put_lines(b, &lines);
	for (size_t k = 0; k < b->n; k++) {
		const struct rop_rebalance_shard *shard = &b->shards[k];
		json_array_append_new(shards,
				      rop_json("{s:i, s:s, s:i, s:i, s:I, s:I}", "shard", shard->number, "primary",
					       now->seen->nodes[shard->primary].address, "slots", shard->slots,
					       "slots_then", shard->slots_then, "measured", (json_int_t)shard->has,
					       "measured_then", (json_int_t)shard->has_then));
		if (!b->even)
			json_object_set_new(weights, rop_printf(r->arena, "%d", shard->number),
					    json_integer(shard->weight));
	}
	for (size_t i = 0; i < b->moves.n; i++) {
		const struct rop_rebalance_move *move = &b->moves.at[i];
		json_array_append_new(moves, rop_json("{s:i, s:i, s:i, s:o, s:I}", "from", b->shards[move->from].number,
						      "to", b->shards[move->to].number, "slots", move->slots, "keys",
						      move->keys < 0 ? json_null() : json_integer(move->keys),
						      "measured", (json_int_t)move->has));
	}
	return rop_json("{s:s, s:s, s:s, s:s, s:b, s:i, s:o, s:o, s:o, s:o}", "format_version", "1.0", "cluster",
			r->topology->name, "by", rop_by_name(b->by), "taken", TAKEN[b->by], "even", b->even,
			"open_slots", b->open_slots, "shards", shards, "shardWeights", weights, "lines",
			b->even ? json_null() : rop_json_text(lines.at), "moves", moves);
}
