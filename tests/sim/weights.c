/* weights.c - shares of slots by weight: in a part of the seeds whose slots move. They have a stream of chance of their
 * own, so that the other seeds stay as they were. The nodes of weighed shards have labels: whoever leads one is known
 * by it, also where the database is lost.
 */
#include <string.h>

#include "sim.h"

#define MOST_SHARDS 8 /* of a story with moves, by far */
#define OWNERS_MAX 12
#define TOLERANCE_PERCENT 2

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

/* Which owner has which number: whoever is alone with its label has that one, of several with one label (members that
 * swapped their addresses) one has it, and the others may have any, as those without a label may. Of what is so
 * allowed the nearest to what they own. */
struct matching {
	int shards, owners;
	int label[OWNERS_MAX], owned[OWNERS_MAX]; /* [owner] */
	int shares[OWNERS_MAX];                   /* [number - 1]; those that are not declared: 0 */
	int number[OWNERS_MAX], best[OWNERS_MAX]; /* [owner] */
	bool used[OWNERS_MAX + 1];
	int64_t least;
};

static int labelled_so(const struct matching *m, int label)
{
	int n = 0;
	for (int o = 0; o < m->owners; o++)
		n += m->label[o] == label;
	return n;
}

static bool may_have(const struct matching *m, int owner, int number)
{
	int alike = m->label[owner] ? labelled_so(m, m->label[owner]) : 0;
	return !m->used[number] && (number == m->label[owner] || alike != 1);
}

/* Of those with that owner's label one has the number. */
static bool has_its_label(const struct matching *m, int owner)
{
	for (int o = 0; o < m->owners && m->label[owner]; o++)
		if (m->label[o] == m->label[owner] && m->number[o] == m->label[owner])
			return true;
	return !m->label[owner];
}

/* One that is beyond the tolerance is worse than any that are within. */
static int64_t cost_of(int owned, int share)
{
	int off = owned > share ? owned - share : share - owned;
	return off + (weights_off(owned, share) ? ROP_SLOTS * OWNERS_MAX : 0);
}

static void match(struct matching *m, int owner, int64_t cost)
{
	if (cost >= m->least)
		return;
	if (owner == m->owners) {
		for (int o = 0; o < m->owners; o++)
			if (!has_its_label(m, o))
				return;
		memcpy(m->best, m->number, sizeof m->best);
		m->least = cost;
		return;
	}
	int numbers = m->shards > m->owners ? m->shards : m->owners;
	for (int number = 1; number <= numbers; number++) {
		if (!may_have(m, owner, number))
			continue;
		m->used[number] = true;
		m->number[owner] = number;
		match(m, owner + 1, cost + cost_of(m->owned[owner], m->shares[number - 1]));
		m->used[number] = false;
	}
}

/* A few slots more or less than 2 % of it. */
bool weights_off(int owned, int share)
{
	int off = owned > share ? owned - share : share - owned;
	return off > 2 && off * 100 > share * TOLERANCE_PERCENT + 100;
}

/* Without weights all have the same, give or take one. */
static void even_shares(const struct rop_observed *t, int shards, int *ret_shares)
{
	int least = ROP_SLOTS / shards, most = least + (ROP_SLOTS % shards != 0);
	for (size_t i = 0; i < t->n; i++)
		ret_shares[i] = rop_slots_count(&t->nodes[i].slots) > least ? most : least;
}

void weights_shares(const struct sim *s, int *ret_shares)
{
	const struct rop_observed *t = s->world->truth;
	struct matching m = { .shards = s->topology->shards, .least = INT64_MAX };
	if (!s->topology->weights) {
		even_shares(t, m.shards, ret_shares);
		return;
	}
	rop_shares(s->topology->weights, m.shards, m.shares);
	for (size_t i = 0; i < t->n && m.owners < OWNERS_MAX; i++) {
		int owned = rop_slots_count(&t->nodes[i].slots), label = s->topology->nodes.at[i].shard;
		ret_shares[i] = 0;
		if (!owned)
			continue;
		m.owned[m.owners] = owned;
		m.label[m.owners++] = label <= m.shards ? label : 0;
	}
	match(&m, 0, 0);
	for (size_t i = 0, o = 0; i < t->n && o < (size_t)m.owners; i++)
		if (rop_slots_count(&t->nodes[i].slots))
			ret_shares[i] = m.shares[m.best[o++] - 1];
}
