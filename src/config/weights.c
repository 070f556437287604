/* weights.c - spec.shardWeights: one entry after the other, and whether they go with the shards. */
#include <string.h>

#include "rop/text.h"
#include "walk.h"

#define UNLABELLED_MAX 8 /* shards that a warning names */

void config_weight(struct config_walk *w, const struct config_key *key, const struct rop_doc_node *name,
		   const struct rop_doc_node *value)
{
	int64_t shard;
	if (!rop_int_parse(name->text, 1, 1000000000, &shard)) {
		rop_diag_error(w->diags, w->doc, name, "write NUMBER: WEIGHT, like 1: 2; shards are numbered from 1",
			       "'%.60s' is not the number of a shard", name->text);
		return;
	}
	struct rop_doc_node named = *name;
	named.text = rop_printf(w->arena, "%s.%s", config_key_name(key), name->text);
	struct config_key one = *key;
	one.type = CONFIG_INT;
	one.at = 0;
	int weight = CONFIG_WRONG;
	config_value(w, &one, &named, value, &weight);
	*rop_push(w->arena, &w->weights) = (struct config_weight){ .shard = (int)shard, .weight = weight, .at = name };
}

static bool is_labelled(const struct rop_topology *t, int shard)
{
	for (size_t i = 0; i < t->nodes.n; i++)
		if (t->nodes.at[i].shard == shard)
			return true;
	return false;
}

/* The database knows the numbers; should it be lost, labels do, and without them the order of slots makes others. */
static void warn_of_unlabelled(struct config_walk *w)
{
	const struct rop_topology *t = w->topology;
	ROP_OWN_TEXT shards = { 0 };
	const struct rop_doc_node *first = NULL;
	size_t n = 0;
	bool equal = true;
	for (int k = 1; k < t->shards; k++)
		equal &= t->weights[k] == t->weights[0];
	for (size_t i = 0; i < w->weights.n && !equal && !t->discovery_dns; i++) {
		const struct config_weight *weight = &w->weights.at[i];
		if (weight->weight == 1 || is_labelled(t, weight->shard))
			continue;
		first = first ? first : weight->at;
		if (n++ < UNLABELLED_MAX)
			rop_text_add(&shards, "%s%d", n > 1 ? ", " : "", weight->shard);
	}
	if (n)
		rop_diag_warn(w->diags, w->doc, first,
			      rop_printf(w->arena, "add 'shard: %s' to the nodes that `status` shows there",
					 n > 1 ? "NUMBER" : shards.at),
			      "no node has the label of shard%s %s%s: with the database lost, another shard may get "
			      "that number, and its weight",
			      rop_plural((int64_t)n), shards.at, n > UNLABELLED_MAX ? " and others" : "");
}

/* Numbers that are wrong have been complained about. */
void config_weights(struct config_walk *w)
{
	struct rop_topology *t = w->topology;
	bool fine = w->weights.n && t->shards >= 1;
	int *weights = rop_alloc_n(w->arena, fine ? (size_t)t->shards : 1, sizeof *weights);
	for (int k = 0; fine && k < t->shards; k++)
		weights[k] = 1;
	for (size_t i = 0; i < w->weights.n && t->shards >= 1; i++) {
		const struct config_weight *weight = &w->weights.at[i];
		if (weight->shard > t->shards)
			rop_diag_error(w->diags, w->doc, weight->at,
				       rop_printf(w->arena, "remove it, or declare more 'shards'; there are 1 to %d",
						  t->shards),
				       "there is no shard %d: 'shards' is %d", weight->shard, t->shards);
		if (weight->shard > t->shards || weight->weight < 1)
			fine = false;
		else
			weights[weight->shard - 1] = weight->weight;
	}
	if (!fine)
		return;
	int none = rop_shares_too_small(weights, t->shards);
	if (none) {
		rop_diag_error(w->diags, w->doc, w->weights.at[0].at, "choose weights that are closer to each other",
			       "by these weights shard %d gets none of the %d slots", none, ROP_SLOTS);
		return;
	}
	t->weights = weights;
	warn_of_unlabelled(w);
}
