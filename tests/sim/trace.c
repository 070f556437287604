/* trace.c - chance, and the story of a seed: virtual time, who, what, why. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

/* splitmix64: one word of state, every seed is good. */
uint64_t chance_next(struct chance *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

int64_t chance_between(struct chance *c, int64_t least, int64_t most)
{
	return least + (int64_t)(chance_next(c) % (uint64_t)(most - least + 1));
}

size_t chance_below(struct chance *c, size_t n)
{
	return (size_t)(chance_next(c) % n);
}

bool chance_permille(struct chance *c, int64_t permille)
{
	return chance_between(c, 0, 999) < permille;
}

/* ---- the story --------------------------------------------------------------------------------------------- */

/* Node ids become "#3": nobody remembers forty digits. */
static void print_short(const struct sim *s, const char *text)
{
	while (*text) {
		char id[ROP_ID_SIZE];
		size_t n = strspn(text, "0123456789abcdef");
		snprintf(id, sizeof id, "%s", text);
		int node = n == ROP_ID_SIZE - 1 && s->world ? rop_observed_find(s->world->truth, id) : -1;
		if (node >= 0)
			printf("#%d", node);
		else
			printf("%.*s", n ? (int)n : 1, text);
		text += n ? n : 1;
	}
}

__attribute__((format(printf, 3, 0))) static void line(const struct sim *s, const char *who, const char *fmt,
						       va_list ap)
{
	int64_t now = s->world ? s->world->now_ms : 0;
	ROP_OWN_ARENA scratch = rop_arena_new();
	printf("%4" PRId64 ".%03" PRId64 "  %-9s ", now / 1000, now % 1000, who);
	print_short(s, rop_vprintf(scratch, fmt, ap));
	putchar('\n');
}

void trace(struct sim *s, const char *who, const char *fmt, ...)
{
	if (!s->traced)
		return;
	va_list ap;
	va_start(ap, fmt);
	line(s, who, fmt, ap);
	va_end(ap);
}

/* Only the first failure counts: what follows may follow from it. */
void sim_fail(struct sim *s, const char *fmt, ...)
{
	if (s->failed)
		return;
	s->failed = true;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(s->failure, sizeof s->failure, fmt, ap);
	va_end(ap);
	if (!s->traced)
		return;
	va_start(ap, fmt);
	line(s, "FAILED", fmt, ap);
	va_end(ap);
}

void trace_begin(struct sim *s)
{
	const struct rop_topology *t = s->topology;
	const struct rop_observed *truth = s->world->truth;
	trace(s, "seed", "%" PRIu64 ": %s; %d shards, %d replicas each, %zu nodes; faults end at %" PRId64 " ms%s",
	      s->seed, START_NAMES[s->start], t->shards, t->replicas_per_shard, t->nodes.n, s->faults_end_ms,
	      s->calm ? " (none)" : "");
	for (size_t i = 0; i < truth->n && s->traced; i++) {
		ROP_OWN_ARENA scratch = rop_arena_new();
		const struct rop_node *node = &truth->nodes[i];
		ROP_OWN_TEXT knows = { 0 };
		for (size_t j = 0; j < truth->n; j++)
			if (i != j && rop_bit(truth, truth->known, i, j))
				rop_text_add(&knows, " %zu", j);
		trace(s, "start",
		      "node %zu %s %.8s %s epoch %" PRId64 " slots [%s] keys %" PRId64 " zone %s shard %d knows [%s ]",
		      i, node->address, node->id, node->role == ROP_ROLE_REPLICA ? "replica" : "primary", node->epoch,
		      rop_slots_text(scratch, &node->slots), node->keys,
		      t->nodes.at[i].zone ? t->nodes.at[i].zone : "-", t->nodes.at[i].shard, knows.at ? knows.at : "");
	}
}
