/* plan_wording.c - what one group of steps does, where, in a line. */
#include <string.h>

#include "plan_groups.h"
#include "rop/libraries.h"
#include "rop/text.h"

/* "127.0.0.1:7000 ... 7005": first and last of the nodes named, in the order of the topology. */
static const char *span(struct rop_arena *arena, const struct rop_observed *seen, const bool *in)
{
	const char *first = NULL, *last = NULL;
	size_t n = 0;
	for (size_t i = 0; i < seen->asked; i++) {
		if (!in[i])
			continue;
		n++;
		last = seen->nodes[i].address;
		if (!first)
			first = last;
	}
	if (n < 2)
		return first ? first : "";
	const char *a = strrchr(first, ':'), *b = strrchr(last, ':');
	if (a && b && a - first == b - last && strncmp(first, last, (size_t)(a - first)) == 0)
		last = b + 1;
	return rop_printf(arena, n == 2 ? "%s, %s" : "%s ... %s", first, last);
}

static int shard_number(const struct rop_plan *plan, int node)
{
	int shard = plan->first->layout.shard_of[node];
	return shard < 0 ? 0 : plan->first->layout.shards[shard].number;
}

static const char *place_before(struct rop_arena *arena, const struct rop_plan *plan, int node)
{
	const struct rop_node *n = &plan->first->seen->nodes[node];
	if (n->primary < 0)
		return "a replica of a node that is not declared";
	return rop_printf(arena, "replica of shard %d", shard_number(plan, n->primary));
}

static const char *shown_before(struct rop_arena *arena, const struct rop_expect *e)
{
	return e->was ? rop_value_beside(arena, e->was, e->value) : "(unknown)";
}

/* About: an even part of what its owner has. */
static const char *keys_to_move(struct rop_arena *arena, const struct rop_node *from, int slots)
{
	int owned = rop_slots_count(&from->slots);
	if (from->keys < 0)
		return "an unknown number of keys";
	if (!from->keys || !owned)
		return "no keys";
	const char *keys = rop_printf(arena, "~%lld keys", (long long)(from->keys * slots / owned));
	if (from->data_memory < 0)
		return keys;
	int64_t bytes = (int64_t)((double)from->data_memory * slots / owned);
	return rop_printf(arena, "%s (~%s)", keys, rop_bytes_about(arena, bytes));
}

#define RANGES_SHOWN 60 /* characters */

static const char *move_text(struct rop_arena *arena, const struct rop_plan *plan, const struct plan_group *g)
{
	int n = rop_slots_count(&g->slots);
	const char *slots = rop_slots_text(arena, &g->slots);
	const char *more = strlen(slots) > RANGES_SHOWN ? " ..." : "";
	if (g->step->expect.kind == ROP_STEP_RELEASE)
		return rop_printf(arena, "%d slot%s stay%s where %s (%.*s%s); the move was begun and carried nothing",
				  n, rop_plural(n), n == 1 ? "s" : "", n == 1 ? "it is" : "they are", RANGES_SHOWN,
				  slots, more);
	return rop_printf(arena, "%d slot%s, %s: %.*s%s", n, rop_plural(n),
			  keys_to_move(arena, &plan->first->seen->nodes[plan_giver(plan, g->step)], n), RANGES_SHOWN,
			  slots, more);
}

/* What it was, and that it is none of this cluster any more. */
static const char *leaver_text(const struct rop_plan *plan, int node)
{
	return plan->first->seen->nodes[node].role == ROP_ROLE_REPLICA
		       ? "leaves: a replica, reset to a node without data (CLUSTER RESET HARD)"
		       : "leaves: reset to a node that knows nobody (CLUSTER RESET HARD)";
}

/* LOWER, RESTORE, SETTING, PERSIST */
static void tell_setting(struct rop_arena *arena, const struct rop_plan *plan, const struct plan_group *g,
			 struct plan_line *line)
{
	const struct rop_expect *e = &g->step->expect;
	line->sign = "~";
	line->heading = "Settings";
	if (e->kind == ROP_STEP_LOWER || e->kind == ROP_STEP_RESTORE)
		line->heading = "Settings (temporary)";
	if (e->kind == ROP_STEP_LOWER)
		line->what = rop_printf(arena, "%s %s -> %s, %s", e->name, e->was, e->value,
					e->peer[0] ? "put back once in sync" : "restored when formed");
	else if (e->kind == ROP_STEP_RESTORE && plan_is_found(plan, g->step))
		line->what = rop_printf(arena, "%s %s", e->name, e->why);
	else if (e->kind == ROP_STEP_RESTORE)
		line->what = rop_printf(arena, "%s %s -> %s, put back", e->name, e->was, e->value);
	else if (e->kind == ROP_STEP_SETTING)
		line->what = rop_printf(arena, "%s %s -> %s", e->name, shown_before(arena, e),
					rop_value_shown(e->value));
	else
		line->what = "write the settings to the configuration file";
}

static void tell_introduction(struct rop_arena *arena, const struct rop_plan *plan, const struct plan_group *g,
			      struct plan_line *line)
{
	const struct rop_observed *seen = plan->first->seen;
	bool again = rop_bit(seen, seen->known, (size_t)g->step->node, (size_t)g->step->peer);
	line->who = span(arena, seen, g->nodes);
	line->what = rop_printf(arena, "introduce %zu node%s%s%s", g->n_nodes, rop_plural((int64_t)g->n_nodes),
				g->n_nodes < seen->n ? " to the others" : "", again ? " again, at new addresses" : "");
}

static void tell_role(struct rop_arena *arena, const struct rop_plan *plan, const struct plan_group *g,
		      struct plan_line *line)
{
	const struct rop_node *nodes = plan->first->seen->nodes;
	line->what = rop_printf(arena, "replica of shard %d (%s)", shard_number(plan, g->step->peer),
				nodes[g->step->peer].address);
	if (nodes[g->step->node].role != ROP_ROLE_REPLICA)
		return;
	line->sign = "~"; /* it moves */
	line->what = rop_printf(arena, "%s, was %s", line->what, place_before(arena, plan, g->step->node));
}

/* FAILOVER, RESET, FORGET */
static void tell_leaving(struct rop_arena *arena, const struct rop_plan *plan, const struct plan_group *g,
			 struct plan_line *line)
{
	const struct rop_observed *seen = plan->first->seen;
	const struct rop_expect *e = &g->step->expect;
	line->sign = e->kind == ROP_STEP_FAILOVER ? "~" : "-";
	if (e->kind == ROP_STEP_FAILOVER && g->step->peer < 0) {
		line->what = rop_printf(arena, "takes the slots of %.8s over, which is nobody any more (FORCE)",
					e->peer);
	} else if (e->kind == ROP_STEP_FAILOVER) {
		line->what = rop_printf(arena, "takes shard %d over from %s, %s", shard_number(plan, g->step->peer),
					seen->nodes[g->step->peer].address,
					seen->nodes[g->step->peer].leaving ? "which leaves" : "as was asked for");
	} else if (e->kind == ROP_STEP_RESET) {
		line->who = seen->nodes[g->step->node].address;
		line->what = leaver_text(plan, g->step->node);
	} else {
		int gone = rop_observed_find_leaving(seen, e->peer);
		line->what = rop_printf(arena, "forget%s %s", g->n_nodes == 1 ? "s" : "",
					gone >= 0 ? seen->nodes[gone].address : e->peer);
	}
}

#define RANGES_TOLD 3

/* A node that kept its keys and not its nodes.conf gets what lies between them: hundreds of ranges. */
static const char *slots_given(struct rop_arena *arena, const struct rop_slots *slots)
{
	int runs = 0, first, last, n = rop_slots_count(slots);
	for (int from = 0; rop_slots_run(slots, from, &first, &last); from = last + 1)
		runs++;
	if (runs <= RANGES_TOLD)
		return rop_printf(arena, "slot%s %s", rop_plural(n), rop_slots_text(arena, slots));
	return rop_printf(arena, "%d slots in %d ranges, from %d to %d", n, runs, rop_slots_first(slots), last);
}

struct plan_line plan_line_of(struct rop_arena *arena, const struct rop_plan *plan, const struct plan_group *g)
{
	const struct rop_observed *seen = plan->first->seen;
	const struct rop_expect *e = &g->step->expect;
	const char *who = g->n_nodes > 2 ? rop_printf(arena, "%zu nodes", g->n_nodes) : span(arena, seen, g->nodes);
	struct plan_line line = { .heading = g->step->state, .sign = "+", .who = who };
	switch (e->kind) {
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_SETTING:
	case ROP_STEP_PERSIST: tell_setting(arena, plan, g, &line); break;
	case ROP_STEP_EPOCH: line.what = "a config epoch of its own for each"; break;
	case ROP_STEP_BUMP:
		line.sign = "~";
		line.what = rop_printf(arena, "a new config epoch: it went back, its peers hold %lld",
				       (long long)e->epoch);
		break;
	case ROP_STEP_MEET: tell_introduction(arena, plan, g, &line); break;
	case ROP_STEP_GREET: line.what = "tell other nodes its shard (MEET again)"; break;
	case ROP_STEP_SLOTS:
		line.shard = shard_number(plan, g->step->node);
		line.what = slots_given(arena, &g->slots);
		break;
	case ROP_STEP_ROLE: tell_role(arena, plan, g, &line); break;
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT:
	case ROP_STEP_CARRY:
	case ROP_STEP_MOVE:
	case ROP_STEP_TAKE:
	case ROP_STEP_YIELD:
	case ROP_STEP_RELEASE:
		line.sign = "~";
		line.who = rop_printf(arena, "shard %d -> shard %d", shard_number(plan, plan_giver(plan, g->step)),
				      shard_number(plan, plan_taker(plan, g->step)));
		line.what = move_text(arena, plan, g);
		break;
	case ROP_STEP_FAILOVER:
	case ROP_STEP_RESET:
	case ROP_STEP_FORGET: tell_leaving(arena, plan, g, &line); break;
	case ROP_STEP_TAKEOVER:
		line.sign = "~";
		line.what = rop_printf(arena, "takes shard %d over without a vote, %s is silent",
				       shard_number(plan, g->step->peer), seen->nodes[g->step->peer].address);
		break;
	case ROP_STEP_EMPTY:
		line.sign = "-";
		line.what = rop_printf(arena, "is emptied: %lld key%s that it kept",
				       (long long)seen->nodes[g->step->node].keys,
				       rop_plural(seen->nodes[g->step->node].keys));
		break;
	case ROP_STEP_FUNCTIONS:
		line.what = rop_printf(arena, "function libraries of %s: %s", seen->nodes[g->step->peer].address,
				       rop_libraries_names(arena, e->value));
		break;
	case ROP_STEP_KINDS_N: break;
	}
	return line;
}

void report_plan_steps(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out)
{
	struct plan_groups groups;
	plan_groups_make(r->arena, plan, &groups);
	for (size_t i = 0; i < groups.list.n; i++) {
		struct plan_line line = plan_line_of(r->arena, plan, &groups.list.at[i]);
		rop_text_add(out, "\n%s%s%s %s ", report_paint(r, "yellow"), line.sign, report_paint(r, "off"),
			     line.who);
		report_below(r, line.what, 2, out);
	}
	rop_text_add(out, "\n");
}
