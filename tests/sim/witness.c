/* witness.c - has a primary's replica got what the primary was given? Asked before keys travel and before slots are
 * handed over, as src/redis/fleet_witness.c does; and what must be true because of it: a primary that dies takes no
 * more carried keys with it than one batch, and none of slots that it had taken over.
 */
#include "sim.h"

static bool has_all(const struct world *w, size_t node, size_t primary)
{
	const struct server *r = &w->servers[node], *p = &w->servers[primary];
	return r->up && w->truth->nodes[node].role == ROP_ROLE_REPLICA && r->history == p->history &&
	       r->count >= p->count;
}

bool witness_has(struct world *w, const struct delivery *d, size_t primary, bool all)
{
	size_t n = 0;
	if (w->sim->sabotage == SABOTAGE_UNWITNESSED)
		return true;
	for (size_t i = 0; i < d->n_witnesses; i++) {
		data_catch_up(w, (size_t)d->witnesses[i], primary);
		n += has_all(w, (size_t)d->witnesses[i], primary);
	}
	return n >= (all || d->n_witnesses == 0 ? d->n_witnesses : 1);
}

static bool is_elsewhere(const struct world *w, size_t k, size_t but)
{
	for (size_t i = 0; i < w->truth->n; i++)
		if (i != but && writes_has(&w->servers[i].has, k))
			return true;
	return false;
}

void witness_judge(struct world *w, size_t node, size_t from)
{
	size_t alone = 0;
	for (size_t k = 0; k < w->n_writes; k++) {
		const struct write *write = &w->writes[k];
		if (write->travelled != (int)from + 1 || !writes_has(&w->servers[from].has, k) ||
		    is_elsewhere(w, k, from))
			continue;
		alone++;
		if (write->taken)
			sim_fail(w->sim, "%zu takes over from %zu, which alone had write %zu when it took slot %d over",
				 node, from, k, write->slot);
	}
	if (alone)
		sim_lived(w->sim, LIVED_BATCH_LOST);
	if (alone > CARRY_BATCH)
		sim_fail(w->sim, "%zu takes over from %zu, which alone had %zu carried keys, more than a batch of %d",
			 node, from, alone, CARRY_BATCH);
}
