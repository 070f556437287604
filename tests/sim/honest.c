/* honest.c - the physics in gossip.c are only as good as rop_settle, which live tests hold against real servers: from
 * many starts, where gossip.c ends must be where rop_settle jumps to. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

/* Random acquaintances, slots and roles: more disorder than any operator makes. */
static void disturb(struct sim *s)
{
	struct world *w = s->world;
	struct chance *c = &s->chance;
	size_t n = w->truth->n;
	for (size_t links = chance_below(c, 2 * n + 1); links > 0; links--)
		rop_bit_set(w->truth, w->truth->known, chance_below(c, n), chance_below(c, n));
	gossip_count_others(w);
	for (size_t i = 0; i < n; i++) {
		struct rop_node *node = &w->truth->nodes[i];
		if (!chance_permille(c, 300) || node->role == ROP_ROLE_REPLICA)
			continue;
		if (!node->epoch) /* equal epochs are not modelled */
			node->epoch = node->current_epoch = 1000 + (int64_t)i;
		int first = (int)chance_below(c, ROP_SLOTS), last = first + (int)chance_below(c, 3000);
		struct delivery d = { .node = (int)i,
				      .decided_ms = -1,
				      .expect = { .kind = ROP_STEP_SLOTS, .first = first } };
		d.expect.last = last < ROP_SLOTS ? last : ROP_SLOTS - 1;
		memcpy(d.expect.node, node->id, ROP_ID_SIZE);
		server_execute(w, &d);
		world_news(w, i);
	}
	for (size_t deaths = chance_below(c, 3); deaths > 0; deaths--)
		world_down(w, chance_below(c, n), 0);
}

static bool same_row(const struct rop_observed *a, const struct rop_observed *b, const uint64_t *x, const uint64_t *y,
		     size_t i)
{
	for (size_t j = 0; j < a->n;
	     j++) /* what is said of silent nodes decides nothing, and takes its time to be noticed */
		if (b->nodes[j].reach == ROP_REACH_OK && rop_bit(a, x, i, j) != rop_bit(b, y, i, j))
			return false;
	return true;
}

static const char *difference(const struct rop_observed *a, const struct rop_observed *b)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct rop_node *x = &a->nodes[i], *y = &b->nodes[i];
		if (x->reach != ROP_REACH_OK)
			continue;
		if (memcmp(&a->known[i * a->words], &b->known[i * b->words], a->words * sizeof *a->known) != 0 ||
		    x->others != y->others)
			return "acquaintance";
		if (!same_row(a, b, a->linked, b->linked, i))
			return "links";
		if (!same_row(a, b, a->agrees, b->agrees, i))
			return "agreement";
		if (memcmp(&x->slots, &y->slots, sizeof x->slots) != 0)
			return "slots";
		if (x->epoch != y->epoch || x->current_epoch != y->current_epoch)
			return "epochs";
		if (x->state_ok != y->state_ok)
			return "states";
		if (x->role == ROP_ROLE_REPLICA && (x->link_up != y->link_up || x->syncing != y->syncing))
			return "links of replicas";
		if (x->handshakes || y->handshakes)
			return "handshakes";
	}
	return NULL;
}

/* A prediction knows one claim of a silent node, not who has heard it: it cannot tell a viewer that never will. */
static bool predictable(const struct rop_observed *seen)
{
	for (size_t i = 0; i < seen->n; i++)
		for (size_t j = 0; j < seen->n; j++)
			if (seen->nodes[j].reach != ROP_REACH_OK && rop_bit(seen, seen->known, i, j) &&
			    !rop_bit(seen, seen->agrees, i, j))
				return false;
	return true;
}

static bool honest_seed(const struct sim *like, uint64_t seed, size_t *checked, const char **ret_difference)
{
	struct sim s = *like;
	ROP_OWN_ARENA arena = rop_arena_new();
	s.arena = arena;
	s.seed = s.chance.state = seed;
	if (!operator_open_store(&s))
		return false;
	start_make(&s);
	disturb(&s);
	for (int i = 0; i < 200 && s.world->unsettled;
	     i++) /* links to the dead are noticed first: rop_settle only adds */
		world_advance(s.world, s.world->now_ms + chance_between(&s.chance, 0, 20));
	struct rop_observed *before = look_at_truth(s.world, s.topology);
	bool comparable = predictable(before);
	rop_settle(before);
	world_advance(s.world, s.world->now_ms + 120000);
	struct rop_observed *after = look_at_truth(s.world, s.topology);
	*ret_difference = comparable ? difference(after, before) : NULL;
	if (s.world->unsettled)
		*ret_difference = "it does not settle";
	*checked += comparable;
	rop_arena_free(before->arena);
	rop_arena_free(after->arena);
	rop_store_close(s.store);
	return !*ret_difference;
}

bool honest(struct rop_arena *arena, uint64_t seeds, size_t *ret_checked)
{
	struct stats stats = { 0 };
	struct sim like = { .arena = arena, .stats = &stats };
	bool all = true;
	*ret_checked = 0;
	for (uint64_t seed = 0; seed < seeds; seed++) {
		const char *difference = "no store";
		if (honest_seed(&like, seed, ret_checked, &difference))
			continue;
		printf("physics, seed %" PRIu64 ": gossip does not end where rop_settle does: %s\n", seed, difference);
		all = false;
	}
	return all;
}
