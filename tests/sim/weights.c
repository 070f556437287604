/* weights.c - shares of slots by weight: in a part of the seeds whose slots move. They have a stream of chance of their
 * own, so that the other seeds stay as they were. The nodes of weighed shards have labels: whoever leads one is known
 * by it, also where the database is lost.
 */
#include <string.h>

#include "sim.h"

#define MOST_SHARDS 8 /* of a story with moves, by far */

static int *draw(struct sim *s, int labelled)
{
	struct chance *c = &s->weights;
	int *weights = rop_alloc_n(s->arena, MOST_SHARDS, sizeof *weights);
	for (int k = 0; k < MOST_SHARDS; k++)
		weights[k] = k < labelled ? (int)chance_between(c, 1, chance_permille(c, 300) ? 40 : 4) : 1;
	return weights;
}

/* The shards that are there before and after an edit: those have labels. */
static int labelled(const struct sim *s)
{
	int n = s->topology->shards < s->owners ? s->topology->shards : s->owners;
	return s->edit_shards && s->edit_shards < n ? s->edit_shards : n;
}

void weights_shape(struct sim *s)
{
	struct chance *c = &s->weights;
	if (!chance_permille(c, 350))
		return;
	s->only_weights = s->start != START_OPENED && chance_permille(c, 350);
	if (s->only_weights) {
		s->owners = s->topology->shards = s->topology->shards < s->owners ? s->topology->shards : s->owners;
		s->edit_shards = 0;
	}
	s->topology->weights = draw(s, labelled(s));
	if (chance_permille(c, 400))
		s->edit_weights = draw(s, labelled(s));
	else if (chance_permille(c, 100))
		s->drop_weights = true;
	sim_lived(s, LIVED_WEIGHED);
}

void weights_label(struct sim *s, const size_t *order)
{
	size_t per = (size_t)s->topology->replicas_per_shard + 1;
	for (int k = 0; s->topology->weights && k < labelled(s); k++)
		for (size_t r = 0; r < per; r++)
			s->topology->nodes.at[order[(size_t)k * per + r]].shard = k + 1;
}

bool weights_edit(struct sim *s)
{
	if (!s->edit_weights && !s->drop_weights)
		return false;
	trace(s, "person", "declares other weights");
	s->topology->weights = s->edit_weights;
	s->weights_dropped |= s->drop_weights;
	s->edit_weights = NULL;
	s->drop_weights = false;
	sim_lived(s, LIVED_EDIT_WEIGHTS);
	return true;
}

/* Of that node, when it owns slots. Who has no label may lead any shard: then the share that is nearest to what it has.
 */
int weights_share(const struct sim *s, size_t node, int owned)
{
	int shards = s->topology->shards, shares[ROP_NODES_MAX], label = s->topology->nodes.at[node].shard, best = 0;
	rop_shares(s->topology->weights, shards, shares);
	if (label >= 1 && label <= shards && s->topology->weights)
		return shares[label - 1];
	for (int k = 0; k < shards; k++) {
		int off = owned > shares[k] ? owned - shares[k] : shares[k] - owned;
		int least = owned > shares[best] ? owned - shares[best] : shares[best] - owned;
		best = off < least ? k : best;
	}
	return shares[best];
}
